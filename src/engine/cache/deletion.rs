//! What a deletion removes and frees. Nothing is changed here.
//!
//! All targets are planned together: two files that share a blob free it only together, and all revisions of a repository are the
//! repository.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Cache;
use super::footprint::{Footprint, Totals};
use super::going::{Going, Step, Wanted, What};
use super::layout::{BLOBS, LOCKS, is_hex, repo_folder};
use super::moved::{Home, other_links};
use super::reader::Reader;
use super::record::State;
use super::scan::{Blob, RepoScan};
use super::seen::{Kind, Seen};
use super::store::Store;
use crate::desk::{DeletionPlan, DeletionTarget, Fault, FaultKind, OpenFile, RepoKey};
use crate::engine::host::{open_files, space};

/// How long is looked for programs that have files of a deletion open.
const PATIENCE: Duration = Duration::from_millis(500);

/// A plan with what carrying it out needs to know.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) plan: DeletionPlan,
    /// What goes, in order; the payloads and their manifests are the last.
    pub(super) steps: Vec<Step>,
    pub(super) footprint: Footprint,
    /// Payloads that lose a user and stay, relative to the cache's root.
    pub(super) kept: Vec<PathBuf>,
}

impl Cache {
    /// What deleting these would remove, and exactly how many bytes come free: a blob with its last user, a payload of the shared store
    /// with the last repository that uses it, bytes with several hard links with the last of them.
    ///
    /// The last revision of a repository takes the whole folder. What is not in the cache, or lies behind a symbolic link, is a
    /// fault. What is named twice counts once.
    pub fn plan_deletion(&self, targets: &[DeletionTarget]) -> Result<DeletionPlan, Fault> {
        let mut planned = self.plan_now(targets)?;
        planned.plan.open_files = self.open_files(&planned.footprint);
        Ok(planned.plan)
    }

    /// The plan as the cache is now, without looking for open files.
    pub(super) fn plan_now(&self, targets: &[DeletionTarget]) -> Result<Planned, Fault> {
        let store = Store::open(&self.root);
        let mut draft = Draft::new(self, store.as_ref(), targets);
        let mut by_repo = BTreeMap::<&RepoKey, Wanted>::new();
        for target in targets {
            match (target, target.repo()) {
                (DeletionTarget::Locks(_), _) | (_, None) => {}
                (_, Some(repo)) => by_repo.entry(repo).or_default().add(target),
            }
        }
        by_repo.into_iter().try_for_each(|(key, wanted)| draft.take_repo(key, &wanted))?;
        for target in targets.iter().collect::<BTreeSet<_>>() {
            match target {
                DeletionTarget::Locks(key) => draft.take_locks(key)?,
                DeletionTarget::Payload(hash) => draft.ask_for_payload(hash)?,
                _ => {}
            }
        }
        draft.take_payloads()?;
        let mut planned = draft.finish();
        planned.plan.spoils = self.spoiled(&planned.steps);
        Ok(planned)
    }

    /// The folder of a repository's blobs in the cache with this root.
    pub fn blobs_of(root: &Path, key: &RepoKey) -> PathBuf {
        root.join(folder(key)).join(BLOBS)
    }

    fn empty_plan(&self, targets: &[DeletionTarget]) -> DeletionPlan {
        let disk_free = space(&self.root).ok().map(|space| space.free);
        DeletionPlan { targets: targets.to_vec(), disk_free, ..DeletionPlan::nothing(self.root.clone()) }
    }

    /// Programs that have something open that goes.
    fn open_files(&self, footprint: &Footprint) -> Vec<OpenFile> {
        let wanted = footprint.identities().map(|(identity, path)| (identity, self.root.join(path))).collect();
        let opened = open_files(&wanted, PATIENCE).into_iter();
        opened.map(|open| OpenFile { path: open.path, program: open.program, pid: open.pid }).collect()
    }

    /// Reads one repository of the cache; what is wrong inside it is told to the reader.
    pub(super) fn scan_repo(&self, reader: &mut Reader, store: Option<&Store>, key: &RepoKey) -> Result<RepoScan, Fault> {
        let path = self.root.join(folder(key));
        match Home::of(&self.root, &path) {
            Home::Here | Home::There(_) => Ok(RepoScan::read(reader, store, &path, key.clone())),
            Home::Astray(what) => Err(Fault::new(FaultKind::Conflict, format!("{} {what}", path.display()))
                .hint("mend the link, or remove it by hand: nothing is deleted through it")),
            Home::None => Err(Fault::new(FaultKind::NotFound, format!("{key} is not in the cache {}", self.root.display()))
                .hint("list what there is with: hfdesk-tui cache ls")),
        }
    }

    /// Every payload that a blob of the cache links to, whatever the manifests say, and those that what can be brought back links to.
    pub(super) fn linked_payloads(&self, store: &Store, but: &BTreeSet<PathBuf>) -> HashSet<PathBuf> {
        let names = |folder: &Path| {
            let real = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir());
            real.then(|| fs::read_dir(folder).ok()).flatten().into_iter().flatten().flatten().map(|entry| entry.file_name())
        };
        let folders = names(&self.root).map(|name| Path::new(&name).join(BLOBS));
        let blobs = folders.flat_map(|folder| names(&self.root.join(&folder)).map(move |name| folder.join(name)).collect::<Vec<_>>());
        let linked = blobs.filter(|blob| !but.contains(blob)).filter_map(|blob| store.target(&blob).ok().flatten());
        let trashed = [State::Kept, State::Restoring].into_iter().flat_map(|state| self.entries_in(state));
        linked.chain(trashed.flat_map(|entry| self.returning(&entry)).map(|(_, payload)| payload)).collect()
    }
}

/// A repository's folder, relative to the cache's root.
pub(super) fn folder(key: &RepoKey) -> PathBuf {
    repo_folder(key.kind, &key.id).into()
}

/// Who of those that go uses a payload.
#[derive(Default)]
struct Leavers {
    blobs: BTreeSet<PathBuf>,
    /// Whether a snapshot uses one of them.
    used: bool,
    /// Whether it was asked for by itself.
    asked: bool,
}

/// A plan in the making.
struct Draft<'c> {
    cache: &'c Cache,
    store: Option<&'c Store<'c>>,
    plan: DeletionPlan,
    steps: Vec<Step>,
    footprint: Footprint,
    /// Folders outside the cache that go.
    folders: Vec<PathBuf>,
    /// Payloads that lose a user.
    payloads: BTreeMap<PathBuf, Leavers>,
    kept: Vec<PathBuf>,
}

impl<'c> Draft<'c> {
    fn new(cache: &'c Cache, store: Option<&'c Store<'c>>, targets: &[DeletionTarget]) -> Self {
        let footprint = Footprint::at_home_on(Seen::at(&cache.root).map(|seen| seen.identity.0));
        let (steps, folders, kept) = (Vec::new(), Vec::new(), Vec::new());
        Self { cache, store, plan: cache.empty_plan(targets), steps, footprint, folders, payloads: BTreeMap::new(), kept }
    }

    fn take_repo(&mut self, key: &RepoKey, wanted: &Wanted) -> Result<(), Fault> {
        let mut reader = Reader::new(&self.cache.root);
        let scan = self.cache.scan_repo(&mut reader, self.store, key)?;
        let going = Going::new(&scan, wanted)?;
        self.take_folder(&scan, going.whole)?;
        let (go, stay) = going.blobs();
        for blob in go {
            self.take_blob(blob);
        }
        for blob in stay {
            self.footprint.stay(blob.seen);
        }
        self.plan.revisions.extend(going.commits.iter().map(|commit| (key.clone(), (*commit).to_owned())));
        self.plan.repos.extend(going.whole.then(|| key.clone()));
        self.steps.extend(going.steps(&mut reader));
        Ok(())
    }

    /// The folder on another disk that a repository lies in goes with it, unless it has another name in the cache.
    fn take_folder(&mut self, scan: &RepoScan, whole: bool) -> Result<(), Fault> {
        let Some(there) = scan.lies_in.as_ref().filter(|_| whole) else { return Ok(()) };
        match other_links(&self.cache.root, there, &scan.path).first() {
            None => self.folders.push(there.clone()),
            Some(other) => {
                let message = format!("{} lies in {}, to which {} leads too", scan.key, there.display(), other.display());
                return Err(Fault::new(FaultKind::Conflict, message).hint("remove one of the two links by hand"));
            }
        }
        Ok(())
    }

    fn take_blob(&mut self, blob: &Blob) {
        match &blob.payload {
            None => self.footprint.leave(&blob.path, blob.seen, !blob.used),
            Some(payload) => {
                let leavers = self.payloads.entry(payload.clone()).or_default();
                leavers.used |= blob.used;
                leavers.blobs.insert(blob.path.clone());
            }
        }
    }

    /// The locks of a repository that is gone. They have no bytes.
    fn take_locks(&mut self, key: &RepoKey) -> Result<(), Fault> {
        let path = Path::new(LOCKS).join(folder(key));
        let is_there = |path: &Path| Seen::at(&self.cache.root.join(path)).map(|seen| seen.kind);
        if is_there(&folder(key)).is_some() {
            let message = format!("{key} is in the cache, and its locks are for whoever downloads it");
            return Err(Fault::new(FaultKind::Conflict, message).hint("delete the repository first"));
        }
        if is_there(Path::new(LOCKS)) != Some(Kind::Folder) || is_there(&path) != Some(Kind::Folder) {
            return Err(Fault::new(FaultKind::NotFound, format!("no locks of {key} are left in {}", self.cache.root.display()))
                .hint("there is nothing to remove"));
        }
        self.steps.push(Step { what: What::Locks, path });
        Ok(())
    }

    fn ask_for_payload(&mut self, hash: &str) -> Result<(), Fault> {
        let payload = is_hex(hash, 64).then(|| Path::new(BLOBS).join(&hash[..2]).join(hash));
        let here = payload.zip(self.store).filter(|(payload, store)| store.size(payload).is_some());
        let missing = || Fault::new(FaultKind::NotFound, format!("there is no shared payload {hash} in {}", self.cache.root.display()));
        let (payload, _) = here.ok_or_else(|| missing().hint("list what there is with: hfdesk-tui cache ls"))?;
        self.payloads.entry(payload).or_default().asked = true;
        Ok(())
    }

    /// Decides which payloads go: those whose every user does. One whose users cannot be known stays.
    fn take_payloads(&mut self) -> Result<(), Fault> {
        let Some(store) = self.store else { return Ok(()) };
        let payloads = std::mem::take(&mut self.payloads);
        let leaving: BTreeSet<PathBuf> = payloads.values().flat_map(|leavers| &leavers.blobs).cloned().collect();
        let linked = if payloads.is_empty() { HashSet::new() } else { self.cache.linked_payloads(store, &leaving) };
        for (payload, leavers) in payloads {
            let users = store.referrers(&payload);
            let Some(seen) = Seen::at(&self.cache.root.join(&payload)) else { continue };
            if leavers.asked {
                check_unused(&payload, users.as_ref(), &leaving, linked.contains(&payload))?;
            }
            // The official client counts a payload that no manifest knows of for nobody.
            let known = leavers.asked || users.as_ref().is_some_and(|users| !users.is_empty());
            if known && !linked.contains(&payload) && users.is_some_and(|users| users.is_subset(&leaving)) {
                self.take_payload(payload, seen, &leavers);
            } else {
                self.footprint.stay(seen);
                self.kept.push(payload);
            }
        }
        Ok(())
    }

    fn take_payload(&mut self, payload: PathBuf, seen: Seen, leavers: &Leavers) {
        self.footprint.leave(&payload, seen, !leavers.used && !leavers.asked);
        self.plan.payloads.push(self.cache.root.join(&payload));
        self.steps.push(Step { what: What::Manifest, path: super::store::manifest_of(&payload) });
        self.steps.push(Step { what: What::Payload, path: payload });
    }

    fn finish(mut self) -> Planned {
        self.steps.sort_by_key(|step| match step.what {
            What::Payload => 1,
            What::Manifest => 2,
            _ => 0,
        });
        let shown = self.steps.iter().filter(|step| !matches!(step.what, What::Payload | What::Manifest));
        let totals = self.footprint.totals(|_| true);
        let paths = shown.map(|step| self.cache.root.join(&step.path)).chain(self.folders).collect();
        let Totals { frees, unused, elsewhere, keeps } = totals;
        let plan = DeletionPlan { paths, frees, unused, elsewhere, keeps, ..self.plan };
        Planned { plan, steps: self.steps, footprint: self.footprint, kept: self.kept }
    }
}

/// Refuses a payload that something uses which does not go with it.
fn check_unused(payload: &Path, users: Option<&BTreeSet<PathBuf>>, leaving: &BTreeSet<PathBuf>, is_linked: bool) -> Result<(), Fault> {
    let refused = |why: String| Err(Fault::new(FaultKind::Conflict, format!("the shared payload {} {why}", payload.display())));
    let Some(users) = users else {
        return refused("has no list of its users that can be read".to_owned())
            .map_err(|fault| fault.hint("it stays, as nobody knows who uses it"));
    };
    match users.difference(leaving).next() {
        Some(user) => refused(format!("is used by {}", user.display())).map_err(|fault| fault.hint("delete what uses it as well")),
        None if is_linked => refused("is linked to by a blob that its list of users does not name".to_owned())
            .map_err(|fault| fault.hint("delete the repository that uses it first, or what can be brought back with it from the trash")),
        None => Ok(()),
    }
}
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::moves::Way;
    use super::super::record::Record;
    use super::super::testkit::{self, HASH, add, key, plan, share, whole};
    use super::*;
    use crate::desk::Disposal;

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
    fn a_payload_stays_for_a_blob_that_its_manifest_does_not_name() {
        let (_dir, cache) = shared();
        fs::rename(cache.root().join("models--org--b"), cache.root().join("models--org--renamed")).unwrap();
        let planned = cache.plan_deletion(&[whole("org/a")]).unwrap();
        assert_eq!((planned.frees, planned.keeps, planned.payloads.len()), (2, 7, 0));
        // The same where it is renamed between the plan and the moves.
        fs::rename(cache.root().join("models--org--renamed"), cache.root().join("models--org--b")).unwrap();
        let both = cache.plan_now(&[whole("org/a"), whole("org/b")]).unwrap();
        assert_eq!(both.plan.payloads.len(), 1);
        fs::rename(cache.root().join("models--org--b"), cache.root().join("models--org--renamed")).unwrap();
        let record = Record::new(&both, Disposal::Forever, Duration::ZERO);
        let outcome = cache.make_moves(&record, Way::Straight, usize::MAX);
        assert!(outcome.failures[0].contains("a blob links to it"), "{outcome:?}");
        assert!(cache.root().join("blobs/c6").join(HASH).exists());
    }

    #[test]
    fn a_payload_stays_for_what_is_in_the_trash() {
        let (_dir, cache) = shared();
        cache.delete(&cache.plan_deletion(&[whole("org/a")]).unwrap(), Disposal::Trash).unwrap();
        let planned = cache.plan_deletion(&[whole("org/b")]).unwrap();
        assert_eq!((planned.frees, planned.keeps), (2, 7));
        cache.delete(&planned, Disposal::Forever).unwrap();
        assert_eq!(cache.orphans(), []);
        cache.restore(&cache.trash()[0].id).unwrap();
        assert_eq!((cache.scan().unwrap().size, cache.scan().unwrap().warnings), (9, vec![]));
        cache.delete(&cache.plan_deletion(&[whole("org/a")]).unwrap(), Disposal::Trash).unwrap();
        cache.empty_trash(&[]).unwrap();
        assert_eq!(cache.scan().unwrap().size, 0);
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
