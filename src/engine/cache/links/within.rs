//! Whether paths lie in a folder, links on the way to them considered. Many names share a few folders, each of which is looked at once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::real;

/// A folder that names must not lead out of.
pub(super) struct Within {
    /// The folder, without links on the way to it.
    folder: PathBuf,
    known: RefCell<HashMap<PathBuf, bool>>,
}

impl Within {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: real(folder), known: RefCell::default() }
    }

    /// Whether no link on the way leads a path out of the folder.
    pub(super) fn has(&self, path: &Path) -> bool {
        let Some(parent) = path.parent() else { return false };
        let known = self.known.borrow().get(parent).copied();
        known.unwrap_or_else(|| {
            let lies_in = real(parent).starts_with(&self.folder);
            self.known.borrow_mut().insert(parent.to_path_buf(), lies_in);
            lies_in
        })
    }
}
