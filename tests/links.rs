//! One set of files for all programs, as the program itself does it: cached files where LM Studio looks, and files of LM Studio's that
//! are recognised by their digest, with the Hub's listing or, without a network, with the one in the cache.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/machine.rs"]
mod machine;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use hfdesk_tui::hubserver::{HubConfig, HubServer};
use machine::{Machine, noise};
use serde_json::Value;
use tokio::runtime::Runtime;

const REPO: &str = "org/model";
const FILE: &str = "m-Q4_K_M.gguf";

/// A machine with LM Studio's folder, and a Hub with one repository.
struct Scene {
    machine: Machine,
    hub: HubServer,
    content: Vec<u8>,
    _runtime: Runtime,
}

impl Scene {
    fn new() -> Self {
        let (machine, runtime, content) = (Machine::new(), Runtime::new().unwrap(), noise(300_000));
        machine.put(REPO, FILE, &content);
        machine.put(REPO, "config.json", b"{}");
        let hub = runtime.block_on(HubServer::start(HubConfig::new(machine.hub()))).unwrap();
        let scene = Self { machine, hub, content, _runtime: runtime };
        fs::create_dir_all(scene.lm_studio()).unwrap();
        scene
    }

    fn lm_studio(&self) -> PathBuf {
        self.machine.path().join("home/.lmstudio/models")
    }

    /// Runs a line that succeeds and answers with its JSON document.
    fn json(&self, line: &str) -> Value {
        let output = self.machine.command(&self.hub.endpoint()).args(line.split(' ')).arg("--json").output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Puts the file where LM Studio keeps what it has downloaded itself, under a name of its own.
    fn put_into_lm_studio(&self) -> PathBuf {
        let path = self.lm_studio().join("somebody/model/other-name.gguf");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &self.content).unwrap();
        path
    }
}

#[test]
fn what_lm_studio_has_is_adopted_and_not_downloaded() {
    let scene = Scene::new();
    scene.put_into_lm_studio();
    let dry = scene.json(&format!("cache link --adopt {REPO} --dry-run"));
    assert_eq!((&dry["adopted"], &dry["dry_run"], &dry["names"][0]["action"]), (&1.into(), &true.into(), &"make".into()), "{dry}");
    assert!(!scene.machine.repo_folder(REPO).exists());
    let done = scene.json(&format!("cache link --adopt {REPO}"));
    assert_eq!((&done["adopted"], &done["failures"]), (&1.into(), &Value::Array(vec![])), "{done}");
    assert_eq!(fs::read(scene.machine.snapshot_file(REPO, FILE)).unwrap(), scene.content);
    scene.json(&format!("download {REPO}"));
    assert!(scene.hub.stats().cdn_bytes < 1000, "only what was missing was fetched");
    let whole = scene.json(&format!("cache verify {REPO}"));
    assert_eq!((&whole["good"], &whole["damaged"]), (&2.into(), &0.into()));
}

#[test]
fn without_a_network_the_listing_in_the_cache_does() {
    let scene = Scene::new();
    scene.json(&format!("download {REPO}"));
    let source = scene.put_into_lm_studio();
    let blob = fs::canonicalize(scene.machine.snapshot_file(REPO, FILE)).unwrap();
    fs::remove_file(&blob).unwrap();
    let done = scene.json(&format!("cache link --adopt {REPO}:q4_k_m --hard --offline"));
    assert_eq!(done["adopted"], 1, "{done}");
    assert_eq!(fs::metadata(blob).unwrap().ino(), fs::metadata(source).unwrap().ino());
    let output = scene.machine.command(&scene.hub.endpoint()).args(["cache", "link", "--adopt", "org/none", "--offline"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "what the cache has no listing of needs the network");
}

#[test]
fn lm_studio_finds_what_is_cached_until_it_is_removed() {
    let scene = Scene::new();
    scene.json(&format!("download {REPO}"));
    let made = scene.json(&format!("cache link {REPO}:q4_k_m --for lmstudio"));
    assert_eq!((&made["made"], &made["cost"]), (&1.into(), &0.into()), "{made}");
    assert_eq!(fs::read(scene.lm_studio().join(REPO).join(FILE)).unwrap(), scene.content);
    let others = scene.json("cache ls --others");
    assert!(others.to_string().contains("300000"), "{others}");
    assert_eq!(scene.json(&format!("cache link {REPO} --for lmstudio --remove"))["removed"], 1);
    assert_eq!(fs::read_dir(scene.lm_studio()).unwrap().count(), 0);
}

#[test]
fn a_friendly_view_needs_a_folder_unless_there_is_one() {
    let scene = Scene::new();
    scene.json(&format!("download {REPO}"));
    let rebuild = || scene.machine.command(&scene.hub.endpoint()).args(["cache", "rebuild"]).output().unwrap();
    assert_eq!(rebuild().status.code(), Some(2));
    let beside = scene.machine.cache().parent().unwrap().join("models");
    fs::create_dir_all(&beside).unwrap();
    let done = scene.json("cache rebuild --clean");
    assert_eq!((&done["repos_scanned"], &done["symlinks_created"], &done["orphans_removed"]), (&1.into(), &2.into(), &0.into()), "{done}");
    assert_eq!(fs::read(beside.join(REPO).join(FILE)).unwrap(), scene.content);
    assert_eq!(scene.json("cache rebuild")["symlinks_created"], 0);
}
