//! What the filesystem says of one entry, without following a link.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rustix::fs::{FileType, RawMode, Stat};

/// The unit of [`MetadataExt::blocks`] in bytes.
const BLOCK: u64 = 512;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, a socket, a device, or what cannot be told.
    Other,
}

impl From<FileType> for Kind {
    fn from(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

impl From<std::fs::FileType> for Kind {
    fn from(kind: std::fs::FileType) -> Self {
        match kind {
            _ if kind.is_file() => Self::File,
            _ if kind.is_dir() => Self::Folder,
            _ if kind.is_symlink() => Self::Link,
            _ => Self::Other,
        }
    }
}

/// What a folder tells of an entry.
pub(super) struct Named {
    pub(super) name: OsString,
    pub(super) kind: Kind,
    /// Its inode. Where something is mounted over the entry, that of what is below.
    pub(super) inode: u64,
}

/// What the filesystem says of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) kind: Kind,
    /// Its length in bytes.
    pub(super) size: u64,
    /// What it takes on the disk in bytes; less than its length for a file with holes.
    pub(super) on_disk: u64,
    /// How many names its bytes have.
    pub(super) names: u64,
    /// Device and inode: the same for every name of the same bytes.
    pub(super) identity: (u64, u64),
    accessed: (i64, i64),
    modified: (i64, i64),
    /// When anything about it last changed; nobody can set it back.
    changed: (i64, i64),
}

impl Seen {
    /// The entry at a path; `None` where there is none or it cannot be looked at.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::symlink_metadata(path).ok().map(|found| Self::of(&found))
    }

    pub(super) fn of(found: &Metadata) -> Self {
        Self {
            kind: found.file_type().into(),
            size: found.len(),
            on_disk: found.blocks().saturating_mul(BLOCK),
            names: found.nlink(),
            identity: (found.dev(), found.ino()),
            accessed: (found.atime(), found.atime_nsec()),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    /// The same, as system calls tell it.
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap, clippy::unnecessary_cast, clippy::cast_lossless)] // the fields' types differ between platforms
    pub(super) fn of_stat(found: &Stat) -> Self {
        Self {
            kind: FileType::from_raw_mode(found.st_mode as RawMode).into(),
            size: found.st_size as u64,
            on_disk: (found.st_blocks as u64).saturating_mul(BLOCK),
            names: found.st_nlink as u64,
            identity: (found.st_dev as u64, found.st_ino as u64),
            accessed: (found.st_atime as i64, found.st_atime_nsec as i64),
            modified: (found.st_mtime as i64, found.st_mtime_nsec as i64),
            changed: (found.st_ctime as i64, found.st_ctime_nsec as i64),
        }
    }

    /// The same as [`Seen::accessed`], as it is compared.
    pub(super) fn accessed_at(&self) -> (i64, i64) {
        self.accessed
    }

    /// The same as [`Seen::modified`], as it is compared.
    pub(super) fn modified_at(&self) -> (i64, i64) {
        self.modified
    }

    /// When it was last read, by the filesystem's account.
    pub(super) fn accessed(&self) -> Option<Timestamp> {
        time(self.accessed)
    }

    /// When anything about it last changed, by the filesystem's clock.
    pub(super) fn changed(&self) -> (i64, i64) {
        self.changed
    }

    /// Whether anything about it changed later than so long before `now`.
    pub(super) fn changed_after(&self, now: SystemTime, before: Duration) -> bool {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().saturating_sub(before);
        i128::from(self.changed.0) * 1_000_000_000 + i128::from(self.changed.1) >= i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
    }

    /// When its content last changed, in nanoseconds since 1970.
    pub(super) fn modified_nanoseconds(&self) -> i128 {
        i128::from(self.modified.0) * 1_000_000_000 + i128::from(self.modified.1)
    }

    /// When its content last changed.
    pub(super) fn modified(&self) -> Option<Timestamp> {
        time(self.modified)
    }
}

fn time((seconds, nanoseconds): (i64, i64)) -> Option<Timestamp> {
    Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()
}
