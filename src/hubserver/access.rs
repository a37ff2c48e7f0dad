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
    pub granted: bool,
}

impl fmt::Debug for AcceptedToken {
    /// Leaves the token out, so that it cannot end up in a log.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AcceptedToken").field("user", &self.user).field("granted", &self.granted).finish_non_exhaustive()
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

    /// Refuses the files of a gated repository to whom it has not been opened.
    pub fn may_download(&self, repo: &Repo) -> Result<(), Refusal> {
        if repo.facts.gated.is_none() || self.is_granted() {
            return Ok(());
        }
        let id = &repo.id;
        Err(match self {
            Self::Anonymous => Refusal::new(
                StatusCode::UNAUTHORIZED,
                format!(
                    "Access to {} {id} is restricted. You must have access to it and be authenticated to access it. Please log in.",
                    repo.kind
                ),
            ),
            Self::User(_) => Refusal::new(
                StatusCode::FORBIDDEN,
                format!("Access to {} {id} is restricted and you are not in the authorized list. Ask for access on its page.", repo.kind),
            ),
        }
        .code("GatedRepo"))
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
        matches!(self, Self::User(token) if token.granted)
    }
}
