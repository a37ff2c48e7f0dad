//! Who asks, and what they may see and download.

use std::fmt;

use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap};

use super::files::Repo;
use super::reply::Refusal;

/// A token that a Hub knows.
#[derive(Clone, PartialEq, Eq)]
pub struct AcceptedToken {
    /// The token itself.
    pub token: String,
    /// Whose it is.
    pub user: String,
    /// Whether it opens gated and private repositories.
    pub grant: Grant,
}

/// How far a token has come with gated repositories. All but a granted one stand before closed gates and see nothing private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Its user has access.
    Granted,
    /// Its user has not asked for access.
    NotAsked,
    /// The owner has not answered yet.
    Pending,
    /// The owner has said no.
    Rejected,
    /// The owner has undone an earlier decision; its user may ask again.
    Reset,
    /// A fine-grained token that may not read gated repositories, whatever its user may.
    NoScope,
}

/// What huggingface.co answers to a token without the scope. There is no error code with it.
const NO_SCOPE: &str = "Please enable access to public gated repositories in your fine-grained token settings to view this repository.";

impl fmt::Debug for AcceptedToken {
    /// Leaves the token out, so that it cannot end up in a log.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AcceptedToken").field("user", &self.user).field("grant", &self.grant).finish_non_exhaustive()
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Nobody in particular.
    Anonymous,
    /// The bearer of a known token.
    User(AcceptedToken),
}

impl Viewer {
    /// Reads the `Authorization` header. An unknown token is refused, as on the Hub; a server that knows no tokens at all has no
    /// accounts and takes everybody for anonymous, so that a client that is logged in elsewhere can still use it.
    pub fn identify(headers: &HeaderMap, accepted: &[AcceptedToken]) -> Result<Self, Refusal> {
        let Some(given) = headers.get(AUTHORIZATION).filter(|_| !accepted.is_empty()) else { return Ok(Self::Anonymous) };
        let token = given.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).map(str::trim);
        let known = accepted.iter().find(|known| Some(known.token.as_str()) == token);
        let invalid = || Refusal::new(StatusCode::UNAUTHORIZED, "Invalid credentials in Authorization header");
        known.cloned().map(Self::User).ok_or_else(invalid)
    }

    /// Whether this viewer learns that the repository exists.
    pub fn may_see(&self, repo: &Repo) -> bool {
        !repo.facts.private || self.is_granted()
    }

    /// Whether this viewer may read what stands behind the repository's gate.
    pub fn may_read(&self, repo: &Repo) -> bool {
        repo.facts.gated.is_none() || self.is_granted()
    }

    /// The refusal for a gated file, in the words of huggingface.co; `page` is where access is asked for.
    pub fn shut_out(&self, repo: &Repo, page: &str) -> Refusal {
        let what = format!("{} {}", repo.kind, repo.id);
        let gated = |status, told| Refusal::new(status, told).code("GatedRepo");
        let Self::User(token) = self else {
            let told =
                format!("Access to {what} is restricted. You must have access to it and be authenticated to access it. Please log in.");
            return gated(StatusCode::UNAUTHORIZED, told);
        };
        let told = match token.grant {
            Grant::NoScope => return Refusal::new(StatusCode::FORBIDDEN, NO_SCOPE),
            Grant::Pending => format!("Your request to access {what} is awaiting a review from the repo authors."),
            Grant::Rejected => format!("Your request to access {what} has been rejected by the repo's authors."),
            Grant::Reset => {
                format!("Your request to access {what} has been reset by the repo's authors. Visit {page} to submit a new request.")
            }
            Grant::NotAsked | Grant::Granted => {
                format!("Access to {what} is restricted and you are not in the authorized list. Visit {page} to ask for access.")
            }
        };
        gated(StatusCode::FORBIDDEN, told)
    }

    /// What a viewer is told who asks for a repository that is not there, or not for them: the Hub does not tell these apart.
    pub fn no_such_repo(&self) -> Refusal {
        match self {
            Self::Anonymous => Refusal::new(StatusCode::UNAUTHORIZED, "Invalid username or password."),
            Self::User(_) => Refusal::new(StatusCode::NOT_FOUND, "Repository not found"),
        }
        .code("RepoNotFound")
    }

    fn is_granted(&self) -> bool {
        matches!(self, Self::User(token) if token.grant == Grant::Granted)
    }
}
