//! One file's way to this machine: from a look at its place to a parcel that is ready to be placed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::on_hub::OnHub;
use super::placing::{Claim, Content, Parcel};
use super::turns::{Line, Turn};
use super::{Downloader, partial};
use crate::desk::{Fault, FaultKind, FileProgress, Phase, Plan, PlannedFile, printable};
use crate::engine::cache::{Elsewhere, Offer, Place};
use crate::engine::host::{FileLock, blocking};
use crate::engine::job::{ActiveFile, Followed, Run};
use crate::engine::transfer::{Counter, Pace, Seat, Transfer, is_small};

/// How often a lock that another process holds is tried again.
const LOCK_RETRY: Duration = Duration::from_millis(200);

/// What a job's files share.
pub(super) struct Shared {
    pub downloader: Downloader,
    pub plan: Arc<Plan>,
    pub place: Arc<dyn Place>,
    pub elsewhere: Elsewhere,
    pub limit: Arc<Pace>,
    pub run: Arc<Run>,
    /// Cancelled when the job is to stop or one of its files has failed.
    pub stop: CancellationToken,
}

/// One file to bring.
pub(super) struct Errand {
    pub job: Arc<Shared>,
    pub file: PlannedFile,
}

impl Errand {
    /// Brings the file and answers with what is to be placed, unless that is done. With a seat, on whose thread this then runs, a small
    /// file comes over the seat's connections and what little it needs to know of the disk is looked up right there.
    pub(super) async fn bring(self, seat: Option<&Seat>) -> Result<Option<Parcel>, Fault> {
        if self.job.stop.is_cancelled() {
            return Err(interrupted());
        }
        let counter = Arc::new(Counter::default());
        let shown = self.show(&counter);
        let (claim, content) = match self.claim(seat.is_some(), &counter).await? {
            // Whoever wants the same content need not wait until this file, too, leads to it.
            Found::Held => (None, Content::Held),
            Found::Missing(mut claim, offers) if self.adopt(&offers, &counter).await? => {
                claim.turn.pass_on(self.job.place.file_path(&self.file));
                shown.placed(self.file.size);
                return Ok(None);
            }
            Found::Missing(claim, _) => (Some(claim), self.fetch(seat, &counter).await?),
        };
        counter.enter(Phase::Placing);
        Ok(Some(Parcel { file: self.file, content, claim, shown }))
    }

    fn show(&self, counter: &Arc<Counter>) -> Followed {
        let in_flight = InFlight { path: self.file.path.clone(), size: self.file.size, counter: Arc::clone(counter) };
        self.job.run.follow(Arc::new(in_flight))
    }

    /// The right to bring the content, and what is known of it.
    ///
    /// The turn keeps this engine's other downloads off the content, the lock other processes, the official client among them. Both
    /// are released when the file is placed or the job stops, and nothing is held while waiting for either.
    async fn claim(&self, at_once: bool, counter: &Counter) -> Result<Found, Fault> {
        let line = self.job.downloader.turns.line(&self.file.digest);
        loop {
            let turn = self.turn(&line, counter).await?;
            match self.look(at_once, turn.placed()).await? {
                Standing::Held => return Ok(Found::Held),
                Standing::Locked(lock, offers) => return Ok(Found::Missing(Claim { turn, _lock: lock }, offers)),
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
            () = self.job.stop.cancelled() => return Err(interrupted()),
        };
        counter.say(None);
        Ok(value)
    }

    /// Looks whether the content is held; if not, takes the lock and looks where else on this machine it is.
    async fn look(&self, at_once: bool, passed_on: Option<PathBuf>) -> Result<Standing, Fault> {
        if at_once {
            return look(&self.job, &self.file, passed_on);
        }
        let (job, file) = (Arc::clone(&self.job), self.file.clone());
        blocking(move || look(&job, &file, passed_on)).await
    }

    /// Takes the content over from elsewhere on this machine, if any of the offers proves right.
    async fn adopt(&self, offers: &[Offer], counter: &Arc<Counter>) -> Result<bool, Fault> {
        for offer in offers.iter().cloned() {
            counter.enter(Phase::Verifying);
            counter.say(Some(format!("checking {} on this machine", printable(&offer.path.display().to_string()))));
            let (job, file, progress) = (Arc::clone(&self.job), self.file.clone(), Arc::clone(counter));
            let adopted = blocking(move || {
                let watch = |done| {
                    progress.set_done(done);
                    !job.stop.is_cancelled()
                };
                job.place.adopt(&file, &offer, &watch)
            });
            let adopted = adopted.await;
            counter.say(None);
            if adopted? {
                return Ok(true);
            }
            counter.set_done(0);
        }
        Ok(false)
    }

    /// Fetches the content: a small file's in one piece, where that can be.
    async fn fetch(&self, seat: Option<&Seat>, counter: &Arc<Counter>) -> Result<Content, Fault> {
        let mover = &self.job.downloader.mover;
        let mut transfer = self.transfer(counter);
        if let Some(seat) = seat {
            transfer = match mover.receive(seat, transfer).await? {
                Ok(received) => return Ok(Content::Received(received)),
                Err(transfer) => transfer,
            };
        }
        mover.fetch_in_parts(transfer).await.map(|()| Content::Partial)
    }

    fn transfer(&self, counter: &Arc<Counter>) -> Transfer {
        let Downloader { hub, xet, .. } = &self.job.downloader;
        let (repo, commit) = (self.job.plan.repo.clone(), self.job.plan.commit.clone());
        Transfer {
            partial: partial(&*self.job.place, &self.file),
            size: self.file.size,
            digest: self.file.digest.clone(),
            name: self.file.path.clone(),
            source: Arc::new(OnHub::new(hub.clone(), repo, commit, self.file.clone(), *xet)),
            counter: Arc::clone(counter),
            limit: Arc::clone(&self.job.limit),
            stop: self.job.stop.clone(),
        }
    }
}

fn look(job: &Shared, file: &PlannedFile, passed_on: Option<PathBuf>) -> Result<Standing, Fault> {
    let expected = file.held == file.size || passed_on.is_some();
    if expected && job.place.held(file) {
        return Ok(Standing::Held);
    }
    let Some(lock) = job.place.lock(file)? else { return Ok(Standing::Busy) };
    // Another process may have brought the content just before. A new lock hardly rules that out, since some remove theirs; but to
    // look for each small file costs more than to fetch one of them in vain.
    if !(lock.is_new() && is_small(file.size)) && job.place.held(file) {
        return Ok(Standing::Held);
    }
    let offers = job.elsewhere.offers(file).into_iter().chain(passed_on.map(Offer::file)).collect();
    Ok(Standing::Locked(lock, offers))
}

/// What a file's look at its place found.
enum Standing {
    /// The content is held.
    Held,
    /// Another process has the lock.
    Busy,
    /// We have the lock; the content may be in these places.
    Locked(FileLock, Vec<Offer>),
}

/// What is known of a content.
enum Found {
    /// It is where the cache keeps it.
    Held,
    /// It is not, and is ours to bring; but it may be in these places.
    Missing(Claim, Vec<Offer>),
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

fn interrupted() -> Fault {
    Fault::new(FaultKind::Interrupted, "the download was stopped")
}
