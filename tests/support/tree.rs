//! Folders as values: every name below one with what it is, and copies of them.

#![allow(dead_code, clippy::unwrap_used)] // each test uses a part of it, and may stop at the first surprise

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// What a folder in memory must have room for, in bytes.
const ROOM: u64 = 1 << 30;

/// A folder in memory, where the system has such: thousands of entries are made and removed there in no time. Removed at the end.
pub fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let has_room = rustix::fs::statvfs(memory).is_ok_and(|found| found.f_bavail * found.f_frsize > ROOM);
    let made = if has_room { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap()
}

/// Every file and link below a folder by its path from there, with a link's target, what a small file says, or a file's length. The
/// locks at its top and those of shared payloads are left out, and so are folders: what counts is what can be read.
pub fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = path.strip_prefix(root).unwrap().to_path_buf();
            if kind.is_dir() {
                waiting.extend((name != Path::new(".locks")).then_some(path));
            } else if name.extension() != Some(OsStr::new("lock")) {
                found.insert(name, if kind.is_symlink() { link(&path) } else { content(&path) });
            }
        }
    }
    found
}

fn link(path: &Path) -> String {
    format!("-> {}", fs::read_link(path).unwrap().display())
}

fn content(path: &Path) -> String {
    let length = fs::metadata(path).unwrap().len();
    let text = if length < 1000 { fs::read_to_string(path).ok() } else { None };
    let is_manifest = path.extension() == Some(OsStr::new("refs"));
    match text {
        Some(text) if is_manifest => lines(&text),
        text => text.unwrap_or_else(|| format!("{length} bytes")),
    }
}

/// Lines whose order says nothing: who uses a shared payload.
fn lines(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// Copies a folder: links as links, files with their permissions.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (source, target, kind) = (entry.path(), to.join(entry.file_name()), entry.file_type().unwrap());
        if kind.is_dir() {
            copy(&source, &target);
        } else if kind.is_symlink() {
            symlink(fs::read_link(source).unwrap(), target).unwrap();
        } else {
            fs::copy(source, target).unwrap();
        }
    }
}
