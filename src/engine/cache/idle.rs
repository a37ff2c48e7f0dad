//! Whether somebody downloads what is to go, by the locks that downloads take.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::Cache;
use super::going::{Step, What};
use super::layout::LOCKS;
use crate::desk::{Fault, FaultKind};
use crate::engine::host::FileLock;

/// How often, and after how long each, a lock that is held is tried again: whoever starts a process holds all its locks twice until that
/// has begun.
const TRIES: u32 = 5;
const INSTANT: Duration = Duration::from_millis(20);

impl Cache {
    /// Refuses while a lock is held: any of a repository that goes whole, else that of a blob that goes.
    pub(super) fn check_idle(&self, steps: &[Step]) -> Result<(), Fault> {
        for step in steps {
            match step.what {
                What::Repo => check_locks(&self.root.join(LOCKS).join(&step.path))?,
                What::Locks => check_locks(&self.root.join(&step.path))?,
                What::Blob => self.lock_of(&step.path).map_or(Ok(()), |lock| check_lock(&lock))?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The lock of a blob, or of the unfinished download that will become one: their names begin alike.
    fn lock_of(&self, blob: &Path) -> Option<PathBuf> {
        let (repo, name) = (blob.components().next()?, blob.file_name()?.to_str()?);
        let etag = name.split('.').next().filter(|etag| !etag.is_empty())?;
        Some(self.root.join(LOCKS).join(repo).join(format!("{etag}.lock")))
            .filter(|lock| fs::symlink_metadata(lock).is_ok_and(|found| found.is_file()))
    }
}

fn check_locks(folder: &Path) -> Result<(), Fault> {
    let locks = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_file = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    locks.filter(is_file).try_for_each(|lock| check_lock(&lock.path()))
}

/// A lock that is held for no longer than an instant is no download; one that this user may not open says nothing.
fn check_lock(lock: &Path) -> Result<(), Fault> {
    let is_held = || matches!(FileLock::try_acquire(lock, 0o664), Ok(None));
    let released = || {
        thread::sleep(INSTANT);
        !is_held()
    };
    if is_held() && !(0..TRIES).any(|_| released()) {
        let message = format!("a download is under way: {} is locked", lock.display());
        return Err(Fault::new(FaultKind::Busy, message).hint("pause or cancel the download, then try again"));
    }
    Ok(())
}
