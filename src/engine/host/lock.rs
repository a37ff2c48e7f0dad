//! Advisory locks between processes.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::files::open_in_folder;
use crate::desk::Fault;

/// An exclusive BSD `flock` on a whole file, as the official client's `filelock` takes it. Dropping it releases it; the file stays.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    is_new: bool,
}

impl FileLock {
    /// Takes the lock, or answers `None` while another process (or another handle in this one) holds it.
    ///
    /// The file is created with these permission bits where it is missing; it is never truncated, and a symbolic link is refused.
    /// A filesystem without locks counts as unlocked: correctness comes from unique temporary files and renames.
    pub fn try_acquire(path: &Path, mode: u32) -> Result<Option<Self>, Fault> {
        let doing = || format!("lock {}", path.display());
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(mode);
        let (opened, is_new) = match open_in_folder(options.create_new(true), path)? {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                (open_in_folder(options.create_new(false).create(true), path)?, false)
            }
            opened => (opened, true),
        };
        let file = opened.map_err(|error| Fault::disk(doing(), error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) | Err(Errno::NOSYS | Errno::NOTSUP | Errno::NOLCK) => Ok(Some(Self { file, is_new })),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
            Err(error) => Err(Fault::disk(doing(), error.into())),
        }
    }

    /// Whether there was no such file before.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Gives the locked file these permission bits, whatever the umask. Only its owner may.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_excludes_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("locks/x.lock");
        let held = FileLock::try_acquire(&path, 0o664).unwrap();
        assert!(held.as_ref().is_some_and(FileLock::is_new));
        assert!(FileLock::try_acquire(&path, 0o664).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_acquire(&path, 0o664).unwrap().is_some_and(|lock| !lock.is_new()));
    }
}
