//! Reading one repository's folder: its blobs, refs and snapshots, in one pass and without following a link out of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;

use super::layout::{BLOBS, REFS, SNAPSHOTS, is_hex, resolve};
use super::reader::Reader;
use super::store::Store;
use crate::desk::{CachedRepo, CachedRevision, RepoKey, printable};

/// The unit of [`MetadataExt::blocks`] in bytes.
const BLOCK: u64 = 512;
/// The longest ref that is read, in bytes; a commit has 40.
const LONGEST_REF: u64 = 1024;

/// The content of one file or more: a blob or, in a cache without links, a file in a snapshot.
struct Blob {
    /// Its length in bytes.
    size: u64,
    /// What it takes on the disk in bytes; less than its length for a file with holes.
    on_disk: u64,
    accessed: Option<Timestamp>,
    modified: Option<Timestamp>,
    /// The shared payload it is a link to, relative to the cache's root.
    payload: Option<PathBuf>,
    /// Whether a snapshot uses it. What none uses is an unfinished download.
    used: bool,
}

impl Blob {
    fn new(found: &Metadata, payload: Option<PathBuf>, used: bool) -> Self {
        let time = |time: io::Result<SystemTime>| Timestamp::try_from(time.ok()?).ok();
        let (accessed, modified) = (time(found.accessed()), time(found.modified()));
        Self { size: found.len(), on_disk: found.blocks().saturating_mul(BLOCK), accessed, modified, payload, used }
    }
}

/// What a repository's folder holds.
pub(super) struct RepoScan {
    key: RepoKey,
    path: PathBuf,
    /// By path relative to the cache's root.
    blobs: HashMap<PathBuf, Blob>,
    /// With the time of their newest blob.
    revisions: Vec<(Option<Timestamp>, CachedRevision)>,
}

impl RepoScan {
    /// Reads the repository in this folder of the cache. What cannot be read is told to the reader.
    pub(super) fn read(reader: &mut Reader, store: Option<&Store>, path: &Path, key: RepoKey) -> Self {
        let mut scan = Self { key, path: path.to_path_buf(), blobs: read_blobs(reader, store, path), revisions: Vec::new() };
        let mut refs = read_refs(reader, &path.join(REFS));
        for entry in reader.children(&path.join(SNAPSHOTS)) {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match entry.file_name().to_str().filter(|name| is_folder && is_hex(name, 40)) {
                Some(commit) => scan.read_snapshot(reader, commit, refs.remove(commit).unwrap_or_default()),
                None => reader.warn(&entry.path(), "is not the folder of a commit"),
            }
        }
        for name in refs.into_values().flatten() {
            reader.warn(&path.join(REFS).join(name), "does not name a commit that is here");
        }
        scan
    }

    fn read_snapshot(&mut self, reader: &mut Reader, commit: &str, refs: Vec<String>) {
        let files = reader.files_below(&self.path.join(SNAPSHOTS).join(commit));
        let mut used = HashSet::new();
        for file in &files {
            match self.use_blob(reader, file) {
                Some(blob) => drop(used.insert(blob)),
                None => reader.warn(file, "does not lead to a blob of its repository"),
            }
        }
        let blobs = || used.iter().filter_map(|path| self.blobs.get(path));
        let size = blobs().map(|blob| blob.size).sum();
        let newest = blobs().filter_map(|blob| blob.modified).max();
        self.revisions.push((newest, CachedRevision { commit: commit.to_owned(), refs, files: files.len(), size }));
    }

    /// Marks the blob of a snapshot's file as used: the link's first hop, or the file itself where it is no link.
    fn use_blob(&mut self, reader: &Reader, file: &Path) -> Option<PathBuf> {
        let relative = reader.relative(file);
        let Ok(link) = fs::read_link(file) else {
            let found = fs::symlink_metadata(file).ok().filter(Metadata::is_file)?;
            self.blobs.insert(relative.to_path_buf(), Blob::new(&found, None, true));
            return Some(relative.to_path_buf());
        };
        let path = resolve(reader.root(), relative.parent()?, &link)?;
        self.blobs.get_mut(&path)?.used = true;
        Some(path)
    }

    /// Bytes that come free when this folder goes.
    pub(super) fn own(&self) -> u64 {
        self.own_size() + self.partial()
    }

    /// Bytes of the blobs that snapshots use and that lie in this folder.
    pub(super) fn own_size(&self) -> u64 {
        self.blobs.values().filter(|blob| blob.used && blob.payload.is_none()).map(|blob| blob.size).sum()
    }

    /// Bytes on the disk of what no snapshot uses: partials, their journals, and blobs whose download was interrupted before the link.
    fn partial(&self) -> u64 {
        self.blobs.values().filter(|blob| !blob.used && blob.payload.is_none()).map(|blob| blob.on_disk).sum()
    }

    /// The shared payloads its blobs link to, relative to the cache's root, and their sizes in bytes.
    pub(super) fn payloads(&self) -> impl Iterator<Item = (&PathBuf, u64)> {
        self.blobs.values().filter_map(|blob| Some((blob.payload.as_ref()?, blob.size)))
    }

    /// The repository as a listing shows it.
    pub(super) fn into_listed(mut self) -> CachedRepo {
        self.revisions.sort_by(|(a_time, a), (b_time, b)| b_time.cmp(a_time).then_with(|| a.commit.cmp(&b.commit)));
        let partial = self.partial();
        let used = || self.blobs.values().filter(|blob| blob.used);
        CachedRepo {
            size: used().map(|blob| blob.size).sum(),
            partial,
            files: used().count(),
            last_accessed: used().filter_map(|blob| blob.accessed).max(),
            last_modified: used().filter_map(|blob| blob.modified).max(),
            key: self.key,
            path: self.path,
            revisions: self.revisions.into_iter().map(|(_, revision)| revision).collect(),
        }
    }
}

/// A repository's blobs by path relative to the cache's root. A link that is not into the shared store, a folder and a dangling link are none.
fn read_blobs(reader: &mut Reader, store: Option<&Store>, path: &Path) -> HashMap<PathBuf, Blob> {
    let folder = path.join(BLOBS);
    let mut blobs = HashMap::new();
    if fs::symlink_metadata(&folder).is_err() {
        return blobs; // a cache without links has none
    }
    for entry in reader.children(&folder) {
        let relative = reader.relative(&entry.path()).to_path_buf();
        let payload = store.and_then(|store| store.target(&relative).ok().flatten());
        let content = payload.as_ref().map_or_else(|| entry.path(), |payload| reader.root().join(payload));
        if let Some(found) = fs::symlink_metadata(content).ok().filter(Metadata::is_file) {
            blobs.insert(relative, Blob::new(&found, payload, false));
        }
    }
    blobs
}

/// Branches and tags, in order, by the commit they point at.
fn read_refs(reader: &mut Reader, folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut refs = BTreeMap::<String, Vec<String>>::new();
    if fs::symlink_metadata(folder).is_err() {
        return refs;
    }
    let mut files = reader.files_below(folder);
    files.sort();
    for file in files {
        let name = printable(&file.strip_prefix(folder).unwrap_or(&file).to_string_lossy());
        match read_ref(&file) {
            Some(commit) => refs.entry(commit).or_default().push(name),
            None => reader.warn(&file, "cannot be read as a ref"),
        }
    }
    refs
}

/// A ref's whole content: a line break at its end is a mistake that breaks other readers too.
fn read_ref(file: &Path) -> Option<String> {
    fs::symlink_metadata(file).ok().filter(|found| found.is_file() && found.len() <= LONGEST_REF)?;
    fs::read_to_string(file).ok()
}
