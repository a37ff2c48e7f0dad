//! Writes that survive a crash at any instruction: a reader sees the old content or the new, never half.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::desk::Fault;

/// Creates a folder and its ancestors; one that exists is fine.
pub fn create_dir(path: &Path) -> Result<(), Fault> {
    fs::create_dir_all(path).map_err(|error| Fault::disk(format!("create the folder {}", path.display()), error))
}

/// Replaces a file's content: a temporary file beside it, synced, renamed over it, and the folder synced.
///
/// The new file has these permission bits, less the process's umask. Missing folders are created.
pub fn write_atomically(path: &Path, content: &[u8], mode: u32) -> Result<(), Fault> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_dir(folder)?;
    let temporary = temporary_beside(path);
    let written = write_synced(&temporary, content, mode).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(Fault::disk(format!("write {}", path.display()), error));
    }
    sync_dir(folder)
}

/// A name for a temporary file that no other process or thread uses.
fn temporary_beside(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}-{count}.tmp", std::process::id()))
}

fn write_synced(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.sync_data()
}

/// Makes renames and removals in a folder durable.
pub fn sync_dir(path: &Path) -> Result<(), Fault> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(|error| Fault::disk(format!("sync the folder {}", path.display()), error))
}

/// The path itself where it exists, else its nearest ancestor that does.
pub fn nearest_existing(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    absolute.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/")).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_whole_content_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/file.json");
        write_atomically(&path, b"a longer first content", 0o600).unwrap();
        write_atomically(&path, b"second", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_names_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let occupied = dir.path().join("occupied");
        fs::create_dir(&occupied).unwrap();
        let fault = write_atomically(&occupied, b"x", 0o600).unwrap_err();
        assert!(fault.message.contains("occupied"), "{fault}");
    }
}
