//! One speed limit for everything that moves.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::lock;

/// How much may pass ahead of time after a pause, as a share of a second's bytes.
const BURST_SECONDS: f64 = 0.1;

/// Counts the bytes that were asked for and those that time has allowed since; who asked waits until the second has caught up.
#[derive(Debug)]
struct Bucket {
    bytes_per_second: Option<f64>,
    asked: f64,
    allowed: f64,
    at: Instant,
}

impl Bucket {
    fn new(bytes_per_second: Option<u64>, now: Instant) -> Self {
        Self { bytes_per_second: as_rate(bytes_per_second), asked: 0.0, allowed: 0.0, at: now }
    }

    /// Asks for bytes; the answer is the ticket to wait with.
    fn ask(&mut self, bytes: u64, now: Instant) -> f64 {
        self.settle(now);
        self.asked += bytes as f64;
        self.asked
    }

    /// How long the holder of a ticket still has to wait.
    fn wait(&mut self, ticket: f64, now: Instant) -> Duration {
        self.settle(now);
        let missing = (ticket - self.allowed).max(0.0);
        self.bytes_per_second.map_or(Duration::ZERO, |rate| Duration::try_from_secs_f64(missing / rate).unwrap_or(Duration::MAX))
    }

    /// Adds what the time since the last call allowed.
    fn settle(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.allowed = match self.bytes_per_second {
            Some(rate) => (self.allowed + rate * seconds).min(self.asked + rate * BURST_SECONDS),
            None => self.asked,
        };
        self.at = now;
    }

    /// Sets another limit from now on.
    fn limit(&mut self, bytes_per_second: Option<u64>, now: Instant) {
        self.settle(now);
        self.bytes_per_second = as_rate(bytes_per_second);
    }
}

/// A limit of 0 would stop everything without saying so; it counts as one byte a second.
fn as_rate(bytes_per_second: Option<u64>) -> Option<f64> {
    bytes_per_second.map(|rate| rate.max(1) as f64)
}

/// A speed limit that all connections share and that can be changed while they move.
#[derive(Debug)]
pub struct Pace {
    bucket: Mutex<Bucket>,
    limited: AtomicBool,
    changed: watch::Sender<()>,
}

impl Pace {
    /// A limit in bytes a second; `None` is none.
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        let bucket = Mutex::new(Bucket::new(bytes_per_second, Instant::now()));
        Self { bucket, limited: AtomicBool::new(bytes_per_second.is_some()), changed: watch::Sender::new(()) }
    }

    /// Sets another limit. Who waits now waits by the new one.
    pub fn set(&self, bytes_per_second: Option<u64>) {
        lock(&self.bucket).limit(bytes_per_second, Instant::now());
        self.limited.store(bytes_per_second.is_some(), Relaxed);
        self.changed.send_replace(());
    }

    /// Whether there is a limit now.
    pub fn is_limited(&self) -> bool {
        self.limited.load(Relaxed)
    }

    /// Waits until these bytes may have passed.
    pub async fn pass(&self, bytes: u64) {
        if !self.is_limited() {
            return;
        }
        let ticket = lock(&self.bucket).ask(bytes, Instant::now());
        let mut changed = self.changed.subscribe();
        loop {
            let wait = lock(&self.bucket).wait(ticket, Instant::now());
            if wait.is_zero() {
                return;
            }
            let _ = tokio::time::timeout(wait, changed.changed()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: Duration, right: f64) -> bool {
        (left.as_secs_f64() - right).abs() < 1e-6
    }

    #[test]
    fn a_ticket_waits_its_turn_and_time_pays_for_it() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Some(1000), start);
        let first = bucket.ask(500, start);
        let second = bucket.ask(500, start);
        assert!(close(bucket.wait(first, start), 0.5));
        assert!(close(bucket.wait(second, start), 1.0));
        assert!(close(bucket.wait(second, start + Duration::from_millis(400)), 0.6));
        assert!(bucket.wait(second, start + Duration::from_secs(1)).is_zero());
    }

    #[test]
    fn a_long_pause_saves_up_a_tenth_of_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Some(1000), start);
        let later = start + Duration::from_secs(60);
        let ticket = bucket.ask(1000, later);
        assert!(close(bucket.wait(ticket, later), 0.9));
    }

    #[test]
    fn a_new_limit_counts_from_its_moment() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Some(1000), start);
        let ticket = bucket.ask(2000, start);
        let later = start + Duration::from_secs(1);
        bucket.limit(Some(500), later);
        assert!(close(bucket.wait(ticket, later), 2.0));
        bucket.limit(None, later);
        assert!(bucket.wait(ticket, later).is_zero());
        bucket.limit(Some(500), later);
        assert!(bucket.wait(ticket, later).is_zero());
    }

    #[tokio::test]
    async fn who_waits_feels_a_change_at_once() {
        let pace = Pace::new(Some(1));
        let passing = pace.pass(1_000_000);
        tokio::pin!(passing);
        assert!(futures::poll!(&mut passing).is_pending());
        pace.set(None);
        tokio::time::timeout(Duration::from_secs(5), passing).await.unwrap();
    }
}
