//! Whether files' bytes are what they should be.
//!
//! Files are read by one thread for each processor, the largest first. Each thread reads two at a time where there are enough of them,
//! since two are hashed in hardly more time than one. Memory is one buffer for each file that is being read.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;

pub(super) use super::stream::BUFFER;
use super::stream::Stream;
use super::survey::Content;
use crate::desk::{Digest, Fault, VerifyProgress};

/// How far reading is, for others to look at, and their way to end it.
#[derive(Debug, Default)]
pub struct Gauge {
    bytes: AtomicU64,
    bytes_total: AtomicU64,
    files: AtomicUsize,
    files_total: AtomicUsize,
    stopped: AtomicBool,
}

impl Gauge {
    /// How far it is now.
    pub fn now(&self) -> VerifyProgress {
        VerifyProgress {
            bytes_done: self.bytes.load(Relaxed),
            bytes_total: self.bytes_total.load(Relaxed),
            files_done: self.files.load(Relaxed),
            files_total: self.files_total.load(Relaxed),
        }
    }

    /// Ends the reading after the piece that each thread is at.
    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    /// Says how much there is.
    pub(super) fn expect(&self, files: usize, bytes: u64) {
        self.files_total.store(files, Relaxed);
        self.bytes_total.store(bytes, Relaxed);
    }

    /// Counts bytes, and answers whether to go on.
    pub(super) fn advance(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes as u64, Relaxed);
        !self.is_stopped()
    }

    /// Counts a file that is done with.
    pub(super) fn count_file(&self) {
        self.files.fetch_add(1, Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }
}

/// What reading a content came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It hashes to what it should.
    Good,
    /// It hashes to this.
    Other(String),
    /// It cannot be read, for this reason.
    Failed(String),
    /// Nothing says what it should hash to, or the reading was stopped before it.
    None,
}

/// Reads contents of the cache in this folder and compares them with their digests: one answer for each, in their order.
///
/// Content that several share is read once. Blocks until all is read or the gauge says stop.
pub fn read_all(root: &Path, contents: &[Content], gauge: &Gauge) -> Vec<Reading> {
    let tasks = tasks(contents);
    gauge.expect(tasks.len(), tasks.iter().map(|task| task.0.size).sum());
    let next = AtomicUsize::new(0);
    let take = || tasks.get(next.fetch_add(1, Relaxed)).filter(|_| !gauge.is_stopped());
    let mut all = vec![Reading::None; contents.len()];
    let threads = thread::available_parallelism().map_or(1, usize::from).min(tasks.len());
    let at_once = at_once(tasks.len(), threads);
    let readings: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(root, at_once, take, gauge))).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    for (reading, (_, _, users)) in readings {
        for user in users {
            all[*user].clone_from(&reading);
        }
    }
    all
}

/// How many files a thread reads at once: two are hashed in hardly more time than one, but every processor should have one first.
fn at_once(tasks: usize, threads: usize) -> usize {
    if tasks >= 2 * threads { 2 } else { 1 }
}

/// A content, its digest, and the indices of all that share both.
type Task<'a> = (&'a Content, &'a Digest, Vec<usize>);

/// Reads one content after the other, or two at a time, and answers with what each came to.
fn work<'a, 'b>(root: &Path, at_once: usize, take: impl Fn() -> Option<&'a Task<'b>>, gauge: &Gauge) -> Vec<(Reading, &'a Task<'b>)> {
    let (mut readings, mut open): (Vec<_>, Vec<Open>) = (Vec::new(), Vec::new());
    loop {
        while open.len() < at_once
            && let Some(task) = take()
        {
            match Stream::open(&root.join(&task.0.bytes), task.1) {
                Ok(stream) => open.push(Open::new(task, stream)),
                Err(error) => readings.push((Reading::Failed(error.to_string()), task)),
            }
        }
        if open.is_empty() || gauge.is_stopped() {
            return readings;
        }
        gauge.advance(read_on(&mut open));
        for ended in open.extract_if(.., |file| file.length == 0) {
            gauge.count_file();
            readings.push((ended.failed.map_or_else(|| verdict(ended.task.1, ended.stream), Reading::Failed), ended.task));
        }
    }
}

/// A content in the middle of being read.
struct Open<'a, 'b> {
    task: &'a Task<'b>,
    stream: Stream,
    buffer: Vec<u8>,
    /// How many bytes were read last; none when it has ended, for better or worse.
    length: usize,
    failed: Option<String>,
}

impl<'a, 'b> Open<'a, 'b> {
    fn new(task: &'a Task<'b>, stream: Stream) -> Self {
        Self { task, stream, buffer: vec![0; BUFFER], length: 0, failed: None }
    }

    fn read(&mut self) {
        let read = self.stream.read(&mut self.buffer);
        self.length = read.unwrap_or_else(|error| {
            self.failed = Some(error.to_string());
            0
        });
    }
}

/// Reads the next piece of each content and hashes it; answers with their length.
fn read_on(open: &mut [Open]) -> usize {
    open.iter_mut().for_each(Open::read);
    match open {
        [one, other] => one.stream.update_both(&one.buffer[..one.length], &mut other.stream, &other.buffer[..other.length]),
        _ => open.iter_mut().for_each(|file| file.stream.update(&file.buffer[..file.length])),
    }
    open.iter().map(|file| file.length).sum()
}

/// What a content that was read to its end came to.
fn verdict(digest: &Digest, stream: Stream) -> Reading {
    let hash = stream.finish();
    if hash == digest.hex() { Reading::Good } else { Reading::Other(hash) }
}

/// What there is to read, the largest first: a content, its digest, and the indices of all that share both.
fn tasks(contents: &[Content]) -> Vec<Task<'_>> {
    let mut tasks: HashMap<_, Task> = HashMap::new();
    for (index, content) in contents.iter().enumerate() {
        if let Some(digest) = &content.digest {
            tasks.entry((&content.bytes, digest)).or_insert((content, digest, Vec::new())).2.push(index);
        }
    }
    let mut tasks: Vec<_> = tasks.into_values().collect();
    tasks.sort_by(|a, b| b.0.size.cmp(&a.0.size).then_with(|| a.0.path.cmp(&b.0.path)));
    tasks
}

/// Whether a file's content has this digest. Reads all of it.
pub fn verify_blob(path: &Path, digest: &Digest) -> Result<bool, Fault> {
    read_watched(path, digest, |_| ())
}

/// Whether a file's content has this digest; `watch` sees every byte on the way. Reads all of it.
pub fn read_watched(path: &Path, digest: &Digest, mut watch: impl FnMut(&[u8])) -> Result<bool, Fault> {
    let hash = content_hash(path, digest, &mut vec![0; BUFFER], |piece| {
        watch(piece);
        true
    });
    hash.map(|hash| hash.as_deref() == Some(digest.hex())).map_err(|error| Fault::disk(format!("read {}", path.display()), error))
}

/// A file's digest of the same kind as another, in hexadecimal; `None` once `watch`, which sees every piece, says no.
pub(super) fn content_hash(
    path: &Path,
    digest: &Digest,
    buffer: &mut [u8],
    mut watch: impl FnMut(&[u8]) -> bool,
) -> io::Result<Option<String>> {
    let mut stream = Stream::open(path, digest)?;
    loop {
        let length = stream.read(buffer)?;
        if length == 0 {
            return Ok(Some(stream.finish()));
        }
        stream.update(&buffer[..length]);
        if !watch(&buffer[..length]) {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use super::super::Cache;
    use super::super::testkit::{self, HASH, add, key, plan, share};
    use super::*;
    use crate::desk::{FaultKind, VerifyTarget};

    const FILES: &[(&str, &[u8])] = &[("config.json", b"{}"), ("sub/w.bin", b"weights"), ("twin.bin", b"weights")];

    fn readings(cache: &Cache, targets: &[VerifyTarget]) -> Vec<(String, Reading)> {
        let survey = cache.survey(targets).unwrap();
        let readings = read_all(cache.root(), &survey.contents, &Gauge::default());
        let names = survey
            .contents
            .iter()
            .map(|content| format!("{} {}", content.repo, content.files.iter().cloned().collect::<Vec<_>>().join("+")));
        names.zip(readings).collect()
    }

    fn named(cache: &Cache, targets: &[VerifyTarget]) -> Vec<String> {
        readings(cache, targets).into_iter().map(|(name, reading)| format!("{name}: {reading:?}")).collect()
    }

    fn blob(cache: &Cache, repo: &str, index: usize) -> std::path::PathBuf {
        cache.root().join(format!("models--{}/blobs", repo.replace('/', "--"))).join(plan(repo, FILES).files[index].digest.hex())
    }

    #[test]
    fn content_is_checked_by_both_kinds_of_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hello");
        std::fs::write(&path, "hello\n").unwrap();
        // The values of `git hash-object` and `sha256sum`.
        let git = "ce013625030ba8dba906f756967f9e9ca394464a".parse().unwrap();
        let sha = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03".parse().unwrap();
        assert!(verify_blob(&path, &git).unwrap() && verify_blob(&path, &sha).unwrap());
        std::fs::write(&path, "hellO\n").unwrap();
        assert!(!verify_blob(&path, &git).unwrap() && !verify_blob(&path, &sha).unwrap());
        assert!(verify_blob(&dir.path().join("missing"), &git).is_err());
    }

    #[test]
    fn a_whole_cache_is_read_and_damage_found_wherever_it_is() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        add(&cache, "datasets/org/set", &[("t.csv", b"1,2")]);
        let all = ["model/org/m sub/w.bin+twin.bin: Good", "model/org/m config.json: Good", "dataset/org/set t.csv: Good"];
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        assert_eq!(sorted(named(&cache, &[])), sorted(all.map(String::from).to_vec()));
        std::fs::write(blob(&cache, "org/m", 1), "weighty").unwrap();
        std::fs::write(blob(&cache, "org/m", 0), "{} ").unwrap();
        let bad = readings(&cache, &[]).into_iter().filter(|(_, reading)| matches!(reading, Reading::Other(_))).map(|(name, _)| name);
        assert_eq!(sorted(bad.collect()), ["model/org/m config.json", "model/org/m sub/w.bin+twin.bin"]);
    }

    #[test]
    fn two_at_a_time_come_to_the_same_as_one_by_one() {
        let (_dir, cache) = testkit::cache();
        let long: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
        let (longest, next) = (&long[..3 * BUFFER + 10], &long[5..BUFFER + 6]); // each ends while the other one goes on
        let files = [("a.bin", longest), ("b.bin", next), ("c.bin", &long[7..BUFFER + 7]), ("d.json", &long[..100_000]), ("e.bin", b"")];
        let many = [&files[..], &[("gone.bin", b"gone"), ("bad.bin", &long[..BUFFER])]].concat();
        add(&cache, "org/m", &many);
        let survey = cache.survey(&[]).unwrap();
        let blob = |index: usize| cache.root().join("models--org--m/blobs").join(plan("org/m", &many).files[index].digest.hex());
        std::fs::remove_file(blob(5)).unwrap();
        std::fs::write(blob(6), &long[1..=BUFFER]).unwrap();
        let tasks = tasks(&survey.contents);
        let come_to = |at_once| {
            let (next, gauge) = (AtomicUsize::new(0), Gauge::default());
            let mut readings = work(cache.root(), at_once, || tasks.get(next.fetch_add(1, Relaxed)), &gauge);
            readings.sort_by_key(|(_, task)| task.1.to_string());
            let verdicts: Vec<_> = readings.into_iter().map(|(reading, task)| (task.1.clone(), reading)).collect();
            (verdicts, gauge.now())
        };
        let (verdicts, progress) = come_to(2);
        assert_eq!(
            (&verdicts, progress.bytes_done, progress.files_done),
            (&come_to(1).0, come_to(1).1.bytes_done, come_to(1).1.files_done)
        );
        let count = |wanted: fn(&Reading) -> bool| verdicts.iter().filter(|(_, reading)| wanted(reading)).count();
        assert_eq!(count(|reading| *reading == Reading::Good), 5);
        assert_eq!(count(|reading| matches!(reading, Reading::Other(_))), 1);
        assert_eq!(count(|reading| matches!(reading, Reading::Failed(_))), 1);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn reading_leaves_the_time_of_last_use_alone() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        let used = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
        let path = blob(&cache, "org/m", 1);
        File::open(&path).unwrap().set_times(std::fs::FileTimes::new().set_accessed(used)).unwrap();
        assert!(readings(&cache, &[]).iter().all(|(_, reading)| *reading == Reading::Good));
        assert_eq!(std::fs::metadata(&path).unwrap().accessed().unwrap(), used);
    }

    #[test]
    fn a_part_is_named_by_revision_and_file() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        let mut next = plan("org/m", &[("new.bin", b"new")]);
        next.commit = "f".repeat(40);
        next.repo.revision = "v2".parse().unwrap();
        testkit::fill(&cache, &next, &[("new.bin", b"new")]);
        let target = |revision: Option<&str>, files: &[&str]| VerifyTarget {
            revision: revision.map(|revision| revision.parse().unwrap()),
            files: files.iter().map(ToString::to_string).collect(),
            ..VerifyTarget::whole(key("org/m"))
        };
        assert_eq!(named(&cache, &[target(Some("v2"), &[])]), ["model/org/m new.bin: Good"]);
        assert_eq!(named(&cache, &[target(Some(&"f".repeat(40)), &[])]), ["model/org/m new.bin: Good"]);
        assert_eq!(named(&cache, &[target(None, &["config.json"])]), ["model/org/m config.json: Good"]);
        assert_eq!(named(&cache, &[target(None, &["twin.bin"]), target(None, &["sub/w.bin"])]), ["model/org/m sub/w.bin+twin.bin: Good"]);
        assert_eq!(named(&cache, &[target(None, &["sub/"])]), ["model/org/m sub/w.bin: Good"], "a folder is all below it");
        let kind = |target| cache.survey(&[target]).unwrap_err().kind;
        assert_eq!([kind(target(None, &["sub"])), kind(target(None, &["su/"]))], [FaultKind::EntryNotFound; 2]);
        assert_eq!(kind(target(Some("v2"), &["config.json"])), FaultKind::EntryNotFound);
        assert_eq!(kind(target(Some("v3"), &[])), FaultKind::RevisionNotFound);
        assert_eq!(kind(VerifyTarget::whole(key("org/none"))), FaultKind::NotFound);
    }

    #[test]
    fn a_blob_that_no_snapshot_uses_is_read_too_and_a_partial_is_not() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        std::fs::remove_file(place.dir().join("config.json")).unwrap();
        testkit::write_partial(&*place, &plan("org/m", &[("y.bin", b"y")]).files[0], b"half");
        assert_eq!(readings(&cache, &[]).iter().map(|(_, reading)| reading.clone()).collect::<Vec<_>>(), [Reading::Good, Reading::Good]);
    }

    #[test]
    fn a_shared_payload_is_read_once_and_answers_for_all() {
        let (_dir, cache) = testkit::cache();
        for repo in ["org/a", "org/b"] {
            add(&cache, repo, FILES);
            share(&cache, repo, plan(repo, FILES).files[1].digest.hex(), HASH, b"weighty");
        }
        let survey = cache.survey(&[]).unwrap();
        let gauge = Gauge::default();
        let readings = read_all(cache.root(), &survey.contents, &gauge);
        assert_eq!(readings.iter().filter(|reading| matches!(reading, Reading::Other(_))).count(), 2);
        assert_eq!(gauge.now(), VerifyProgress { bytes_done: 7 + 2 + 2, bytes_total: 11, files_done: 3, files_total: 3 });
    }

    #[test]
    fn without_links_the_listing_says_what_files_should_be() {
        let (_dir, cache) = testkit::cache();
        let cache = cache.without_symlinks();
        let place = add(&cache, "org/m", FILES);
        assert!(named(&cache, &[]).iter().all(|name| name.ends_with("Good")));
        std::fs::write(place.dir().join("twin.bin"), "weighty").unwrap();
        assert_eq!(readings(&cache, &[]).iter().filter(|(_, reading)| matches!(reading, Reading::Other(_))).count(), 1);
        std::fs::remove_dir_all(cache.root().join("models--org--m/trees")).unwrap();
        assert!(readings(&cache, &[]).iter().all(|(_, reading)| *reading == Reading::None));
    }

    #[test]
    fn links_out_of_the_cache_are_not_read() {
        let (dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let secret = dir.path().join("secret");
        std::fs::write(&secret, "mine").unwrap();
        symlink(&secret, place.dir().join("door")).unwrap();
        symlink(&secret, cache.root().join("models--org--m/blobs").join("a".repeat(40))).unwrap();
        let survey = cache.survey(&[VerifyTarget::whole(key("org/m"))]).unwrap();
        assert_eq!(survey.contents.len(), 2);
        assert!(survey.warnings[0].contains("door does not lead to a blob"), "{:?}", survey.warnings);
    }

    #[test]
    fn a_stopped_reading_ends_without_a_verdict() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        let survey = cache.survey(&[]).unwrap();
        let gauge = Gauge::default();
        gauge.stop();
        assert!(read_all(cache.root(), &survey.contents, &gauge).iter().all(|reading| *reading == Reading::None));
        assert_eq!(gauge.now().bytes_done, 0);
        let mut seen = 0;
        let long = dir_with_a_long_file();
        let hash = content_hash(&long.path().join("long"), &"a".repeat(64).parse().unwrap(), &mut [0; 10], |piece| {
            seen += piece.len();
            seen < 20
        });
        assert_eq!((hash.unwrap(), seen), (None, 20), "it ends after the piece it is at");
    }

    fn dir_with_a_long_file() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("long"), [1; 1000]).unwrap();
        dir
    }
}
