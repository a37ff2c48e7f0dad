//! What a refusal means: `X-Error-Code` first, then the status, then the body.

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use super::endpoint::Endpoint;
use super::gate;
use super::lenient::shown;
use super::request::{Failure, Subject};
use crate::desk::{Fault, FaultKind, RepoRef};
use crate::engine::net::{asked_wait, host};

/// The longest text of a Hub repeated in a message, in characters.
const LONGEST_TEXT: usize = 300;
/// What the Hub answers to a token that it does not know.
const BAD_TOKEN: &str = "Invalid credentials in Authorization header";
/// What the Hub answers about a repository that it has closed.
const DISABLED: &str = "Access to this resource is disabled.";

/// A request that was refused.
pub(super) struct Refusal<'a> {
    pub(super) endpoint: &'a Endpoint,
    /// Whether the request carried the token.
    pub(super) token_sent: bool,
    pub(super) url: &'a Url,
    pub(super) subject: Subject<'a>,
}

impl Refusal<'_> {
    /// The refusal as a failure. `text` is what the Hub says about it, if anything.
    pub(super) fn failure(&self, status: StatusCode, headers: &HeaderMap, text: Option<String>) -> Failure {
        let code = headers.get("x-error-code").and_then(|code| code.to_str().ok());
        let kind = self.kind(status, code, text.as_deref());
        let wait = asked_wait(headers, Timestamp::now()).filter(|_| matches!(kind, FaultKind::RateLimited | FaultKind::Unavailable));
        let again = matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504);
        Failure { fault: self.told(kind, status, text).retry_after(wait), again, bare_status: code.is_none().then_some(status) }
    }

    fn kind(&self, status: StatusCode, code: Option<&str>, text: Option<&str>) -> FaultKind {
        match code {
            Some("RepoNotFound") => return FaultKind::RepoNotFound,
            Some("RevisionNotFound") => return FaultKind::RevisionNotFound,
            Some("EntryNotFound") => return FaultKind::EntryNotFound,
            Some("GatedRepo") => return FaultKind::Gated,
            _ => {}
        }
        match (status.as_u16(), self.subject) {
            // To somebody without a token, the Hub answers 401 for what does not exist.
            (401, Subject::Repo(_) | Subject::File(..)) if text != Some(BAD_TOKEN) => FaultKind::RepoNotFound,
            (401, _) => FaultKind::Unauthorized,
            (403, _) if text.is_some_and(gate::is_about_scope) => FaultKind::Gated,
            (403 | 451, _) => FaultKind::Forbidden,
            (404, Subject::Repo(_)) => FaultKind::RepoNotFound,
            (404, Subject::File(..)) => FaultKind::EntryNotFound,
            (429, _) => FaultKind::RateLimited,
            (408 | 500.., _) => FaultKind::Unavailable,
            _ => FaultKind::BadReply,
        }
    }

    fn told(&self, kind: FaultKind, status: StatusCode, text: Option<String>) -> Fault {
        match (kind, self.subject) {
            (FaultKind::EntryNotFound, Subject::File(repo, path)) => no_file(repo, path),
            (FaultKind::RevisionNotFound, Subject::Repo(repo) | Subject::File(repo, _)) => self.no_revision(repo),
            (FaultKind::RepoNotFound, Subject::Repo(repo) | Subject::File(repo, _)) => self.no_repo(repo),
            (FaultKind::Gated, Subject::Repo(repo) | Subject::File(repo, _)) => {
                gate::shut(self.endpoint, repo, self.token_sent, text.as_deref())
            }
            (FaultKind::Forbidden, _) if text.as_deref() == Some(DISABLED) => {
                Fault::new(kind, format!("the Hub has disabled access to {}", self.what()))
            }
            _ => self.general(kind, status, text),
        }
    }

    fn no_repo(&self, repo: &RepoRef) -> Fault {
        let unseen = if self.token_sent { "this token may not see it" } else { "it is private: log in with hf auth login or HF_TOKEN" };
        Fault::new(FaultKind::RepoNotFound, format!("{} has no {} {}", host(self.url), repo.kind, repo.id))
            .hint(format!("check the spelling and the type (model, dataset or space), or {unseen}"))
    }

    fn no_revision(&self, repo: &RepoRef) -> Fault {
        Fault::new(FaultKind::RevisionNotFound, format!("{} has no revision {}", repo.id, repo.revision))
            .hint(format!("name a branch, a tag or a commit; {} lists them", self.endpoint.page(repo)))
    }

    fn general(&self, kind: FaultKind, status: StatusCode, text: Option<String>) -> Fault {
        let (host, what) = (host(self.url), self.what());
        let (message, hint) = match kind {
            FaultKind::Unauthorized if self.token_sent => {
                (format!("{host} refuses the token"), "check --token, HF_TOKEN and the login file, or log in again with hf auth login")
            }
            FaultKind::Unauthorized => (format!("{host} wants a token"), "log in with hf auth login or HF_TOKEN"),
            FaultKind::Forbidden => (format!("{host} does not allow access to {what}"), "use a token with more rights"),
            FaultKind::RateLimited if self.token_sent => (format!("{host} asks us to wait: too many requests"), "try again later"),
            FaultKind::RateLimited => {
                (format!("{host} asks us to wait: too many requests"), "log in for a higher limit, or try again later")
            }
            FaultKind::Unavailable => (format!("{host} cannot serve now ({status})"), "try again later"),
            _ => (format!("{host} refuses to answer about {what} ({status})"), "check that the endpoint is a Hub"),
        };
        let said = text.map(|text| format!(": {text}")).unwrap_or_default();
        Fault::new(kind, message + &said).hint(hint)
    }

    fn what(&self) -> String {
        match self.subject {
            Subject::Listing => "the list of repositories".to_owned(),
            Subject::Repo(repo) => repo.id.to_string(),
            Subject::File(repo, path) => format!("{path} in {}", repo.id),
        }
    }
}

fn no_file(repo: &RepoRef, path: &str) -> Fault {
    Fault::new(FaultKind::EntryNotFound, format!("{} has no file {path} at {}", repo.id, repo.revision))
        .hint("list its files with hfdesk-tui analyze")
}

/// What a Hub says about a refusal, printable and short.
///
/// `X-Error-Message`, else one of the body's shapes: `{"error": "…"}`, `{"error": ["…"]}`, `{"errors": [{"message": "…"}]}`,
/// `{"error": …, "error_description": "…"}`.
pub(super) fn error_text(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let header = headers.get("x-error-message").map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned());
    let text = header.or_else(|| body_text(&serde_json::from_slice(body).ok()?))?;
    let text = shown(text.trim(), LONGEST_TEXT);
    (!text.is_empty()).then_some(text)
}

fn body_text(body: &Value) -> Option<String> {
    let candidates = [&body["error_description"], &body["error"], &body["error"][0], &body["errors"][0]["message"], &body["message"]];
    candidates.into_iter().find_map(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use std::time::Duration;

    fn refused(status: u16, code: Option<&'static str>, text: Option<&str>, subject: Subject<'_>, token_sent: bool) -> Failure {
        let endpoint = Endpoint::parse("https://hub.test").unwrap();
        let url = endpoint.api("models").unwrap();
        let mut headers = HeaderMap::new();
        if let Some(code) = code {
            headers.insert("x-error-code", HeaderValue::from_static(code));
        }
        headers.insert("retry-after", HeaderValue::from_static("4"));
        let refusal = Refusal { endpoint: &endpoint, token_sent, url: &url, subject };
        refusal.failure(StatusCode::from_u16(status).unwrap(), &headers, text.map(str::to_owned))
    }

    #[test]
    fn codes_go_before_statuses_and_statuses_before_bodies() {
        let model = RepoRef::model("org/name".parse().unwrap());
        let (repo, file) = (Subject::Repo(&model), Subject::File(&model, "a.gguf"));
        for (status, code, text, subject, kind) in [
            (401, Some("RepoNotFound"), None, repo, FaultKind::RepoNotFound),
            (401, Some("GatedRepo"), None, file, FaultKind::Gated),
            (403, Some("GatedRepo"), None, file, FaultKind::Gated),
            (404, Some("RevisionNotFound"), None, repo, FaultKind::RevisionNotFound),
            (404, Some("EntryNotFound"), None, file, FaultKind::EntryNotFound),
            (401, None, None, repo, FaultKind::RepoNotFound),
            (401, None, Some(BAD_TOKEN), repo, FaultKind::Unauthorized),
            (401, None, None, Subject::Listing, FaultKind::Unauthorized),
            (403, None, Some(DISABLED), repo, FaultKind::Forbidden),
            (
                403,
                None,
                Some("Please enable access to public gated repositories in your fine-grained token settings"),
                file,
                FaultKind::Gated,
            ),
            (404, None, None, repo, FaultKind::RepoNotFound),
            (404, None, None, Subject::Listing, FaultKind::BadReply),
            (400, None, Some("bad expand"), Subject::Listing, FaultKind::BadReply),
            (429, None, None, repo, FaultKind::RateLimited),
            (503, None, None, repo, FaultKind::Unavailable),
        ] {
            let failure = refused(status, code, text, subject, false);
            assert_eq!(failure.fault.kind, kind, "{status} {code:?}");
            assert!(matches!(status, 429 | 503) == failure.again, "{status}");
        }
    }

    #[test]
    fn faults_say_what_to_do() {
        let model = RepoRef::model("org/name".parse().unwrap());
        let hint = |status, code, token| refused(status, code, None, Subject::Repo(&model), token).fault.hint.unwrap();
        assert!(hint(401, Some("GatedRepo"), false).contains("https://hub.test/org/name, then log in"));
        assert!(hint(403, Some("GatedRepo"), true).contains("account that the token belongs to"));
        assert!(hint(404, None, false).contains("private"));
        assert!(hint(404, None, true).contains("may not see it"));
    }

    #[test]
    fn a_wait_is_kept_for_the_caller_and_a_missing_route_is_not_tried_again() {
        let limited = refused(429, None, None, Subject::Listing, true);
        assert_eq!(limited.fault.retry_after, Some(Duration::from_secs(5)));
        let missing = refused(501, None, None, Subject::Listing, true);
        assert!(!missing.again && missing.bare_status == Some(StatusCode::NOT_IMPLEMENTED));
        assert_eq!(refused(404, Some("EntryNotFound"), None, Subject::Listing, true).bare_status, None);
    }

    #[test]
    fn every_shape_of_error_body_is_read() {
        let none = HeaderMap::new();
        for body in [
            r#"{"error":"no \u001b[31mway"}"#,
            r#"{"error":["no \u001b[31mway"]}"#,
            r#"{"errors":[{"message":"no \u001b[31mway"}]}"#,
            r#"{"error":"x","error_description":"no \u001b[31mway"}"#,
        ] {
            assert_eq!(error_text(&none, body.as_bytes()).as_deref(), Some("no \u{fffd}[31mway"), "{body}");
        }
        assert_eq!(error_text(&none, b"<html>"), None);
        assert_eq!(error_text(&none, br#"{"error":""}"#), None);
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(9999));
        assert_eq!(error_text(&none, long.as_bytes()).unwrap().len(), LONGEST_TEXT);
    }
}
