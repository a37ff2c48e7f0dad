//! Checksums of a file's blocks, taken while it is hashed and kept once its digest matched.
//!
//! A digest says that a file is damaged but not where. With these a damaged file need not be fetched whole again: blocks whose
//! checksum still matches are good. A checksum is no proof, and need not be one: the digest is checked again in the end.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crc32fast::Hasher;
use serde::{Deserialize, Serialize};

use super::ranges::Ranges;
use crate::desk::{Digest, Fault};
use crate::engine::host;

const VERSION: u32 = 1;
/// Bytes of a block, unless the file is so large that there would be too many.
const SMALLEST_BLOCK: u64 = 4 << 20;
/// The most blocks of a file.
const MOST_BLOCKS: u64 = 1 << 16;
/// No list of ours comes near this size in bytes; a larger one is not read.
const LONGEST: u64 = 1 << 20;

/// The checksums of a file's blocks, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockSums {
    version: u32,
    size: u64,
    digest: Digest,
    /// The CRC-32 of each block; the last block may be shorter.
    crc32: Vec<u32>,
}

impl BlockSums {
    /// Reads what was kept in `folder` about this content; `None` where it is missing, unreadable, contradicts itself or is about other content.
    pub fn load(folder: &Path, digest: &Digest) -> Option<Self> {
        let mut text = Vec::new();
        File::open(path(folder, digest)).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
        let sums: Self = serde_json::from_slice(&text).ok()?;
        let same = sums.version == VERSION && sums.digest == *digest;
        (same && sums.crc32.len() as u64 == sums.size.div_ceil(block_size(sums.size))).then_some(sums)
    }

    /// What the file hashes to.
    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The file's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Keeps them in `folder`, in place of older ones of the same content.
    pub fn save(&self, folder: &Path) -> Result<(), Fault> {
        let text = serde_json::to_vec(self).map_err(|error| Fault::internal("block digests cannot be written as JSON").because(error))?;
        host::write_atomically(&path(folder, &self.digest), &text, 0o644)
    }

    /// The ranges of the file whose blocks are the same in both.
    pub(super) fn shared_with(&self, other: &Self) -> Ranges {
        let (mut ranges, block) = (Ranges::default(), block_size(self.size));
        let pairs = self.crc32.iter().zip(&other.crc32).zip((0..).step_by(usize::try_from(block).unwrap_or(usize::MAX)));
        for (_, start) in pairs.filter(|((ours, theirs), _)| ours == theirs) {
            ranges.add(start, self.size.min(start + block));
        }
        ranges
    }
}

fn path(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(format!("{digest}.json"))
}

/// Bytes of each block of a file of `size` bytes.
fn block_size(size: u64) -> u64 {
    let mut block = SMALLEST_BLOCK;
    while size.div_ceil(block) > MOST_BLOCKS {
        block *= 2;
    }
    block
}

/// The checksums of a file that is read from its beginning to its end.
#[derive(Clone)]
pub struct BlockSummer {
    size: u64,
    block: u64,
    /// Bytes of the present block that are still to come.
    rest: u64,
    present: Hasher,
    done: Vec<u32>,
}

impl BlockSummer {
    /// Begins with nothing of a file of `size` bytes.
    pub fn new(size: u64) -> Self {
        let block = block_size(size);
        Self { size, block, rest: block, present: Hasher::new(), done: Vec::new() }
    }

    /// Takes the next bytes of the file. What lies beyond its size is not counted.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && (self.done.len() as u64) < self.size.div_ceil(self.block) {
            let (now, later) = bytes.split_at(usize::try_from(self.rest).map_or(bytes.len(), |rest| rest.min(bytes.len())));
            self.present.update(now);
            self.rest -= now.len() as u64;
            bytes = later;
            if self.rest == 0 {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.done.push(std::mem::take(&mut self.present).finalize());
        self.rest = self.block;
    }

    /// The checksums of what was read, the beginning of a block included.
    pub fn finish(mut self, digest: Digest) -> BlockSums {
        if self.rest < self.block {
            self.close();
        }
        BlockSums { version: VERSION, size: self.size, digest, crc32: self.done }
    }

    /// Keeps the checksums of a file whose digest matched, where it has more than one block.
    ///
    /// A download does not fail for their sake: without them a damaged file is fetched whole.
    pub fn keep(self, folder: &Path, digest: &Digest) {
        if self.size <= self.block {
            return;
        }
        if let Err(fault) = self.finish(digest.clone()).save(folder) {
            tracing::warn!(%digest, %fault, "the block digests could not be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn digest() -> Digest {
        "ab".repeat(32).parse().unwrap()
    }

    fn sums(content: &[u8], size: usize, step: usize) -> BlockSums {
        let mut summer = BlockSummer::new(size as u64);
        content.chunks(step).for_each(|part| summer.update(part));
        summer.finish(digest())
    }

    #[test]
    fn only_blocks_that_changed_differ() {
        let mut content = vec![7; 10 * MIB];
        let before = sums(&content, content.len(), 300_001);
        assert_eq!(before.crc32.len(), 3);
        assert_eq!(before, sums(&content, content.len(), 10 * MIB), "the steps of reading do not matter");
        assert_eq!(before.shared_with(&before), Ranges::whole(10 << 20));
        content[5 * MIB] ^= 1;
        let mut good = Ranges::whole(4 << 20);
        good.add(8 << 20, 10 << 20);
        assert_eq!(before.shared_with(&sums(&content, content.len(), MIB)), good);
    }

    #[test]
    fn a_shorter_or_longer_file_shares_its_whole_blocks() {
        let content: Vec<u8> = (0..9 * MIB).map(|at| u8::try_from(at / MIB).unwrap()).collect();
        let whole = sums(&content, content.len(), MIB);
        let cut = sums(&content[..6 * MIB], content.len(), MIB);
        assert_eq!(whole.shared_with(&cut), Ranges::whole(4 << 20));
        assert_eq!(whole.shared_with(&sums(&[], content.len(), MIB)), Ranges::default());
        let grown = [content.clone(), vec![1; 8 * MIB]].concat();
        assert_eq!(whole.shared_with(&sums(&grown, content.len(), MIB)), Ranges::whole(8 << 20));
    }

    #[test]
    fn the_number_of_blocks_is_bounded() {
        assert_eq!(block_size(0), 4 << 20);
        assert_eq!(block_size(256 << 30), 4 << 20);
        assert_eq!(block_size((256 << 30) + 1), 8 << 20);
        assert!(u64::MAX.div_ceil(block_size(u64::MAX)) <= MOST_BLOCKS);
        let longest = BlockSums { version: VERSION, size: 256 << 30, digest: digest(), crc32: vec![u32::MAX; 1 << 16] };
        assert!((serde_json::to_vec(&longest).unwrap().len() as u64) < LONGEST, "what is written can be read");
    }

    #[test]
    fn what_is_kept_is_read_back_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("blocks");
        let content = vec![1; 5 * MIB];
        let mut summer = BlockSummer::new(content.len() as u64);
        summer.update(&content);
        summer.keep(&folder, &digest());
        assert_eq!(BlockSums::load(&folder, &digest()), Some(sums(&content, content.len(), MIB)));
        assert_eq!(BlockSums::load(&folder, &"cd".repeat(32).parse().unwrap()), None);
        BlockSummer::new(4 << 20).keep(&folder, &"cd".repeat(32).parse().unwrap());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "one block says no more than the digest");
        let good = std::fs::read_to_string(path(&folder, &digest())).unwrap();
        let hostile = [
            String::new(),
            "{".into(),
            good.replace("\"version\":1", "\"version\":2"),
            good.replace(']', ",1]"),
            good.replace("5242880", "52428800"),
            " ".repeat(2 << 20),
        ];
        for text in hostile {
            std::fs::write(path(&folder, &digest()), &text).unwrap();
            assert_eq!(BlockSums::load(&folder, &digest()), None);
        }
    }
}
