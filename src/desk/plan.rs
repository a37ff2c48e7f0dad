//! From a choice to exact files.

use std::collections::HashSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::repo::RepoRef;

/// Which files of a repository are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// All of them.
    #[default]
    Everything,
    /// Those of these variants, by id, with their companions.
    Variants(Vec<String>),
    /// What these filters mean (quantization labels or parts of names; `owner/name:FILTER`).
    Filters {
        /// The filters; a file or variant that matches any of them is wanted.
        filters: Vec<String>,
        /// Whether a filter must match a whole label or name segment, so that `q6_k` does not mean `Q6_K_L`.
        exact: bool,
    },
    /// These paths; a folder's means everything in it, with or without a `/` at its end.
    Files(Vec<String>),
    /// Those that match any of these globs, as the official client reads them: `*` also matches `/`.
    Globs(Vec<String>),
}

/// A request to download: what, and what not, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The repository.
    pub repo: RepoRef,
    /// What is wanted.
    pub choice: Choice,
    /// Globs of what is not wanted after all.
    pub excludes: Vec<String>,
    /// A plain folder to place files in, instead of the Hugging Face cache.
    pub local_dir: Option<PathBuf>,
}

impl Selection {
    /// Everything that `choice` means, into the cache.
    pub fn new(repo: RepoRef, choice: Choice) -> Self {
        Self { repo, choice, excludes: Vec::new(), local_dir: None }
    }
}

/// One file of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Path inside the repository.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// What the content must hash to.
    pub digest: Digest,
    /// The Xet hash, where the Hub has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xet_hash: Option<String>,
    /// How many of its bytes are on the disk already: all of them for a blob that is here, some for a partial.
    pub held: u64,
}

/// Exactly what a download will do. A plan is a value: it is shown, printed, queued and answered as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The repository and the revision asked for.
    pub repo: RepoRef,
    /// The commit every byte comes from: 40 hexadecimal digits.
    pub commit: String,
    /// What people call the choice: `Q4_K_M`, `3 files`, `everything`.
    pub title: String,
    /// The files, in path order.
    pub files: Vec<PlannedFile>,
    /// How many files of the repository are left out.
    pub left_files: usize,
    /// Size in bytes of what is left out.
    pub left_bytes: u64,
    /// The plain folder files go to; `None` for the Hugging Face cache.
    pub local_dir: Option<PathBuf>,
    /// The folder under which every file's path will be found: the commit's snapshot in the cache, or the plain folder. Absolute.
    pub destination: PathBuf,
    /// Bytes free on the destination's filesystem when the plan was made.
    pub disk_free: Option<u64>,
}

impl Plan {
    /// A plan of these files at a made-up commit.
    #[cfg(test)]
    pub(crate) fn for_tests(repo: RepoRef, files: Vec<PlannedFile>) -> Self {
        let commit = "c".repeat(40);
        let (title, destination) = ("test".to_owned(), PathBuf::from("/nowhere"));
        Self { repo, commit, title, files, left_files: 0, left_bytes: 0, local_dir: None, destination, disk_free: None }
    }

    /// Size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Bytes that must still be fetched and stored; content that several files share counts once.
    pub fn bytes_to_fetch(&self) -> u64 {
        let mut seen = HashSet::new();
        self.files.iter().filter(|file| seen.insert(&file.digest)).map(|file| file.size.saturating_sub(file.held)).sum()
    }

    /// Bytes free on the destination once the plan is done; negative when there is too little.
    pub fn disk_after(&self) -> Option<i64> {
        let free = i64::try_from(self.disk_free?).ok()?;
        Some(free - i64::try_from(self.bytes_to_fetch()).ok()?)
    }
}
