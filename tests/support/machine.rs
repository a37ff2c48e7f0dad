//! What the tests of the whole program share: a folder for everything, repositories to serve, and the binary as a command.

#![allow(dead_code, clippy::unwrap_used, clippy::missing_panics_doc)] // each test uses a part of it, and may stop at the first surprise

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hfdesk_tui::desk::{Digest, RepoId};
use hfdesk_tui::engine::transfer::Partial;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// A folder that stands for a machine: the repositories that a Hub serves, a home, and the cache in it. Removed at the end.
pub struct Machine(TempDir);

impl Machine {
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("hfdesk-test-").tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The folder that a Hub serves.
    pub fn hub(&self) -> PathBuf {
        self.path().join("hub")
    }

    /// The Hugging Face cache.
    pub fn cache(&self) -> PathBuf {
        self.path().join("home/.cache/huggingface/hub")
    }

    /// Puts a file into a model repository that the Hub serves.
    pub fn put(&self, repo: &str, path: &str, content: &[u8]) {
        let target = self.hub().join("models").join(repo).join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, content).unwrap();
    }

    /// The program, with nothing of this machine's environment and this Hub.
    pub fn command(&self, endpoint: &str) -> Command {
        let home = self.path().join("home");
        fs::create_dir_all(&home).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hfdesk-tui"));
        command.env_clear().env("HOME", home).env("HF_ENDPOINT", endpoint).env("NO_PROXY", "*").stdin(std::process::Stdio::null());
        command
    }

    /// A model's folder in the cache.
    pub fn repo_folder(&self, repo: &str) -> PathBuf {
        let id: RepoId = repo.parse().unwrap();
        self.cache().join(format!("models--{}", id.as_str().replace('/', "--")))
    }

    /// The unfinished download of a blob.
    pub fn partial(&self, repo: &str, digest: &Digest) -> Partial {
        let blobs = self.repo_folder(repo).join("blobs");
        let name = |ending| blobs.join(format!("{digest}.hfdesk.{ending}"));
        Partial { data: name("part"), journal: name("json") }
    }

    /// A file of the one snapshot that a model has.
    pub fn snapshot_file(&self, repo: &str, path: &str) -> PathBuf {
        let snapshots = fs::read_dir(self.repo_folder(repo).join("snapshots")).unwrap();
        snapshots.last().unwrap().unwrap().path().join(path)
    }
}

/// Bytes that do not repeat or compress, the same every time.
pub fn noise(size: usize) -> Vec<u8> {
    (0..size as u64 / 8).flat_map(|word| word.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).to_le_bytes()).collect()
}

pub fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}
