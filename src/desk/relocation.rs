//! Moving a cached repository's files to another disk, and back.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::cache::RepoKey;
use super::fault::Fault;
use super::verify::VerifyProgress;

/// What moving a repository would do: a copy of its folder, read and verified, and then a link in the cache to where it lies, or no link
/// any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelocationPlan {
    /// The cache's folder.
    pub root: PathBuf,
    /// The repository.
    pub repo: RepoKey,
    /// The folder its files lie in.
    pub from: PathBuf,
    /// The folder they will lie in: the cache's own, where they come back, and the same where they lie there already.
    pub to: PathBuf,
    /// Files to copy.
    pub files: usize,
    /// Bytes to copy.
    pub bytes: u64,
    /// Bytes that come free on the disk they lie on now. Those that have another name there, or that another repository shares, do not.
    pub frees: u64,
    /// Bytes free on the disk that they are to lie on.
    pub disk_free: Option<u64>,
}

impl RelocationPlan {
    /// Whether the files lie where they are to lie already.
    pub fn is_done(&self) -> bool {
        self.from == self.to
    }
}

/// What moving a repository came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelocationReport {
    /// The plan that was carried out.
    pub plan: RelocationPlan,
    /// What could not be removed from where it lay, one sentence each. Nothing is missing: it is there twice.
    pub left: Vec<String>,
}

/// What moving a repository tells while it goes on; the last is its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelocationStep {
    /// How far copying is.
    Progress(VerifyProgress),
    /// It is over.
    Done(RelocationReport),
    /// It could not be carried out; the repository is where it was.
    Failed(Fault),
}
