//! What deleting whole repositories removes and frees. Nothing is changed here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Cache;
use super::layout::repo_folder;
use super::reader::Reader;
use super::scan::RepoScan;
use super::store::Store;
use crate::desk::{DeletionPlan, DeletionTarget, Fault, FaultKind, RepoKey};
use crate::engine::host::space;

impl Cache {
    /// What deleting these would remove, and exactly how many bytes come free: blobs and unfinished downloads, and a payload of the
    /// shared store only when its last user goes.
    ///
    /// A repository that is not in the cache, or whose folder is a symbolic link, is a fault. One named twice counts once.
    pub fn plan_deletion(&self, targets: &[DeletionTarget]) -> Result<DeletionPlan, Fault> {
        let whole = |target: &DeletionTarget| match target {
            DeletionTarget::Repo(key) => Ok(key.clone()),
            other => Err(Fault::internal(format!("{other} cannot be deleted by itself yet"))),
        };
        let repos: Vec<RepoKey> = targets.iter().map(whole).collect::<Result<BTreeSet<_>, _>>()?.into_iter().collect();
        let store = Store::open(&self.root);
        let (mut own, mut unused, mut revisions) = (0, 0, Vec::new());
        let mut shared = BTreeMap::new();
        for key in &repos {
            let scan = self.scan_repo(&mut Reader::new(&self.root), store.as_ref(), key)?;
            let listed = scan.listed();
            own += scan.own_size();
            unused += listed.unused();
            revisions.extend(listed.revisions.into_iter().map(|revision| (key.clone(), revision.commit)));
            shared.extend(scan.payloads().map(|(path, size)| (path.clone(), size)));
        }
        let folders: Vec<PathBuf> = repos.iter().map(folder).collect();
        let (free, kept): (Vec<_>, Vec<_>) =
            shared.into_iter().partition(|(path, _)| store.as_ref().is_some_and(|store| goes(store, path, &folders)));
        let total = |payloads: &[(PathBuf, u64)]| payloads.iter().map(|(_, size)| size).sum::<u64>();
        Ok(DeletionPlan {
            root: self.root.clone(),
            targets: targets.to_vec(),
            repos,
            revisions,
            paths: folders.iter().map(|folder| self.root.join(folder)).collect(),
            frees: own + unused + total(&free),
            unused,
            keeps: total(&kept),
            payloads: free.into_iter().map(|(path, _)| self.root.join(path)).collect(),
            disk_free: space(&self.root).ok().map(|space| space.free),
            open_files: Vec::new(),
        })
    }

    /// Reads one repository of the cache; what is wrong inside it is told to the reader.
    pub(super) fn scan_repo(&self, reader: &mut Reader, store: Option<&Store>, key: &RepoKey) -> Result<RepoScan, Fault> {
        let path = self.root.join(folder(key));
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => Ok(RepoScan::read(reader, store, &path, key.clone())),
            Ok(_) => Err(Fault::new(FaultKind::Conflict, format!("{} is not a real folder", path.display()))
                .hint("a symbolic link is never deleted through; remove it by hand")),
            Err(_) => Err(Fault::new(FaultKind::NotFound, format!("{key} is not in the cache {}", self.root.display()))
                .hint("list what there is with: hfdesk-tui cache ls")),
        }
    }
}

/// A repository's folder, relative to the cache's root.
pub(super) fn folder(key: &RepoKey) -> PathBuf {
    repo_folder(key.kind, &key.id).into()
}

/// Whether a payload has no user left once these folders are gone.
fn goes(store: &Store, payload: &Path, folders: &[PathBuf]) -> bool {
    let leaves = |blob: &PathBuf| folders.iter().any(|folder| blob.starts_with(folder));
    store.referrers(payload).is_some_and(|referrers| referrers.iter().all(leaves))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::testkit::{self, HASH, add, key, plan, share, whole};
    use super::*;

    const FILES: &[(&str, &[u8])] = &[("b.json", b"{}"), ("x.bin", b"payload")];

    fn shared() -> (tempfile::TempDir, Cache) {
        let (dir, cache) = testkit::cache();
        let etag = plan("org/a", FILES).files[1].digest.hex().to_owned();
        for repo in ["org/a", "org/b"] {
            add(&cache, repo, FILES);
            share(&cache, repo, &etag, HASH, b"payload");
        }
        (dir, cache)
    }

    #[test]
    fn a_plan_names_folders_and_bytes() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        fs::write(place.partial(&plan("org/m", &[("y.bin", b"y")]).files[0]).data, vec![1; 8192]).unwrap();
        let deletion = cache.plan_deletion(&[whole("org/m"), whole("org/m")]).unwrap();
        assert_eq!(deletion.repos, [key("org/m")]);
        assert_eq!(deletion.paths, [cache.root().join("models--org--m")]);
        assert_eq!((deletion.frees, deletion.keeps), (9 + cache.scan().unwrap().repos[0].unused(), 0));
        assert!(deletion.frees >= 9 + 8192 && deletion.payloads.is_empty() && deletion.disk_free.is_some());
    }

    #[test]
    fn a_shared_payload_counts_with_its_last_user_only() {
        let (_dir, cache) = shared();
        let one = cache.plan_deletion(&[whole("org/a")]).unwrap();
        assert_eq!((one.frees, one.keeps, one.payloads.len()), (2, 7, 0));
        let both = cache.plan_deletion(&[whole("org/b"), whole("org/a")]).unwrap();
        assert_eq!((both.frees, both.keeps), (4 + 7, 0));
        assert_eq!(both.payloads, [cache.root().join("blobs/c6").join(HASH)]);
        fs::remove_file(cache.root().join(format!("blobs/c6/{HASH}.refs"))).unwrap();
        let unknown = cache.plan_deletion(&[whole("org/b"), whole("org/a")]).unwrap();
        assert_eq!((unknown.frees, unknown.keeps), (4, 7));
    }

    #[test]
    fn what_is_not_there_or_not_a_folder_is_a_fault() {
        let (dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        assert_eq!(cache.plan_deletion(&[whole("org/other")]).unwrap_err().kind, FaultKind::NotFound);
        symlink(dir.path(), cache.root().join("models--org--linked")).unwrap();
        assert_eq!(cache.plan_deletion(&[whole("org/linked")]).unwrap_err().kind, FaultKind::Conflict);
    }
}
