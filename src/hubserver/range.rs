//! The `Range` header (RFC 9110, section 14), for one range of bytes.

use axum::http::header::{IF_RANGE, RANGE};
use axum::http::{HeaderMap, StatusCode};

/// Which part of a file a request gets. Ends are exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The whole file: 200.
    Whole,
    /// These bytes: 206.
    Bytes(u64, u64),
    /// Nothing in the file: 416.
    Unsatisfiable,
}

impl Part {
    /// The part that the headers ask for, of a file with this size in bytes and this entity tag (with its quotes).
    ///
    /// A malformed range, several ranges at once and an `If-Range` for other content all mean the whole file.
    pub fn asked(headers: &HeaderMap, size: u64, etag: &str) -> Self {
        let other_content = headers.get(IF_RANGE).is_some_and(|known| known.as_bytes() != etag.as_bytes());
        let range = headers.get(RANGE).and_then(|range| range.to_str().ok()).filter(|_| !other_content);
        range.and_then(|range| Self::parse(range, size)).unwrap_or(Self::Whole)
    }

    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Whole => StatusCode::OK,
            Self::Bytes(..) => StatusCode::PARTIAL_CONTENT,
            Self::Unsatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        }
    }

    /// The bytes of the answer, of a file with this size.
    pub fn range(self, size: u64) -> (u64, u64) {
        match self {
            Self::Whole => (0, size),
            Self::Bytes(start, end) => (start, end),
            Self::Unsatisfiable => (0, 0),
        }
    }

    fn parse(range: &str, size: u64) -> Option<Self> {
        let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
        let (first, last) = (first.trim(), last.trim());
        let (start, end) = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(size)),
            (Some(first), None) if last.is_empty() => (first, size),
            (None, Some(count)) if first.is_empty() => (size.saturating_sub(count), size),
            _ => return None,
        };
        Some(if start < end { Self::Bytes(start, end) } else { Self::Unsatisfiable })
    }
}

/// Digits only; a number too large for 64 bits lies beyond every file.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Part::{Bytes, Unsatisfiable, Whole};

    #[test]
    fn ranges_by_value() {
        let cases = [
            ("bytes=0-0", Bytes(0, 1)),
            ("bytes=10-19", Bytes(10, 20)),
            ("bytes=90-", Bytes(90, 100)),
            ("bytes=90-1000", Bytes(90, 100)),
            ("bytes=-10", Bytes(90, 100)),
            ("bytes=-1000", Bytes(0, 100)),
            ("bytes=-0", Unsatisfiable),
            ("bytes=100-", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=20-10", Whole),
            ("bytes=0-1,5-6", Whole),
            ("bytes=-", Whole),
            ("bytes=+1-2", Whole),
            ("lines=0-1", Whole),
        ];
        for (range, part) in cases {
            let headers = HeaderMap::from_iter([(RANGE, range.parse().unwrap())]);
            assert_eq!(Part::asked(&headers, 100, "\"e\""), part, "{range}");
        }
    }

    #[test]
    fn an_empty_file_has_no_ranges_and_other_content_is_sent_whole() {
        let mut headers = HeaderMap::from_iter([(RANGE, "bytes=0-".parse().unwrap())]);
        assert_eq!(Part::asked(&headers, 0, "\"e\""), Unsatisfiable);
        headers.insert(IF_RANGE, "\"e\"".parse().unwrap());
        assert_eq!(Part::asked(&headers, 9, "\"e\""), Bytes(0, 9));
        assert_eq!(Part::asked(&headers, 9, "\"f\""), Whole);
    }
}
