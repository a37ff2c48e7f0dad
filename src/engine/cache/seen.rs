//! What the filesystem says of one entry, without following a link.

use std::ffi::OsString;
use std::fs::{self, FileType, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use jiff::Timestamp;

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
            _ if kind.is_file() => Self::File,
            _ if kind.is_dir() => Self::Folder,
            _ if kind.is_symlink() => Self::Link,
            _ => Self::Other,
        }
    }
}

/// The name of an entry and what it is.
pub(super) type Named = (OsString, Kind);

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
        }
    }

    /// When it was last read, by the filesystem's account.
    pub(super) fn accessed(&self) -> Option<Timestamp> {
        time(self.accessed)
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
