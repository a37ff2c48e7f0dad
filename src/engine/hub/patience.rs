//! When to try again, and how long to wait before.

use std::time::Duration;

use super::request::Failure;

/// How often and how long to try again: at a timeout, a broken connection, 408, 429 and 5xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The most requests for one answer, the first included.
    pub tries: u32,
    /// How long a second lasts: waits are counted in seconds, and tests make them shorter.
    pub second: Duration,
    /// The longest wait that the Hub may ask for, in seconds; a longer one is a `RateLimited` fault at once.
    pub longest: u64,
}

impl Default for Patience {
    /// Five tries, and at most five minutes' wait, which is the Hub's rate-limit window.
    fn default() -> Self {
        Self { tries: 5, second: Duration::from_secs(1), longest: 300 }
    }
}

impl Patience {
    /// How long to wait after `tried` failed requests, or `None` to give up: 1, 2, 4 and 8 seconds, or what the Hub asks for.
    pub(super) fn wait(&self, tried: u32, failure: &Failure) -> Option<Duration> {
        if !failure.again || tried >= self.tries {
            return None;
        }
        let seconds = match failure.fault.retry_after {
            Some(asked) if asked.as_secs() > self.longest => return None,
            Some(asked) => asked.as_secs(),
            None => 1 << (tried - 1).min(3),
        };
        Some(self.second.saturating_mul(u32::try_from(seconds).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{Fault, FaultKind};

    #[test]
    fn waits_double_and_end() {
        let patience = Patience::default();
        let failure = |wait: Option<u64>, again| Failure {
            again,
            ..Failure::last(Fault::new(FaultKind::RateLimited, "x").retry_after(wait.map(Duration::from_secs)))
        };
        let waits: Vec<_> = (1..=5).map(|tried| patience.wait(tried, &failure(None, true)).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(1), Some(2), Some(4), Some(8), None]);
        assert_eq!(patience.wait(1, &failure(Some(300), true)), Some(Duration::from_secs(300)));
        assert_eq!(patience.wait(1, &failure(Some(301), true)), None);
        assert_eq!(patience.wait(1, &failure(None, false)), None);
    }
}
