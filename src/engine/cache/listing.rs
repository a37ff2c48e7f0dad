//! What a whole cache holds, told as it is found.

use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use super::Cache;
use super::dir::Dir;
use super::layout::{BLOBS, LOCKS, is_system_file, parse_repo_folder};
use super::moved::Home;
use super::reader::Reader;
use super::remembered::{Brief, Index, NewLines, folder_of, line, recall};
use super::scan::RepoScan;
use super::store::Store;
use crate::desk::{CacheListing, CachedRepo, Fault, RepoKind, printable};

/// Threads that read. The work is system calls, which more threads than cores do not make faster.
const MOST_READERS: usize = 8;
/// So many repositories are told at once.
const BATCH: usize = 64;

/// What an entry at the cache's root is.
enum Entry {
    Repo,
    /// It belongs there and is no repository.
    Known,
    /// It does not belong there, or is not read: the end of a sentence that its name begins.
    Odd(String),
}

/// Told of repositories as they are found, in no order; answers whether to go on.
pub type Found<'a> = &'a (dyn Fn(Vec<Arc<CachedRepo>>) -> bool + Sync);

impl Cache {
    /// What the cache holds. A cache that does not exist yet holds nothing.
    ///
    /// Damaged repositories are listed with what can be read of them, and a warning each.
    pub fn scan(&self) -> Result<CacheListing, Fault> {
        self.scan_in_steps(&|_| true)
    }

    /// What the cache holds, told as it is found. What has not changed since the last time is not read again, where a folder to remember
    /// it in is known ([`Cache::remembering_in`]).
    pub fn scan_in_steps(&self, found: Found) -> Result<CacheListing, Fault> {
        self.scan_as_of(SystemTime::now(), found)
    }

    pub(super) fn scan_as_of(&self, now: SystemTime, found: Found) -> Result<CacheListing, Fault> {
        let mut listing = CacheListing { root: self.root.clone(), ..CacheListing::default() };
        if !self.root.exists() {
            listing.warnings.push(format!("{} does not exist yet", printable(&self.root.display().to_string())));
        }
        let store = Store::open(&self.root);
        let mut folders = HashSet::new();
        for entry in self.entries()? {
            let entry = entry.map_err(|error| Fault::disk(format!("read {}", self.root.display()), error))?;
            match classify(&self.root, &entry, store.is_some()) {
                Entry::Repo => drop(folders.insert(entry.file_name().to_string_lossy().into_owned())),
                Entry::Odd(what) => {
                    let mut reader = Reader::new(&self.root);
                    reader.warn(&entry.path(), &what);
                    listing.warnings.append(&mut reader.into_warnings(&entry.path()));
                }
                Entry::Known => {}
            }
        }
        let (briefs, mut warnings) = self.read_all(store.as_ref(), folders, now, found);
        listing.warnings.append(&mut warnings);
        listing.size = briefs.iter().map(|brief| brief.own).sum();
        listing.size += store.iter().flat_map(Store::payloads).map(|(_, size)| size).sum::<u64>();
        listing.repos = briefs.into_iter().map(|brief| brief.repo).collect();
        listing.repos.sort_by(largest_first);
        listing.warnings.sort();
        Ok(listing)
    }

    fn entries(&self) -> Result<impl Iterator<Item = io::Result<DirEntry>> + use<>, Fault> {
        match fs::read_dir(&self.root) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None.into_iter().flatten()),
            Err(error) => Err(Fault::disk(format!("read {}", self.root.display()), error)),
            Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        }
    }

    /// Every repository in brief, and what is wrong with them.
    fn read_all(&self, store: Option<&Store>, folders: HashSet<String>, now: SystemTime, found: Found) -> (Vec<Brief>, Vec<String>) {
        let index = self.memory.as_ref().and_then(|folder| Index::in_folder(folder, &self.root, store.is_some()));
        let lines = index.as_ref().map_or_else(|| Box::new(std::iter::empty()) as Box<_>, Index::lines);
        let scanning = Scanning {
            cache: self,
            store,
            found,
            now,
            look_up: index.as_ref().is_none_or(|index| index.is_due(now)),
            jobs: Mutex::new(Jobs { lines, folders, unknown: Vec::new(), gone: HashSet::new() }),
            index,
            new: Mutex::default(),
        };
        let readers = thread::available_parallelism().map_or(2, usize::from).clamp(2, MOST_READERS);
        let (mut briefs, mut warnings) = (Vec::new(), Vec::new());
        thread::scope(|scope| {
            let threads: Vec<_> = (0..readers).map(|_| scope.spawn(|| scanning.run())).collect();
            for thread in threads {
                // A smaller cache must not look like a whole one.
                let (mut own, mut told) = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
                briefs.append(&mut own);
                warnings.append(&mut told);
            }
        });
        scanning.remember();
        (briefs, warnings)
    }
}

/// What is still to be read.
struct Jobs {
    lines: Box<dyn Iterator<Item = String> + Send>,
    /// Folders of repositories of which no line has come.
    folders: HashSet<String>,
    /// Those folders, once no more lines come.
    unknown: Vec<String>,
    /// Those of which a line has come, but that are not there any more.
    gone: HashSet<String>,
}

impl Iterator for Jobs {
    /// A folder, and what is remembered of it.
    type Item = (String, Option<String>);

    fn next(&mut self) -> Option<Self::Item> {
        for line in self.lines.by_ref() {
            let Some(folder) = folder_of(&line) else { continue };
            match self.folders.take(folder) {
                Some(folder) => return Some((folder, Some(line))),
                None => drop(self.gone.insert(folder.to_owned())),
            }
        }
        self.unknown.extend(self.folders.drain());
        self.unknown.pop().map(|folder| (folder, None))
    }
}

/// A reading under way, which several threads share.
struct Scanning<'a> {
    cache: &'a Cache,
    store: Option<&'a Store<'a>>,
    found: Found<'a>,
    /// When it began.
    now: SystemTime,
    jobs: Mutex<Jobs>,
    index: Option<Index>,
    /// Whether what is remembered may have been used since.
    look_up: bool,
    new: Mutex<NewLines>,
}

impl Scanning<'_> {
    /// Reads repositories until there are no more, or nobody wants them.
    fn run(&self) -> (Vec<Brief>, Vec<String>) {
        let (mut briefs, mut warnings, mut told) = (Vec::new(), Vec::new(), 0);
        let Ok(root) = Dir::open(&self.cache.root) else { return (briefs, warnings) };
        loop {
            let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
            let ended = job.is_none();
            if let Some((folder, line)) = job {
                briefs.extend(self.brief(&root, &folder, line.as_deref(), &mut warnings));
            }
            if ended || briefs.len() - told >= BATCH {
                let batch = briefs[told..].iter().map(|brief: &Brief| brief.repo.clone()).collect();
                told = briefs.len();
                if !(self.found)(batch) || ended {
                    return (briefs, warnings);
                }
            }
        }
    }

    /// One repository, as it is remembered or read.
    fn brief(&self, root: &Dir, folder: &str, remembered: Option<&str>, warnings: &mut Vec<String>) -> Option<Brief> {
        if let Some((brief, line)) = remembered.and_then(|line| recall(root, line, self.look_up)) {
            line.inspect(|line| self.put(folder, Some(line)));
            return Some(brief);
        }
        let path = self.cache.root.join(folder);
        let mut reader = Reader::new(&self.cache.root);
        let scan = RepoScan::read(&mut reader, self.store, &path, parse_repo_folder(folder)?);
        let brief = Brief { repo: Arc::new(scan.listed()), own: scan.own_size() };
        let mut own = reader.into_warnings(&path);
        if self.index.is_some() {
            let line = if own.is_empty() { line(&scan, &brief, self.now) } else { None };
            if line.is_some() || remembered.is_some() {
                self.put(folder, line.as_deref());
            }
        }
        warnings.append(&mut own);
        Some(brief)
    }

    /// Remembers a repository anew, or forgets it. What cannot be remembered is read again.
    fn put(&self, folder: &str, line: Option<&str>) {
        if let Some(index) = &self.index {
            _ = self.new.lock().unwrap_or_else(PoisonError::into_inner).put(index, folder, line);
        }
    }

    /// Writes down what was found, if anything is new.
    fn remember(self) {
        let Some(index) = self.index else { return };
        let mut new = self.new.into_inner().unwrap_or_else(PoisonError::into_inner);
        let gone = self.jobs.into_inner().unwrap_or_else(PoisonError::into_inner).gone;
        if !gone.is_empty() {
            _ = new.begin(&index);
        }
        let before = index.looked_up();
        match index.rewrite(new, &gone) {
            Ok(written) if written != self.look_up => index.note(if written { before } else { Some(SystemTime::now()) }),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "what the cache holds could not be remembered; it is read again the next time"),
        }
    }
}

fn largest_first(a: &Arc<CachedRepo>, b: &Arc<CachedRepo>) -> std::cmp::Ordering {
    b.size.cmp(&a.size).then_with(|| a.key.cmp(&b.key))
}

/// Whether a name that is no repository's begins like one.
fn is_like_repo(name: &str) -> bool {
    RepoKind::ALL.into_iter().any(|kind| name.split_once("--").is_some_and(|(plural, _)| plural == kind.plural()))
}

fn classify(root: &Path, entry: &DirEntry, has_store: bool) -> Entry {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    if matches!(&*name, LOCKS | "CACHEDIR.TAG") || is_system_file(&entry.file_name()) || (has_store && name == BLOBS) {
        return Entry::Known;
    }
    match (parse_repo_folder(&name), entry.file_type()) {
        (Some(_), Ok(kind)) if kind.is_dir() => Entry::Repo,
        (Some(_), Ok(kind)) if kind.is_symlink() => match Home::of(root, &entry.path()) {
            Home::Astray(what) => Entry::Odd(what),
            _ => Entry::Repo,
        },
        (None, Ok(kind)) if kind.is_dir() && is_like_repo(&name) => {
            let what =
                "has a name that no repository of a Hub can have, and is not listed; cache doctor tells its size and how to delete it";
            Entry::Odd(what.to_owned())
        }
        _ => Entry::Odd("does not belong in a Hugging Face cache".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::super::testkit::{self, COMMIT, HASH, add, fill, key, plan, share};
    use super::*;

    fn scan(cache: &Cache) -> CacheListing {
        cache.scan().unwrap()
    }

    fn warned(cache: &Cache, part: &str) {
        let warnings = scan(cache).warnings;
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{part}: {warnings:?}");
    }

    #[test]
    fn a_cache_that_is_not_there_is_empty() {
        let (_dir, cache) = testkit::cache();
        let warnings = vec![format!("{} does not exist yet", cache.root().display())];
        assert_eq!(scan(&cache), CacheListing { root: cache.root().into(), warnings, ..CacheListing::default() });
    }

    #[test]
    fn a_root_that_is_a_file_is_a_fault() {
        let (_dir, cache) = testkit::cache();
        std::fs::write(cache.root(), "").unwrap();
        assert!(cache.scan().is_err());
    }

    #[test]
    fn content_counts_once() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("a.bin", &[1; 3000]), ("same.bin", &[1; 3000]), ("b.json", b"{}")]);
        add(&cache, "datasets/org/set", &[("t.csv", b"1,2")]);
        let mut next = plan("org/m", &[("a.bin", &[1; 3000])]);
        next.commit = "f".repeat(40);
        next.repo.revision = "v2".parse().unwrap();
        let place = cache.place(&next).unwrap();
        place.prepare().unwrap();
        place.link(&[&next.files[0]]).unwrap();
        let listing = scan(&cache);
        assert_eq!(listing.warnings, Vec::<String>::new());
        assert_eq!(listing.repos.iter().map(|repo| repo.key.to_string()).collect::<Vec<_>>(), ["model/org/m", "dataset/org/set"]);
        let model = &listing.repos[0];
        assert_eq!((model.size, model.files, model.unused(), listing.size), (3002, 2, 0, 3005));
        let mut revisions: Vec<_> = model.revisions.iter().map(|r| (r.refs.concat(), r.files, r.size)).collect();
        revisions.sort();
        assert_eq!(revisions, [("main".to_owned(), 3, 3002), ("v2".to_owned(), 1, 3000)]);
        assert!(model.last_modified.is_some() && model.last_accessed.is_some());
    }

    #[test]
    fn what_is_detached_counts_what_nothing_else_uses() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("a.bin", &[1; 3000]), ("b.bin", &[2; 500])]);
        let mut old = plan("org/m", &[("a.bin", &[1; 3000]), ("c.bin", &[3; 70])]);
        old.commit = "f".repeat(40);
        old.repo.revision = old.commit.parse().unwrap();
        let place = cache.place(&old).unwrap();
        place.prepare().unwrap();
        place.link(&[&old.files[0]]).unwrap();
        testkit::write_partial(&*place, &old.files[1], &[3; 70]);
        place.place(&[(&old.files[1]).into()]).unwrap();
        let repo = &scan(&cache).repos[0];
        assert_eq!((repo.detached, repo.detached_revisions().count(), repo.damaged), (70, 1, false));
        std::fs::remove_dir_all(repo.path.join("refs")).unwrap();
        assert_eq!(scan(&cache).repos[0].detached, 3570, "nothing leads to any of it");
    }

    #[test]
    fn nothing_of_a_damaged_repository_is_detached() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", &[("a.bin", b"a")]);
        let repo = cache.root().join("models--org--m");
        let good = std::fs::read_to_string(repo.join("refs/main")).unwrap();
        for content in [format!("{good}\n"), good[..12].to_owned(), good.to_uppercase(), String::new(), "\u{0}".to_owned()] {
            std::fs::write(repo.join("refs/main"), &content).unwrap();
            let found = &scan(&cache).repos[0];
            assert!(found.damaged && found.detached_revisions().next().is_none() && found.detached == 0, "{content:?}");
        }
        std::fs::remove_file(repo.join("refs/main")).unwrap();
        assert_eq!(scan(&cache).repos[0].detached_revisions().count(), 1);
        symlink("../../blobs/none", place.dir().join("broken")).unwrap();
        assert_eq!(scan(&cache).repos[0].detached_revisions().count(), 0);
    }

    #[test]
    fn unfinished_downloads_count_what_they_take() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", &[("b.json", b"{}")]);
        let other = plan("org/m", &[("w.bin", b"weights")]);
        let sparse = std::fs::File::create(place.partial(&other.files[0]).data).unwrap();
        sparse.set_len(1 << 30).unwrap();
        std::fs::write(cache.root().join("models--org--m/blobs/ab.12345678.incomplete"), vec![1; 8192]).unwrap();
        let repo = &scan(&cache).repos[0];
        assert_eq!(repo.size, 2);
        assert!((8192..1 << 20).contains(&repo.unused()), "{}", repo.unused());
    }

    #[test]
    fn a_shared_payload_counts_for_each_repository_and_once_in_all() {
        let (_dir, cache) = testkit::cache();
        for repo in ["org/a", "org/b"] {
            let place = add(&cache, repo, &[("x.bin", b"payload")]);
            let etag = place.partial(&plan(repo, &[("x.bin", b"payload")]).files[0]).data;
            let etag = etag.file_name().unwrap().to_str().unwrap().trim_end_matches(".hfdesk.part").to_owned();
            share(&cache, repo, &etag, HASH, b"payload");
        }
        std::fs::write(cache.root().join("blobs/c6").join("c6".repeat(32)), "nobody's").unwrap();
        let listing = scan(&cache);
        assert_eq!(listing.warnings, Vec::<String>::new());
        assert_eq!(listing.repos.iter().map(|repo| repo.size).collect::<Vec<_>>(), [7, 7]);
        assert_eq!(listing.size, 7 + 8);
        std::fs::remove_file(cache.root().join("blobs/.huggingface-shared-blobs")).unwrap();
        warned(&cache, "blobs does not belong");
        assert_eq!(scan(&cache).size, 0);
    }

    #[test]
    fn files_in_a_snapshot_are_their_own_blobs() {
        let (_dir, cache) = testkit::cache();
        let cache = cache.without_symlinks();
        add(&cache, "org/m", &[("a/x.bin", b"payload"), ("b", b"b")]);
        let listing = scan(&cache);
        assert_eq!((listing.size, listing.repos[0].size, listing.repos[0].files), (8, 8, 2));
        std::fs::remove_dir(cache.root().join("models--org--m/blobs")).unwrap();
        assert_eq!(scan(&cache).warnings, Vec::<String>::new());
    }

    #[test]
    fn what_belongs_at_the_root_is_not_warned_of() {
        let (_dir, cache) = testkit::cache();
        let plan = plan("org/m", &[("b", b"b")]);
        let place = fill(&cache, &plan, &[("b", b"b")]);
        drop(place.lock(&plan.files[0]).unwrap());
        std::fs::write(cache.root().join(".DS_Store"), "").unwrap();
        std::fs::write(cache.root().join("models--org--m/snapshots/.DS_Store"), "").unwrap();
        assert_eq!(scan(&cache).warnings, Vec::<String>::new());
    }

    #[test]
    fn odd_entries_at_the_root_are_warned_of() {
        let (dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("b", b"b")]);
        let root = cache.root();
        std::fs::write(root.join("version.txt"), "1").unwrap();
        std::fs::write(root.join("models--org--file"), "").unwrap();
        std::fs::create_dir(root.join(OsStr::from_bytes(b"models--org--\xff\x1b[2J"))).unwrap();
        symlink(dir.path(), root.join("models--org--linked")).unwrap();
        let listing = scan(&cache);
        assert_eq!(listing.repos.len(), 1);
        assert_eq!(listing.warnings.len(), 4, "{:?}", listing.warnings);
        assert!(!listing.warnings.concat().contains('\u{1b}'));
        for part in ["version.txt", "org--file", "models--org--linked is a symbolic link"] {
            warned(&cache, part);
        }
    }

    #[test]
    fn a_damaged_repository_is_listed_with_warnings() {
        let (dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", &[("b", b"b")]);
        let repo = cache.root().join("models--org--m");
        let snapshot = place.dir();
        let secret = dir.path().join("secret");
        std::fs::write(&secret, vec![1; 9000]).unwrap();
        symlink("../../blobs/gone", snapshot.join("dangling")).unwrap();
        warned(&cache, "dangling does not lead to a blob");
        symlink(&secret, snapshot.join("door")).unwrap();
        warned(&cache, "door does not lead to a blob");
        symlink(dir.path(), snapshot.join("folder")).unwrap();
        symlink("loop", snapshot.join("loop")).unwrap();
        symlink(&secret, repo.join("blobs/outside")).unwrap();
        symlink("../../blobs/outside", snapshot.join("through")).unwrap();
        std::fs::write(repo.join("refs/gone"), "f".repeat(40)).unwrap();
        std::fs::write(repo.join("refs/newline"), format!("{COMMIT}\n")).unwrap();
        warned(&cache, "models--org--m has 2 more problems");
        let listing = scan(&cache);
        assert_eq!((listing.repos[0].key.clone(), listing.repos[0].size, listing.size), (key("org/m"), 1, 1));
    }

    #[test]
    fn refs_that_lead_nowhere_are_named() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("b", b"b")]);
        let refs = cache.root().join("models--org--m/refs");
        std::fs::write(refs.join("newline"), format!("{COMMIT}\n")).unwrap();
        std::fs::write(refs.join("binary"), b"\xff").unwrap();
        std::fs::write(refs.join("huge"), vec![b'a'; 4096]).unwrap();
        for part in ["refs/newline does not name a commit", "refs/binary cannot be read", "refs/huge cannot be read"] {
            warned(&cache, part);
        }
        assert_eq!(scan(&cache).repos[0].revisions[0].refs, ["main"]);
    }

    #[test]
    fn files_and_folders_in_each_others_place_are_warned_of() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("b", b"b")]);
        let repo = cache.root().join("models--org--m");
        std::fs::write(repo.join("snapshots/file"), "").unwrap();
        std::fs::create_dir(repo.join("snapshots/not-a-commit")).unwrap();
        std::fs::create_dir(repo.join("blobs/folder")).unwrap();
        std::fs::write(repo.join("snapshots").join(COMMIT).join(OsStr::from_bytes(b"\xff")), "name").unwrap();
        warned(&cache, "snapshots/file is not the folder of a commit");
        warned(&cache, "snapshots/not-a-commit is not");
        assert_eq!(scan(&cache).repos[0].size, 5);
        std::fs::remove_dir_all(repo.join("refs")).unwrap();
        std::fs::write(repo.join("refs"), "").unwrap();
        warned(&cache, "refs is not a folder");
        std::fs::remove_dir_all(repo.join("snapshots")).unwrap();
        warned(&cache, "snapshots is not a folder");
        symlink("/", repo.join("snapshots")).unwrap();
        warned(&cache, "snapshots is not a folder");
        assert!(Path::new("/").exists());
    }
}
