//! The cache as it is examined, and the words of a finding.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::Cache;
use super::super::layout::{BLOBS, LOCKS, is_system_file, parse_repo_folder};
use super::super::lock::{BLOB_LOCK, try_lock};
use super::super::moved::Home;
use super::super::reader::Reader;
use super::super::scan::RepoScan;
use super::super::seen::Kind;
use super::super::store::Store;
use crate::desk::{Fault, FaultKind, Finding, RepoKey, RepoKind, Severity, Trouble, printable};
use crate::engine::host::FileLock;

/// The cache as it is examined.
pub(super) struct Ward<'a> {
    pub(super) cache: &'a Cache,
    pub(super) now: Timestamp,
    pub(super) repos: Vec<RepoScan>,
    /// What lies at the root and is no repository's folder, nor anything else that belongs there.
    pub(super) odd: Vec<(PathBuf, Kind)>,
}

impl<'a> Ward<'a> {
    /// Reads the whole cache.
    pub(super) fn enter(cache: &'a Cache, now: Timestamp) -> Result<Self, Fault> {
        let mut ward = Self { cache, now, repos: Vec::new(), odd: Vec::new() };
        let store = Store::open(&cache.root);
        for (path, kind) in entries(&cache.root)? {
            let name = path.file_name().unwrap_or_default();
            match name.to_str().and_then(parse_repo_folder) {
                Some(key) if kind == Kind::Folder || Home::of(&cache.root, &path).there().is_some() => {
                    ward.repos.push(cache.scan_repo(&mut Reader::new(&cache.root), store.as_ref(), &key)?);
                }
                _ if name == LOCKS || name == "CACHEDIR.TAG" || is_system_file(name) || (store.is_some() && name == BLOBS) => {}
                _ => ward.odd.push((path, kind)),
            }
        }
        Ok(ward)
    }

    pub(super) fn root(&self) -> &'a Path {
        &self.cache.root
    }

    /// A path of the cache as a sentence names it.
    pub(super) fn name(&self, path: &Path) -> String {
        printable(&path.strip_prefix(self.root()).unwrap_or(path).display().to_string())
    }
}

/// What the folder of a cache holds, by name; nothing where it does not exist.
fn entries(root: &Path) -> Result<Vec<(PathBuf, Kind)>, Fault> {
    let listed = fs::read_dir(root).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries: Vec<_> = match listed {
        Ok(entries) => entries.into_iter().map(|entry| (entry.path(), entry.file_type().map_or(Kind::Other, Kind::from))).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Fault::disk(format!("read {}", root.display()), error)),
    };
    entries.sort();
    Ok(entries)
}

/// A finding that is neither mended nor advised on yet.
pub(super) fn finding(trouble: Trouble, severity: Severity, path: &Path, message: impl AsRef<str>) -> Finding {
    Finding { trouble, severity, path: path.to_path_buf(), message: printable(message.as_ref()), mend: None, advice: None }
}

/// A word of a command, safe for a shell and to print.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@=,".contains(c);
    match printable(word) {
        word if !word.is_empty() && word.chars().all(plain) => word,
        word => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A path in a command.
pub(in super::super) fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// The command that downloads what is missing of a repository.
pub(super) fn download(key: &RepoKey, file: Option<&str>, revision: &str) -> String {
    let kind = if key.kind == RepoKind::Model { String::new() } else { format!(" --type {}", key.kind) };
    let file = file.map_or_else(String::new, |file| format!(" {}", quoted(file)));
    format!("hfdesk-tui download {}{file} --revision {}{kind}", key.id, quoted(revision))
}

/// Keeps downloads of a blob away; the blob's repository is the one whose folder `path` lies in.
pub(super) fn lock_blob(cache: &Cache, path: &Path, etag: &str) -> Result<FileLock, Fault> {
    let repo = path.strip_prefix(&cache.root).ok().and_then(|below| below.iter().next()).unwrap_or_default();
    let lock = cache.root.join(LOCKS).join(repo).join(format!("{etag}.lock"));
    let busy = || Fault::new(FaultKind::Busy, format!("it is being downloaded: {} is locked", lock.display())).hint("try again later");
    try_lock(&lock, BLOB_LOCK)?.ok_or_else(busy)
}
