//! One file's transfer while it runs: what its connections share, and who watches over them.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, SetOnce, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::batch::Batch;
use super::book::Book;
use super::counter::Counter;
use super::file::DataFile;
use super::hash::Growing;
use super::mover::Common;
use super::pace::Pace;
use super::pairs::Portion;
use super::partial::Partial;
use super::ranges::Ranges;
use super::roll::Roll;
use super::segments::Segments;
use super::settings::Settings;
use super::{checkpoint, connection, foreman, lock, transports};
use crate::desk::{Digest, Fault, FaultKind};

/// Another connection is worth its while for every so many bytes.
const BYTES_PER_CONNECTION: u64 = 8 << 20;
/// The most bytes of a connection's first request.
const FIRST_STRIDE: u64 = 8 << 20;
/// When the digest is so many bytes behind, all connections but one wait for it: with too many at work it would get no processor.
const FAR_BEHIND: u64 = 32 << 20;

/// What one file's connections share.
pub struct Run {
    /// What all files share.
    pub common: Arc<Common>,
    /// What the file is called in messages.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// What its bytes must hash to.
    pub digest: Digest,
    /// Where it lies.
    pub partial: Partial,
    /// Its data, open.
    pub file: Arc<DataFile>,
    /// Where its bytes are.
    pub book: Book,
    /// Told how far it is.
    pub counter: Arc<Counter>,
    /// A speed limit beside the one that all files share.
    pub limit: Arc<Pace>,
    /// Which connection fetches what, and what is on the disk.
    pub segments: Mutex<Segments>,
    /// The most connections that work on it.
    pub connections: usize,
    /// Those that do.
    pub crew: Roll,
    /// Bytes a connection claims at first.
    pub stride: u64,
    /// Set once the server has sent exactly the range asked for.
    pub ranged: SetOnce<()>,
    /// What survives a power failure.
    pub synced: Mutex<Ranges>,
    /// How many bytes from the beginning were on the disk before this run.
    pub found: u64,
    /// How many bytes from the beginning are on the disk.
    pub prefix: watch::Sender<u64>,
    /// The digest of its bytes, as far as they are whole from the beginning.
    pub hashing: Arc<Growing>,
    /// Cancelled when there is nothing more to do, for whatever reason.
    pub enough: CancellationToken,
}

/// How many connections the missing bytes are worth, and how many bytes each claims at first.
pub fn share(missing: u64, most: usize) -> (usize, u64) {
    let worth = usize::try_from(missing / BYTES_PER_CONNECTION).unwrap_or(usize::MAX);
    let connections = worth.clamp(1, most.max(1));
    let even = missing.div_ceil(connections as u64);
    (connections, if connections == 1 { missing } else { even.min(FIRST_STRIDE) })
}

/// Whether the digest should be waited for. Reading again what earlier runs left takes as long as it takes and holds nobody up.
fn is_far_behind(hashed: u64, prefix: u64, found: u64) -> bool {
    hashed >= found && prefix >= hashed + FAR_BEHIND
}

impl Run {
    /// How the mover works.
    pub fn settings(&self) -> &Settings {
        &self.common.settings
    }

    /// The speed limit that all files share.
    pub fn pace(&self) -> &Pace {
        &self.common.pace
    }

    /// Which connection fetches what.
    pub fn segments(&self) -> MutexGuard<'_, Segments> {
        lock(&self.segments)
    }

    /// How many bytes are not on the disk.
    pub fn missing(&self) -> u64 {
        self.size - self.segments().written().total()
    }

    /// Waits while the digest is far behind and somebody else is at work.
    pub async fn digest_keeps_up(&self) {
        let mut hashed = self.hashing.progress();
        let may_go = |hashed: &u64| !is_far_behind(*hashed, *self.prefix.borrow(), self.found) || self.segments().is_idle();
        let _ = hashed.wait_for(may_go).await; // an error means that the hasher has ended
    }

    /// Whether its speed is a matter of how many connections it has: no limit slows it, and there is work for another one.
    pub fn is_up_to_its_connections(&self) -> bool {
        let limited = self.limit.is_limited() || self.pace().is_limited();
        self.ranged.initialized() && !limited && self.segments().has_work(Instant::now())
    }

    /// Waits for one of the connections that all files share.
    pub async fn permit(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let permit = self.common.permits.clone().acquire_owned().await;
        permit.map_err(|error| Fault::internal("the connections are gone").because(error))
    }

    /// The future's value, or an interruption as soon as the run has had enough.
    pub async fn unless_over<T>(&self, future: impl Future<Output = T>) -> Result<T, Fault> {
        tokio::select! {
            biased;
            () = self.enough.cancelled() => Err(interrupted(&self.name)),
            value = future => Ok(value),
        }
    }

    /// What a request or a body gives, or a fault when nothing comes for too long.
    pub async fn unless_stalled<T>(&self, io: impl Future<Output = reqwest::Result<T>>) -> Result<T, Fault> {
        unless_stalled(self.settings(), &self.name, io).await
    }

    /// Writes a batch and tells everybody; answers how many bytes are new. Blocks.
    pub fn store(&self, offset: u64, batch: Batch) -> Result<u64, Fault> {
        let (end, pieces) = (offset + batch.len() as u64, batch.into_pieces());
        self.file.write(offset, &pieces)?;
        let (gained, prefix) = self.mark(offset, end);
        self.book.worked();
        let wake = self.hash(prefix, offset, pieces)?;
        self.prefix.send_if_modified(|known| {
            *known = prefix.max(*known);
            wake
        });
        Ok(gained)
    }

    /// Hashes what was written where that is best done right here, and answers whether the hasher has anything to do.
    fn hash(&self, prefix: u64, offset: u64, pieces: Vec<Bytes>) -> Result<bool, Fault> {
        if !self.common.is_busy() {
            return Ok(true);
        }
        let (pairs, length) = (&self.common.pairs, pieces.iter().map(Bytes::len).sum::<usize>());
        pairs.add(Portion::new(self.hashing.clone(), offset, pieces));
        let waiting = pairs.first(&self.hashing).unwrap_or(prefix);
        self.hashing.catch_up(&self.file, prefix.min(waiting), 2 * length)?;
        Ok(prefix == self.size || is_far_behind(self.hashing.done(), prefix, 0))
    }

    /// Takes note of what was written: how many bytes are new, and how many are whole from the beginning.
    fn mark(&self, offset: u64, end: u64) -> (u64, u64) {
        let mut segments = self.segments();
        let before = segments.written().total();
        segments.mark_written(offset, end);
        let (done, prefix) = (segments.written().total(), segments.written().prefix());
        self.counter.set_done(done);
        (done - before, prefix)
    }

    /// Fetches every missing byte, keeping the journal. When it returns, nothing of it is running any more.
    pub async fn download(self: &Arc<Self>) -> Result<(), Fault> {
        let keeping = async {
            let kept = checkpoint::keep(self).await;
            self.enough.cancel();
            kept
        };
        let (moved, kept, ()) = tokio::join!(transports::connect(self), keeping, foreman::lead(self));
        kept?;
        if self.segments().is_complete() { Ok(()) } else { moved.and(Err(interrupted(&self.name))) }
    }

    /// Runs as many connections as are wanted, until none is left.
    pub async fn connect(self: &Arc<Self>) -> Result<(), Fault> {
        let mut working = JoinSet::new();
        let mut outcome = Ok(());
        let mut wanted = self.crew.wanted();
        let at_first = *wanted.borrow_and_update();
        (0..at_first).try_for_each(|_| self.hire(&mut working))?;
        loop {
            tokio::select! {
                biased;
                ended = working.join_next() => {
                    let Some(ended) = ended else { break };
                    let ended = ended.unwrap_or_else(|error| Err(Fault::internal("a connection's task ended").because(error)));
                    outcome = self.weigh(outcome, ended);
                }
                _ = wanted.changed() => {
                    let more = wanted.borrow_and_update().saturating_sub(working.len());
                    (0..more).try_for_each(|_| self.hire(&mut working))?;
                }
            }
        }
        outcome
    }

    /// Starts one more connection.
    fn hire(self: &Arc<Self>, working: &mut JoinSet<Result<(), Fault>>) -> Result<(), Fault> {
        let seat = self.common.lanes.seat()?;
        let lane = seat.handle().clone();
        working.spawn_on(connection::work(self.clone(), seat), &lane);
        Ok(())
    }

    /// Takes one connection's end into account. A transient fault costs one connection, any other ends the transfer.
    fn weigh(&self, so_far: Result<(), Fault>, ended: Result<(), Fault>) -> Result<(), Fault> {
        let final_fault = ended.as_ref().is_err_and(|fault| !fault.kind.is_transient());
        if final_fault || self.segments().is_complete() {
            self.enough.cancel();
        }
        match (so_far, ended) {
            (Err(first), Err(_)) if !first.kind.is_transient() => Err(first),
            (_, Err(fault)) => Err(fault),
            (so_far, Ok(())) => so_far,
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.common.pairs.forget(&self.hashing);
    }
}

/// What a request or a body for the file of this name gives, or a fault when nothing comes for too long.
pub async fn unless_stalled<T>(settings: &Settings, name: &str, io: impl Future<Output = reqwest::Result<T>>) -> Result<T, Fault> {
    let limit = settings.stall_timeout;
    let stalled = || Fault::new(FaultKind::Network, format!("no byte of {name} came for {} seconds", limit.as_secs_f32()));
    let answer = tokio::time::timeout(limit, io).await.map_err(|_| stalled())?;
    answer.map_err(|error| broken(settings, name, error))
}

/// A fault for a request that failed below HTTP.
pub fn broken(settings: &Settings, name: &str, error: reqwest::Error) -> Fault {
    let mut fault = settings.network.fault(error, None);
    fault.message = format!("cannot download {name}: {}", fault.message);
    fault
}

/// The fault of a transfer that was stopped on request.
pub fn interrupted(name: &str) -> Fault {
    Fault::new(FaultKind::Interrupted, format!("the download of {name} was stopped")).hint("resume it at any time; what is on disk is kept")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_that_began_with_an_earlier_runs_bytes_holds_nobody_up() {
        assert!(is_far_behind(10, 10 + FAR_BEHIND, 10));
        assert!(!is_far_behind(11, 10 + FAR_BEHIND, 10));
        assert!(!is_far_behind(9, 10 + 9 * FAR_BEHIND, 10));
    }

    #[test]
    fn connections_and_strides_follow_the_missing_bytes() {
        const MIB: u64 = 1 << 20;
        assert_eq!(share(0, 8), (1, 0));
        assert_eq!(share(15 * MIB, 8), (1, 15 * MIB));
        assert_eq!(share(20 * MIB, 8), (2, 8 * MIB));
        assert_eq!(share(100 * MIB, 8), (8, 8 * MIB));
        assert_eq!(share(4096 * MIB, 8), (8, 8 * MIB));
        assert_eq!(share(4096 * MIB, 0), (1, 4096 * MIB));
    }
}
