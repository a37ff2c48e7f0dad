//! Locks of repositories that are gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::Cache;
use super::super::layout::{LOCKS, parse_repo_folder};
use super::super::lock::{BLOB_LOCK, try_lock};
use super::super::seen::Seen;
use super::ward::{Ward, finding};
use crate::desk::{DeletionTarget, Fault, Finding, RepoKey, Severity, Trouble};

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    let trash = in_trash(ward.cache);
    for folder in folders(&ward.root().join(LOCKS)).into_iter().filter(|folder| is_left_over(ward.cache, &trash, folder)) {
        let count = locks(&folder).map_or(0, |locks| locks.len());
        let message = format!("{} holds {count} locks of a repository that is not here", ward.name(&folder));
        let mend = "removes those that nobody holds".to_owned();
        findings.push(Finding { mend: Some(mend), ..finding(Trouble::StaleLocks, Severity::Note, &folder, message) });
    }
}

/// Repositories that can be brought back.
fn in_trash(cache: &Cache) -> BTreeSet<RepoKey> {
    cache.trash().iter().flat_map(|entry| &entry.targets).filter_map(DeletionTarget::repo).cloned().collect()
}

/// Whether a folder holds the locks of a repository that is gone for good, and nothing else.
fn is_left_over(cache: &Cache, trash: &BTreeSet<RepoKey>, folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    let is_gone = |key: RepoKey| !trash.contains(&key) && Seen::at(&cache.root.join(name)).is_none();
    name.to_str().and_then(parse_repo_folder).is_some_and(is_gone) && locks(folder).is_some()
}

/// The locks in a folder that has nothing else in it.
fn locks(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut locks = Vec::new();
    for entry in fs::read_dir(folder).ok()? {
        let entry = entry.ok()?;
        let is_lock = entry.file_type().is_ok_and(|kind| kind.is_file()) && entry.file_name().to_string_lossy().ends_with(".lock");
        is_lock.then(|| locks.push(entry.path()))?;
    }
    Some(locks)
}

/// Removes locks while holding them, so that nobody else does; one that is held stays.
pub(super) fn mend(cache: &Cache, folder: &Path) -> Result<bool, Fault> {
    if !is_left_over(cache, &in_trash(cache), folder) {
        return Ok(false);
    }
    let failed = |error| Fault::disk(format!("remove all of {}", folder.display()), error);
    for lock in locks(folder).unwrap_or_default() {
        if let Some(_held) = try_lock(&lock, BLOB_LOCK)? {
            fs::remove_file(&lock).map_err(failed)?;
        }
    }
    fs::remove_dir(folder).map_err(failed)?;
    Ok(true)
}

/// The real folders in a folder, by name.
pub(super) fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect();
    folders.sort();
    folders
}
