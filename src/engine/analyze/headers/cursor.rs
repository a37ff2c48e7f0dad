//! Numbers and texts from the front of a GGUF file, in its byte order.

use super::broken;
use crate::desk::Fault;

/// Why reading ends early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The file goes on beyond what is here; at least this much of its front is likely to be needed.
    Short(u64),
    /// The header cannot be right.
    Wrong(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Wrong(fault)
    }
}

/// A place in the front of a file.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    front: &'a [u8],
    size: u64,
    at: u64,
    /// Whether numbers have their highest byte first.
    pub big_endian: bool,
}

impl<'a> Cursor<'a> {
    /// The start of a file of `size` bytes, of which `front` is here.
    pub fn new(front: &'a [u8], size: u64) -> Self {
        Self { front, size, at: 0, big_endian: false }
    }

    /// The offset in the file.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Bytes of the file from here on.
    pub fn rest(&self) -> u64 {
        self.size.saturating_sub(self.at)
    }

    /// Goes on by so many bytes, which need not be here.
    pub fn skip(&mut self, bytes: u64) -> Result<(), Stop> {
        self.must_hold(1, bytes)?;
        self.at += bytes;
        Ok(())
    }

    /// A fault unless the file can hold so many things of at least so many bytes from here on.
    pub fn must_hold(&self, count: u64, bytes: u64) -> Result<(), Fault> {
        match count.checked_mul(bytes) {
            Some(all) if all <= self.rest() => Ok(()),
            _ => Err(broken("it speaks of more than the file holds")),
        }
    }

    /// The next bytes.
    pub fn take(&mut self, bytes: u64) -> Result<&'a [u8], Stop> {
        let start = self.at;
        self.skip(bytes)?;
        let range = usize::try_from(start).ok().zip(usize::try_from(self.at).ok());
        range.and_then(|(start, end)| self.front.get(start..end)).ok_or(Stop::Short(self.at))
    }

    pub fn u32(&mut self) -> Result<u32, Stop> {
        let bytes = self.array::<4>()?;
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub fn u64(&mut self) -> Result<u64, Stop> {
        let bytes = self.array::<8>()?;
        Ok(if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// An integer of so many bytes; one below 0 is none.
    pub fn integer(&mut self, bytes: u64, signed: bool) -> Result<Option<u64>, Stop> {
        let little = !self.big_endian;
        let taken = self.take(bytes)?;
        let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        let number = if little { taken.iter().rev().fold(0, fold) } else { taken.iter().fold(0, fold) };
        let below_zero = signed && number >> (bytes * 8 - 1) == 1;
        Ok((!below_zero).then_some(number))
    }

    /// A text's bytes, which may be anything.
    pub fn text(&mut self) -> Result<&'a [u8], Stop> {
        let length = self.u64()?;
        self.take(length)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let taken = self.take(N as u64)?;
        taken.try_into().map_err(|_| Stop::Short(self.at))
    }
}
