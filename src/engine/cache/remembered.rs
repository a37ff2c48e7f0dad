//! What the last reading of the cache found, so that the next one need not read what has not changed.
//!
//! A file of lines, one for each repository. A line holds while no folder of its repository and no ref has changed since, by inode and by
//! the time of change, which nobody can set back; once a minute blobs are looked at one by one even then, for when they were last used. What
//! changed just before it was read is not remembered: a change a moment later could have the same time. Nothing depends on the file: where it is
//! missing, damaged or of another version, everything is read.

use std::borrow::Cow;
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
use super::layout::{BLOBS, JOURNAL, PARTIAL, TEMPORARY};
use super::scan::RepoScan;
use super::seen::Seen;
use crate::desk::{CachedRepo, Leftover};

/// Begins every file; another one is of no use.
const HEAD: &str = "hfdesk cache index 2 ";
/// What changed within so long before its reading is not remembered. Generous, for servers whose clock differs from this one.
const TOO_FRESH: Duration = Duration::from_secs(10);

/// When something was last used is looked up at most this often: pressing a key again costs a third of it.
const LAST_USE: Duration = Duration::from_secs(60);
/// Room for most lines, in bytes.
const ROOM: usize = 4096;
/// A temporary file this old is nobody's any more.
const ABANDONED: Duration = Duration::from_secs(3600);
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
    repo: Cow<'a, CachedRepo>,
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
    let moved = scan.lies_in.is_some();
    let fresh = scan.looked_at.iter().any(|(_, seen)| seen.changed_after(now, TOO_FRESH));
    if broken || moved || fresh {
        return None;
    }
    let stamp = stamp(scan.looked_at.iter().map(|(_, seen)| *seen));
    let folder = plain(Path::new(scan.path.file_name()?))?;
    let mut text = Vec::with_capacity(ROOM);
    let line = Line { folder, stamp, looked_at, used, own: brief.own, repo: Cow::Borrowed(&brief.repo) };
    serde_json::to_writer(&mut text, &line).ok()?;
    String::from_utf8(text).ok()
}

/// A path that can stand in a line as it is.
fn plain(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| !text.bytes().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f)))
}

/// What a line says, if it still holds, and the line that is to be remembered instead, where it has been used since.
///
/// When it was last used is only looked up where that is asked for: it takes a look at every blob.
pub(super) fn recall(root: &Dir, line: &str, look_up: bool) -> Option<(Brief, Option<String>)> {
    let mut line: Line = serde_json::from_str(line).ok()?;
    let folder = root.child(OsStr::new(line.folder)).ok()?;
    let look = |path: &&str| if path.is_empty() { folder.own().ok() } else { folder.seen(*path) };
    let seen = line.looked_at.iter().map(look).collect::<Option<Vec<Seen>>>()?;
    (stamp(seen.into_iter()) == line.stamp).then_some(())?;
    let mut new = None;
    if (look_up && !line.used.is_empty()) || !line.repo.leftovers.is_empty() {
        let blobs = folder.child(OsStr::new(BLOBS)).ok()?;
        line.repo.leftovers.iter().all(|leftover| is_as_it_was(&blobs, leftover)).then_some(())?;
        let last_accessed = if look_up { last_use(&blobs, &line.used, &line.repo)? } else { line.repo.last_accessed };
        if last_accessed != line.repo.last_accessed {
            line.repo.to_mut().last_accessed = last_accessed;
            new = serde_json::to_string(&line).ok();
        }
    }
    Some((Brief { repo: Arc::new(trimmed(line.repo.into_owned())), own: line.own }, new))
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
    let seen = used.iter().map(|name| blobs.content(*name)).collect::<Option<Vec<Seen>>>()?;
    let size: u64 = seen.iter().map(|seen| seen.size).sum();
    let modified = seen.iter().max_by_key(|seen| seen.modified_at()).and_then(Seen::modified);
    let accessed = seen.iter().max_by_key(|seen| seen.accessed_at()).and_then(Seen::accessed);
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
    /// Whether the cache has a shared blob store: without its marker, links into it lead nowhere.
    shares: bool,
}

impl Index {
    /// The index of the cache at `root`, in this folder; `None` where the filesystem cannot be trusted to tell what has changed.
    pub(super) fn in_folder(folder: &Path, root: &Path, shares: bool) -> Option<Self> {
        let mut hasher = DefaultHasher::new();
        root.hash(&mut hasher);
        let path = folder.join(format!("{:016x}.index", hasher.finish()));
        Dir::open(root).is_ok_and(|root| root.is_local()).then(|| Self { path, root: root.to_path_buf(), shares })
    }

    fn head(&self) -> String {
        format!("{HEAD}{} {}", if self.shares { "shared" } else { "plain" }, self.root.display())
    }

    /// Whether it is time to look up when everything was last used.
    pub(super) fn is_due(&self, now: SystemTime) -> bool {
        self.looked_up().and_then(|then| now.duration_since(then).ok()).is_none_or(|age| age >= LAST_USE)
    }

    /// When that was done last: the file's own time.
    pub(super) fn looked_up(&self) -> Option<SystemTime> {
        fs::metadata(&self.path).and_then(|found| found.modified()).ok()
    }

    /// Notes when it was done.
    pub(super) fn note(&self, when: Option<SystemTime>) {
        let noted = |when| File::options().append(true).open(&self.path).and_then(|file| file.set_modified(when));
        // What cannot be noted is done again the next time.
        _ = when.map(noted);
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
    ///
    /// Answers whether there was anything to write.
    pub(super) fn rewrite(&self, new: NewLines, gone: &HashSet<String>) -> io::Result<bool> {
        let Some(mut file) = new.file else { return Ok(false) };
        for line in
            self.lines().filter(|line| folder_of(line).is_some_and(|folder| !new.folders.contains(folder) && !gone.contains(folder)))
        {
            writeln!(file, "{line}")?;
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(&self.path).map(|_| true).map_err(|failed| failed.error)
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
            sweep(folder);
            let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
            let mut file = BufWriter::with_capacity(1 << 16, file);
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

/// Removes what processes that died while they wrote have left. A file that somebody writes now is young.
fn sweep(folder: &Path) {
    let old = |entry: &fs::DirEntry| {
        entry.metadata().and_then(|found| found.modified()).is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let temporary = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(TEMPORARY));
    temporary.filter(old).for_each(|entry| _ = fs::remove_file(entry.path()));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use tempfile::TempDir;

    use super::super::Cache;
    use super::super::testkit::{self, HASH, add, key, plan, share, whole, write_partial};
    use super::*;
    use crate::desk::{CacheListing, Disposal};

    const FILES: &[(&str, &[u8])] = &[("config.json", b"{}"), ("deep/er/w.bin", b"weights")];

    /// A cache with two repositories that is remembered.
    fn remembering() -> (TempDir, Cache) {
        let (dir, cache) = testkit::cache();
        let cache = cache.remembering_in(dir.path().join("state"));
        add(&cache, "org/a", FILES);
        add(&cache, "org/b", FILES);
        (dir, cache)
    }

    /// What the cache holds, read when nothing about it is fresh any more.
    fn later(cache: &Cache) -> CacheListing {
        cache.scan_as_of(SystemTime::now() + TOO_FRESH * 2, &|_| true).unwrap()
    }

    fn index(dir: &TempDir) -> PathBuf {
        fs::read_dir(dir.path().join("state")).unwrap().map(|entry| entry.unwrap().path()).next().unwrap()
    }

    /// Makes what is remembered tell itself from what is read: by a number of files that is not true.
    fn lie(dir: &TempDir) {
        let text = fs::read_to_string(index(dir)).unwrap();
        fs::write(index(dir), text.replace("\"size\":9,\"files\":2", "\"size\":9,\"files\":777")).unwrap();
    }

    /// How many files the repositories have, in the order of their names.
    fn files(listing: &CacheListing) -> Vec<usize> {
        let mut repos: Vec<_> = listing.repos.iter().collect();
        repos.sort_by(|a, b| a.key.cmp(&b.key));
        repos.iter().map(|repo| repo.files).collect()
    }

    #[test]
    fn what_has_not_changed_is_not_read_again() {
        let (dir, cache) = remembering();
        let first = later(&cache);
        let written = fs::metadata(index(&dir)).unwrap();
        assert_eq!(later(&cache), first);
        assert_eq!(fs::metadata(index(&dir)).unwrap().ino(), written.ino(), "nothing is new, nothing is written");
        lie(&dir);
        assert_eq!(files(&later(&cache)), [777, 777]);
    }

    #[test]
    fn what_changed_a_moment_ago_is_not_remembered() {
        let (dir, cache) = remembering();
        let first = cache.scan().unwrap();
        assert!(!dir.path().join("state").exists());
        assert_eq!(later(&cache), first);
    }

    #[test]
    fn every_change_is_seen() {
        type Change = fn(&Cache);
        let changes: [(&str, Change); 8] = [
            ("a ref written in place", |cache| fs::write(cache.root().join("models--org--a/refs/main"), "f".repeat(40)).unwrap()),
            ("a new ref", |cache| fs::write(cache.root().join("models--org--a/refs/v2"), testkit::COMMIT).unwrap()),
            ("a file gone from a folder below", |cache| {
                fs::remove_file(cache.place(&plan("org/a", FILES)).unwrap().file_path(&plan("org/a", FILES).files[1])).unwrap();
            }),
            ("a new commit", |cache| fs::create_dir(cache.root().join("models--org--a/snapshots").join("e".repeat(40))).unwrap()),
            ("an unfinished download", |cache| {
                let place = cache.place(&plan("org/a", FILES)).unwrap();
                write_partial(&*place, &plan("org/a", &[("n.bin", b"new")]).files[0], b"ne");
            }),
            ("a blob written to", |cache| {
                let blob = cache.root().join("models--org--a/blobs").join(plan("org/a", FILES).files[1].digest.hex());
                fs::write(blob, "WEIGHTS!").unwrap();
            }),
            ("a link that leads elsewhere", |cache| {
                let path = cache.place(&plan("org/a", FILES)).unwrap().file_path(&plan("org/a", FILES).files[0]);
                fs::remove_file(&path).unwrap();
                symlink("../../blobs/none", path).unwrap();
            }),
            ("a repository in the place of another", |cache| {
                fs::remove_dir_all(cache.root().join("models--org--a")).unwrap();
                add(cache, "org/a", &[("other.bin", b"other")]);
            }),
        ];
        for (what, change) in changes {
            let (dir, cache) = remembering();
            later(&cache);
            lie(&dir);
            change(&cache);
            let listing = cache.scan_as_of(SystemTime::now() + LAST_USE * 2, &|_| true).unwrap();
            let found = files(&listing);
            assert!(found[0] < 777 && found[1] == 777, "{what}: {found:?}");
            let afresh = Cache::new(cache.root().to_path_buf()).scan().unwrap();
            assert_eq!(listing.find(&key("org/a")), afresh.find(&key("org/a")), "{what}");
        }
    }

    #[test]
    fn what_grows_and_what_is_used_is_told_as_it_is() {
        let (_dir, cache) = remembering();
        let place = cache.place(&plan("org/a", FILES)).unwrap();
        let coming = plan("org/a", &[("n.bin", b"new")]);
        write_partial(&*place, &coming.files[0], b"ne");
        later(&cache);
        fs::write(place.partial(&coming.files[0]).data, vec![1; 100_000]).unwrap();
        assert_eq!(later(&cache).find(&key("org/a")).unwrap().leftovers[0].size, 100_000);
        later(&cache);
        let used = SystemTime::now() + Duration::from_secs(1000);
        let blob = File::open(place.file_path(&plan("org/a", FILES).files[0])).unwrap();
        blob.set_times(fs::FileTimes::new().set_accessed(used)).unwrap();
        let seen = |ahead: Duration| {
            let listing = cache.scan_as_of(SystemTime::now() + ahead, &|_| true).unwrap();
            listing.find(&key("org/a")).unwrap().last_accessed == Timestamp::try_from(used).ok()
        };
        assert!(!seen(LAST_USE / 2), "it has been looked up a moment ago");
        assert!(seen(LAST_USE * 2));
        assert!(seen(LAST_USE / 2), "and is remembered");
    }

    #[test]
    fn what_is_gone_is_forgotten_and_what_is_new_is_remembered() {
        let (dir, cache) = remembering();
        later(&cache);
        cache.delete(&cache.plan_deletion(&[whole("org/a")]).unwrap(), Disposal::Forever).unwrap();
        add(&cache, "org/c", FILES);
        assert_eq!(later(&cache).repos.len(), 2);
        let text = fs::read_to_string(index(&dir)).unwrap();
        assert!(!text.contains("org--a") && text.contains("org--b") && text.contains("org--c"), "{text}");
        assert_eq!(fs::read_dir(dir.path().join("state")).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_store_that_is_none_any_more_is_not_believed_in() {
        let (_dir, cache) = remembering();
        share(&cache, "org/a", plan("org/a", FILES).files[1].digest.hex(), HASH, b"weights");
        assert_eq!(later(&cache).warnings, Vec::<String>::new());
        fs::remove_file(cache.root().join("blobs/.huggingface-shared-blobs")).unwrap();
        assert!(later(&cache).warnings.iter().any(|warning| warning.contains("does not lead to a blob")));
    }

    #[test]
    fn a_damaged_index_is_none() {
        let (dir, cache) = remembering();
        let first = later(&cache);
        let good = fs::read_to_string(index(&dir)).unwrap();
        let half = good.chars().take(good.len() - 40).collect();
        for text in [String::new(), "nonsense\n".to_owned(), half, good.replace("index 2", "index 1"), good.replace("own", "\u{0}")] {
            fs::write(index(&dir), text).unwrap();
            assert_eq!(later(&cache), first);
        }
        fs::write(index(&dir), [0xff; 100]).unwrap();
        assert_eq!(later(&cache), first);
    }

    #[test]
    fn a_cache_without_links_and_a_damaged_repository_are_read_each_time() {
        let (dir, cache) = remembering();
        let copies = cache.clone().without_symlinks();
        add(&copies, "org/copies", FILES);
        symlink("../../blobs/none", cache.place(&plan("org/a", FILES)).unwrap().dir().join("broken")).unwrap();
        let first = later(&cache);
        let text = fs::read_to_string(index(&dir)).unwrap();
        assert!(!text.contains("org--a") && !text.contains("org--copies") && text.contains("org--b"), "{text}");
        assert_eq!(later(&cache), first);
        assert_eq!(first.warnings.len(), 1);
    }
}
