//! The digest of a file that is still growing.
//!
//! The hasher follows the part of the file that is whole from the beginning, on a thread of its own, and reads it back while
//! the kernel still has it in memory. Sockets and writers never wait for it.

use futures::executor::block_on;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::blocks::BlockSummer;
use super::file::DataFile;
use crate::desk::{Digest, Fault};

/// Read at once; it stays in the processor's cache between reading and hashing.
const BLOCK: usize = 256 << 10;

/// A digest in the making.
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

/// Hashes the file as it grows to `size` bytes and answers with its digest, of the same kind as `wanted`. Blocks its thread.
///
/// `prefix` says how many bytes from the beginning are on the disk, `hashed` is told how many of them are done; `blocks` sees
/// every byte. `None` when it was cancelled or the growing ended early.
pub fn follow(
    file: &DataFile,
    size: u64,
    wanted: &Digest,
    mut prefix: watch::Receiver<u64>,
    hashed: &watch::Sender<u64>,
    cancelled: &CancellationToken,
    blocks: &mut BlockSummer,
) -> Result<Option<Digest>, Fault> {
    let mut digest = Hasher::like(wanted, size);
    let mut buffer = vec![0; BLOCK];
    let mut at = 0;
    while at < size {
        let whole = *prefix.borrow_and_update();
        if cancelled.is_cancelled() || (at == whole && block_on(prefix.changed()).is_err()) {
            return Ok(None);
        }
        let length = usize::try_from(whole - at).map_or(BLOCK, |rest| rest.min(BLOCK));
        file.read(at, &mut buffer[..length])?;
        digest.update(&buffer[..length]);
        blocks.update(&buffer[..length]);
        at += length as u64;
        hashed.send_replace(at);
    }
    Ok(Some(digest.finish()))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn digest_of(content: &'static [u8], wanted: &str) -> Option<Digest> {
        let dir = tempfile::tempdir().unwrap();
        let file = DataFile::open(&dir.path().join("x"), content.len() as u64, false).unwrap();
        file.write(0, &[Bytes::from_static(content)]).unwrap();
        let growing = watch::Sender::new(content.len() as u64);
        follow(
            &file,
            content.len() as u64,
            &wanted.parse().unwrap(),
            growing.subscribe(),
            &watch::Sender::default(),
            &CancellationToken::new(),
            &mut BlockSummer::new(0),
        )
        .unwrap()
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
        let dir = tempfile::tempdir().unwrap();
        let file = DataFile::open(&dir.path().join("x"), 6, false).unwrap();
        file.write(0, &[Bytes::from_static(b"hello\n")]).unwrap();
        let wanted: Digest = "ce013625030ba8dba906f756967f9e9ca394464a".parse().unwrap();
        let (alive, token) = (CancellationToken::new(), CancellationToken::new());
        token.cancel();
        let hashed = watch::Sender::default();
        std::thread::scope(|scope| {
            let growing = watch::Sender::new(0);
            let receiver = growing.subscribe();
            let following = scope.spawn(|| follow(&file, 6, &wanted, receiver, &hashed, &alive, &mut BlockSummer::new(6)).unwrap());
            for whole in 1..=6 {
                growing.send_replace(whole);
            }
            assert_eq!(following.join().unwrap(), Some(wanted.clone()));
            let abandoned = watch::Sender::new(3).subscribe();
            assert_eq!(follow(&file, 6, &wanted, abandoned, &hashed, &alive, &mut BlockSummer::new(6)).unwrap(), None);
            assert_eq!(follow(&file, 6, &wanted, growing.subscribe(), &hashed, &token, &mut BlockSummer::new(6)).unwrap(), None);
        });
    }
}
