//! What one repository's folder holds: its blobs, refs and snapshots, and what follows from them.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::layout::{BLOBS, JOURNAL, PARTIAL, is_hex};
use super::seen::Seen;
use crate::desk::{CachedRepo, CachedRevision, Digest, Leftover, LeftoverKind, RepoKey};

/// The content of one file or more: a blob or, in a cache without links, a file in a snapshot.
#[derive(Debug)]
pub(super) struct Blob {
    /// Where it is, relative to the cache's root.
    pub(super) path: PathBuf,
    /// What the filesystem says of its bytes: of the payload, where it is a link to one.
    pub(super) seen: Seen,
    /// The shared payload it is a link to, relative to the cache's root.
    pub(super) payload: Option<PathBuf>,
    /// Whether a snapshot uses it.
    pub(super) used: bool,
}

impl Blob {
    /// Its own name.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether it is a file in a snapshot rather than one among the repository's blobs.
    pub(super) fn is_file_of_snapshot(&self) -> bool {
        self.path.parent().and_then(Path::file_name) != Some(OsStr::new(BLOBS)) || self.path.components().count() != 3
    }

    /// What its name says that its content hashes to.
    pub(super) fn digest(&self) -> Option<Digest> {
        let name = self.name();
        if !self.is_file_of_snapshot() && (is_hex(&name, 40) || is_hex(&name, 64)) { name.parse().ok() } else { None }
    }
}

/// One file of a snapshot.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its path in the snapshot.
    pub(super) path: PathBuf,
    /// Which blob it is, by its place in [`RepoScan::blobs`]; `None` for a link that leads to none of this repository.
    pub(super) blob: Option<usize>,
}

/// One commit's folder.
#[derive(Debug)]
pub(super) struct SnapshotScan {
    pub(super) commit: String,
    pub(super) entries: Vec<Entry>,
}

/// What a repository's folder holds.
#[derive(Debug)]
pub(super) struct RepoScan {
    pub(super) key: RepoKey,
    /// The repository's folder in the cache.
    pub(super) path: PathBuf,
    /// The folder it lies in, where that one is a link.
    pub(super) lies_in: Option<PathBuf>,
    pub(super) blobs: Vec<Blob>,
    /// Branches and tags in order, by the commit they point at, whether or not that is here.
    pub(super) refs: BTreeMap<String, Vec<String>>,
    pub(super) snapshots: Vec<SnapshotScan>,
    /// The folders that were read, and the refs, relative to [`RepoScan::path`], with what the filesystem said of each.
    pub(super) looked_at: Vec<(PathBuf, Seen)>,
    /// Whether the reader was told of anything.
    pub(super) damaged: bool,
}

impl RepoScan {
    /// Branches and tags that point at a commit.
    pub(super) fn refs_of(&self, commit: &str) -> &[String] {
        self.refs.get(commit).map_or(&[], Vec::as_slice)
    }

    /// The distinct blobs that a snapshot uses.
    fn blobs_of(&self, snapshot: &SnapshotScan) -> Vec<&Blob> {
        let mut distinct: Vec<usize> = snapshot.entries.iter().filter_map(|entry| entry.blob).collect();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.into_iter().filter_map(|at| self.blobs.get(at)).collect()
    }

    /// Bytes of the blobs that snapshots use and that lie in this folder.
    pub(super) fn own_size(&self) -> u64 {
        self.blobs.iter().filter(|blob| blob.used && blob.payload.is_none()).map(|blob| blob.seen.size).sum()
    }

    /// The repository as a listing shows it.
    pub(super) fn listed(&self) -> CachedRepo {
        let used = || self.blobs.iter().filter(|blob| blob.used);
        CachedRepo {
            key: self.key.clone(),
            path: self.path.clone(),
            lies_in: self.lies_in.clone(),
            size: used().map(|blob| blob.seen.size).sum(),
            files: used().count(),
            revisions: self.revisions(),
            leftovers: self.leftovers(),
            detached: self.detached(),
            damaged: self.damaged,
            last_accessed: used().map(|blob| blob.seen).max_by_key(Seen::accessed_at).and_then(|seen| seen.accessed()),
            last_modified: last_modified(used()),
        }
    }

    /// Bytes of this folder's own blobs that only detached revisions use.
    fn detached(&self) -> u64 {
        let (kept, detached): (Vec<_>, Vec<_>) = self.snapshots.iter().partition(|snapshot| !self.refs_of(&snapshot.commit).is_empty());
        if self.damaged || detached.is_empty() {
            return 0;
        }
        let used_by = |snapshots: Vec<&SnapshotScan>| -> HashSet<usize> {
            snapshots.into_iter().flat_map(|snapshot| &snapshot.entries).filter_map(|entry| entry.blob).collect()
        };
        let (kept, detached) = (used_by(kept), used_by(detached));
        let goes = detached.difference(&kept).filter_map(|at| self.blobs.get(*at));
        goes.filter(|blob| blob.payload.is_none()).map(|blob| blob.seen.size).sum()
    }

    /// The commits, newest first.
    fn revisions(&self) -> Vec<CachedRevision> {
        let revision = |snapshot: &SnapshotScan| {
            let blobs = self.blobs_of(snapshot);
            CachedRevision {
                commit: snapshot.commit.clone(),
                refs: self.refs_of(&snapshot.commit).to_vec(),
                files: snapshot.entries.len(),
                size: blobs.iter().map(|blob| blob.seen.size).sum(),
                last_modified: last_modified(blobs.into_iter()),
            }
        };
        let mut revisions: Vec<CachedRevision> = self.snapshots.iter().map(revision).collect();
        revisions.sort_by(|a, b| b.last_modified.cmp(&a.last_modified).then_with(|| a.commit.cmp(&b.commit)));
        revisions
    }

    /// What no snapshot uses, the largest first. A partial stands for its journal too.
    fn leftovers(&self) -> Vec<Leftover> {
        let unused: BTreeMap<String, &Blob> = self.blobs.iter().filter(|blob| !blob.used).map(|blob| (blob.name(), blob)).collect();
        let partial_of = |name: &str| Some(format!("{}{PARTIAL}", name.strip_suffix(JOURNAL)?));
        let journal_of = |name: &str| unused.get(&format!("{}{JOURNAL}", name.strip_suffix(PARTIAL)?));
        let alone = unused.iter().filter(|(name, _)| partial_of(name).is_none_or(|partial| !unused.contains_key(&partial)));
        let leftover = |(name, blob): (&String, &&Blob)| Leftover {
            name: name.clone(),
            kind: leftover_kind(name),
            size: blob.seen.size,
            on_disk: on_disk(blob) + journal_of(name).map_or(0, |journal| on_disk(journal)),
            last_modified: blob.seen.modified(),
        };
        let mut leftovers: Vec<Leftover> = alone.map(leftover).collect();
        leftovers.sort_by(|a, b| b.on_disk.cmp(&a.on_disk).then_with(|| a.name.cmp(&b.name)));
        leftovers
    }
}

/// Bytes of a file of this repository's own; those of a shared payload are the store's.
fn on_disk(blob: &Blob) -> u64 {
    if blob.payload.is_none() { blob.seen.on_disk } else { 0 }
}

/// What a file is, by its name, that no snapshot uses.
pub(super) fn leftover_kind(name: &str) -> LeftoverKind {
    match name {
        _ if name.ends_with(PARTIAL) => LeftoverKind::Partial,
        _ if name.ends_with(".incomplete") => LeftoverKind::Incomplete,
        _ if is_hex(name, 40) || is_hex(name, 64) => LeftoverKind::Blob,
        _ => LeftoverKind::Other,
    }
}

fn last_modified<'a>(blobs: impl Iterator<Item = &'a Blob>) -> Option<Timestamp> {
    blobs.map(|blob| blob.seen).max_by_key(Seen::modified_at).and_then(|seen| seen.modified())
}
