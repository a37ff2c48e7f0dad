//! The seam between the queue and the work: how a plan is carried out, and how its progress is seen.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::desk::{Digest, Fault, FileProgress, Plan};
use crate::engine::host::Space;

/// What the disk holds of a plan, and what it must still take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Files in their place.
    pub files: usize,
    /// Bytes on the disk that need not be fetched again.
    pub bytes: u64,
    /// Bytes that the filesystem must still provide. Less than what is missing where a partial is preallocated.
    pub needs: u64,
    /// The filesystem they go to.
    pub device: u64,
    /// Bytes free there.
    pub free: u64,
}

/// Carries out plans.
pub trait Runner: Send + Sync {
    /// Brings every file of a plan to its place. Ends soon after `run.stop` is cancelled, with [`crate::desk::FaultKind::Interrupted`];
    /// nothing is written after it has ended.
    fn run(&self, plan: Arc<Plan>, run: Arc<Run>) -> BoxFuture<'static, Result<(), Fault>>;

    /// Limits the speed of all runs together, in bytes a second, at once.
    fn limit(&self, bytes_per_second: Option<u64>);

    /// Bytes free where a plan's files go, and the filesystem they go to.
    fn space(&self, plan: &Plan) -> Result<Space, Fault>;

    /// What the disk holds of a plan. Reads the disk; may take a while.
    fn held(&self, plan: &Plan) -> Result<Held, Fault>;

    /// Removes the partial files of a plan that was given up, but for those whose content another job still wants.
    fn discard(&self, plan: &Plan, wanted_elsewhere: &HashSet<Digest>) -> Result<(), Fault>;
}

/// A file in flight, as its transfer tells it.
pub trait ActiveFile: Send + Sync {
    /// How far it is.
    fn progress(&self) -> FileProgress;

    /// Bytes moved over the network by this run.
    fn moved(&self) -> u64;
}

/// One run of a job: how to stop it, and what it tells of itself.
#[derive(Default)]
pub struct Run {
    /// Cancelled when the job is to stop.
    pub stop: CancellationToken,
    /// The most bytes a second for this run; it may change meanwhile and holds at once.
    pub limit: watch::Sender<Option<u64>>,
    counts: Mutex<Counts>,
}

/// One moment of a run.
#[derive(Clone, Default)]
pub(super) struct Counts {
    /// Files in their place.
    pub files_done: usize,
    /// Bytes of files in their place.
    bytes_placed: u64,
    /// Bytes moved by files that are no longer in flight.
    moved_before: u64,
    active: Vec<Arc<dyn ActiveFile>>,
}

impl Counts {
    /// Bytes on the disk: of files in their place and in flight.
    pub fn bytes_done(&self) -> u64 {
        self.bytes_placed + self.active().map(|file| file.done).sum::<u64>()
    }

    /// Bytes moved over the network by this run.
    pub fn bytes_moved(&self) -> u64 {
        self.moved_before + self.active.iter().map(|file| file.moved()).sum::<u64>()
    }

    /// The files in flight.
    pub fn active(&self) -> impl Iterator<Item = FileProgress> {
        self.active.iter().map(|file| file.progress())
    }
}

impl Run {
    /// Shows a file from now until the answer is dropped.
    pub fn follow(self: &Arc<Self>, file: Arc<dyn ActiveFile>) -> Followed {
        self.lock().active.push(Arc::clone(&file));
        Followed { run: Arc::clone(self), file, placed: None }
    }

    /// How far the run is now.
    pub(super) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn place(&mut self, size: u64) {
        self.files_done += 1;
        self.bytes_placed += size;
    }
}

/// A file that is being shown; dropping this takes it out of sight again.
pub struct Followed {
    run: Arc<Run>,
    file: Arc<dyn ActiveFile>,
    placed: Option<u64>,
}

impl Followed {
    /// Counts the file, of this size, as being in its place.
    pub fn placed(mut self, size: u64) {
        self.placed = Some(size);
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let mut counts = self.run.lock();
        counts.moved_before += self.file.moved();
        counts.active.retain(|file| !Arc::ptr_eq(file, &self.file));
        if let Some(size) = self.placed {
            counts.place(size);
        }
    }
}
