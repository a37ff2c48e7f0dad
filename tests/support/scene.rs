//! A Hub with the small samples on loopback, and a machine whose program talks to it.

#![allow(dead_code, clippy::unwrap_used, clippy::missing_panics_doc)] // each test uses a part of it, and may stop at the first surprise

use std::path::PathBuf;
use std::process::{Command, Output};

use hfdesk_tui::hubserver::HubConfig;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::hub::{Served, samples};
use crate::machine::{Machine, sha256};
use crate::terminal::until;

/// The sample repository that downloads are tried with, and a file of it that is large enough to watch at [`SLOW`].
pub const AURORA: &str = "aurora-labs/Aurora-8B-Instruct-GGUF";
pub const Q4: &str = "Aurora-8B-Instruct-Q4_K_M.gguf";

/// What comes along with it when it is chosen as a variant.
pub const PROJECTOR: &str = "mmproj-Aurora-8B-Instruct-F16.gguf";

/// A rate at which that file takes some seconds.
pub const SLOW: u64 = 64 << 10;

/// More than the Hub may still count of a body whose reader has just gone: a slice of the rate for every connection.
pub const REST: u64 = 16 << 10;

/// A Hub and a machine.
pub struct Scene {
    runtime: Runtime,
    pub hub: Served,
    pub machine: Machine,
}

impl Scene {
    /// A Hub that sends large files at [`SLOW`], configured further.
    pub fn new(configure: impl FnOnce(&mut HubConfig)) -> Self {
        let runtime = Runtime::new().unwrap();
        let configured = |config: &mut HubConfig| {
            config.rate = Some(SLOW);
            configure(config);
        };
        let hub = runtime.block_on(Served::start(samples(), configured));
        Self { runtime, hub, machine: Machine::new() }
    }

    /// The program, asked to talk to this Hub.
    pub fn command(&self, line: &str) -> Command {
        let mut command = self.machine.command(&self.hub.endpoint());
        command.args(line.split_whitespace());
        command
    }

    /// Runs a verb to its end.
    pub fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// The jobs that a process of its own sees.
    pub fn jobs(&self) -> Vec<Value> {
        let output = self.run("jobs ls --json");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The state of the one job that a process of its own sees.
    pub fn state(&self) -> String {
        let jobs = self.jobs();
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        jobs[0]["state"].as_str().unwrap().to_owned()
    }

    /// What the Hub answers to a GET.
    pub fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.hub.endpoint());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        self.runtime.block_on(async { client.get(url).send().await.unwrap().json().await.unwrap() })
    }

    /// Size and SHA-256 of the file, as the Hub's tree names them.
    pub fn named_by_the_hub(&self) -> (u64, String) {
        self.named(Q4)
    }

    /// Size and SHA-256 of any of the repository's large files.
    pub fn named(&self, path: &str) -> (u64, String) {
        let tree = self.get(&format!("/api/models/{AURORA}/tree/main?recursive=true"));
        let file = tree.as_array().unwrap().iter().find(|entry| entry["path"] == path).unwrap().clone();
        (file["size"].as_u64().unwrap(), file["lfs"]["oid"].as_str().unwrap().to_owned())
    }

    /// Waits until the Hub has sent a part of the file.
    pub fn sends_a_part(&self) {
        let (size, before) = (self.named_by_the_hub().0, self.sent());
        until(|| (self.sent() > before + size / 4).then_some(()), || "the download moves".to_owned());
    }

    /// Bytes of large files that the Hub has sent.
    pub fn sent(&self) -> u64 {
        self.hub.stats().cdn_bytes
    }

    /// Checks that nothing is being sent: even without a limit, nothing more comes. From now on there is no limit.
    pub fn sends_nothing(&self) {
        let before = self.settled();
        self.hub.set_rate(None);
        let more = self.settled() - before;
        assert!(more < REST, "{more} bytes were sent though nothing should be");
    }

    /// The count of bytes sent, once it has stayed the same over whole requests and answers.
    fn settled(&self) -> u64 {
        let count = || {
            let before = self.sent();
            (0..5).for_each(|_| _ = self.get("/api/models?limit=100"));
            (self.sent() == before).then_some(before)
        };
        until(count, || "the Hub stops sending".to_owned())
    }

    /// The file in the cache.
    pub fn file(&self) -> PathBuf {
        self.machine.snapshot_file(AURORA, Q4)
    }

    /// Checks that the file is in the cache with the content that the Hub names.
    pub fn has_the_file(&self) {
        let content = std::fs::read(self.file()).unwrap();
        assert_eq!(sha256(&content), self.named_by_the_hub().1);
    }

    /// The socket by which processes find the one that runs the queue.
    pub fn socket(&self) -> PathBuf {
        self.machine.path().join("home/.local/state/hfdesk/engine.sock")
    }
}
