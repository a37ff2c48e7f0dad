//! What to delete from the cache, what that would do, and what it did.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::cache::RepoKey;
use super::trash::{TrashEntry, TrashId};

/// Something in the cache that can be deleted by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionTarget {
    /// A repository with all it has.
    Repo(RepoKey),
    /// One commit of a repository, with its refs. The last one takes the repository with it.
    Revision {
        /// The repository.
        repo: RepoKey,
        /// The commit: 40 hexadecimal digits.
        commit: String,
    },
    /// Files of a repository: a variant's, or single ones. Refs and folders stay, even where a snapshot ends up empty.
    Files {
        /// The repository.
        repo: RepoKey,
        /// The commit they are deleted from; from every commit that has them where there is none.
        commit: Option<String>,
        /// Their paths in the repository.
        files: Vec<String>,
    },
    /// A file among a repository's blobs that no snapshot uses, by its name there.
    Leftover {
        /// The repository.
        repo: RepoKey,
        /// Its name in the `blobs` folder.
        name: String,
    },
    /// A payload of the shared blob store that nothing uses, by its hash.
    Payload(String),
    /// The locks that are left of a repository that is not in the cache any more.
    Locks(RepoKey),
}

impl DeletionTarget {
    /// The repository it belongs to, where it belongs to one.
    pub fn repo(&self) -> Option<&RepoKey> {
        match self {
            Self::Repo(repo) | Self::Locks(repo) | Self::Revision { repo, .. } | Self::Files { repo, .. } | Self::Leftover { repo, .. } => {
                Some(repo)
            }
            Self::Payload(_) => None,
        }
    }
}

impl fmt::Display for DeletionTarget {
    /// In words, as a question or a log names it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |commit: &str| commit.chars().take(12).collect::<String>();
        match self {
            Self::Repo(repo) => write!(out, "{repo}"),
            Self::Revision { repo, commit } => write!(out, "{repo}@{}", short(commit)),
            Self::Files { repo, commit, files } => {
                let at = commit.as_deref().map_or_else(String::new, |commit| format!("@{}", short(commit)));
                match &files[..] {
                    [file] => write!(out, "{repo}{at}/{file}"),
                    files => write!(out, "{} files of {repo}{at}", files.len()),
                }
            }
            Self::Leftover { repo, name } => write!(out, "{repo} blobs/{name}"),
            Self::Payload(hash) => write!(out, "shared payload {}", short(hash)),
            Self::Locks(repo) => write!(out, "locks of {repo}"),
        }
    }
}

/// A file that a program has open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFile {
    /// The file, as the deletion names it.
    pub path: PathBuf,
    /// The program's name.
    pub program: String,
    /// The process's number.
    pub pid: u32,
}

/// What a deletion would do. The same value is shown, logged and executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionPlan {
    /// The cache's folder. Every path below lies in it but the folders on other disks that repositories were moved to.
    pub root: PathBuf,
    /// What was asked for.
    pub targets: Vec<DeletionTarget>,
    /// The repositories that go whole.
    pub repos: Vec<RepoKey>,
    /// The commits that go, with their repositories; those of whole repositories among them.
    pub revisions: Vec<(RepoKey, String)>,
    /// What is removed: folders with all they hold, and files, in the order in which they go.
    pub paths: Vec<PathBuf>,
    /// Payloads of the shared blob store that nothing else uses. They go last.
    pub payloads: Vec<PathBuf>,
    /// Bytes that come free.
    pub frees: u64,
    /// Those of them that no snapshot uses: unfinished downloads and blobs left over, which the official client does not count.
    pub unused: u64,
    /// Those of them that come free on other disks than the cache's, as of repositories that were moved there.
    #[serde(default)]
    pub elsewhere: u64,
    /// Bytes of what was asked for that stay, because something else uses them.
    pub keeps: u64,
    /// Bytes free on the filesystem when the plan was made.
    pub disk_free: Option<u64>,
    /// Files of the plan that other programs have open, as far as this user can see. Their bytes come free when those close them.
    pub open_files: Vec<OpenFile>,
    /// What is in the trash and could not be brought back any more: it needs something that goes.
    #[serde(default)]
    pub spoils: Vec<TrashId>,
}

impl DeletionPlan {
    /// A plan that deletes nothing of the cache in this folder.
    pub fn nothing(root: PathBuf) -> Self {
        Self {
            root,
            targets: Vec::new(),
            repos: Vec::new(),
            revisions: Vec::new(),
            paths: Vec::new(),
            payloads: Vec::new(),
            frees: 0,
            unused: 0,
            elsewhere: 0,
            keeps: 0,
            disk_free: None,
            open_files: Vec::new(),
            spoils: Vec::new(),
        }
    }

    /// Bytes free on the cache's own disk once so many have come free wherever they lay.
    pub fn disk_free_after(&self, freed: u64) -> Option<u64> {
        self.disk_free.map(|free| free.saturating_add(freed.saturating_sub(self.elsewhere)))
    }
}

/// Whether a deletion can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposal {
    /// It goes to the trash on the same filesystem: its bytes come free when that is emptied.
    Trash,
    /// It is gone, and its bytes are free.
    Forever,
}

/// What a deletion did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionReport {
    /// The repositories that are gone whole.
    pub removed: Vec<RepoKey>,
    /// Bytes that came free; 0 where all went to the trash.
    pub freed: u64,
    /// Where it can be brought back from.
    pub trashed: Option<TrashEntry>,
    /// What could not be removed, one sentence each. Deleting the same again goes on with it.
    pub failures: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_free_on_another_disk_is_not_free_on_this_one() {
        let plan = DeletionPlan { frees: 30, elsewhere: 20, disk_free: Some(5), ..DeletionPlan::nothing("/cache".into()) };
        assert_eq!(plan.disk_free_after(30), Some(15));
        assert_eq!(DeletionPlan { disk_free: None, ..plan.clone() }.disk_free_after(30), None);
        assert_eq!(DeletionPlan { elsewhere: 99, ..plan }.disk_free_after(30), Some(5), "never less than now");
    }
}
