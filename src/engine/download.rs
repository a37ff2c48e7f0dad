//! How a plan becomes files: a place from the cache, bytes from the Hub by way of transfers, one file at a time from the queue's view.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::cache::{Cache, Place};
use super::host::{FileLock, blocking, space};
use super::hub::Hub;
use super::job::{ActiveFile, Followed, Held, Run, Runner};
use super::transfer::{Address, Counter, Mover, Partial, Source, Transfer, XetAddress};
use crate::desk::{Digest, Fault, FaultKind, FileProgress, Phase, Plan, PlannedFile, RepoRef};

/// Files of one job in flight at once. Many, because small files cost a round trip each; the bytes are bounded by the mover.
const FILES_AT_ONCE: usize = 8;

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
            downloader.bring_all(&plan, place, run).await
        }
        .boxed()
    }

    fn held(&self, plan: &Plan) -> Result<Held, Fault> {
        let place = self.cache.place(plan)?;
        let room = space(&place.dir())?;
        let mut held = Held { device: room.device, free: room.free, ..Held::default() };
        let mut seen = HashSet::new();
        for file in &plan.files {
            if place.held(file) {
                held.files += 1;
                held.bytes += file.size;
            } else if seen.insert(&file.digest) {
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
    async fn bring_all(&self, plan: &Arc<Plan>, place: Arc<dyn Place>, run: Arc<Run>) -> Result<(), Fault> {
        let stop = run.stop.child_token();
        let errand = |file: &PlannedFile| Errand {
            downloader: self.clone(),
            repo: plan.repo.clone(),
            commit: plan.commit.clone(),
            file: file.clone(),
            place: Arc::clone(&place),
            run: Arc::clone(&run),
            stop: stop.clone(),
        };
        let errands: Vec<Errand> = plan.files.iter().map(errand).collect();
        let mut results = stream::iter(errands).map(Errand::bring).buffer_unordered(FILES_AT_ONCE);
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

/// One file to bring.
struct Errand {
    downloader: Downloader,
    repo: RepoRef,
    commit: String,
    file: PlannedFile,
    place: Arc<dyn Place>,
    run: Arc<Run>,
    stop: CancellationToken,
}

impl Errand {
    async fn bring(self) -> Result<(), Fault> {
        if self.stop.is_cancelled() {
            return Err(interrupted());
        }
        if self.link_if_held().await? {
            self.run.already_placed(self.file.size);
            return Ok(());
        }
        let counter = Arc::new(Counter::default());
        let shown = self.show(&counter);
        let _lock = self.lock().await?;
        // Somebody else may have brought the content while we waited for the lock.
        if !self.link_if_held().await? {
            self.fetch(Arc::clone(&counter)).await?;
            counter.enter(Phase::Placing);
            let (place, file) = (Arc::clone(&self.place), self.file.clone());
            blocking(move || place.place(&file)).await?;
        }
        shown.placed(self.file.size);
        Ok(())
    }

    fn show(&self, counter: &Arc<Counter>) -> Followed {
        let in_flight = InFlight { path: self.file.path.clone(), size: self.file.size, counter: Arc::clone(counter) };
        self.run.follow(Arc::new(in_flight))
    }

    async fn link_if_held(&self) -> Result<bool, Fault> {
        let (place, file) = (Arc::clone(&self.place), self.file.clone());
        blocking(move || if place.held(&file) { place.link(&file).map(|()| true) } else { Ok(false) }).await
    }

    /// The lock that keeps other processes, the official client among them, off this content. Released when the file is placed or the job stops.
    async fn lock(&self) -> Result<FileLock, Fault> {
        loop {
            let (place, file) = (Arc::clone(&self.place), self.file.clone());
            if let Some(lock) = blocking(move || place.lock(&file)).await? {
                return Ok(lock);
            }
            tokio::select! {
                () = tokio::time::sleep(LOCK_RETRY) => {}
                () = self.stop.cancelled() => return Err(interrupted()),
            }
        }
    }

    async fn fetch(&self, counter: Arc<Counter>) -> Result<(), Fault> {
        let source = OnHub {
            hub: self.downloader.hub.clone(),
            repo: self.repo.clone(),
            commit: self.commit.clone(),
            file: self.file.clone(),
            xet: self.downloader.xet,
        };
        let transfer = Transfer {
            partial: partial(&*self.place, &self.file),
            size: self.file.size,
            digest: self.file.digest.clone(),
            name: self.file.path.clone(),
            source: Arc::new(source),
            counter,
            stop: self.stop.clone(),
        };
        self.downloader.mover.fetch(transfer).await
    }
}

/// A file of a repository, wherever its Hub says its bytes are today.
struct OnHub {
    hub: Hub,
    repo: RepoRef,
    commit: String,
    file: PlannedFile,
    xet: bool,
}

impl Source for OnHub {
    fn locate(&self) -> BoxFuture<'_, Result<Address, Fault>> {
        async {
            let location = self.hub.locate(&self.repo, &self.commit, &self.file.path).await?;
            Ok(Address { url: location.url, bearer: location.bearer.map(|token| token.secret().to_owned()) })
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
