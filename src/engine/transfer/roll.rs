//! Who works on a file: how many connections are wanted, are there, and have brought something.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use tokio::sync::watch;

use super::segments::LONGEST_STRIDE;

/// The connections of one file, counted.
#[derive(Debug)]
pub struct Roll {
    wanted: watch::Sender<usize>,
    present: AtomicUsize,
    proven: AtomicUsize,
    complaint: AtomicBool,
}

/// One connection's entry; dropping it takes the connection off the roll.
pub struct Entry<'a> {
    roll: &'a Roll,
    proven: bool,
    left: bool,
}

impl Default for Roll {
    fn default() -> Self {
        Self { wanted: watch::Sender::new(1), present: AtomicUsize::new(0), proven: AtomicUsize::new(0), complaint: AtomicBool::new(false) }
    }
}

impl Roll {
    /// How many connections are wanted, now and after every change.
    pub fn wanted(&self) -> watch::Receiver<usize> {
        self.wanted.subscribe()
    }

    /// Says how many connections are wanted; answers whether that is more than before.
    pub fn want(&self, number: usize) -> bool {
        let before = *self.wanted.borrow();
        self.wanted.send_if_modified(|wanted| std::mem::replace(wanted, number) != number);
        number > before
    }

    /// How many bytes one of them should ask for, if `stride` is enough for itself: a lone connection asks seldom, many ask for little,
    /// so that the digest can follow them closely.
    pub fn stride(&self, stride: u64) -> u64 {
        stride.max(LONGEST_STRIDE / (*self.wanted.borrow()).max(1) as u64)
    }

    /// Whether a connection is wanted that has not brought anything yet.
    pub fn is_starting(&self) -> bool {
        self.proven.load(Relaxed) < self.present.load(Relaxed)
    }

    /// Says that the server complained of too much.
    pub fn complain(&self) {
        self.complaint.store(true, Relaxed);
    }

    /// Whether the server has complained since the last time this was asked.
    pub fn take_complaint(&self) -> bool {
        self.complaint.swap(false, Relaxed)
    }

    /// Enters a connection.
    pub fn enter(&self) -> Entry<'_> {
        self.present.fetch_add(1, Relaxed);
        Entry { roll: self, proven: false, left: false }
    }
}

impl Entry<'_> {
    /// Takes this connection off the roll if there are more than are wanted, and answers whether it did. Never the last one.
    pub fn leave_if_unwanted(&mut self) -> bool {
        let wanted = (*self.roll.wanted.borrow()).max(1);
        let fewer = |present: usize| (present > wanted).then(|| present - 1);
        self.left = self.left || self.roll.present.fetch_update(Relaxed, Relaxed, fewer).is_ok();
        self.left
    }

    /// Says that this connection has brought something.
    pub fn prove(&mut self) {
        if !std::mem::replace(&mut self.proven, true) {
            self.roll.proven.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if !self.left {
            self.roll.present.fetch_sub(1, Relaxed);
        }
        if self.proven {
            self.roll.proven.fetch_sub(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roll_knows_who_is_there_and_who_has_brought_something() {
        let roll = Roll::default();
        let mut first = roll.enter();
        assert!(roll.is_starting() && !first.leave_if_unwanted());
        first.prove();
        first.prove();
        assert!(!roll.is_starting());
        let mut second = roll.enter();
        assert!(roll.is_starting());
        assert!(second.leave_if_unwanted() && second.leave_if_unwanted() && !first.leave_if_unwanted());
        drop(second);
        assert!(!roll.is_starting());
    }

    #[test]
    fn wanting_more_is_told_apart_from_wanting_less() {
        let roll = Roll::default();
        let mut wanted = roll.wanted();
        assert!(roll.want(4) && !roll.want(4) && !roll.want(2));
        assert_eq!(*wanted.borrow_and_update(), 2);
    }

    #[test]
    fn a_complaint_is_heard_once() {
        let roll = Roll::default();
        roll.complain();
        assert!(roll.take_complaint() && !roll.take_complaint());
    }
}
