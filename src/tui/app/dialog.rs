//! Dialogs: questions before something is done, and the help.

use jiff::{SignedDuration, Timestamp};

use super::key::{Code, Key};
use super::limit::{self, LimitQuestion};
use super::msg::{Effect, Effects};
use super::revisions::{self, RevisionChooser};
use super::{App, Findings, Step, UnusedQuestion, actions, cache};
use crate::desk::{DeletionPlan, Disposal, JobAction, JobId, Plan, Target, TrashEntry};

/// How long a dialog that came up by itself takes no key that destroys something: nobody has read it sooner.
const UNREAD: SignedDuration = SignedDuration::from_millis(400);

/// What a dialog is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Every key; nothing is asked.
    Help,
    /// Download this?
    Download(Plan),
    /// Delete this?
    Delete(DeletionPlan),
    /// Empty these out of the trash?
    EmptyTrash(Vec<TrashEntry>),
    /// Mark what was not used since when?
    Unused(UnusedQuestion),
    /// What is wrong with the cache.
    Findings(Findings),
    /// Give up this job, which carries this title?
    Cancel(JobId, String),
    /// How fast may this be?
    Limit(LimitQuestion),
    /// Which revision?
    Revisions(RevisionChooser),
    /// End?
    Quit,
}

/// A dialog and how far it is scrolled.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialog {
    /// What it is about.
    pub question: Question,
    /// How many rows of its list are above the window.
    pub scroll: usize,
    /// When it came up by itself, as the reply to a question came. One that a key opened has none.
    pub since: Option<Timestamp>,
}

impl From<Question> for Dialog {
    fn from(question: Question) -> Self {
        Self { question, scroll: 0, since: None }
    }
}

/// A key for the open dialog. What destroys something needs its own letter; Enter and Esc are safe there.
pub(super) fn press(app: &mut App, key: Key) -> Effects {
    let Some(dialog) = app.dialog.take() else { return Effects::new() };
    let dialog = match dialog.question {
        Question::Limit(question) => return limit::press(app, question, key),
        Question::Revisions(chooser) => return revisions::press(app, chooser, key),
        Question::Unused(question) => return cache::press_unused(app, question, key),
        Question::Findings(findings) => return cache::press_findings(app, findings, key),
        question => Dialog { question, ..dialog },
    };
    if let Some(step) = scroll(key) {
        return scrolled(app, dialog, step);
    }
    let unread = dialog.since.is_some_and(|since| app.now.duration_since(since) < UNREAD);
    match (&dialog.question, key.code) {
        (Question::Delete(_), Code::Char('y' | 't')) if unread => {
            app.dialog = Some(dialog);
            Effects::new()
        }
        (Question::Download(plan), Code::Enter | Code::Char('y')) if fits(plan) => vec![Effect::Enqueue(plan.clone())],
        (Question::Delete(plan), Code::Char('y')) => cache::carry_out(app, plan.clone(), Disposal::Forever),
        (Question::Delete(plan), Code::Char('t')) if app.cache.has_trash() => cache::carry_out(app, plan.clone(), Disposal::Trash),
        (Question::EmptyTrash(entries), Code::Char('y')) => cache::empty_out(app, entries.iter().map(|entry| entry.id.clone()).collect()),
        (Question::Cancel(id, _), Code::Char('y')) => vec![Effect::Control(JobAction::Cancel, Target::Jobs(vec![id.clone()]))],
        (Question::Quit, Code::Char('q')) => quit(app),
        (Question::Download(_), Code::Esc | Code::Char('n' | 'q'))
        | (
            Question::Delete(_) | Question::EmptyTrash(_) | Question::Cancel(..) | Question::Quit,
            Code::Esc | Code::Enter | Code::Char('n'),
        )
        | (Question::Help, Code::Esc | Code::Enter | Code::Char('?' | 'q')) => Effects::new(),
        _ => {
            app.dialog = Some(dialog);
            Effects::new()
        }
    }
}

/// Whether the disk has room for a plan, as far as is known.
pub(super) fn fits(plan: &Plan) -> bool {
    plan.disk_after().is_none_or(|after| after >= 0)
}

/// Asks the desk to end.
pub(super) fn quit(app: &mut App) -> Effects {
    app.closing = true;
    vec![Effect::Quit]
}

fn scrolled(app: &mut App, mut dialog: Dialog, step: Step) -> Effects {
    dialog.scroll = step.from(dialog.scroll, furthest(app, &dialog.question) + 1, app.page());
    app.dialog = Some(dialog);
    Effects::new()
}

/// How far a dialog's list can be scrolled: at least until its last row shows.
fn furthest(app: &App, question: &Question) -> usize {
    let (rows, shown) = match question {
        Question::Help => (actions::help(app.focus).len(), app.page() / 2),
        Question::Download(plan) => (plan.files.len(), 1),
        Question::Delete(plan) => (plan.paths.len() + plan.payloads.len(), 1),
        Question::EmptyTrash(entries) => (entries.len(), 1),
        Question::Cancel(..)
        | Question::Limit(_)
        | Question::Revisions(_)
        | Question::Unused(_)
        | Question::Findings(_)
        | Question::Quit => (0, 1),
    };
    rows.saturating_sub(shown)
}

/// Where a key moves in a dialog's list.
pub(super) fn scroll(key: Key) -> Option<Step> {
    match key.code {
        Code::Char('j') | Code::Down => Some(Step::Down),
        Code::Char('k') | Code::Up => Some(Step::Up),
        Code::PageDown => Some(Step::PageDown),
        Code::PageUp => Some(Step::PageUp),
        Code::Home | Code::Char('g') => Some(Step::Top),
        Code::End | Code::Char('G') => Some(Step::Bottom),
        _ => None,
    }
}
