//! One cached repository down to its files, for people who look into it.

use std::collections::BTreeSet;
use std::path::Path;

use super::Cache;
use super::layout::parse_repo_folder;
use super::reader::Reader;
use super::scan::{Blob, RepoScan, SnapshotScan};
use super::store::Store;
use crate::desk::{CachedBlob, CachedFile, CachedRepo, Fault, RepoKey, printable};

/// A cached repository down to its files, which are not grouped yet.
#[derive(Debug)]
pub struct Inside {
    /// The repository as it was read now.
    pub repo: CachedRepo,
    /// Every content that a snapshot uses, in the order of the folder; [`CachedFile::blob`] counts from its beginning.
    pub blobs: Vec<CachedBlob>,
    /// The files of each commit by path, in the order of [`CachedRepo::revisions`].
    pub snapshots: Vec<(String, Vec<CachedFile>)>,
    /// When each blob last changed, in nanoseconds since 1970.
    pub modified: Vec<i128>,
}

impl Cache {
    /// What is in one cached repository. One that is not there is a fault.
    pub fn inside(&self, key: &RepoKey) -> Result<Inside, Fault> {
        let store = Store::open(&self.root);
        let scan = self.scan_repo(&mut Reader::new(&self.root), store.as_ref(), key)?;
        let repo = scan.listed();
        let files = |commit: &str| scan.snapshots.iter().find(|snapshot| snapshot.commit == commit).map(files_of).unwrap_or_default();
        let snapshots = repo.revisions.iter().map(|revision| (revision.commit.clone(), files(&revision.commit))).collect();
        let blobs = scan.blobs.iter().map(|blob| shown(&scan, store.as_ref(), blob)).collect();
        let modified = scan.blobs.iter().map(|blob| blob.seen.modified_nanoseconds()).collect();
        Ok(Inside { repo, blobs, snapshots, modified })
    }
}

fn files_of(snapshot: &SnapshotScan) -> Vec<CachedFile> {
    let file = |entry: &super::scan::Entry| CachedFile { path: printable(&entry.path.to_string_lossy()), blob: entry.blob };
    let mut files: Vec<CachedFile> = snapshot.entries.iter().map(file).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn shown(scan: &RepoScan, store: Option<&Store>, blob: &Blob) -> CachedBlob {
    let referrers = store.zip(blob.payload.as_ref()).and_then(|(store, payload)| store.referrers(payload)).unwrap_or_default();
    let repo_of = |path: &Path| parse_repo_folder(path.components().next()?.as_os_str().to_str()?);
    let others: BTreeSet<RepoKey> = referrers.iter().filter_map(|path| repo_of(path)).filter(|key| *key != scan.key).collect();
    CachedBlob {
        path: blob.path.clone(),
        size: blob.seen.size,
        digest: blob.digest(),
        last_accessed: blob.seen.accessed(),
        last_modified: blob.seen.modified(),
        payload: blob.payload.clone(),
        names: blob.seen.names,
        shared_with: others.into_iter().collect(),
        verified: None,
    }
}
