//! Whether somebody downloads what is to go, by the locks that downloads take.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::Cache;
use super::going::{Step, What};
use super::layout::LOCKS;
use crate::desk::{Fault, FaultKind, printable};
use crate::engine::host::FileLock;

impl Cache {
    /// Refuses while a lock is held: any of a repository that goes whole, else that of a blob that goes.
    pub(super) fn check_idle(&self, steps: &[Step]) -> Result<(), Fault> {
        for step in steps {
            match step.what {
                What::Repo => self.check_locks(&self.root.join(LOCKS).join(&step.path))?,
                What::Locks => self.check_locks(&self.root.join(&step.path))?,
                What::Blob => self.lock_of(&step.path).map_or(Ok(()), |lock| check_lock(&lock))?,
                _ => {}
            }
        }
        Ok(())
    }

    fn check_locks(&self, folder: &Path) -> Result<(), Fault> {
        let locks = fs::read_dir(folder).into_iter().flatten().flatten();
        let is_file = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
        locks.filter(is_file).try_for_each(|lock| check_lock(&lock.path()))
    }

    /// The lock of a blob, or of the unfinished download that will become one: their names begin alike.
    fn lock_of(&self, blob: &Path) -> Option<PathBuf> {
        let (repo, name) = (blob.components().next()?, blob.file_name()?.to_str()?);
        let etag = name.split('.').next().filter(|etag| !etag.is_empty())?;
        Some(self.root.join(LOCKS).join(repo).join(format!("{etag}.lock")))
            .filter(|lock| fs::symlink_metadata(lock).is_ok_and(|found| found.is_file()))
    }
}

/// A lock that this user may not open says nothing.
fn check_lock(lock: &Path) -> Result<(), Fault> {
    match FileLock::try_acquire(lock, 0o664) {
        Ok(None) => {
            Err(Fault::new(FaultKind::Busy, format!("a download is under way: {} is locked", printable(&lock.display().to_string())))
                .hint("pause or cancel the download, then try again"))
        }
        _ => Ok(()),
    }
}
