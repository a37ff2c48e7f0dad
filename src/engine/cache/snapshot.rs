//! Placing files in the Hugging Face cache: blobs named by their digest, and a snapshot of links to them.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Cache;
use super::adopt::Adoption;
use super::elsewhere::{Offer, OfferKind};
use super::entries::{
    FileMode, Made, copy_to_partial, inner_dir, inner_parent, probe, remove_if_there, replace_with_link, replace_with_text, settle,
    size_of, size_of_regular, sync_parents, tag_cache,
};
use super::known::{Known, Stamp, Watch};
use super::layout::{BLOBS, JOURNAL, LOCKS, PARTIAL, REFS, SNAPSHOTS, blob_link, repo_folder};
use super::lock::{BLOB_LOCK, try_lock};
use super::moved::Home;
use super::place::{PartialPaths, Place, Ready};
use super::store::Store;
use super::tree::write_listing;
use crate::desk::{Digest, Fault, FaultKind, Plan, PlannedFile};
use crate::engine::host::FileLock;

/// One commit of one repository in the cache.
pub(super) struct Snapshot {
    cache: Cache,
    pub(super) plan: Plan,
    /// The repository's folder, relative to the cache's root.
    folder: PathBuf,
    /// Which files have a content in common, by its digest.
    twins: HashMap<Digest, Vec<usize>>,
    mode: FileMode,
    made: Made,
}

impl Snapshot {
    pub(super) fn new(cache: Cache, plan: Plan) -> Self {
        let folder = repo_folder(plan.repo.kind, &plan.repo.id).into();
        let mut twins = HashMap::<Digest, Vec<usize>>::new();
        for (index, file) in plan.files.iter().enumerate() {
            twins.entry(file.digest.clone()).or_default().push(index);
        }
        Self { cache, plan, folder, twins, mode: FileMode::default(), made: Made::default() }
    }

    /// The plan's files with this one's content, itself among them.
    pub(super) fn twins(&self, file: &PlannedFile) -> impl Iterator<Item = &PlannedFile> {
        self.twins.get(&file.digest).into_iter().flatten().map(|index| &self.plan.files[*index])
    }

    fn repo(&self) -> PathBuf {
        self.cache.root.join(&self.folder)
    }

    /// A file's blob, relative to the cache's root.
    fn blob(&self, file: &PlannedFile) -> PathBuf {
        self.folder.join(BLOBS).join(file.digest.hex())
    }

    /// The complete content of a file in this repository: its blob or, in a cache without links, this file or one like it in the snapshot.
    pub(super) fn content(&self, file: &PlannedFile) -> Option<PathBuf> {
        let blob = self.cache.root.join(self.blob(file));
        if size_of(&blob) == Some(file.size) {
            return Some(blob);
        }
        let twins = self.twins(file).filter(|twin| twin.path != file.path);
        let mut entries = std::iter::once(file).chain(twins).map(|twin| self.file_path(twin));
        entries.find(|entry| size_of_regular(entry) == Some(file.size))
    }

    /// The shared blob store, where this repository can use it: links into it lead nowhere from another disk.
    fn store(&self) -> Option<Store<'_>> {
        Store::open(&self.cache.root).filter(|_| Home::of(&self.cache.root, &self.repo()).there().is_none())
    }

    /// Whether the shared blob store, which works by links, has the content.
    fn is_shared(&self, file: &PlannedFile) -> bool {
        let offered = |hash| self.store()?.offer(hash, file.size);
        self.cache.symlinks && file.xet_hash.as_deref().and_then(offered).is_some()
    }

    /// What is known about files that were read or placed.
    pub(super) fn known(&self) -> &Known {
        &self.cache.known
    }

    /// Makes the blob a link into the shared store.
    fn share(&self, file: &PlannedFile) -> Result<(), Fault> {
        let linked = match (self.store(), &file.xet_hash) {
            (Some(store), Some(hash)) => store.link_in(&self.blob(file), hash, file.size)?,
            _ => false,
        };
        if linked {
            return Ok(());
        }
        Err(Fault::new(FaultKind::NotFound, format!("the content of {} is not in the cache any more", file.path)).hint("download it again"))
    }

    /// Gives content that was vouched for the blob's name without copying a byte; `false` where that cannot be done.
    fn take_over(&self, file: &PlannedFile, stamp: Stamp, adoption: &Adoption) -> Result<bool, Fault> {
        let blob = self.blob(file);
        match (&adoption.offer.kind, self.store()) {
            (OfferKind::Payload(hash), Some(store)) => store.link_in(&blob, hash, file.size),
            _ => adoption.link(stamp, &self.repo(), &self.cache.root.join(blob)),
        }
    }

    /// Points the snapshot at a blob that is here, and answers with the entry, whose folder is still to be synced. Without links, the
    /// blob itself moves there if it is `fresh`, else a copy does.
    fn enter(&self, file: &PlannedFile, fresh: bool) -> Result<PathBuf, Fault> {
        let entry = self.entry(file)?;
        if self.cache.symlinks {
            match self.enter_link(file, &entry) {
                Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {}
                Err(error) => return Err(Fault::disk(format!("link {}", entry.display()), error)),
                Ok(()) => return Ok(entry),
            }
        }
        let blob = self.cache.root.join(self.blob(file));
        if !fresh {
            return self.enter_copy(file, &blob);
        }
        fs::rename(&blob, &entry).map_err(|error| Fault::disk(format!("move {} to {}", blob.display(), entry.display()), error))?;
        Ok(entry)
    }

    /// A file's place in the snapshot, its folder made.
    fn entry(&self, file: &PlannedFile) -> Result<PathBuf, Fault> {
        self.made.parent(&self.repo(), &format!("{SNAPSHOTS}/{}/{}", self.plan.commit, file.path))?;
        Ok(self.file_path(file))
    }

    fn enter_copy(&self, file: &PlannedFile, content: &Path) -> Result<PathBuf, Fault> {
        let (entry, partial) = (self.entry(file)?, self.partial(file));
        copy_to_partial(content, &partial)?;
        settle(self.mode.get(&self.repo())?, &partial, None, &entry, file.size)?;
        Ok(entry)
    }

    /// Puts a file whose content is held where it belongs; answers as [`enter`](Self::enter) does.
    fn link_one(&self, file: &PlannedFile) -> Result<PathBuf, Fault> {
        match self.content(file) {
            Some(content) if content == self.file_path(file) => Ok(content),
            Some(content) if content.starts_with(self.dir()) => self.enter_copy(file, &content),
            Some(_) => self.enter(file, false),
            None => self.share(file).and_then(|()| self.enter(file, false)),
        }
    }

    fn enter_link(&self, file: &PlannedFile, entry: &Path) -> std::io::Result<()> {
        let target = blob_link(&file.path, file.digest.hex());
        match symlink(&target, entry) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made,
        }
        if fs::read_link(entry).is_ok_and(|found| found == target) {
            return Ok(());
        }
        replace_with_link(&self.repo(), entry, &target)
    }

    /// Points the revision at the commit. A commit asked for by its own name has no ref.
    fn write_ref(&self) -> Result<(), Fault> {
        let revision = &self.plan.repo.revision;
        if revision.is_commit() {
            return Ok(());
        }
        let refs = inner_dir(&self.repo(), Path::new(REFS))?;
        let path = refs.join(revision.as_str());
        if fs::read_to_string(&path).is_ok_and(|commit| commit == self.plan.commit) {
            return Ok(());
        }
        inner_parent(&refs, revision.as_str())?;
        replace_with_text(&self.repo(), &path, &self.plan.commit)
    }
}

impl Place for Snapshot {
    fn prepare(&self) -> Result<(), Fault> {
        let repo = self.repo();
        let blobs = inner_dir(&repo, Path::new(BLOBS))?;
        inner_dir(&repo, &Path::new(SNAPSHOTS).join(&self.plan.commit))?;
        tag_cache(&self.cache.root)?;
        self.mode.get(&repo)?;
        probe(&blobs)?;
        write_listing(&repo, &self.plan)?;
        self.write_ref()
    }

    fn is_bare(&self) -> bool {
        !self.repo().exists() && Store::open(&self.cache.root).is_none()
    }

    fn held(&self, file: &PlannedFile) -> bool {
        self.content(file).is_some() || self.is_shared(file)
    }

    fn partial(&self, file: &PlannedFile) -> PartialPaths {
        let beside = |suffix: &str| self.repo().join(BLOBS).join(format!("{}.{suffix}", file.digest));
        PartialPaths { data: beside(PARTIAL), journal: beside(JOURNAL) }
    }

    fn lock(&self, file: &PlannedFile) -> Result<Option<FileLock>, Fault> {
        let name = format!("{}.lock", file.digest);
        try_lock(&self.cache.root.join(LOCKS).join(&self.folder).join(name), BLOB_LOCK)
    }

    /// The blobs are safe on the disk before anything points at them.
    fn place(&self, files: &[Ready<'_>]) -> Result<(), Fault> {
        let blobs: Vec<PathBuf> = files.iter().map(|ready| self.cache.root.join(self.blob(ready.file))).collect();
        for (Ready { file, written }, blob) in files.iter().zip(&blobs) {
            let stamp = settle(self.mode.get(&self.repo())?, &self.partial(file), *written, blob, file.size)?;
            if let Some(stamp) = stamp {
                self.known().note(stamp, file.digest.clone());
            }
        }
        sync_parents(&blobs)?;
        let entries: Vec<PathBuf> = files.iter().map(|ready| self.enter(ready.file, true)).collect::<Result<_, _>>()?;
        sync_parents(&entries)
    }

    fn link(&self, files: &[&PlannedFile]) -> Result<(), Fault> {
        let entries: Vec<PathBuf> = files.iter().map(|file| self.link_one(file)).collect::<Result<_, _>>()?;
        sync_parents(&entries)
    }

    fn adopt(&self, file: &PlannedFile, offer: &Offer, watch: Watch) -> Result<bool, Fault> {
        let adoption = Adoption { known: self.known(), file, offer, watch };
        // Without links the snapshot holds the file itself, which its owner may edit.
        if self.cache.symlinks && offer.kind != OfferKind::File {
            let Some(stamp) = adoption.vouched()? else { return Ok(false) };
            if self.take_over(file, stamp, &adoption)? {
                self.discard(file)?;
                return self.link(&[file]).map(|()| true);
            }
        }
        if adoption.copy(&self.partial(file))? { self.place(&[file.into()]).map(|()| true) } else { Ok(false) }
    }

    fn discard(&self, file: &PlannedFile) -> Result<(), Fault> {
        let partial = self.partial(file);
        remove_if_there(&partial.data)?;
        remove_if_there(&partial.journal)
    }

    fn file_path(&self, file: &PlannedFile) -> PathBuf {
        self.dir().join(&file.path)
    }

    fn dir(&self) -> PathBuf {
        self.repo().join(SNAPSHOTS).join(&self.plan.commit)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::super::testkit::{self, COMMIT, HASH, add, fill, plan, share};
    use super::*;

    const FILES: &[(&str, &[u8])] = &[("config.json", b"{}"), ("sub/dir/w.bin", b"weights")];

    #[test]
    fn files_lie_where_the_official_client_puts_them() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "datasets/org/set", FILES);
        let repo = cache.root().join("datasets--org--set");
        let plan = plan("datasets/org/set", FILES);
        let sha = plan.files[1].digest.hex();
        assert_eq!(fs::read_to_string(repo.join("refs/main")).unwrap(), COMMIT);
        assert!(fs::symlink_metadata(repo.join("blobs").join(sha)).unwrap().is_file());
        let link = repo.join("snapshots").join(COMMIT).join("sub/dir/w.bin");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("../../../../blobs").join(sha));
        assert_eq!(place.file_path(&plan.files[1]), link);
        assert_eq!(fs::read(place.dir().join("config.json")).unwrap(), b"{}");
        assert!(
            fs::read_to_string(cache.root().join("CACHEDIR.TAG")).unwrap().starts_with("Signature: 8a477f597d28d172789f06886806bc55\n")
        );
        let partial = place.partial(&plan.files[1]);
        assert_eq!(partial.data, repo.join(format!("blobs/{sha}.hfdesk.part")));
        assert!(!partial.data.exists() && !partial.journal.exists());
        let names: Vec<_> = fs::read_dir(&repo).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 4, "nothing but blobs, refs, snapshots and trees: {names:?}");
    }

    #[test]
    fn several_files_are_placed_together_and_a_missing_one_is_a_fault() {
        let (_dir, cache) = testkit::cache();
        let plan = plan("org/m", FILES);
        let place = cache.place(&plan).unwrap();
        assert!(place.is_bare());
        place.prepare().unwrap();
        assert!(!place.is_bare());
        let files: Vec<&PlannedFile> = plan.files.iter().collect();
        let ready: Vec<Ready> = plan.files.iter().map(Ready::from).collect();
        testkit::write_partial(&*place, files[0], FILES[0].1);
        assert_eq!(place.place(&ready).unwrap_err().kind, FaultKind::Corrupt);
        assert!(!place.file_path(files[0]).exists(), "nothing points at blobs that are not synced");
        testkit::write_partial(&*place, files[1], FILES[1].1);
        place.place(&ready[1..]).unwrap();
        place.link(&files).unwrap();
        for (file, (_, content)) in files.iter().zip(FILES) {
            assert_eq!(fs::read(place.file_path(file)).unwrap(), *content);
        }
    }

    #[test]
    fn a_revision_is_written_once_and_a_commit_never() {
        let (_dir, cache) = testkit::cache();
        let mut plan = plan("org/m", FILES);
        for (revision, exists) in [("refs/pr/1", true), (COMMIT, false), ("main", true)] {
            plan.repo.revision = revision.parse().unwrap();
            cache.place(&plan).unwrap().prepare().unwrap();
            assert_eq!(cache.root().join("models--org--m/refs").join(revision).exists(), exists, "{revision}");
        }
        let path = cache.root().join("models--org--m/refs/main");
        let inode = || fs::metadata(&path).unwrap().ino();
        let before = inode();
        cache.place(&plan).unwrap().prepare().unwrap();
        assert_eq!(inode(), before, "an unchanged ref is left alone");
        fs::write(&path, "fedcba9876543210fedcba9876543210fedcba98").unwrap();
        cache.place(&plan).unwrap().prepare().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), COMMIT);
    }

    #[test]
    fn content_is_held_only_whole() {
        let (_dir, cache) = testkit::cache();
        let plan = plan("org/m", FILES);
        let place = cache.place(&plan).unwrap();
        assert!(!place.held(&plan.files[1]));
        fill(&cache, &plan, FILES);
        assert!(place.held(&plan.files[1]));
        fs::write(cache.root().join("models--org--m/blobs").join(plan.files[1].digest.hex()), "weight").unwrap();
        assert!(!place.held(&plan.files[1]));
    }

    #[test]
    fn another_commit_links_what_is_held() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        let mut next = plan("org/m", FILES);
        next.commit = "f".repeat(40);
        let place = cache.place(&next).unwrap();
        place.prepare().unwrap();
        for file in &next.files {
            assert!(place.held(file));
            place.link(&[file]).unwrap();
            place.link(&[file]).unwrap();
        }
        assert_eq!(fs::read(place.dir().join("sub/dir/w.bin")).unwrap(), b"weights");
    }

    #[test]
    fn a_stale_or_planted_entry_is_replaced() {
        let (dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let (entry, outside) = (place.dir().join("config.json"), dir.path().join("outside"));
        fs::write(&outside, "mine").unwrap();
        fs::remove_file(&entry).unwrap();
        symlink(&outside, &entry).unwrap();
        place.link(&[&plan("org/m", FILES).files[0]]).unwrap();
        assert_eq!(fs::read(&entry).unwrap(), b"{}");
        assert_eq!(fs::read(&outside).unwrap(), b"mine");
    }

    #[test]
    fn a_linked_folder_that_leads_out_is_refused() {
        let (dir, cache) = testkit::cache();
        let plan = plan("org/m", FILES);
        let place = cache.place(&plan).unwrap();
        place.prepare().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        symlink(&outside, place.dir().join("sub")).unwrap();
        testkit::write_partial(&*place, &plan.files[1], b"weights");
        let fault = place.place(&[(&plan.files[1]).into()]).unwrap_err();
        assert!(fault.message.contains("leads out of"), "{fault}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[test]
    fn a_wrong_sized_partial_is_not_placed() {
        let (_dir, cache) = testkit::cache();
        let plan = plan("org/m", FILES);
        let place = cache.place(&plan).unwrap();
        place.prepare().unwrap();
        assert_eq!(place.place(&[(&plan.files[0]).into()]).unwrap_err().kind, FaultKind::Corrupt);
        testkit::write_partial(&*place, &plan.files[0], b"{} ");
        assert_eq!(place.place(&[(&plan.files[0]).into()]).unwrap_err().kind, FaultKind::Corrupt);
        assert!(!place.held(&plan.files[0]) && !place.file_path(&plan.files[0]).exists());
        place.discard(&plan.files[0]).unwrap();
        place.discard(&plan.files[0]).unwrap();
        assert!(!place.partial(&plan.files[0]).data.exists() && !place.partial(&plan.files[0]).journal.exists());
    }

    #[test]
    fn a_lock_lies_beside_those_of_the_official_client() {
        let (_dir, cache) = testkit::cache();
        let plan = plan("org/m", FILES);
        let place = cache.place(&plan).unwrap();
        let held = place.lock(&plan.files[0]).unwrap();
        assert!(held.is_some() && place.lock(&plan.files[0]).unwrap().is_none());
        let path = cache.root().join(format!(".locks/models--org--m/{}.lock", plan.files[0].digest));
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o664);
    }

    #[test]
    fn without_links_a_snapshot_holds_the_files() {
        let (_dir, cache) = testkit::cache();
        let cache = cache.without_symlinks();
        let place = add(&cache, "org/m", FILES);
        let file = &plan("org/m", FILES).files[1];
        assert!(fs::symlink_metadata(place.file_path(file)).unwrap().is_file());
        assert_eq!(fs::read_dir(cache.root().join("models--org--m/blobs")).unwrap().count(), 0);
        assert!(place.held(file));
        place.link(&[file]).unwrap();
    }

    #[test]
    fn without_links_a_blob_that_is_here_is_copied() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        let mut next = plan("org/m", FILES);
        next.commit = "f".repeat(40);
        let place = cache.without_symlinks().place(&next).unwrap();
        place.prepare().unwrap();
        place.link(&[&next.files[1]]).unwrap();
        assert!(fs::symlink_metadata(place.file_path(&next.files[1])).unwrap().is_file());
        assert!(place.held(&next.files[1]), "the blob stays");
    }

    #[test]
    fn without_links_files_of_one_digest_are_copied() {
        let (_dir, cache) = testkit::cache();
        let plan = plan("org/m", &[("a.bin", b"weights"), ("b.bin", b"weights")]);
        let place = cache.without_symlinks().place(&plan).unwrap();
        place.prepare().unwrap();
        testkit::write_partial(&*place, &plan.files[0], b"weights");
        place.place(&[(&plan.files[0]).into()]).unwrap();
        assert!(place.held(&plan.files[1]));
        place.link(&[&plan.files[1]]).unwrap();
        assert_eq!(fs::read(place.file_path(&plan.files[1])).unwrap(), b"weights");
    }

    #[test]
    fn a_shared_payload_is_adopted() {
        let (_dir, cache) = testkit::cache();
        let mut plan = plan("org/b", FILES);
        add(&cache, "org/a", FILES);
        share(&cache, "org/a", plan.files[1].digest.hex(), HASH, b"weights");
        plan.files[1].xet_hash = Some(HASH.into());
        let place = cache.place(&plan).unwrap();
        place.prepare().unwrap();
        assert!(place.held(&plan.files[1]));
        assert!(!cache.clone().without_symlinks().place(&plan).unwrap().held(&plan.files[1]));
        place.link(&[&plan.files[1]]).unwrap();
        let blob = format!("models--org--b/blobs/{}", plan.files[1].digest);
        assert_eq!(fs::read_link(cache.root().join(&blob)).unwrap(), Path::new("../../blobs/c6").join(HASH));
        assert_eq!(fs::read(place.file_path(&plan.files[1])).unwrap(), b"weights");
        let manifest = fs::read_to_string(cache.root().join(format!("blobs/c6/{HASH}.refs"))).unwrap();
        assert_eq!(manifest.lines().last(), Some(blob.as_str()));
    }

    #[test]
    fn a_payload_of_another_size_or_without_a_manifest_is_not_adopted() {
        let (_dir, cache) = testkit::cache();
        let mut plan = plan("org/b", FILES);
        add(&cache, "org/a", FILES);
        share(&cache, "org/a", plan.files[1].digest.hex(), HASH, b"weight");
        plan.files[1].xet_hash = Some(HASH.into());
        let place = cache.place(&plan).unwrap();
        place.prepare().unwrap();
        assert!(!place.held(&plan.files[1]));
        share(&cache, "org/a", plan.files[1].digest.hex(), HASH, b"weights");
        fs::remove_file(cache.root().join(format!("blobs/c6/{HASH}.refs"))).unwrap();
        assert_eq!(place.link(&[&plan.files[1]]).unwrap_err().kind, FaultKind::NotFound);
        assert!(!cache.root().join(format!("blobs/c6/{HASH}.refs")).exists());
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_a_fault() {
        let (dir, _) = testkit::cache();
        fs::write(dir.path().join("file"), "").unwrap();
        let cache = Cache::new(dir.path().join("file/hub"));
        let fault = cache.place(&plan("org/m", FILES)).unwrap().prepare().unwrap_err();
        assert_eq!(fault.kind, FaultKind::Disk);
    }
}
