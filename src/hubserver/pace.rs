//! A limit in bytes a second over many bodies together.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Slices a second that a limited flow is cut into, so that progress looks continuous.
const SLICES: u64 = 50;

/// The smallest slice, in bytes.
const SMALLEST: u64 = 1 << 10;

/// Hands out the right to send, in turn.
pub struct Pace(Mutex<State>);

struct State {
    rate: Option<u64>,
    free_at: Instant,
}

impl Pace {
    /// A pace of this many bytes a second, or none.
    pub fn new(rate: Option<u64>) -> Self {
        Self(Mutex::new(State { rate, free_at: Instant::now() }))
    }

    /// Changes the limit for everything that is sent from now on.
    pub fn set(&self, rate: Option<u64>) {
        *self.lock() = State { rate, free_at: Instant::now() };
    }

    /// Waits until some of `want` bytes may be sent, and answers with how many.
    pub async fn take(&self, want: usize) -> usize {
        let (slice, at) = self.reserve(want, Instant::now());
        if let Some(at) = at {
            tokio::time::sleep_until(at.into()).await;
        }
        slice
    }

    /// How many bytes may be sent, and when, if not at once.
    fn reserve(&self, want: usize, now: Instant) -> (usize, Option<Instant>) {
        let mut state = self.lock();
        let Some(rate) = state.rate.map(|rate| rate.max(1)) else { return (want, None) };
        let slice = want.min(usize::try_from((rate / SLICES).max(SMALLEST)).unwrap_or(usize::MAX));
        let at = state.free_at.max(now);
        state.free_at = at + Duration::from_secs_f64(slice as f64 / rate as f64);
        (slice, Some(at))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_sees_more_than_the_rate_and_one_slice() {
        let rate = 1_000_000;
        let (pace, start) = (Pace::new(Some(rate)), Instant::now());
        let mut sent = 0;
        for _ in 0..1000 {
            let (slice, at) = pace.reserve(1 << 20, start);
            if at.unwrap().duration_since(start) < Duration::from_secs(2) {
                sent += slice as u64;
            }
            assert!(slice as u64 <= rate / SLICES);
        }
        assert!((2 * rate - rate / SLICES..=2 * rate + rate / SLICES).contains(&sent), "{sent}");
    }

    #[test]
    fn without_a_limit_everything_goes_at_once() {
        let pace = Pace::new(Some(1));
        pace.set(None);
        assert_eq!(pace.reserve(1 << 20, Instant::now()), (1 << 20, None));
    }
}
