//! What was made in a folder, noted in a small file beside it: what is taken away later is exactly that.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::entries::remove_if_there;
use super::super::seen::{Kind, Seen};
use crate::desk::{Fault, FaultKind, LinkHow, RepoKey, safe_path};
use crate::engine::host::write_atomically;

/// The file's name in the folder. Hidden, so that no program takes it for a model.
pub(super) const FILE: &str = ".hfdesk-links.json";

const VERSION: u32 = 1;
/// The longest file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// What was made in one folder.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ledger {
    version: u32,
    /// The names, relative to the folder.
    pub(super) names: BTreeMap<String, Made>,
    /// The folders that were made for them.
    pub(super) folders: BTreeSet<String>,
}

/// One name as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) repo: RepoKey,
    /// What it was made from; for a symbolic link what it says.
    pub(super) source: PathBuf,
    pub(super) how: LinkHow,
    /// What the file looked like. A symbolic link needs none.
    pub(super) mark: Option<Mark>,
}

/// A file's content as of one moment: whoever writes into it or puts another in its place changes one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    inode: u64,
    size: u64,
    /// In nanoseconds since 1970. As text, since JSON's numbers end before it does.
    modified: String,
}

impl Mark {
    pub(super) fn of(seen: &Seen) -> Self {
        Self { inode: seen.identity.1, size: seen.size, modified: seen.modified_nanoseconds().to_string() }
    }
}

impl Made {
    /// Whether the name at this path is still the one that was made.
    pub(super) fn is_still(&self, path: &Path) -> bool {
        match self.how {
            LinkHow::Symlink => fs::read_link(path).is_ok_and(|said| said == self.source),
            _ => Seen::at(path).is_some_and(|seen| seen.kind == Kind::File && self.mark.as_ref() == Some(&Mark::of(&seen))),
        }
    }
}

impl Ledger {
    /// Reads what was noted; nothing where there is no such file. One that cannot be understood is a fault, and stays as it is.
    pub(super) fn load(path: &Path) -> Result<Self, Fault> {
        let unreadable = |why: String| {
            Fault::new(FaultKind::Corrupt, format!("{} cannot be read: {why}", path.display()))
                .hint("move it away; what it names is left alone from then on")
        };
        match fs::symlink_metadata(path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Self::empty()),
            Ok(found) if found.is_file() && found.len() <= LONGEST => {}
            _ => return Err(unreadable("it is no file of a reasonable size".to_owned())),
        }
        let text = fs::read(path).map_err(|error| Fault::disk(format!("read {}", path.display()), error))?;
        let ledger: Self = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        let is_safe = ledger.names.keys().chain(&ledger.folders).all(|name| safe_path(name));
        match ledger.version {
            VERSION if is_safe => Ok(ledger),
            VERSION => Err(unreadable("it names paths outside its folder".to_owned())),
            version => Err(unreadable(format!("it has version {version}"))),
        }
    }

    fn empty() -> Self {
        Self { version: VERSION, names: BTreeMap::new(), folders: BTreeSet::new() }
    }

    /// Writes it, or removes it where nothing is left to note.
    pub(super) fn save(&self, path: &Path) -> Result<(), Fault> {
        if self.names.is_empty() && self.folders.is_empty() {
            return remove_if_there(path);
        }
        let text = serde_json::to_vec_pretty(self).map_err(|error| Fault::internal(format!("a name is not text: {error}")))?;
        write_atomically(path, &text, 0o644)
    }
}
