//! Writes that survive a crash at any instruction: a reader sees the old content or the new, never half.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::desk::Fault;

/// Creates a folder and its ancestors; one that exists is fine.
pub fn create_dir(path: &Path) -> Result<(), Fault> {
    fs::create_dir_all(path).map_err(|error| Fault::disk(format!("create the folder {}", path.display()), error))
}

/// Opens a file that is no symbolic link, and creates its folder where opening says that it is missing.
pub fn open_in_folder(options: &mut OpenOptions, path: &Path) -> Result<io::Result<File>, Fault> {
    #[allow(clippy::cast_possible_wrap)] // the flag is one low bit
    options.custom_flags(OFlags::NOFOLLOW.bits() as i32);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_dir(path.parent().unwrap_or(Path::new(".")))?;
            Ok(options.open(path))
        }
        opened => Ok(opened),
    }
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

/// Removes what processes that died while they replaced this file's content have left beside it. Nobody may be replacing it now.
pub fn remove_temporaries(path: &Path) -> Result<(), Fault> {
    let (folder, start) = (path.parent().unwrap_or(Path::new(".")), temporary_start(path));
    let swept = || -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().strip_prefix(&start).is_some_and(|end| end.strip_suffix(".tmp").is_some()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    swept().map_err(|error| Fault::disk(format!("tidy up the folder {}", folder.display()), error))
}

/// A name for a temporary file that no other process or thread uses.
fn temporary_beside(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!("{}{}-{count}.tmp", temporary_start(path), std::process::id()))
}

/// How the names of a file's temporary files begin.
fn temporary_start(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

fn write_synced(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
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
    fn what_a_writer_that_died_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.json");
        let others = [path.clone(), path.with_file_name(".file.json.tmp"), path.with_file_name(".other.json.1-0.tmp")];
        others.iter().chain([&temporary_beside(&path)]).for_each(|path| fs::write(path, b"x").unwrap());
        remove_temporaries(&path).unwrap();
        assert!(others.iter().all(|path| path.exists()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), others.len());
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
