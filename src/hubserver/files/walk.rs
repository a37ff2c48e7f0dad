//! The files of a repository's folder, and opening one of them without leaving the Hub's root.

use std::fs::{self, DirEntry, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::desk::{Fault, safe_path};

/// What identifies a file's content without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub modified: i64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        Self { size: metadata.len(), modified }
    }
}

/// Every file below `folder`, by its repository path and in that order. `root` is the Hub's root, without symbolic links.
///
/// Symbolic links to files are followed where they stay inside the root; folders behind links are left out, which rules out
/// cycles. So is every name that is no safe path.
pub(super) fn files(root: &Path, folder: &Path) -> Result<Vec<(String, Stamp)>, Fault> {
    let mut found = Vec::new();
    let mut waiting = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        for (name, entry) in entries(&folder)? {
            let path = format!("{prefix}{name}");
            if !safe_path(&path) {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push((entry.path(), format!("{path}/")));
            } else if let Some(metadata) = metadata_inside(root, &entry.path()).filter(Metadata::is_file) {
                found.push((path, Stamp::of(&metadata)));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The entries of a folder that a Hub serves, by name: not git's own folder, and not what the Hub keeps for itself.
pub(super) fn entries(folder: &Path) -> Result<Vec<(String, DirEntry)>, Fault> {
    let fault = |error| Fault::disk(format!("list the folder {}", folder.display()), error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let name = entry.file_name().into_string();
        if let Ok(name) = name.map_err(drop).and_then(|name| if is_served(&name) { Ok(name) } else { Err(()) }) {
            entries.push((name, entry));
        }
    }
    Ok(entries)
}

fn is_served(name: &str) -> bool {
    name != ".git" && !name.starts_with(".hub")
}

/// The metadata of what a path leads to; `None` where it leads nowhere or out of the root.
pub(super) fn metadata_inside(root: &Path, path: &Path) -> Option<Metadata> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_symlink() {
        return Some(metadata);
    }
    let target = fs::canonicalize(path).ok().filter(|target| target.starts_with(root))?;
    fs::metadata(target).ok()
}

/// Opens a file inside the root for reading.
pub(super) fn open(root: &Path, path: &Path) -> io::Result<(File, Stamp)> {
    let path = fs::canonicalize(path)?;
    if !path.starts_with(root) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file lies outside the served folder"));
    }
    #[allow(clippy::cast_possible_wrap)] // both flags are low bits
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, Stamp::of(&metadata))) } else { Err(io::Error::from(io::ErrorKind::NotFound)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_what_is_inside_and_not_the_hubs_own_is_found() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let repo = root.join("models/a/b");
        fs::create_dir_all(repo.join("sub/.git")).unwrap();
        for name in ["z.txt", "sub/x.txt", "sub/.git/config", ".hub.toml", ".gitattributes", "bad\\name"] {
            fs::write(repo.join(name), "x").unwrap();
        }
        symlink(outside.path().join("secret"), repo.join("leak")).unwrap();
        symlink(outside.path(), repo.join("leaks")).unwrap();
        symlink(&repo, repo.join("cycle")).unwrap();
        symlink("z.txt", repo.join("alias")).unwrap();
        let found: Vec<String> = files(&root, &repo).unwrap().into_iter().map(|(path, _)| path).collect();
        assert_eq!(found, [".gitattributes", "alias", "sub/x.txt", "z.txt"]);
        assert!(open(&root, &repo.join("alias")).is_ok());
        assert_eq!(open(&root, &repo.join("leak")).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(open(&root, &repo.join("sub")).is_err());
    }
}
