//! What other programs keep on this machine beside the Hugging Face cache.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whose a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeper {
    /// Files in `<root>/<owner>/<model>`: LM Studio's, and configured folders.
    LocalRoot,
    /// Ollama: manifests, and blobs named by their SHA-256.
    Ollama,
    /// llama.cpp's own downloads, from before it used the Hugging Face cache.
    LlamaCpp,
    /// The chunks and shards that `hf-xet` keeps so as not to fetch them twice.
    Xet,
}

impl Keeper {
    /// Its name, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::LocalRoot => "local models",
            Self::Ollama => "Ollama",
            Self::LlamaCpp => "llama.cpp",
            Self::Xet => "Xet cache",
        }
    }
}

/// What a unit of another program's store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherKind {
    /// A model that its program can load.
    #[default]
    Model,
    /// No model: chunks, shards and logs of the Xet client.
    Data,
    /// Files that no model of the store uses.
    Unused,
    /// Files of which nobody knows whether a model uses them, as not every manifest could be read.
    Unknown,
    /// Downloads that are not finished.
    Unfinished,
}

impl OtherKind {
    /// The name in a word, as programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Data => "data",
            Self::Unused => "unused",
            Self::Unknown => "unknown",
            Self::Unfinished => "unfinished",
        }
    }
}

/// One model, or another unit, of another program's store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherModel {
    /// What its program calls it: `owner/model`, or `llama3.2:3b`. Safe to print.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: OtherKind,
    /// Its folder or file.
    pub path: PathBuf,
    /// Bytes of its files; content that several models of the store share counts for each.
    pub size: u64,
    /// Those of them that are also in the Hugging Face cache, by hard or symbolic link: they take no room of their own.
    pub linked: u64,
    /// How many files it has.
    pub files: usize,
    /// When one of its files was last read, by the filesystem's account.
    pub last_accessed: Option<Timestamp>,
}

/// A folder that another program keeps models in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherStore {
    /// Whose it is.
    pub keeper: Keeper,
    /// Its folder.
    pub root: PathBuf,
    /// Its models, largest first, and then what is no model.
    pub models: Vec<OtherModel>,
    /// Bytes on the disk of its own: content that models share, or that has several names, once; what is in the Hugging Face cache too, not at all.
    pub size: u64,
    /// What could not be read, one sentence each.
    pub warnings: Vec<String>,
}

impl OtherStore {
    /// How many of what it keeps are of a kind, and their bytes.
    pub fn sum(&self, kind: OtherKind) -> (usize, u64) {
        let of_kind = self.models.iter().filter(|model| model.kind == kind);
        of_kind.fold((0, 0), |(count, bytes), model| (count + 1, bytes + model.size))
    }
}
