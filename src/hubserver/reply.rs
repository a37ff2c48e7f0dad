//! Answers: JSON, and refusals in the form in which a Hub's clients understand them.

use axum::body::Body;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use axum::http::{Response as HttpResponse, StatusCode};
use serde_json::{Value, json};

use crate::desk::{Fault, FaultKind};

/// A response with a body that may be streamed.
pub type Response = HttpResponse<Body>;

/// Sets a header; a value that cannot stand in one is left out.
pub fn set(headers: &mut HeaderMap, name: &'static str, value: impl AsRef<str>) {
    if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// An empty answer with this status.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A short text with this status.
pub fn text(status: StatusCode, content_type: &str, content: impl Into<Body>) -> Response {
    let mut response = Response::new(content.into());
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", content_type);
    response
}

/// A JSON document with this status.
pub fn json(status: StatusCode, document: &Value) -> Response {
    text(status, "application/json; charset=utf-8", document.to_string())
}

/// A request that is not granted.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: Option<&'static str>,
    message: String,
    commit: Option<String>,
}

impl Refusal {
    /// A refusal with this status and message, and without a code.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, code: None, message: message.into(), commit: None }
    }

    /// Adds the code by which clients tell refusals apart (`X-Error-Code`).
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Adds the commit that the request was resolved to.
    pub fn at(mut self, commit: &str) -> Self {
        self.commit = Some(commit.to_owned());
        self
    }
}

impl From<Fault> for Refusal {
    /// What went wrong on this machine is logged; a client learns no local path.
    fn from(fault: Fault) -> Self {
        tracing::warn!(%fault, "a request could not be answered");
        match fault.kind {
            FaultKind::Unavailable => Self::new(StatusCode::SERVICE_UNAVAILABLE, fault.message),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Error - the Hub could not read its files"),
        }
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let message = crate::desk::printable(&refusal.message);
        let mut response = json(refusal.status, &json!({ "error": message }));
        let headers = response.headers_mut();
        set(headers, "x-error-message", &message);
        if let Some(code) = refusal.code {
            set(headers, "x-error-code", code);
        }
        if let Some(commit) = refusal.commit {
            set(headers, "x-repo-commit", commit);
        }
        if refusal.status == StatusCode::SERVICE_UNAVAILABLE {
            set(headers, "retry-after", "1");
        }
        response
    }
}
