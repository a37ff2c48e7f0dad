//! `.hub.toml` in a repository's folder: what a Hub knows about a repository besides its files.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::desk::{Fault, Revision};

/// The name of the file; it is never served.
const NAME: &str = ".hub.toml";

/// How access to the files of a gated repository is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// To everybody who accepts the terms.
    Auto,
    /// By the owner.
    Manual,
}

/// A commit besides the newest of `main`: its files lie in a folder of their own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitFacts {
    /// The folder below `.hub-revisions` that holds its files; empty for the repository's own.
    pub folder: String,
    /// What was done, in a line.
    pub title: String,
    /// When.
    pub date: Timestamp,
    /// The branch that ends here. A commit that ends none belongs to the past of all that come before it in the list.
    pub branch: Option<Revision>,
    /// The tags that name it.
    #[serde(default)]
    pub tags: Vec<Revision>,
}

/// What `.hub.toml` may say; everything is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// Whether files need an accepted agreement.
    pub gated: Option<Gate>,
    /// Whether only granted tokens see the repository.
    pub private: bool,
    /// Downloads in the last 30 days.
    pub downloads: u64,
    /// Likes.
    pub likes: u64,
    /// The trending score.
    pub trending: u64,
    /// When the repository was created; else when it last changed.
    pub created_at: Option<Timestamp>,
    /// When the repository last changed; else what the folder says.
    pub last_modified: Option<Timestamp>,
    /// What the newest commit of `main` did, in a line.
    pub title: Option<String>,
    /// The tags that name the newest commit of `main`.
    pub tags: Vec<Revision>,
    /// Every other commit, the newest first.
    pub revisions: Vec<CommitFacts>,
}

impl Facts {
    /// Reads a repository folder's facts; a folder without the file has the defaults. A file that makes no sense is a fault, so
    /// that a slip of the pen cannot make a private repository public.
    pub(super) fn read(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Fault::disk(format!("read {}", path.display()), error)),
        };
        toml::from_str(&text).map_err(|error| {
            let kind = crate::desk::FaultKind::Usage;
            Fault::new(kind, format!("{} makes no sense: {}", path.display(), error.message()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Facts::read(dir.path()).unwrap(), Facts::default());
        std::fs::write(dir.path().join(NAME), "gated = \"manual\"\nlikes = 3\nlast_modified = \"2026-01-02T03:04:05Z\"\n").unwrap();
        let facts = Facts::read(dir.path()).unwrap();
        assert_eq!((facts.gated, facts.likes), (Some(Gate::Manual), 3));
        assert_eq!(facts.last_modified.unwrap().to_string(), "2026-01-02T03:04:05Z");
        std::fs::write(dir.path().join(NAME), "privat = true\n").unwrap();
        assert!(Facts::read(dir.path()).unwrap_err().message.contains(".hub.toml"));
    }
}
