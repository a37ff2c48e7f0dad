//! Setting a damaged content aside, so that the next download fetches it again.
//!
//! First the snapshots' entries go, then the content becomes the unfinished download of the file: at every moment in between, the
//! official client reads the cache without a warning, for it never sees a link that leads nowhere. All of it happens under the locks that
//! downloads take, so that nobody places or links the file meanwhile.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Cache;
use super::entries::{inner_dir, remove_if_there, sync_parent};
use super::layout::{BLOBS, JOURNAL, LOCKS, PARTIAL, SNAPSHOTS, resolve};
use super::lock::{BLOB_LOCK, try_lock};
use super::place::PartialPaths;
use super::reader::Reader;
use super::store::Store;
use super::survey::Content;
use crate::desk::{Digest, Fault, FaultKind, VerifiedFile, VerifyTarget};
use crate::engine::host::FileLock;

/// A content that nobody else can place, link or remove while this value lives.
#[derive(Debug)]
pub struct Seized {
    root: PathBuf,
    content: Content,
    digest: Digest,
    /// The blobs that have this content, relative to the cache's root; none for a file in a snapshot.
    blobs: BTreeSet<PathBuf>,
    _locks: Vec<FileLock>,
}

/// A content that was set aside.
#[derive(Debug)]
pub struct SetAside {
    /// Where it lies now.
    pub partial: PartialPaths,
    /// Blobs of other repositories that shared it and are gone with it, relative to the cache's root.
    pub shared_with: Vec<PathBuf>,
}

impl Cache {
    /// Takes the locks of a file that was found damaged; `None` where it is not there any more.
    ///
    /// Fails with [`FaultKind::Busy`] while a download or another process holds one of them.
    pub fn seize(&self, file: &VerifiedFile) -> Result<Option<Seized>, Fault> {
        let contents = match self.survey(&[VerifyTarget::whole(file.repo.clone())]) {
            Err(fault) if fault.kind == FaultKind::NotFound => return Ok(None),
            survey => survey?.contents,
        };
        let is_meant = |content: &Content| self.root.join(&content.path) == file.path && content.digest == file.digest;
        let Some(content) = contents.into_iter().find(is_meant) else { return Ok(None) };
        let Some(digest) = content.digest.clone() else { return Ok(None) };
        let blobs = self.sharers(&content, &digest);
        let folders: BTreeSet<&Path> = blobs.iter().chain([&content.path]).filter_map(|path| repo_folder(path)).collect();
        let mut locks = folders.iter().map(|folder| self.lock_blob(folder, &digest)).collect::<Result<Vec<_>, _>>()?;
        if content.bytes != content.path
            && let Some(store) = Store::open(&self.root)
        {
            locks.push(store.lock(&content.bytes)?);
            if self.sharers(&content, &digest) != blobs {
                return Err(busy(&content.bytes, "another process links to it at this moment"));
            }
        }
        Ok(Some(Seized { root: self.root.clone(), content, digest, blobs, _locks: locks }))
    }

    /// The blobs with a content: its own and, of a shared payload, all that link to it, whether or not its manifest names them.
    fn sharers(&self, content: &Content, digest: &Digest) -> BTreeSet<PathBuf> {
        if !is_blob(&content.path) {
            return BTreeSet::new();
        }
        let mut blobs = BTreeSet::from([content.path.clone()]);
        if let Some(store) = Store::open(&self.root).filter(|_| content.bytes != content.path) {
            blobs.extend(store.referrers(&content.bytes).unwrap_or_default());
            let namesakes = fs::read_dir(&self.root).into_iter().flatten().flatten();
            let namesakes = namesakes.map(|folder| Path::new(&folder.file_name()).join(BLOBS).join(digest.hex()));
            blobs.extend(namesakes.filter(|blob| matches!(store.target(blob), Ok(Some(target)) if target == content.bytes)));
        }
        blobs
    }

    fn lock_blob(&self, folder: &Path, digest: &Digest) -> Result<FileLock, Fault> {
        let path = self.root.join(LOCKS).join(folder).join(format!("{digest}.lock"));
        try_lock(&path, BLOB_LOCK)?.ok_or_else(|| busy(&path, "a download of the file is under way"))
    }
}

fn busy(path: &Path, why: &str) -> Fault {
    Fault::new(FaultKind::Busy, format!("{} is in use: {why}", path.display())).hint("wait until it is over, then try again")
}

/// The folder of the repository that a path relative to the cache's root lies in.
fn repo_folder(path: &Path) -> Option<&Path> {
    path.ancestors().filter(|ancestor| *ancestor != Path::new("")).last()
}

fn is_blob(path: &Path) -> bool {
    path.parent().is_some_and(|parent| parent.file_name() == Some(BLOBS.as_ref()) && parent.components().count() == 2)
}

impl Seized {
    /// Where the bytes are.
    pub fn bytes(&self) -> PathBuf {
        self.root.join(&self.content.bytes)
    }

    /// What they should hash to.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Takes the content out of every snapshot and makes it the unfinished download of its file, of which nothing is vouched for.
    pub fn set_aside(&self) -> Result<SetAside, Fault> {
        let partial = self.partial()?;
        make_writable(&self.bytes()).map_err(|error| Fault::disk(format!("take over {}", self.bytes().display()), error))?;
        self.remove_entries()?;
        remove_if_there(&partial.journal)?;
        self.shift(&partial.data)?;
        // Whoever linked the file between the two is not left with a link that leads nowhere.
        self.remove_entries()?;
        let shared_with = self.blobs.iter().filter(|blob| **blob != self.content.path).cloned().collect();
        Ok(SetAside { partial, shared_with })
    }

    fn partial(&self) -> Result<PartialPaths, Fault> {
        let repo = repo_folder(&self.content.path).unwrap_or(Path::new(""));
        let blobs = inner_dir(&self.root.join(repo), Path::new(BLOBS))?;
        let beside = |suffix: &str| blobs.join(format!("{}.{suffix}", self.digest));
        Ok(PartialPaths { data: beside(PARTIAL), journal: beside(JOURNAL) })
    }

    /// Removes what the snapshots of every repository concerned have of the content.
    fn remove_entries(&self) -> Result<(), Fault> {
        for blob in &self.blobs {
            let mut reader = Reader::new(&self.root);
            let snapshots = self.root.join(repo_folder(blob).unwrap_or(blob)).join(SNAPSHOTS);
            for (entry, _) in reader.files_below(&snapshots) {
                if leads_to(&self.root, &entry, blob) {
                    remove_if_there(&entry)?;
                    sync_parent(&entry)?;
                }
            }
        }
        Ok(())
    }

    /// Moves the bytes. A shared payload leaves the store with its manifest, and the links to it go.
    fn shift(&self, target: &Path) -> Result<(), Fault> {
        let bytes = self.bytes();
        let doing = || format!("move {} to {}", bytes.display(), target.display());
        fs::rename(&bytes, target).map_err(|error| Fault::disk(doing(), error))?;
        sync_parent(target)?;
        sync_parent(&bytes)?;
        if self.content.bytes == self.content.path {
            return Ok(());
        }
        if let Some(store) = Store::open(&self.root) {
            store.forget(&self.content.bytes)?;
        }
        self.blobs.iter().try_for_each(|blob| remove_if_there(&self.root.join(blob)))
    }
}

/// A download goes on in this file, and payloads are read-only.
fn make_writable(path: &Path) -> std::io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o200 == 0 { fs::set_permissions(path, Permissions::from_mode(mode | 0o200)) } else { Ok(()) }
}

/// Whether a snapshot's entry is a link whose first hop is this blob.
fn leads_to(root: &Path, entry: &Path, blob: &Path) -> bool {
    let folder = entry.parent().and_then(|folder| folder.strip_prefix(root).ok());
    let link = fs::read_link(entry).ok();
    folder.zip(link).and_then(|(folder, link)| resolve(root, folder, &link)).as_deref() == Some(blob)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::super::Place;
    use super::super::testkit::{self, COMMIT, HASH, add, key, plan, share};
    use super::*;
    use crate::desk::Verdict;

    const FILES: &[(&str, &[u8])] = &[("config.json", b"{}"), ("sub/w.bin", b"weights"), ("twin.bin", b"weights")];

    /// A repository with another commit that has `sub/w.bin` too.
    fn repository(cache: &Cache, repo: &str) -> Arc<dyn Place> {
        let place = add(cache, repo, FILES);
        let mut next = plan(repo, &FILES[1..2]);
        next.commit = "f".repeat(40);
        next.repo.revision = "v2".parse().unwrap();
        let second = cache.place(&next).unwrap();
        second.prepare().unwrap();
        second.link(&[&next.files[0]]).unwrap();
        place
    }

    fn digest() -> Digest {
        plan("org/m", FILES).files[1].digest.clone()
    }

    /// The file as a verification found it.
    fn found(cache: &Cache, repo: &str, path: &Path) -> VerifiedFile {
        VerifiedFile {
            repo: key(repo),
            path: cache.root().join(path),
            files: Vec::new(),
            commits: Vec::new(),
            size: 7,
            digest: Some(digest()),
            verdict: Verdict::Damaged,
            reason: None,
            verified_at: Timestamp::UNIX_EPOCH,
            last_good_at: None,
        }
    }

    fn blob(repo: &str) -> PathBuf {
        Path::new(&format!("models--{}", repo.replace('/', "--"))).join(BLOBS).join(digest().hex())
    }

    fn seize(cache: &Cache, repo: &str) -> Seized {
        cache.seize(&found(cache, repo, &blob(repo))).unwrap().unwrap()
    }

    fn no_warnings(cache: &Cache) {
        assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
    }

    #[test]
    fn a_blob_becomes_the_unfinished_download_of_its_file() {
        let (_dir, cache) = testkit::cache();
        let place = repository(&cache, "org/m");
        let file = &plan("org/m", FILES).files[1];
        fs::write(place.partial(file).journal, "of an older download").unwrap();
        let aside = seize(&cache, "org/m").set_aside().unwrap();
        assert_eq!(aside.partial, place.partial(file));
        assert_eq!(fs::read(&aside.partial.data).unwrap(), b"weights");
        assert!(!aside.partial.journal.exists(), "nothing is vouched for");
        assert!(!place.held(file) && aside.shared_with.is_empty());
        for entry in ["sub/w.bin", "twin.bin", "../ffffffffffffffffffffffffffffffffffffffff/sub/w.bin"] {
            assert!(fs::symlink_metadata(place.dir().join(entry)).is_err(), "{entry}");
        }
        assert!(place.dir().join("config.json").exists());
        no_warnings(&cache);
    }

    #[test]
    fn no_step_leaves_a_link_that_leads_nowhere() {
        let (_dir, cache) = testkit::cache();
        for repo in ["org/a", "org/b"] {
            repository(&cache, repo);
            share(&cache, repo, digest().hex(), HASH, b"weights");
        }
        repository(&cache, "org/m");
        for repo in ["org/m", "org/b"] {
            let seized = seize(&cache, repo);
            let partial = seized.partial().unwrap();
            seized.remove_entries().unwrap();
            no_warnings(&cache);
            seized.shift(&partial.data).unwrap();
            no_warnings(&cache);
        }
    }

    #[test]
    fn the_entries_go_first() {
        let (_dir, cache) = testkit::cache();
        let place = repository(&cache, "org/m");
        let file = &plan("org/m", FILES).files[1];
        fs::create_dir_all(place.partial(file).data.join("in the way")).unwrap();
        assert_eq!(seize(&cache, "org/m").set_aside().unwrap_err().kind, FaultKind::Disk);
        assert!(fs::symlink_metadata(place.dir().join("sub/w.bin")).is_err() && cache.root().join(blob("org/m")).exists());
        no_warnings(&cache);
    }

    #[test]
    fn a_shared_payload_goes_for_all_who_share_it() {
        let (_dir, cache) = testkit::cache();
        let places: Vec<_> = ["org/a", "org/b", "org/c"].map(|repo| (repo, repository(&cache, repo))).into();
        for (repo, _) in &places {
            share(&cache, repo, digest().hex(), HASH, b"weights");
        }
        // The manifest has lost one of them.
        let payload = cache.root().join("blobs/c6").join(HASH);
        let manifest = payload.with_file_name(format!("{HASH}.refs"));
        let lines = fs::read_to_string(&manifest).unwrap();
        let lines: Vec<&str> = lines.lines().filter(|line| !line.contains("org--c")).collect();
        fs::write(&manifest, lines.join("\n")).unwrap();
        fs::set_permissions(&payload, Permissions::from_mode(0o444)).unwrap();
        let aside = seize(&cache, "org/b").set_aside().unwrap();
        assert_eq!(aside.shared_with, [blob("org/a"), blob("org/c")]);
        assert_eq!(aside.partial.data, cache.root().join(blob("org/b")).with_extension("hfdesk.part"));
        assert_eq!(fs::metadata(&aside.partial.data).unwrap().permissions().mode() & 0o777, 0o644, "a download can go on in it");
        assert!(!payload.exists() && !manifest.exists());
        for (repo, place) in &places {
            assert!(fs::symlink_metadata(cache.root().join(blob(repo))).is_err(), "{repo}");
            assert!(fs::symlink_metadata(place.dir().join("sub/w.bin")).is_err() && place.dir().join("config.json").exists());
        }
        no_warnings(&cache);
        assert!(cache.seize(&found(&cache, "org/a", &blob("org/a"))).unwrap().is_none(), "it went with the other");
    }

    #[test]
    fn a_file_that_a_download_works_on_stays() {
        let (_dir, cache) = testkit::cache();
        for repo in ["org/a", "org/b"] {
            repository(&cache, repo);
            share(&cache, repo, digest().hex(), HASH, b"weights");
        }
        let lock = |repo: &str| cache.place(&plan(repo, FILES)).unwrap().lock(&plan(repo, FILES).files[1]).unwrap().unwrap();
        for repo in ["org/a", "org/b"] {
            let held = lock(repo);
            let fault = cache.seize(&found(&cache, "org/a", &blob("org/a"))).unwrap_err();
            assert!(fault.kind == FaultKind::Busy && fault.message.contains(".lock is in use"), "{fault}");
            drop(held);
        }
        let seized = seize(&cache, "org/a");
        let plan = plan("org/b", FILES);
        assert!(cache.place(&plan).unwrap().lock(&plan.files[1]).unwrap().is_none(), "and nobody works on it meanwhile");
        drop(seized);
    }

    #[test]
    fn without_links_the_snapshots_file_itself_goes() {
        let (_dir, cache) = testkit::cache();
        let cache = cache.without_symlinks();
        let place = add(&cache, "org/m", FILES);
        let path = Path::new("models--org--m/snapshots").join(COMMIT).join("twin.bin");
        fs::remove_dir(cache.root().join("models--org--m/blobs")).unwrap();
        let seized = cache.seize(&found(&cache, "org/m", &path)).unwrap().unwrap();
        let aside = seized.set_aside().unwrap();
        assert_eq!(aside.partial, place.partial(&plan("org/m", FILES).files[2]));
        assert!(aside.partial.data.exists() && !place.dir().join("twin.bin").exists() && place.dir().join("sub/w.bin").exists());
        no_warnings(&cache);
    }

    #[test]
    fn what_is_not_there_as_it_was_found_is_not_seized() {
        let (dir, cache) = testkit::cache();
        repository(&cache, "org/m");
        let outside = dir.path().join("outside");
        fs::write(&outside, "mine").unwrap();
        symlink(&outside, cache.root().join("models--org--m/blobs").join("a".repeat(64))).unwrap();
        let forged = [
            found(&cache, "org/none", &blob("org/none")),
            found(&cache, "org/m", Path::new("../outside")),
            found(&cache, "org/m", &Path::new("models--org--m/blobs").join("a".repeat(64))),
            VerifiedFile { digest: None, ..found(&cache, "org/m", &blob("org/m")) },
            VerifiedFile { digest: Some("a".repeat(64).parse().unwrap()), ..found(&cache, "org/m", &blob("org/m")) },
        ];
        for file in forged {
            assert!(cache.seize(&file).unwrap().is_none(), "{file:?}");
        }
        assert_eq!(fs::read(&outside).unwrap(), b"mine");
    }
}
