//! What is in one cached repository, down to its files and blobs.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cache::{CachedRepo, RepoKey};
use super::digest::Digest;

/// The content of one file or more: a blob or, in a cache without links, a file in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedBlob {
    /// Where it is, relative to the cache's root.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// What its content hashes to, by its name.
    pub digest: Option<Digest>,
    /// When it was last read, by the filesystem's account.
    pub last_accessed: Option<Timestamp>,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
    /// The payload of the shared blob store that it links to, relative to the cache's root.
    pub payload: Option<PathBuf>,
    /// How many names the bytes have on the filesystem: more than 1 for a hard link, whose bytes come free with its last name.
    pub names: u64,
    /// Other repositories of the cache that use the same shared payload.
    pub shared_with: Vec<RepoKey>,
    /// When it was last found to have its digest, where it has not been written to since.
    pub verified: Option<Timestamp>,
}

/// One file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedFile {
    /// Its path in the repository.
    pub path: String,
    /// Which of [`CacheContents::blobs`] it is; `None` for a link that leads to none.
    pub blob: Option<usize>,
}

/// Files of a snapshot that belong together: a quantization with its shards, a projector, or all that is no model's weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedVariant {
    /// Unique within the snapshot: the path of its first file, which stays the same when others come beside it.
    pub id: String,
    /// What it is called: `Q4_K_M`, or “other files”.
    pub label: String,
    /// Which of several with this label it is: the model, or the first file where models do not tell. Empty where the label does.
    pub of: String,
    /// Its files, by path.
    pub files: Vec<CachedFile>,
    /// Size in bytes of its distinct blobs.
    pub size: u64,
}

impl CachedVariant {
    /// What tells it from the others of its snapshot: the label and, where several have that, of what it is.
    pub fn title(&self) -> String {
        if self.of.is_empty() { self.label.clone() } else { format!("{} of {}", self.label, self.of) }
    }

    /// How it is named on a command line: by its label, with the model before it where several have that.
    pub fn name(&self) -> String {
        if self.of.is_empty() { self.label.clone() } else { format!("{}:{}", self.of, self.label) }
    }
}

/// What one commit has on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedSnapshot {
    /// The commit.
    pub commit: String,
    /// Its files, each in one variant; the largest variant first, other files last.
    pub variants: Vec<CachedVariant>,
}

/// What is in one cached repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheContents {
    /// The repository as it was read now.
    pub repo: CachedRepo,
    /// Every content that a snapshot uses.
    pub blobs: Vec<CachedBlob>,
    /// Its commits, in the order of [`CachedRepo::revisions`].
    pub snapshots: Vec<CachedSnapshot>,
}
