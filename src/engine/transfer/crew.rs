//! How many connections a file is worth just now, judged by what they bring. Pure: no clock, no I/O.
//!
//! A link that limits each connection gets many; a link, a disk or a processor that is full with few keeps few, because
//! each further one only costs. The crew grows fourfold while that pays, settles where it no longer does, tries again now and
//! then, and shrinks when the server complains.

/// How much larger a crew is tried after one that paid.
const GROWTH: usize = 4;
/// A larger crew has paid when it brings at least this share of what its size promised.
const WORTH: f64 = 0.6;
/// A settled crew is measured so many times before a larger one is tried again; twice as many after each try in vain.
const PATIENCE: u32 = 40;
/// The most measurements between two tries.
const LONGEST_PATIENCE: u32 = 640;

/// The fewest connections of a crew that has grown: while one writes, the other one receives.
const FEWEST: usize = 2;

/// The number of connections wanted for one file.
#[derive(Debug)]
pub struct Crew {
    most: usize,
    wanted: usize,
    mood: Mood,
    patience: u32,
}

#[derive(Debug)]
enum Mood {
    /// A larger crew than before is on trial; `rate` is what the one of size `size` brought.
    Trying { size: usize, rate: f64 },
    /// The size is right for now.
    Settled { measured: u32 },
}

impl Crew {
    /// A crew of one that may grow to `most`.
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), wanted: 1, mood: Mood::Settled { measured: PATIENCE }, patience: PATIENCE }
    }

    /// How many connections should be at work now.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// Takes note of what the whole crew brought lately, in bytes a second. Nothing at all says nothing about its size.
    pub fn measured(&mut self, rate: f64) {
        match self.mood {
            _ if rate <= 0.0 => {}
            Mood::Trying { size, rate: before } if rate < before * WORTH * self.wanted as f64 / size as f64 => {
                self.settle(size, rate / before);
            }
            Mood::Settled { measured } if measured < self.patience => self.mood = Mood::Settled { measured: measured + 1 },
            _ if self.wanted < self.most => self.grow(rate),
            _ => self.mood = Mood::Settled { measured: 0 },
        }
    }

    /// Takes note that the server complained or the connection broke before anything came: half as many are enough.
    pub fn refused(&mut self) {
        self.wanted = self.wanted.div_ceil(2);
        self.mood = Mood::Settled { measured: 0 };
    }

    fn grow(&mut self, rate: f64) {
        self.mood = Mood::Trying { size: self.wanted, rate };
        self.wanted = self.wanted.saturating_mul(GROWTH).min(self.most);
    }

    /// Settles at as many connections as would have brought the gain, had each brought what one of the `size` before did.
    fn settle(&mut self, size: usize, gain: f64) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the gain is small and not negative
        let enough = (size as f64 * gain - 0.1).ceil() as usize;
        if enough <= size {
            self.patience = (self.patience * 2).min(LONGEST_PATIENCE);
        }
        self.wanted = enough.max(size).max(FEWEST).min(self.most);
        self.mood = Mood::Settled { measured: 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of a crew on a link that gives each connection and all together so much.
    fn sizes(most: usize, each: f64, all: f64, measurements: usize) -> Vec<usize> {
        let mut crew = Crew::new(most);
        let mut sizes = vec![crew.wanted()];
        for _ in 0..measurements {
            crew.measured((crew.wanted() as f64 * each).min(all));
            if sizes.last() != Some(&crew.wanted()) {
                sizes.push(crew.wanted());
            }
        }
        sizes
    }

    #[test]
    fn where_each_connection_is_limited_all_are_used_at_once() {
        assert_eq!(sizes(32, 20.0, f64::INFINITY, 3), [1, 4, 16, 32]);
        assert_eq!(sizes(32, 20.0, f64::INFINITY, 500), [1, 4, 16, 32]);
    }

    #[test]
    fn where_one_fills_the_link_two_are_used() {
        assert_eq!(sizes(32, 1000.0, 1000.0, 5), [1, 4, 2]);
        assert_eq!(sizes(32, 1000.0, 1200.0, 5), [1, 4, 2]);
        assert_eq!(sizes(32, 20.0, 150.0, 5), [1, 4, 16, 8]);
    }

    #[test]
    fn a_settled_crew_is_tried_again_but_ever_more_rarely() {
        let tries = |measurements| sizes(8, 1000.0, 1000.0, measurements).len();
        assert!(tries(60) < tries(200));
        assert!(tries(1000) - tries(200) <= 2 * 2, "{} and {}", tries(200), tries(1000));
    }

    #[test]
    fn a_complaint_halves_the_crew_and_one_is_the_least() {
        let mut crew = Crew::new(16);
        (0..3).for_each(|_| crew.measured(crew.wanted() as f64));
        assert_eq!(crew.wanted(), 16);
        let sizes: Vec<usize> = (0..5)
            .map(|_| {
                crew.refused();
                crew.wanted()
            })
            .collect();
        assert_eq!(sizes, [8, 4, 2, 1, 1]);
    }

    #[test]
    fn nothing_coming_is_not_taken_for_a_gain() {
        let mut crew = Crew::new(16);
        (0..100).for_each(|_| crew.measured(0.0));
        assert_eq!(crew.wanted(), 1);
    }
}
