//! What is on the disk: the Hugging Face cache, its shared blob store included, and plain folders that files are placed in.
//!
//! Owns the layout: it places files exactly where and in the order the official client does, tells what is there,
//! verifies it, deletes from it and brings back what was deleted. Plain blocking file operations; callers run them on threads that may
//! wait. Knows neither HTTP nor the queue.

mod adopt;
mod deletion;
#[cfg(test)]
mod deletion_tests;
mod dir;
mod doctor;
mod elsewhere;
mod entries;
mod folder;
mod footprint;
mod going;
mod idle;
mod in_use;
mod inside;
mod known;
mod layout;
mod links;
mod listing;
mod lock;
mod moved;
mod moves;
mod orphans;
mod others;
mod own_blobs;
mod place;
mod put_back;
mod quarantine;
mod reader;
mod record;
mod relocate;
mod remembered;
mod remove;
mod rights;
mod scan;
mod seen;
mod snapshot;
mod spoils;
mod store;
mod stream;
mod survey;
#[cfg(test)]
mod testkit;
mod trash;
mod tree;
mod verify;
mod walk;
mod way_back;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use elsewhere::{Elsewhere, Offer};
pub use inside::Inside;
pub use known::Watch;
pub use listing::Found;
pub use others::Places;
pub use place::{PartialPaths, Place, Ready};
pub use quarantine::{Seized, SetAside};
pub use survey::{Content, Survey};
pub use verify::{Gauge, Reading, read_all, read_watched, verify_blob};

/// A Hugging Face cache: the folder that `HF_HUB_CACHE` names. It need not exist yet.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    symlinks: bool,
    /// Folders of models that somebody else keeps.
    local_roots: Vec<PathBuf>,
    known: Arc<known::Known>,
    /// Where to remember what was read.
    memory: Option<PathBuf>,
    /// How long what was deleted can be brought back.
    trash_kept: Duration,
}

impl Cache {
    /// The cache in this folder. A relative path is taken from the current folder, now.
    pub fn new(root: PathBuf) -> Self {
        let root = std::path::absolute(&root).unwrap_or(root);
        let known = Arc::default();
        Self { root, symlinks: true, local_roots: Vec::new(), known, memory: None, trash_kept: trash::KEPT }
    }

    /// The same cache, but its snapshots hold files instead of symbolic links (`HF_HUB_DISABLE_SYMLINKS`).
    ///
    /// A filesystem that refuses symbolic links is treated this way without being asked.
    #[must_use]
    pub fn without_symlinks(self) -> Self {
        Self { symlinks: false, ..self }
    }

    /// The same cache, but what it holds is remembered in this folder, so that reading it again costs less.
    #[must_use]
    pub fn remembering_in(self, folder: PathBuf) -> Self {
        Self { memory: Some(folder), ..self }
    }

    /// The same cache, but what these folders hold need not be downloaded: content is copied or cloned from there, never linked.
    #[must_use]
    pub fn with_local_roots(self, local_roots: Vec<PathBuf>) -> Self {
        Self { local_roots, ..self }
    }

    /// The folders of models that somebody else keeps, as the cache was told.
    pub fn local_roots(&self) -> &[PathBuf] {
        &self.local_roots
    }

    /// The cache's folder, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }
}
