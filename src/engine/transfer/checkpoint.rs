//! Keeping the journal true to the disk while bytes move.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::journal::Journal;
use super::lock;
use super::run::Run;
use crate::desk::Fault;

/// Writes the journal, and has the data synced in the background, once per interval until the run has had enough.
///
/// A journal never speaks of bytes that a later crash of the process could lose; a slow disk delays the sync, not the journal.
pub async fn keep(run: &Arc<Run>) -> Result<(), Fault> {
    let mut syncing: Option<JoinHandle<Result<(), Fault>>> = None;
    let mut saved = run.counter.done();
    while run.unless_over(tokio::time::sleep(run.settings().checkpoint)).await.is_ok() {
        let done = run.counter.done();
        if done == saved {
            continue;
        }
        save(run).await?;
        saved = done;
        if let Some(finished) = syncing.take_if(|sync| sync.is_finished()) {
            finished.await.map_err(ended)??;
        }
        if syncing.is_none() {
            let run = run.clone();
            syncing = Some(tokio::task::spawn_blocking(move || sync(&run)));
        }
    }
    Ok(())
}

/// Writes the journal as things stand now.
pub async fn save(run: &Arc<Run>) -> Result<(), Fault> {
    let run = run.clone();
    let saving = move || {
        let written = run.segments().written().clone();
        let synced = lock(&run.synced).clone();
        Journal::new(run.size, run.digest.clone(), written, synced).save(&run.partial.journal)
    };
    tokio::task::spawn_blocking(saving).await.map_err(ended)?
}

/// Syncs the data; what was written before counts as synced after.
pub fn sync(run: &Run) -> Result<(), Fault> {
    let written = run.segments().written().clone();
    run.file.sync()?;
    *lock(&run.synced) = written;
    Ok(())
}

fn ended(error: tokio::task::JoinError) -> Fault {
    Fault::internal("a checkpoint ended").because(error)
}
