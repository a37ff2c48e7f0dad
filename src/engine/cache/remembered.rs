//! What the last reading of the cache found, so that the next one need not read what has not changed.
//!
//! A file of lines, one for each repository. A line holds while no folder of its repository and no ref has changed since, by inode and by
//! the time of change, which nobody can set back; blobs are looked at one by one even then, for when they were last used. What changed just
//! before it was read is not remembered: a change a moment later could have the same time. Nothing depends on the file: where it is
//! missing, damaged or of another version, everything is read.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::dir::Dir;
use super::layout::{BLOBS, JOURNAL, PARTIAL};
use super::scan::RepoScan;
use super::seen::Seen;
use crate::desk::{CachedRepo, Leftover};

/// Begins every file; another one is of no use.
const HEAD: &str = "hfdesk cache index 1 ";
/// What changed within so long before its reading is not remembered. Generous, for servers whose clock differs from this one.
const TOO_FRESH: Duration = Duration::from_secs(10);

/// One repository as it was read.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    /// The name of its folder. It stands first, so that the line can be found without being read.
    folder: &'a str,
    /// Of the folders and refs below, in their order.
    stamp: u64,
    /// Folders and refs, relative to the repository's folder.
    #[serde(borrow)]
    looked_at: Vec<&'a str>,
    /// The names of the blobs that snapshots use.
    #[serde(borrow)]
    used: Vec<&'a str>,
    /// Bytes of them that lie in the repository's own folder.
    own: u64,
    repo: CachedRepo,
}

/// A repository in brief.
#[derive(Debug)]
pub(super) struct Brief {
    pub(super) repo: Arc<CachedRepo>,
    /// Bytes of the blobs that snapshots use and that lie in its own folder.
    pub(super) own: u64,
}

/// The line of a repository that was just read; `None` where it has what cannot be told from its folders alone.
pub(super) fn line(scan: &RepoScan, brief: &Brief, now: SystemTime) -> Option<String> {
    let looked_at = scan.looked_at.iter().map(|(path, _)| plain(path)).collect::<Option<Vec<_>>>()?;
    let used = scan.blobs.iter().filter(|blob| blob.used);
    let used = used.map(|blob| plain(Path::new(blob.path.file_name()?)).filter(|_| !blob.is_file_of_snapshot()));
    let used = used.collect::<Option<Vec<_>>>()?;
    let broken = scan.snapshots.iter().flat_map(|snapshot| &snapshot.entries).any(|entry| entry.blob.is_none());
    let fresh = scan.looked_at.iter().any(|(_, seen)| seen.changed_after(now, TOO_FRESH));
    if broken || fresh {
        return None;
    }
    let stamp = stamp(scan.looked_at.iter().map(|(_, seen)| *seen));
    let folder = plain(Path::new(scan.path.file_name()?))?;
    serde_json::to_string(&Line { folder, stamp, looked_at, used, own: brief.own, repo: (*brief.repo).clone() }).ok()
}

/// A path that can stand in a line as it is.
fn plain(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| !text.bytes().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f)))
}

/// What a line says, if it still holds.
pub(super) fn recall(root: &Dir, line: &str) -> Option<Brief> {
    let line: Line = serde_json::from_str(line).ok()?;
    let folder = root.child(OsStr::new(line.folder)).ok()?;
    let look = |path: &&str| if path.is_empty() { folder.own().ok() } else { folder.seen(*path) };
    let seen = line.looked_at.iter().map(look).collect::<Option<Vec<Seen>>>()?;
    (stamp(seen.into_iter()) == line.stamp).then_some(())?;
    let mut repo = line.repo;
    if !line.used.is_empty() || !repo.leftovers.is_empty() {
        repo.last_accessed = last_use(&folder.child(OsStr::new(BLOBS)).ok()?, &line.used, &repo)?;
    }
    Some(Brief { repo: Arc::new(trimmed(repo)), own: line.own })
}

/// The repository without the room that a reader of JSON leaves at the end of every list, which doubles it.
fn trimmed(mut repo: CachedRepo) -> CachedRepo {
    repo.leftovers.shrink_to_fit();
    repo.revisions.iter_mut().for_each(|revision| revision.refs.shrink_to_fit());
    repo.revisions.shrink_to_fit();
    repo
}

/// When a repository was last used, as of now; nothing where one of its blobs was written to.
#[allow(clippy::option_option)] // the time itself may not be known
fn last_use(blobs: &Dir, used: &[&str], repo: &CachedRepo) -> Option<Option<Timestamp>> {
    repo.leftovers.iter().all(|leftover| is_as_it_was(blobs, leftover)).then_some(())?;
    let (mut size, mut accessed, mut modified) = (0, None, None);
    for name in used {
        let seen = blobs.content(*name)?;
        size += seen.size;
        accessed = accessed.max(seen.accessed());
        modified = modified.max(seen.modified());
    }
    (size == repo.size && modified == repo.last_modified).then_some(accessed)
}

fn is_as_it_was(blobs: &Dir, leftover: &Leftover) -> bool {
    let journal = leftover.name.strip_suffix(PARTIAL).and_then(|stem| blobs.seen(format!("{stem}{JOURNAL}")));
    let Some(seen) = blobs.seen(&*leftover.name) else { return false };
    let on_disk = seen.on_disk + journal.map_or(0, |journal| journal.on_disk);
    (seen.size, on_disk, seen.modified()) == (leftover.size, leftover.on_disk, leftover.last_modified)
}

fn stamp(seen: impl Iterator<Item = Seen>) -> u64 {
    let mut hasher = DefaultHasher::new();
    seen.for_each(|seen| (seen.identity, seen.changed()).hash(&mut hasher));
    hasher.finish()
}

/// The file of lines, while the cache is read.
pub(super) struct Index {
    path: PathBuf,
    root: PathBuf,
}

impl Index {
    /// The index of the cache at `root`, in this folder.
    pub(super) fn in_folder(folder: &Path, root: &Path) -> Self {
        let mut hasher = DefaultHasher::new();
        root.hash(&mut hasher);
        Self { path: folder.join(format!("{:016x}.index", hasher.finish())), root: root.to_path_buf() }
    }

    fn head(&self) -> String {
        format!("{HEAD}{}", self.root.display())
    }

    /// The lines that were written last, one repository each.
    pub(super) fn lines(&self) -> Box<dyn Iterator<Item = String> + Send> {
        let opened = || {
            let mut lines = BufReader::with_capacity(1 << 18, File::open(&self.path).ok()?).lines().map_while(Result::ok);
            (lines.next()? == self.head()).then_some(lines)
        };
        match opened() {
            Some(lines) => Box::new(lines),
            None => Box::new(std::iter::empty()),
        }
    }

    /// Replaces the file by a new one: these lines, and of the old ones those of other repositories that are not gone.
    pub(super) fn rewrite(self, new: NewLines, gone: &HashSet<String>) -> io::Result<()> {
        let Some(mut file) = new.file else { return Ok(()) };
        for line in
            self.lines().filter(|line| folder_of(line).is_some_and(|folder| !new.folders.contains(folder) && !gone.contains(folder)))
        {
            writeln!(file, "{line}")?;
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(&self.path).map(drop).map_err(|failed| failed.error)
    }
}

/// What goes into the next file, written as it comes: all lines at once would be the most that a reading keeps in memory.
#[derive(Default)]
pub(super) struct NewLines {
    file: Option<BufWriter<NamedTempFile>>,
    folders: HashSet<String>,
}

impl NewLines {
    /// Begins a file for the index, unless that has been done.
    pub(super) fn begin(&mut self, index: &Index) -> io::Result<&mut BufWriter<NamedTempFile>> {
        if self.file.is_none() {
            let folder = index.path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let mut file = BufWriter::with_capacity(1 << 16, NamedTempFile::new_in(folder)?);
            writeln!(file, "{}", index.head())?;
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The repository in this folder has a new line, or none any more.
    pub(super) fn put(&mut self, index: &Index, folder: &str, line: Option<&str>) -> io::Result<()> {
        let file = self.begin(index)?;
        if let Some(line) = line {
            writeln!(file, "{line}")?;
        }
        self.folders.insert(folder.to_owned());
        Ok(())
    }
}

/// The name of the folder that a line is about.
pub(super) fn folder_of(line: &str) -> Option<&str> {
    line.strip_prefix("{\"folder\":\"")?.split('"').next()
}
