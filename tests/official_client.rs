//! The official `hf` client against our Hub: what it downloads is what we serve.
//!
//! Needs `hf` of huggingface_hub 2: `HFDESK_HF` names the executable, else the one on `PATH` is used. Without either the test is
//! skipped, or fails if `HFDESK_REQUIRE_HF=1`.

#![allow(clippy::unwrap_used)] // a test's helpers fail as loudly as the test itself

#[path = "support/hub.rs"]
mod hub;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hfdesk_tui::hubserver::AcceptedToken;
use hub::Served;

/// The client's executable, if it runs.
fn client() -> Option<PathBuf> {
    let path = std::env::var_os("HFDESK_HF").map_or_else(|| PathBuf::from("hf"), PathBuf::from);
    let runs = Command::new(&path).arg("version").env("HF_HUB_DISABLE_UPDATE_CHECK", "1").output();
    runs.is_ok_and(|output| output.status.success()).then_some(path)
}

/// Runs the client away from this machine's own login and cache, and answers with what it prints, or its complaint.
async fn run(client: &Path, endpoint: &str, home: &Path, token: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(client);
    command.args(arguments).args(["--format", "quiet"]).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HF_ENDPOINT", endpoint).env("HF_HOME", home).env("HOME", home).env("HF_TOKEN", token);
    command.envs([("HF_HUB_DISABLE_UPDATE_CHECK", "1"), ("HF_HUB_DISABLE_TELEMETRY", "1"), ("NO_PROXY", "*")]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Every file below a folder except the Hub's own, by its path from there.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != ".hub.toml") {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push((path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn the_official_client_downloads_what_we_serve() {
    let Some(client) = client() else {
        assert_ne!(std::env::var("HFDESK_REQUIRE_HF").as_deref(), Ok("1"), "no hf client: set HFDESK_HF or install huggingface_hub");
        eprintln!("SKIPPED: no hf client; set HFDESK_HF or install huggingface_hub");
        return;
    };
    let token = AcceptedToken { token: "hf_granted".to_owned(), user: "grace".to_owned(), granted: true };
    let hub = Served::start(hub::samples(), |config| config.tokens = vec![token]).await;
    let (endpoint, home) = (hub.endpoint(), tempfile::tempdir().unwrap());
    let gated = "helios-systems/Helios-7B-Instruct";
    for (kind, id, token) in [
        ("model", "aurora-labs/Aurora-8B-Instruct-GGUF", ""),
        ("model", "lumen-research/Lumen-3B-Base", ""),
        ("dataset", "openfield/field-notes-qa", ""),
        ("space", "aurora-labs/aurora-chat", ""),
        ("model", gated, "hf_granted"),
    ] {
        let folder = run(&client, &endpoint, home.path(), token, &["download", id, "--type", kind]).await.unwrap();
        assert_eq!(files(Path::new(&folder)), files(&hub.root.path().join(format!("{kind}s")).join(id)), "{id}");
    }
    let verify = ["cache", "verify", "aurora-labs/Aurora-8B-Instruct-GGUF", "--fail-on-missing-files", "--fail-on-extra-files"];
    run(&client, &endpoint, home.path(), "", &verify).await.unwrap();
    let other_home = tempfile::tempdir().unwrap();
    let refused = run(&client, &endpoint, other_home.path(), "", &["download", gated]).await.unwrap_err();
    assert!(refused.contains("requires approval"), "{refused}");
}
