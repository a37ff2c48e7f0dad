//! The queue on the disk: one JSON file, replaced whole at every transition.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::desk::{Fault, FaultKind};
use crate::engine::host::write_atomically;

/// The file's format; a newer one is refused rather than misread.
const VERSION: u32 = 1;

/// Where the queue is kept.
#[derive(Clone, Debug)]
pub(super) struct Store {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Document<T> {
    version: u32,
    jobs: T,
}

impl Store {
    /// The queue of this state folder.
    pub fn new(state_dir: &Path) -> Self {
        Self { path: state_dir.join("queue.json") }
    }

    /// Every job, in order. No file is an empty queue; an unreadable one is a fault, so that it is never overwritten.
    pub fn load(&self) -> Result<Vec<Record>, Fault> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Fault::disk(format!("read the queue {}", self.path.display()), error)),
        };
        let document: Document<Vec<Record>> = serde_json::from_slice(&text).map_err(|error| self.unreadable(&error))?;
        if document.version == VERSION { Ok(document.jobs) } else { Err(self.unreadable(&"it is of another version")) }
    }

    /// Replaces the queue.
    pub fn save(&self, jobs: &[Record]) -> Result<(), Fault> {
        let document = Document { version: VERSION, jobs };
        let text = serde_json::to_vec(&document).map_err(|error| Fault::internal(format!("the queue cannot be written: {error}")))?;
        write_atomically(&self.path, &text, 0o600)
    }

    fn unreadable(&self, why: &dyn std::fmt::Display) -> Fault {
        Fault::new(FaultKind::Disk, format!("the queue {} cannot be read: {why}", self.path.display()))
            .hint("move the file away to begin with an empty queue; unfinished downloads are found again by the same request")
    }
}
