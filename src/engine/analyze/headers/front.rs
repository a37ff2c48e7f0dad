//! The front of a file, fetched as far as it is needed.

use std::future::Future;
use std::ops::Range;

use crate::desk::{Fault, FaultKind};

/// Bytes asked for at first: what most models say of themselves before their vocabulary begins, many times over.
pub(super) const FIRST: u64 = 256 << 10;

/// The front of a file.
pub(super) struct Front<F> {
    bytes: Vec<u8>,
    size: u64,
    fetch: F,
}

impl<F, Fut> Front<F>
where
    F: Fn(Range<u64>) -> Fut,
    Fut: Future<Output = Result<Vec<u8>, Fault>>,
{
    /// The first bytes of a file of `size` bytes.
    pub async fn open(size: u64, budget: u64, fetch: F) -> Result<Self, Fault> {
        let mut front = Self { bytes: Vec::new(), size, fetch };
        front.grow(FIRST.min(budget)).await?;
        Ok(front)
    }

    /// What is here.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Fetches what is missing up to this offset or the file's end, in one request; in none where all is here.
    pub async fn grow(&mut self, to: u64) -> Result<(), Fault> {
        let missing = self.bytes.len() as u64..to.min(self.size);
        if missing.is_empty() {
            return Ok(());
        }
        let got = (self.fetch)(missing.clone()).await?;
        if got.len() as u64 != missing.end - missing.start {
            let message = format!("{} bytes of a file were asked for, and {} came", missing.end - missing.start, got.len());
            return Err(Fault::new(FaultKind::BadReply, message));
        }
        self.bytes.extend_from_slice(&got);
        Ok(())
    }
}
