//! The whole program over Xet: the embedded Hub names a content store on loopback, and the file comes from there.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

#[path = "support/machine.rs"]
mod machine;

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;

use hfdesk_tui::desk::Digest;
use hfdesk_tui::engine::cache::verify_blob;
use hfdesk_tui::hubserver::{HubConfig, HubServer, XetStore};
use machine::{Machine, sha256};
use xet::xet_session::{Sha256Policy, XetConfig, XetSessionBuilder};
use xet_client::cas_client::LocalTestServerBuilder;

const REPO: &str = "bench/large";
const FILE: &str = "model.gguf";
const SIZE: usize = 20 << 20;

#[test]
fn a_file_comes_over_xet_unless_that_is_switched_off() {
    let machine = Machine::new();
    let content = machine::noise(SIZE);
    machine.put(REPO, FILE, &content);
    let digest = sha256(&content);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(LocalTestServerBuilder::new().start());
    let hash = runtime.block_on(keep(store.http_endpoint(), content, &machine.path().join("uploads")));
    let cas = XetStore { url: store.http_endpoint().to_owned(), token: "cas".into(), hashes: HashMap::from([(digest.clone(), hash)]) };
    let hub = runtime.block_on(HubServer::start(HubConfig { cas: Some(cas), ..HubConfig::new(machine.hub()) })).unwrap();
    let temporary = machine.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();

    download(&machine, &hub, &temporary, "0");
    assert_eq!(hub.stats().cdn_bytes, 0, "everything came from the store");
    assert!(verify_blob(&machine.snapshot_file(REPO, FILE), &Digest::Sha256(digest)).unwrap());
    assert!(std::fs::read_dir(&temporary).unwrap().next().is_none(), "nothing stays in the temporary folder");
    assert!(!machine.path().join("home/.cache/huggingface/xet").exists(), "nor where hf-xet would keep things");

    std::fs::remove_dir_all(machine.cache()).unwrap();
    download(&machine, &hub, &temporary, "1");
    assert!(hub.stats().cdn_bytes >= SIZE as u64, "everything came over HTTP, and perhaps more: what was sent ahead of a split");
    runtime.block_on(hub.stop());
}

/// Uploads a file to the store; answers its Xet hash.
async fn keep(endpoint: &str, content: Vec<u8>, scratch: &Path) -> String {
    let config = XetConfig::default().with_config("telemetry.enabled", "false").unwrap();
    let session = XetSessionBuilder::new_with_config(config).with_cache_dir(scratch).build().unwrap();
    let commit = session.new_upload_commit().unwrap().with_endpoint(endpoint).build().await.unwrap();
    let upload = commit.upload_bytes(content, Sha256Policy::Compute, None).await.unwrap();
    let hash = upload.finalize_ingestion().await.unwrap().xet_info.hash().to_owned();
    commit.commit().await.unwrap();
    hash
}

fn download(machine: &Machine, hub: &HubServer, temporary: &Path, without_xet: &str) {
    let mut command = machine.command(&hub.endpoint());
    command.args(["download", REPO, FILE, "--quiet"]).stdout(Stdio::null());
    let status = command.env("TMPDIR", temporary).env("HF_HUB_DISABLE_XET", without_xet).status().unwrap();
    assert!(status.success());
}

/// Prints the download's peak of resident memory and its speed: `cargo test --release --test xet -- --ignored --nocapture`.
#[test]
#[ignore = "measures, for minutes and with gigabytes"]
fn measure_memory_and_speed() {
    for (files, size) in [(1_u8, 1 << 30), (8, 256 << 20)] {
        let machine = Machine::new();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let store = runtime.block_on(LocalTestServerBuilder::new().start());
        let mut hashes = HashMap::new();
        for number in 0..files {
            let mut content = machine::noise(size);
            content.iter_mut().step_by(4096).for_each(|byte| *byte ^= number); // so that no file has another's chunks
            machine.put(REPO, &format!("{number}.gguf"), &content);
            let digest = sha256(&content);
            hashes.insert(digest, runtime.block_on(keep(store.http_endpoint(), content, &machine.path().join("uploads"))));
        }
        let cas = XetStore { url: store.http_endpoint().to_owned(), token: "cas".into(), hashes };
        let hub = runtime.block_on(HubServer::start(HubConfig { cas: Some(cas), ..HubConfig::new(machine.hub()) })).unwrap();
        let begun = std::time::Instant::now();
        let mut child = machine.command(&hub.endpoint()).args(["download", REPO, "--quiet"]).stdout(Stdio::null()).spawn().unwrap();
        let mut peak = String::new();
        while child.try_wait().unwrap().is_none() {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            peak = status.lines().find(|line| line.starts_with("VmHWM")).map_or(peak, str::to_owned);
            std::thread::sleep(std::time::Duration::from_millis(20)); // another process's memory is only there to be looked at
        }
        let speed = (u64::from(files) * size as u64) as f64 / begun.elapsed().as_secs_f64() / 1e6;
        println!("{files} files of {} MiB: {speed:.0} MB/s, {peak}, {} bytes over HTTP", size >> 20, hub.stats().cdn_bytes);
        runtime.block_on(hub.stop());
    }
}
