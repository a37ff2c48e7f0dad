//! Whether a connection still brings enough to be kept.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::Response;

use super::run::broken;
use super::settings::Settings;
use crate::desk::{Fault, FaultKind, bytes as in_units};

/// A connection that brings less than this in the time of a stall is given up: at such a speed a gigabyte takes weeks.
const LEAST: usize = 8 << 10;

/// Reads a body, and gives it up when hardly anything comes. Only time spent waiting for the server counts.
pub struct Lifeline<'a> {
    settings: &'a Settings,
    name: &'a str,
    waited: Duration,
    received: usize,
    given_up: bool,
}

impl<'a> Lifeline<'a> {
    /// For one body; the name is the file's, for messages.
    pub fn new(settings: &'a Settings, name: &'a str) -> Self {
        Self { settings, name, waited: Duration::ZERO, received: 0, given_up: false }
    }

    /// The next bytes, or `None` at the body's end.
    pub async fn next(&mut self, response: &mut Response) -> Result<Option<Bytes>, Fault> {
        let begun = Instant::now();
        let left = self.settings.stall_timeout.saturating_sub(self.waited);
        let Ok(answer) = tokio::time::timeout(left, response.chunk()).await else { return Err(self.give_up()) };
        let chunk = answer.map_err(|error| broken(self.settings, self.name, error))?;
        self.feed(chunk.as_ref().map_or(0, Bytes::len), begun.elapsed());
        Ok(chunk)
    }

    /// Whether the body was given up. What it brought is then no sign that trying again helps.
    pub fn is_given_up(&self) -> bool {
        self.given_up
    }

    fn feed(&mut self, bytes: usize, waited: Duration) {
        self.received += bytes;
        self.waited += waited;
        if self.received >= LEAST {
            (self.received, self.waited) = (0, Duration::ZERO);
        }
    }

    fn give_up(&mut self) -> Fault {
        self.given_up = true;
        let seconds = self.settings.stall_timeout.as_secs_f32();
        let came = match self.received {
            0 => format!("no byte of {} came for {seconds} seconds", self.name),
            few => format!("only {} of {} came in {seconds} seconds", in_units(few as u64), self.name),
        };
        Fault::new(FaultKind::Network, came)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trickle_uses_a_lifeline_up() {
        let settings = Settings::default();
        let mut lifeline = Lifeline::new(&settings, "w.gguf");
        lifeline.feed(LEAST - 1, Duration::from_secs(20));
        assert_eq!(lifeline.waited, Duration::from_secs(20));
        lifeline.feed(1, Duration::from_secs(9));
        assert_eq!((lifeline.waited, lifeline.received), (Duration::ZERO, 0));
        lifeline.feed(300, Duration::from_secs(30));
        assert!(!lifeline.is_given_up());
        assert_eq!(lifeline.give_up().message, "only 300 B of w.gguf came in 30 seconds");
        assert!(lifeline.is_given_up());
    }
}
