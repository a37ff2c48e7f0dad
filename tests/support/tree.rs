//! Folders as values: every name below one with what it is, and copies of them.

#![allow(dead_code, clippy::unwrap_used)] // each test uses a part of it, and may stop at the first surprise

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Every file and link below a folder by its path from there, with a link's target or a file's length and digest. The locks at its
/// top are left out, and so are folders: what counts is what can be read.
pub fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = path.strip_prefix(root).unwrap().to_path_buf();
            if kind.is_dir() {
                waiting.extend((name != Path::new(".locks")).then_some(path));
            } else {
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
    use sha2::Digest as _;
    let content = fs::read(path).unwrap();
    format!("{} {}", content.len(), &hex::encode(sha2::Sha256::digest(&content))[..16])
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
