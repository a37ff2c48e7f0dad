//! Links of snapshots that lead nowhere.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::super::Cache;
use super::super::layout::{SNAPSHOTS, is_hex};
use super::super::scan::{RepoScan, SnapshotScan};
use super::ward::{Ward, download, finding, lock_blob, quoted_path};
use crate::desk::{Fault, FaultKind, Finding, Severity, Trouble, printable};

/// A snapshot's link leads to a blob, which may be a link to a payload.
const HOPS: usize = 2;

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    for repo in &ward.repos {
        for snapshot in &repo.snapshots {
            for entry in snapshot.entries.iter().filter(|entry| entry.blob.is_none()) {
                let path = repo.path.join(SNAPSHOTS).join(&snapshot.commit).join(&entry.path);
                if leads_nowhere(&path) {
                    findings.push(broken(ward, repo, snapshot, &path, &entry.path));
                }
            }
        }
    }
}

fn broken(ward: &Ward, repo: &RepoScan, snapshot: &SnapshotScan, path: &Path, file: &Path) -> Finding {
    let message = format!("{} leads to a blob that is not here; the official client hides the whole repository", ward.name(path));
    let (file, key) = (file.to_string_lossy(), &repo.key);
    let revision = repo.refs_of(&snapshot.commit).first().unwrap_or(&snapshot.commit);
    let again = download(key, Some(&file), revision);
    let mend = format!("removes the link; {} is then missing from {key} and comes back with: {again}", printable(&file));
    let found = finding(Trouble::BrokenLink, Severity::Error, path, message);
    match absent_folder(path) {
        Some(folder) => Finding { advice: Some(format!("mount the disk that this leads to: {}", quoted_path(&folder))), ..found },
        None => Finding { mend: Some(mend), ..found },
    }
}

/// Whether this is a link whose end is not there. Where that cannot be told, it is not.
fn leads_nowhere(path: &Path) -> bool {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let is_missing = |error: io::Error| {
        matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) || Errno::from_io_error(&error) == Some(Errno::LOOP)
    };
    is_link && fs::metadata(path).is_err_and(is_missing)
}

/// The folder on the way of a link that is itself a link to nowhere, such as one to a disk that is not mounted: nothing says that
/// the blob is lost.
fn absent_folder(path: &Path) -> Option<PathBuf> {
    let mut link = path.to_path_buf();
    for _ in 0..HOPS {
        let target = link.parent()?.join(fs::read_link(&link).ok()?);
        let absent = target.ancestors().skip(1).find(|folder| leads_nowhere(folder));
        if let Some(folder) = absent {
            return Some(folder.to_path_buf());
        }
        link = target;
    }
    None
}

/// Removes a link, unless somebody downloads what it leads to.
pub(super) fn mend(cache: &Cache, path: &Path) -> Result<bool, Fault> {
    let failed = |error| Fault::disk(format!("remove the link {}", path.display()), error);
    let target = fs::read_link(path).map_err(failed)?;
    let etag = target.file_name().and_then(|name| name.to_str()).filter(|name| is_hex(name, 40) || is_hex(name, 64));
    let _lock = etag.map(|etag| lock_blob(cache, path, etag)).transpose()?;
    if !leads_nowhere(path) {
        return Ok(false);
    }
    if let Some(folder) = absent_folder(path) {
        return Err(Fault::new(FaultKind::Conflict, format!("{} leads to a disk that is not mounted", folder.display())));
    }
    fs::remove_file(path).map_err(failed)?;
    Ok(true)
}
