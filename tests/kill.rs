//! kill -9 in the middle of a download: what the journal vouches for is never fetched again, and the digest is right.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop at the first surprise

#[path = "support/machine.rs"]
mod machine;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hfdesk_tui::desk::Digest;
use hfdesk_tui::engine::cache::verify_blob;
use hfdesk_tui::hubserver::{HubConfig, HubServer};
use machine::{Machine, sha256};

const REPO: &str = "bench/large";
const FILE: &str = "model.gguf";
const SIZE: usize = 48 << 20;

#[test]
fn only_what_was_not_journaled_is_fetched_again() {
    let machine = Machine::new();
    let content = machine::noise(SIZE);
    machine.put(REPO, FILE, &content);
    let digest = Digest::Sha256(sha256(&content));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Slow enough that the journal, written at most once a second, has something to say before the end.
    let config = HubConfig { rate: Some(12 << 20), ..HubConfig::new(machine.hub()) };
    let hub = runtime.block_on(HubServer::start(config)).unwrap();
    let partial = machine.partial(REPO, &digest);

    let mut held = 0;
    for share in [3, 5, 8] {
        let killed = killed_at(&machine, &hub, (SIZE as u64 - held) * share / 10);
        assert!(killed, "the download was still running when it was killed");
        let vouched = partial.held(SIZE as u64, &digest);
        assert!(vouched >= held, "nothing that was vouched for got lost: {held} then {vouched}");
        held = vouched;
    }
    assert!(held > 0, "the journal vouches for something after several seconds");

    // A fresh Hub, whose count owes nothing to connections that were cut off.
    runtime.block_on(hub.stop());
    let hub = runtime.block_on(HubServer::start(HubConfig::new(machine.hub()))).unwrap();
    // One connection, so that no segment is split: what a server has sent ahead of a split would count, too.
    let settings = machine.path().join("one-connection.toml");
    std::fs::write(&settings, "connections = 1").unwrap();
    let status = download(&machine, &hub).arg("--config").arg(settings).status().unwrap();
    assert!(status.success());
    assert_eq!(hub.stats().cdn_bytes, SIZE as u64 - held, "fetched again: exactly what the journal lacked");
    let placed = machine.snapshot_file(REPO, FILE);
    assert!(verify_blob(&placed, &digest).unwrap());
    assert!(!partial.data.exists() && !partial.journal.exists());
    runtime.block_on(hub.stop());
}

fn download(machine: &Machine, hub: &HubServer) -> Command {
    let mut command = machine.command(&hub.endpoint());
    command.args(["download", REPO, FILE, "--quiet"]).stdout(Stdio::null());
    command
}

/// Starts a download and kills it once the Hub has sent that many bytes of it; answers whether it was still running.
fn killed_at(machine: &Machine, hub: &HubServer, bytes: u64) -> bool {
    let goal = hub.stats().cdn_bytes + bytes;
    let mut child = download(machine, hub).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while hub.stats().cdn_bytes < goal && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the download moves");
        std::thread::sleep(Duration::from_millis(5)); // the Hub's count is only there to be looked at
    }
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}
