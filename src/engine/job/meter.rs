//! Speed and time to go that people can believe: over bytes moved in this run, smoothed, steady.

use std::collections::VecDeque;
use std::time::Duration;

/// How far back the speed looks.
const WINDOW: Duration = Duration::from_secs(10);

/// How much must be seen before a speed is shown at all.
const SETTLE: Duration = Duration::from_millis(400);

/// The least time between two samples, so that the window stays small.
const SPACING: Duration = Duration::from_millis(200);

/// After so long without a byte there is no speed any more.
const STALL: Duration = Duration::from_secs(5);

/// Over how long the speed behind the time to go is averaged: long, so that the time does not jump.
const HORIZON: Duration = Duration::from_secs(30);

/// How much of the old speed stays when a new one comes in (the rest is the window's).
const INERTIA: f64 = 0.7;

/// Turns a growing count of bytes into a speed.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    samples: VecDeque<(Duration, u64)>,
    smoothed: Option<f64>,
    steady: Option<f64>,
    /// When the count last grew.
    grew: Duration,
}

impl Meter {
    /// Takes note that `moved` bytes had moved in all at `at`, a time since any fixed moment.
    pub fn sample(&mut self, at: Duration, moved: u64) {
        let last = self.samples.back().copied();
        if last.is_some_and(|(last, _)| at.saturating_sub(last) < SPACING) {
            return;
        }
        if last.is_none_or(|(_, before)| moved > before) {
            self.grew = at;
        }
        if at.saturating_sub(self.grew) >= STALL {
            *self = Self { grew: self.grew, samples: VecDeque::from([(at, moved)]), ..Self::default() };
            return;
        }
        let since = last.map_or(Duration::ZERO, |(last, _)| at.saturating_sub(last));
        self.samples.push_back((at, moved));
        while self.samples.len() > 2 && self.samples.front().is_some_and(|(first, _)| at.saturating_sub(*first) > WINDOW) {
            self.samples.pop_front();
        }
        if let Some(speed) = self.windowed() {
            self.smoothed = Some(self.smoothed.map_or(speed, |old| old * INERTIA + speed * (1.0 - INERTIA)));
            let share = (since.as_secs_f64() / HORIZON.as_secs_f64()).min(1.0);
            self.steady = Some(self.steady.map_or(speed, |old| old + (speed - old) * share));
        }
    }

    /// Whether no byte has come for so long that there is no speed any more.
    pub fn is_stalled(&self) -> bool {
        self.samples.back().is_some_and(|(last, _)| last.saturating_sub(self.grew) >= STALL)
    }

    /// Bytes a second; 0 until enough was seen, and once nothing moves any more.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a speed is neither negative nor near 2^64
    pub fn speed(&self) -> u64 {
        self.smoothed.unwrap_or(0.0) as u64
    }

    /// Seconds until `left` more bytes have moved; `None` while nothing moves.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // as above
    pub fn eta_seconds(&self, left: u64) -> Option<u64> {
        left.checked_div(self.steady.unwrap_or(0.0) as u64)
    }

    fn windowed(&self) -> Option<f64> {
        let ((first, from), (last, to)) = (self.samples.front()?, self.samples.back()?);
        let elapsed = last.saturating_sub(*first);
        (elapsed >= SETTLE).then(|| to.saturating_sub(*from) as f64 / elapsed.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_steady_stream_has_its_speed_and_time_to_go() {
        let mut meter = Meter::default();
        for tick in 0..40 {
            meter.sample(at(tick * 250), tick * 250_000);
        }
        assert_eq!(meter.speed(), 1_000_000);
        assert_eq!(meter.eta_seconds(30_000_000), Some(30));
    }

    #[test]
    fn nothing_is_claimed_before_enough_was_seen_nor_once_nothing_moves() {
        let mut meter = Meter::default();
        meter.sample(at(0), 0);
        meter.sample(at(250), 9_000_000);
        assert_eq!((meter.speed(), meter.eta_seconds(5)), (0, None));
        meter.sample(at(1000), 9_000_000);
        assert!(meter.speed() > 0 && !meter.is_stalled());
        (5..21).for_each(|tick| meter.sample(at(tick * 250), 9_000_000));
        assert!(!meter.is_stalled(), "{:?}", meter.samples);
        (21..30).for_each(|tick| meter.sample(at(tick * 250), 9_000_000));
        assert_eq!((meter.speed(), meter.eta_seconds(5), meter.is_stalled()), (0, None, true));
    }

    #[test]
    fn after_a_stall_the_speed_is_that_of_what_moves_again() {
        let mut meter = Meter::default();
        (0..80).for_each(|tick| meter.sample(at(tick * 250), 1_000_000));
        assert!(meter.is_stalled());
        (80..90).for_each(|tick| meter.sample(at(tick * 250), 1_000_000 + (tick - 79) * 250_000));
        assert_eq!((meter.speed(), meter.is_stalled()), (1_000_000, false));
    }

    #[test]
    fn the_time_to_go_is_steadier_than_the_speed() {
        let mut meter = Meter::default();
        (0..80).for_each(|tick| meter.sample(at(tick * 250), tick * 250_000));
        let moved = 79 * 250_000;
        (80..88).for_each(|tick| meter.sample(at(tick * 250), moved + (tick - 79) * 1_000_000));
        assert!(meter.speed() > 1_300_000, "{}", meter.speed());
        assert!((28..=30).contains(&meter.eta_seconds(30_000_000).unwrap()), "{:?}", meter.eta_seconds(30_000_000));
    }
}
