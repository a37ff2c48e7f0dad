//! kill -9 in the middle of deletions: after every one the official client reads the cache without a warning, and the same deletion
//! once more ends where an undisturbed one does.
//!
//! Needs the newest official client (see `support/official.rs`); without it the tests are skipped loudly, or fail where
//! `HFDESK_REQUIRE_HF=1`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test's helpers fail as loudly as the test itself

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

/// Kills of each deletion, and how many there may be until enough of them have fallen in its middle.
const KILLS: usize = 20;
const MOST_KILLS: usize = 100;
/// What the time to wait is multiplied with after a kill that came too late.
const SOONER: f64 = 0.85;
/// Files of the large repository's first commit; the others have half of them and as many of their own.
const FILES: usize = 500;
/// Commits of the repository that has many, each with a branch and sharing half of its files with the next.
const REVISIONS: usize = 120;
/// Payloads that the two repositories with a shared store have between them.
const PAYLOADS: usize = 240;
/// What the killed process is told: the cache's folder and the targets.
const ROOT: &str = "HFDESK_KILLED_ROOT";
const TARGETS: &str = "HFDESK_KILLED_TARGETS";
/// What it does with them.
const ACT: &str = "HFDESK_KILLED_ACT";

const BIG: &str = "org/big";
const MANY: &str = "org/many";
const SHARES: &str = "org/shares";
const COMMITS: [&str; 3] =
    ["00000000000000000000000000000000000000aa", "00000000000000000000000000000000000000bb", "00000000000000000000000000000000000000cc"];
const OWN: [&str; 2] = ["00000000000000000000000000000000000000d1", "00000000000000000000000000000000000000d2"];
const OTHERS: &str = "00000000000000000000000000000000000000e1";

fn key(id: &str) -> RepoKey {
    RepoKey { kind: RepoKind::Model, id: id.parse().unwrap() }
}

fn commit(at: usize) -> String {
    format!("{at:040x}")
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
    for at in 0..REVISIONS {
        add_commit(root, MANY, &commit(at), Some(&format!("branch-{at}")), 3 * at..3 * at + 6, false);
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
        let entry = snapshot.join(path(at));
        fs::create_dir_all(entry.parent().unwrap()).unwrap();
        symlink(format!("../../../blobs/{etag}"), entry).unwrap();
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

/// What the process that is killed does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// It deletes for good.
    Forever,
    /// It deletes into the trash.
    Trash,
    /// It brings back what is there.
    Restore,
}

impl Act {
    const ALL: [Self; 3] = [Self::Forever, Self::Trash, Self::Restore];

    fn act(self, cache: &Cache, targets: &[DeletionTarget]) {
        let delete = |disposal| cache.delete(&cache.plan_deletion(targets).unwrap(), disposal).unwrap();
        match self {
            Self::Forever => _ = delete(Disposal::Forever),
            Self::Trash => _ = delete(Disposal::Trash),
            Self::Restore => _ = cache.restore(&cache.trash()[0].id).unwrap(),
        }
    }
}

/// The process that is killed: another run of this test's own executable.
#[test]
#[ignore = "what other tests run and kill"]
fn acts() {
    let Some(root) = std::env::var_os(ROOT).map(PathBuf::from) else { return };
    let targets: Vec<DeletionTarget> = serde_json::from_str(&std::env::var(TARGETS).unwrap()).unwrap();
    let named = std::env::var(ACT).unwrap();
    let act = Act::ALL.into_iter().find(|act| format!("{act:?}") == named).unwrap();
    act.act(&Cache::new(root), &targets);
}

/// A deletion that is killed again and again, each time in a fresh copy of the same cache.
struct Row {
    act: Act,
    targets: Vec<DeletionTarget>,
    before: TempDir,
    /// What there is at first, and after an undisturbed deletion.
    first: BTreeMap<PathBuf, String>,
    last: BTreeMap<PathBuf, String>,
    judge: Official,
    /// Where the kills fell, in the order of [`PHASES`].
    histogram: [usize; PHASES.len()],
}

/// How long a process takes to its first change of the cache, from there to its end, and to empty the trash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Times {
    changes: Duration,
    starts: Duration,
    empties: Duration,
}

impl Row {
    fn new(act: Act, targets: Vec<DeletionTarget>) -> Option<Self> {
        let judge = Official::start(Version::Newest, Manner::Shared)?;
        let before = quick_folder();
        lay_out(&before.path().join("hub"));
        let first = tree(&before.path().join("hub"));
        let mut row = Self { act, targets, before, first, last: BTreeMap::new(), judge, histogram: [0; PHASES.len()] };
        let done = row.copied();
        Act::Forever.act(&Cache::new(done.path().to_path_buf()), &row.targets);
        row.last = tree(done.path());
        assert!(row.last.len() + 200 < row.first.len(), "hundreds of entries go");
        Some(row)
    }

    fn copied(&self) -> TempDir {
        let copied = quick_folder();
        copy(&self.before.path().join("hub"), copied.path());
        copied
    }

    /// A cache in which the process has something to do.
    fn prepared(&self) -> TempDir {
        let cache = self.copied();
        if self.act == Act::Restore {
            Act::Trash.act(&Cache::new(cache.path().to_path_buf()), &self.targets);
        }
        cache
    }

    /// What somebody does who finds the cache after a kill. What was half gone is put back first, so that the rest can be asked for again.
    fn again(&self, cache: &TempDir) {
        let cache = Cache::new(cache.path().to_path_buf());
        let missing = [FaultKind::NotFound, FaultKind::RevisionNotFound, FaultKind::EntryNotFound];
        cache.finish_interrupted().unwrap();
        if self.act != Act::Forever {
            return cache.trash().iter().for_each(|entry| drop(cache.restore(&entry.id).unwrap()));
        }
        let is_there = |target: &&DeletionTarget| match cache.plan_deletion(std::slice::from_ref(*target)) {
            Ok(_) => true,
            Err(fault) if missing.contains(&fault.kind) => false,
            Err(fault) => panic!("{fault:?}"),
        };
        let rest: Vec<DeletionTarget> = self.targets.iter().filter(is_there).cloned().collect();
        if !rest.is_empty() {
            let plan = cache.plan_deletion(&rest).unwrap();
            assert_eq!(cache.delete(&plan, Disposal::Forever).unwrap().failures, Vec::<String>::new());
        }
    }

    /// A process that acts.
    fn process(&self, cache: &Path) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "acts", "--ignored"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.env(ROOT, cache).env(TARGETS, json!(self.targets).to_string()).env(ACT, format!("{:?}", self.act));
        command
    }

    /// How long a process takes undisturbed.
    fn times(&self, process: impl Fn(&Self, &Path) -> Command) -> Times {
        let one = || {
            let (cache, started) = (self.prepared(), Instant::now());
            let watch = Watch::new(cache.path());
            let mut child = process(self, cache.path()).spawn().unwrap();
            watch.wait(&mut child);
            let changed = Instant::now();
            wait(&mut child, || empties(cache.path()));
            let emptying = Instant::now();
            assert!(child.wait().unwrap().success());
            Times { changes: changed.elapsed(), starts: changed - started, empties: emptying.elapsed() }
        };
        [one(), one(), one()].into_iter().min().unwrap()
    }

    /// Kills processes at random instants, a few before they change anything, and some while they empty the trash.
    fn suffer(&mut self, what: &str, process: impl Fn(&Self, &Path) -> Command, again: impl Fn(&Self, &TempDir)) {
        let (mut random, mut times) = (Random::new(), self.times(&process));
        let mut share = |of: Duration| of.mul_f64(random.below(1000) as f64 / 1000.0);
        for at in 0..MOST_KILLS {
            if at >= KILLS && self.between() * 4 > KILLS {
                break;
            }
            let cache = self.prepared();
            let watch = Watch::new(cache.path());
            let mut child = process(self, cache.path()).spawn().unwrap();
            match at % 10 {
                0 => thread::sleep(share(times.starts)),
                1..6 => {
                    watch.wait(&mut child);
                    thread::sleep(share(times.changes));
                }
                _ => {
                    wait(&mut child, || empties(cache.path()) || (self.act != Act::Forever && watch.has_changed()));
                    thread::sleep(share(times.empties));
                }
            }
            child.kill().unwrap();
            child.wait().unwrap();
            if self.judge(&cache, &again) == PHASES.len() - 1 {
                // It came too late. A machine with much else to do wakes us whenever it likes.
                times = Times { changes: times.changes.mul_f64(SOONER), empties: times.empties.mul_f64(SOONER), ..times };
            }
        }
        self.tell(what);
    }

    /// What must hold after a kill, and after what somebody does then. Answers with where the kill fell, in [`PHASES`].
    fn judge(&mut self, cache: &TempDir, again: impl Fn(&Self, &TempDir)) -> usize {
        let found = tree(cache.path());
        let gone_in = |tree: &BTreeMap<PathBuf, String>| self.first.keys().filter(|name| !tree.contains_key(*name)).count();
        let (all, gone) = (gone_in(&self.last), gone_in(&found));
        let phase = phase(cache.path(), gone, all);
        self.histogram[phase] += 1;
        let theirs = self.judge.scan(cache.path());
        assert_eq!(theirs["warnings"], json!([]), "{gone} of {all} are gone");
        let ours = Cache::new(cache.path().to_path_buf()).scan().unwrap();
        assert_eq!((json!(ours.size), ours.warnings), (theirs["size"].clone(), vec![]), "{gone} of {all} are gone");
        again(self, cache);
        assert_eq!(trashed(cache.path()), None);
        let (rest, expected) = (tree(cache.path()), if self.act == Act::Forever { &self.last } else { &self.first });
        let differing: Vec<_> = rest.iter().filter(|(name, what)| expected.get(*name) != Some(*what)).map(|(name, _)| name).collect();
        assert!(rest == *expected, "{gone} of {all} were gone; {} are left, not {}: {differing:?}", rest.len(), expected.len());
        phase
    }

    /// How many kills fell between the first change and the last.
    fn between(&self) -> usize {
        self.histogram[1..PHASES.len() - 1].iter().sum()
    }

    fn tell(&self, what: &str) {
        let told: Vec<String> = PHASES.iter().zip(self.histogram).map(|(phase, count)| format!("{phase} {count}")).collect();
        println!("{what}: {}", told.join(", "));
        assert!(self.between() * 4 > KILLS, "a quarter of the kills at least falls in the middle");
    }
}

/// Where a kill can fall: a deletion moves what goes into the trash and then empties that.
const PHASES: [&str; 8] =
    ["before", "first moves", "middle moves", "last moves", "first emptied", "middle emptied", "last emptied", "after"];

/// Where a kill fell, after which `gone` of `all` entries are not in their places.
fn phase(root: &Path, gone: usize, all: usize) -> usize {
    let third = |of: usize| (of * 3 / all).min(2);
    match trashed(root) {
        Some(trash) if trash.join("emptying.json").exists() => 4 + third(all.saturating_sub(tree(&trash).len())),
        Some(trash) if trash.join("kept.json").exists() => PHASES.len() - 1,
        _ if gone == 0 => 0,
        Some(_) => 1 + third(gone),
        None => PHASES.len() - 1,
    }
}

/// Whether the trash is being emptied.
fn empties(root: &Path) -> bool {
    trashed(root).is_some_and(|trash| trash.join("emptying.json").exists())
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
        // Something at the top changes first; hundreds of folders below would only slow the watch down.
        let watched =
            folders.into_iter().filter(|folder| folder.starts_with(root.join(".locks")) || folder.parent() == Some(root) || folder == root);
        Self(watched.map(|folder| (folder.clone(), changed(&folder).unwrap())).collect())
    }

    fn has_changed(&self) -> bool {
        self.0.iter().any(|(folder, time)| changed(folder) != Some(*time))
    }

    /// Waits for the first change, or for the end of the process.
    fn wait(&self, child: &mut Child) {
        wait(child, || self.has_changed());
    }
}

/// Waits until something holds, or for the end of the process.
fn wait(child: &mut Child, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the process goes on");
        thread::yield_now(); // the cache of another process is only there to be looked at
    }
}

fn changed(folder: &Path) -> Option<(i64, i64)> {
    fs::symlink_metadata(folder).ok().map(|found| (found.mtime(), found.mtime_nsec()))
}

/// Kills another run of this test's executable that acts on these.
fn suffer(act: Act, what: &str, targets: Vec<DeletionTarget>) {
    if let Some(mut row) = Row::new(act, targets) {
        row.suffer(what, Row::process, Row::again);
    }
}

fn revisions() -> Vec<DeletionTarget> {
    let many = (1..REVISIONS).map(|at| (MANY, commit(at)));
    let all = many.chain([(BIG, COMMITS[0].to_owned()), (BIG, COMMITS[2].to_owned())]);
    all.map(|(id, commit)| DeletionTarget::Revision { repo: key(id), commit }).collect()
}

fn files() -> Vec<DeletionTarget> {
    let files = (0..FILES).filter(|at| at % 5 > 0).map(path).collect();
    vec![DeletionTarget::Files { repo: key(BIG), commit: None, files }]
}

#[test]
fn kills_while_a_repository_goes() {
    suffer(Act::Forever, "a repository", vec![DeletionTarget::Repo(key(BIG))]);
}

#[test]
fn kills_while_revisions_go() {
    suffer(Act::Forever, "revisions", revisions());
}

#[test]
fn kills_while_files_go() {
    suffer(Act::Forever, "files", files());
}

#[test]
fn kills_while_shared_payloads_go() {
    suffer(Act::Forever, "shared payloads", vec![DeletionTarget::Repo(key(SHARES))]);
}

#[test]
fn kills_on_the_way_into_the_trash() {
    let shared = [DeletionTarget::Repo(key(SHARES))];
    suffer(Act::Trash, "into the trash", revisions().into_iter().chain(shared).collect());
}

#[test]
fn kills_on_the_way_out_of_the_trash() {
    suffer(Act::Restore, "out of the trash", files());
}

#[test]
fn kills_while_several_repositories_come_back() {
    let shared = [DeletionTarget::Repo(key(SHARES))];
    suffer(Act::Restore, "several repositories out of the trash", revisions().into_iter().chain(shared).collect());
}

#[test]
fn kills_of_the_program() {
    let Some(mut row) = Row::new(Act::Forever, vec![DeletionTarget::Repo(key(BIG))]) else { return };
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
