//! Reading folders whose content nobody vouches for: links are not followed, and what cannot be read becomes a warning.

use std::fs;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};

use super::layout::is_system_file;
use super::seen::{Kind, Named};
use crate::desk::printable;

/// How many warnings one repository gets; a damaged one can give thousands.
const MOST: usize = 5;

/// Reads folders below the cache's root and collects what is wrong with them.
pub(super) struct Reader<'a> {
    root: &'a Path,
    warnings: Vec<String>,
    untold: usize,
}

impl<'a> Reader<'a> {
    /// A reader that names paths relative to this root.
    pub(super) fn new(root: &'a Path) -> Self {
        Self { root, warnings: Vec::new(), untold: 0 }
    }

    /// The cache's folder.
    pub(super) fn root(&self) -> &'a Path {
        self.root
    }

    /// A path relative to the root.
    pub(super) fn relative<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(self.root).unwrap_or(path)
    }

    /// What a real folder holds, without what operating systems leave behind.
    pub(super) fn names(&mut self, folder: &Path) -> Vec<Named> {
        if !fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir()) {
            self.warn(folder, "is not a folder");
            return Vec::new();
        }
        let named = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry?;
            let kind = entry.file_type().map_or(Kind::Other, Kind::from);
            Ok::<_, std::io::Error>(Named { name: entry.file_name(), kind, inode: entry.ino() })
        };
        let entries = fs::read_dir(folder).and_then(|entries| entries.map(named).collect::<Result<Vec<_>, _>>());
        let mut entries = entries.unwrap_or_else(|error| {
            self.warn(folder, &format!("cannot be read: {error}"));
            Vec::new()
        });
        entries.retain(|entry| !is_system_file(&entry.name));
        entries
    }

    /// Everything below a real folder that is not itself a real folder.
    pub(super) fn files_below(&mut self, folder: &Path) -> Vec<(PathBuf, Kind)> {
        let (mut files, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
        while let Some(folder) = folders.pop() {
            for Named { name, kind, .. } in self.names(&folder) {
                let path = folder.join(name);
                if kind == Kind::Folder { folders.push(path) } else { files.push((path, kind)) }
            }
        }
        files
    }

    /// Notes what is wrong with a path: `what` goes on the sentence that the path begins.
    pub(super) fn warn(&mut self, path: &Path, what: &str) {
        if self.warnings.len() < MOST {
            let path = self.relative(path).display().to_string();
            self.warnings.push(printable(&format!("{path} {what}")));
        } else {
            self.untold += 1;
        }
    }

    /// How much was wrong so far.
    pub(super) fn told(&self) -> usize {
        self.warnings.len() + self.untold
    }

    /// What was wrong in this folder, one sentence each.
    pub(super) fn into_warnings(mut self, folder: &Path) -> Vec<String> {
        if self.untold > 0 {
            let folder = printable(&self.relative(folder).display().to_string());
            self.warnings.push(format!("{folder} has {} more problems", self.untold));
        }
        self.warnings
    }
}
