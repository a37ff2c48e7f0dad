//! Carrying out a deletion.
//!
//! A repository goes in an order that leaves, after a crash at any instruction, a cache that the official client reads without
//! a warning: refs first (one that names a missing commit would hide the whole repository), then the snapshots' files, then the blobs
//! they pointed at and all else, then the emptied `snapshots` folder, whose absence would be told as damage, and the repository's own.
//! Deleting again finishes what was interrupted. Locks stay, as in the official client.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use super::Cache;
use super::deletion::folder;
use super::layout::{LOCKS, REFS, SNAPSHOTS};
use super::reader::Reader;
use super::scan::RepoScan;
use super::store::Store;
use crate::desk::{DeletionPlan, DeletionReport, Disposal, Fault, FaultKind, RepoKey, bytes};
use crate::engine::host::FileLock;

impl Cache {
    /// Carries out a deletion plan. Where the cache has changed since it was made, or a file of it is being downloaded, nothing is
    /// removed; what cannot be removed on the way is told in the report.
    pub fn delete(&self, plan: &DeletionPlan, _disposal: Disposal) -> Result<DeletionReport, Fault> {
        let now = self.plan_deletion(&plan.targets)?;
        check(plan, &now)?;
        now.repos.iter().try_for_each(|key| self.check_idle(key))?;
        let mut report = DeletionReport::default();
        let store = Store::open(&self.root);
        for key in &now.repos {
            match self.scan_repo(&mut Reader::new(&self.root), store.as_ref(), key) {
                Ok(before) => self.delete_repo(store.as_ref(), key, &before, &mut report),
                Err(fault) => report.failures.push(fault.message),
            }
        }
        Ok(report)
    }

    fn delete_repo(&self, store: Option<&Store>, key: &RepoKey, before: &RepoScan, report: &mut DeletionReport) {
        let path = self.root.join(folder(key));
        match remove_repo(&path) {
            Ok(()) => report.removed.push(key.clone()),
            Err(error) => report.failures.push(Fault::disk(format!("remove all of {}", path.display()), error).message),
        }
        let own = |scan: &RepoScan| scan.own_size() + scan.listed().unused();
        let rest = self.scan_repo(&mut Reader::new(&self.root), store, key).map_or(0, |rest| own(&rest));
        report.freed += own(before).saturating_sub(rest);
        for (payload, _) in before.payloads() {
            match store.map_or(Ok(0), |store| store.collect(payload)) {
                Ok(freed) => report.freed += freed,
                Err(fault) => report.failures.push(fault.message),
            }
        }
    }

    /// Refuses while somebody downloads into a repository.
    fn check_idle(&self, key: &RepoKey) -> Result<(), Fault> {
        let locks = fs::read_dir(self.root.join(LOCKS).join(folder(key))).into_iter().flatten().flatten();
        // A lock that this user may not open says nothing.
        let held = |entry: &DirEntry| matches!(FileLock::try_acquire(&entry.path(), 0o664), Ok(None));
        match locks.filter(is_file).find(held) {
            Some(lock) => Err(Fault::new(FaultKind::Busy, format!("{key} is being downloaded: {} is locked", lock.path().display()))
                .hint("pause or cancel the download, then try again")),
            None => Ok(()),
        }
    }
}

/// Whether the plan that people saw is what would be done now.
fn check(seen: &DeletionPlan, now: &DeletionPlan) -> Result<(), Fault> {
    let stale = |what: String| {
        let message = format!("the cache has changed since this deletion was planned: {what}");
        Err(Fault::new(FaultKind::Conflict, message).hint("look at the new plan and confirm it"))
    };
    if seen.root != now.root {
        return stale(format!("the plan is for {}, the cache is {}", seen.root.display(), now.root.display()));
    }
    if (seen.frees, seen.keeps) != (now.frees, now.keeps) {
        let tell = |plan: &DeletionPlan| format!("free {} ({} bytes) and keep {}", bytes(plan.frees), plan.frees, bytes(plan.keeps));
        return stale(format!("it would {} now, not {}", tell(now), tell(seen)));
    }
    let paths = |plan: &DeletionPlan| plan.paths.iter().chain(&plan.payloads).cloned().collect::<Vec<_>>();
    match paths(seen).into_iter().find(|path| !paths(now).contains(path)) {
        Some(path) => stale(format!("{} would not be removed now", path.display())),
        None if paths(seen).len() < paths(now).len() => stale("more would be removed now".to_owned()),
        None => Ok(()),
    }
}

fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_file())
}

fn remove_repo(path: &Path) -> io::Result<()> {
    removal_order(path)?.iter().try_for_each(|part| remove(part))?;
    fs::remove_dir_all(path)
}

/// What is in a repository's folder, in the order in which it goes; `snapshots` itself stays to the end.
fn removal_order(path: &Path) -> io::Result<Vec<PathBuf>> {
    let snapshots = path.join(SNAPSHOTS);
    let mut order = vec![path.join(REFS)];
    if fs::symlink_metadata(&snapshots).is_ok_and(|found| found.is_dir()) {
        order.extend(children(&snapshots)?);
    }
    order.extend(children(path)?.into_iter().filter(|part| *part != snapshots));
    Ok(order)
}

fn children(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

/// Removes a file, a link or a real folder with all it holds; one that is gone is fine. No link is followed.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::testkit::{self, HASH, add, key, plan, share, whole};
    use super::*;

    const FILES: &[(&str, &[u8])] = &[("b.json", b"{}"), ("x.bin", b"payload")];

    fn delete(cache: &Cache, repo: &str) -> DeletionReport {
        cache.delete(&cache.plan_deletion(&[whole(repo)]).unwrap(), Disposal::Forever).unwrap()
    }

    #[test]
    fn a_repository_goes_whole_and_frees_what_was_planned() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        add(&cache, "org/other", FILES);
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        let report = cache.delete(&planned, Disposal::Forever).unwrap();
        assert_eq!(report, DeletionReport { removed: vec![key("org/m")], freed: planned.frees, trashed: None, failures: vec![] });
        assert!(!cache.root().join("models--org--m").exists());
        let rest = cache.scan().unwrap();
        assert_eq!((rest.repos.len(), rest.size, rest.warnings.len()), (1, 9, 0));
    }

    #[test]
    fn a_shared_payload_goes_with_its_last_user() {
        let (_dir, cache) = testkit::cache();
        let etag = plan("org/a", FILES).files[1].digest.hex().to_owned();
        for repo in ["org/a", "org/b"] {
            add(&cache, repo, FILES);
            share(&cache, repo, &etag, HASH, b"payload");
        }
        let payload = cache.root().join("blobs/c6").join(HASH);
        assert_eq!(delete(&cache, "org/a").freed, 2);
        assert!(payload.exists());
        assert_eq!(delete(&cache, "org/b").freed, 2 + 7);
        assert!(!payload.exists());
    }

    #[test]
    fn two_users_in_one_plan_free_their_payload() {
        let (_dir, cache) = testkit::cache();
        let etag = plan("org/a", FILES).files[1].digest.hex().to_owned();
        for repo in ["org/a", "org/b"] {
            add(&cache, repo, FILES);
            share(&cache, repo, &etag, HASH, b"payload");
        }
        let planned = cache.plan_deletion(&[whole("org/a"), whole("org/b")]).unwrap();
        assert_eq!(cache.delete(&planned, Disposal::Forever).unwrap().freed, planned.frees);
        assert_eq!(cache.scan().unwrap().size, 0);
    }

    #[test]
    fn a_stale_plan_removes_nothing() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        fs::write(place.dir().join("more"), "more").unwrap();
        let fault = cache.delete(&planned, Disposal::Forever).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert!(fault.message.contains("13 bytes") && fault.message.contains("9 bytes"), "{fault}");
        assert!(place.dir().exists());
    }

    #[test]
    fn a_forged_plan_removes_nothing() {
        let (dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        let forged = [
            DeletionPlan { root: dir.path().into(), ..planned.clone() },
            DeletionPlan { paths: vec![dir.path().into()], ..planned.clone() },
            DeletionPlan { paths: vec![], ..planned.clone() },
            DeletionPlan { payloads: vec![dir.path().join("x")], ..planned },
        ];
        for plan in forged {
            assert_eq!(cache.delete(&plan, Disposal::Forever).unwrap_err().kind, FaultKind::Conflict, "{plan:?}");
        }
        assert_eq!(cache.scan().unwrap().size, 9);
    }

    #[test]
    fn a_repository_that_is_being_downloaded_stays() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let lock = place.lock(&plan("org/m", FILES).files[0]).unwrap();
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        let fault = cache.delete(&planned, Disposal::Forever).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Busy);
        assert!(fault.message.contains(".lock"), "{fault}");
        drop(lock);
        cache.delete(&planned, Disposal::Forever).unwrap();
        assert_eq!(fs::read_dir(cache.root().join(".locks/models--org--m")).unwrap().count(), 1);
    }

    #[test]
    fn links_are_removed_and_not_followed() {
        let (dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("mine"), "mine").unwrap();
        let repo = cache.root().join("models--org--m");
        for link in [place.dir().join("door"), repo.join("trees/door"), repo.join("door"), repo.join("snapshots/door")] {
            symlink(&outside, link).unwrap();
        }
        fs::remove_dir_all(repo.join("refs")).unwrap();
        symlink(&outside, repo.join("refs")).unwrap();
        assert_eq!(delete(&cache, "org/m").failures, Vec::<String>::new());
        assert!(!repo.exists());
        assert_eq!(fs::read(outside.join("mine")).unwrap(), b"mine");
    }

    #[test]
    fn an_interruption_leaves_a_cache_without_damage() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let repo = cache.root().join("models--org--m");
        let order = removal_order(&repo).unwrap();
        assert_eq!(order[..2], [repo.join("refs"), place.dir()]);
        for part in &order {
            remove(part).unwrap();
            let listing = cache.scan().unwrap();
            assert_eq!((listing.repos.len(), listing.warnings), (1, vec![]), "after {}", part.display());
        }
        delete(&cache, "org/m");
        assert_eq!(cache.scan().unwrap().repos.len(), 0);
    }
}
