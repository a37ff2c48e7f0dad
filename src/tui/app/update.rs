//! The one transition of the state.

use std::sync::Arc;

use super::actions::{self, Action, Meaning};
use super::dialog::{self, Dialog, Question};
use super::key::{Code, Key, ctrl};
use super::msg::{Effect, Effects, Msg, Seq};
use super::{App, Message, Pane, Reach, act, cache};
use crate::desk::{Analysis, Board, Fault, FaultKind, Finding, JobId, Notice, NoticeLevel, RepoSpec, Revisions, printable};

/// Takes one message in and says what is to be done about it.
pub fn update(app: &mut App, msg: Msg) -> Effects {
    let effects = take(app, msg);
    cache::stop_waiting_elsewhere(app);
    effects
}

fn take(app: &mut App, msg: Msg) -> Effects {
    match msg {
        Msg::Started => return app.search.submit(),
        Msg::Key(key) => return press(app, key),
        Msg::Paste(text) => return paste(app, &text),
        Msg::Resize(columns, rows) => app.size = (columns, rows),
        Msg::Board(board) => show_board(app, board),
        Msg::EngineEnded if app.closing => {}
        Msg::EngineEnded => app.fail(&engine_ended()),
        Msg::Notice(notice) => return heard(app, notice),
        Msg::SearchDue(seq) => return app.search.due(seq),
        Msg::Searched(seq, reply) => app.search.receive(seq, reply),
        Msg::Listed(seq, files) => app.repository.listed(seq, files),
        Msg::Analyzed(seq, reply) => return analyzed(app, seq, reply),
        Msg::Assessed(seq, reply) => app.repository.receive_assessment(seq, reply).into_iter().for_each(|message| app.tell(message)),
        Msg::CardRead(seq, reply) => app.repository.receive_card(seq, reply),
        Msg::RevisionsListed(seq, reply) => list_revisions(app, seq, reply),
        Msg::Drawn(reach) => drawn(app, reach),
        Msg::Planned(seq, reply) if app.repository.expects_plan(seq) => ask_or_fail(app, reply.map(Question::Download)),
        Msg::Enqueued(reply) => enqueued(app, reply),
        Msg::Planned(..) | Msg::Controlled(_, Ok(_)) | Msg::Limited(Ok(())) => {}
        Msg::Controlled(_, Err(fault)) | Msg::Limited(Err(fault)) => app.fail(&fault),
        of_the_cache => return hear_of_cache(app, of_the_cache),
    }
    Effects::new()
}

/// Takes in what concerns the cache.
fn hear_of_cache(app: &mut App, msg: Msg) -> Effects {
    let now = app.now;
    match msg {
        Msg::CacheFound(seq, repos) => app.cache.found(seq, repos, now),
        Msg::CacheLoaded(seq, reply) => return app.cache.receive(seq, reply, now),
        Msg::ContentsRead(seq, key, reply) => return app.cache.receive_contents(seq, &key, reply, now),
        Msg::DeletionPlanned(seq, reply) => return cache::planned(app, seq, reply),
        Msg::Deleted(targets, reply) => return cache::deleted(app, &targets, reply),
        Msg::Restored(reply) => return cache::restored(app, reply),
        Msg::TrashEmptied(ids, reply) => return cache::emptied(app, &ids, reply),
        Msg::Pinned(key, pinned, reply) => return cache::pinned(app, key, pinned, reply),
        Msg::Diagnosed(seq, reply) => list_findings(app, seq, reply),
        Msg::Mended(seq, reply) => return cache::mended(app, seq, reply),
        _ => {}
    }
    Effects::new()
}

fn drawn(app: &mut App, reach: Reach) {
    match &mut app.dialog {
        Some(dialog) => dialog.drawn(reach),
        None => app.repository.card_drawn(reach),
    }
}

fn list_findings(app: &mut App, seq: Seq, reply: Result<Arc<Vec<Finding>>, Fault>) {
    if let Some(Dialog { question: Question::Findings(findings), .. }) = &mut app.dialog {
        findings.receive(seq, reply);
    }
}

/// Shows what a repository offers, and asks what of it fits.
fn analyzed(app: &mut App, seq: Seq, reply: Result<Arc<Analysis>, Fault>) -> Effects {
    let (effects, message) = app.repository.receive(seq, reply);
    if let Some(message) = message {
        app.tell(message);
    }
    effects
}

fn list_revisions(app: &mut App, seq: Seq, reply: Result<Arc<Revisions>, Fault>) {
    if let Some(Dialog { question: Question::Revisions(chooser), .. }) = &mut app.dialog {
        chooser.receive(seq, reply);
    }
}

fn show_board(app: &mut App, board: Arc<Board>) {
    app.board = board;
    app.jobs.follow(&app.board);
}

fn engine_ended() -> Fault {
    Fault::new(FaultKind::Interrupted, "the hfdesk-tui that runs the queue has ended")
        .hint("quit and start again; what is on the disk is kept")
}

fn press(app: &mut App, key: Key) -> Effects {
    if key == ctrl('c') {
        return interrupt(app);
    }
    if app.closing {
        return Effects::new();
    }
    if app.dialog.is_some() {
        return dialog::press(app, key);
    }
    let dismissed = forget_message(app, key);
    if app.cache.filter.editing && app.focus == Pane::Cache {
        return type_into_filter(app, key);
    }
    if app.search.editing && app.focus == Pane::Search {
        return type_into_prompt(app, key);
    }
    if dismissed { Effects::new() } else { press_in_pane(app, key) }
}

/// Drops news with any key and a failure with Esc. Returns whether that was all the key was for.
fn forget_message(app: &mut App, key: Key) -> bool {
    let esc = key.code == Code::Esc && !app.search.editing && !app.cache.filter.editing;
    let failure = app.message.as_ref().is_some_and(Message::stays);
    if !failure || esc {
        app.message = None;
    }
    failure && esc
}

fn interrupt(app: &mut App) -> Effects {
    let asked = app.dialog.as_ref().is_some_and(|dialog| dialog.question == Question::Quit);
    if asked || app.closing {
        return vec![Effect::Abandon];
    }
    act::perform(app, Action::Interrupt)
}

/// A key for the prompt. Enter on a link opens what it names.
fn type_into_prompt(app: &mut App, key: Key) -> Effects {
    let words = app.search.prompt.value();
    let is_link = ["http://", "https://", "hf://"].iter().any(|scheme| words.trim_start().starts_with(scheme));
    if key.code == Code::Enter && is_link {
        let words = words.to_owned();
        app.search.editing = false;
        app.search.prompt.reset();
        return [open_link(app, &words), app.search.submit()].concat();
    }
    app.search.type_key(key)
}

/// A key for the cache's filter, which is applied at once.
fn type_into_filter(app: &mut App, key: Key) -> Effects {
    if app.cache.filter.press(key) {
        app.cache.refilter(app.now);
    }
    Effects::new()
}

fn press_in_pane(app: &mut App, key: Key) -> Effects {
    app.pending.push(key);
    match actions::meaning(app.focus, &app.pending) {
        Meaning::Prefix => return Effects::new(),
        Meaning::Action(action) => {
            app.pending.clear();
            return act::perform(app, action);
        }
        Meaning::Nothing => app.pending.clear(),
    }
    Effects::new()
}

/// Pasted text goes into the prompt while one is typed in, and else opens the repository it names.
fn paste(app: &mut App, text: &str) -> Effects {
    let text = printable(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
    if app.closing || app.dialog.is_some() {
        return Effects::new();
    }
    if app.search.editing && app.focus == Pane::Search {
        return app.search.insert(&text);
    }
    if app.cache.filter.editing && app.focus == Pane::Cache {
        if app.cache.filter.insert(&text) {
            app.cache.refilter(app.now);
        }
        return Effects::new();
    }
    open_link(app, &text)
}

fn open_link(app: &mut App, text: &str) -> Effects {
    match text.parse::<RepoSpec>().and_then(|spec| spec.on(&app.about.endpoint)) {
        Ok(spec) => act::open_spec(app, spec),
        Err(fault) => {
            app.fail(&fault);
            Effects::new()
        }
    }
}

/// Opens the dialog that a reply leads to, unless another has come up meanwhile.
fn ask_or_fail(app: &mut App, reply: Result<Question, Fault>) {
    match reply {
        Ok(question) if app.dialog.is_none() => app.dialog = Some(question.into()),
        Ok(_) => app.tell(Message::warning("the plan came while another dialog was open: ask for it again")),
        Err(fault) => app.fail(&fault),
    }
}

/// Shows what happened. A download that is complete has changed what the disk holds.
fn heard(app: &mut App, notice: Notice) -> Effects {
    let is_known = app.cache.is_loaded() || app.cache.loading;
    let stale = notice.job.is_some() && notice.level == NoticeLevel::Info && is_known;
    app.tell(notice.into());
    if stale { app.cache.refresh() } else { Effects::new() }
}

fn enqueued(app: &mut App, reply: Result<JobId, Fault>) {
    match reply {
        Ok(id) => {
            app.repository.marks.clear();
            app.jobs.select(id, &app.board.clone());
            app.tell(Message::info("queued; 3 shows the jobs"));
        }
        Err(fault) => app.fail(&fault),
    }
}
