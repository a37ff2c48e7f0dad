//! Bytes that rot after their download: found, set aside, and only what is wrong fetched again.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/machine.rs"]
mod machine;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use hfdesk_tui::api;
use hfdesk_tui::desk::{Digest, RepoKey, RepoKind, Verdict, VerifyStep, VerifyTarget};
use hfdesk_tui::engine::Engine;
use hfdesk_tui::engine::cache::verify_blob;
use hfdesk_tui::engine::config::{Environment, Flags, Settings};
use hfdesk_tui::hubserver::{HubConfig, HubServer};
use machine::{Machine, sha256};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::runtime::Runtime;

const REPO: &str = "bench/large";
const FILE: &str = "model.gguf";
const BLOCK: u64 = 4 << 20;

/// A machine on which a file was downloaded from a Hub that still has it.
struct Scene {
    machine: Machine,
    runtime: Runtime,
    hub: HubServer,
    digest: Digest,
    size: u64,
}

impl Scene {
    fn new(size: usize) -> Self {
        let machine = Machine::new();
        let content = machine::noise(size);
        machine.put(REPO, FILE, &content);
        machine.put(REPO, "config.json", b"{}");
        let runtime = Runtime::new().unwrap();
        let hub = runtime.block_on(HubServer::start(HubConfig::new(machine.hub()))).unwrap();
        let scene = Self { machine, runtime, hub, digest: Digest::Sha256(sha256(&content)), size: size as u64 };
        scene.succeeds(&format!("download {REPO}"));
        scene
    }

    fn run(&self, line: &str) -> Output {
        // One connection, so that no segment is split: what a server has sent ahead of a split would count, too.
        let settings = self.machine.path().join("one-connection.toml");
        fs::write(&settings, "connections = 1").unwrap();
        self.machine.command(&self.hub.endpoint()).args(line.split(' ')).arg("--config").arg(settings).output().unwrap()
    }

    fn succeeds(&self, line: &str) {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Verifies, and answers with the exit status and the JSON document.
    fn verify(&self, rest: &str) -> (Option<i32>, Value) {
        let output = self.run(format!("cache verify --json {rest}").trim());
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}")))
    }

    fn blob(&self) -> PathBuf {
        self.machine.repo_folder(REPO).join("blobs").join(self.digest.hex())
    }

    fn state(&self) -> PathBuf {
        self.machine.path().join("home/.local/state/hfdesk")
    }

    /// Turns one bit at each of these places and leaves size and time as they were, as a disk does.
    fn rot(&self, places: &[u64]) {
        let file = fs::OpenOptions::new().read(true).write(true).open(self.blob()).unwrap();
        let time = file.metadata().unwrap().modified().unwrap();
        for place in places {
            let mut byte = [0];
            file.read_exact_at(&mut byte, *place).unwrap();
            file.write_all_at(&[byte[0] ^ 1], *place).unwrap();
        }
        file.set_modified(time).unwrap();
    }

    /// Bytes that the Hub's file server sends while the download is carried out again.
    fn fetched_again(&self) -> u64 {
        let before = self.hub.stats().cdn_bytes;
        self.succeeds(&format!("download {REPO}"));
        assert!(verify_blob(&self.machine.snapshot_file(REPO, FILE), &self.digest).unwrap());
        let partial = self.machine.partial(REPO, &self.digest);
        assert!(!partial.data.exists() && !partial.journal.exists());
        assert_eq!(self.verify("").0, Some(0));
        self.hub.stats().cdn_bytes - before
    }
}

#[test]
fn only_damaged_blocks_are_fetched_again() {
    let scene = Scene::new(64 << 20);
    let (status, sound) = scene.verify("");
    assert_eq!((status, &sound["good"], &sound["damaged"]), (Some(0), &Value::from(2), &Value::from(0)));
    scene.rot(&[5, 6 * BLOCK + 17, 6 * BLOCK + 18]);

    let (status, report) = scene.verify(REPO);
    assert_eq!((status, &report["damaged"]), (Some(7), &Value::from(1)));
    let file = report["files"].as_array().unwrap().iter().find(|file| file["verdict"] == "damaged").unwrap();
    assert_eq!((&file["files"][0], &file["digest"]), (&Value::from(FILE), &Value::from(scene.digest.hex())));
    assert_eq!(file["last_good_at"], sound["files"][0]["verified_at"], "nobody has written to it since");
    assert!(scene.blob().exists() && scene.machine.snapshot_file(REPO, FILE).exists(), "verifying changes nothing");

    let (status, repaired) = scene.verify(&format!("{REPO} {FILE} --repair --yes"));
    assert_eq!((status, &repaired["quarantined"][0]["bytes_kept"]), (Some(0), &Value::from(scene.size - 2 * BLOCK)));
    assert!(!scene.blob().exists() && !scene.machine.snapshot_file(REPO, FILE).exists());
    assert_eq!(scene.machine.partial(REPO, &scene.digest).held(scene.size, &scene.digest), scene.size - 2 * BLOCK);
    assert_eq!(scene.fetched_again(), 2 * BLOCK);
}

#[test]
fn a_file_that_was_cut_off_keeps_its_whole_blocks() {
    let scene = Scene::new(20 << 20);
    fs::OpenOptions::new().write(true).open(scene.blob()).unwrap().set_len(2 * BLOCK + 5).unwrap();
    assert_eq!(scene.verify("--repair --yes").0, Some(0));
    assert_eq!(scene.fetched_again(), scene.size - 2 * BLOCK);
}

#[test]
fn without_block_digests_everything_is_fetched_again() {
    let scene = Scene::new(12 << 20);
    fs::remove_dir_all(scene.state().join("blocks")).unwrap();
    scene.rot(&[5]);
    let (_, repaired) = scene.verify("--repair --yes");
    assert_eq!(repaired["quarantined"][0]["bytes_kept"], 0);
    assert_eq!(scene.fetched_again(), scene.size);
    assert!(scene.state().join("blocks").join(format!("{}.json", scene.digest)).exists(), "and they are kept this time");
}

#[test]
fn a_verification_ends_at_once_when_interrupted() {
    let machine = Machine::new();
    let blobs = machine.repo_folder(REPO).join("blobs");
    fs::create_dir_all(machine.repo_folder(REPO).join("snapshots")).unwrap();
    fs::create_dir_all(&blobs).unwrap();
    // A hole that takes many minutes to hash.
    fs::File::create(blobs.join("a".repeat(64))).unwrap().set_len(1 << 40).unwrap();
    let mut verifying = machine.command("http://127.0.0.1:9");
    let mut child = verifying.args(["cache", "verify"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(|| bytes_read(&child) > 4 << 20);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    until(|| child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// Bytes that a process has read so far.
fn bytes_read(child: &Child) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap();
    text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

fn until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5)); // another process's state is only there to be looked at
    }
}

#[test]
fn another_process_verifies_and_repairs_through_the_socket() {
    let scene = Scene::new(9 << 20);
    scene.rot(&[5]);
    scene.runtime.block_on(async {
        let settings = Settings::load(&Flags::default(), &Home(scene.machine.path().join("home"))).unwrap();
        let socket = scene.machine.path().join("desk.sock");
        let server = api::serve(Arc::new(Engine::open(&settings).unwrap()), &socket).unwrap();
        let desk = api::attach(&socket).await.unwrap();
        let steps: Vec<VerifyStep> = desk.verify(Vec::new()).collect().await;
        let Some(VerifyStep::Done(report)) = steps.last() else { panic!("{steps:?}") };
        let damaged: Vec<_> = report.with(Verdict::Damaged).cloned().collect();
        assert_eq!((damaged.len(), report.files.len()), (1, 2));
        let repaired = desk.repair(damaged.clone()).await.unwrap();
        assert_eq!((repaired.quarantined[0].vouched, repaired.failures.len()), (scene.size - BLOCK, 0));
        assert_eq!(desk.repair(damaged).await.unwrap().mended.len(), 1, "it is gone already");
        let missing = VerifyTarget::whole(RepoKey { kind: RepoKind::Model, id: "org/none".parse().unwrap() });
        let failed: Vec<VerifyStep> = desk.verify(vec![missing]).collect().await;
        assert!(matches!(failed.last(), Some(VerifyStep::Failed(_))));
        server.stop().await;
    });
}

/// An environment in which only a home folder is known.
struct Home(PathBuf);

impl Environment for Home {
    fn get(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| self.0.to_string_lossy().into_owned())
    }
}
