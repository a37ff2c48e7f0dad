//! The official client as a judge: what it downloads is what we serve, and what we download it reads.
//!
//! Needs `hf` of huggingface_hub 2: `HFDESK_HF` names the executable, else the one on `PATH` is used. Without either the tests are
//! skipped, or fail if `HFDESK_REQUIRE_HF=1`.

#![allow(clippy::unwrap_used)] // a test's helpers fail as loudly as the test itself

#[path = "support/hub.rs"]
mod hub;
#[path = "support/machine.rs"]
mod machine;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hfdesk_tui::hubserver::{AcceptedToken, Grant};
use hub::Served;

/// The client's executable, if it runs; without it the test is skipped loudly, or fails where it is required.
fn client() -> Option<PathBuf> {
    let path = std::env::var_os("HFDESK_HF").map_or_else(|| PathBuf::from("hf"), PathBuf::from);
    let runs = Command::new(&path).arg("version").env("HF_HUB_DISABLE_UPDATE_CHECK", "1").output();
    if runs.is_ok_and(|output| output.status.success()) {
        return Some(path);
    }
    assert_ne!(std::env::var("HFDESK_REQUIRE_HF").as_deref(), Ok("1"), "no hf client: set HFDESK_HF or install huggingface_hub");
    #[allow(clippy::print_stderr)] // a skipped check must be seen
    {
        eprintln!("SKIPPED: no hf client; set HFDESK_HF or install huggingface_hub");
    }
    None
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

/// Every file below a folder except what the Hub keeps for itself, by its path from there.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = waiting.pop() {
        for entry in
            fs::read_dir(next).unwrap().map(Result::unwrap).filter(|entry| !entry.file_name().to_string_lossy().starts_with(".hub"))
        {
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
    let Some(client) = client() else { return };
    let token = AcceptedToken { token: "hf_granted".to_owned(), user: "grace".to_owned(), grant: Grant::Granted };
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

#[tokio::test]
async fn the_official_client_understands_why_a_gate_stays_shut() {
    let Some(client) = client() else { return };
    for (grant, words) in [
        (Grant::NotAsked, "requires approval"),
        (Grant::Pending, "requires approval"),
        (Grant::Rejected, "requires approval"),
        (Grant::Reset, "requires approval"),
        (Grant::NoScope, "Please enable access to public gated repositories"),
    ] {
        let token = AcceptedToken { token: "hf_ada".to_owned(), user: "ada".to_owned(), grant };
        let hub = Served::start(hub::samples(), |config| config.tokens = vec![token]).await;
        let home = tempfile::tempdir().unwrap();
        let download = ["download", "helios-systems/Helios-7B-Instruct", "config.json"];
        let refused = run(&client, &hub.endpoint(), home.path(), "hf_ada", &download).await.unwrap_err();
        assert!(refused.contains(words), "{grant:?}: {refused}");
    }
}

#[tokio::test]
async fn the_official_client_downloads_a_tag() {
    let Some(client) = client() else { return };
    let hub = Served::start(hub::samples(), |_| {}).await;
    let (endpoint, home) = (hub.endpoint(), tempfile::tempdir().unwrap());
    let (id, kept) = ("lumen-research/Lumen-3B-Base", hub.root.path().join("models/lumen-research/Lumen-3B-Base/.hub-revisions"));
    for (revision, folder) in [("v1.0", "v1.0"), ("long-context", "long-context")] {
        let taken = run(&client, &endpoint, home.path(), "", &["download", id, "--revision", revision]).await.unwrap();
        assert_eq!(files(Path::new(&taken)), files(&kept.join(folder)), "{revision}");
    }
    let strict = ["cache", "verify", id, "--revision", "v1.0", "--fail-on-missing-files", "--fail-on-extra-files"];
    run(&client, &endpoint, home.path(), "", &strict).await.unwrap();
    run(&client, &endpoint, home.path(), "", &["download", id, "--revision", "v9"]).await.unwrap_err();
}

/// Asks the official library for a repository's snapshot without a network, and answers with its folder or the complaint.
fn offline_snapshot(client: &Path, home: &Path, id: &str) -> Result<String, String> {
    let python = client.canonicalize().unwrap().with_file_name("python");
    let program = "import sys; from huggingface_hub import snapshot_download as s; print(s(sys.argv[1], local_files_only=True))";
    let mut command = Command::new(if python.exists() { python } else { "python3".into() });
    command.args(["-c", program, id]).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
    let output = command.env("HF_HUB_OFFLINE", "1").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[tokio::test]
async fn the_official_client_reads_what_we_download() {
    let Some(client) = client() else { return };
    let hub = Served::start(hub::samples(), |_| {}).await;
    let (endpoint, machine) = (hub.endpoint(), machine::Machine::new());
    let home = machine.path().join("home");
    let (whole, one) = ("lumen-research/Lumen-3B-Base", "aurora-labs/Aurora-8B-Instruct-GGUF");
    for line in
        [format!("download {whole}"), format!("download {one}:Q4_K_M --exact"), "download openfield/field-notes-qa --type dataset".into()]
    {
        let mut command = machine.command(&endpoint);
        command.args(line.split(' '));
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let mut listing = Command::new(&client);
    listing.args(["cache", "ls", "--format", "json", "--show-warnings"]).env("HF_HUB_CACHE", machine.cache());
    let listing = listing.env("HF_HUB_DISABLE_UPDATE_CHECK", "1").output().unwrap();
    let listed = String::from_utf8_lossy(&listing.stdout);
    assert_eq!(String::from_utf8_lossy(&listing.stderr), "", "no warning");
    for id in [whole, one, "openfield/field-notes-qa"] {
        assert!(listed.contains(id), "{listed}");
    }
    let hf_home = home.join(".cache/huggingface");
    let strict = ["cache", "verify", whole, "--fail-on-missing-files", "--fail-on-extra-files"];
    run(&client, &endpoint, &hf_home, "", &strict).await.unwrap();
    run(&client, &endpoint, &hf_home, "", &["cache", "verify", one, "--fail-on-extra-files"]).await.unwrap();
    for id in [whole, one] {
        let folder = offline_snapshot(&client, &home, id).unwrap();
        assert!(folder.contains("/snapshots/"), "{folder}");
    }
    assert_eq!(files(Path::new(&offline_snapshot(&client, &home, whole).unwrap())), files(&hub.root.path().join("models").join(whole)));
}

#[tokio::test]
async fn the_official_client_agrees_on_what_is_damaged() {
    let Some(client) = client() else { return };
    let hub = Served::start(hub::samples(), |_| {}).await;
    let (endpoint, machine) = (hub.endpoint(), machine::Machine::new());
    let (id, hf_home) = ("lumen-research/Lumen-3B-Base", machine.path().join("home/.cache/huggingface"));
    let ours = |line: String| {
        let mut command = machine.command(&endpoint);
        command.args(line.split(' ')).stdout(std::process::Stdio::null());
        async move { tokio::task::spawn_blocking(move || command.status()).await.unwrap().unwrap().code() }
    };
    assert_eq!(ours(format!("download {id}")).await, Some(0));
    assert_eq!(ours(format!("cache verify {id}")).await, Some(0));
    let weights = fs::canonicalize(machine.snapshot_file(id, "model-00002-of-00003.safetensors")).unwrap();
    let mut content = fs::read(&weights).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(&weights, content).unwrap();
    let verify = ["cache", "verify", id];
    assert_eq!(ours(format!("cache verify {id}")).await, Some(7));
    run(&client, &endpoint, &hf_home, "", &verify).await.unwrap_err();
    assert_eq!(ours(format!("cache verify {id} --repair --yes")).await, Some(0));
    run(&client, &endpoint, &hf_home, "", &verify).await.unwrap();
    let strict = ["cache", "verify", id, "--fail-on-missing-files", "--fail-on-extra-files"];
    run(&client, &endpoint, &hf_home, "", &strict).await.unwrap_err();
    assert_eq!(ours(format!("download {id}")).await, Some(0));
    run(&client, &endpoint, &hf_home, "", &strict).await.unwrap();
}
