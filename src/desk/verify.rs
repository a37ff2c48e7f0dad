//! Whether the cache still holds what a Hub named: what to check, what was found, and what was set aside.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cache::RepoKey;
use super::digest::Digest;
use super::fault::Fault;
use super::repo::Revision;

/// A cached repository to verify, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyTarget {
    /// Which repository.
    pub repo: RepoKey,
    /// Only what this revision uses: a ref that is in the cache, or a commit.
    pub revision: Option<Revision>,
    /// Only these files, by their paths in the repository, or all below a folder with a slash at its end; all of them where it is empty.
    pub files: Vec<String>,
}

impl VerifyTarget {
    /// All of a repository.
    pub fn whole(repo: RepoKey) -> Self {
        Self { repo, revision: None, files: Vec::new() }
    }
}

/// What verifying a file came to. The names are stable: programs match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The content has its digest.
    Good,
    /// The content does not have its digest.
    Damaged,
    /// The content could not be read.
    Unreadable,
    /// Nothing here says what the digest should be.
    Unknown,
}

impl Verdict {
    /// The name in a word, as programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
            Self::Unknown => "unknown",
        }
    }
}

/// One file of a repository's cache, verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedFile {
    /// The repository.
    pub repo: RepoKey,
    /// The blob or, in a cache without links, the file itself.
    pub path: PathBuf,
    /// The paths in the repository under which its snapshots have it; none for a blob that no snapshot uses.
    pub files: Vec<String>,
    /// Commits whose snapshots have it.
    pub commits: Vec<String>,
    /// Size in bytes.
    pub size: u64,
    /// What its content should hash to, where that is known.
    pub digest: Option<Digest>,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, where it is not good: one sentence without a full stop.
    pub reason: Option<String>,
    /// When it was verified.
    pub verified_at: Timestamp,
    /// When it was last found good before, where it has not been written to since.
    pub last_good_at: Option<Timestamp>,
}

/// What verifying came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// The cache's folder.
    pub root: PathBuf,
    /// Every file, in the order of repositories and paths. A shared payload stands there once for each repository that uses it.
    pub files: Vec<VerifiedFile>,
    /// Bytes that were read: shared content counts once.
    pub bytes: u64,
    /// What could not be read as a cache, one sentence each.
    pub warnings: Vec<String>,
}

impl VerifyReport {
    /// The files with this verdict.
    pub fn with(&self, verdict: Verdict) -> impl Iterator<Item = &VerifiedFile> {
        self.files.iter().filter(move |file| file.verdict == verdict)
    }
}

/// How far verifying is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyProgress {
    /// Bytes read.
    pub bytes_done: u64,
    /// Bytes to read in all.
    pub bytes_total: u64,
    /// Contents done with.
    pub files_done: usize,
    /// Contents to read in all.
    pub files_total: usize,
}

/// What a verification tells while it goes on; the last is its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyStep {
    /// How far it is.
    Progress(VerifyProgress),
    /// It is over.
    Done(VerifyReport),
    /// It could not be carried out.
    Failed(Fault),
}

/// A damaged file that was set aside, so that the next download fetches what is wrong in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The file as it was verified.
    pub file: VerifiedFile,
    /// Where its content lies now, as an unfinished download.
    pub partial: PathBuf,
    /// How many of its bytes need not be fetched again.
    pub vouched: u64,
    /// Blobs, relative to the cache's root, that shared the content and went with it.
    pub shared_with: Vec<PathBuf>,
}

/// What setting damaged files aside came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairReport {
    /// What was set aside.
    pub quarantined: Vec<Quarantined>,
    /// What was found good when it was read again, or is gone.
    pub mended: Vec<PathBuf>,
    /// What could not be set aside, one sentence each.
    pub failures: Vec<String>,
}
