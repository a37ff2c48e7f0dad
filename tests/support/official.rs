//! The official client (`huggingface_hub`) in several versions, each a Python process that lives as long as the test.

#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // each test uses a part of it, and may stop at the first surprise

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What the process runs.
const PROGRAM: &str = include_str!("../cache_differential/client.py");

/// A version of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.17: the last that continues downloads of earlier runs, under the plain name `<etag>.incomplete`.
    V1_17,
    /// 1.29: knows nothing of the blob store that repositories share since 1.32.
    V1_29,
    /// The newest there is.
    Newest,
}

impl Version {
    /// The variable that names its `hf`, and how its number begins.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::V1_17 => ("HFDESK_HF_1_17", "1.17."),
            Self::V1_29 => ("HFDESK_HF_1_29", "1.29."),
            Self::Newest => ("HFDESK_HF", ""),
        }
    }

    /// Its `hf`; the newest may be on the `PATH`.
    fn hf(self) -> Option<PathBuf> {
        let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join("hf")).find(|hf| hf.is_file());
        let named = std::env::var_os(self.names().0).map(PathBuf::from);
        if self == Self::Newest { named.or_else(on_path) } else { named }
    }
}

/// How the client is told to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Links in the snapshots, blobs beside them.
    Links,
    /// Files in the snapshots (`HF_HUB_DISABLE_SYMLINKS`).
    Files,
    /// Xet, and with it the blob store that repositories share.
    Shared,
}

/// A client that answers requests.
pub struct Official {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    home: TempDir,
}

impl Official {
    /// Starts a client. Where that version is not installed it answers `None` and says so, or fails if `HFDESK_REQUIRE_HF=1`.
    pub fn start(version: Version, manner: Manner) -> Option<Self> {
        let (variable, number) = version.names();
        let Some(hf) = version.hf() else {
            assert_ne!(std::env::var("HFDESK_REQUIRE_HF").as_deref(), Ok("1"), "{variable} does not name the path of hf");
            eprintln!("SKIPPED: the official client is not installed; set {variable} to the path of hf");
            return None;
        };
        let (hf, home) = (std::fs::canonicalize(hf).unwrap(), tempfile::tempdir().unwrap());
        let mut child = command(&hf, home.path(), manner).spawn().unwrap();
        let (requests, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut started = Self { child, requests, answers, home };
        let told = started.ask(&json!({ "do": "version" }));
        assert!(told.as_str().unwrap().starts_with(number), "{variable} names version {told}");
        Some(started)
    }

    /// What the client answers. That it cannot is the test's end.
    pub fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests.as_mut().unwrap(), "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let said = || std::fs::read_to_string(self.home.path().join("stderr")).unwrap_or_default();
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the client has ended: {}", said()));
        if let Some(error) = answer["error"].as_str() {
            panic!("{request}: {error}\n{}", said());
        }
        answer["ok"].take()
    }

    /// The cache as the client reads it, to the byte.
    pub fn scan(&mut self, root: &Path) -> Value {
        self.ask(&json!({ "do": "scan", "cache": root }))
    }
}

fn command(hf: &Path, home: &Path, manner: Manner) -> Command {
    let mut command = Command::new(hf.with_file_name("python"));
    command.args(["-c", PROGRAM]).env_clear().env("HOME", home).env("HF_HOME", home).env("NO_PROXY", "*");
    for name in ["HF_HUB_DISABLE_UPDATE_CHECK", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS", "PYTHONDONTWRITEBYTECODE"] {
        command.env(name, "1");
    }
    let flag = |on: bool| if on { "1" } else { "0" };
    command.env("HF_HUB_DISABLE_SYMLINKS", flag(manner == Manner::Files)).env("HF_HUB_DISABLE_XET", flag(manner != Manner::Shared));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(std::fs::File::create(home.join("stderr")).unwrap());
    command
}

impl Drop for Official {
    /// It ends when nobody can ask any more.
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}
