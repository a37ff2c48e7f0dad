//! One store being read: folders are walked within bounds, links to folders are not entered, files are counted.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, ReadDir};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::super::seen::Kind;
use super::tally::{Ours, Sum, Tally};
use crate::desk::{Keeper, OtherKind, OtherModel, OtherStore, printable};

/// So many entries of one store are looked at, and no more.
const MOST_ENTRIES: usize = 100_000;
/// The deepest folder below a model's that is looked into.
const DEEPEST: usize = 8;
/// So many warnings are told of one store.
const MOST_WARNINGS: usize = 5;

/// What is found in one store.
pub(super) struct Find<'a> {
    root: &'a Path,
    /// Folders that count elsewhere, this store's own among them.
    owned: &'a HashSet<PathBuf>,
    tally: Tally<'a>,
    models: Vec<OtherModel>,
    warnings: Vec<String>,
    untold: usize,
    entries_left: usize,
}

impl<'a> Find<'a> {
    /// Nothing yet of the store in this folder, to which no link is on the way.
    pub(super) fn new(root: &'a Path, owned: &'a HashSet<PathBuf>, ours: &'a Ours) -> Self {
        let (models, warnings) = (Vec::new(), Vec::new());
        Self { root, owned, tally: Tally::new(ours), models, warnings, untold: 0, entries_left: MOST_ENTRIES }
    }

    /// The store's folder.
    pub(super) fn root(&self) -> &'a Path {
        self.root
    }

    /// What a folder holds, by name. One that is not there, or that counts elsewhere, holds nothing.
    pub(super) fn entries(&mut self, folder: &Path) -> Vec<(PathBuf, Kind)> {
        if folder != self.root && self.owned.contains(folder) {
            return Vec::new();
        }
        let mut entries = fs::read_dir(folder).and_then(|listed| self.read(listed)).unwrap_or_else(|error| {
            if error.kind() != ErrorKind::NotFound {
                self.warn(folder, &format!("cannot be read: {error}"));
            }
            Vec::new()
        });
        entries.sort();
        entries
    }

    /// As many entries as may still be looked at.
    fn read(&mut self, listed: ReadDir) -> io::Result<Vec<(PathBuf, Kind)>> {
        let seen = |entry: DirEntry| (entry.path(), entry.file_type().map_or(Kind::Other, Kind::from));
        let entries = listed.take(self.entries_left).map(|entry| entry.map(seen)).collect::<io::Result<Vec<_>>>()?;
        self.entries_left -= entries.len();
        Ok(entries)
    }

    /// The folders in a folder that are not hidden.
    pub(super) fn folders(&mut self, folder: &Path) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        for (path, kind) in self.entries(folder) {
            match kind {
                _ if is_hidden(&path) => {}
                Kind::Folder => folders.push(path),
                Kind::Link if path.is_dir() => self.warn(&path, "is a symbolic link to a folder, which is not followed"),
                _ => {}
            }
        }
        folders
    }

    /// Everything below a folder that is no real folder.
    pub(super) fn files_below(&mut self, folder: &Path) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![(folder.to_path_buf(), 0)]);
        while let Some((folder, depth)) = folders.pop() {
            for (path, kind) in self.entries(&folder) {
                match kind {
                    Kind::Folder if depth == DEEPEST => self.warn(&path, "lies too deep and is not looked into"),
                    Kind::Folder => folders.push((path, depth + 1)),
                    _ => files.push(path),
                }
            }
        }
        files
    }

    /// Adds a model of these files. A link that leads to no file is told and does not count.
    pub(super) fn add(&mut self, name: &str, path: &Path, files: &[PathBuf]) {
        self.add_as(OtherKind::Model, name, path, files);
    }

    /// Adds a model of these files, or something else that they are.
    pub(super) fn add_as(&mut self, kind: OtherKind, name: &str, path: &Path, files: &[PathBuf]) {
        let mut sum = Sum::default();
        for file in files {
            if !self.tally.add(&mut sum, file) {
                self.warn(file, "leads to no file");
            }
        }
        if sum.files > 0 {
            self.models.push(sum.into_model(printable(name), kind, path.to_path_buf()));
        }
    }

    /// Notes what is wrong with a path: `what` goes on the sentence that the path begins.
    pub(super) fn warn(&mut self, path: &Path, what: &str) {
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(printable(&format!("{} {what}", path.display())));
        } else {
            self.untold += 1;
        }
    }

    /// The store as a listing shows it: its models, largest first, and then what is no model.
    pub(super) fn into_store(mut self, keeper: Keeper) -> OtherStore {
        let root = printable(&self.root.display().to_string());
        if self.untold > 0 {
            self.warnings.push(format!("{root} has {} more problems", self.untold));
        }
        if self.entries_left == 0 {
            self.warnings.push(format!("{root} has more entries than are looked at; it may be larger"));
        }
        self.models.sort_by(|a, b| (a.kind, b.size, &a.name).cmp(&(b.kind, a.size, &b.name)));
        OtherStore { keeper, root: self.root.to_path_buf(), models: self.models, size: self.tally.size(), warnings: self.warnings }
    }
}

/// The last part of a path, for a name.
pub(super) fn last(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().map(OsStr::as_encoded_bytes).is_some_and(|name| name.starts_with(b"."))
}
