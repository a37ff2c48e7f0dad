//! kill -9 in the middle of deletions: after every one the official client reads the cache without a warning, and the same deletion
//! once more ends where an undisturbed one does.
//!
//! Needs the newest official client (see `support/official.rs`); without it the tests are skipped loudly, or fail where
//! `HFDESK_REQUIRE_HF=1`.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test's helpers fail as loudly as the test itself

#[path = "support/machine.rs"]
mod machine;
#[path = "support/official.rs"]
mod official;
#[path = "support/random.rs"]
mod random;
#[path = "support/tree.rs"]
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hfdesk_tui::desk::{DeletionTarget, Disposal, FaultKind, RepoKey, RepoKind};
use hfdesk_tui::engine::cache::Cache;
use machine::{Machine, sha256};
use official::{Manner, Official, Version};
use random::Random;
use serde_json::json;
use tempfile::TempDir;
use tree::{copy, quick_folder, tree};

/// Kills of each deletion.
const KILLS: usize = 20;
/// Files of the large repository's first commit; the others have half of them and as many of their own.
const FILES: usize = 500;
/// Payloads that the two repositories with a shared store have between them.
const PAYLOADS: usize = 240;
/// What the killed process reads: the cache's folder and the targets.
const ROOT: &str = "HFDESK_KILLED_ROOT";
const TARGETS: &str = "HFDESK_KILLED_TARGETS";

const BIG: &str = "org/big";
const SHARES: &str = "org/shares";
const COMMITS: [&str; 3] =
    ["00000000000000000000000000000000000000aa", "00000000000000000000000000000000000000bb", "00000000000000000000000000000000000000cc"];
const OWN: [&str; 2] = ["00000000000000000000000000000000000000d1", "00000000000000000000000000000000000000d2"];
const OTHERS: &str = "00000000000000000000000000000000000000e1";

fn key(id: &str) -> RepoKey {
    RepoKey { kind: RepoKind::Model, id: id.parse().unwrap() }
}

fn revision(id: &str, commit: &str) -> DeletionTarget {
    DeletionTarget::Revision { repo: key(id), commit: commit.to_owned() }
}

fn path(at: usize) -> String {
    format!("{}/{at:04}.bin", at % 7)
}

/// Lays a cache out as the official client does: thousands of entries, several commits, and payloads that two repositories share.
fn lay_out(root: &Path) {
    let half = FILES / 2;
    for (commit, first, name) in [(COMMITS[0], 0, Some("main")), (COMMITS[1], half, Some("refs/pr/1")), (COMMITS[2], 2 * half, None)] {
        add_commit(root, BIG, commit, name, first..first + FILES, false);
    }
    fs::create_dir_all(root.join("blobs")).unwrap();
    fs::write(root.join("blobs/.huggingface-shared-blobs"), "1\n").unwrap();
    let part = PAYLOADS / 4;
    add_commit(root, SHARES, OWN[0], Some("main"), 0..2 * part, true);
    add_commit(root, SHARES, OWN[1], Some("v2"), part..3 * part, true);
    add_commit(root, "org/other", OTHERS, Some("main"), 2 * part..4 * part, true);
}

fn add_commit(root: &Path, id: &str, commit: &str, name: Option<&str>, files: std::ops::Range<usize>, shared: bool) {
    let folder = root.join(format!("models--{}", id.replace('/', "--")));
    let snapshot = folder.join("snapshots").join(commit);
    for part in 0..7 {
        fs::create_dir_all(snapshot.join(part.to_string())).unwrap();
    }
    fs::create_dir_all(folder.join("blobs")).unwrap();
    for at in files {
        let content = format!("{at} is what this file says");
        let etag = sha256(content.as_bytes());
        let blob = folder.join("blobs").join(&etag);
        if shared && !blob.is_symlink() {
            add_shared(root, &blob, &etag, &content);
        } else if !shared {
            fs::write(&blob, content).unwrap();
        }
        symlink(format!("../../../blobs/{etag}"), snapshot.join(path(at))).unwrap();
    }
    if let Some(name) = name.map(|name| folder.join("refs").join(name)) {
        fs::create_dir_all(name.parent().unwrap()).unwrap();
        fs::write(name, commit).unwrap();
    }
}

fn add_shared(root: &Path, blob: &Path, hash: &str, content: &str) {
    let payload = root.join("blobs").join(&hash[..2]).join(hash);
    fs::create_dir_all(payload.parent().unwrap()).unwrap();
    fs::write(&payload, content).unwrap();
    symlink(format!("../../blobs/{}/{hash}", &hash[..2]), blob).unwrap();
    let manifest = payload.with_file_name(format!("{hash}.refs"));
    let lines = fs::read_to_string(&manifest).unwrap_or_default();
    fs::write(manifest, format!("{lines}{}\n", blob.strip_prefix(root).unwrap().display())).unwrap();
}

/// The process that is killed: another run of this test's own executable.
#[test]
#[ignore = "what other tests run and kill"]
fn deletes() {
    let Some(root) = std::env::var_os(ROOT).map(PathBuf::from) else { return };
    let targets: Vec<DeletionTarget> = serde_json::from_str(&std::env::var(TARGETS).unwrap()).unwrap();
    let cache = Cache::new(root);
    let plan = cache.plan_deletion(&targets).unwrap();
    cache.delete(&plan, Disposal::Forever).unwrap();
}

/// A deletion that is killed again and again, each time in a fresh copy of the same cache.
struct Row {
    targets: Vec<DeletionTarget>,
    before: TempDir,
    /// What there is at first, and after an undisturbed deletion.
    first: BTreeMap<PathBuf, String>,
    last: BTreeMap<PathBuf, String>,
    judge: Official,
    /// Where the kills fell, in the order of [`PHASES`].
    histogram: [usize; PHASES.len()],
}

impl Row {
    fn new(targets: Vec<DeletionTarget>) -> Option<Self> {
        let judge = Official::start(Version::Newest, Manner::Shared)?;
        let before = quick_folder();
        lay_out(&before.path().join("hub"));
        let first = tree(&before.path().join("hub"));
        let mut row = Self { targets, before, first, last: BTreeMap::new(), judge, histogram: [0; PHASES.len()] };
        let done = row.copied();
        row.again(&done);
        row.last = tree(done.path());
        assert!(row.last.len() + 300 < row.first.len(), "hundreds of entries go");
        Some(row)
    }

    fn copied(&self) -> TempDir {
        let copied = quick_folder();
        copy(&self.before.path().join("hub"), copied.path());
        copied
    }

    /// Deletes in this process. What is gone already only has to be finished.
    fn again(&self, cache: &TempDir) {
        let cache = Cache::new(cache.path().to_path_buf());
        match cache.plan_deletion(&self.targets) {
            Ok(plan) => assert_eq!(cache.delete(&plan, Disposal::Forever).unwrap().failures, Vec::<String>::new()),
            Err(fault) => {
                let gone = [FaultKind::NotFound, FaultKind::RevisionNotFound, FaultKind::EntryNotFound];
                assert!(gone.contains(&fault.kind), "{fault:?}");
                cache.finish_interrupted().unwrap();
            }
        }
    }

    /// A process that deletes.
    fn process(&self, cache: &Path) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "deletes", "--ignored"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.env(ROOT, cache).env(TARGETS, json!(self.targets).to_string());
        command
    }

    /// How long a process takes, undisturbed, to its first change of the cache, and from there to its end.
    fn takes(&self, process: impl Fn(&Self, &Path) -> Command) -> (Duration, Duration) {
        let one = || {
            let (cache, started) = (self.copied(), Instant::now());
            let watch = Watch::new(cache.path());
            let mut child = process(self, cache.path()).spawn().unwrap();
            watch.wait(&mut child);
            let begun = Instant::now();
            assert!(child.wait().unwrap().success());
            (begun - started, begun.elapsed())
        };
        let times = [one(), one(), one()];
        (times.iter().map(|time| time.0).min().unwrap(), times.iter().map(|time| time.1).min().unwrap())
    }

    /// Kills processes at random instants of their deletion, a few before it begins.
    fn suffer(&mut self, what: &str, process: impl Fn(&Self, &Path) -> Command, again: impl Fn(&Self, &TempDir)) {
        let (mut random, (starts, takes)) = (Random::new(), self.takes(&process));
        let mut share = |of: Duration| of.mul_f64(random.below(1000) as f64 / 1000.0);
        for at in 0..KILLS {
            let cache = self.copied();
            let watch = Watch::new(cache.path());
            let mut child = process(self, cache.path()).spawn().unwrap();
            if at < KILLS / 10 {
                thread::sleep(share(starts));
            } else {
                watch.wait(&mut child);
                thread::sleep(share(takes));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            self.judge(&cache, &again);
        }
        self.tell(what);
    }

    /// What must hold after a kill, and after the same deletion once more.
    fn judge(&mut self, cache: &TempDir, again: impl Fn(&Self, &TempDir)) {
        let found = tree(cache.path());
        let gone_in = |tree: &BTreeMap<PathBuf, String>| self.first.keys().filter(|name| !tree.contains_key(*name)).count();
        let (all, gone) = (gone_in(&self.last), gone_in(&found));
        self.histogram[phase(cache.path(), gone, all, found == self.first)] += 1;
        let theirs = self.judge.scan(cache.path());
        assert_eq!(theirs["warnings"], json!([]), "{gone} of {all} are gone");
        let ours = Cache::new(cache.path().to_path_buf()).scan().unwrap();
        assert_eq!((json!(ours.size), ours.warnings), (theirs["size"].clone(), vec![]), "{gone} of {all} are gone");
        again(self, cache);
        assert_eq!(trashed(cache.path()), None);
        let rest = tree(cache.path());
        let differing: Vec<_> = rest.iter().filter(|(name, what)| self.last.get(*name) != Some(*what)).map(|(name, _)| name).collect();
        assert!(rest == self.last, "{gone} of {all} were gone; {} are left, not {}: {differing:?}", rest.len(), self.last.len());
    }

    fn tell(&self, what: &str) {
        let told: Vec<String> = PHASES.iter().zip(self.histogram).map(|(phase, count)| format!("{phase} {count}")).collect();
        println!("{what}: {}", told.join(", "));
        let between: usize = self.histogram[1..PHASES.len() - 1].iter().sum();
        assert!(between * 4 > KILLS, "a quarter of the kills at least falls in the middle");
    }
}

/// Where a kill can fall: a deletion moves what goes into the trash and then empties that.
const PHASES: [&str; 8] =
    ["before", "first moves", "middle moves", "last moves", "first emptied", "middle emptied", "last emptied", "after"];

/// Where a kill fell, after which `gone` of `all` entries are not in their places any more.
fn phase(root: &Path, gone: usize, all: usize, is_untouched: bool) -> usize {
    let third = |of: usize| (of * 3 / all).min(2);
    match trashed(root) {
        Some(trash) if trash.join("emptying.json").exists() => 4 + third(all.saturating_sub(tree(&trash).len())),
        Some(_) if gone > 0 => 1 + third(gone),
        None if !is_untouched => PHASES.len() - 1,
        _ => 0,
    }
}

/// A deletion in the trash.
fn trashed(root: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(root.join(".locks/.hfdesk-trash")).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.find(|entry| !entry.ends_with("lock"))
}

/// When each folder of a cache last changed.
struct Watch(Vec<(PathBuf, (i64, i64))>);

impl Watch {
    fn new(root: &Path) -> Self {
        let (mut folders, mut at) = (vec![root.to_path_buf()], 0);
        while let Some(folder) = folders.get(at) {
            let inside = fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_dir());
            folders.extend(inside.map(|entry| entry.path()).collect::<Vec<_>>());
            at += 1;
        }
        // Payloads go last: their many folders would only slow the watch down.
        let watched = folders.into_iter().filter(|folder| folder.parent() != Some(&root.join("blobs")));
        Self(watched.map(|folder| (folder.clone(), changed(&folder).unwrap())).collect())
    }

    /// Waits for the first change, or for the end of the process.
    fn wait(&self, child: &mut Child) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.0.iter().all(|(folder, time)| changed(folder) == Some(*time)) && child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the deletion begins");
            thread::yield_now(); // the cache of another process is only there to be looked at
        }
    }
}

fn changed(folder: &Path) -> Option<(i64, i64)> {
    fs::symlink_metadata(folder).ok().map(|found| (found.mtime(), found.mtime_nsec()))
}

/// Kills the deletion of these by another run of this test's executable.
fn suffer(what: &str, targets: Vec<DeletionTarget>) {
    if let Some(mut row) = Row::new(targets) {
        row.suffer(what, Row::process, Row::again);
    }
}

#[test]
fn kills_while_a_repository_goes() {
    suffer("a repository", vec![DeletionTarget::Repo(key(BIG))]);
}

#[test]
fn kills_while_revisions_go() {
    suffer("revisions", vec![revision(BIG, COMMITS[0]), revision(BIG, COMMITS[2])]);
}

#[test]
fn kills_while_files_go() {
    let files = (0..FILES).filter(|at| at % 5 > 0).map(path).collect();
    suffer("files", vec![DeletionTarget::Files { repo: key(BIG), commit: None, files }]);
}

#[test]
fn kills_while_shared_payloads_go() {
    suffer("shared payloads", vec![DeletionTarget::Repo(key(SHARES))]);
}

#[test]
fn kills_of_the_program() {
    let Some(mut row) = Row::new(vec![DeletionTarget::Repo(key(BIG))]) else { return };
    let machine = Machine::new();
    let remove = |cache: &Path| {
        let mut command = machine.command("http://127.0.0.1:9");
        command.args(["cache", "rm", "model/org/big", "--yes", "--quiet"]).env("HF_HUB_CACHE", cache);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let again = |cache: &TempDir| remove(cache.path()).status().unwrap().code();
    row.suffer("the program", |_, cache| remove(cache), |_, cache| assert!(matches!(again(cache), Some(0 | 4))));
}
