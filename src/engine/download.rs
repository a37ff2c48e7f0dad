//! How a plan becomes files: a place from the cache, bytes from the Hub by way of transfers, one file at a time from the queue's view.

#[cfg(test)]
mod tests;
mod turns;

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::cache::{Cache, Elsewhere, Offer, Place};
use super::host::{FileLock, Space, blocking, space};
use super::hub::Hub;
use super::job::{ActiveFile, Followed, Held, Run, Runner};
use super::transfer::{Address, Counter, Mover, Pace, Partial, Received, Source, Transfer, XetAddress, is_small};
use crate::desk::{Digest, Fault, FaultKind, FileProgress, Phase, Plan, PlannedFile, RepoRef, printable};
pub(super) use turns::Turns;
use turns::{Line, Turn};

/// Files of one job in flight at once, where all are small. Many, because each costs a round trip or two.
const FILES_AT_ONCE: u32 = 32;

/// How many small files' room a large one takes: two large ones at a time keep every connection busy, and their digests follow while the
/// bytes are still in the processor's cache.
const LARGE_FILES_ROOM: u32 = 12;

/// How often a lock that another process holds is tried again.
const LOCK_RETRY: Duration = Duration::from_millis(200);

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
                outcome = downloader.bring_all(&plan, place, &limit, &run) => outcome,
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
        let (mut seen, elsewhere) = (HashSet::new(), self.cache.elsewhere());
        for file in &plan.files {
            if place.held(file) {
                held.files += 1;
                held.bytes += file.size;
            } else if !seen.insert(&file.digest) {
            } else if elsewhere.has_blob(file) {
                held.bytes += file.size;
                held.needs += if plan.local_dir.is_some() { file.size } else { 0 };
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
    async fn bring_all(&self, plan: &Arc<Plan>, place: Arc<dyn Place>, limit: &Arc<Pace>, run: &Arc<Run>) -> Result<(), Fault> {
        let stop = run.stop.child_token();
        let (elsewhere, room) = (Arc::new(self.cache.elsewhere()), Arc::new(Semaphore::new(FILES_AT_ONCE as usize)));
        let errand = |file: &PlannedFile| Errand {
            downloader: self.clone(),
            repo: plan.repo.clone(),
            commit: plan.commit.clone(),
            file: file.clone(),
            place: Arc::clone(&place),
            elsewhere: Arc::clone(&elsewhere),
            limit: Arc::clone(limit),
            run: Arc::clone(run),
            stop: stop.clone(),
            room: Arc::clone(&room),
        };
        let errands: Vec<Errand> = plan.files.iter().map(errand).collect();
        let mut results = stream::iter(errands).map(Errand::bring).buffer_unordered(FILES_AT_ONCE as usize);
        let mut outcome = Ok(());
        while let Some(result) = results.next().await {
            if result.is_err() && outcome.is_ok() {
                outcome = result;
                stop.cancel();
            }
        }
        outcome
    }
}

/// Gives the limit every value that is wanted, for as long as anybody may want another.
async fn keep_to(mut wanted: watch::Receiver<Option<u64>>, limit: &Pace) {
    while wanted.changed().await.is_ok() {
        limit.set(*wanted.borrow_and_update());
    }
}

/// One file to bring.
struct Errand {
    downloader: Downloader,
    elsewhere: Arc<Elsewhere>,
    repo: RepoRef,
    commit: String,
    file: PlannedFile,
    place: Arc<dyn Place>,
    limit: Arc<Pace>,
    run: Arc<Run>,
    stop: CancellationToken,
    /// For the job's files in flight.
    room: Arc<Semaphore>,
}

impl Errand {
    async fn bring(self) -> Result<(), Fault> {
        let room = if is_small(self.file.size) { 1 } else { LARGE_FILES_ROOM };
        let _room = self.room.acquire_many(room).await.map_err(|error| Fault::internal("there is no room").because(error))?;
        if self.stop.is_cancelled() {
            return Err(interrupted());
        }
        let counter = Arc::new(Counter::default());
        let shown = self.show(&counter);
        if let Some(mut claim) = self.claim(&counter).await? {
            if !self.adopt(&claim.offers, &counter).await? {
                self.fetch(&counter).await?;
            }
            claim.turn.pass_on(self.place.file_path(&self.file));
        }
        shown.placed(self.file.size);
        Ok(())
    }

    fn show(&self, counter: &Arc<Counter>) -> Followed {
        let in_flight = InFlight { path: self.file.path.clone(), size: self.file.size, counter: Arc::clone(counter) };
        self.run.follow(Arc::new(in_flight))
    }

    /// Work on this file's place, on a thread that may wait for the disk.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Place, &PlannedFile) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (place, file) = (Arc::clone(&self.place), self.file.clone());
        blocking(move || work(&*place, &file)).await
    }

    /// The right to bring the content, or `None` where it was here already and is linked now.
    ///
    /// The turn keeps this engine's other downloads off the content, the lock other processes, the official client among them. Both
    /// are released when the file is placed or the job stops, and nothing is held while waiting for either.
    async fn claim(&self, counter: &Counter) -> Result<Option<Claim>, Fault> {
        let line = self.downloader.turns.line(&self.file.digest);
        loop {
            let turn = self.turn(&line, counter).await?;
            match self.stand(turn.placed()).await? {
                Standing::Placed => return Ok(None),
                Standing::Locked(lock, offers) => return Ok(Some(Claim { turn, _lock: lock, offers })),
                Standing::Busy => drop(turn),
            }
            let waiting = tokio::time::sleep(LOCK_RETRY);
            self.wait(counter, "waiting for another process that downloads the same file", waiting).await?;
        }
    }

    async fn turn(&self, line: &Line, counter: &Counter) -> Result<Turn, Fault> {
        match line.try_turn() {
            Some(turn) => Ok(turn),
            None => self.wait(counter, "waiting for another download of the same content", line.turn()).await,
        }
    }

    /// Waits visibly, and no longer than the job runs.
    async fn wait<T>(&self, counter: &Counter, why: &str, awaited: impl Future<Output = T>) -> Result<T, Fault> {
        counter.enter(Phase::Waiting);
        counter.say(Some(why.to_owned()));
        let value = tokio::select! {
            value = awaited => value,
            () = self.stop.cancelled() => return Err(interrupted()),
        };
        counter.say(None);
        Ok(value)
    }

    /// Links the content if it is held, else takes the lock and looks where else on this machine it is.
    async fn stand(&self, passed_on: Option<PathBuf>) -> Result<Standing, Fault> {
        let elsewhere = Arc::clone(&self.elsewhere);
        self.on_disk(move |place, file| {
            if place.held(file) {
                return place.link(file).map(|()| Standing::Placed);
            }
            let Some(lock) = place.lock(file)? else { return Ok(Standing::Busy) };
            // Another process may have brought the content just before.
            if place.held(file) {
                return place.link(file).map(|()| Standing::Placed);
            }
            let offers = elsewhere.offers(file).into_iter().chain(passed_on.map(Offer::file)).collect();
            Ok(Standing::Locked(lock, offers))
        })
        .await
    }

    /// Takes the content over from elsewhere on this machine, if any of the offers proves right.
    async fn adopt(&self, offers: &[Offer], counter: &Arc<Counter>) -> Result<bool, Fault> {
        for offer in offers.iter().cloned() {
            counter.enter(Phase::Verifying);
            counter.say(Some(format!("checking {} on this machine", printable(&offer.path.display().to_string()))));
            let (stop, progress) = (self.stop.clone(), Arc::clone(counter));
            let watch = move |done| {
                progress.set_done(done);
                !stop.is_cancelled()
            };
            let adopted = self.on_disk(move |place, file| place.adopt(file, &offer, &watch)).await;
            counter.say(None);
            if adopted? {
                return Ok(true);
            }
            counter.set_done(0);
        }
        Ok(false)
    }

    /// Fetches the file and places it. A small one goes from memory to its place in one step.
    async fn fetch(&self, counter: &Arc<Counter>) -> Result<(), Fault> {
        let mover = &self.downloader.mover;
        let received = match mover.receive(self.transfer(counter)).await? {
            Ok(received) => Some(received),
            Err(transfer) => mover.fetch_in_parts(transfer).await.map(|()| None)?,
        };
        counter.enter(Phase::Placing);
        self.on_disk(|place, file| {
            received.map_or(Ok(()), Received::write)?;
            place.place(file)
        })
        .await
    }

    fn transfer(&self, counter: &Arc<Counter>) -> Transfer {
        let source = OnHub {
            hub: self.downloader.hub.clone(),
            repo: self.repo.clone(),
            commit: self.commit.clone(),
            file: self.file.clone(),
            xet: self.downloader.xet,
            asked: AtomicBool::new(false),
        };
        Transfer {
            partial: partial(&*self.place, &self.file),
            size: self.file.size,
            digest: self.file.digest.clone(),
            name: self.file.path.clone(),
            source: Arc::new(source),
            counter: Arc::clone(counter),
            limit: Arc::clone(&self.limit),
            stop: self.stop.clone(),
        }
    }
}

/// A file of a repository, wherever its Hub says its bytes are today.
///
/// The first address is the Hub's own, which redirects; it saves a request. Only when that is refused the Hub is asked, whose
/// answer is a fresh address or the cause.
struct OnHub {
    hub: Hub,
    repo: RepoRef,
    commit: String,
    file: PlannedFile,
    xet: bool,
    asked: AtomicBool,
}

impl Source for OnHub {
    fn locate(&self) -> BoxFuture<'_, Result<Address, Fault>> {
        async {
            let (url, token) = if self.asked.swap(true, Relaxed) {
                let location = self.hub.locate(&self.repo, &self.commit, &self.file.path).await?;
                (location.url, location.bearer)
            } else {
                self.hub.address(&self.repo, &self.commit, &self.file.path)?
            };
            Ok(Address { url, bearer: token.map(|token| token.secret().to_owned()) })
        }
        .boxed()
    }

    fn xet(&self) -> BoxFuture<'_, Result<Option<XetAddress>, Fault>> {
        let hash = self.file.xet_hash.clone().filter(|_| self.xet);
        let address = hash.map(|hash| {
            let (refresh_url, bearer) = self.hub.xet_token(&self.repo, &self.commit)?;
            let bearer = bearer.map(|token| token.secret().to_owned());
            Ok(XetAddress { hash, size: self.file.size, refresh_url, bearer })
        });
        std::future::ready(address.transpose()).boxed()
    }
}

/// What a file's look at its place found.
enum Standing {
    /// It was held and is linked.
    Placed,
    /// Another process has the lock.
    Busy,
    /// We have the lock; the content may be in these places.
    Locked(FileLock, Vec<Offer>),
}

/// The right to bring a content, and where it may be had without the network.
struct Claim {
    turn: Turn,
    _lock: FileLock,
    offers: Vec<Offer>,
}

struct InFlight {
    path: String,
    size: u64,
    counter: Arc<Counter>,
}

impl ActiveFile for InFlight {
    fn progress(&self) -> FileProgress {
        let counter = &self.counter;
        FileProgress { path: self.path.clone(), size: self.size, done: counter.done(), phase: counter.phase(), remark: counter.remark() }
    }

    fn moved(&self) -> u64 {
        self.counter.moved()
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

fn interrupted() -> Fault {
    Fault::new(FaultKind::Interrupted, "the download was stopped")
}
