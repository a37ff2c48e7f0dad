//! SHA-256 (FIPS 180-4) of a stream of bytes, or of two streams side by side.

use sha2::block_api::compress256;

use super::two;

/// Bytes that are compressed at once.
pub(super) const BLOCK: usize = 64;

/// What the digest is made of.
pub(super) type State = [u32; 8];

/// The state before the first byte (FIPS 180-4, 5.3.3).
const START: State = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The digest of the bytes so far.
#[derive(Clone, Debug)]
pub struct Sha256 {
    state: State,
    length: u64,
    /// Begins with the bytes of a block that is not full yet.
    begun: [u8; BLOCK],
}

impl Default for Sha256 {
    fn default() -> Self {
        Self { state: START, length: 0, begun: [0; BLOCK] }
    }
}

impl Sha256 {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let (blocks, rest) = self.fill(bytes).as_chunks();
        compress256(&mut self.state, blocks);
        self.count(blocks, rest);
    }

    /// Takes the next bytes of two streams. Where the processor can do two at a time, that takes hardly longer than one of them.
    pub fn update_both(&mut self, bytes: &[u8], other: &mut Self, others: &[u8]) {
        let (bytes, others) = (self.fill(bytes), other.fill(others));
        let ((blocks, _), (other_blocks, _)) = (bytes.as_chunks(), others.as_chunks());
        let both = blocks.len().min(other_blocks.len());
        let (blocks, other_blocks) = (&blocks[..both], &other_blocks[..both]);
        two::compress([&mut self.state, &mut other.state], [blocks, other_blocks]);
        self.count(blocks, &[]);
        other.count(other_blocks, &[]);
        self.update(&bytes[both * BLOCK..]);
        other.update(&others[both * BLOCK..]);
    }

    /// The digest of all bytes.
    pub fn finish(mut self) -> [u8; 32] {
        let bits = (self.length * 8).to_be_bytes();
        let zeros = (2 * BLOCK - 1 - bits.len() - self.at()) % BLOCK;
        self.update(&[0x80]);
        self.update(&[0; BLOCK][..zeros]);
        self.update(&bits);
        let mut digest = [0; 32];
        digest.as_chunks_mut().0.iter_mut().zip(self.state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
        digest
    }

    /// How much of a block is begun.
    #[allow(clippy::cast_possible_truncation)] // a remainder of 64
    fn at(&self) -> usize {
        (self.length % BLOCK as u64) as usize
    }

    /// Adds to a block that is begun, and answers with what is not needed for that. Afterwards none is begun or nothing is left.
    fn fill<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let at = self.at();
        if at == 0 {
            return bytes;
        }
        let (now, later) = bytes.split_at(bytes.len().min(BLOCK - at));
        self.begun[at..at + now.len()].copy_from_slice(now);
        self.length += now.len() as u64;
        if self.at() == 0 {
            compress256(&mut self.state, &[self.begun]);
        }
        later
    }

    /// Takes note of blocks that are compressed and of bytes that begin another one.
    fn count(&mut self, blocks: &[[u8; BLOCK]], rest: &[u8]) {
        self.length += (blocks.as_flattened().len() + rest.len()) as u64;
        if !rest.is_empty() {
            self.begun[..rest.len()].copy_from_slice(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest as _;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// In whatever pieces two streams come, side by side or one alone, each has the digest that a well-known library gives it.
        #[test]
        fn digests_are_those_of_another_library(
            one in prop::collection::vec(any::<u8>(), 0..2000),
            other in prop::collection::vec(any::<u8>(), 0..2000),
            cuts in prop::collection::vec((0_usize..300, 0_usize..300, 0..3), 0..12),
        ) {
            let (mut hashers, mut rests) = ([Sha256::default(), Sha256::default()], [&one[..], &other[..]]);
            let whole = (usize::MAX, usize::MAX, 2);
            for (first, second, how) in cuts.into_iter().chain([whole]) {
                let [(now, later), (others_now, others_later)] = [rests[0].split_at(first.min(rests[0].len())), rests[1].split_at(second.min(rests[1].len()))];
                let [this, that] = &mut hashers;
                match how {
                    0 => { this.update(now); that.update(others_now); }
                    1 => that.update_both(others_now, this, now),
                    _ => this.update_both(now, that, others_now),
                }
                rests = [later, others_later];
            }
            let [this, that] = hashers.map(Sha256::finish);
            prop_assert_eq!(this, <[u8; 32]>::from(sha2::Sha256::digest(&one)));
            prop_assert_eq!(that, <[u8; 32]>::from(sha2::Sha256::digest(&other)));
        }
    }
}
