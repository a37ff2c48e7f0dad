//! One connection's way to the disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::batch::Batch;
use super::run::Run;
use crate::desk::Fault;

/// A batch is written after this time even if it is not full, so that a slow link's progress shows and is kept.
const OLD: Duration = Duration::from_millis(250);

/// Gathers a connection's bytes into batches and writes each on a blocking thread while the next one fills.
pub struct Writer {
    run: Arc<Run>,
    offset: u64,
    batch: Batch,
    begun: Instant,
    writing: Option<JoinHandle<Result<u64, Fault>>>,
    gained: u64,
}

impl Writer {
    /// A writer that must be told where to begin.
    pub fn new(run: Arc<Run>) -> Self {
        Self { run, offset: 0, batch: Batch::default(), begun: Instant::now(), writing: None, gained: 0 }
    }

    /// Begins anew: the next byte belongs at `offset`, and what is gained is counted from here. What came before is being written.
    pub async fn begin(&mut self, offset: u64) -> Result<(), Fault> {
        self.hand_over().await?;
        (self.offset, self.gained) = (offset, 0);
        Ok(())
    }

    /// Takes the next bytes; waits only while the batch before the present one is still being written.
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), Fault> {
        if self.batch.len() == 0 {
            self.begun = Instant::now();
        }
        self.batch.push(bytes);
        if self.batch.len() >= self.run.common.batch_size() { self.hand_over().await } else { Ok(()) }
    }

    /// Waits until the batch should be handed over although it is not full; for ever while it is empty.
    pub async fn ripe(&self) {
        match self.batch.len() {
            0 => std::future::pending().await,
            _ => tokio::time::sleep_until((self.begun + OLD).into()).await,
        }
    }

    /// Writes what is left, and answers how many bytes the file gained since the writer began.
    pub async fn finish(&mut self) -> Result<u64, Fault> {
        self.hand_over().await?;
        self.settle().await?;
        Ok(self.gained)
    }

    /// Has the present batch written and begins the next. Dropping this future loses nothing.
    pub async fn hand_over(&mut self) -> Result<(), Fault> {
        self.settle().await?;
        let (batch, offset, run) = (std::mem::take(&mut self.batch), self.offset, self.run.clone());
        self.offset += batch.len() as u64;
        if batch.len() > 0 {
            self.writing = Some(tokio::task::spawn_blocking(move || run.store(offset, batch)));
        }
        Ok(())
    }

    /// Waits for the write in progress. Dropping this future loses nothing: the next call waits for the same write.
    async fn settle(&mut self) -> Result<(), Fault> {
        let Some(writing) = &mut self.writing else { return Ok(()) };
        let written = writing.await;
        self.writing = None;
        self.gained += written.map_err(|error| Fault::internal("a writer thread ended").because(error))??;
        Ok(())
    }
}
