//! The digest of a file that is still growing.
//!
//! The hasher follows the part of the file that is whole from the beginning, on a thread of its own, and reads it back while
//! the kernel still has it in memory. Sockets and writers never wait for it. Where every processor has a file to work on, a second
//! thread for each would only take turns with the first: there whoever writes bytes hashes them, too, and the hasher sleeps.

use std::sync::Mutex;

use bytes::Bytes;
use futures::executor::block_on;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::blocks::BlockSummer;
use super::file::DataFile;
use super::lock;
use crate::desk::{Digest, Fault};

/// Read at once; it stays in the processor's cache between reading and hashing.
const BLOCK: usize = 256 << 10;

/// A digest in the making.
#[derive(Clone)]
pub enum Hasher {
    Sha256(Sha256),
    Sha1(Sha1),
}

impl Hasher {
    /// Begins a digest of the same kind as `wanted` for a file of `size` bytes.
    pub fn like(wanted: &Digest, size: u64) -> Self {
        match wanted {
            Digest::Sha256(_) => Self::Sha256(Sha256::new()),
            Digest::GitSha1(_) => Self::Sha1(Sha1::new_with_prefix(format!("blob {size}\0"))),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all bytes.
    pub fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest::Sha256(hex::encode(hasher.finalize())),
            Self::Sha1(hasher) => Digest::GitSha1(hex::encode(hasher.finalize())),
        }
    }
}

/// The digest of a file that grows, taken from its beginning to its end by whoever has the next bytes at hand.
pub struct Growing {
    size: u64,
    state: Mutex<State>,
    done: watch::Sender<u64>,
}

#[derive(Clone)]
struct State {
    digest: Hasher,
    blocks: BlockSummer,
}

impl Growing {
    /// Begins a digest of the same kind as `wanted` for a file of `size` bytes.
    pub fn new(wanted: &Digest, size: u64) -> Self {
        let state = State { digest: Hasher::like(wanted, size), blocks: BlockSummer::new(size) };
        Self { size, state: Mutex::new(state), done: watch::Sender::new(0) }
    }

    /// How many bytes from the beginning are hashed.
    pub fn done(&self) -> u64 {
        *self.done.borrow()
    }

    /// The same, for those who wait for it to change.
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.done.subscribe()
    }

    /// Hashes some of what is on the disk before `whole`, unless somebody else is at it: about twice as much as these pieces have, so
    /// that whoever writes catches up without ever being held up for long. The pieces begin at `offset` and need not be read.
    pub fn keep_up(&self, file: &DataFile, whole: u64, offset: u64, pieces: &[Bytes]) -> Result<(), Fault> {
        let Ok(mut state) = self.state.try_lock() else { return Ok(()) };
        let length: usize = pieces.iter().map(Bytes::len).sum();
        let until = whole.min(self.done() + 2 * length as u64);
        let mut buffer = Vec::new();
        while self.done() < until {
            if self.done() == offset {
                for piece in pieces {
                    self.take(&mut state, piece);
                }
            } else {
                buffer.resize(BLOCK, 0);
                self.read_on(&mut state, file, until, &mut buffer)?;
            }
        }
        Ok(())
    }

    /// Hashes the file as it grows to its size and answers with its digest and the checksums of its blocks. Blocks its thread.
    ///
    /// `prefix` says how many bytes from the beginning are on the disk. `None` when it was cancelled or the growing ended early.
    pub fn follow(
        &self,
        file: &DataFile,
        mut prefix: watch::Receiver<u64>,
        cancelled: &CancellationToken,
    ) -> Result<Option<(Digest, BlockSummer)>, Fault> {
        let mut buffer = vec![0; BLOCK];
        let mut whole = *prefix.borrow_and_update();
        while self.done() < self.size {
            if cancelled.is_cancelled() || (self.done() >= whole && block_on(prefix.changed()).is_err()) {
                return Ok(None);
            }
            if self.done() >= whole {
                whole = *prefix.borrow_and_update();
            }
            self.read_on(&mut lock(&self.state), file, whole, &mut buffer)?;
        }
        let State { digest, blocks } = lock(&self.state).clone();
        Ok(Some((digest.finish(), blocks)))
    }

    /// Hashes the next bytes of the file, as many of those before `whole` as the buffer takes.
    fn read_on(&self, state: &mut State, file: &DataFile, whole: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        let at = self.done();
        let length = usize::try_from(whole.saturating_sub(at)).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        file.read(at, &mut buffer[..length])?;
        self.take(state, &buffer[..length]);
        Ok(())
    }

    fn take(&self, state: &mut State, bytes: &[u8]) {
        state.digest.update(bytes);
        state.blocks.update(bytes);
        self.done.send_modify(|done| *done += bytes.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn file(content: &'static [u8]) -> (tempfile::TempDir, DataFile) {
        let dir = tempfile::tempdir().unwrap();
        let file = DataFile::open(&dir.path().join("x"), content.len() as u64, false).unwrap();
        file.write(0, &[Bytes::from_static(content)]).unwrap();
        (dir, file)
    }

    fn digest_of(content: &'static [u8], wanted: &str) -> Option<Digest> {
        let (_dir, file) = file(content);
        let prefix = watch::Sender::new(content.len() as u64);
        let growing = Growing::new(&wanted.parse().unwrap(), content.len() as u64);
        growing.follow(&file, prefix.subscribe(), &CancellationToken::new()).unwrap().map(|(digest, _)| digest)
    }

    #[test]
    fn both_kinds_agree_with_git_and_sha256sum() {
        let empty_blob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"; // git hash-object /dev/null
        let hello_blob = "ce013625030ba8dba906f756967f9e9ca394464a"; // echo hello | git hash-object --stdin
        let hello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"; // echo hello | sha256sum
        for (content, hex) in [(&b""[..], empty_blob), (b"hello\n", hello_blob), (b"hello\n", hello)] {
            assert_eq!(digest_of(content, hex), Some(hex.parse().unwrap()));
        }
    }

    #[test]
    fn the_hasher_follows_growth_and_gives_up_with_it() {
        let (_dir, file) = file(b"hello\n");
        let wanted: Digest = HELLO.parse().unwrap();
        let (alive, stopped) = (CancellationToken::new(), CancellationToken::new());
        stopped.cancel();
        let (prefix, growing) = (watch::Sender::new(0), Growing::new(&wanted, 6));
        let (receiver, mut progress) = (prefix.subscribe(), growing.progress());
        std::thread::scope(|scope| {
            let following = scope.spawn(|| growing.follow(&file, receiver, &alive).unwrap().map(|(digest, _)| digest));
            for whole in 1..=6 {
                prefix.send_replace(whole);
                block_on(progress.wait_for(|done| *done == whole)).unwrap();
            }
            assert_eq!(following.join().unwrap(), Some(wanted.clone()));
        });
        let follow = |prefix, cancelled: &CancellationToken| Growing::new(&wanted, 6).follow(&file, prefix, cancelled).unwrap().is_none();
        let abandoned = watch::Sender::new(3).subscribe();
        assert!(follow(abandoned, &alive), "nobody writes any more");
        let whole = watch::Sender::new(6);
        assert!(follow(whole.subscribe(), &stopped));
    }

    #[test]
    fn a_writer_hashes_what_it_has_at_hand_and_reads_the_rest() {
        let (_dir, file) = file(b"hello\n");
        let (wanted, prefix) = (HELLO.parse().unwrap(), watch::Sender::new(6));
        let finish = |growing: Growing| growing.follow(&file, prefix.subscribe(), &CancellationToken::new()).unwrap().unwrap().0;

        let growing = Growing::new(&wanted, 6);
        growing.keep_up(&file, 2, 0, &[Bytes::from_static(b"HE")]).unwrap();
        assert_eq!(growing.done(), 2);
        assert_ne!(finish(growing), wanted, "the bytes at hand were not read from the file");

        let growing = Growing::new(&wanted, 6);
        growing.keep_up(&file, 5, 4, &[Bytes::from_static(b"o")]).unwrap();
        assert_eq!(growing.done(), 2, "no more than twice the bytes at hand at once");
        growing.keep_up(&file, 6, 5, &[Bytes::from_static(b"\n")]).unwrap();
        assert_eq!(finish(growing), wanted);
    }

    const HELLO: &str = "ce013625030ba8dba906f756967f9e9ca394464a"; // echo hello | git hash-object --stdin
}
