//! How many requests a client may make, and what the Hub's rate-limit headers say about it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;

use super::reply::set;

/// Requests allowed for each client address in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests to `/api`.
    pub api: u64,
    /// Requests to `resolve`.
    pub resolvers: u64,
    /// How long a window lasts; at least a second.
    pub window: Duration,
}

impl Quota {
    /// What huggingface.co grants without a token (its documentation of September 2026): 500 and 3,000 in five minutes.
    pub const ANONYMOUS: Self = Self { api: 500, resolvers: 3000, window: Duration::from_secs(300) };
}

impl Default for Quota {
    /// More than a LAN can ask for.
    fn default() -> Self {
        Self { api: 1_000_000, resolvers: 1_000_000, window: Duration::from_secs(300) }
    }
}

/// What a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    Api,
    Resolvers,
}

/// Where a client stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    bucket: Bucket,
    quota: u64,
    window: u64,
    left: u64,
    resets_in: u64,
    /// Whether the request was one too many.
    pub over: bool,
}

/// Counts requests in fixed windows since the start.
pub struct Meter {
    quota: Quota,
    started: Instant,
    seen: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    number: u64,
    requests: HashMap<(IpAddr, Bucket), u64>,
}

impl Meter {
    pub fn new(quota: Quota) -> Self {
        Self { quota, started: Instant::now(), seen: Mutex::default() }
    }

    /// Counts a request.
    pub fn count(&self, who: IpAddr, bucket: Bucket, now: Instant) -> Standing {
        let window = self.quota.window.as_secs().max(1);
        let elapsed = now.duration_since(self.started).as_secs();
        let quota = match bucket {
            Bucket::Api => self.quota.api,
            Bucket::Resolvers => self.quota.resolvers,
        };
        let count = self.tally(elapsed / window, (who, bucket));
        let (left, over) = (quota.saturating_sub(count), count > quota);
        Standing { bucket, quota, window, left, resets_in: window - elapsed % window, over }
    }

    fn tally(&self, number: u64, key: (IpAddr, Bucket)) -> u64 {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.number != number {
            *seen = Window { number, requests: HashMap::new() };
        }
        let count = seen.requests.entry(key).or_default();
        *count += 1;
        *count
    }
}

impl Standing {
    /// Adds `RateLimit` and `RateLimit-Policy`, and `Retry-After` where the request was one too many.
    pub fn stamp(&self, headers: &mut HeaderMap) {
        let name = match self.bucket {
            Bucket::Api => "api",
            Bucket::Resolvers => "resolvers",
        };
        let Self { quota, window, left, resets_in, over, .. } = self;
        set(headers, "ratelimit", format!("\"{name}\";r={left};t={resets_in}"));
        set(headers, "ratelimit-policy", format!("\"fixed window\";\"{name}\";q={quota};w={window}"));
        if *over {
            set(headers, "retry-after", resets_in.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_stopped_until_the_window_ends() {
        let meter = Meter::new(Quota { api: 2, resolvers: 9, window: Duration::from_secs(10) });
        let (who, start) = (IpAddr::from([127, 0, 0, 1]), meter.started);
        let at = |seconds| meter.count(who, Bucket::Api, start + Duration::from_secs(seconds));
        assert!(!at(0).over);
        assert!(!at(1).over);
        let third = at(3);
        assert!(third.over);
        let mut headers = HeaderMap::new();
        third.stamp(&mut headers);
        assert_eq!(headers["ratelimit"], "\"api\";r=0;t=7");
        assert_eq!(headers["ratelimit-policy"], "\"fixed window\";\"api\";q=2;w=10");
        assert_eq!(headers["retry-after"], "7");
        assert!(!meter.count(IpAddr::from([10, 0, 0, 1]), Bucket::Api, start).over);
        assert!(!at(10).over);
    }
}
