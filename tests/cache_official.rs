//! The official client (`huggingface_hub`) as the judge of what this program writes, reads and deletes on the disk.
//!
//! It is looked for at `HFDESK_HF` (the path of `hf`; its Python beside it), else as `hf` on the `PATH`. Without it the tests are skipped
//! loudly, or fail where `HFDESK_REQUIRE_HF=1`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // what a test that is not inside a `#[test]` function may do as well

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use hfdesk_tui::desk::{
    Choice, DeletionTarget, Digest, Disposal, LinkFor, LinkRequest, Plan, PlannedFile, RepoKey, RepoKind, RepoRef, Selection, Verdict,
    VerifiedFile,
};
use hfdesk_tui::engine::cache::{Cache, Place, SetAside, verify_blob};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Digest as _;
use tempfile::TempDir;

const NEXT: &str = "89abcdef0123456789abcdef0123456789abcdef";
const HASH: &str = "c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8";
const FILES: &[(&str, &[u8])] =
    &[("README.md", b"# Weights\n"), ("config.json", b"{}"), ("q4/model.bin", &[4; 70_001]), ("q8/deep/model.bin", &[8; 130_003])];

/// The official client and the cache it judges.
struct Judge {
    hf: PathBuf,
    cache: Cache,
    _dir: TempDir,
}

impl Judge {
    /// An empty cache and its judge, or `None` where there is no official client.
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("hub"));
        let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join("hf")).find(|hf| hf.is_file());
        match std::env::var_os("HFDESK_HF").map(PathBuf::from).or_else(on_path) {
            Some(hf) => Some(Self { hf: fs::canonicalize(hf).unwrap(), cache, _dir: dir }),
            None if std::env::var("HFDESK_REQUIRE_HF").is_ok_and(|value| value == "1") => panic!("no hf: set HFDESK_HF to its path"),
            None => {
                eprintln!("SKIPPED: the official client is not installed; set HFDESK_HF to the path of hf");
                None
            }
        }
    }

    fn run(&self, program: &Path, args: &[&str]) -> Output {
        let home = self.cache.root().parent().unwrap();
        let mut command = Command::new(program);
        command.args(args).env("HF_HOME", home).env("HF_HUB_CACHE", self.cache.root()).env("HF_HUB_OFFLINE", "1");
        for name in ["HF_HUB_DISABLE_UPDATE_CHECK", "HF_HUB_DISABLE_TELEMETRY", "PYTHONDONTWRITEBYTECODE", "NO_COLOR"] {
            command.env(name, "1");
        }
        for name in ["HF_HUB_DISABLE_SYMLINKS", "HF_HUB_DISABLE_SHARED_BLOBS", "HF_HUB_DISABLE_XET"] {
            command.env_remove(name);
        }
        command.output().unwrap()
    }

    /// What `hf` prints as JSON; nothing it says beside that may be a warning or an error.
    fn hf(&self, args: &[&str]) -> Value {
        let output = self.run(&self.hf, args);
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(output.status.success() && !said.contains("warn") && !said.contains("error"), "hf {args:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What a Python program prints as JSON.
    fn python(&self, program: &str, args: &[&str]) -> Value {
        let args: Vec<&str> = ["-c", program].into_iter().chain(args.iter().copied()).collect();
        let output = self.run(&self.hf.with_file_name("python"), &args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The cache as the official client reads it, to the byte.
    fn official_scan(&self) -> Value {
        let program = "
import json
from huggingface_hub import scan_cache_dir
info = scan_cache_dir()
repos = {f'{r.repo_type}/{r.repo_id}': {'size': r.size_on_disk, 'files': r.nb_files,
    'revisions': {v.commit_hash: [sorted(v.refs), len(v.files), v.size_on_disk] for v in r.revisions}} for r in info.repos}
print(json.dumps({'size': info.size_on_disk, 'repos': repos, 'warnings': [str(w) for w in info.warnings]}))";
        self.python(program, &[])
    }

    /// The cache as we read it, in the same shape.
    fn our_scan(&self) -> Value {
        let listing = self.cache.scan().unwrap();
        let revisions = |repo: &hfdesk_tui::desk::CachedRepo| -> Value {
            repo.revisions.iter().map(|r| (r.commit.clone(), json!([r.refs, r.files, r.size]))).collect()
        };
        let repo =
            |r: &hfdesk_tui::desk::CachedRepo| (r.key.to_string(), json!({ "size": r.size, "files": r.files, "revisions": revisions(r) }));
        json!({ "size": listing.size, "repos": listing.repos.iter().map(|found| repo(found)).collect::<Value>(), "warnings": listing.warnings })
    }

    /// Both readings, which must be the same and without a warning.
    fn agreed_scan(&self) -> Value {
        let ours = self.our_scan();
        assert_eq!(ours, self.official_scan());
        assert_eq!(ours["warnings"], json!([]));
        ours
    }

    /// What an offline `snapshot_download` answers: the folder, or the error's name.
    fn offline_snapshot(&self, repo: &str, revision: &str) -> String {
        let program = "
import json, sys
from huggingface_hub import snapshot_download
try:
    print(json.dumps(snapshot_download(sys.argv[1], revision=sys.argv[2], local_files_only=True)))
except Exception as error:
    print(json.dumps(type(error).__name__))";
        self.python(program, &[repo, revision]).as_str().unwrap().to_owned()
    }

    fn place(&self, plan: &Plan) -> Arc<dyn Place> {
        let place = self.cache.place(plan).unwrap();
        place.prepare().unwrap();
        place
    }

    /// Downloads the first `count` files of a plan.
    fn fill(&self, plan: &Plan, files: &[(&str, &[u8])], count: usize) -> Arc<dyn Place> {
        let place = self.place(plan);
        for (file, (_, content)) in plan.files.iter().zip(files).take(count) {
            if place.held(file) {
                place.link(&[file]).unwrap();
                continue;
            }
            fs::write(place.partial(file).data, content).unwrap();
            fs::write(place.partial(file).journal, "{}").unwrap();
            place.place(&[file.into()]).unwrap();
        }
        place
    }

    fn add(&self, repo: &str, files: &[(&str, &[u8])]) -> Arc<dyn Place> {
        self.fill(&plan(repo, files), files, files.len())
    }

    /// A repository whose `model.bin` is a link into the shared store, laid out by hand as the official client does.
    fn add_shared(&self, repo: &str, content: &[u8]) {
        let files: &[(&str, &[u8])] = &[("config.json", b"{}"), ("model.bin", content)];
        let etag = plan(repo, files).files[1].digest.hex().to_owned();
        self.add(repo, files);
        let (root, folder) = (self.cache.root(), format!("models--{}", repo.replace('/', "--")));
        let payload = root.join("blobs/c6").join(HASH);
        let blob = root.join(&folder).join("blobs").join(&etag);
        fs::create_dir_all(payload.parent().unwrap()).unwrap();
        fs::write(root.join("blobs/.huggingface-shared-blobs"), "1\n").unwrap();
        fs::rename(&blob, &payload).unwrap();
        symlink(format!("../../blobs/c6/{HASH}"), &blob).unwrap();
        let manifest = payload.with_file_name(format!("{HASH}.refs"));
        let lines = fs::read_to_string(&manifest).unwrap_or_default();
        fs::write(manifest, format!("{lines}{folder}/blobs/{etag}\n")).unwrap();
        fs::write(payload.with_file_name(format!("{HASH}.lock")), "").unwrap();
    }

    /// Deletes a repository, having compared what comes free with what the official client would free.
    fn delete(&self, repo: &str) -> u64 {
        let planned = self.cache.plan_deletion(&[DeletionTarget::Repo(key(repo))]).unwrap();
        let theirs = self.hf(&["cache", "rm", &key(repo).to_string(), "--dry-run", "--format", "json"]);
        assert_eq!(theirs["size"], json!(as_official(planned.frees)), "{theirs}");
        let report = self.cache.delete(&planned, Disposal::Forever).unwrap();
        assert_eq!((report.freed, report.failures), (planned.frees, vec![]));
        report.freed
    }
}

/// Sets a blob aside, or the file of a snapshot.
fn set_aside(cache: &Cache, repo: &str, path: PathBuf, digest: &Digest) -> SetAside {
    let found = VerifiedFile {
        repo: key(repo),
        path,
        files: Vec::new(),
        commits: Vec::new(),
        size: 0,
        digest: Some(digest.clone()),
        verdict: Verdict::Damaged,
        reason: None,
        verified_at: Timestamp::UNIX_EPOCH,
        last_good_at: None,
    };
    cache.seize(&found).unwrap().unwrap().set_aside().unwrap()
}

/// A size as the official client writes it: decimal units with one digit.
fn as_official(size: u64) -> String {
    match size {
        0..1000 => format!("{size}.0"),
        1000..1_000_000 => format!("{:.1}K", size as f64 / 1e3),
        _ => format!("{:.1}M", size as f64 / 1e6),
    }
}

fn key(repo: &str) -> RepoKey {
    match repo.strip_prefix("datasets/") {
        Some(id) => RepoKey { kind: RepoKind::Dataset, id: id.parse().unwrap() },
        None => RepoKey { kind: RepoKind::Model, id: repo.parse().unwrap() },
    }
}

fn git_sha1(content: &[u8]) -> String {
    let header = format!("blob {}\0", content.len());
    hex::encode(sha1::Sha1::new_with_prefix(header).chain_update(content).finalize())
}

/// A plan for all files of a repository; `.bin` files are LFS files. The commit is the repository's own: the official client deletes
/// by commit alone, and would take one repository for another.
fn plan(repo: &str, files: &[(&str, &[u8])]) -> Plan {
    let RepoKey { kind, id } = key(repo);
    let file = |(path, content): &(&str, &[u8])| {
        let is_lfs = Path::new(path).extension().is_some_and(|extension| extension == "bin");
        let digest = if is_lfs { hex::encode(sha2::Sha256::digest(content)) } else { git_sha1(content) };
        PlannedFile { path: (*path).to_owned(), size: content.len() as u64, digest: digest.parse().unwrap(), xet_hash: None, held: 0 }
    };
    Plan {
        repo: RepoRef { kind, id, revision: "main".parse().unwrap() },
        commit: git_sha1(repo.as_bytes()),
        title: "everything".to_owned(),
        files: files.iter().map(file).collect(),
        left_files: 0,
        left_bytes: 0,
        left: Vec::new(),
        local_dir: None,
        destination: "/nowhere".into(),
        disk_free: None,
    }
}

#[test]
fn what_we_place_is_listed_without_a_warning_and_with_our_sizes() {
    let Some(judge) = Judge::new() else { return };
    judge.add("org/weights", FILES);
    let mut next = plan("org/weights", FILES);
    (next.commit, next.repo.revision) = (NEXT.to_owned(), "refs/pr/1".parse().unwrap());
    judge.fill(&next, FILES, 3);
    let place = judge.add("datasets/org/set", &[("data/train.bin", &[1; 5000])]);
    judge.add("gpt2", &[("config.json", b"{}")]);
    // An unfinished download is nobody's business but ours.
    let unfinished = plan("datasets/org/set", &[("w.bin", b"unfinished")]);
    fs::write(place.partial(&unfinished.files[0]).data, "unfin").unwrap();
    fs::write(place.partial(&unfinished.files[0]).journal, "{}").unwrap();
    drop(place.lock(&unfinished.files[0]).unwrap());

    let scan = judge.agreed_scan();
    assert_eq!(scan["repos"]["model/org/weights"]["size"], 200_016);
    assert_eq!(scan["repos"]["model/org/weights"]["revisions"][NEXT], json!([["refs/pr/1"], 3, 70_013]));
    let rows = judge.hf(&["cache", "ls", "--format", "json", "--show-warnings", "--sort", "size:desc"]);
    let rows: Vec<_> = rows.as_array().unwrap().iter().map(|row| (row["id"].as_str().unwrap(), row["size"].as_str().unwrap())).collect();
    assert_eq!(rows, [("model/org/weights", "200.0K"), ("dataset/org/set", "5.0K"), ("model/gpt2", "2.0")]);
}

#[test]
fn a_cache_without_links_is_read_alike() {
    let Some(mut judge) = Judge::new() else { return };
    judge.cache = judge.cache.clone().without_symlinks();
    judge.add("org/weights", FILES);
    assert_eq!(judge.agreed_scan()["size"], 200_016);
    assert!(Path::new(&judge.offline_snapshot("org/weights", "main")).join("q4/model.bin").is_file());
}

#[test]
fn snapshots_are_found_offline() {
    let Some(judge) = Judge::new() else { return };
    let whole = judge.add("org/weights", FILES);
    assert_eq!(judge.offline_snapshot("org/weights", "main"), whole.dir().to_str().unwrap());
    assert_eq!(judge.offline_snapshot("org/weights", &plan("org/weights", &[]).commit), whole.dir().to_str().unwrap());
    // Without the listing it is found as well.
    fs::remove_dir_all(judge.cache.root().join("models--org--weights/trees")).unwrap();
    assert_eq!(judge.offline_snapshot("org/weights", "main"), whole.dir().to_str().unwrap());
    // A plan that leaves files out has no listing, and what it placed is found.
    let mut some = plan("org/some", FILES);
    some.files.truncate(3);
    some.left_files = 1;
    let place = judge.fill(&some, FILES, 3);
    assert_eq!(judge.offline_snapshot("org/some", "main"), place.dir().to_str().unwrap());
}

/// Files of another program in its folder, as `org/weights` has them.
fn lay_out(folder: &Path, files: &[(&str, &[u8])]) {
    for (path, content) in files {
        let path = folder.join("org/weights").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[test]
fn an_adopted_repository_is_read_offline_and_verified() {
    for hard in [false, true] {
        let Some(judge) = Judge::new() else { return };
        let (plan, models) = (plan("org/weights", FILES), judge.cache.root().parent().unwrap().join("models"));
        lay_out(&models, FILES);
        let request = LinkRequest::Adopt { selection: Selection::new(plan.repo.clone(), Choice::Everything), from: None, hard };
        let links = judge.cache.plan_adoption(&request, plan.clone(), vec![models.clone()]).unwrap();
        let report = judge.cache.link(&links).unwrap();
        assert_eq!((report.made, report.failures), (4, vec![]));
        let snapshot = judge.offline_snapshot("org/weights", "main");
        assert_eq!(Path::new(&snapshot), links.folder);
        judge.agreed_scan();
        for (file, (path, content)) in plan.files.iter().zip(FILES) {
            let read = fs::read(Path::new(&snapshot).join(path)).unwrap();
            assert!(read == *content && verify_blob(&links.folder.join(path), &file.digest).unwrap(), "{path}");
        }
        // A view of it for others does not bother the official client, and neither does its end.
        let into = Some(judge.cache.root().parent().unwrap().join("view"));
        let (repo, program) = (key("org/weights"), LinkFor::LmStudio);
        let view = LinkRequest::View { repo: repo.clone(), commit: None, files: Vec::new(), program, into: into.clone(), how: None };
        for request in [view, LinkRequest::Remove { repo, program, into }] {
            let links = judge.cache.plan_links(&request).unwrap();
            assert_eq!(judge.cache.link(&links).unwrap().failures, Vec::<String>::new());
            judge.agreed_scan();
            assert_eq!(judge.hf(&["cache", "ls", "--format", "json", "--show-warnings"]).as_array().unwrap().len(), 1);
        }
    }
}

#[test]
fn an_interrupted_whole_download_is_not_taken_for_a_snapshot() {
    let Some(judge) = Judge::new() else { return };
    judge.fill(&plan("org/weights", FILES), FILES, 2);
    assert_eq!(judge.offline_snapshot("org/weights", "main"), "IncompleteSnapshotError");
    judge.agreed_scan();
    let place = judge.fill(&plan("org/weights", FILES), FILES, 4);
    assert_eq!(judge.offline_snapshot("org/weights", "main"), place.dir().to_str().unwrap());
}

#[test]
fn a_plain_folders_records_are_believed() {
    let Some(judge) = Judge::new() else { return };
    let folder = judge.cache.root().parent().unwrap().join("out");
    let plan = Plan { local_dir: Some(folder.clone()), ..plan("org/weights", FILES) };
    judge.fill(&plan, FILES, 4);
    let program = "
import json, sys
from pathlib import Path
from huggingface_hub._local_folder import read_download_metadata
found = read_download_metadata(Path(sys.argv[1]), sys.argv[2])
print(json.dumps([found.commit_hash, found.etag]))";
    let found = judge.python(program, &[folder.to_str().unwrap(), "q8/deep/model.bin"]);
    assert_eq!(found, json!([plan.commit, plan.files[3].digest.hex()]));
}

#[test]
fn our_locks_exclude_the_official_client() {
    let Some(judge) = Judge::new() else { return };
    let plan = plan("org/weights", FILES);
    let place = judge.place(&plan);
    let path = judge.cache.root().join(format!(".locks/models--org--weights/{}.lock", plan.files[0].digest));
    let program = "
import json, sys
from filelock import FileLock, Timeout
try:
    FileLock(sys.argv[1], mode=0o664).acquire(timeout=0)
    print(json.dumps('taken'))
except Timeout:
    print(json.dumps('busy'))";
    let lock = place.lock(&plan.files[0]).unwrap().unwrap();
    assert_eq!(judge.python(program, &[path.to_str().unwrap()]), "busy");
    drop(lock);
    assert_eq!(judge.python(program, &[path.to_str().unwrap()]), "taken");
}

#[test]
fn a_shared_store_is_read_and_collected_alike() {
    let Some(judge) = Judge::new() else { return };
    judge.add_shared("org/a", &[7; 9_000]);
    judge.add_shared("org/b", &[7; 9_000]);
    judge.add("org/c", FILES);
    let scan = judge.agreed_scan();
    assert_eq!(scan["repos"]["model/org/a"]["size"], 9_002);
    assert_eq!(scan["size"], 9_000 + 2 + 2 + 200_016);

    let payload = judge.cache.root().join("blobs/c6").join(HASH);
    assert_eq!(judge.delete("org/a"), 2);
    assert!(payload.exists());
    judge.agreed_scan();
    assert_eq!(judge.delete("org/b"), 9_002);
    assert!(!payload.exists());
    assert_eq!(judge.agreed_scan()["size"], 200_016);
    assert_eq!(judge.hf(&["cache", "ls", "--format", "json", "--show-warnings"])[0]["id"], "model/org/c");
}

#[test]
fn a_payload_we_adopted_is_collected_by_the_official_client() {
    let Some(judge) = Judge::new() else { return };
    judge.add_shared("org/a", &[7; 9_000]);
    let mut plan = plan("org/b", &[("copy.bin", &[7; 9_000])]);
    plan.files[0].xet_hash = Some(HASH.to_owned());
    let place = judge.place(&plan);
    assert!(place.held(&plan.files[0]));
    place.link(&[&plan.files[0]]).unwrap();
    assert_eq!(judge.agreed_scan()["size"], 9_002);
    let freed = |repo: &str| judge.hf(&["cache", "rm", repo, "--yes", "--format", "json"])["freed"].clone();
    assert_eq!(freed("model/org/a"), "2.0");
    assert_eq!(fs::read(place.file_path(&plan.files[0])).unwrap().len(), 9_000);
    assert_eq!(freed("model/org/b"), "9.0K");
    assert!(!judge.cache.root().join("blobs/c6").join(HASH).exists());
}

#[test]
fn an_interrupted_deletion_leaves_a_cache_the_official_client_reads() {
    let Some(judge) = Judge::new() else { return };
    let place = judge.add("org/weights", FILES);
    let repo = judge.cache.root().join("models--org--weights");
    // The order of `Cache::delete`, stopped after each step.
    for part in [repo.join("refs"), place.dir().join("q4"), place.dir(), repo.join("blobs"), repo.join("trees")] {
        fs::remove_dir_all(&part).unwrap();
        assert_eq!(judge.official_scan()["warnings"], json!([]), "after {}", part.display());
    }
    judge.cache.delete(&judge.cache.plan_deletion(&[DeletionTarget::Repo(key("org/weights"))]).unwrap(), Disposal::Forever).unwrap();
    assert!(!repo.exists());
}

#[test]
fn what_is_set_aside_is_missing_without_a_warning() {
    let Some(judge) = Judge::new() else { return };
    let place = judge.add("org/weights", FILES);
    let file = plan("org/weights", FILES).files[2].clone();
    let blob = judge.cache.root().join("models--org--weights/blobs").join(file.digest.hex());
    // The order in which it happens, stopped after each step: the entry goes, then the blob.
    fs::remove_file(place.file_path(&file)).unwrap();
    judge.agreed_scan();
    place.link(&[&file]).unwrap();
    let aside = set_aside(&judge.cache, "org/weights", blob, &file.digest);
    assert!(aside.partial.data.exists() && !place.file_path(&file).exists());
    assert_eq!(judge.agreed_scan()["size"], 200_016 - 70_001);
    judge.hf(&["cache", "ls", "--format", "json", "--show-warnings"]);
    assert_eq!(judge.offline_snapshot("org/weights", "main"), "IncompleteSnapshotError");
}

#[test]
fn a_shared_payload_that_is_set_aside_is_missing_without_a_warning() {
    let Some(judge) = Judge::new() else { return };
    judge.add_shared("org/a", &[7; 9_000]);
    judge.add_shared("org/b", &[7; 9_000]);
    let file = plan("org/a", &[("model.bin", &[7; 9_000])]).files.remove(0);
    let blob = |repo: &str| judge.cache.root().join(format!("models--org--{repo}/blobs")).join(file.digest.hex());
    // Stopped after each step: the entries go, then the payload while the blobs still link to it.
    let payload = judge.cache.root().join("blobs/c6").join(HASH);
    let aside_by_hand = tempfile::tempdir().unwrap();
    let away = |name: &str| aside_by_hand.path().join(name);
    let entry = |repo: &str| judge.cache.place(&plan(repo, &[("model.bin", &[7; 9_000])])).unwrap().file_path(&file);
    let moves = [(entry("org/a"), away("a")), (entry("org/b"), away("b")), (payload, away("payload"))];
    for (from, to) in &moves {
        fs::rename(from, to).unwrap();
        judge.agreed_scan();
    }
    for (from, to) in moves.iter().rev() {
        fs::rename(to, from).unwrap();
    }
    assert_eq!(judge.agreed_scan()["size"], 9_004);

    let aside = set_aside(&judge.cache, "org/b", blob("b"), &file.digest);
    assert_eq!(aside.shared_with.len(), 1);
    assert!(!blob("a").is_symlink() && !blob("b").is_symlink() && aside.partial.data.exists());
    assert_eq!(judge.agreed_scan()["size"], 4);
    judge.hf(&["cache", "ls", "--format", "json", "--show-warnings"]);
}
