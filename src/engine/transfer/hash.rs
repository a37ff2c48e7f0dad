//! The digest of a file that is still growing.
//!
//! The hasher follows the part of the file that is whole from the beginning, on a thread of its own, and reads it back while
//! the kernel still has it in memory. Sockets and writers never wait for it. Where every processor has a file to work on, a second
//! thread for each would only take turns with the first: there whoever writes bytes hashes them, too (see [`super::pairs`]), and the
//! hasher sleeps.

use std::sync::Arc;

use futures::executor::block_on;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio_util::sync::CancellationToken;

use super::blocks::BlockSummer;
use super::file::DataFile;
use crate::desk::{Digest, Fault};
use crate::engine::digest::Hasher;

/// Read at once; it stays in the processor's cache between reading and hashing.
const BLOCK: usize = 256 << 10;

/// The digest of a file that grows, taken from its beginning to its end by whoever has the next bytes at hand.
pub struct Growing {
    size: u64,
    state: Arc<Mutex<State>>,
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
        Self { size, state: Arc::new(Mutex::new(state)), done: watch::Sender::new(0) }
    }

    /// How many bytes from the beginning are hashed.
    pub fn done(&self) -> u64 {
        *self.done.borrow()
    }

    /// The same, for those who wait for it to change.
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.done.subscribe()
    }

    /// The right to hash the bytes from `offset` on, unless others come first or somebody is at it.
    pub fn turn(self: &Arc<Self>, offset: u64) -> Option<Turn> {
        let state = self.state.clone().try_lock_owned().ok()?;
        (self.done() == offset).then(|| Turn { growing: self.clone(), state })
    }

    /// Hashes what is on the disk before `whole`, unless somebody else is at it: at most about so many bytes, so that whoever has others to
    /// write catches up without ever being held up for long.
    pub fn catch_up(&self, file: &DataFile, whole: u64, most: usize) -> Result<(), Fault> {
        let until = whole.min(self.done() + most as u64);
        if self.done() >= until {
            return Ok(());
        }
        let Ok(mut state) = self.state.try_lock() else { return Ok(()) };
        let mut buffer = vec![0; BLOCK];
        while self.done() < until {
            self.read_on(&mut state, file, until, &mut buffer)?;
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
            self.read_on(&mut self.state.blocking_lock(), file, whole, &mut buffer)?;
        }
        let State { digest, blocks } = self.state.blocking_lock().clone();
        Ok(Some((digest.finish(), blocks)))
    }

    /// Hashes the next bytes of the file, as many of those before `whole` as the buffer takes.
    fn read_on(&self, state: &mut State, file: &DataFile, whole: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        let at = self.done();
        let length = usize::try_from(whole.saturating_sub(at)).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        file.read(at, &mut buffer[..length])?;
        state.digest.update(&buffer[..length]);
        self.took(state, &buffer[..length]);
        Ok(())
    }

    /// Takes note of bytes whose digest is taken.
    fn took(&self, state: &mut State, bytes: &[u8]) {
        state.blocks.update(bytes);
        self.done.send_modify(|done| *done += bytes.len() as u64);
    }
}

/// The right to hash a file's next bytes.
pub struct Turn {
    growing: Arc<Growing>,
    state: OwnedMutexGuard<State>,
}

impl Turn {
    /// Hashes the file's next bytes.
    pub fn hash(&mut self, bytes: &[u8]) {
        self.state.digest.update(bytes);
        self.growing.took(&mut self.state, bytes);
    }

    /// Hashes the next bytes of two files, which takes hardly longer than those of one.
    pub fn hash_both(&mut self, bytes: &[u8], other: &mut Self, others: &[u8]) {
        self.state.digest.update_both(bytes, &mut other.state.digest, others);
        self.growing.took(&mut self.state, bytes);
        other.growing.took(&mut other.state, others);
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
        let finish = |growing: &Growing| growing.follow(&file, prefix.subscribe(), &CancellationToken::new()).unwrap().unwrap().0;

        let growing = Arc::new(Growing::new(&wanted, 6));
        growing.turn(0).unwrap().hash(b"HE");
        assert_eq!(growing.done(), 2);
        assert_ne!(finish(&growing), wanted, "the bytes at hand were not read from the file");

        let growing = Arc::new(Growing::new(&wanted, 6));
        assert!(growing.turn(4).is_none(), "others come first");
        growing.catch_up(&file, 5, 2).unwrap();
        assert_eq!(growing.done(), 2, "no more than was allowed");
        growing.catch_up(&file, 4, 9).unwrap();
        let mut turn = growing.turn(4).unwrap();
        assert!(growing.turn(4).is_none(), "somebody is at it");
        growing.catch_up(&file, 6, 9).unwrap();
        assert_eq!(growing.done(), 4, "somebody is at it");
        turn.hash(b"o\n");
        drop(turn);
        assert_eq!(finish(&growing), wanted);
    }

    const HELLO: &str = "ce013625030ba8dba906f756967f9e9ca394464a"; // echo hello | git hash-object --stdin
}
