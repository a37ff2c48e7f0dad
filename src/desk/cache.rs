//! What the cache holds, and what removing it means.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::repo::{RepoId, RepoKind};

/// A repository in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RepoKey {
    /// Its kind.
    pub kind: RepoKind,
    /// Its id.
    pub id: RepoId,
}

impl fmt::Display for RepoKey {
    /// As the official client writes it: `model/owner/name`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.kind, self.id)
    }
}

/// One commit of a cached repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedRevision {
    /// The commit: 40 hexadecimal digits.
    pub commit: String,
    /// Branches and tags that point at it.
    pub refs: Vec<String>,
    /// How many files its snapshot has.
    pub files: usize,
    /// Size in bytes of the distinct blobs it uses.
    pub size: u64,
}

/// One repository of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedRepo {
    /// Which one.
    pub key: RepoKey,
    /// Its folder.
    pub path: PathBuf,
    /// Size in bytes of its distinct blobs, as the official client counts: a shared payload counts for every repository that uses it.
    pub size: u64,
    /// Bytes of unfinished downloads in its folder, on disk.
    pub partial: u64,
    /// How many distinct files its snapshots have.
    pub files: usize,
    /// Its commits, newest first.
    pub revisions: Vec<CachedRevision>,
    /// When a blob was last read, by the filesystem's account.
    pub last_accessed: Option<Timestamp>,
    /// When a blob last changed.
    pub last_modified: Option<Timestamp>,
}

/// What the cache holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheListing {
    /// The cache's folder.
    pub root: PathBuf,
    /// Its repositories, largest first.
    pub repos: Vec<CachedRepo>,
    /// Bytes on the disk: every payload counted once.
    pub size: u64,
    /// What could not be read or does not belong, one sentence each.
    pub warnings: Vec<String>,
}

/// What a deletion would do. The same value is shown, logged and executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionPlan {
    /// The cache's folder; every path below lies in it.
    pub root: PathBuf,
    /// The repositories that go.
    pub repos: Vec<RepoKey>,
    /// Folders that are removed whole.
    pub paths: Vec<PathBuf>,
    /// Payloads of the shared blob store that nothing else uses.
    pub payloads: Vec<PathBuf>,
    /// Bytes that come free.
    pub frees: u64,
    /// Bytes that stay, because other repositories share them.
    pub keeps: u64,
    /// Bytes free on the filesystem when the plan was made.
    pub disk_free: Option<u64>,
}

/// What a deletion did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionReport {
    /// The repositories that are gone.
    pub removed: Vec<RepoKey>,
    /// Bytes that came free.
    pub freed: u64,
    /// What could not be removed, one sentence each.
    pub failures: Vec<String>,
}
