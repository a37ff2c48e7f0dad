//! Dialogs: questions before something is done, and the help.

use jiff::{SignedDuration, Timestamp};

use super::key::{Code, Key};
use super::limit::{self, LimitQuestion};
use super::msg::{Effect, Effects};
use super::revisions::{self, RevisionChooser};
use super::{App, Deletion, Findings, Reach, Step, UnusedQuestion, cache};
use crate::desk::{Disposal, JobAction, JobId, Plan, Target, TrashEntry};

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
    Delete(Deletion),
    /// Empty these out of the trash?
    EmptyTrash(Vec<TrashEntry>),
    /// Mark what was not used since when?
    Unused(UnusedQuestion),
    /// What is wrong with the cache.
    Findings(Findings),
    /// Mend what can be mended of this?
    Mend(Findings),
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
    /// How far its list reached when it was drawn last.
    pub(super) reach: Reach,
}

impl From<Question> for Dialog {
    fn from(question: Question) -> Self {
        Self { question, scroll: 0, since: None, reach: Reach::default() }
    }
}

impl Dialog {
    /// Takes in how much of its list was drawn.
    pub(super) fn drawn(&mut self, reach: Reach) {
        self.reach = reach;
        self.scroll = self.scroll.min(reach.furthest());
    }

    /// Scrolls, until the last row shows. A page keeps the row that the count of those below stood on.
    fn step(&mut self, step: Step) {
        self.scroll = step.from(self.scroll, self.reach.furthest() + 1, self.reach.shown.saturating_sub(1).max(1));
    }
}

/// A key for the open dialog. What destroys something needs its own letter; Enter and Esc are safe there.
pub(super) fn press(app: &mut App, key: Key) -> Effects {
    let Some(dialog) = app.dialog.take() else { return Effects::new() };
    let mut dialog = match dialog.question {
        Question::Limit(question) => return limit::press(app, question, key),
        Question::Revisions(chooser) => return revisions::press(app, chooser, key),
        Question::Unused(question) => return cache::press_unused(app, question, key),
        Question::Findings(findings) => return cache::press_findings(app, findings, key),
        question => Dialog { question, ..dialog },
    };
    if let Some(step) = scroll(key) {
        dialog.step(step);
        app.dialog = Some(dialog);
        return Effects::new();
    }
    let unread = dialog.since.is_some_and(|since| app.now.duration_since(since) < UNREAD);
    match (&dialog.question, key.code) {
        (Question::Delete(_), Code::Char('y' | 't')) if unread => {
            app.dialog = Some(dialog);
            Effects::new()
        }
        (Question::Download(plan), Code::Enter | Code::Char('y')) if fits(plan) => vec![Effect::Enqueue(plan.clone())],
        (Question::Delete(deletion), Code::Char('y')) => cache::carry_out(app, deletion.plan.clone(), Disposal::Forever),
        (Question::Delete(deletion), Code::Char('t')) if app.cache.has_trash() => {
            cache::carry_out(app, deletion.plan.clone(), Disposal::Trash)
        }
        (Question::EmptyTrash(entries), Code::Char('y')) => cache::empty_out(app, entries.iter().map(|entry| entry.id.clone()).collect()),
        (Question::Mend(findings), Code::Char('y')) => cache::mend(app, findings.clone()),
        (Question::Mend(findings), Code::Esc | Code::Enter | Code::Char('n')) => {
            app.dialog = Some(Question::Findings(findings.clone()).into());
            Effects::new()
        }
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
