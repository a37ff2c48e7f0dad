//! The cache's locks. Unlike other files they have their permission bits whatever the umask, so that everybody who
//! shares a cache can take them.

use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::desk::Fault;
use crate::engine::host::FileLock;

/// Permission bits of a blob's lock.
pub(super) const BLOB_LOCK: u32 = 0o664;
/// Permission bits of a shared payload's lock.
pub(super) const PAYLOAD_LOCK: u32 = 0o666;

const PAUSE: Duration = Duration::from_millis(20);
const TRIES: u32 = 250;

/// Takes a lock, or answers `None` while somebody holds it.
pub(super) fn try_lock(path: &Path, mode: u32) -> Result<Option<FileLock>, Fault> {
    let lock = FileLock::try_acquire(path, mode)?;
    // Through the handle: what the name leads to may have changed since.
    if let Some(lock) = lock.as_ref().filter(|lock| lock.is_new()) {
        let _ = lock.set_mode(mode);
    }
    Ok(lock)
}

/// Takes a lock that is only ever held for a moment, or answers `None` after 5 seconds.
pub(super) fn wait_for_lock(path: &Path, mode: u32) -> Result<Option<FileLock>, Fault> {
    for _ in 0..TRIES {
        if let Some(lock) = try_lock(path, mode)? {
            return Ok(Some(lock));
        }
        thread::sleep(PAUSE);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_lock_is_for_everybody_and_one_that_was_there_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        drop(try_lock(&dir.path().join("new"), PAYLOAD_LOCK).unwrap());
        assert_eq!(mode("new"), PAYLOAD_LOCK);
        fs::write(dir.path().join("old"), "").unwrap();
        fs::set_permissions(dir.path().join("old"), Permissions::from_mode(0o600)).unwrap();
        drop(try_lock(&dir.path().join("old"), PAYLOAD_LOCK).unwrap());
        assert_eq!(mode("old"), 0o600);
    }
}
