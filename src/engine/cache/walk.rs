//! Reading one repository's folder in one pass, without following a link out of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::dir::{Dir, below};
use super::layout::{BLOBS, REFS, SNAPSHOTS, is_hex, resolve};
use super::moved::Home;
use super::own_blobs::OwnBlobs;
use super::reader::Reader;
use super::scan::{Blob, Entry, RepoScan, SnapshotScan};
use super::seen::{Kind, Named, Seen};
use super::store::Store;
use crate::desk::{RepoKey, printable};

/// The longest ref that is read, in bytes; a commit has 40.
const LONGEST_REF: usize = 1024;
/// So many folders in one another are read; each is kept open while those in it are.
const DEEPEST: usize = 64;

impl RepoScan {
    /// Reads the repository in this folder of the cache, or where a link of that name leads. What cannot be read is told to the reader.
    pub(super) fn read(reader: &mut Reader, store: Option<&Store>, path: &Path, key: RepoKey) -> Self {
        let scan = Self {
            key,
            path: path.to_path_buf(),
            lies_in: None,
            blobs: Vec::new(),
            refs: BTreeMap::new(),
            snapshots: Vec::new(),
            looked_at: Vec::new(),
            damaged: false,
        };
        let told = reader.told();
        let mut walk = Walk { folder: reader.relative(path).to_path_buf(), reader, scan, own: None };
        let opened = walk.open_home();
        if let Some(repo) = walk.open(PathBuf::new(), opened) {
            // Links into the shared store lead nowhere from another disk.
            let store = store.filter(|_| walk.scan.lies_in.is_none());
            walk.list_blobs(&repo, store);
            walk.read_refs(&repo);
            walk.read_snapshots(&repo);
            walk.look_at_the_rest();
        }
        walk.scan.damaged = walk.reader.told() > told;
        walk.scan
    }
}

/// A reading under way.
struct Walk<'a, 'r> {
    reader: &'a mut Reader<'r>,
    scan: RepoScan,
    /// The repository's folder, relative to the cache's root.
    folder: PathBuf,
    /// The repository's blobs; `None` where it has no folder of them.
    own: Option<OwnBlobs>,
}

impl Walk<'_, '_> {
    fn warn(&mut self, inside: &Path, what: &str) {
        self.reader.warn(&self.scan.path.join(inside), what);
    }

    /// The repository's folder, wherever it lies.
    fn open_home(&mut self) -> std::io::Result<Dir> {
        Dir::open(&self.scan.path).or_else(|error| {
            let there = Home::of(self.reader.root(), &self.scan.path).there().filter(|_| error.kind() == ErrorKind::NotADirectory);
            self.scan.lies_in = there;
            self.scan.lies_in.as_deref().map_or(Err(error), Dir::open)
        })
    }

    /// A folder at this path in the repository, and what the filesystem said of it before it was read.
    fn open(&mut self, inside: PathBuf, opened: std::io::Result<Dir>) -> Option<Dir> {
        match opened.and_then(|dir| Ok((dir.own()?, dir))) {
            Ok((seen, dir)) => {
                self.scan.looked_at.push((inside, seen));
                Some(dir)
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotADirectory | ErrorKind::NotFound) => {
                self.warn(&inside, "is not a folder");
                None
            }
            Err(error) => {
                self.warn(&inside, &format!("cannot be read: {error}"));
                None
            }
        }
    }

    /// The same for a folder that a repository need not have.
    fn open_if_there(&mut self, inside: &Path, repo: &Dir) -> Option<Dir> {
        match repo.child(inside.as_os_str()) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            opened => self.open(inside.to_path_buf(), opened),
        }
    }

    /// The same for a folder in another one, as far down as anybody names files.
    fn open_below(&mut self, path: &Path, inside: PathBuf, above: &Dir, name: &OsStr) -> Option<Dir> {
        if path.components().count() > DEEPEST {
            self.warn(&inside, "lies deeper than is read");
            return None;
        }
        self.open(inside, above.child(name))
    }

    fn names(&mut self, inside: &Path, dir: &Dir) -> Vec<Named> {
        dir.names().unwrap_or_else(|error| {
            self.warn(inside, &format!("cannot be read: {error}"));
            Vec::new()
        })
    }

    /// The names of the repository's blobs. A link that is not into the shared store, a folder and a dangling link are none.
    fn list_blobs(&mut self, repo: &Dir, store: Option<&Store>) {
        let inside = Path::new(BLOBS);
        let Some(dir) = self.open_if_there(inside, repo) else { return }; // a cache without links has none
        let Some((_, seen)) = self.scan.looked_at.last() else { return };
        let device = seen.identity.0;
        let folder = self.folder.join(BLOBS);
        let names = self.names(inside, &dir);
        self.scan.blobs.reserve(names.len());
        let mut own = OwnBlobs::new(dir, folder, device);
        for named in names {
            match (named.kind, store) {
                (Kind::File, _) => own.add(named, None),
                (Kind::Link, Some(store)) => {
                    if let Some(blob) = self.shared(&own, &named.name, store) {
                        self.scan.blobs.push(blob);
                        own.add(named, Some(self.scan.blobs.len() - 1));
                    }
                }
                _ => {}
            }
        }
        self.own = Some(own);
    }

    /// A blob that is a link into the shared store.
    fn shared(&self, own: &OwnBlobs, name: &OsStr, store: &Store) -> Option<Blob> {
        let path = below(own.folder(), name);
        let payload = own.dir().link(name, |link| store.payload_of(&path, link))?;
        let seen = Seen::at(&self.reader.root().join(&payload)).filter(|seen| seen.kind == Kind::File)?;
        Some(Blob { path, seen, payload: Some(payload), used: false })
    }

    /// Looks at the blobs that no snapshot uses.
    fn look_at_the_rest(&mut self) {
        if let Some(own) = self.own.take() {
            own.look_at_the_rest(&mut self.scan.blobs);
        }
    }

    /// Branches and tags, in order, by the commit they point at.
    fn read_refs(&mut self, repo: &Dir) {
        if let Some(dir) = self.open_if_there(Path::new(REFS), repo) {
            self.read_refs_in(Path::new(""), &dir);
        }
        self.scan.refs.values_mut().for_each(|names| names.sort());
    }

    /// The refs of one folder; `above` is what their names begin with.
    fn read_refs_in(&mut self, above: &Path, dir: &Dir) {
        for Named { name, kind, .. } in self.names(&Path::new(REFS).join(above), dir) {
            let own = above.join(&name);
            let inside = Path::new(REFS).join(&own);
            if kind == Kind::Folder {
                if let Some(dir) = self.open_below(&own, inside, dir, &name) {
                    self.read_refs_in(&own, &dir);
                }
                continue;
            }
            // A ref may be written in place, which its folder does not tell.
            self.scan.looked_at.extend(dir.seen(name.as_os_str()).map(|seen| (inside.clone(), seen)));
            match dir.text(&name, LONGEST_REF) {
                Some(commit) => self.scan.refs.entry(commit).or_default().push(printable(&own.to_string_lossy())),
                None => self.warn(&inside, "cannot be read as a ref"),
            }
        }
    }

    fn read_snapshots(&mut self, repo: &Dir) {
        let folder = Path::new(SNAPSHOTS);
        let Some(dir) = self.open(folder.to_path_buf(), repo.child(OsStr::new(SNAPSHOTS))) else { return };
        for Named { name, kind, .. } in self.names(folder, &dir) {
            let inside = folder.join(&name);
            match name.to_str().filter(|name| kind == Kind::Folder && is_hex(name, 40)) {
                Some(commit) => self.read_snapshot(&dir, &inside, commit),
                None => self.warn(&inside, "is not the folder of a commit"),
            }
        }
        let here = |commit: &String| self.scan.snapshots.iter().any(|snapshot| snapshot.commit == *commit);
        let dangling: Vec<String> =
            self.scan.refs.iter().filter(|(commit, _)| !here(commit)).flat_map(|(_, names)| names.clone()).collect();
        for name in dangling {
            self.warn(&Path::new(REFS).join(name), "does not name a commit that is here");
        }
    }

    fn read_snapshot(&mut self, snapshots: &Dir, inside: &Path, commit: &str) {
        let mut entries = Vec::new();
        if let Some(dir) = self.open(inside.to_path_buf(), snapshots.child(OsStr::new(commit))) {
            self.read_entries(inside, Path::new(""), &dir, &mut entries);
        }
        self.scan.snapshots.push(SnapshotScan { commit: commit.to_owned(), entries });
    }

    /// The files of one folder of a snapshot and those below it; `above` is what their paths begin with.
    fn read_entries(&mut self, inside: &Path, above: &Path, dir: &Dir, entries: &mut Vec<Entry>) {
        for Named { name, kind, .. } in self.names(inside, dir) {
            let path = below(above, &name);
            if kind == Kind::Folder {
                let below = inside.join(&name);
                if let Some(dir) = self.open_below(&path, below.clone(), dir, &name) {
                    self.read_entries(&below, &path, &dir, entries);
                }
                continue;
            }
            let blob = if kind == Kind::Link { self.linked(inside, dir, &name) } else { self.file(inside, dir, &name) };
            if blob.is_none() {
                self.warn(&inside.join(&name), "does not lead to a blob of its repository");
            }
            entries.push(Entry { path, blob });
        }
    }

    /// The blob that a link leads to.
    fn linked(&mut self, inside: &Path, dir: &Dir, name: &OsStr) -> Option<usize> {
        let own = self.own.as_mut()?;
        let by_content = if own.tell_by_inode() { dir.content(name) } else { None };
        let at = by_content.and_then(|seen| own.with_content(seen, &mut self.scan.blobs)).or_else(|| self.by_text(inside, dir, name))?;
        self.scan.blobs.get_mut(at)?.used = true;
        Some(at)
    }

    /// The blob that a link leads to by its first hop.
    fn by_text(&mut self, inside: &Path, dir: &Dir, name: &OsStr) -> Option<usize> {
        let blob = dir.link(name, |link| plain_link(inside, link).map(OsStr::to_owned).or_else(|| self.resolved(inside, link)))?;
        self.own.as_mut()?.named(&blob, &mut self.scan.blobs)
    }

    /// The name of the blob that a link of unusual text leads to.
    fn resolved(&self, inside: &Path, link: &Path) -> Option<OsString> {
        let target = resolve(self.reader.root(), &self.folder.join(inside), link)?;
        let is_blob = target.parent() == Some(&self.folder.join(BLOBS));
        target.file_name().filter(|_| is_blob).map(OsStr::to_owned)
    }

    /// A file that is no link is its own blob.
    fn file(&mut self, inside: &Path, dir: &Dir, name: &OsStr) -> Option<usize> {
        let seen = dir.seen(name).filter(|seen| seen.kind == Kind::File)?;
        self.scan.blobs.push(Blob { path: self.folder.join(inside).join(name), seen, payload: None, used: true });
        Some(self.scan.blobs.len() - 1)
    }
}

/// The name of the blob that a link in this folder leads to, where its text is what every client writes: up to the repository, then
/// down to `blobs/NAME`.
fn plain_link<'a>(inside: &Path, link: &'a Path) -> Option<&'a OsStr> {
    let mut rest = link.as_os_str().as_bytes();
    for _ in inside.components() {
        rest = rest.strip_prefix(b"../")?;
    }
    let name = rest.strip_prefix(BLOBS.as_bytes())?.strip_prefix(b"/")?;
    (!name.contains(&b'/') && !matches!(name, b"" | b"." | b"..")).then(|| OsStr::from_bytes(name))
}
