//! What went wrong, to what, why, and what to do next.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What kind of trouble a [`Fault`] is. The names are stable: programs match on them, and each has one exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The request itself makes no sense: a malformed id, an unknown flag value.
    Usage,
    /// The Hub wants a token, or refuses the one given.
    Unauthorized,
    /// The repository is gated and access has not been granted.
    Gated,
    /// The token is valid but may not do this.
    Forbidden,
    /// No such repository, or one that this token may not see (the Hub does not tell them apart).
    RepoNotFound,
    /// The repository has no such branch, tag or commit.
    RevisionNotFound,
    /// The revision has no such file.
    EntryNotFound,
    /// A filter, pattern or file name matches nothing in the repository.
    NothingMatches,
    /// No such job, cached repository or other local thing.
    NotFound,
    /// The action does not fit the state the thing is in.
    Conflict,
    /// The Hub could not be reached: name resolution, connection, TLS, or a stream that broke.
    Network,
    /// The way to the Hub has to be set up first, and no repetition helps: a certificate that is not trusted, a proxy's login.
    NetworkSetup,
    /// The Hub answered that it cannot serve now (5xx).
    Unavailable,
    /// The Hub asks to wait (429).
    RateLimited,
    /// The Hub's answer cannot be understood or must not be trusted.
    BadReply,
    /// The network was asked to be left alone (`--offline`).
    Offline,
    /// The filesystem has too little room.
    DiskFull,
    /// Bytes do not have the digest they should have.
    Corrupt,
    /// The local filesystem refuses something else.
    Disk,
    /// Another process holds what is needed.
    Busy,
    /// Stopped on request.
    Interrupted,
    /// The person who was asked said no.
    Declined,
    /// A mistake of this program.
    Internal,
}

impl FaultKind {
    /// The process's exit status for a fault of this kind: 1 failed or declined, 2 usage, 3 needs a token or access, 4 not found,
    /// 5 network or Hub unavailable, 6 not enough disk, 7 a digest did not match, 130 interrupted.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Unauthorized | Self::Gated | Self::Forbidden => 3,
            Self::RepoNotFound | Self::RevisionNotFound | Self::EntryNotFound | Self::NothingMatches | Self::NotFound => 4,
            Self::Network | Self::NetworkSetup | Self::Unavailable | Self::RateLimited | Self::Offline => 5,
            Self::DiskFull => 6,
            Self::Corrupt => 7,
            Self::Interrupted => 130,
            Self::Declined | Self::Conflict | Self::BadReply | Self::Disk | Self::Busy | Self::Internal => 1,
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Network | Self::Unavailable | Self::RateLimited)
    }
}

/// An error as every face shows it: a kind for programs, a sentence for people, what to do next, and the cause.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// The kind, for programs.
    pub kind: FaultKind,
    /// What happened, to what, and why: one sentence without a full stop. Safe to print.
    pub message: String,
    /// What to do next: one sentence without a full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How long the other side asks to wait before the next try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// The underlying error, where it is still at hand; it does not travel between processes.
    #[serde(skip)]
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Fault {
    /// A fault of this kind. Control characters in the message are made harmless.
    pub fn new(kind: FaultKind, message: impl AsRef<str>) -> Self {
        Self { kind, message: super::printable(message.as_ref()), hint: None, retry_after: None, cause: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(super::printable(hint.as_ref()));
        self
    }

    /// Says where it happened, before what happened.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        self.message = super::printable(&format!("{place}: {}", self.message));
        self
    }

    /// Adds how long the other side asks to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Keeps the underlying error as this fault's source.
    #[must_use]
    pub fn because(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// A fault about the local filesystem: `doing` names the action and the path (`write /data/x`), the error gives the reason.
    pub fn disk(doing: impl fmt::Display, error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let kind = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FaultKind::DiskFull,
            _ => FaultKind::Disk,
        };
        let hint = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("free some space, then try again; what is on disk is kept"),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Some("check who owns the folder and its permissions, or choose another with --cache-dir")
            }
            _ => None,
        };
        let fault = Self::new(kind, format!("cannot {doing}: {error}")).because(error);
        match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        }
    }

    /// A mistake of this program, told instead of panicking.
    pub fn internal(message: impl AsRef<str>) -> Self {
        Self::new(FaultKind::Internal, message).hint("this is a mistake of hfdesk-tui; please report it")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.message == other.message && self.hint == other.hint
    }
}

impl Eq for Fault {}
