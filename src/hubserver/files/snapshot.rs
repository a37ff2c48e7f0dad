//! One commit of a repository: what its folder holds, with every file's digest.

use std::collections::BTreeMap;
use std::path::Path;

use super::digests::Digests;
use super::walk::{self, Stamp};
use super::{git, lfs};
use crate::desk::{Digest, Fault};

/// A file at a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its path in the repository.
    pub path: String,
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
    fn new(path: String, stamp: Stamp, digest: Digest) -> Self {
        match digest {
            Digest::GitSha1(oid) => Self { path, stamp, oid, lfs: None },
            Digest::Sha256(sha256) => {
                let pointer = git::lfs_pointer(&sha256, stamp.size);
                let lfs = Lfs { sha256, pointer_size: pointer.len() };
                Self { path, stamp, oid: git::blob_id(pointer.as_bytes()), lfs: Some(lfs) }
            }
        }
    }

    /// The digest by which a Hub names the content, without quotes.
    pub fn etag(&self) -> &str {
        self.lfs.as_ref().map_or(&self.oid, |lfs| &lfs.sha256)
    }
}

/// A repository at its only commit. The commit's id depends on paths and content alone.
#[derive(Debug)]
pub struct Snapshot {
    /// The commit, in 40 hexadecimal digits.
    pub commit: String,
    /// Every file, in the order of the paths.
    pub files: Vec<StoredFile>,
    /// Every folder but the root: its path and the id of its git tree.
    pub folders: BTreeMap<String, String>,
}

impl Snapshot {
    /// Takes stock of a folder, reading what is not known yet. Blocks for as long as that takes.
    pub(super) fn take(root: &Path, folder: &Path, digests: &Digests) -> Result<Self, Fault> {
        let found = walk::files(root, folder)?;
        let stored = found.into_iter().map(|(path, stamp)| {
            let digest = digests.of(&folder.join(&path), stamp, lfs::is_lfs(&path, stamp.size))?;
            Ok(StoredFile::new(path, stamp, digest))
        });
        let files: Result<Vec<StoredFile>, Fault> = stored.collect();
        digests.save();
        Ok(Self::of(files?))
    }

    fn of(files: Vec<StoredFile>) -> Self {
        let mut folders = git::tree_ids(files.iter().map(|file| (file.path.as_str(), file.oid.as_str())));
        let root = folders.remove("").unwrap_or_default();
        Self { commit: git::commit_id(&root), files, folders }
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

    /// Whether a revision names this commit: `main`, its full ref, or the commit itself.
    pub fn is_at(&self, revision: &str) -> bool {
        revision == "main" || revision == "refs/heads/main" || revision == self.commit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_names_paths_and_contents() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let folder = root.join("models/a/b");
        std::fs::create_dir_all(folder.join("sub")).unwrap();
        std::fs::write(folder.join("sub/w.gguf"), "weights").unwrap();
        std::fs::write(folder.join("a.txt"), "hello\n").unwrap();
        let digests = Digests::load(&root);
        let first = Snapshot::take(&root, &folder, &digests).unwrap();
        assert_eq!(first.file("a.txt").unwrap().etag(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(first.file("sub/w.gguf").unwrap().etag().len(), 64);
        assert!(first.folders.contains_key("sub") && first.folders.len() == 1);
        assert!(first.file("sub").is_none() && first.size() == 13);

        let again = Snapshot::take(&root, &folder, &Digests::load(&root)).unwrap();
        assert_eq!((&first.commit, &first.files), (&again.commit, &again.files));
        std::fs::rename(folder.join("a.txt"), folder.join("b.txt")).unwrap();
        assert_ne!(Snapshot::take(&root, &folder, &digests).unwrap().commit, first.commit);
    }
}
