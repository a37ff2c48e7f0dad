//! What the cache holds, as a listing shows it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultKind};
use super::other_store::OtherStore;
use super::repo::{RepoId, RepoKind};
use super::trash::TrashEntry;

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
    /// Branches and tags that point at it. One without any is detached: nothing but its own name leads to it.
    pub refs: Vec<String>,
    /// How many files its snapshot has.
    pub files: usize,
    /// Size in bytes of the distinct blobs it uses.
    pub size: u64,
    /// When one of its blobs last changed.
    pub last_modified: Option<Timestamp>,
}

impl CachedRevision {
    /// Whether no branch or tag points at it.
    pub fn is_detached(&self) -> bool {
        self.refs.is_empty()
    }
}

/// What a file among a repository's blobs is that no snapshot uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftoverKind {
    /// An unfinished download of this program (`.hfdesk.part`, with its journal), which can go on.
    Partial,
    /// An unfinished download of the official client (`.incomplete`), which it does not resume since 1.18.
    Incomplete,
    /// A whole blob whose last snapshot has gone, or whose download ended before it was linked.
    Blob,
    /// Anything else.
    Other,
}

/// A file among a repository's blobs that no snapshot uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// Its name in the repository's `blobs` folder; of a [`LeftoverKind::Partial`] that of the data, not of the journal.
    pub name: String,
    /// What it is.
    pub kind: LeftoverKind,
    /// Its length in bytes, which the official client counts.
    pub size: u64,
    /// Bytes it takes on the disk, which is what comes free: less than its length for a file with holes.
    pub on_disk: u64,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
}

/// One repository of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedRepo {
    /// Which one.
    pub key: RepoKey,
    /// Its folder in the cache.
    pub path: PathBuf,
    /// The folder that its files lie in, where that in the cache is only a link to it, as after it was moved to another disk.
    #[serde(default)]
    pub lies_in: Option<PathBuf>,
    /// Size in bytes of its distinct blobs, as the official client counts: a shared payload counts for every repository that uses it.
    pub size: u64,
    /// How many distinct files its snapshots have.
    pub files: usize,
    /// Its commits, newest first.
    pub revisions: Vec<CachedRevision>,
    /// What no snapshot uses, largest first.
    pub leftovers: Vec<Leftover>,
    /// Bytes of its own that only detached revisions use: what comes free when those go.
    pub detached: u64,
    /// Whether something in it is not as the official client expects, which then hides the whole repository. Which revisions a damaged
    /// ref led to cannot be known.
    pub damaged: bool,
    /// When a blob was last read, by the filesystem's account.
    pub last_accessed: Option<Timestamp>,
    /// When a blob last changed.
    pub last_modified: Option<Timestamp>,
}

impl CachedRepo {
    /// The revisions that nothing but their own names leads to. None where refs or links are damaged: one of those may have led there.
    pub fn detached_revisions(&self) -> impl Iterator<Item = &CachedRevision> {
        self.revisions.iter().filter(|revision| !self.damaged && revision.is_detached())
    }

    /// Bytes on the disk of what no snapshot uses.
    pub fn unused(&self) -> u64 {
        self.leftovers.iter().map(|leftover| leftover.on_disk).sum()
    }
}

/// A payload of the shared blob store that no repository uses any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanPayload {
    /// Its Xet hash: 64 hexadecimal digits.
    pub hash: String,
    /// Size in bytes.
    pub size: u64,
}

/// What the cache holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheListing {
    /// The cache's folder.
    pub root: PathBuf,
    /// Its repositories, largest first.
    pub repos: Vec<Arc<CachedRepo>>,
    /// Bytes on the disk, as the official client counts: every payload once, leftovers not.
    pub size: u64,
    /// Payloads of the shared blob store that can go, as nothing uses them.
    pub orphans: Vec<OrphanPayload>,
    /// What was deleted and can be brought back, the newest first. It still takes its bytes.
    pub trash: Vec<TrashEntry>,
    /// How long the trash keeps what is deleted from now on.
    pub trash_kept: Duration,
    /// Repositories that are not to be deleted.
    pub pins: BTreeSet<RepoKey>,
    /// What other programs keep on this machine. It is only shown.
    pub others: Vec<OtherStore>,
    /// What could not be read or does not belong, one sentence each.
    pub warnings: Vec<String>,
}

impl CacheListing {
    /// A repository by its key.
    pub fn find(&self, key: &RepoKey) -> Option<&Arc<CachedRepo>> {
        self.repos.iter().find(|repo| repo.key == *key)
    }
}

/// What reading the cache tells while it goes on; the last is its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheStep {
    /// Repositories, as they are found, in no order.
    Found(Vec<Arc<CachedRepo>>),
    /// Everything, those repositories once more among it.
    Done(Box<CacheListing>),
    /// It could not be read.
    Failed(Fault),
}

impl CacheStep {
    /// The end of a reading whose end never came.
    pub fn broken_off() -> Self {
        Self::Failed(Fault::new(FaultKind::Interrupted, "reading the cache ended before its end").hint("read it again"))
    }
}
