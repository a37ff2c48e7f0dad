//! What is in one cached repository: its files as the cache has them, grouped as the analysis groups those of the Hub, and what is
//! known of them from earlier verifications.

use std::collections::HashSet;
use std::path::Path;

use super::analyze;
use super::cache::{Cache, Inside};
use super::verified::Record;
use crate::desk::{CacheContents, CachedFile, CachedSnapshot, CachedVariant, Fault, RepoFile, RepoKey};

/// What files are called that belong to no variant.
const OTHER: &str = "other files";

/// What is in one cached repository.
pub(super) fn contents(cache: &Cache, state_dir: &Path, key: &RepoKey) -> Result<CacheContents, Fault> {
    let mut inside = cache.inside(key)?;
    let record = Record::load(state_dir, cache.root(), key);
    for (blob, modified) in inside.blobs.iter_mut().zip(&inside.modified) {
        blob.verified = record.last_good(&blob.path, blob.size, *modified);
    }
    let snapshots = inside.snapshots.iter().map(|(commit, files)| snapshot(&inside, commit, files)).collect();
    Ok(CacheContents { snapshots, repo: inside.repo, blobs: inside.blobs })
}

fn snapshot(inside: &Inside, commit: &str, files: &[CachedFile]) -> CachedSnapshot {
    let size = |file: &CachedFile| file.blob.and_then(|at| inside.blobs.get(at)).map_or(0, |blob| blob.size);
    let named: Vec<RepoFile> =
        files.iter().map(|file| RepoFile { path: file.path.clone(), size: size(file), digest: None, xet_hash: None }).collect();
    let mut taken = HashSet::new();
    let mut variants: Vec<CachedVariant> = Vec::new();
    for variant in analyze::grouped(inside.repo.key.kind, &named) {
        let own: Vec<CachedFile> =
            files.iter().filter(|file| variant.files.contains(&file.path) && taken.insert(&file.path)).cloned().collect();
        variants.push(group(inside, variant.label, own));
    }
    variants.retain(|variant| !variant.files.is_empty());
    variants.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.label.cmp(&b.label)));
    let rest: Vec<CachedFile> = files.iter().filter(|file| !taken.contains(&file.path)).cloned().collect();
    if !rest.is_empty() {
        variants.push(group(inside, OTHER.to_owned(), rest));
    }
    CachedSnapshot { commit: commit.to_owned(), variants }
}

fn group(inside: &Inside, label: String, files: Vec<CachedFile>) -> CachedVariant {
    let blobs: HashSet<usize> = files.iter().filter_map(|file| file.blob).collect();
    let size = blobs.iter().filter_map(|at| inside.blobs.get(*at)).map(|blob| blob.size).sum();
    CachedVariant { label, files, size }
}
