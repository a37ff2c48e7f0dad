//! The data file of a partial: positional reads and writes, room, durability.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bytes::Bytes;
use rustix::fs::{Advice, FallocateFlags, fadvise, fallocate, fstatfs};
use rustix::io::{Errno, pwritev};

use super::lock;
use crate::desk::{Fault, FaultKind, bytes as in_units};
use crate::engine::host;

/// A partial's data file, open for reading and writing from several threads.
#[derive(Debug)]
pub struct DataFile {
    file: File,
    path: PathBuf,
    size: u64,
    /// Held while writing. The kernel lets one writer at a time into a file anyway, and has the others wait for their turn on the
    /// processor: with eight connections that is a tenth of all processor time.
    turn: Mutex<()>,
}

/// The most pieces that one system call takes (`IOV_MAX`).
const MOST_PIECES: usize = 1024;

impl DataFile {
    /// Opens or creates the file and its folder; a symbolic link is refused. Content that nothing vouches for is dropped.
    pub fn open(path: &Path, size: u64, keep: bool) -> Result<Self, Fault> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(!keep);
        let opened =
            host::open_in_folder(&mut options, path)?.and_then(|file| if keep { shorten(&file, size).map(|()| file) } else { Ok(file) });
        let file = opened.map_err(|error| Fault::disk(format!("open {}", path.display()), error))?;
        Ok(Self { file, path: path.to_path_buf(), size, turn: Mutex::default() })
    }

    /// Sets room aside for the whole file, so that a full disk is found out before the first byte and not after the last.
    ///
    /// Where the filesystem cannot, the free space is compared and nothing more. The file's length does not change.
    pub fn reserve(&self) -> Result<(), Fault> {
        if self.needed() > host::space(&self.path)?.free {
            return Err(self.full(io::Error::from(io::ErrorKind::StorageFull)));
        }
        if self.is_in_memory() {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, self.size) {
            Err(error @ (Errno::NOSPC | Errno::DQUOT)) => {
                self.give_back();
                Err(self.full(error.into()))
            }
            _ => Ok(()),
        }
    }

    /// Whether the filesystem is a `tmpfs`: it has nothing to lay out, and setting room aside takes as long as writing.
    fn is_in_memory(&self) -> bool {
        const TMPFS_MAGIC: u64 = 0x0102_1994;
        fstatfs(&self.file).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(TMPFS_MAGIC))
    }

    /// Frees what a failed reservation took beyond the end of the content.
    fn give_back(&self) {
        let _ = self.file.metadata().and_then(|data| self.file.set_len(data.len()));
    }

    /// Bytes of the disk that the file will still take.
    fn needed(&self) -> u64 {
        self.size.saturating_sub(self.file.metadata().map_or(0, |data| data.blocks().saturating_mul(512)))
    }

    /// Writes the pieces one after the other from `offset` on.
    pub fn write(&self, mut offset: u64, pieces: &[Bytes]) -> Result<(), Fault> {
        let mut slices: Vec<IoSlice> = pieces.iter().filter(|piece| !piece.is_empty()).map(|piece| IoSlice::new(piece)).collect();
        let mut rest = &mut slices[..];
        let _turn = lock(&self.turn);
        while !rest.is_empty() {
            match pwritev(&self.file, &rest[..rest.len().min(MOST_PIECES)], offset) {
                Ok(0) => return Err(self.failed("write", io::ErrorKind::WriteZero.into())),
                Ok(written) => {
                    IoSlice::advance_slices(&mut rest, written);
                    offset += written as u64;
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(self.failed("write", error.into())),
            }
        }
        Ok(())
    }

    /// Reads exactly as many bytes as fit into the buffer.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        self.file.read_exact_at(buffer, offset).map_err(|error| self.failed("read", error))
    }

    /// Has the kernel begin to write what it has of the file, so that a sync that comes soon finds most of it done.
    ///
    /// `POSIX_FADV_DONTNEED` does that on Linux before it drops pages that are on the disk already; the new ones it does not drop.
    pub fn begin_sync(&self) {
        let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
    }

    /// What the file looks like.
    pub fn metadata(&self) -> Result<Metadata, Fault> {
        self.file.metadata().map_err(|error| self.failed("look at", error))
    }

    /// Makes everything written so far survive a power failure.
    pub fn sync(&self) -> Result<(), Fault> {
        self.file.sync_data().map_err(|error| self.failed("sync", error))
    }

    fn failed(&self, doing: &str, error: io::Error) -> Fault {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => self.full(error),
            _ => Fault::disk(format!("{doing} {}", self.path.display()), error),
        }
    }

    fn full(&self, error: io::Error) -> Fault {
        let free = host::space(&self.path).map_or(0, |space| space.free);
        let (needed, free) = (in_units(self.needed()), in_units(free));
        Fault::new(FaultKind::DiskFull, format!("no room for {}: {needed} more are needed and {free} are free", self.path.display()))
            .hint("free some space, then try again; what is on disk is kept")
            .because(error)
    }
}

/// Cuts off what lies beyond the size that the file is to have.
fn shorten(file: &File, size: u64) -> io::Result<()> {
    if file.metadata()?.len() > size { file.set_len(size) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_where_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let file = DataFile::open(&dir.path().join("deep/x.part"), 20, false).unwrap();
        file.reserve().unwrap();
        file.write(10, &[Bytes::from_static(b"hello "), Bytes::from_static(b"you")]).unwrap();
        let mut buffer = [0; 9];
        file.read(10, &mut buffer).unwrap();
        assert_eq!(&buffer, b"hello you");
        assert_eq!(dir.path().join("deep/x.part").metadata().unwrap().len(), 19, "the reservation does not show in the length");
        assert_eq!(file.read(12, &mut buffer).unwrap_err().kind, FaultKind::Disk);
    }

    #[test]
    fn a_file_larger_than_the_disk_is_refused_with_the_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let file = DataFile::open(&dir.path().join("x.part"), 1 << 60, false).unwrap();
        let fault = file.reserve().unwrap_err();
        assert_eq!(fault.kind, FaultKind::DiskFull);
        assert!(fault.message.contains("1 EiB more are needed and"), "{fault}");
    }

    #[test]
    fn a_link_in_the_files_place_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("precious");
        std::fs::write(&target, b"content").unwrap();
        std::os::unix::fs::symlink(&target, dir.path().join("x.part")).unwrap();
        assert!(DataFile::open(&dir.path().join("x.part"), 5, false).is_err());
        assert_eq!(std::fs::read(&target).unwrap(), b"content");
    }
}
