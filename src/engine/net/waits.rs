//! How long a refusal asks to wait.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// How long a refusal's headers ask to wait, with a second to spare.
///
/// `RateLimit: "api";r=0;t=69` (nothing left for 69 s) goes before `Retry-After`, as in the official client; that one is a number of
/// seconds or a date, which is compared with the server's own clock where `Date` tells it, else with `now`.
pub fn asked_wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let exhausted = text("ratelimit").and_then(exhausted_for);
    let date = |text: &str| DateTimeParser::new().parse_timestamp(text).ok();
    let server = text(DATE.as_str()).and_then(date).unwrap_or(now);
    let until = |text: &str| u64::try_from(date(text)?.as_second() - server.as_second()).ok();
    let retry = || text(RETRY_AFTER.as_str()).and_then(|text| text.parse().ok().or_else(|| until(text)));
    let seconds = exhausted.or_else(retry)?;
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
    use reqwest::header::{HeaderName, HeaderValue};

    fn asked(pairs: &[(&'static str, &'static str)]) -> Option<u64> {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let now = "2026-10-21T07:27:00Z".parse().unwrap();
        asked_wait(&pairs.collect(), now).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_rate_limit_goes_before_retry_after() {
        assert_eq!(asked(&[("ratelimit", "\"api\";r=0;t=69")]), Some(70));
        assert_eq!(asked(&[("ratelimit", "\"api\";r=0;t=69"), ("retry-after", "3")]), Some(70));
        assert_eq!(asked(&[("ratelimit", "\"api\";r=5;t=69"), ("retry-after", "3")]), Some(4));
        assert_eq!(asked(&[("ratelimit", "\"resolvers\";r=2999;t=69")]), None);
        assert_eq!(asked(&[("ratelimit", "\"a\";r=1;t=2, \"b\";r=0;t=9")]), Some(10));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(asked(&[("retry-after", " 7 ")]), Some(8));
        assert_eq!(asked(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")]), Some(61));
        let late = [("retry-after", "Wed, 21 Oct 2026 09:28:30 GMT"), ("date", "Wed, 21 Oct 2026 09:28:00 GMT")];
        assert_eq!(asked(&late), Some(31));
        assert_eq!(asked(&[("retry-after", "Wed, 21 Oct 2026 07:20:00 GMT")]), None);
    }

    #[test]
    fn nonsense_asks_for_nothing_and_no_number_is_too_large() {
        assert_eq!(asked(&[("ratelimit", "nonsense;r=;t=x"), ("retry-after", "soon")]), None);
        assert_eq!(asked(&[("retry-after", "18446744073709551615")]), Some(u64::MAX));
        assert_eq!(asked(&[("retry-after", "-3")]), None);
        assert_eq!(asked(&[]), None);
    }
}
