//! An open folder: what it holds is looked at by name, without walking its path again and without following a link.
//!
//! A cache of 200,000 files is read in half a million system calls; a whole path in each of them would double what they cost.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;

use super::layout::is_system_file;
use super::seen::{Kind, Named, Seen};

/// Room for what most links say, in bytes.
const LINK: usize = 256;

/// A folder that is open.
pub(super) struct Dir {
    entries: rustix::fs::Dir,
}

impl Dir {
    /// Opens a real folder by its path; a symbolic link is none.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::opened(openat(CWD, path, flags(), Mode::empty()))
    }

    /// Opens a real folder in this one.
    pub(super) fn child(&self, name: &OsStr) -> io::Result<Self> {
        Self::opened(openat(self.entries.fd()?, name, flags(), Mode::empty()))
    }

    fn opened(fd: Result<OwnedFd, Errno>) -> io::Result<Self> {
        // What a symbolic link is called where none is followed.
        let fd = fd.map_err(|error| if error == Errno::LOOP { Errno::NOTDIR } else { error })?;
        Ok(Self { entries: rustix::fs::Dir::new(fd)? })
    }

    /// What the filesystem says of the folder itself.
    pub(super) fn own(&self) -> io::Result<Seen> {
        Ok(Seen::of_stat(&self.entries.stat()?))
    }

    /// What it holds, without what operating systems leave behind.
    pub(super) fn names(&mut self) -> io::Result<Vec<Named>> {
        let mut names = Vec::new();
        while let Some(entry) = self.entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") || is_system_file(OsStr::from_bytes(name.to_bytes())) {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => self.seen(name).map_or(Kind::Other, |seen| seen.kind), // not every filesystem tells
                kind => kind.into(),
            };
            names.push((OsString::from_vec(name.to_bytes().to_vec()), kind));
        }
        Ok(names)
    }

    /// What the filesystem says of an entry; `None` where there is none or it cannot be looked at.
    pub(super) fn seen(&self, name: impl rustix::path::Arg) -> Option<Seen> {
        let found = statat(self.entries.fd().ok()?, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(Seen::of_stat(&found))
    }

    /// What the filesystem says of an entry or, where that is a link, of what it leads to.
    pub(super) fn content(&self, name: impl rustix::path::Arg) -> Option<Seen> {
        let found = statat(self.entries.fd().ok()?, name, AtFlags::empty()).ok()?;
        Some(Seen::of_stat(&found))
    }

    /// What a symbolic link says; `None` where the entry is none.
    pub(super) fn link(&self, name: &OsStr) -> Option<PathBuf> {
        let said = readlinkat(self.entries.fd().ok()?, name, Vec::with_capacity(LINK)).ok()?;
        Some(PathBuf::from(OsString::from_vec(CString::into_bytes(said))))
    }

    /// The text of a small file, not longer than `longest` bytes; `None` where it is no regular file or cannot be read.
    pub(super) fn text(&self, name: &OsStr, longest: usize) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(self.entries.fd().ok()?, name, flags, Mode::empty()).ok()?;
        let mut text = vec![0; longest + 1];
        let read = rustix::io::read(&file, &mut text).ok().filter(|read| *read <= longest)?;
        text.truncate(read);
        String::from_utf8(text).ok()
    }
}

fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}
