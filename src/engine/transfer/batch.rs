//! Received bytes on their way to the disk, gathered into blocks worth a write.

use bytes::{Bytes, BytesMut};

/// Pieces of at least this size are kept as they came; smaller ones (a TLS record has at most 16 KiB) are copied together.
const WORTH_KEEPING: usize = 64 << 10;

/// Consecutive bytes in few pieces.
#[derive(Debug, Default)]
pub struct Batch {
    pieces: Vec<Bytes>,
    tail: BytesMut,
    length: usize,
}

impl Batch {
    /// Appends bytes. However small they come, the batch takes about as much memory as it has bytes.
    pub fn push(&mut self, bytes: Bytes) {
        self.length += bytes.len();
        if bytes.len() >= WORTH_KEEPING {
            self.seal();
            self.pieces.push(bytes);
        } else {
            self.tail.extend_from_slice(&bytes);
        }
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push(self.tail.split().freeze());
        }
    }

    /// How many bytes it holds.
    pub fn len(&self) -> usize {
        self.length
    }

    /// The bytes in order.
    pub fn into_pieces(mut self) -> Vec<Bytes> {
        self.seal();
        self.pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_become_one_and_large_ones_stay() {
        let mut batch = Batch::default();
        for length in [10, 20, WORTH_KEEPING, 5, WORTH_KEEPING + 1] {
            batch.push(Bytes::from(vec![u8::try_from(length % 251).unwrap(); length]));
        }
        assert_eq!(batch.len(), 36 + 2 * WORTH_KEEPING);
        let pieces = batch.into_pieces();
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [30, WORTH_KEEPING, 5, WORTH_KEEPING + 1]);
        assert_eq!(&pieces[0][..12], [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 20, 20]);
    }

    #[test]
    fn an_empty_batch_has_no_pieces() {
        assert!(Batch::default().into_pieces().is_empty());
    }
}
