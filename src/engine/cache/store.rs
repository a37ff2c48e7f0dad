//! The blob store that the repositories of a cache share: `blobs/<2 hex>/<xet hash>`, as the official client keeps it since 1.32.
//!
//! A repository's blob is a symbolic link to a payload. Beside each payload a manifest (`.refs`) names the blobs that use it, one
//! path relative to the cache's root on each line; it is believed only where the filesystem agrees, and a payload whose manifest
//! cannot be read is never removed. All paths here are relative to the cache's root.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

use super::entries::{remove_if_there, replace_with_link, size_of_regular};
use super::layout::{BLOBS, is_hex, resolve};
use super::lock::{PAYLOAD_LOCK, wait_for_lock};
use crate::desk::{Fault, FaultKind};
use crate::engine::host::{FileLock, remove_temporaries, write_atomically};

/// The file that says a folder is a shared store, and of which layout.
const MARKER: &str = ".huggingface-shared-blobs";
/// The only layout there is so far.
const LAYOUT: &[u8] = b"1\n";
/// The end of a manifest's name.
const MANIFEST_SUFFIX: &str = "refs";
/// The longest manifest that is read, in bytes.
const LONGEST_MANIFEST: u64 = 64 << 20;
/// Permission bits of a manifest, whatever the umask: everybody who shares the cache adds to it.
const MANIFEST: u32 = 0o666;
/// What the folder of a repository that may share begins with.
const KINDS: [&str; 4] = ["models--", "datasets--", "spaces--", "kernels--"];

/// A store that is marked as one. An unmarked `blobs` folder is somebody else's.
pub(super) struct Store<'a> {
    root: &'a Path,
}

impl<'a> Store<'a> {
    /// The store of the cache in this folder, if it has one.
    pub(super) fn open(root: &'a Path) -> Option<Self> {
        let folder = root.join(BLOBS);
        let marker = folder.join(MARKER);
        let real = fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir());
        let is_marked = size_of_regular(&marker) == Some(LAYOUT.len() as u64) && fs::read(&marker).is_ok_and(|text| text == LAYOUT);
        (real && is_marked).then_some(Self { root })
    }

    /// The payload that a blob links to, whether or not it is there; `None` where the blob is no such link.
    pub(super) fn target(&self, blob: &Path) -> io::Result<Option<PathBuf>> {
        match fs::read_link(self.root.join(blob)) {
            Ok(link) => Ok(self.payload_of(blob, &link)),
            // What is missing, and what is no link.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The payload that a blob at this path would link to with this text.
    pub(super) fn payload_of(&self, blob: &Path, link: &Path) -> Option<PathBuf> {
        resolve(self.root, blob.parent().unwrap_or(Path::new("")), link).filter(|path| is_payload(path))
    }

    /// Where a payload is.
    pub(super) fn path(&self, payload: &Path) -> PathBuf {
        self.root.join(payload)
    }

    /// A payload's size in bytes, or `None` where it is no regular file.
    pub(super) fn size(&self, payload: &Path) -> Option<u64> {
        size_of_regular(&self.root.join(payload))
    }

    /// Every payload and its size in bytes, used or not.
    pub(super) fn payloads(&self) -> impl Iterator<Item = (PathBuf, u64)> {
        let folders = names(&self.root.join(BLOBS)).map(|name| Path::new(BLOBS).join(name));
        let paths = folders.flat_map(|folder| names(&self.root.join(&folder)).map(move |name| folder.join(name)));
        paths.filter(|path| is_payload(path)).filter_map(|path| self.size(&path).map(|size| (path, size)))
    }

    /// The payload with this hash, if it is whole and can be read.
    pub(super) fn offer(&self, hash: &str, size: u64) -> Option<PathBuf> {
        let payload = is_hex(hash, 64).then(|| Path::new(BLOBS).join(&hash[..2]).join(hash))?;
        let usable = self.size(&payload) == Some(size) && File::open(self.root.join(&payload)).is_ok();
        usable.then_some(payload)
    }

    /// The blobs that use a payload: those its manifest names and that link to it. `None` where that cannot be known.
    pub(super) fn referrers(&self, payload: &Path) -> Option<BTreeSet<PathBuf>> {
        let manifest = self.beside(payload, MANIFEST_SUFFIX);
        size_of_regular(&manifest).filter(|size| *size <= LONGEST_MANIFEST)?;
        let mut referrers = BTreeSet::new();
        for line in fs::read_to_string(manifest).ok()?.lines().map(Path::new).filter(|line| is_blob(line)) {
            if self.target(line).ok()?.as_deref() == Some(payload) {
                referrers.insert(line.to_path_buf());
            }
        }
        Some(referrers)
    }

    /// Makes a blob a link to the payload with this hash; `false` where there is none to use.
    ///
    /// The manifest is on the disk before the link is seen. A payload without a manifest is left alone: a new one would name
    /// this blob only, and make the payload look unused when it goes.
    pub(super) fn link_in(&self, blob: &Path, hash: &str, size: u64) -> Result<bool, Fault> {
        let Some(payload) = self.offer(hash, size) else { return Ok(false) };
        let _lock = self.lock(&payload)?;
        if self.offer(hash, size).is_none() || self.referrers(&payload).is_none() || !is_blob(blob) {
            return Ok(false);
        }
        let doing = || format!("link {} to {}", blob.display(), payload.display());
        self.append(&payload, blob).map_err(|error| Fault::disk(doing(), error))?;
        let path = self.root.join(blob);
        let repo = path.ancestors().nth(2).unwrap_or(self.root);
        replace_with_link(repo, &path, &Path::new("../..").join(&payload)).map_err(|error| Fault::disk(doing(), error))?;
        Ok(true)
    }

    /// Adds a blob to the manifest of a payload, which must have one.
    pub(super) fn append(&self, payload: &Path, blob: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        #[allow(clippy::cast_possible_wrap)] // the flag is one low bit
        options.read(true).append(true).custom_flags(OFlags::NOFOLLOW.bits() as i32);
        let mut manifest = options.open(self.beside(payload, MANIFEST_SUFFIX))?;
        // Somebody may have died in the middle of a line.
        let mut last = [b'\n'];
        if let Some(end) = manifest.metadata()?.len().checked_sub(1) {
            manifest.read_exact_at(&mut last, end)?;
        }
        let start = if last == [b'\n'] { "" } else { "\n" };
        manifest.write_all(format!("{start}{}\n", blob.display()).as_bytes())?;
        manifest.sync_data()
    }

    /// Takes those out of a payload's manifest that do not use it any more. One that nothing uses is left alone.
    pub(super) fn refresh(&self, payload: &Path) -> Result<(), Fault> {
        let _lock = self.lock(payload)?;
        match self.referrers(payload).filter(|referrers| !referrers.is_empty()) {
            Some(referrers) => rewrite(&self.beside(payload, MANIFEST_SUFFIX), &referrers),
            None => Ok(()),
        }
    }

    /// Removes the manifest of a payload that is gone.
    pub(super) fn forget(&self, payload: &Path) -> Result<(), Fault> {
        remove_if_there(&self.beside(payload, MANIFEST_SUFFIX))
    }

    /// Keeps everybody else from linking to a payload or collecting it.
    pub(super) fn lock(&self, payload: &Path) -> Result<FileLock, Fault> {
        let path = self.beside(payload, "lock");
        let busy =
            || Fault::new(FaultKind::Busy, format!("another process keeps {} locked", path.display())).hint("try again when it is done");
        wait_for_lock(&path, PAYLOAD_LOCK)?.ok_or_else(busy)
    }

    fn beside(&self, payload: &Path, suffix: &str) -> PathBuf {
        self.root.join(beside(payload, suffix))
    }
}

/// The manifest of a payload.
pub(super) fn manifest_of(payload: &Path) -> PathBuf {
    beside(payload, MANIFEST_SUFFIX)
}

/// The payload of a manifest.
pub(super) fn payload_of_manifest(manifest: &Path) -> PathBuf {
    manifest.with_extension("")
}

fn beside(payload: &Path, suffix: &str) -> PathBuf {
    let name = payload.file_name().unwrap_or_default().to_string_lossy();
    payload.with_file_name(format!("{name}.{suffix}"))
}

/// Replaces a manifest under its payload's lock, and takes along what others left who were killed while they did.
fn rewrite(manifest: &Path, referrers: &BTreeSet<PathBuf>) -> Result<(), Fault> {
    let _ = remove_temporaries(manifest);
    let lines: Vec<String> = referrers.iter().map(|path| path.display().to_string()).collect();
    write_atomically(manifest, (lines.join("\n") + "\n").as_bytes(), MANIFEST)?;
    let opened = fs::set_permissions(manifest, Permissions::from_mode(MANIFEST));
    opened.map_err(|error| Fault::disk(format!("open {} to others", manifest.display()), error))
}

fn names(folder: &Path) -> impl Iterator<Item = std::ffi::OsString> + use<> {
    let real = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir());
    let entries = real.then(|| fs::read_dir(folder).ok()).flatten();
    entries.into_iter().flatten().filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
}

/// The parts of a relative path that goes straight down.
fn parts(path: &Path) -> Option<Vec<&str>> {
    let part = |component| match component {
        Component::Normal(name) => OsStr::to_str(name),
        _ => None,
    };
    path.components().map(part).collect()
}

/// Whether a path is a payload's: `blobs/<2 hex>/<64 hex>`.
fn is_payload(path: &Path) -> bool {
    let name = |parts: &[&str]| matches!(parts, [BLOBS, start, hash] if is_hex(hash, 64) && start.len() == 2 && hash.starts_with(start));
    parts(path).is_some_and(|parts| name(&parts))
}

/// Whether a path is that of a repository's blob, as a manifest names it: `models--…/blobs/<name>`.
fn is_blob(path: &Path) -> bool {
    let kind = |folder: &str| KINDS.iter().any(|kind| folder.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()));
    parts(path).is_some_and(|parts| matches!(parts[..], [folder, BLOBS, _] if kind(folder)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::Cache;
    use super::super::testkit::{self, HASH, add, share};
    use super::*;

    const ETAG: &str = "12bb839b";

    fn payload() -> PathBuf {
        Path::new("blobs/c6").join(HASH)
    }

    fn manifest(cache: &Cache) -> PathBuf {
        cache.root().join(format!("blobs/c6/{HASH}.refs"))
    }

    /// A cache in which two repositories share a payload.
    fn shared() -> (tempfile::TempDir, Cache) {
        let (dir, cache) = testkit::cache();
        for repo in ["org/a", "org/b"] {
            add(&cache, repo, &[("x", b"x")]);
            share(&cache, repo, ETAG, HASH, b"payload");
        }
        (dir, cache)
    }

    #[test]
    fn only_a_marked_folder_is_a_store() {
        let (_dir, cache) = shared();
        let marker = cache.root().join("blobs/.huggingface-shared-blobs");
        assert!(Store::open(cache.root()).is_some());
        for content in ["1", "2\n", "1\n\n", ""] {
            fs::write(&marker, content).unwrap();
            assert!(Store::open(cache.root()).is_none(), "{content:?}");
        }
        fs::remove_file(&marker).unwrap();
        assert!(Store::open(cache.root()).is_none());
        let real = cache.root().join("real");
        fs::write(&real, "1\n").unwrap();
        symlink(&real, &marker).unwrap();
        assert!(Store::open(cache.root()).is_none());
    }

    #[test]
    fn payloads_are_regular_files_under_their_own_names() {
        let (_dir, cache) = shared();
        let folder = cache.root().join("blobs/c6");
        fs::write(folder.join("d".repeat(64)), "wrong folder").unwrap();
        fs::write(folder.join("c6.tmp"), "x").unwrap();
        symlink(HASH, folder.join("c6".repeat(32))).unwrap();
        symlink("c6", cache.root().join("blobs/c7")).unwrap();
        let store = Store::open(cache.root()).unwrap();
        assert_eq!(store.payloads().collect::<Vec<_>>(), [(payload(), 7)]);
    }

    #[test]
    fn a_manifest_is_believed_where_the_filesystem_agrees() {
        let (_dir, cache) = shared();
        let store = Store::open(cache.root()).unwrap();
        fs::create_dir_all(cache.root().join("kernels--org--k/blobs")).unwrap();
        symlink(Path::new("../..").join(payload()), cache.root().join("kernels--org--k/blobs/k")).unwrap();
        fs::remove_file(cache.root().join("models--org--b/blobs").join(ETAG)).unwrap();
        let lines = format!(
            "models--org--a/blobs/{ETAG}\nmodels--org--b/blobs/{ETAG}\nkernels--org--k/blobs/k\n/etc/passwd\n../x\nmodels--org--a/refs/main\n\n"
        );
        fs::write(manifest(&cache), lines).unwrap();
        let referrers: Vec<PathBuf> = store.referrers(&payload()).unwrap().into_iter().collect();
        assert_eq!(referrers, [PathBuf::from("kernels--org--k/blobs/k"), Path::new("models--org--a/blobs").join(ETAG)]);
    }

    #[test]
    fn a_line_without_an_end_spoils_no_other() {
        let (_dir, cache) = shared();
        let store = Store::open(cache.root()).unwrap();
        fs::write(manifest(&cache), format!("models--org--a/blobs/{ETAG}")).unwrap();
        store.append(&payload(), Path::new(&format!("models--org--b/blobs/{ETAG}"))).unwrap();
        assert_eq!(store.referrers(&payload()).unwrap().len(), 2);
        fs::write(manifest(&cache), "").unwrap();
        store.append(&payload(), Path::new("models--org--b/blobs/x")).unwrap();
        assert_eq!(fs::read_to_string(manifest(&cache)).unwrap(), "models--org--b/blobs/x\n");
    }

    #[test]
    fn a_manifest_is_brought_up_to_date_and_one_of_nobody_is_left_alone() {
        let (_dir, cache) = shared();
        let store = Store::open(cache.root()).unwrap();
        fs::remove_dir_all(cache.root().join("models--org--a")).unwrap();
        let killed = manifest(&cache).with_file_name(format!(".{HASH}.refs.4711-0.tmp"));
        fs::write(&killed, "half of a manif").unwrap();
        store.refresh(&payload()).unwrap();
        assert!(!killed.exists());
        let rest = format!("models--org--b/blobs/{ETAG}\n");
        assert_eq!(fs::read_to_string(manifest(&cache)).unwrap(), rest);
        assert_eq!(fs::metadata(manifest(&cache)).unwrap().permissions().mode() & 0o777, 0o666);
        fs::remove_dir_all(cache.root().join("models--org--b")).unwrap();
        store.refresh(&payload()).unwrap();
        assert_eq!(fs::read_to_string(manifest(&cache)).unwrap(), rest);
        assert_eq!((store.size(&payload()), store.referrers(&payload())), (Some(7), Some(BTreeSet::new())));
    }

    #[test]
    fn who_uses_a_payload_is_unknown_where_its_manifest_cannot_be_read() {
        let (_dir, cache) = shared();
        let store = Store::open(cache.root()).unwrap();
        fs::write(manifest(&cache), b"\xff\xfe").unwrap();
        assert_eq!(store.referrers(&payload()), None);
        fs::write(manifest(&cache), format!("models--org--a/blobs/{ETAG}\n")).unwrap();
        fs::remove_dir_all(cache.root().join("models--org--a")).unwrap();
        fs::write(cache.root().join("models--org--a"), "a file where a folder should be").unwrap();
        assert_eq!(store.referrers(&payload()), None);
        fs::remove_file(manifest(&cache)).unwrap();
        assert_eq!(store.referrers(&payload()), None);
    }
}
