//! The official client as the judge of a cache that was mended: what hid a repository from it, or made it warn, does so no more, and
//! what was sound is there as before.
//!
//! It is looked for at `HFDESK_HF` (the path of `hf`; its Python beside it), else as `hf` on the `PATH`. Without it the tests are skipped
//! loudly, or fail where `HFDESK_REQUIRE_HF=1`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // what a test that is not inside a `#[test]` function may do as well

#[path = "support/machine.rs"]
mod machine;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use hfdesk_tui::desk::{DeletionTarget, Disposal, Finding, RepoKey, RepoKind, Trouble};
use hfdesk_tui::engine::cache::Cache;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const HASH: &str = "c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8";
const ETAGS: [&str; 2] = ["12bb839b12bb839b12bb839b12bb839b12bb839b", "22bb839b22bb839b22bb839b22bb839b22bb839b"];

/// A cache of two repositories with two files each, and the official client.
struct Judge {
    hf: PathBuf,
    cache: Cache,
    repo: PathBuf,
    _dir: TempDir,
}

impl Judge {
    /// `None` where there is no official client.
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join("hf")).find(|hf| hf.is_file());
        let Some(hf) = std::env::var_os("HFDESK_HF").map(PathBuf::from).or_else(on_path) else {
            assert!(std::env::var("HFDESK_REQUIRE_HF").as_deref() != Ok("1"), "no hf: set HFDESK_HF to its path");
            eprintln!("SKIPPED: the official client is not installed; set HFDESK_HF to the path of hf");
            return None;
        };
        let cache = Cache::new(dir.path().join("hub"));
        let repo = cache.root().join("models--org--m");
        for name in ["models--org--m", "datasets--org--set"] {
            lay_out(&cache.root().join(name));
        }
        fs::create_dir_all(cache.root().join(".locks/models--org--m")).unwrap();
        fs::create_dir_all(cache.root().join(".locks/datasets--org--set")).unwrap();
        Some(Self { hf: fs::canonicalize(hf).unwrap(), cache, repo, _dir: dir })
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("HF_HOME", self.cache.root().parent().unwrap()).env("HF_HUB_CACHE", self.cache.root()).env("HF_HUB_OFFLINE", "1");
        for name in ["HF_HUB_DISABLE_UPDATE_CHECK", "HF_HUB_DISABLE_TELEMETRY", "PYTHONDONTWRITEBYTECODE", "NO_COLOR"] {
            command.env(name, "1");
        }
        command
    }

    /// How many warnings the official client has, and how many files each repository, as it reads the cache.
    fn scan(&self) -> (usize, Value) {
        let program = "
import json
from huggingface_hub import scan_cache_dir
info = scan_cache_dir()
print(json.dumps([len(info.warnings), {r.repo_id: r.nb_files for r in info.repos}]))";
        let output = self.command(&self.hf.with_file_name("python")).args(["-c", program]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read: Value = serde_json::from_slice(&output.stdout).unwrap();
        (usize::try_from(read[0].as_u64().unwrap()).unwrap(), read[1].clone())
    }

    /// Fails where `hf cache ls` has anything to say beside the listing.
    fn assert_quiet(&self) {
        let output = self.command(&self.hf).args(["cache", "ls", "--format", "json"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(output.status.success() && !said.contains("warn") && !said.contains("prune") && !said.contains("error"), "{said}");
    }

    /// Mends everything that can be; afterwards nothing more can.
    fn mend(&self) -> Vec<Finding> {
        let found = self.cache.diagnose(Timestamp::now()).unwrap();
        let report = self.cache.mend(&found, Timestamp::now());
        assert_eq!((&report.mended, report.failures), (&found, vec![]));
        assert_eq!(self.cache.diagnose(Timestamp::now()).unwrap(), []);
        found
    }

    /// Mends damage that the official client warns of, and compares what it reads then.
    fn cured(&self, trouble: Trouble, files: &Value) {
        assert!(self.scan().0 > 0, "the official client sees nothing wrong");
        assert!(self.mend().iter().all(|found| found.trouble == trouble));
        assert_eq!(self.scan(), (0, files.clone()));
        self.assert_quiet();
    }
}

/// A repository of two files.
fn lay_out(repo: &Path) {
    let snapshot = repo.join("snapshots").join(COMMIT);
    for folder in [repo.join("blobs"), repo.join("refs"), snapshot.join("sub")] {
        fs::create_dir_all(folder).unwrap();
    }
    for etag in ETAGS {
        fs::write(repo.join("blobs").join(etag), etag).unwrap();
    }
    symlink(format!("../../blobs/{}", ETAGS[0]), snapshot.join("one")).unwrap();
    symlink(format!("../../../blobs/{}", ETAGS[1]), snapshot.join("sub/two")).unwrap();
    fs::write(repo.join("refs/main"), COMMIT).unwrap();
}

fn whole() -> Value {
    json!({ "org/m": 2, "org/set": 2 })
}

#[test]
fn broken_links() {
    let Some(judge) = Judge::new() else { return };
    assert_eq!(judge.scan(), (0, whole()));
    fs::remove_file(judge.repo.join("blobs").join(ETAGS[1])).unwrap();
    judge.cured(Trouble::BrokenLink, &json!({ "org/m": 1, "org/set": 2 }));
    fs::remove_file(judge.repo.join("blobs").join(ETAGS[0])).unwrap();
    judge.cured(Trouble::BrokenLink, &json!({ "org/m": 0, "org/set": 2 }));
}

#[test]
fn dangling_refs() {
    let Some(judge) = Judge::new() else { return };
    fs::create_dir_all(judge.repo.join("refs/refs/pr")).unwrap();
    fs::write(judge.repo.join("refs/refs/pr/1"), "f".repeat(40)).unwrap();
    judge.cured(Trouble::DanglingRef, &whole());
}

#[test]
fn malformed_refs() {
    let Some(judge) = Judge::new() else { return };
    fs::write(judge.repo.join("refs/main"), format!("{COMMIT}\n")).unwrap();
    judge.cured(Trouble::MalformedRef, &whole());
    fs::write(judge.repo.join("refs/odd"), "main").unwrap();
    judge.cured(Trouble::MalformedRef, &whole());
}

#[test]
fn repositories_without_snapshots() {
    let Some(judge) = Judge::new() else { return };
    fs::create_dir_all(judge.cache.root().join("models--org--bare/refs")).unwrap();
    fs::write(judge.cache.root().join("models--org--bare/refs/main"), COMMIT).unwrap();
    judge.cured(Trouble::NoSnapshots, &whole());
}

#[test]
fn unused_payloads() {
    let Some(judge) = Judge::new() else { return };
    let store = judge.cache.root().join("blobs");
    fs::create_dir_all(store.join("c6")).unwrap();
    fs::write(store.join(".huggingface-shared-blobs"), "1\n").unwrap();
    let before = judge.scan(); // versions before the shared store warn of it
    fs::write(store.join("c6").join(HASH), vec![1; 4096]).unwrap();
    fs::write(store.join("c6").join(format!("{HASH}.refs")), "").unwrap();
    assert_eq!(judge.mend()[0].trouble, Trouble::OrphanPayload);
    assert_eq!((judge.scan(), store.join("c6").join(HASH).exists()), (before, false));
}

#[test]
fn old_partials() {
    let Some(judge) = Judge::new() else { return };
    let partial = judge.repo.join("blobs").join(format!("{}.1a2b3c4d.incomplete", "a".repeat(64)));
    fs::write(&partial, vec![1; 4096]).unwrap();
    let old = std::time::SystemTime::from(Timestamp::now() - SignedDuration::from_hours(30));
    fs::File::options().write(true).open(&partial).unwrap().set_modified(old).unwrap();
    assert_eq!(judge.mend()[0].trouble, Trouble::StalePartial);
    judge.assert_quiet();
    assert_eq!((judge.scan(), partial.exists()), ((0, whole()), false));
}

#[test]
fn all_at_once() {
    let Some(judge) = Judge::new() else { return };
    fs::remove_file(judge.repo.join("blobs").join(ETAGS[1])).unwrap();
    fs::write(judge.repo.join("refs/gone"), "f".repeat(40)).unwrap();
    fs::write(judge.cache.root().join("datasets--org--set/refs/v1"), format!("{COMMIT}\n")).unwrap();
    fs::create_dir_all(judge.cache.root().join("spaces--org--s/refs")).unwrap();
    fs::create_dir_all(judge.cache.root().join(".locks/models--org--long-gone")).unwrap();
    assert_eq!(judge.scan(), (3, json!({})));
    assert_eq!(judge.mend().len(), 5);
    assert_eq!(judge.scan(), (0, json!({ "org/m": 1, "org/set": 2 })));
    judge.assert_quiet();
}

#[test]
fn a_repository_that_no_hub_can_have_is_deleted_as_the_finding_says() {
    let Some(judge) = Judge::new() else { return };
    let odd = judge.cache.root().join("models--a--b--c");
    lay_out(&odd);
    let found = judge.cache.diagnose(Timestamp::now()).unwrap();
    let [found] = &found[..] else { panic!("{found:?}") };
    let listed = judge.command(&judge.hf).args(["cache", "ls", "-q"]).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).lines().any(|id| id == "model/a/b/c" && found.message.contains(id)), "{listed:?}");
    let command = found.advice.as_ref().unwrap().split(": ").nth(1).unwrap().split(';').next().unwrap();
    let done = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(done.status.success() && !odd.exists(), "{command}: {done:?}");
    assert_eq!(judge.scan(), (0, whole()));
}

#[test]
fn whoever_only_looks_leaves_an_interrupted_deletion_as_it_is() {
    let machine = machine::Machine::new();
    let cache = Cache::new(machine.cache());
    for name in ["models--org--m", "models--org--gone"] {
        lay_out(&cache.root().join(name));
    }
    let gone = DeletionTarget::Repo(RepoKey { kind: RepoKind::Model, id: "org/gone".parse().unwrap() });
    cache.delete(&cache.plan_deletion(&[gone]).unwrap(), Disposal::Trash).unwrap();
    // As it is between the last move and the end.
    let folder = cache.root().join(".locks/.hfdesk-trash").join(&cache.trash()[0].id.0);
    fs::rename(folder.join("kept.json"), folder.join("moving.json")).unwrap();
    let run = |line: &str| machine.command("http://127.0.0.1:9").args(line.split(' ')).output().unwrap();
    for look in
        ["cache doctor", "cache ls", "cache show org/m", "cache trash", "cache rm org/m --dry-run", "cache prune --dry-run", "jobs ls"]
    {
        let done = run(look);
        assert!(done.status.success() && folder.join("moving.json").exists(), "{look}: {done:?}");
    }
    let told: Value = serde_json::from_slice(&run("cache doctor --json").stdout).unwrap();
    assert_eq!((&told["findings"][0]["trouble"], &told["warnings"]), (&json!("interrupted_deletion"), &json!(1)), "{told}");
    let mended = run("cache doctor --fix --yes --json");
    let told: Value = serde_json::from_slice(&mended.stdout).unwrap();
    assert_eq!((mended.status.code(), &told["mended"][0]["trouble"]), (Some(0), &json!("interrupted_deletion")), "{told}");
    assert_eq!(cache.trash().len(), 1);
    // Whoever deletes finishes it first.
    fs::rename(folder.join("kept.json"), folder.join("moving.json")).unwrap();
    assert!(run("cache rm org/m --yes").status.success() && !folder.join("moving.json").exists());
}
