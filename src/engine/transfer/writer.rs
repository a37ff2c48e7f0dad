//! One connection's way to the disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::batch::Batch;
use super::run::Run;
use crate::desk::Fault;

/// A batch is written after this time even if it is not full, so that a slow link's progress shows and is kept.
const OLD: Duration = Duration::from_millis(250);

/// Gathers a connection's bytes into batches and writes them, on the connection's own thread.
pub struct Writer {
    run: Arc<Run>,
    offset: u64,
    batch: Batch,
    begun: Instant,
    gained: u64,
}

impl Writer {
    /// A writer whose first byte belongs at `offset`.
    pub fn new(run: Arc<Run>, offset: u64) -> Self {
        Self { run, offset, batch: Batch::default(), begun: Instant::now(), gained: 0 }
    }

    /// Takes the next bytes and answers whether it has written. Blocks while it writes.
    pub fn push(&mut self, bytes: Bytes) -> Result<bool, Fault> {
        if self.batch.len() == 0 {
            self.begun = Instant::now();
        }
        self.batch.push(bytes);
        let full = self.batch.len() >= self.run.common.batch_size();
        if full {
            self.write()?;
        }
        Ok(full)
    }

    /// Waits until the batch should be written although it is not full; for ever while it is empty.
    pub async fn ripe(&self) {
        match self.batch.len() {
            0 => std::future::pending().await,
            _ => tokio::time::sleep_until((self.begun + OLD).into()).await,
        }
    }

    /// Writes what is left, and answers how many bytes the file gained by this writer. Blocks.
    pub fn finish(mut self) -> Result<u64, Fault> {
        self.write()?;
        Ok(self.gained)
    }

    /// Writes the present batch and begins the next. Blocks.
    pub fn write(&mut self) -> Result<(), Fault> {
        let (batch, offset) = (std::mem::take(&mut self.batch), self.offset);
        if batch.len() == 0 {
            return Ok(());
        }
        self.offset += batch.len() as u64;
        self.gained += self.run.store(offset, batch)?;
        Ok(())
    }
}
