//! All that lies in a repository's folder, and a copy of it elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileTimes, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::entries::temporary;
use super::super::layout::{BLOBS, is_hex, resolve};
use super::super::record::remove;
use super::super::scan::leftover_kind;
use super::super::seen::{Kind, Seen};
use super::super::store::Store;
use super::super::verify::{BUFFER, Gauge, content_hash};
use super::swap::MARK;
use crate::desk::{Digest, Fault, FaultKind, LeftoverKind};
use crate::engine::host::{create_dir, sync_dir};

/// One file.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Where its bytes are now: the file itself or, for a blob that links to one, a payload of the shared store.
    bytes: PathBuf,
    seen: Seen,
    /// The shared payload, relative to the cache's root.
    payload: Option<PathBuf>,
}

/// A repository's folder, by paths in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    root: PathBuf,
    folders: BTreeSet<PathBuf>,
    pub(super) files: BTreeMap<PathBuf, Item>,
    /// What symbolic links in it say; all lead to something in it.
    links: BTreeMap<PathBuf, PathBuf>,
}

impl Tree {
    /// Reads the folder of a repository, which in the cache is called `name`. A link out of it to anything but a shared payload is a fault: it
    /// would lead nowhere from another place.
    pub(super) fn read(root: &Path, name: &Path, store: Option<&Store>) -> Result<Self, Fault> {
        let mut tree = Self { root: root.to_path_buf(), ..Self::default() };
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let at = root.join(&folder);
            let entries = fs::read_dir(&at).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            for entry in entries.map_err(|error| Fault::disk(format!("read {}", at.display()), error))? {
                let path = folder.join(entry.file_name());
                if path == Path::new(MARK) {
                    continue;
                }
                if tree.add(&path, name, store)? == Kind::Folder {
                    folders.push(path);
                }
            }
            tree.folders.insert(folder);
        }
        Ok(tree)
    }

    fn add(&mut self, path: &Path, name: &Path, store: Option<&Store>) -> Result<Kind, Fault> {
        let at = self.root.join(path);
        let seen = Seen::at(&at).ok_or_else(|| odd(&at, "has gone while it was read"))?;
        match seen.kind {
            Kind::Folder => {}
            Kind::File => _ = self.files.insert(path.to_path_buf(), Item { bytes: at, seen, payload: None }),
            Kind::Link => self.add_link(path, &at, name, store)?,
            Kind::Other => return Err(odd(&at, "is neither a file nor a link")),
        }
        Ok(seen.kind)
    }

    fn add_link(&mut self, path: &Path, at: &Path, name: &Path, store: Option<&Store>) -> Result<(), Fault> {
        let text = fs::read_link(at).map_err(|error| Fault::disk(format!("read {}", at.display()), error))?;
        if let Some((store, payload)) = store.and_then(|store| Some((store, store.payload_of(&name.join(path), &text)?))) {
            let bytes = store.path(&payload);
            let seen = Seen::at(&bytes).filter(|seen| seen.kind == Kind::File).ok_or_else(|| odd(at, "leads nowhere"))?;
            self.files.insert(path.to_path_buf(), Item { bytes, seen, payload: Some(payload) });
            return Ok(());
        }
        // Within the repository's folder, whatever that is called.
        let stays = text.is_relative() && resolve(Path::new("/"), path.parent().unwrap_or(Path::new("")), &text).is_some();
        if !stays {
            return Err(odd(at, &format!("is a link to {}, out of its repository", text.display())));
        }
        self.links.insert(path.to_path_buf(), text);
        Ok(())
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        let is_partial = |path: &Path| {
            matches!(
                path.file_name().map(|name| leftover_kind(&name.to_string_lossy())),
                Some(LeftoverKind::Partial | LeftoverKind::Incomplete)
            )
        };
        // One that is not whole is mostly a hole.
        let bytes = |(path, item): (&PathBuf, &Item)| if is_partial(path) { item.seen.size.min(item.seen.on_disk) } else { item.seen.size };
        self.files.iter().map(bytes).sum()
    }

    /// The hashes of the shared payloads that its blobs are links to.
    pub(super) fn payloads(&self) -> BTreeSet<String> {
        let name = |payload: &PathBuf| Some(payload.file_name()?.to_str()?.to_owned());
        self.files.values().filter_map(|item| name(item.payload.as_ref()?)).collect()
    }

    /// What is not as it was in a tree that was read before, as a sentence.
    pub(super) fn difference(&self, before: &Self) -> Option<String> {
        let file = |(path, item): (&PathBuf, &Item)| (path.clone(), (item.seen.identity, item.seen.size, item.seen.modified_at()));
        let files = |tree: &Self| tree.files.iter().map(file).collect::<BTreeMap<_, _>>();
        let (now, then) = (files(self), files(before));
        let changed = now.iter().find(|(path, seen)| then.get(*path) != Some(*seen)).map(|(path, _)| path);
        let gone = || then.keys().find(|path| !now.contains_key(*path));
        let linked = || self.links.iter().find(|(path, text)| before.links.get(*path) != Some(*text)).map(|(path, _)| path);
        let unlinked = || before.links.keys().find(|path| !self.links.contains_key(*path));
        let path = changed.or_else(gone).or_else(linked).or_else(unlinked)?;
        Some(format!("{} has changed while it was copied", path.display()))
    }

    /// Copies all of it to a folder that was made for it, and may have a part of it from an earlier try. Every blob is compared with the digest that
    /// its name says. What is written is on the disk when this returns.
    pub(super) fn copy_to(&self, to: &Path, gauge: &Gauge) -> Result<(), Fault> {
        gauge.expect(self.files.len(), self.bytes());
        self.tidy_copy(to)?;
        self.folders.iter().try_for_each(|folder| create_dir(&to.join(folder)))?;
        for (path, item) in &self.files {
            copy(item, digest(path).as_ref(), &to.join(path), gauge)?;
            gauge.count_file();
        }
        for (path, text) in &self.links {
            link(text, &to.join(path)).map_err(|error| Fault::disk(format!("link {}", to.join(path).display()), error))?;
        }
        // From the inside out: a folder that may not be written to has its content by then.
        for folder in self.folders.iter().rev() {
            like(&self.root.join(folder), &to.join(folder)).map_err(|error| Fault::disk(format!("write {}", to.display()), error))?;
        }
        flush(to)
    }

    /// Removes from a copy that was begun before what is not in this tree any more.
    fn tidy_copy(&self, to: &Path) -> Result<(), Fault> {
        let there = Self::read(to, Path::new(""), None)?;
        let is_known = |path: &PathBuf| self.files.contains_key(path) || self.links.contains_key(path);
        let strange = there.files.keys().chain(there.links.keys()).filter(|path| !is_known(path));
        let folders = there.folders.iter().rev().filter(|folder| !self.folders.contains(*folder));
        for path in strange.chain(folders).map(|path| to.join(path)) {
            remove(&path).map_err(|error| Fault::disk(format!("remove {}", path.display()), error))?;
        }
        Ok(())
    }
}

/// What a file's name says that its content hashes to.
fn digest(path: &Path) -> Option<Digest> {
    let mut parts = path.components();
    let (Some(Component::Normal(folder)), Some(Component::Normal(name)), None) = (parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let name = name.to_str().filter(|name| is_hex(name, 40) || is_hex(name, 64))?;
    if folder == BLOBS { name.parse().ok() } else { None }
}

/// Copies a file, unless the same is there already.
fn copy(item: &Item, digest: Option<&Digest>, to: &Path, gauge: &Gauge) -> Result<(), Fault> {
    let is_there = Seen::at(to).is_some_and(|seen| seen.kind == Kind::File && seen.size == item.seen.size);
    if let Some(digest) = digest.filter(|_| is_there)
        && hash(to, digest, gauge, |_| Ok(()))?.as_deref() == Some(digest.hex())
    {
        return Ok(());
    }
    let doing = |error| Fault::disk(format!("copy {} to {}", item.bytes.display(), to.display()), error);
    let folder = to.parent().unwrap_or(Path::new("."));
    let mut file = temporary().tempfile_in(folder).map_err(doing)?;
    let mut holes = Holes(file.as_file_mut());
    match digest {
        Some(digest) => {
            let found = hash(&item.bytes, digest, gauge, |piece| holes.write(piece))?;
            if found.as_deref() != Some(digest.hex()) {
                return Err(damaged(&item.bytes));
            }
        }
        None => plainly(&item.bytes, gauge, |piece| holes.write(piece)).map_err(doing)?,
    }
    holes.end().map_err(doing)?;
    let found = fs::metadata(&item.bytes).map_err(doing)?;
    if file.as_file().metadata().map_err(doing)?.len() != found.len() {
        return Err(odd(&item.bytes, "has changed while it was copied"));
    }
    own_like(file.as_file(), &found);
    file.as_file().set_permissions(Permissions::from_mode(found.mode() & 0o7777)).map_err(doing)?;
    file.as_file().set_times(times(&item.seen)).map_err(doing)?;
    file.persist(to).map(drop).map_err(|failed| doing(failed.error))
}

/// A file's digest of the same kind as another, each piece of it handed on.
fn hash(path: &Path, digest: &Digest, gauge: &Gauge, mut put: impl FnMut(&[u8]) -> io::Result<()>) -> Result<Option<String>, Fault> {
    let mut written = Ok(());
    let watch = |piece: &[u8]| {
        written = put(piece);
        written.is_ok() && gauge.advance(piece.len())
    };
    let found =
        content_hash(path, digest, &mut vec![0; BUFFER], watch).map_err(|error| Fault::disk(format!("read {}", path.display()), error))?;
    written.map_err(|error| Fault::disk(format!("write the copy of {}", path.display()), error))?;
    if found.is_none() { Err(stopped()) } else { Ok(found) }
}

fn plainly(path: &Path, gauge: &Gauge, mut put: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; BUFFER]);
    loop {
        let count = file.read(&mut buffer)?;
        put(buffer.get(..count).unwrap_or_default())?;
        match gauge.advance(count) {
            false => return Err(io::Error::new(io::ErrorKind::Interrupted, "it was stopped")),
            true if count == 0 => return Ok(()),
            true => {}
        }
    }
}

/// Writes a file with holes where there is nothing but zeros: an unfinished download is mostly that.
struct Holes<'f>(&'f mut File);

impl Holes<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        if piece.iter().all(|byte| *byte == 0) {
            return self.0.seek(SeekFrom::Current(i64::try_from(piece.len()).unwrap_or(0))).map(drop);
        }
        self.0.write_all(piece)
    }

    /// A hole at the end counts for the length.
    fn end(self) -> io::Result<()> {
        let length = self.0.stream_position()?;
        self.0.set_len(length)
    }
}

fn link(text: &Path, at: &Path) -> io::Result<()> {
    match fs::read_link(at) {
        Ok(there) if there == text => return Ok(()),
        Ok(_) => fs::remove_file(at)?,
        Err(_) => {}
    }
    symlink(text, at)
}

/// Gives a folder the mode and the times of another.
fn like(from: &Path, to: &Path) -> io::Result<()> {
    let found = fs::metadata(from)?;
    let folder = File::open(to)?;
    own_like(&folder, &found);
    folder.set_times(times(&Seen::of(&found)))?;
    fs::set_permissions(to, Permissions::from_mode(found.mode() & 0o7777))
}

/// Gives a file the owner and the group of another, or at least the group: whoever shares a cache shares a group. Only some may.
fn own_like(file: &File, found: &fs::Metadata) {
    let made = file.metadata();
    if made.is_ok_and(|made| (made.uid(), made.gid()) == (found.uid(), found.gid())) {
        return;
    }
    let group = Some(found.gid());
    _ = fchown(file, Some(found.uid()), group).or_else(|_| fchown(file, None, group));
}

/// The times that something had before it was read.
fn times(seen: &Seen) -> FileTimes {
    let time = |(seconds, nanoseconds): (i64, i64)| {
        SystemTime::UNIX_EPOCH + Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0))
    };
    FileTimes::new().set_accessed(time(seen.accessed_at())).set_modified(time(seen.modified_at()))
}

/// Brings everything on a folder's filesystem to the disk.
fn flush(folder: &Path) -> Result<(), Fault> {
    let doing = |error: io::Error| Fault::disk(format!("write {} to the disk", folder.display()), error);
    let open = File::open(folder).map_err(doing)?;
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(&open).map_err(|error| doing(error.into()))?;
    #[cfg(not(target_os = "linux"))]
    rustix::fs::sync();
    drop(open);
    folder.parent().map_or(Ok(()), sync_dir)
}

fn odd(path: &Path, what: &str) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{} {what}", path.display())).hint("mend the repository first: hfdesk-tui cache doctor")
}

fn damaged(path: &Path) -> Fault {
    Fault::new(FaultKind::Corrupt, format!("{} is damaged: its content is not what its name says", path.display()))
        .hint("mend it first with: hfdesk-tui cache verify --repair; nothing was changed")
}

fn stopped() -> Fault {
    Fault::new(FaultKind::Interrupted, "it was stopped; the repository is where it was").hint("move it again to go on")
}
