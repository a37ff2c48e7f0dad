//! What a deletion would do: asked with each change of the marks, one question at a time, the newest wins.

use crate::desk::{DeletionPlan, DeletionTarget, Fault};
use crate::tui::app::msg::{Effect, Effects, Seq};

/// The deletion that is thought about, and what is known of it.
#[derive(Clone, Debug, Default)]
pub struct Planning {
    /// What the desk answered to the newest question.
    pub answer: Option<Result<DeletionPlan, Fault>>,
    /// Whether the dialog opens with the answer.
    pub asked: bool,
    targets: Vec<DeletionTarget>,
    seq: Seq,
    in_flight: Option<Seq>,
}

impl Planning {
    /// Whether the newest question has not been answered yet.
    pub fn is_waiting(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Asks about these; an answer to anything else is stale from now on.
    pub(super) fn ask(&mut self, targets: Vec<DeletionTarget>) -> Effects {
        self.seq += 1;
        self.answer = None;
        self.asked = false;
        self.targets = targets;
        if self.in_flight.is_some() { Effects::new() } else { self.send() }
    }

    /// Whether these are what was asked about last.
    pub(super) fn is_about(&self, targets: &[DeletionTarget]) -> bool {
        self.targets == targets && (self.is_waiting() || matches!(self.answer, Some(Ok(_))))
    }

    /// Takes an answer in. Asks again where another question has come up meanwhile.
    pub(super) fn receive(&mut self, seq: Seq, answer: Result<DeletionPlan, Fault>) -> Effects {
        if self.in_flight != Some(seq) {
            return Effects::new();
        }
        self.in_flight = None;
        if seq != self.seq {
            return self.send();
        }
        self.answer = Some(answer);
        Effects::new()
    }

    fn send(&mut self) -> Effects {
        if self.targets.is_empty() {
            return Effects::new();
        }
        self.in_flight = Some(self.seq);
        vec![Effect::PlanDeletion(self.seq, self.targets.clone())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::FaultKind;

    fn fault() -> Result<DeletionPlan, Fault> {
        Err(Fault::new(FaultKind::Conflict, "pinned"))
    }

    fn payload(hash: &str) -> Vec<DeletionTarget> {
        vec![DeletionTarget::Payload(hash.to_owned())]
    }

    #[test]
    fn one_question_at_a_time_and_the_newest_wins() {
        let mut planning = Planning::default();
        assert_eq!(planning.ask(payload("a")), [Effect::PlanDeletion(1, payload("a"))]);
        assert!(planning.ask(payload("b")).is_empty() && planning.ask(payload("c")).is_empty(), "one is on its way");
        assert_eq!(planning.receive(1, fault()), [Effect::PlanDeletion(3, payload("c"))]);
        assert!(planning.answer.is_none() && planning.is_waiting(), "an answer to an older question is dropped");
        assert!(planning.receive(1, fault()).is_empty() && planning.answer.is_none());
        assert!(planning.receive(3, fault()).is_empty());
        assert!(planning.answer.is_some() && !planning.is_waiting());
    }

    #[test]
    fn nothing_is_asked_about_nothing() {
        let mut planning = Planning::default();
        planning.ask(payload("a"));
        assert!(planning.ask(Vec::new()).is_empty());
        assert!(planning.receive(1, fault()).is_empty() && planning.answer.is_none() && !planning.is_waiting());
    }
}
