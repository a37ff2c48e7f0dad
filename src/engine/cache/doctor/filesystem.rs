//! What the filesystem of the cache can do, found by trying in a temporary folder among the locks, where nobody looks.

use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::Builder;

use super::super::layout::{LOCKS, TEMPORARY};
use super::super::seen::{Kind, Seen};
use super::ward::{Ward, finding};
use crate::desk::{Finding, Severity, Trouble};
use crate::engine::host::FileLock;

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    let locks = ward.root().join(LOCKS);
    if Seen::at(&locks).is_none_or(|seen| seen.kind != Kind::Folder) {
        return;
    }
    // Where this user cannot write, neither links nor locks matter to him.
    let Ok(folder) = Builder::new().prefix(TEMPORARY).tempdir_in(locks) else { return };
    findings.extend(lacks(ward, has_links(folder.path()), has_locks(folder.path())));
}

/// What follows from what the filesystem has.
fn lacks(ward: &Ward, has_links: bool, has_locks: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !has_links {
        let message = "the filesystem has no symbolic links, so that every revision has its own copy of each file";
        findings.push(told(ward, Trouble::NoSymlinks, message, "a filesystem with symbolic links"));
    }
    if !has_locks {
        let message = "the filesystem grants every lock to everybody, so that programs may download the same file at once";
        findings.push(told(ward, Trouble::NoLocks, message, "a filesystem with locks, or let one program at a time download"));
    }
    findings
}

fn told(ward: &Ward, trouble: Trouble, message: &str, better: &str) -> Finding {
    let advice = format!("keep the cache on {better}: set HF_HUB_CACHE to a folder there");
    Finding { advice: Some(advice), ..finding(trouble, Severity::Warning, ward.root(), message) }
}

fn has_links(folder: &Path) -> bool {
    symlink("nowhere", folder.join("link")).is_ok()
}

/// Whether a lock that is held is refused to a second descriptor.
fn has_locks(folder: &Path) -> bool {
    let take = || FileLock::try_acquire(&folder.join("lock"), 0o600);
    let held = take();
    !matches!((&held, take()), (Ok(Some(_)), Ok(Some(_))))
}

#[cfg(test)]
mod tests {
    use super::super::super::testkit;
    use super::*;

    #[test]
    fn what_the_filesystem_lacks_is_told() {
        let (_dir, cache) = testkit::cache();
        let ward = Ward::enter(&cache, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let lacks = |links, locks| lacks(&ward, links, locks).into_iter().map(|found| found.trouble).collect::<Vec<_>>();
        assert_eq!((lacks(true, true), lacks(false, false)), (vec![], vec![Trouble::NoSymlinks, Trouble::NoLocks]));
    }

    #[test]
    fn this_filesystem_has_both() {
        let dir = tempfile::tempdir().unwrap();
        assert!(has_links(dir.path()) && has_locks(dir.path()));
    }
}
