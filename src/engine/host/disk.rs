//! Room on a filesystem.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::files::nearest_existing;
use crate::desk::Fault;

/// Room on one filesystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes free for this user.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// Identifies the filesystem: paths with the same number share its room.
    pub device: u64,
}

/// Room on the filesystem that holds `path` or, where it does not exist yet, its nearest existing ancestor.
pub fn space(path: &Path) -> Result<Space, Fault> {
    let doing = || format!("read the free space of {}", path.display());
    let existing = nearest_existing(path);
    let stat = rustix::fs::statvfs(&existing).map_err(|error| Fault::disk(doing(), error.into()))?;
    let device = existing.metadata().map_err(|error| Fault::disk(doing(), error))?.dev();
    Ok(Space { free: stat.f_bavail.saturating_mul(stat.f_frsize), total: stat.f_blocks.saturating_mul(stat.f_frsize), device })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_does_not_exist_has_its_ancestors_room() {
        let dir = tempfile::tempdir().unwrap();
        let deep = space(&dir.path().join("not/yet/there")).unwrap();
        assert_eq!(deep.total, space(dir.path()).unwrap().total);
        assert!(deep.total > 0 && deep.free <= deep.total);
    }
}
