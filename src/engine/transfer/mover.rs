//! What callers hold: one [`Mover`] for all files, one [`Transfer`] for each.

use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, SetOnce, watch};
use tokio_util::sync::CancellationToken;

use super::book::Book;
use super::checkpoint;
use super::counter::Counter;
use super::file::DataFile;
use super::hash;
use super::pace::Pace;
use super::partial::Partial;
use super::run::{Run, interrupted, share};
use super::segments::Segments;
use super::settings::Settings;
use super::source::Source;
use super::xet::XetClient;
use crate::desk::{Digest, Fault, FaultKind, Phase};

/// So many redirects are followed for one request.
const MAX_REDIRECTS: usize = 5;

/// One file to be moved.
pub struct Transfer {
    /// Where it goes. Nobody else may write there meanwhile: the caller holds whatever lock that takes.
    pub partial: Partial,
    /// Its size in bytes.
    pub size: u64,
    /// What its bytes must hash to.
    pub digest: Digest,
    /// What to call it in messages.
    pub name: String,
    /// Where its bytes are.
    pub source: Arc<dyn Source>,
    /// Told how far it is.
    pub counter: Arc<Counter>,
    /// Cancel it to stop the transfer.
    pub stop: CancellationToken,
}

/// What all files share.
pub struct Common {
    pub settings: Settings,
    pub client: reqwest::Client,
    pub pace: Pace,
    pub permits: Arc<Semaphore>,
    pub xet: XetClient,
}

/// Moves files' bytes to the disk, any number at a time, within one bound on connections and one on speed.
#[derive(Clone)]
pub struct Mover {
    common: Arc<Common>,
}

impl Mover {
    /// A mover with its own connections. Proxies come from the environment.
    pub fn new(settings: Settings) -> Result<Self, Fault> {
        let client = client(&settings).map_err(|error| Fault::internal("the HTTP client cannot be set up").because(error))?;
        let pace = Pace::new(settings.max_speed);
        let permits = Arc::new(Semaphore::new(settings.total_connections.clamp(1, Semaphore::MAX_PERMITS)));
        Ok(Self { common: Arc::new(Common { xet: XetClient::new(&settings), settings, client, pace, permits }) })
    }

    /// Sets the speed limit in bytes a second for all files together; it holds at once.
    pub fn set_max_speed(&self, bytes_per_second: Option<u64>) {
        self.common.pace.set(bytes_per_second);
    }

    /// Fetches a file, going on from what its partial already holds.
    ///
    /// `Ok` means that the data file holds every byte, is synced, and has the right digest; the caller renames it and removes the
    /// journal. After a stop (kind `Interrupted`) and after any other fault the partial is kept for the next time, save for
    /// `Corrupt`, where nothing is worth keeping and both files are gone. When it has returned, nothing is written any more.
    pub async fn fetch(&self, transfer: Transfer) -> Result<(), Fault> {
        let over = transfer.stop.child_token();
        let _ended = over.clone().drop_guard();
        transfer.counter.enter(Phase::Resolving);
        let (common, enough) = (self.common.clone(), over.child_token());
        let hashed = watch::Sender::new(0);
        let progress = hashed.subscribe();
        let run = blocking(move || prepare(common, transfer, enough, progress)).await?;
        let hashing = hash(&run, hashed, over.clone());
        if let Err(fault) = fetch_missing(&run).await {
            return Err(settle(&run, fault).await);
        }
        run.counter.enter(Phase::Verifying);
        let syncing = sync(&run);
        tokio::select! {
            biased;
            () = over.cancelled() => Err(interrupted(&run.name)),
            ended = async { tokio::try_join!(hashing, syncing) } => judge(&run, ended?.0),
        }
    }
}

fn client(settings: &Settings) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .http1_only()
        .user_agent(&settings.user_agent)
        .connect_timeout(settings.connect_timeout)
        .pool_max_idle_per_host(settings.total_connections)
        .redirect(reqwest::redirect::Policy::limited(MAX_REDIRECTS))
        .referer(false)
        .build()
}

/// Starts work on a thread where blocking is allowed; it goes on whether or not the answer is awaited.
fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> impl Future<Output = Result<T, Fault>> {
    let working = tokio::task::spawn_blocking(work);
    async move { working.await.map_err(|error| Fault::internal("a worker thread ended").because(error))? }
}

/// Opens the partial and takes stock. Blocks.
fn prepare(common: Arc<Common>, transfer: Transfer, enough: CancellationToken, hashed: watch::Receiver<u64>) -> Result<Arc<Run>, Fault> {
    let Transfer { partial, size, digest, name, source, counter, stop: _ } = transfer;
    let held = partial.vouched(size, &digest);
    let file = DataFile::open(&partial.data, size, !held.is_empty())?;
    if let Err(fault) = file.reserve() {
        if held.is_empty() {
            partial.discard()?;
        }
        return Err(fault);
    }
    let (connections, stride) = share(size - held.total(), common.settings.connections);
    counter.set_done(held.total());
    let run = Run {
        common,
        name,
        size,
        digest,
        partial,
        file: Arc::new(file),
        book: Book::new(source),
        counter,
        connections,
        stride,
        ranged: SetOnce::new(),
        synced: Mutex::default(),
        found: held.prefix(),
        prefix: watch::Sender::new(held.prefix()),
        hashed,
        enough,
        segments: Mutex::new(Segments::new(size, held)),
    };
    Ok(Arc::new(run))
}

/// Starts hashing the file while it grows.
fn hash(run: &Run, hashed: watch::Sender<u64>, over: CancellationToken) -> impl Future<Output = Result<Option<Digest>, Fault>> + use<> {
    let (file, size, digest, prefix) = (run.file.clone(), run.size, run.digest.clone(), run.prefix.subscribe());
    blocking(move || hash::follow(&file, size, &digest, prefix, &hashed, &over))
}

/// Starts syncing the file.
fn sync(run: &Arc<Run>) -> impl Future<Output = Result<(), Fault>> + use<> {
    let run = run.clone();
    blocking(move || checkpoint::sync(&run))
}

/// Fetches what is missing. A file that took long enough for a journal gets a last one, so that a crash while verifying costs nothing.
async fn fetch_missing(run: &Arc<Run>) -> Result<(), Fault> {
    if !run.segments().is_complete() {
        run.download().await?;
    }
    if run.partial.journal.exists() { checkpoint::save(run).await } else { Ok(()) }
}

/// Leaves the partial in order after a fault: with a journal, or not at all where it holds nothing.
async fn settle(run: &Arc<Run>, fault: Fault) -> Fault {
    let empty = run.segments().written().is_empty();
    let settled = if empty { run.partial.discard() } else { checkpoint::save(run).await };
    if let Err(trouble) = settled {
        tracing::warn!(file = %run.name, fault = %trouble, "the journal could not be written");
    }
    fault
}

/// Compares the digests. Where they differ nobody can tell which bytes are wrong, so all are dropped.
fn judge(run: &Run, found: Option<Digest>) -> Result<(), Fault> {
    match found {
        Some(found) if found == run.digest => Ok(()),
        Some(found) => {
            run.partial.discard()?;
            let (name, wanted) = (&run.name, &run.digest);
            Err(Fault::new(FaultKind::Corrupt, format!("{name} arrived damaged: its digest is {found} and should be {wanted}"))
                .hint("what was received has been removed; download it again, and if that fails too, the server or a proxy alters it"))
        }
        None => Err(interrupted(&run.name)),
    }
}
