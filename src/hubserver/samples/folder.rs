//! Writing sample files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::noise::Noise;
use crate::desk::Fault;

/// Which files git hands to LFS.
const ATTRIBUTES: &str = "*.gguf filter=lfs diff=lfs merge=lfs -text\n*.safetensors filter=lfs diff=lfs merge=lfs -text\n";

/// A folder that sample files go to.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if it is not there.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, Fault> {
        let path = path.into();
        fs::create_dir_all(&path).map_err(|error| Fault::disk(format!("create the folder {}", path.display()), error))?;
        Ok(Self(path))
    }

    /// A folder below this one.
    pub fn below(&self, path: &str) -> Result<Self, Fault> {
        Self::new(self.0.join(path))
    }

    /// Writes a text.
    pub fn text(&self, name: &str, content: &str) -> Result<(), Fault> {
        let path = self.0.join(name);
        fs::write(&path, content).map_err(|error| failed(&path, error))
    }

    /// Writes a JSON document as people format it.
    pub fn json(&self, name: &str, document: &Value) -> Result<(), Fault> {
        self.text(name, &format!("{document:#}\n"))
    }

    /// Writes a header and then this many random bytes, which depend on the header and the file's name.
    pub fn binary(&self, name: &str, header: &[u8], random: u64) -> Result<(), Fault> {
        let path = self.0.join(name);
        let mut noise = Noise::of(&format!("{name} {} {random}", header.len()));
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(header)?;
            noise.write(&mut file, random)
        });
        written.map_err(|error| failed(&path, error))
    }

    /// Makes a repository with a README, git's attributes and the facts that a Hub keeps (TOML).
    pub fn repo(&self, path: &str, readme: &str, facts: &str) -> Result<Self, Fault> {
        let repo = self.below(path)?;
        repo.text("README.md", readme)?;
        repo.text(".gitattributes", ATTRIBUTES)?;
        repo.text(".hub.toml", facts)?;
        Ok(repo)
    }

    /// Makes the folder of another commit of this repository, which its facts must name, with a README and git's attributes.
    pub fn commit(&self, folder: &str, readme: &str) -> Result<Self, Fault> {
        let commit = self.below(&format!(".hub-revisions/{folder}"))?;
        commit.text("README.md", readme)?;
        commit.text(".gitattributes", ATTRIBUTES)?;
        Ok(commit)
    }
}

fn failed(path: &Path, error: io::Error) -> Fault {
    Fault::disk(format!("write {}", path.display()), error)
}
