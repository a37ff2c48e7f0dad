//! What hf-xet's errors mean. Pure.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use xet::XetError;

use crate::desk::{Fault, FaultKind};
use crate::engine::transfer::reply;

/// A fault for an error of hf-xet; `name` is the file's, for messages.
pub fn fault(error: XetError, name: &str) -> Fault {
    let text = error.to_string();
    if let Some(status) = status(&text) {
        return reply::failed(status, &HeaderMap::new(), name).because(error);
    }
    Fault::new(kind(&error), format!("cannot download {name} over Xet: {text}")).because(error)
}

fn kind(error: &XetError) -> FaultKind {
    match error {
        XetError::Authentication(_) => FaultKind::Unauthorized,
        XetError::NotFound(_) => FaultKind::EntryNotFound,
        XetError::RateLimited(_) => FaultKind::RateLimited,
        XetError::ServerError(_) => FaultKind::Unavailable,
        // A body that breaks off is an error of input and output, too; hf-xet touches no file of ours.
        XetError::Network(_) | XetError::Timeout(_) | XetError::Io(_) | XetError::Cancelled(_) => FaultKind::Network,
        XetError::DataIntegrity(_) | XetError::Configuration(_) => FaultKind::BadReply,
        _ => FaultKind::Internal,
    }
}

/// The status that the store answered. hf-xet tells it in the text alone: `HTTP status client error (404 Not Found)`.
fn status(text: &str) -> Option<StatusCode> {
    let (_, rest) = text.split_once("HTTP status ")?;
    let (_, rest) = rest.split_once(" error (")?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(status: &str) -> FaultKind {
        let side = if status.starts_with('5') { "server" } else { "client" };
        let text = format!("Request error: HTTP status {side} error ({status}), domain: http://cas/v2/reconstructions/ab");
        fault(XetError::Network(text), "w.gguf").kind
    }

    #[test]
    fn statuses_have_the_same_kinds_as_over_http() {
        let kinds = [
            ("401 Unauthorized", FaultKind::Unauthorized),
            ("403 Forbidden", FaultKind::Forbidden),
            ("404 Not Found", FaultKind::EntryNotFound),
            ("429 Too Many Requests", FaultKind::RateLimited),
            ("503 Service Unavailable", FaultKind::Unavailable),
        ];
        for (status, kind) in kinds {
            assert_eq!(network(status), kind, "{status}");
        }
    }

    #[test]
    fn other_errors_have_kinds_by_their_cause() {
        let text = || "something (404) happened".to_owned();
        let kinds = [
            (XetError::Authentication(text()), FaultKind::Unauthorized),
            (XetError::NotFound(text()), FaultKind::EntryNotFound),
            (XetError::Network(text()), FaultKind::Network),
            (XetError::Timeout(text()), FaultKind::Network),
            (XetError::ServerError(text()), FaultKind::Unavailable),
            (XetError::DataIntegrity(text()), FaultKind::BadReply),
            (XetError::Internal(text()), FaultKind::Internal),
        ];
        for (error, kind) in kinds {
            assert_eq!(fault(error, "w.gguf").kind, kind);
        }
    }
}
