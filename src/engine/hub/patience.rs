//! When to try again, and how long to wait before.

use std::time::Duration;

use reqwest::header::HeaderMap;

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

/// How long a refusal's headers ask to wait, with a second to spare.
///
/// `RateLimit: "api";r=0;t=69` (nothing left for 69 s) goes before `Retry-After: 69`, as in the official client; a date
/// in `Retry-After` is not read, the Hub sends seconds.
pub(super) fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let exhausted = text("ratelimit").and_then(exhausted_for);
    let seconds = exhausted.or_else(|| text("retry-after")?.trim().parse().ok())?;
    Some(Duration::from_secs(seconds.saturating_add(1)))
}

/// The seconds until the first exhausted policy of a `RateLimit` header is renewed.
fn exhausted_for(header: &str) -> Option<u64> {
    header.split(',').find_map(|policy| {
        let value = |name: &str| policy.split(';').find_map(|part| part.trim().strip_prefix(name)?.parse::<u64>().ok());
        (value("r=")? == 0).then(|| value("t="))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{Fault, FaultKind};
    use reqwest::header::{HeaderName, HeaderValue};

    fn asked(pairs: &[(&'static str, &'static str)]) -> Option<u64> {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        asked_wait(&pairs.collect()).map(|wait| wait.as_secs())
    }

    #[test]
    fn waits_are_read_from_headers() {
        assert_eq!(asked(&[("ratelimit", "\"api\";r=0;t=69")]), Some(70));
        assert_eq!(asked(&[("ratelimit", "\"api\";r=0;t=69"), ("retry-after", "3")]), Some(70));
        assert_eq!(asked(&[("ratelimit", "\"api\";r=5;t=69"), ("retry-after", "3")]), Some(4));
        assert_eq!(asked(&[("ratelimit", "\"a\";r=1;t=2, \"b\";r=0;t=9")]), Some(10));
        assert_eq!(asked(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")]), None);
        assert_eq!(asked(&[("ratelimit", "nonsense;r=;t=x")]), None);
        assert_eq!(asked(&[("retry-after", "18446744073709551615")]), Some(u64::MAX));
    }

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
