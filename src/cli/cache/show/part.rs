//! What of a repository is to be shown: all of it, one revision, or some of the files.

use std::collections::BTreeSet;

use crate::desk::{CacheContents, CachedRevision, CachedSnapshot, CachedVariant, RepoKey};

/// What of a repository is to be shown.
pub(super) struct Part<'a> {
    pub revision: Option<&'a CachedRevision>,
    pub files: Option<Vec<String>>,
}

impl Part<'_> {
    /// Whether it is all of it.
    pub fn is_whole(&self) -> bool {
        self.revision.is_none() && self.files.is_none()
    }

    /// The repository's name, with the revision behind it.
    pub fn title(&self, repo: &RepoKey) -> String {
        let of = if self.files.is_some() { "files of " } else { "" };
        let at = self.revision.map_or_else(String::new, |revision| format!("@{}", revision.commit));
        format!("{of}{repo}{at}")
    }

    /// The contents with that alone, and its sizes. What no snapshot uses belongs to the whole.
    pub fn of(&self, mut contents: CacheContents) -> CacheContents {
        if self.is_whole() {
            return contents;
        }
        contents.repo.leftovers.clear();
        if let Some(wanted) = self.revision {
            contents.repo.revisions.retain(|revision| revision.commit == wanted.commit);
            contents.snapshots.retain(|snapshot| snapshot.commit == wanted.commit);
            let repo = &mut contents.repo;
            (repo.size, repo.files, repo.last_modified) = (wanted.size, wanted.files, wanted.last_modified);
        }
        match &self.files {
            Some(files) => only(contents, &files.iter().collect()),
            None => contents,
        }
    }
}

/// The contents with these files alone.
fn only(mut contents: CacheContents, files: &BTreeSet<&String>) -> CacheContents {
    for variant in contents.snapshots.iter_mut().flat_map(|snapshot| &mut snapshot.variants) {
        variant.files.retain(|file| files.contains(&file.path));
    }
    for snapshot in &mut contents.snapshots {
        snapshot.variants.retain(|variant| !variant.files.is_empty());
    }
    contents.snapshots.retain(|snapshot| !snapshot.variants.is_empty());
    let size = |variants: &[&CachedVariant]| {
        let blobs: BTreeSet<usize> = variants.iter().flat_map(|variant| &variant.files).filter_map(|file| file.blob).collect();
        blobs.into_iter().filter_map(|at| contents.blobs.get(at)).map(|blob| blob.size).sum::<u64>()
    };
    let of = |snapshot: &CachedSnapshot| size(&snapshot.variants.iter().collect::<Vec<_>>());
    let revised = |revision: CachedRevision| {
        let snapshot = contents.snapshots.iter().find(|snapshot| snapshot.commit == revision.commit)?;
        let files = snapshot.variants.iter().map(|variant| variant.files.len()).sum();
        Some(CachedRevision { files, size: of(snapshot), ..revision })
    };
    let all: Vec<&CachedVariant> = contents.snapshots.iter().flat_map(|snapshot| &snapshot.variants).collect();
    let paths: BTreeSet<&String> = all.iter().flat_map(|variant| &variant.files).map(|file| &file.path).collect();
    let (whole, count) = (size(&all), paths.len());
    let sizes: Vec<u64> = all.iter().map(|variant| size(&[variant])).collect();
    let revisions = std::mem::take(&mut contents.repo.revisions).into_iter().filter_map(revised).collect();
    (contents.repo.revisions, contents.repo.size, contents.repo.files) = (revisions, whole, count);
    let variants = contents.snapshots.iter_mut().flat_map(|snapshot| &mut snapshot.variants);
    variants.zip(sizes).for_each(|(variant, size)| variant.size = size);
    contents
}
