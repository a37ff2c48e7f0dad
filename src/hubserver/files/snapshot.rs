//! One commit of a repository: what a folder holds, with every file's digest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::digests::Digests;
use super::facts::CommitFacts;
use super::walk::{self, Stamp};
use super::{git, lfs};
use crate::desk::{Digest, Fault, Revision, safe_path};

/// Where a repository's folder keeps those of its commits that are not its newest; never served as files.
const OTHERS: &str = ".hub-revisions";

/// A file at a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its path in the repository.
    pub path: String,
    /// Where it lies on the disk.
    pub place: PathBuf,
    /// What it looked like when it was hashed.
    pub stamp: Stamp,
    /// The id of its git blob: the content's, or that of the pointer for an LFS file. 40 hexadecimal digits.
    pub oid: String,
    /// What git does not hold, for an LFS file.
    pub lfs: Option<Lfs>,
}

/// The content of an LFS file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lfs {
    /// SHA-256 of the content, in 64 hexadecimal digits.
    pub sha256: String,
    /// Bytes of the pointer that stands in git.
    pub pointer_size: usize,
}

impl StoredFile {
    fn new(path: String, place: PathBuf, stamp: Stamp, digest: Digest) -> Self {
        match digest {
            Digest::GitSha1(oid) => Self { path, place, stamp, oid, lfs: None },
            Digest::Sha256(sha256) => {
                let pointer = git::lfs_pointer(&sha256, stamp.size);
                let lfs = Lfs { sha256, pointer_size: pointer.len() };
                Self { path, place, stamp, oid: git::blob_id(pointer.as_bytes()), lfs: Some(lfs) }
            }
        }
    }

    /// The digest by which a Hub names the content, without quotes.
    pub fn etag(&self) -> &str {
        self.lfs.as_ref().map_or(&self.oid, |lfs| &lfs.sha256)
    }
}

/// A repository at one commit. The commit's id depends on paths and content alone.
#[derive(Debug)]
pub struct Snapshot {
    /// The commit, in 40 hexadecimal digits.
    pub commit: String,
    /// What is known of it besides its files.
    pub facts: CommitFacts,
    /// Every file, in the order of the paths.
    pub files: Vec<StoredFile>,
    /// Every folder but the root: its path and the id of its git tree.
    pub folders: BTreeMap<String, String>,
}

impl Snapshot {
    /// Takes stock of a commit of a repository's folder, reading what is not known yet. Blocks for as long as that takes.
    pub(super) fn take(root: &Path, repo: &Path, facts: CommitFacts, digests: &Digests) -> Result<Self, Fault> {
        let folder = folder(root, repo, &facts.folder)?;
        let stored = walk::files(root, &folder)?.into_iter().map(|(path, stamp)| {
            let place = folder.join(&path);
            let digest = digests.of(&place, stamp, lfs::is_lfs(&path, stamp.size))?;
            Ok(StoredFile::new(path, place, stamp, digest))
        });
        let files: Result<Vec<StoredFile>, Fault> = stored.collect();
        digests.save();
        Ok(Self::of(facts, files?))
    }

    fn of(facts: CommitFacts, files: Vec<StoredFile>) -> Self {
        let mut folders = git::tree_ids(files.iter().map(|file| (file.path.as_str(), file.oid.as_str())));
        let root = folders.remove("").unwrap_or_default();
        Self { commit: git::commit_id(&root), facts, files, folders }
    }

    /// The file at this path.
    pub fn file(&self, path: &str) -> Option<&StoredFile> {
        let at = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(at)
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.stamp.size).sum()
    }

    /// Whether a revision names this commit: its branch or one of its tags, in short or in full, or the commit itself.
    pub fn is_at(&self, revision: &str) -> bool {
        let named = |space: &str, name: &Revision| revision.strip_prefix(space).unwrap_or(revision) == name.as_str();
        revision == self.commit
            || self.facts.branch.iter().any(|branch| named("refs/heads/", branch))
            || self.facts.tags.iter().any(|tag| named("refs/tags/", tag))
    }
}

/// The folder of a commit's files: the repository's own, or one below it that is not reached over a link.
fn folder(root: &Path, repo: &Path, name: &str) -> Result<PathBuf, Fault> {
    if name.is_empty() {
        return Ok(repo.to_path_buf());
    }
    let path = repo.join(OTHERS).join(name);
    let refused = |error| Fault::disk(format!("serve the commit in {}", path.display()), error);
    let outside = || refused(std::io::Error::new(std::io::ErrorKind::PermissionDenied, "the folder lies outside the repository"));
    if !safe_path(name) {
        return Err(outside());
    }
    let own = std::fs::canonicalize(repo).map_err(refused)?.join(OTHERS).join(name);
    let found = std::fs::canonicalize(&path).map_err(refused)?;
    if found.starts_with(root) && found == own { Ok(found) } else { Err(outside()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(root: &Path, folder: &Path, digests: &Digests) -> Snapshot {
        let facts =
            CommitFacts { folder: String::new(), title: String::new(), date: jiff::Timestamp::UNIX_EPOCH, branch: None, tags: Vec::new() };
        Snapshot::take(root, folder, facts, digests).unwrap()
    }

    #[test]
    fn the_commit_names_paths_and_contents() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let folder = root.join("models/a/b");
        std::fs::create_dir_all(folder.join("sub")).unwrap();
        std::fs::write(folder.join("sub/w.gguf"), "weights").unwrap();
        std::fs::write(folder.join("a.txt"), "hello\n").unwrap();
        let digests = Digests::load(&root);
        let first = take(&root, &folder, &digests);
        assert_eq!(first.file("a.txt").unwrap().etag(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(first.file("sub/w.gguf").unwrap().etag().len(), 64);
        assert!(first.folders.contains_key("sub") && first.folders.len() == 1);
        assert!(first.file("sub").is_none() && first.size() == 13);

        let again = take(&root, &folder, &Digests::load(&root));
        assert_eq!((&first.commit, &first.files), (&again.commit, &again.files));
        std::fs::rename(folder.join("a.txt"), folder.join("b.txt")).unwrap();
        assert_ne!(take(&root, &folder, &digests).commit, first.commit);
    }
}
