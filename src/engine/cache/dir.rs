//! An open folder: what it holds is looked at by name, without walking its path again and without following a link.
//!
//! A cache of 200,000 files is read in half a million system calls; a whole path in each of them would double what they cost.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, readlinkat_raw, statat};
use rustix::io::Errno;
use rustix::path::Arg;

use super::layout::is_system_file;
use super::seen::{Kind, Named, Seen};

/// Room for the longest link there can be on Linux, in bytes.
const LINK: usize = 4096;

/// Filesystems of this machine's own disks and memory, by their numbers in statfs(2): ext2 to 4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS
/// and bcachefs.
#[cfg(target_os = "linux")]
const LOCAL: [i128; 8] = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1, 0xf2f5_2010, 0xca45_1a4e];

/// A folder that is open.
pub(super) struct Dir {
    fd: OwnedFd,
}

impl Dir {
    /// Opens a real folder by its path; a symbolic link is none.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::opened(openat(CWD, path, flags(), Mode::empty()))
    }

    /// Opens a real folder in this one.
    pub(super) fn child(&self, name: &OsStr) -> io::Result<Self> {
        Self::opened(openat(&self.fd, name, flags(), Mode::empty()))
    }

    fn opened(fd: Result<OwnedFd, Errno>) -> io::Result<Self> {
        // What a symbolic link is called where none is followed.
        Ok(Self { fd: fd.map_err(|error| if error == Errno::LOOP { Errno::NOTDIR } else { error })? })
    }

    /// Whether it lies on a filesystem of this machine's own, which keeps inodes and times of change by itself. Others may make inodes up, or tell
    /// times late.
    #[cfg(target_os = "linux")]
    pub(super) fn is_local(&self) -> bool {
        rustix::fs::fstatfs(&self.fd).is_ok_and(|found| LOCAL.iter().any(|magic| i128::from(found.f_type) == *magic))
    }

    /// The same elsewhere: nothing is known of its filesystem.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self)] // on Linux it is asked
    pub(super) fn is_local(&self) -> bool {
        false
    }

    /// What the filesystem says of the folder itself.
    pub(super) fn own(&self) -> io::Result<Seen> {
        Ok(Seen::of_stat(&fstat(&self.fd)?))
    }

    /// What it holds, without what operating systems leave behind.
    pub(super) fn names(&self) -> io::Result<Vec<Named>> {
        let mut names = Vec::new();
        self.each_entry(|name, kind, inode| {
            let name = OsStr::from_bytes(name);
            if matches!(name.as_bytes(), b"." | b"..") || is_system_file(name) {
                return;
            }
            let kind = match kind {
                FileType::Unknown => self.seen(name).map_or(Kind::Other, |seen| seen.kind), // not every filesystem tells
                kind => kind.into(),
            };
            names.push(Named { name: OsString::from_vec(name.as_bytes().to_vec()), kind, inode });
        })?;
        Ok(names)
    }

    #[cfg(target_os = "linux")]
    fn each_entry(&self, mut told: impl FnMut(&[u8], FileType, u64)) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut entries = rustix::fs::RawDir::new(&self.fd, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            told(entry.file_name().to_bytes(), entry.file_type(), entry.ino());
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn each_entry(&self, mut told: impl FnMut(&[u8], FileType, u64)) -> io::Result<()> {
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            told(entry.file_name().to_bytes(), entry.file_type(), entry.ino());
        }
        Ok(())
    }

    /// What the filesystem says of an entry; `None` where there is none or it cannot be looked at.
    pub(super) fn seen(&self, name: impl Arg) -> Option<Seen> {
        Some(Seen::of_stat(&statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok()?))
    }

    /// What the filesystem says of an entry or, where that is a link, of what it leads to.
    pub(super) fn content(&self, name: impl Arg) -> Option<Seen> {
        Some(Seen::of_stat(&statat(&self.fd, name, AtFlags::empty()).ok()?))
    }

    /// Hands on what a symbolic link says; `None` where the entry is none.
    pub(super) fn link<T>(&self, name: &OsStr, read: impl FnOnce(&Path) -> Option<T>) -> Option<T> {
        let mut buffer = [MaybeUninit::uninit(); LINK];
        let (said, _) = readlinkat_raw(&self.fd, name, &mut buffer[..]).ok()?;
        read(Path::new(OsStr::from_bytes(said)))
    }

    /// The text of a small file, not longer than `longest` bytes; `None` where it is no regular file or cannot be read.
    pub(super) fn text(&self, name: &OsStr, longest: usize) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.fd, name, flags, Mode::empty()).ok()?;
        let mut text = vec![0; longest + 1];
        let read = rustix::io::read(&file, &mut text).ok().filter(|read| *read <= longest)?;
        text.truncate(read);
        String::from_utf8(text).ok()
    }
}

/// A path in a folder, without a second allocation: there are hundreds of thousands.
pub(super) fn below(folder: &Path, name: &OsStr) -> PathBuf {
    let mut path = PathBuf::with_capacity(folder.as_os_str().len() + 1 + name.len());
    path.push(folder);
    path.push(name);
    path
}

fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}
