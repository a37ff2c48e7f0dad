//! What the keys of the cache pane do to the app, and what the replies to them do.

use jiff::Timestamp;

use super::marking::foreign;
use super::{Deletion, Findings, Section, Subject, UnusedQuestion, findings};
use crate::desk::{
    self, DeletionPlan, DeletionReport, DeletionTarget, Disposal, Fault, FaultKind, MendReport, RepoKey, RestoreReport, TrashEntry, TrashId,
};
use crate::tui::app::actions::Action;
use crate::tui::app::msg::{Effect, Effects, Seq};
use crate::tui::app::{App, Dialog, Message, Pane, Question, counted};

/// Carries out an action that is the cache's own.
pub(in crate::tui::app) fn perform(app: &mut App, action: Action) -> Effects {
    let now = app.now;
    app.cache.hold();
    if let (Some(work), Action::Delete | Action::Undo | Action::EmptyTrash) = (&app.cache.working, action) {
        let why = format!("{work}: that comes first");
        return warn(app, why);
    }
    let done = match action {
        Action::Unfold => Ok(app.cache.open(now)),
        Action::Fold => {
            app.cache.close(now);
            Ok(Effects::new())
        }
        Action::Mark => app.cache.mark(),
        Action::MarkAll => Ok(app.cache.mark_all(now)),
        Action::MarkBulk(bulk) => app.cache.mark_bulk(bulk, &app.board),
        Action::MarkUnused => Ok(ask(app, Question::Unused(UnusedQuestion::default()))),
        Action::Filter => {
            app.cache.filter.editing = true;
            Ok(Effects::new())
        }
        Action::Delete => delete(app),
        Action::Undo => undo(app),
        Action::EmptyTrash => empty(app, app.cache.tree.listing.trash.clone()),
        Action::Pin => pin(app),
        Action::Diagnose => Ok(diagnose(app)),
        _ => Ok(Effects::new()),
    };
    done.unwrap_or_else(|why| warn(app, why))
}

fn warn(app: &mut App, why: String) -> Effects {
    app.tell(Message::warning(why));
    Effects::new()
}

fn ask(app: &mut App, question: Question) -> Effects {
    app.dialog = Some(question.into());
    Effects::new()
}

/// Asks whether the marks, else what is under the cursor, shall go. In the trash that is emptying it.
fn delete(app: &mut App) -> Result<Effects, String> {
    if !app.cache.marks.is_empty() {
        let targets = app.cache.targets();
        return Ok(question(app, targets));
    }
    let Some(subject) = app.cache.current() else { return Ok(Effects::new()) };
    let targets = match subject {
        Subject::Trashed(entry) => return empty(app, vec![entry.clone()]),
        Subject::Section(Section::Trash) => return empty(app, app.cache.tree.listing.trash.clone()),
        Subject::Section(Section::Payloads) => {
            app.cache.tree.listing.orphans.iter().map(|payload| DeletionTarget::Payload(payload.hash.clone())).collect()
        }
        Subject::Reading(..) => return Err("its contents are not known yet".to_owned()),
        _ => vec![subject.target().ok_or_else(|| foreign(subject))?],
    };
    Ok(question(app, targets))
}

/// Opens the dialog about these at once where the answer is there, else when it comes.
fn question(app: &mut App, targets: Vec<DeletionTarget>) -> Effects {
    let effects = if app.cache.planning.is_about(&targets) { Effects::new() } else { app.cache.planning.ask(targets) };
    app.cache.planning.asked = true;
    open_question(app, None);
    effects
}

/// Takes an answer about a deletion in.
pub(in crate::tui::app) fn planned(app: &mut App, seq: Seq, reply: Result<DeletionPlan, Fault>) -> Effects {
    let effects = app.cache.planning.receive(seq, reply);
    open_question(app, Some(app.now));
    effects
}

/// Forgets a dialog that is waited for once the person does something else: it must not come up under keys that are meant for that.
pub(in crate::tui::app) fn stop_waiting_elsewhere(app: &mut App) {
    if app.focus != Pane::Cache || app.cache.filter.editing || app.cache.working.is_some() {
        app.cache.planning.asked = false;
    }
}

/// Opens the dialog that is waited for, unless another has come up meanwhile.
fn open_question(app: &mut App, since: Option<Timestamp>) {
    let planning = &mut app.cache.planning;
    let Some(answer) = planning.answer.clone().filter(|_| planning.asked) else { return };
    planning.asked = false;
    match answer {
        Ok(plan) if app.dialog.is_none() => {
            let deletion = Deletion::new(&app.cache, plan, app.now);
            app.dialog = Some(Dialog { since, ..Question::Delete(deletion).into() });
        }
        Ok(_) => app.tell(Message::warning("the plan came while another dialog was open: ask for it again")),
        Err(fault) => app.fail(&fault),
    }
}

/// Carries a plan out.
pub(in crate::tui::app) fn carry_out(app: &mut App, plan: DeletionPlan, disposal: Disposal) -> Effects {
    let what = titled(&plan.targets);
    app.cache.working = Some(match disposal {
        Disposal::Trash => format!("moving {what} to the trash"),
        Disposal::Forever => format!("deleting {what}"),
    });
    vec![Effect::Delete(plan, disposal)]
}

/// What targets are, counted by their kinds: `2 repositories, 3 files`.
pub fn titled(targets: &[DeletionTarget]) -> String {
    let count = |one: &str, many: &str, of: &dyn Fn(&DeletionTarget) -> usize| {
        let count = targets.iter().map(of).sum();
        (count > 0).then(|| counted(count, one, many))
    };
    let parts = [
        count("repository", "repositories", &|target| usize::from(matches!(target, DeletionTarget::Repo(_)))),
        count("revision", "revisions", &|target| usize::from(matches!(target, DeletionTarget::Revision { .. }))),
        count("file", "files", &|target| if let DeletionTarget::Files { files, .. } = target { files.len() } else { 0 }),
        count("unused blob", "unused blobs", &|target| usize::from(matches!(target, DeletionTarget::Leftover { .. }))),
        count("shared payload", "shared payloads", &|target| usize::from(matches!(target, DeletionTarget::Payload(_)))),
        count("set of locks", "sets of locks", &|target| usize::from(matches!(target, DeletionTarget::Locks(_)))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Tells what a deletion did, and reads the disk again: also where it was refused because the disk is not as it was.
pub(in crate::tui::app) fn deleted(app: &mut App, targets: &[DeletionTarget], reply: Result<DeletionReport, Fault>) -> Effects {
    let work = app.cache.working.take().unwrap_or_default();
    let mut effects = Effects::new();
    match reply {
        Ok(report) => {
            app.tell(told(&work, &report));
            effects = app.cache.unmark(targets);
            if let Some(entry) = report.trashed {
                app.cache.change_trash(app.now, |trash| {
                    trash.retain(|held| held.id != entry.id);
                    trash.insert(0, entry);
                });
            }
        }
        Err(fault) => app.fail(&fault),
    }
    [effects, app.cache.read_anew()].concat()
}

fn told(work: &str, report: &DeletionReport) -> Message {
    let what = work.trim_start_matches("deleting ").trim_start_matches("moving ").trim_end_matches(" to the trash");
    let done = match &report.trashed {
        None => format!("deleted {what}, freed {}", desk::bytes(report.freed)),
        Some(entry) => {
            let later = format!("{} come free when it is emptied", desk::bytes(entry.frees));
            format!("moved {what} to the trash: {later}; u brings it back")
        }
    };
    match report.failures.first() {
        None => Message::info(done),
        Some(first) => Message::error(&Fault::new(
            FaultKind::Disk,
            format!("{done}, but {} could not be removed: {first}", counted(report.failures.len(), "path", "paths")),
        )),
    }
}

/// Takes back the deletion under the cursor, else the newest in the trash.
fn undo(app: &mut App) -> Result<Effects, String> {
    let entry = match app.cache.current() {
        Some(Subject::Trashed(entry)) => Some(entry),
        _ => app.cache.newest_deletion(),
    };
    let entry = entry.ok_or("the trash is empty: there is nothing to bring back")?.clone();
    app.cache.working = Some(format!("bringing back {}", titled(&entry.targets)));
    Ok(vec![Effect::Restore(entry.id)])
}

/// Tells what was brought back, and reads the disk again.
pub(in crate::tui::app) fn restored(app: &mut App, reply: Result<RestoreReport, Fault>) -> Effects {
    app.cache.working = None;
    match reply {
        Ok(report) => {
            app.tell(brought_back(&report));
            let RestoreReport { restored, kept, .. } = report;
            app.cache.change_trash(app.now, |trash| match kept {
                None => trash.retain(|held| held.id != restored.id),
                Some(rest) => trash.iter_mut().filter(|held| held.id == rest.id).for_each(|held| *held = rest.clone()),
            });
        }
        Err(fault) => app.fail(&fault),
    }
    app.cache.read_anew()
}

fn brought_back(report: &RestoreReport) -> Message {
    let done = format!("brought back {}", titled(&report.restored.targets));
    let done = report.moved_on.iter().fold(done, |done, why| format!("{done}; {why}"));
    match (&report.kept, report.failures.first()) {
        (Some(rest), Some(first)) => {
            let stays = titled(&rest.targets);
            Message::error(&Fault::new(
                FaultKind::Conflict,
                format!("{done}, but {stays} could not come back and is still in the trash: {first}"),
            ))
        }
        _ => Message::info(done),
    }
}

fn empty(app: &mut App, entries: Vec<TrashEntry>) -> Result<Effects, String> {
    if entries.is_empty() {
        return Err("the trash is empty".to_owned());
    }
    Ok(ask(app, Question::EmptyTrash(entries)))
}

/// Empties these out of the trash.
pub(in crate::tui::app) fn empty_out(app: &mut App, ids: Vec<TrashId>) -> Effects {
    app.cache.working = Some("emptying the trash".to_owned());
    vec![Effect::EmptyTrash(ids)]
}

/// Tells what came free, and reads the disk again.
pub(in crate::tui::app) fn emptied(app: &mut App, ids: &[TrashId], reply: Result<u64, Fault>) -> Effects {
    app.cache.working = None;
    match reply {
        Ok(freed) => {
            app.tell(Message::info(format!("emptied the trash, freed {}", desk::bytes(freed))));
            app.cache.change_trash(app.now, |trash| trash.retain(|held| !ids.contains(&held.id)));
        }
        Err(fault) => app.fail(&fault),
    }
    app.cache.read_anew()
}

fn pin(app: &mut App) -> Result<Effects, String> {
    let repo = app.cache.current().and_then(Subject::repo).ok_or("only repositories are pinned")?;
    let key = repo.key.clone();
    let pinned = !app.cache.is_pinned(&key);
    Ok(vec![Effect::Pin(key, pinned)])
}

/// Shows what is pinned now; that is not marked any more.
pub(in crate::tui::app) fn pinned(app: &mut App, key: RepoKey, pinned: bool, reply: Result<(), Fault>) -> Effects {
    if let Err(fault) = reply {
        app.fail(&fault);
        return Effects::new();
    }
    let pane = &mut app.cache;
    let told = if pinned {
        pane.marks.forget(&key);
        format!("{key} is pinned: nothing of it is deleted until p lifts that")
    } else {
        format!("{key} is not pinned any more")
    };
    let pins = &mut pane.tree.listing.pins;
    _ = if pinned { pins.insert(key) } else { pins.remove(&key) };
    pane.easy = super::Easy::count(&pane.tree.listing);
    let planned = pane.plan_marks();
    let read = if pane.loading { pane.read_anew() } else { Effects::new() }; // that reading may not know of it
    app.tell(Message::info(told));
    [planned, read].concat()
}

fn diagnose(app: &mut App) -> Effects {
    app.cache.findings_seq += 1;
    let (findings, effects) = Findings::ask(app.cache.findings_seq);
    app.dialog = Some(Question::Findings(findings).into());
    effects
}

/// Asks whether what can be mended shall be, where something can.
pub(in crate::tui::app) fn ask_to_mend(app: &mut App, findings: Findings) -> Effects {
    let can = findings.mendable() > 0;
    ask(app, if can { Question::Mend(findings) } else { Question::Findings(findings) })
}

/// Mends what can be mended.
pub(in crate::tui::app) fn mend(app: &mut App, mut findings: Findings) -> Effects {
    let effects = findings.mend();
    [ask(app, Question::Findings(findings)), effects].concat()
}

/// Shows what came of mending, where its dialog is still open, else tells it; and reads the disk again.
pub(in crate::tui::app) fn mended(app: &mut App, seq: Seq, reply: Result<MendReport, Fault>) -> Effects {
    let refresh = app.cache.read_anew();
    if let Some(Dialog { question: Question::Findings(findings), .. }) = &mut app.dialog
        && findings.waits_for(seq)
    {
        return [findings.mended(reply), refresh].concat();
    }
    match reply {
        Ok(report) => app.tell(findings::told(&report)),
        Err(fault) => app.fail(&fault),
    }
    refresh
}
