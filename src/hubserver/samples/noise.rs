//! Numbers that look random and are the same on every machine.

use std::io::{self, Write};

/// A SplitMix64 generator (Steele, Lea and Flood, 2014).
pub struct Noise(u64);

impl Noise {
    /// A generator that depends on this text alone (FNV-1a).
    pub fn of(text: &str) -> Self {
        Self(text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// One of several; there is at least one.
    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        let at = usize::try_from(self.below(choices.len() as u64)).unwrap_or_default();
        choices[at]
    }

    /// Writes this many bytes, a large block at a time.
    pub fn write(&mut self, out: &mut impl Write, mut bytes: u64) -> io::Result<()> {
        let mut block = vec![0; 1 << 20];
        while bytes > 0 {
            for word in block.chunks_exact_mut(8) {
                word.copy_from_slice(&self.next().to_le_bytes());
            }
            let part = usize::try_from(bytes).unwrap_or(usize::MAX).min(block.len());
            out.write_all(&block[..part])?;
            bytes -= part as u64;
        }
        Ok(())
    }
}
