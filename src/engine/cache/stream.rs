//! A file that is read from its beginning to its end to learn its digest.
//!
//! Reading leaves no trace in the time of a file's last use, and the kernel is asked for bytes before they are needed.

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroU64;
use std::path::Path;

use rustix::fs::{Advice, fadvise};

use crate::desk::Digest;
use crate::engine::digest::Hasher;

/// Read at once; it stays in the processor's cache between reading and hashing.
pub(super) const BUFFER: usize = 256 << 10;
/// The kernel is asked for the next so many bytes before they are needed.
const AHEAD: u64 = 8 << 20;

/// A file in the middle of being read.
pub(super) struct Stream {
    file: File,
    /// Takes what was read, when the caller says so: see [`update`](Self::update) and [`update_both`](Self::update_both).
    hasher: Hasher,
    at: u64,
    asked: u64,
}

impl Stream {
    /// Opens a file whose digest shall be of the same kind as this one.
    pub(super) fn open(path: &Path, like: &Digest) -> io::Result<Self> {
        let file = open_unnoticed(path)?;
        let hasher = Hasher::like(like, file.metadata()?.len());
        Ok(Self { file, hasher, at: 0, asked: 0 })
    }

    /// Reads the next bytes into the buffer, and answers with how many; none at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.asked {
            self.asked = read_ahead(&self.file, self.at);
        }
        let count = self.file.read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }

    /// Hashes bytes that were read.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// Hashes bytes that were read from two files, which takes hardly longer than those of one.
    pub(super) fn update_both(&mut self, bytes: &[u8], other: &mut Self, others: &[u8]) {
        self.hasher.update_both(bytes, &mut other.hasher, others);
    }

    /// The digest of all that was hashed, in hexadecimal.
    pub(super) fn finish(self) -> String {
        self.hasher.finish().hex().to_owned()
    }
}

/// Opens a file without leaving a trace in the time of its last use, by which people choose what to delete. Only its owner may.
fn open_unnoticed(path: &Path) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt;
        #[allow(clippy::cast_possible_wrap)] // the flag is one low bit
        let flags = rustix::fs::OFlags::NOATIME.bits() as i32;
        match File::options().read(true).custom_flags(flags).open(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            opened => return opened,
        }
    }
    File::open(path)
}

/// Asks the kernel to have the next bytes ready, and answers up to where the next question can wait.
fn read_ahead(file: &File, at: u64) -> u64 {
    // Advice that is not taken costs nothing but speed.
    if at == 0 {
        let _ = fadvise(file, 0, None, Advice::Sequential);
    }
    let _ = fadvise(file, at, NonZeroU64::new(2 * AHEAD), Advice::WillNeed);
    at + AHEAD
}
