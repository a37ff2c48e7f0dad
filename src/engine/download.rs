//! How a plan becomes files: a place from the cache, bytes from the Hub by way of transfers, one file at a time from the queue's view.

mod errand;
mod on_hub;
mod placing;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::{HashSet, VecDeque};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, select_all};
use futures::{FutureExt, Stream, StreamExt, stream};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::cache::{Cache, Place};
use super::host::{Space, blocking, space};
use super::hub::Hub;
use super::job::{Held, Run, Runner};
use super::transfer::{Mover, Pace, Partial, Seat, is_small};
use crate::desk::{Digest, Fault, FaultKind, Plan, PlannedFile};
use errand::{Errand, Shared};
use placing::{Load, placing};
pub(super) use turns::Turns;

/// Small files of one job in flight at once. Many, because each costs a round trip or two.
const SMALL_AT_ONCE: usize = 32;

/// The most threads that bring the small files of one job: each brings thousands a second.
const MOST_SMALL_LANES: usize = 2;

/// How often small files that have come are placed, unless there are enough of them before.
const GATHERING: Duration = Duration::from_millis(50);

/// Large files of one job in flight at once: two would keep every connection busy, but with four each has mostly another one's bytes to
/// be hashed with.
const LARGE_AT_ONCE: usize = 4;

/// Bytes that the filesystem counts in one block of a file's metadata.
const STAT_BLOCK: u64 = 512;

/// Carries out plans with a Hub, a cache and a mover of bytes.
#[derive(Clone)]
pub(super) struct Downloader {
    pub hub: Hub,
    pub cache: Cache,
    pub mover: Mover,
    pub turns: Turns,
    /// Whether files come over Xet where the Hub offers it.
    pub xet: bool,
}

impl Runner for Downloader {
    fn run(&self, plan: Arc<Plan>, run: Arc<Run>) -> BoxFuture<'static, Result<(), Fault>> {
        let downloader = self.clone();
        async move {
            let place = downloader.cache.place(&plan)?;
            let prepared = Arc::clone(&place);
            blocking(move || prepared.prepare()).await?;
            let mut wanted = run.limit.subscribe();
            let limit = Arc::new(Pace::new(*wanted.borrow_and_update()));
            tokio::select! {
                outcome = downloader.bring_all(&plan, place, Arc::clone(&limit), Arc::clone(&run)) => outcome,
                () = keep_to(wanted, &limit) => Err(Fault::internal("a speed limit ended")),
            }
        }
        .boxed()
    }

    fn limit(&self, bytes_per_second: Option<u64>) {
        self.mover.set_max_speed(bytes_per_second);
    }

    fn space(&self, plan: &Plan) -> Result<Space, Fault> {
        space(&self.cache.place(plan)?.dir())
    }

    fn held(&self, plan: &Plan) -> Result<Held, Fault> {
        let place = self.cache.place(plan)?;
        let room = space(&place.dir())?;
        let mut held = Held { device: room.device, free: room.free, ..Held::default() };
        let (mut seen, elsewhere, bare) = (HashSet::new(), self.cache.elsewhere(), place.is_bare());
        for file in &plan.files {
            if !bare && place.held(file) {
                held.files += 1;
                held.bytes += file.size;
            } else if !seen.insert(&file.digest) {
            } else if elsewhere.has_blob(file) {
                held.bytes += file.size;
                held.needs += if plan.local_dir.is_some() { file.size } else { 0 };
            } else if bare {
                held.needs += file.size;
            } else {
                let partial = partial(&*place, file);
                held.bytes += partial.held(file.size, &file.digest);
                held.needs += file.size.saturating_sub(allocated(&partial));
            }
        }
        Ok(held)
    }

    fn discard(&self, plan: &Plan, wanted_elsewhere: &HashSet<Digest>) -> Result<(), Fault> {
        let place = self.cache.place(plan)?;
        let mut unwanted = plan.files.iter().filter(|file| !wanted_elsewhere.contains(&file.digest));
        unwanted.try_for_each(|file| place.discard(file))
    }
}

impl Downloader {
    /// Brings every file; the first fault stops the others, which keep their bytes.
    async fn bring_all(&self, plan: &Arc<Plan>, place: Arc<dyn Place>, limit: Arc<Pace>, run: Arc<Run>) -> Result<(), Fault> {
        let (loads, placing) = placing(Arc::clone(&place));
        let job = Shared {
            downloader: self.clone(),
            plan: Arc::clone(plan),
            place,
            elsewhere: self.cache.elsewhere(),
            limit,
            stop: run.stop.child_token(),
            run,
        };
        let (stop, job) = (job.stop.clone(), Arc::new(job));
        let (small, large): (Vec<_>, Vec<_>) = plan.files.iter().cloned().partition(|file| is_small(file.size));
        let small = bring_small(&job, small, &loads)?;
        let large = bring_large(&job, large, loads);
        let mut results = select_all([small.boxed(), large.boxed(), stream::once(placing).boxed()]);
        let mut outcome = Ok(());
        while let Some(result) = results.next().await {
            if result.is_err() {
                stop.cancel();
            }
            outcome = telling(outcome, result);
        }
        outcome
    }
}

/// Of two outcomes the one to tell: the earlier fault, but not an interruption, which may be nothing but what the other one led to.
fn telling(earlier: Result<(), Fault>, later: Result<(), Fault>) -> Result<(), Fault> {
    match (&earlier, &later) {
        (Err(stopped), Err(fault)) if stopped.kind == FaultKind::Interrupted && fault.kind != FaultKind::Interrupted => later,
        _ => earlier.and(later),
    }
}

/// Brings small files, several at a time, on the threads where connections work.
fn bring_small(
    job: &Arc<Shared>,
    files: Vec<PlannedFile>,
    loads: &mpsc::Sender<Load>,
) -> Result<FuturesUnordered<BoxFuture<'static, Result<(), Fault>>>, Fault> {
    // What comes is placed meanwhile, which takes a processor, too.
    let lanes = (job.downloader.mover.processors() / 2).clamp(1, MOST_SMALL_LANES).min(files.len());
    let files = Arc::new(Mutex::new(VecDeque::from(files)));
    let hire = |_| {
        let seat = job.downloader.mover.seat()?;
        let lane = seat.handle().clone();
        let bringing = bring_in_loads(Arc::clone(job), Arc::clone(&files), SMALL_AT_ONCE / lanes, seat, loads.clone());
        let working = AbortOnDropHandle::new(lane.spawn(bringing));
        Ok(working.map(|ended| ended.unwrap_or_else(|error| Err(Fault::internal("a download's task ended").because(error)))).boxed())
    };
    (0..lanes).map(hire).collect()
}

/// Brings small files and has them placed, many at a time; the first fault stops the others.
async fn bring_in_loads(
    job: Arc<Shared>,
    files: Arc<Mutex<VecDeque<PlannedFile>>>,
    at_once: usize,
    seat: Seat,
    loads: mpsc::Sender<Load>,
) -> Result<(), Fault> {
    let next = || files.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let bring = |file| Errand { job: Arc::clone(&job), file }.bring(Some(&seat));
    let mut bringing = stream::iter(std::iter::from_fn(next)).map(bring).buffer_unordered(at_once);
    let (mut load, mut often, mut outcome) = (Load::default(), interval(GATHERING), Ok(()));
    often.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            brought = bringing.next() => match brought {
                Some(Ok(Some(parcel))) => if load.add(parcel) { load.send(&loads).await },
                Some(Ok(None)) => {}
                Some(Err(fault)) => {
                    job.stop.cancel();
                    outcome = telling(outcome, Err(fault));
                }
                None => break,
            },
            _ = often.tick() => load.offer(&loads),
        }
    }
    load.send(&loads).await;
    outcome
}

/// Brings large files, few at a time; the transfer of each sees to its own connections.
fn bring_large(job: &Arc<Shared>, files: Vec<PlannedFile>, loads: mpsc::Sender<Load>) -> impl Stream<Item = Result<(), Fault>> + use<> {
    let job = Arc::clone(job);
    let bring = move |file| {
        let (errand, loads) = (Errand { job: Arc::clone(&job), file }, loads.clone());
        async move {
            let mut load = Load::default();
            if let Some(parcel) = errand.bring(None).await? {
                load.add(parcel);
            }
            load.send(&loads).await;
            Ok(())
        }
    };
    stream::iter(files).map(bring).buffer_unordered(LARGE_AT_ONCE)
}

/// Gives the limit every value that is wanted, for as long as anybody may want another.
async fn keep_to(mut wanted: watch::Receiver<Option<u64>>, limit: &Pace) {
    while wanted.changed().await.is_ok() {
        limit.set(*wanted.borrow_and_update());
    }
}

/// The partial download of a file, as transfers know it.
pub(super) fn partial(place: &dyn Place, file: &PlannedFile) -> Partial {
    let paths = place.partial(file);
    Partial { data: paths.data, journal: paths.journal }
}

/// Bytes that a partial occupies already, so that a preallocated one does not ask for its room twice.
fn allocated(partial: &Partial) -> u64 {
    partial.data.metadata().map_or(0, |metadata| metadata.blocks() * STAT_BLOCK)
}
