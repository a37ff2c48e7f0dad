//! What callers hold: one [`Mover`] for all files, one [`Transfer`] for each.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, SetOnce, watch};
use tokio_util::sync::CancellationToken;

use super::book::Book;
use super::checkpoint;
use super::counter::Counter;
use super::file::DataFile;
use super::hash::Growing;
use super::lanes::{Lanes, Seat};
use super::pace::Pace;
use super::pairs::Pairs;
use super::partial::Partial;
use super::roll::Roll;
use super::run::{Run, interrupted, share};
use super::segments::Segments;
use super::settings::Settings;
use super::small::{self, Received};
use super::source::Source;
use super::xet::XetClient;
use crate::desk::{Digest, Fault, FaultKind, Phase};

/// So many redirects are followed for one request.
const MAX_REDIRECTS: usize = 5;

/// So many bytes of a partial are given up on a full disk, so that its journal has room.
const ROOM_FOR_JOURNAL: u64 = 64 << 10;

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
    /// A speed limit beside the one that all files share.
    pub limit: Arc<Pace>,
    /// Cancel it to stop the transfer.
    pub stop: CancellationToken,
}

/// What all files share.
pub struct Common {
    pub settings: Settings,
    /// For what is not a file's bytes; those come over the lanes' own clients.
    pub client: reqwest::Client,
    pub lanes: Lanes,
    pub pace: Pace,
    /// Where what has come waits to be hashed.
    pub pairs: Pairs,
    pub permits: Arc<Semaphore>,
    pub xet: XetClient,
    /// How many files are on their way in parts.
    pub files: Arc<AtomicUsize>,
}

/// All connections together gather so many bytes before they are written.
const GATHERED: usize = 8 << 20;

/// Where files are hashed side by side, each connection gathers only so many bytes: they should still be in the processor's cache then.
const GATHERED_SIDE_BY_SIDE: usize = 512 << 10;

impl Common {
    /// Whether every processor has a file to work on, so that handing bytes from thread to thread gains nothing.
    pub fn is_busy(&self) -> bool {
        self.files.load(Relaxed) >= self.settings.processors
    }

    /// Counts a file until what this answers with is dropped.
    fn count(&self) -> Counted {
        self.files.fetch_add(1, Relaxed);
        Counted(self.files.clone())
    }

    /// How many bytes a connection gathers before it has them written: the fewer connections, the more, since each write
    /// has its price whatever its size.
    pub fn batch_size(&self) -> usize {
        let at_work = self.settings.total_connections.saturating_sub(self.permits.available_permits());
        let most = if self.is_busy() { GATHERED_SIDE_BY_SIDE } else { 2 << 20 };
        (GATHERED / at_work.max(1)).clamp(256 << 10, most)
    }
}

/// A file on its way.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Moves files' bytes to the disk, any number at a time, within one bound on connections and one on speed.
#[derive(Clone)]
pub struct Mover {
    common: Arc<Common>,
}

impl Mover {
    /// A mover with its own connections.
    pub fn new(settings: Settings) -> Result<Self, Fault> {
        let client = client(&settings)?;
        let permits = Arc::new(Semaphore::new(settings.total_connections.clamp(1, Semaphore::MAX_PERMITS)));
        let of_lanes = settings.clone();
        let lanes = Lanes::new(settings.processors, move || self::client(&of_lanes));
        let (pace, xet) = (Pace::new(None), XetClient::new(&settings));
        Ok(Self {
            common: Arc::new(Common { settings, client, lanes, pace, pairs: Pairs::default(), permits, xet, files: Arc::default() }),
        })
    }

    /// Sets the speed limit in bytes a second for all files together; it holds at once.
    pub fn set_max_speed(&self, bytes_per_second: Option<u64>) {
        self.common.pace.set(bytes_per_second);
    }

    /// How many processors there are to share.
    pub fn processors(&self) -> usize {
        self.common.settings.processors
    }

    /// A seat on one of the threads where connections work, for somebody who brings small files there: what
    /// [`receive`](Self::receive) brings to the same seat comes without a hand-over from thread to thread.
    pub fn seat(&self) -> Result<Seat, Fault> {
        self.common.lanes.seat()
    }

    /// Receives a small file over a seat's connections, checks its digest and writes its partial. A larger one, one of which a part is on the
    /// disk, and one that does not come in one piece are given back, for [`fetch_in_parts`](Self::fetch_in_parts).
    pub async fn receive(&self, seat: &Seat, transfer: Transfer) -> Result<Result<Received, Transfer>, Fault> {
        small::receive(self.common.clone(), seat.client(), transfer).await
    }

    /// Fetches a file of any size; see [`fetch_in_parts`](Self::fetch_in_parts).
    #[cfg(test)]
    pub async fn fetch(&self, transfer: Transfer) -> Result<(), Fault> {
        match self.receive(&self.seat()?, transfer).await? {
            Ok(received) => blocking(move || Received::sync_all(&[received]).map(drop)).await,
            Err(transfer) => self.fetch_in_parts(transfer).await,
        }
    }

    /// Fetches a file, going on from what its partial already holds.
    ///
    /// `Ok` means that the data file holds every byte, is synced, and has the right digest; the caller renames it and removes the
    /// journal. After a stop (kind `Interrupted`) and after any other fault the partial is kept for the next time, save for
    /// `Corrupt`, where nothing is worth keeping and both files are gone. When it has returned, nothing is written any more.
    pub async fn fetch_in_parts(&self, transfer: Transfer) -> Result<(), Fault> {
        transfer.counter.enter(Phase::Resolving);
        let over = transfer.stop.child_token();
        let _ended = over.clone().drop_guard();
        let (common, enough) = (self.common.clone(), over.child_token());
        let _counted = common.count();
        let run = blocking(move || prepare(common, transfer, enough)).await?;
        let hashing = hash(&run, over.clone());
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

fn client(settings: &Settings) -> Result<reqwest::Client, Fault> {
    let redirects = reqwest::redirect::Policy::limited(MAX_REDIRECTS);
    settings.network.client(|client| {
        let client = client.connect_timeout(settings.connect_timeout).pool_max_idle_per_host(settings.total_connections);
        client.http1_only().redirect(redirects).referer(false)
    })
}

/// Starts work on a thread where blocking is allowed; it goes on whether or not the answer is awaited.
fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> impl Future<Output = Result<T, Fault>> {
    let working = tokio::task::spawn_blocking(work);
    async move { working.await.map_err(|error| Fault::internal("a worker thread ended").because(error))? }
}

/// Opens the partial and takes stock. Blocks.
fn prepare(common: Arc<Common>, transfer: Transfer, enough: CancellationToken) -> Result<Arc<Run>, Fault> {
    let Transfer { partial, size, digest, name, source, counter, limit, stop: _ } = transfer;
    let held = partial.vouched(size, &digest);
    partial.tidy()?;
    let file = DataFile::open(&partial.data, size, !held.is_empty())?;
    if let Err(fault) = file.reserve() {
        if held.is_empty() {
            partial.discard()?;
        }
        return Err(fault);
    }
    let (connections, stride) = share(size - held.total(), common.settings.connections);
    let hashing = Arc::new(Growing::new(&digest, size));
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
        limit,
        connections,
        crew: Roll::default(),
        stride,
        ranged: SetOnce::new(),
        synced: Mutex::default(),
        found: held.prefix(),
        prefix: watch::Sender::new(held.prefix()),
        hashing,
        enough,
        segments: Mutex::new(Segments::new(size, held)),
    };
    Ok(Arc::new(run))
}

/// Starts hashing the file while it grows; once its digest has matched, those of its blocks are kept.
fn hash(run: &Run, over: CancellationToken) -> impl Future<Output = Result<Option<Digest>, Fault>> + use<> {
    let (file, hashing, digest, prefix) = (run.file.clone(), run.hashing.clone(), run.digest.clone(), run.prefix.subscribe());
    let folder = run.settings().blocks.clone();
    blocking(move || {
        let Some((found, blocks)) = hashing.follow(&file, prefix, &over)? else { return Ok(None) };
        if let Some(folder) = folder.filter(|_| found == digest) {
            blocks.keep(&folder, &digest);
        }
        Ok(Some(found))
    })
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
    let settled = if empty { run.partial.discard() } else { save_last(run).await };
    if let Err(trouble) = settled {
        tracing::warn!(file = %run.name, fault = %trouble, "the journal could not be written");
    }
    fault
}

/// Writes the journal. On a full disk the data's last bytes make room for it: without it none of them would be of use.
async fn save_last(run: &Arc<Run>) -> Result<(), Fault> {
    match checkpoint::save(run).await {
        Err(fault) if fault.kind == FaultKind::DiskFull => {
            run.partial.shorten(ROOM_FOR_JOURNAL)?;
            checkpoint::save(run).await
        }
        saved => saved,
    }
}

/// Compares the digests. Where they differ nobody can tell which bytes are wrong, so all are dropped.
fn judge(run: &Run, found: Option<Digest>) -> Result<(), Fault> {
    match found {
        Some(found) if found == run.digest => Ok(()),
        Some(found) => {
            run.partial.discard()?;
            Err(damaged(&run.name, &found, &run.digest))
        }
        None => Err(interrupted(&run.name)),
    }
}

/// The fault of content with another digest than the wanted one.
pub fn damaged(name: &str, found: &Digest, wanted: &Digest) -> Fault {
    Fault::new(FaultKind::Corrupt, format!("{name} arrived damaged: its digest is {found} and should be {wanted}"))
        .hint("what was received has been removed; download it again, and if that fails too, the server or a proxy alters it")
}
