//! What a server's answer to a ranged request means. Pure.

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap};

use super::segments::Segment;
use crate::desk::{Fault, FaultKind};
use crate::engine::net::{asked_wait, login_wanted};

/// What the body of a good answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The bytes from the segment's start on.
    Segment,
    /// The file from byte 0 on: the server does not know ranges.
    Whole,
}

/// Whether the address was refused and a fresh one may work. Stores answer 400 to an expired token, 403 to an expired signature.
pub fn is_refused(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// The entity tag of the content that an answer holds; a weak one serves as well, for its range is never trusted without the digest.
pub fn tag(status: StatusCode, headers: &HeaderMap) -> Option<&str> {
    let tag = headers.get(ETAG).filter(|_| status.is_success())?.to_str().ok()?;
    Some(tag.trim_start_matches("W/"))
}

/// Reads the answer to a request for a segment of a file of `size` bytes. `name` is the file's, for messages.
pub fn read(status: StatusCode, headers: &HeaderMap, segment: Segment, size: u64, name: &str) -> Result<Body, Fault> {
    match status {
        StatusCode::PARTIAL_CONTENT => check_range(headers, segment, size, name),
        StatusCode::OK => check_length(headers, size, name),
        StatusCode::RANGE_NOT_SATISFIABLE => Err(changed(name, &format!("it has no bytes from {} on", segment.start))),
        _ => Err(failed(status, headers, name)),
    }
}

fn check_range(headers: &HeaderMap, segment: Segment, size: u64, name: &str) -> Result<Body, Fault> {
    let text = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match parse_range(text) {
        Some((_, _, total)) if total != size => Err(changed(name, &format!("it has {total} bytes there, not {size}"))),
        Some((first, last, _)) if first == segment.start && first <= last && last < segment.end => Ok(Body::Segment),
        _ => {
            let asked = format!("bytes {}-{}", segment.start, segment.end - 1);
            Err(bad(format!("the server sent the range “{text}” of {name} when asked for {asked}")))
        }
    }
}

/// `bytes 0-99/1000` as first, last and total.
fn parse_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, total.parse().ok()?))
}

fn check_length(headers: &HeaderMap, size: u64, name: &str) -> Result<Body, Fault> {
    match number(headers, CONTENT_LENGTH.as_str()) {
        Some(length) if length != size => Err(changed(name, &format!("it has {length} bytes there, not {size}"))),
        _ => Ok(Body::Whole),
    }
}

/// A fault for any status that is neither good nor a refusal to be answered with a fresh address.
pub fn failed(status: StatusCode, headers: &HeaderMap, name: &str) -> Fault {
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return login_wanted(&format!("cannot download {name}: the proxy"));
    }
    let kind = match status {
        StatusCode::UNAUTHORIZED => FaultKind::Unauthorized,
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => FaultKind::Forbidden,
        StatusCode::NOT_FOUND | StatusCode::GONE => FaultKind::EntryNotFound,
        StatusCode::TOO_MANY_REQUESTS => FaultKind::RateLimited,
        StatusCode::REQUEST_TIMEOUT => FaultKind::Unavailable,
        _ if status.is_server_error() => FaultKind::Unavailable,
        _ => FaultKind::BadReply,
    };
    let fault = Fault::new(kind, format!("cannot download {name}: the server answered {status}"))
        .retry_after(asked_wait(headers, Timestamp::now()));
    match kind {
        FaultKind::Unauthorized => fault.hint("log in with a token that may read this repository"),
        FaultKind::Forbidden => fault.hint("check that your account may read this repository, then resume"),
        FaultKind::EntryNotFound => fault.hint("the file may have been deleted or moved; look at the repository again"),
        _ => fault,
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn changed(name: &str, how: &str) -> Fault {
    bad(format!("{name} is not what the repository's listing says: {how}")).hint("look at the repository again and start anew")
}

fn bad(message: String) -> Fault {
    Fault::new(FaultKind::BadReply, message)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const SEGMENT: Segment = Segment { id: 0, start: 100, end: 200 };

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn answer(status: u16, pairs: &[(&'static str, &'static str)]) -> Result<Body, FaultKind> {
        read(StatusCode::from_u16(status).unwrap(), &headers(pairs), SEGMENT, 1000, "w.gguf").map_err(|fault| fault.kind)
    }

    #[test]
    fn only_the_range_asked_for_of_the_file_we_know_is_good() {
        assert_eq!(answer(206, &[("content-range", "bytes 100-199/1000")]), Ok(Body::Segment));
        assert_eq!(answer(206, &[("content-range", "bytes 100-150/1000")]), Ok(Body::Segment));
        let wrong =
            ["bytes 100-199/1001", "bytes 0-99/1000", "bytes 100-200/1000", "bytes 100-99/1000", "bytes */1000", "bytes 100-199/*", ""];
        for range in wrong {
            assert_eq!(answer(206, &[("content-range", range)]), Err(FaultKind::BadReply), "{range}");
        }
        assert_eq!(answer(206, &[]), Err(FaultKind::BadReply));
    }

    #[test]
    fn a_whole_file_must_have_the_right_length_if_it_has_one() {
        assert_eq!(answer(200, &[("content-length", "1000")]), Ok(Body::Whole));
        assert_eq!(answer(200, &[]), Ok(Body::Whole));
        assert_eq!(answer(200, &[("content-length", "999")]), Err(FaultKind::BadReply));
        assert_eq!(answer(416, &[("content-range", "bytes */50")]), Err(FaultKind::BadReply));
    }

    #[test]
    fn statuses_have_kinds() {
        let kinds =
            [(404, FaultKind::EntryNotFound), (429, FaultKind::RateLimited), (503, FaultKind::Unavailable), (408, FaultKind::Unavailable)];
        for (status, kind) in kinds {
            assert_eq!(answer(status, &[]), Err(kind));
        }
        assert_eq!(answer(407, &[]), Err(FaultKind::NetworkSetup));
        assert_eq!(answer(418, &[]), Err(FaultKind::BadReply));
        assert!(is_refused(StatusCode::FORBIDDEN) && !is_refused(StatusCode::NOT_FOUND));
    }
}
