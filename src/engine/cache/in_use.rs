//! The blobs that a repository's snapshots use, as long as nothing in the snapshots' folders changes.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Cache;
use super::layout::{SNAPSHOTS, parse_repo_folder};
use super::reader::Reader;
use super::seen::Seen;
use super::store::Store;

/// A folder that changed so recently may change again without another time: filesystems round it.
const ROUNDED: Duration = Duration::from_millis(100);

/// What one repository's snapshots use, with the state of their folders before that was read.
pub(super) struct InUse {
    pub(super) repo: PathBuf,
    pub(super) blobs: HashSet<PathBuf>,
    /// Every folder among the snapshots, relative to the cache's root.
    folders: Vec<(PathBuf, Option<Seen>)>,
    read: SystemTime,
}

impl InUse {
    /// Reads a repository; `None` where it cannot be read.
    pub(super) fn read(cache: &Cache, repo: &Path) -> Option<Self> {
        let (read, folders) = (SystemTime::now(), folders(&cache.root, repo.join(SNAPSHOTS)));
        let key = parse_repo_folder(repo.to_str()?)?;
        let scan = cache.scan_repo(&mut Reader::new(&cache.root), Store::open(&cache.root).as_ref(), &key).ok()?;
        let blobs = scan.blobs.into_iter().filter(|blob| blob.used).map(|blob| blob.path).collect();
        Some(Self { repo: repo.to_path_buf(), blobs, folders, read })
    }

    /// Whether no folder among the snapshots has changed since.
    pub(super) fn is_current(&self, root: &Path) -> bool {
        self.folders.iter().all(|(folder, seen)| {
            let is_old = seen.is_none_or(|seen| !seen.changed_after(self.read, ROUNDED));
            is_old && Seen::at(&root.join(folder)).map(state) == seen.map(state)
        })
    }
}

/// What changes with what a folder holds.
fn state(seen: Seen) -> ((u64, u64), (i64, i64)) {
    (seen.identity, seen.changed())
}

fn folders(root: &Path, first: PathBuf) -> Vec<(PathBuf, Option<Seen>)> {
    let (mut folders, mut rest) = (Vec::new(), vec![first]);
    while let Some(folder) = rest.pop() {
        let seen = Seen::at(&root.join(&folder));
        let entries = fs::read_dir(root.join(&folder)).into_iter().flatten().flatten();
        let inner = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| folder.join(entry.file_name()));
        rest.extend(inner);
        folders.push((folder, seen));
    }
    folders
}
