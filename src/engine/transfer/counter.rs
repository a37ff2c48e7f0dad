//! How far a transfer is, read without waiting.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use super::lock;
use crate::desk::Phase;

const PHASES: [Phase; 6] = [Phase::Waiting, Phase::Resolving, Phase::Retrying, Phase::Downloading, Phase::Verifying, Phase::Placing];

/// How far one transfer is. Reading costs three loads and an idle lock, so a meter may look as often as it likes.
#[derive(Debug, Default)]
pub struct Counter {
    done: AtomicU64,
    moved: AtomicU64,
    phase: AtomicU8,
    remark: Mutex<Option<String>>,
}

impl Counter {
    /// Bytes of the file that are on the disk, those of earlier runs included.
    pub fn done(&self) -> u64 {
        self.done.load(Relaxed)
    }

    /// Bytes that came over the network in this run; never falls, and speed is measured on it.
    pub fn moved(&self) -> u64 {
        self.moved.load(Relaxed)
    }

    /// What the transfer is busy with: waiting, resolving, downloading or verifying.
    pub fn phase(&self) -> Phase {
        PHASES.get(usize::from(self.phase.load(Relaxed))).copied().unwrap_or_default()
    }

    /// Says what the transfer is busy with now. A caller that goes on after the transfer may say so too.
    pub fn enter(&self, phase: Phase) {
        let index = PHASES.iter().position(|known| *known == phase).unwrap_or_default();
        let before = self.phase.swap(u8::try_from(index).unwrap_or_default(), Relaxed);
        if PHASES.get(usize::from(before)) == Some(&Phase::Retrying) && phase != Phase::Retrying {
            self.say(None);
        }
    }

    /// Says that nothing moves until a failed request is tried again, and why. The next phase takes the remark back.
    pub(super) fn retrying(&self, why: &str) {
        self.enter(Phase::Retrying);
        self.say(Some(format!("trying again: {why}")));
    }

    /// What a person should know just now, as one sentence without a full stop.
    pub fn remark(&self) -> Option<String> {
        lock(&self.remark).clone()
    }

    /// Says what a person should know just now, or that there is nothing any more.
    pub fn say(&self, remark: Option<String>) {
        *lock(&self.remark) = remark;
    }

    /// Says how many bytes of the file are on the disk.
    pub fn set_done(&self, bytes: u64) {
        self.done.store(bytes, Relaxed);
    }

    pub(super) fn add_moved(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_about_trying_again_goes_when_it_has_worked() {
        let counter = Counter::default();
        counter.retrying("the line broke");
        counter.retrying("the line broke again");
        assert_eq!((counter.phase(), counter.remark().unwrap().as_str()), (Phase::Retrying, "trying again: the line broke again"));
        counter.enter(Phase::Downloading);
        assert_eq!(counter.remark(), None);
        counter.say(Some("in another way".to_owned()));
        counter.enter(Phase::Verifying);
        assert!(counter.remark().is_some());
    }

    #[test]
    fn every_phase_is_read_as_it_was_entered() {
        let counter = Counter::default();
        assert_eq!(counter.phase(), Phase::Waiting);
        for phase in PHASES {
            counter.enter(phase);
            assert_eq!(counter.phase(), phase);
        }
    }
}
