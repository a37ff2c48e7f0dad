//! Speed and time to go that people can believe: over bytes moved in this run, smoothed, steady.

use std::collections::VecDeque;
use std::time::Duration;

/// How far back the speed looks.
const WINDOW: Duration = Duration::from_secs(10);

/// How much must be seen before a speed is shown at all.
const SETTLE: Duration = Duration::from_millis(400);

/// The least time between two samples, so that the window stays small.
const SPACING: Duration = Duration::from_millis(200);

/// How much of the old speed stays when a new one comes in (the rest is the window's).
const INERTIA: f64 = 0.7;

/// Turns a growing count of bytes into a speed.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    samples: VecDeque<(Duration, u64)>,
    smoothed: Option<f64>,
}

impl Meter {
    /// Takes note that `moved` bytes had moved in all at `at`, a time since any fixed moment.
    pub fn sample(&mut self, at: Duration, moved: u64) {
        if self.samples.back().is_some_and(|(last, _)| at.saturating_sub(*last) < SPACING) {
            return;
        }
        self.samples.push_back((at, moved));
        while self.samples.len() > 2 && self.samples.front().is_some_and(|(first, _)| at.saturating_sub(*first) > WINDOW) {
            self.samples.pop_front();
        }
        if let Some(speed) = self.windowed() {
            self.smoothed = Some(self.smoothed.map_or(speed, |old| old * INERTIA + speed * (1.0 - INERTIA)));
        }
    }

    /// Bytes a second; 0 until enough was seen.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a speed is neither negative nor near 2^64
    pub fn speed(&self) -> u64 {
        self.smoothed.unwrap_or(0.0) as u64
    }

    /// Seconds until `left` more bytes have moved; `None` while nothing moves.
    pub fn eta_seconds(&self, left: u64) -> Option<u64> {
        left.checked_div(self.speed())
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
    fn nothing_is_claimed_before_enough_was_seen_and_a_stall_fades() {
        let mut meter = Meter::default();
        meter.sample(at(0), 0);
        meter.sample(at(250), 9_000_000);
        assert_eq!((meter.speed(), meter.eta_seconds(5)), (0, None));
        meter.sample(at(1000), 9_000_000);
        let fast = meter.speed();
        for tick in 5..200 {
            meter.sample(at(tick * 250), 9_000_000);
        }
        assert!(fast > 0 && meter.speed() < fast / 1000);
    }
}
