//! What files hash to, found by reading them, and remembered for as long as the process runs.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::desk::Digest;
use crate::engine::digest::Hasher;

/// Read at once.
const BLOCK: usize = 256 << 10;
/// So many files are remembered before the memory begins anew.
const MOST: usize = 10_000;

/// Told how many bytes are read so far; answers whether to read on.
pub type Watch<'a> = &'a dyn Fn(u64) -> bool;

/// A file's content as of one moment: whoever writes into a file changes one of these, by accident at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    pub(super) fn of(found: &Metadata) -> Self {
        Self { device: found.dev(), inode: found.ino(), size: found.len(), modified: (found.mtime(), found.mtime_nsec()) }
    }
}

/// The digests of files that were read or placed, by what they looked like then. In memory only: a disk outlives what is known of it.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<(Stamp, bool), Digest>>);

impl Known {
    /// A file's stamp where its content has this digest, as is known or read now; `None` where it has another one.
    pub(super) fn vouch(&self, path: &Path, digest: &Digest, watch: Watch) -> io::Result<Option<Stamp>> {
        let mut file = File::open(path)?;
        let stamp = Stamp::of(&file.metadata()?);
        if let Some(known) = self.lock().get(&(stamp, digest.is_sha256())) {
            return Ok((known == digest).then_some(stamp));
        }
        let found = read_through(&mut file, stamp.size, digest, watch, |_| Ok(()))?;
        let right = found == *digest;
        self.note(stamp, found);
        Ok(right.then_some(stamp))
    }

    /// Whether a file of this look is known to have another digest.
    pub(super) fn denies(&self, found: &Metadata, digest: &Digest) -> bool {
        self.lock().get(&(Stamp::of(found), digest.is_sha256())).is_some_and(|known| known != digest)
    }

    /// Remembers that a file of this look has this digest.
    pub(super) fn note(&self, stamp: Stamp, digest: Digest) {
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert((stamp, digest.is_sha256()), digest);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Stamp, bool), Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a file of `size` bytes to its end, hands every block on, and answers with the digest, of the same kind as `like`.
///
/// Fails with [`ErrorKind::Interrupted`] when the watch says so.
pub(super) fn read_through(
    file: &mut File,
    size: u64,
    like: &Digest,
    watch: Watch,
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Digest> {
    let mut hasher = Hasher::like(like, size);
    let mut buffer = vec![0; BLOCK];
    let mut done = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        sink(&buffer[..count])?;
        hasher.update(&buffer[..count]);
        done += count as u64;
        if !watch(done) {
            return Err(ErrorKind::Interrupted.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once_and_again_when_it_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, "hello\n").unwrap();
        let digest: Digest = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03".parse().unwrap();
        let (known, reads) = (Known::default(), std::cell::Cell::new(0));
        let vouch = || {
            known
                .vouch(&path, &digest, &|_| {
                    reads.set(reads.get() + 1);
                    true
                })
                .unwrap()
                .is_some()
        };
        assert!(vouch() && vouch());
        assert_eq!(reads.get(), 1);
        std::fs::write(&path, "hellO\n").unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        assert!(!vouch() && !vouch() && known.denies(&path.metadata().unwrap(), &digest));
        assert_eq!(reads.get(), 2);
    }

    #[test]
    fn reading_ends_when_the_watch_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, vec![0; 3 * BLOCK]).unwrap();
        let error = Known::default().vouch(&path, &"a".repeat(40).parse().unwrap(), &|done| done < 2 * BLOCK as u64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
    }
}
