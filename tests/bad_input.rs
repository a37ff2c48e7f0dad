//! What goes wrong, as a person at the command line meets it: a clear error, its own exit status, and nothing lost.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop at the first surprise

#[path = "support/machine.rs"]
mod machine;

use std::fs;
use std::process::{Command, Output};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use hfdesk_tui::hubserver::{AcceptedToken, Grant, HubConfig, HubServer, samples};
use machine::Machine;

const QUANTIZATIONS: &str = "aurora-labs/Aurora-8B-Instruct-GGUF";

const GATED: &str = "helios-systems/Helios-7B-Instruct";

/// A Hub with the samples, for as long as the test runs.
struct World {
    machine: Machine,
    hub: HubServer,
    _runtime: tokio::runtime::Runtime,
}

impl World {
    fn new() -> Self {
        let machine = Machine::new();
        samples::generate(&machine.hub(), samples::Scale::Tiny).unwrap();
        let token = AcceptedToken { token: "hf_stranger".to_owned(), user: "stranger".to_owned(), grant: Grant::NotAsked };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let hub = runtime.block_on(HubServer::start(HubConfig { tokens: vec![token], ..HubConfig::new(machine.hub()) })).unwrap();
        Self { machine, hub, _runtime: runtime }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.machine.command(&self.hub.endpoint());
        command.args(line.split(' '));
        command
    }

    fn fails(&self, line: &str, status: i32, says: &[&str]) {
        expect(&self.command(line).output().unwrap(), line, status, says);
    }
}

/// The program ended with this status, and its standard error says all of this; nothing is on standard output.
fn expect(output: &Output, line: &str, status: i32, says: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{line}: {error}");
    for words in says {
        assert!(error.contains(words), "{line} does not say “{words}”: {error}");
    }
    assert!(output.stdout.is_empty(), "{line}: {}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn names_that_lead_nowhere() {
    let world = World::new();
    world.fails("download nobody/nothing", 4, &["Error:", "nobody/nothing", "Hint:"]);
    world.fails(&format!("analyze {QUANTIZATIONS} --revision v9"), 4, &["v9"]);
    world.fails(&format!("download {QUANTIZATIONS} no-such-file.gguf"), 4, &["no-such-file.gguf"]);
    world.fails("analyze not/a/repository", 2, &["not/a/repository"]);
    assert!(!world.machine.cache().exists(), "nothing was written");
}

#[test]
fn a_filter_that_matches_nothing_names_what_there_is() {
    let world = World::new();
    world.fails(&format!("download {QUANTIZATIONS}:q7_k_m"), 4, &["q7_k_m", "Q4_K_M", "Q8_0"]);
    world.fails(&format!("plan {QUANTIZATIONS} --include *.onnx"), 4, &["*.onnx", "Q4_K_M"]);
    assert!(!world.machine.cache().exists(), "nothing was written");
}

#[test]
fn closed_doors() {
    let world = World::new();
    world.fails(&format!("download {GATED}"), 3, &[GATED, "Hint:"]);
    world.fails(
        &format!("download {GATED} --token hf_stranger"),
        3,
        &[GATED, "has not asked for access", "Hint: accept the terms at http"],
    );
    world.fails(&format!("plan {GATED}"), 3, &[GATED, "no token is set", "HF_TOKEN"]);
    let line = "search aurora --token hf_wrong";
    world.fails(line, 3, &["token"]);
    let output = world.command(line).output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("hf_wrong"), "a token is never shown");
}

#[test]
fn an_analysis_tells_what_bars_the_way() {
    let world = World::new();
    let told = |line: &str| {
        let output = world.command(line).output().unwrap();
        let analysis: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (analysis["access"].clone(), analysis["barrier"].clone(), String::from_utf8(output.stderr).unwrap())
    };
    let (access, barrier, stderr) = told(&format!("analyze {GATED} --token hf_stranger --json"));
    assert_eq!((access, &barrier["kind"]), ("gated_manual".into(), &"gated".into()));
    let hint = barrier["hint"].as_str().unwrap();
    assert!(hint.contains(&format!("{}/{GATED}", world.hub.endpoint())) && stderr.contains(hint), "{hint}: {stderr}");
    let (access, barrier, _) = told(&format!("analyze {QUANTIZATIONS} --json"));
    assert_eq!((access, barrier), ("open".into(), serde_json::Value::Null));
}

#[test]
fn a_hub_that_is_not_there() {
    let machine = Machine::new();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = machine.command(&format!("http://{nobody}")).args(["search", "x"]).output().unwrap();
    expect(&output, "search", 5, &["127.0.0.1", "Hint:"]);
    let output = machine.command(&format!("http://{nobody}")).args(["search", "x", "--offline"]).output().unwrap();
    expect(&output, "search --offline", 5, &["offline"]);
}

#[test]
fn a_cache_that_cannot_be_written() {
    let world = World::new();
    let occupied = world.machine.path().join("occupied");
    fs::write(&occupied, "").unwrap();
    let line = format!("download {QUANTIZATIONS}:q4_k_m --exact --cache-dir {}", occupied.display());
    world.fails(&line, 1, &["occupied"]);
}

/// A Hub that names one file of this path and size.
async fn hub_with(path: &'static str, size: u64) -> String {
    let commit = "c".repeat(40);
    let info = serde_json::json!({ "id": "o/n", "sha": commit, "siblings": [{ "rfilename": path }] });
    let oid = "a".repeat(64);
    let file =
        serde_json::json!({ "type": "file", "path": path, "size": size, "oid": "b".repeat(40), "lfs": { "oid": oid, "size": size } });
    let router = Router::new()
        .route("/api/models/o/n/revision/main", get(|| async move { axum::Json(info) }))
        .route("/api/models/o/n/tree/{commit}", get(|| async move { axum::Json([file]) }))
        .fallback(|headers: HeaderMap| async move { format!("{headers:?}") });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn against(path: &'static str, size: u64, status: i32, says: &[&str]) {
    let machine = Machine::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let endpoint = runtime.block_on(hub_with(path, size));
    let output = machine.command(&endpoint).args(["download", "o/n"]).output().unwrap();
    expect(&output, path, status, says);
    assert!(!output.stderr.contains(&0x1b), "no control character reaches the terminal");
    assert!(!machine.cache().exists(), "nothing was written");
}

#[test]
fn a_hub_that_names_hostile_paths() {
    against("../../escape", 3, 1, &["../../escape"]);
    against("a\u{1b}[2Jb", 3, 1, &["[2Jb"]);
}

#[test]
fn a_disk_that_is_too_small() {
    against("model.safetensors", 1 << 60, 6, &["free", "EiB"]);
}
