//! Moving a repository to another disk and back, by the program, judged by the official client: undisturbed, killed at random instants, and
//! where the two disks really are two.
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
use std::process::{Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use machine::{Machine, sha256};
use official::{Manner, Official, Version};
use random::Random;
use serde_json::{Value, json};
use tempfile::TempDir;
use tree::{quick_folder, tree};

const COMMIT: &str = "00000000000000000000000000000000000000aa";
const FOLDER: &str = "models--org--big";
/// What a copy has in it until its move is at its end.
const MARK: &str = ".hfdesk-move";
/// Files of the repository, and how long the first of them is: copying it takes a while.
const FILES: usize = 120;
const LARGE: usize = 24 << 20;
/// Kills on each way.
const KILLS: usize = 15;

/// A cache on one disk, a folder on another where the system has two, and those who work with both.
struct Scene {
    machine: Machine,
    judge: Official,
    cache: TempDir,
    far: TempDir,
    before: BTreeMap<PathBuf, String>,
    theirs: Value,
}

impl Scene {
    fn new() -> Option<Self> {
        let judge = Official::start(Version::Newest, Manner::Shared)?;
        let (cache, far) = (tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(), quick_folder());
        lay_out(cache.path());
        let before = tree(&cache.path().join(FOLDER).canonicalize().unwrap());
        let mut scene = Self { machine: Machine::new(), judge, cache, far, before, theirs: Value::Null };
        scene.theirs = scene.judge.scan(scene.cache.path());
        assert_eq!(scene.theirs["warnings"], json!([]));
        Some(scene)
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.machine.command("http://127.0.0.1:9");
        command.args(["cache"]).args(args).env("HF_HUB_CACHE", self.cache.path());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What the program prints as JSON.
    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn to(&self) -> [String; 2] {
        ["--to".to_owned(), self.far.path().join("hub").display().to_string()]
    }

    /// The official client must find all there was, without a warning, and so must we.
    fn must_be_whole(&mut self, when: &str) {
        let theirs = self.judge.scan(self.cache.path());
        assert_eq!(theirs["warnings"], json!([]), "{when}");
        assert!(theirs["repos"] == self.theirs["repos"], "{when}: the official client finds something else");
        let rows = self.json(&["ls"]);
        assert_eq!(rows["repos"].as_array().or(rows.as_array()).unwrap().len(), 2, "{when}");
        let mut seen = tree(&self.cache.path().join(FOLDER).canonicalize().unwrap());
        // A blob that was a link into the shared store has its own bytes there.
        let same = |path: &Path| path.starts_with("blobs");
        // What says whose copy it is stays until the move is at its end.
        seen.retain(|path, _| !same(path) && path != Path::new(MARK));
        let before: BTreeMap<_, _> =
            self.before.iter().filter(|(path, _)| !same(path)).map(|(path, what)| (path.clone(), what.clone())).collect();
        assert!(seen == before, "{when}: {} files and links, not {}", seen.len(), before.len());
    }
}

/// A repository of many files and a large one, some of them in the shared store, and another that shares those.
fn lay_out(root: &Path) {
    fs::create_dir_all(root.join("blobs")).unwrap();
    fs::write(root.join("blobs/.huggingface-shared-blobs"), "1\n").unwrap();
    for (id, files) in [("big", 0..FILES), ("other", FILES - 10..FILES)] {
        let folder = root.join(format!("models--org--{id}"));
        let commit = if id == "big" { COMMIT.to_owned() } else { COMMIT.replace('a', "b") };
        for name in ["blobs", "refs"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        for at in files {
            let content = if at == 0 { vec![7; LARGE] } else { format!("{at} is what this file says").into_bytes() };
            add_file(root, &folder, &commit, &format!("{}/{at:04}.bin", at % 7), &content, at + 20 > FILES);
        }
        fs::write(folder.join("refs/main"), commit).unwrap();
    }
}

fn add_file(root: &Path, folder: &Path, commit: &str, path: &str, content: &[u8], shared: bool) {
    let etag = sha256(content);
    let blob = folder.join("blobs").join(&etag);
    if shared {
        let payload = root.join("blobs").join(&etag[..2]).join(&etag);
        fs::create_dir_all(payload.parent().unwrap()).unwrap();
        fs::write(&payload, content).unwrap();
        symlink(format!("../../blobs/{}/{etag}", &etag[..2]), &blob).unwrap();
        let manifest = payload.with_file_name(format!("{etag}.refs"));
        let lines = fs::read_to_string(&manifest).unwrap_or_default();
        fs::write(manifest, format!("{lines}{}\n", blob.strip_prefix(root).unwrap().display())).unwrap();
    } else {
        fs::write(blob, content).unwrap();
    }
    let entry = folder.join("snapshots").join(commit).join(path);
    fs::create_dir_all(entry.parent().unwrap()).unwrap();
    symlink(format!("../../../blobs/{etag}"), entry).unwrap();
}

#[test]
fn a_repository_moves_to_another_disk_and_back() {
    let Some(mut scene) = Scene::new() else { return };
    let [to, folder] = scene.to();
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    let two_disks = device(scene.cache.path()) != device(scene.far.path());
    if !two_disks {
        println!("SKIPPED in part: there is no second disk here, so nothing is moved to one");
        assert_ne!(std::env::var("HFDESK_REQUIRE_SECOND_DISK").as_deref(), Ok("1"), "a second disk is needed");
    }
    let planned = scene.json(&["move", "org/big", &to, &folder, "--dry-run"]);
    scene.must_be_whole("planned");
    let done = scene.json(&["move", "org/big", &to, &folder]);
    assert_eq!((&planned["copied"], &planned["freed"]), (&done["copied"], &done["freed"]));
    scene.must_be_whole("moved");
    assert_eq!(scene.json(&["show", "org/big"])["lies_in"], json!(scene.far.path().join("hub").join(FOLDER)));
    assert_eq!(scene.run(&["verify", "org/big", "--quiet"]).status.code(), Some(0));

    // Parts of it go for good; there is no trash on that disk.
    if two_disks {
        let refused = scene.run(&["rm", "org/big/1/0001.bin", "--trash", "--yes"]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && told.contains("for good") && told.contains("another disk"), "{told}");
        scene.must_be_whole("refused");
    }

    scene.json(&["move", "org/big", "--back"]);
    scene.must_be_whole("back");
    assert_eq!(fs::read_dir(scene.far.path().join("hub")).unwrap().count(), 0);

    // Moved once more and deleted, it takes its folder along, and what comes free is told as being elsewhere.
    scene.json(&["move", "org/big", &to, &folder]);
    let gone = scene.json(&["rm", "org/big", "--yes"]);
    assert!(gone["freed"].as_u64().unwrap() >= LARGE as u64, "{gone}");
    assert_eq!(fs::read_dir(scene.far.path().join("hub")).unwrap().count(), 0);
    let theirs = scene.judge.scan(scene.cache.path());
    assert_eq!((theirs["warnings"].clone(), theirs["repos"].as_object().map(serde_json::Map::len)), (json!([]), Some(1)), "{theirs}");
}

#[test]
fn kills_on_the_way_out_and_back() {
    let Some(mut scene) = Scene::new() else { return };
    let [to, folder] = scene.to();
    let ways: [Vec<&str>; 2] = [vec!["move", "org/big", &to, &folder], vec!["move", "org/big", "--back"]];
    let mut random = Random::new();
    let mut told = Vec::new();
    for (way, args) in ways.iter().enumerate() {
        let mut whole = Duration::from_millis(400);
        let mut fell = 0;
        for kill in 0..KILLS {
            let began = Instant::now();
            let mut child = scene.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // The kill is to fall at any instant, whatever the process is at.
            thread::sleep(whole.mul_f64(random.below(1000) as f64 / 1000.0));
            child.kill().unwrap();
            let ended = child.wait().unwrap();
            if ended.success() {
                whole = began.elapsed().mul_f64(0.9);
            } else {
                fell += 1;
            }
            scene.must_be_whole(&format!("way {way}, kill {kill}"));
            let is_out = scene.cache.path().join(FOLDER).is_symlink();
            if is_out == (way == 0) {
                // It was done: it goes back to where it was for the next.
                let mut undone = scene.run(&ways[1 - way]);
                if String::from_utf8_lossy(&undone.stderr).contains("go on with that one") {
                    // The kill fell on what comes after the exchange of the folders. What the program says to do helps.
                    assert_eq!(scene.run(args).status.code(), Some(0), "way {way}, going on after kill {kill}");
                    undone = scene.run(&ways[1 - way]);
                }
                assert_eq!(undone.status.code(), Some(0), "way {way}, kill {kill}: {}", String::from_utf8_lossy(&undone.stderr));
                scene.must_be_whole(&format!("way {way}, undone after kill {kill}"));
            }
        }
        told.push(format!("{fell} of {KILLS} kills fell on way {way}"));
        let rest = scene.run(args);
        assert_eq!(rest.status.code(), Some(0), "the rest of way {way}: {}", String::from_utf8_lossy(&rest.stderr));
        scene.must_be_whole(&format!("the end of way {way}"));
        assert!(!scene.cache.path().join(FOLDER).join(MARK).exists());
        let elsewhere = if way == 0 { scene.cache.path().join(FOLDER).is_symlink() } else { !scene.cache.path().join(FOLDER).is_symlink() };
        assert!(elsewhere && fell > KILLS / 3, "{told:?}");
    }
    println!("{}", told.join(", "));
    let left: Vec<_> =
        fs::read_dir(scene.cache.path().join(".locks/.hfdesk-moving")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
    assert_eq!(fs::read_dir(scene.far.path().join("hub")).unwrap().count(), 0);
}
