//! What is wrong with the cache: asked for, shown, and mended where that can be done.

use std::sync::Arc;

use super::ask_to_mend;
use crate::desk::{Fault, Finding, MendReport};
use crate::tui::app::key::{Code, Key};
use crate::tui::app::msg::{Effect, Effects, Seq};
use crate::tui::app::{App, Message, Question, Step, counted, dialog};

/// What is known of what is wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FindingsState {
    /// It is being looked for.
    #[default]
    Looking,
    /// It is being mended.
    Mending,
    /// Here it is, the worst first.
    Here(Arc<Vec<Finding>>),
    /// Why it could not be found out.
    Failed(Fault),
}

/// What is wrong, one finding of it under the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// What is known.
    pub state: FindingsState,
    /// The finding under the cursor.
    pub cursor: usize,
    /// What came of mending, in words.
    pub mended: Option<String>,
    seq: Seq,
}

impl Findings {
    /// A question for what is wrong, and its number.
    pub(super) fn ask(seq: Seq) -> (Self, Effects) {
        (Self { state: FindingsState::Looking, cursor: 0, mended: None, seq }, vec![Effect::Diagnose(seq)])
    }

    /// The findings, once they are known.
    pub fn list(&self) -> &[Finding] {
        match &self.state {
            FindingsState::Here(findings) => findings,
            _ => &[],
        }
    }

    /// How many of them can be mended.
    pub fn mendable(&self) -> usize {
        self.list().iter().filter(|finding| finding.mend.is_some()).count()
    }

    /// Takes the findings in, unless nobody waits for them.
    pub(in crate::tui::app) fn receive(&mut self, seq: Seq, reply: Result<Arc<Vec<Finding>>, Fault>) {
        if seq == self.seq && self.state == FindingsState::Looking {
            self.state = reply.map_or_else(FindingsState::Failed, FindingsState::Here);
            self.cursor = self.cursor.min(self.list().len().saturating_sub(1));
        }
    }

    /// Takes in what came of mending, and looks again.
    pub(in crate::tui::app) fn mended(&mut self, reply: Result<MendReport, Fault>) -> Effects {
        match reply {
            Ok(report) => {
                self.mended = Some(told(&report).text);
                self.state = FindingsState::Looking;
                vec![Effect::Diagnose(self.seq)]
            }
            Err(fault) => {
                self.state = FindingsState::Failed(fault);
                Effects::new()
            }
        }
    }

    /// Whether this is what is being mended by that number.
    pub(super) fn waits_for(&self, seq: Seq) -> bool {
        seq == self.seq && self.state == FindingsState::Mending
    }

    pub(super) fn mend(&mut self) -> Effects {
        let findings: Vec<Finding> = self.list().iter().filter(|finding| finding.mend.is_some()).cloned().collect();
        if findings.is_empty() {
            return Effects::new();
        }
        self.state = FindingsState::Mending;
        vec![Effect::Mend(self.seq, findings)]
    }
}

/// What came of mending, in words.
pub(super) fn told(report: &MendReport) -> Message {
    let mended = format!("{} mended", counted(report.mended.len(), "finding", "findings"));
    match report.failures.first() {
        None => Message::info(mended),
        Some(first) => Message::warning(format!("{mended}; {} could not be: {first}", report.failures.len())),
    }
}

/// A key for the findings: it moves the cursor, m asks whether to mend what can be mended, r looks again, Esc closes.
pub(in crate::tui::app) fn press(app: &mut App, mut findings: Findings, key: Key) -> Effects {
    let page = app.page() / 2;
    let mut effects = Effects::new();
    match key.code {
        Code::Esc | Code::Enter | Code::Char('q' | '!') => return effects,
        Code::Char('m') => return ask_to_mend(app, findings),
        Code::Char('r') if !matches!(findings.state, FindingsState::Looking | FindingsState::Mending) => {
            findings.state = FindingsState::Looking;
            effects = vec![Effect::Diagnose(findings.seq)];
        }
        _ => {
            let step = dialog::scroll(key).unwrap_or(Step::Up);
            if dialog::scroll(key).is_some() {
                findings.cursor = step.from(findings.cursor, findings.list().len(), page.max(1));
            }
        }
    }
    app.dialog = Some(Question::Findings(findings).into());
    effects
}
