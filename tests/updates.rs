//! Updates as the program takes them: what is held changes on the Hub, is fetched, and what it replaced is deleted.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/machine.rs"]
mod machine;

use std::fs;
use std::process::Output;
use std::sync::Arc;

use futures::StreamExt;
use hfdesk_tui::api;
use hfdesk_tui::desk::{UpdateStep, UpdateVerdict};
use hfdesk_tui::engine::Engine;
use hfdesk_tui::engine::config::{Environment, Flags, Settings};
use hfdesk_tui::hubserver::{HubConfig, HubServer};
use machine::{Machine, noise, sha256};
use serde_json::Value;
use tokio::runtime::Runtime;

const REPO: &str = "org/weights";
const SIZE: usize = 1 << 20;

/// A machine that holds a quantization and the config of a repository.
struct Scene {
    machine: Machine,
    runtime: Runtime,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { machine: Machine::new(), runtime: Runtime::new().unwrap() };
        scene.machine.put(REPO, "README.md", b"one");
        scene.machine.put(REPO, "config.json", b"{}");
        scene.machine.put(REPO, "model-q4_k_m.gguf", &noise(SIZE));
        let hub = scene.hub();
        assert!(scene.run(&hub.endpoint(), &format!("download {REPO} model-q4_k_m.gguf config.json")).status.success());
        scene
    }

    /// A Hub that serves what there is now.
    fn hub(&self) -> HubServer {
        self.runtime.block_on(HubServer::start(HubConfig::new(self.machine.hub()))).unwrap()
    }

    fn run(&self, endpoint: &str, line: &str) -> Output {
        self.machine.command(endpoint).args(line.split(' ')).output().unwrap()
    }

    /// The JSON document of a command that succeeds.
    fn told(&self, hub: &HubServer, line: &str) -> Value {
        let output = self.run(&hub.endpoint(), line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn an_update_is_seen_taken_and_tidied_up_after() {
    let scene = Scene::new();
    let new: Vec<u8> = noise(SIZE).into_iter().rev().collect();
    scene.machine.put(REPO, "README.md", b"two");
    scene.machine.put(REPO, "model-q4_k_m.gguf", &new);
    let hub = scene.hub();
    let seen = scene.told(&hub, "cache updates --json");
    let row = &seen["updates"][0];
    assert_eq!((&row["verdict"], &row["changed"], &row["same"]), (&"newer".into(), &1.into(), &1.into()), "{seen}");
    assert_eq!((&seen["to_fetch"], &seen["updated"]), (&SIZE.into(), &0.into()));
    assert_eq!(scene.told(&hub, "cache updates --json")["updates"][0], *row, "asking changes nothing");

    let taken = scene.told(&hub, &format!("cache updates {REPO} --fetch --prune-old --yes --json"));
    assert_eq!((&taken["updated"], &taken["freed"]), (&1.into(), &SIZE.into()), "{taken}");
    assert_eq!(taken["deleted"][0], taken["updates"][0]["old_revision"]);
    assert_eq!(hub.stats().cdn_bytes, SIZE as u64);
    let folder = scene.machine.repo_folder(REPO);
    assert_eq!(fs::read_to_string(folder.join("refs/main")).unwrap(), row["now"]);
    assert_eq!(fs::read_dir(folder.join("snapshots")).unwrap().count(), 1);
    assert!(fs::read(scene.machine.snapshot_file(REPO, "model-q4_k_m.gguf")).unwrap() == new);
    assert!(folder.join("blobs").join(sha256(&new)).exists() && !folder.join("blobs").join(sha256(&noise(SIZE))).exists());
    assert_eq!(scene.told(&hub, "cache updates --json")["updates"][0]["verdict"], "current");
}

#[test]
fn offline_is_an_exit_status_and_an_update_is_not() {
    let scene = Scene::new();
    scene.machine.put(REPO, "README.md", b"two");
    let hub = scene.hub();
    let quiet = scene.run(&hub.endpoint(), "cache updates -q");
    assert_eq!((quiet.status.code(), quiet.stdout.as_slice()), (Some(0), &b"model/org/weights\n"[..]));
    let offline = scene.run(&hub.endpoint(), "cache updates --offline");
    assert_eq!(offline.status.code(), Some(5), "{offline:?}");
    assert_eq!(scene.run(&hub.endpoint(), "cache updates org/none").status.code(), Some(4));
}

#[test]
fn another_process_asks_through_the_first() {
    let scene = Scene::new();
    let hub = scene.hub();
    scene.runtime.block_on(async {
        let flags = Flags { endpoint: Some(hub.endpoint()), ..Flags::default() };
        let settings = Settings::load(&flags, &Home(scene.machine.path().join("home"))).unwrap();
        let socket = scene.machine.path().join("desk.sock");
        let server = api::serve(Arc::new(Engine::open(&settings).unwrap()), &socket).unwrap();
        let steps: Vec<UpdateStep> = api::attach(&socket).await.unwrap().updates(Vec::new()).collect().await;
        let [UpdateStep::Checked { updates, .. }, UpdateStep::Done] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!((updates.len(), updates[0].verdict()), (1, UpdateVerdict::Current));
        server.stop().await;
    });
}

/// An environment in which only a home folder is known.
struct Home(std::path::PathBuf);

impl Environment for Home {
    fn get(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| self.0.to_string_lossy().into_owned())
    }
}
