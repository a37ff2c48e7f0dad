//! Files of other users in a shared cache, which this user cannot remove.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::rights::{may_write, removable};
use super::super::scan::RepoScan;
use super::ward::{Ward, finding, quoted_path};
use crate::desk::{Finding, Severity, Trouble, bytes};

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    findings.extend(ward.repos.iter().filter_map(|repo| stuck(ward, repo, rustix::process::geteuid().as_raw(), &may_write)));
}

/// What of a repository's blobs user `me` cannot remove, where `may_write` tells in which folders entries may be removed at all.
fn stuck(ward: &Ward, repo: &RepoScan, me: u32, may_write: &dyn Fn(&Path) -> bool) -> Option<Finding> {
    let is_stuck = |path: &PathBuf| !removable(path, me, may_write);
    let blobs = repo.blobs.iter().map(|blob| (ward.root().join(&blob.path), blob.seen.on_disk));
    let stuck: Vec<(PathBuf, u64)> = blobs.filter(|(path, _)| is_stuck(path)).collect();
    let owner = fs::symlink_metadata(&stuck.first()?.0).ok()?.uid();
    if owner == me {
        return None; // a folder that somebody has made read-only for himself
    }
    let (files, size) = (stuck.len(), bytes(stuck.iter().map(|(_, size)| size).sum()));
    let message = format!("you cannot remove {files} files ({size}) of {}, which belong to user {owner}", ward.name(&repo.path));
    let advice = format!("ask that user, or run: sudo chown -R \"$USER\" {}", quoted_path(&repo.path));
    Some(Finding { advice: Some(advice), ..finding(Trouble::Ownership, Severity::Warning, &repo.path, message) })
}

#[cfg(test)]
mod tests {
    use super::super::super::testkit::{self, add};
    use super::*;

    #[test]
    fn what_others_own_is_told_where_it_cannot_be_removed() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("x.bin", &[1; 8192]), ("b.json", b"{}")]);
        let ward = Ward::enter(&cache, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let me = fs::metadata(cache.root()).unwrap().uid();
        let stuck = |me: u32, may_write: bool| stuck(&ward, &ward.repos[0], me, &|_| may_write);
        assert!(stuck(me, true).is_none() && stuck(me, false).is_none() && stuck(me + 1, true).is_none());
        let found = stuck(me + 1, false).unwrap();
        assert!(found.message.contains("2 files") && found.message.contains(&format!("user {me}")), "{}", found.message);
        let blobs = cache.root().join("models--org--m/blobs");
        fs::set_permissions(&blobs, std::os::unix::fs::PermissionsExt::from_mode(0o1777)).unwrap();
        assert!(stuck(me, true).is_none() && stuck(me + 1, true).is_some());
    }
}
