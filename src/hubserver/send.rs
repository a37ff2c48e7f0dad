//! A file, or a part of it, as a response.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::ask::Ask;
use super::body::Flow;
use super::faults::{Effect, FaultPlan, Side};
use super::files::OpenFile;
use super::pace::Pace;
use super::range::Part;
use super::reply::{Response, empty, json, set};
use super::stats::Counter;

/// An open file and how to describe it.
pub struct Content {
    /// The file.
    pub file: OpenFile,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its media type.
    pub media_type: &'static str,
}

/// Where the bodies of one listener go.
pub struct Outlet {
    /// The listener.
    pub side: Side,
    /// The limit for all of them together.
    pub pace: Arc<Pace>,
    /// Their bytes.
    pub sent: Arc<Counter>,
    /// What goes wrong on purpose.
    pub faults: FaultPlan,
}

impl Outlet {
    /// The answer to a `GET` or `HEAD` for a file: 200, 206 or 416.
    pub fn send(&self, ask: &Ask, mut content: Content) -> Response {
        if let Some(Effect::Resize(size)) = self.effect(ask, |effect| matches!(effect, Effect::Resize(_))) {
            content.size = size;
        }
        let deaf = self.effect(ask, |effect| *effect == Effect::IgnoreRange).is_some();
        let asked = |etag: &str| if deaf { Part::Whole } else { Part::asked(&ask.headers, content.size, etag) };
        let mut etag = format!("\"{}\"", content.etag);
        let range = asked(&etag).range(content.size);
        let effect = self.effect(ask, |effect| ask.method != "HEAD" && spoils(effect, range));
        if effect == Some(Effect::Replace) {
            etag.insert_str(1, "replaced-");
        }
        let part = asked(&etag);
        let range = part.range(content.size);
        let mut response = empty(part.status());
        describe(response.headers_mut(), part, range, &content);
        set(response.headers_mut(), "etag", etag);
        if ask.method != "HEAD" && range.0 < range.1 {
            announce(response.headers_mut(), effect.as_ref());
            let flow = Flow::new(content.file, range, Arc::clone(&self.pace), Arc::clone(&self.sent), effect);
            *response.body_mut() = flow.into_body();
        }
        response
    }

    /// The answer that a request gets on purpose instead of its own, if any.
    pub async fn trouble(&self, path: &str) -> Option<Response> {
        match self.faults.take(self.side, path, |effect| matches!(effect, Effect::Status(..) | Effect::Silence))? {
            Effect::Status(status, headers) => Some(troubled(status, headers)),
            _ => std::future::pending().await,
        }
    }

    fn effect(&self, ask: &Ask, applies: impl Fn(&Effect) -> bool) -> Option<Effect> {
        self.faults.take(self.side, ask.uri.path(), applies)
    }
}

fn troubled(status: u16, headers: Vec<(String, String)>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &json!({ "error": "Trouble on purpose" }));
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Whether an effect can be seen in a body of these bytes of the file.
fn spoils(effect: &Effect, (start, end): (u64, u64)) -> bool {
    match effect {
        Effect::Flip(offset) => (start..end).contains(offset),
        Effect::Status(..) | Effect::Silence | Effect::IgnoreRange | Effect::Resize(_) => false,
        _ => start < end,
    }
}

/// Announces another length than the body's own, or none.
fn announce(headers: &mut HeaderMap, effect: Option<&Effect>) {
    match effect {
        Some(Effect::Announce(length)) => set(headers, "content-length", length.to_string()),
        Some(Effect::EndAfter(_)) => drop(headers.remove("content-length")),
        _ => {}
    }
}

fn describe(headers: &mut HeaderMap, part: Part, (start, end): (u64, u64), content: &Content) {
    let size = content.size;
    set(headers, "accept-ranges", "bytes");
    set(headers, "content-type", content.media_type);
    set(headers, "content-length", (end - start).to_string());
    match part {
        Part::Whole => {}
        Part::Bytes(..) => set(headers, "content-range", format!("bytes {start}-{}/{size}", end - 1)),
        Part::Unsatisfiable => set(headers, "content-range", format!("bytes */{size}")),
    }
}
