//! Small files: received into memory, checked there and written to the disk once.
//!
//! No part of them is worth resuming, so they have no journal and no room set aside. A whole one is: of those that a crash leaves
//! unplaced, the next transfer keeps what has the right digest and overwrites the rest. One request asks for the whole of each.

use std::fs::{self, Metadata};
use std::future::Future;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use reqwest::header::ACCEPT_ENCODING;
use reqwest::{Client, Response};

use super::book::Book;
use super::file::DataFile;
use super::lifeline::Lifeline;
use super::mover::{Common, Transfer, damaged};
use super::patience::Patience;
use super::reply;
use super::run::interrupted;
use super::segments::Segment;
use crate::desk::{Digest, Fault, FaultKind, Phase};
use crate::engine::digest::Hasher;

/// The largest small file in bytes: less than a connection moves in the time of a request.
const LARGEST: u64 = 256 << 10;

/// Whether a file of this size is small.
pub fn is_small(size: u64) -> bool {
    size <= LARGEST
}

/// What an earlier run has left of a small file.
enum Left {
    Nothing,
    /// The content, written and not placed.
    Whole(DataFile),
    /// Parts that a journal vouches for.
    Parts,
}

impl Left {
    fn of(transfer: &Transfer) -> Self {
        match fs::symlink_metadata(&transfer.partial.data) {
            Err(_) => Self::Nothing,
            Ok(_) if transfer.partial.journal.exists() => Self::Parts,
            Ok(found) => Self::whole(transfer, &found).map_or(Self::Nothing, Self::Whole),
        }
    }

    fn whole(transfer: &Transfer, found: &Metadata) -> Option<DataFile> {
        let has_its_size = found.is_file() && found.len() == transfer.size;
        let file = has_its_size.then(|| DataFile::open(&transfer.partial.data, transfer.size, true))?.ok()?;
        let mut content = vec![0; usize::try_from(transfer.size).ok()?];
        file.read(0, &mut content).ok()?;
        (digest(transfer, &content) == transfer.digest).then_some(file)
    }
}

/// A small file whose content is right and in its partial, though not synced yet.
pub struct Received {
    file: DataFile,
    transfer: Transfer,
}

impl Received {
    /// Syncs the partials of all, so that they share the filesystem's commits; answers what each looks like. Blocks. After a fault none
    /// is left.
    pub fn sync_all(all: &[Self]) -> Result<Vec<Metadata>, Fault> {
        let synced: Result<_, _> = all.iter().map(|one| one.file.sync().and_then(|()| one.file.metadata())).collect();
        if synced.is_err() {
            all.iter().try_for_each(|one| one.transfer.partial.discard())?;
        }
        synced
    }

    /// Writes the content, or leaves nothing.
    fn write(transfer: Transfer, content: Bytes) -> Result<Self, Fault> {
        let Transfer { partial, size, .. } = &transfer;
        let written = DataFile::open(&partial.data, *size, false).and_then(|file| file.write(0, &[content]).map(|()| file));
        match written {
            Ok(file) => Ok(Self::new(file, transfer)),
            Err(fault) => partial.discard().and(Err(fault)),
        }
    }

    fn new(file: DataFile, transfer: Transfer) -> Self {
        file.begin_sync();
        transfer.counter.set_done(transfer.size);
        Self { file, transfer }
    }
}

/// Receives a small file, or gives the transfer back where it is better fetched so that every byte is kept: of a larger file, where
/// parts are there already, and when its body broke. Of one that arrives damaged nothing is kept, nor of an earlier run's partial. Blocks
/// while it writes.
pub async fn receive(common: Arc<Common>, client: &Client, transfer: Transfer) -> Result<Result<Received, Transfer>, Fault> {
    if !is_small(transfer.size) {
        return Ok(Err(transfer));
    }
    match Left::of(&transfer) {
        Left::Whole(file) => return Ok(Ok(Received::new(file, transfer))),
        Left::Parts => return Ok(Err(transfer)),
        Left::Nothing => {}
    }
    transfer.counter.enter(Phase::Resolving);
    let stop = transfer.stop.clone();
    let small = Small { book: Book::new(transfer.source.clone()), common, client: client.clone(), transfer };
    let content = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(interrupted(&small.transfer.name)),
        received = small.receive() => received?,
    };
    let Some(content) = content else { return Ok(Err(small.transfer)) };
    small.transfer.counter.enter(Phase::Verifying);
    small.check(&content)?;
    Received::write(small.transfer, content).map(Ok)
}

/// One small file on its way.
struct Small {
    common: Arc<Common>,
    client: Client,
    transfer: Transfer,
    book: Book,
}

impl Small {
    /// The content, after as many tries as patience allows, or `None` when a body broke. Nothing of a failed try is kept.
    async fn receive(&self) -> Result<Option<Bytes>, Fault> {
        let settings = &self.common.settings;
        let mut patience = Patience::new(&settings.backoff, settings.longest_wait);
        loop {
            let fault = match self.attempt().await {
                Ok(content) => return Ok(Some(content)),
                Err(fault) => fault,
            };
            tracing::debug!(file = %self.transfer.name, %fault, "a request failed");
            let wait = patience.after(fault, 0)?;
            if self.transfer.counter.moved() > 0 {
                return Ok(None);
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self) -> Result<Bytes, Fault> {
        let size = usize::try_from(self.transfer.size).unwrap_or(usize::MAX);
        if size == 0 {
            return Ok(Bytes::new());
        }
        let permit = self.common.permits.acquire().await;
        let _permit = permit.map_err(|error| Fault::internal("the connections are gone").because(error))?;
        let mut response = self.ask().await?;
        self.transfer.counter.enter(Phase::Downloading);
        let mut content = BytesMut::new();
        let mut lifeline = Lifeline::new(&self.common.settings, &self.transfer.name);
        while let Some(mut bytes) = lifeline.next(&mut response).await? {
            self.transfer.counter.add_moved(bytes.len() as u64);
            tokio::join!(self.common.pace.pass(bytes.len() as u64), self.transfer.limit.pass(bytes.len() as u64));
            // The server may send more than it should, but we need not take it.
            bytes.truncate(size - content.len());
            if bytes.len() == size {
                return Ok(bytes);
            }
            content.reserve(size - content.len());
            content.extend_from_slice(&bytes);
            if content.len() == size {
                return Ok(content.freeze());
            }
        }
        Err(Fault::new(FaultKind::Network, format!("the connection ended in the middle of {}", self.transfer.name)))
    }

    /// Asks for the whole file, with a fresh address where the present one is refused.
    async fn ask(&self) -> Result<Response, Fault> {
        let (name, size) = (&self.transfer.name, self.transfer.size);
        loop {
            let (address, edition) = self.book.address().await?;
            let mut request = self.client.get(address.url).header(ACCEPT_ENCODING, "identity");
            if let Some(token) = &address.bearer {
                request = request.bearer_auth(token);
            }
            let response = self.unless_stalled(request.send()).await?;
            if !reply::is_refused(response.status()) {
                reply::read(response.status(), response.headers(), Segment { id: 0, start: 0, end: size }, size, name)?;
                return Ok(response);
            }
            self.book.refused(edition, reply::failed(response.status(), response.headers(), name)).await?;
        }
    }

    async fn unless_stalled<T>(&self, io: impl Future<Output = reqwest::Result<T>>) -> Result<T, Fault> {
        super::run::unless_stalled(&self.common.settings, &self.transfer.name, io).await
    }

    fn check(&self, content: &[u8]) -> Result<(), Fault> {
        let (Transfer { partial, name, digest: wanted, .. }, found) = (&self.transfer, digest(&self.transfer, content));
        if found == *wanted {
            return Ok(());
        }
        partial.discard()?;
        Err(damaged(name, &found, wanted))
    }
}

/// The digest of a transfer's whole content, of the kind that is wanted.
fn digest(transfer: &Transfer, content: &[u8]) -> Digest {
    let mut hasher = Hasher::like(&transfer.digest, transfer.size);
    hasher.update(content);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::testing::{Bench, Reply, Request, Server, content, until};
    use super::*;

    const SIZE: usize = 50_000;

    async fn bench(handler: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static) -> (Bench, Server) {
        let content = content(SIZE);
        let server = Server::start(content.clone(), handler).await;
        (Bench::new(&content, &server.url), server)
    }

    #[tokio::test]
    async fn one_request_brings_all_of_it() {
        let (bench, server) = bench(Reply::range).await;
        std::fs::create_dir_all(bench.partial().data.parent().unwrap()).unwrap();
        std::fs::write(bench.partial().data, vec![9; 2 * SIZE]).unwrap();
        bench.fetch().await.unwrap();
        bench.assert_whole();
        assert_eq!((server.requests().len(), server.requests()[0].range), (1, None));
        assert_eq!((bench.counter.moved(), bench.counter.phase()), (SIZE as u64, Phase::Verifying));
        assert!(!bench.partial().journal.exists());
    }

    #[tokio::test]
    async fn what_an_earlier_run_wrote_is_kept_if_it_is_right() {
        let (bench, server) = bench(Reply::range).await;
        let leave = |content: &[u8]| {
            std::fs::create_dir_all(bench.partial().data.parent().unwrap()).unwrap();
            std::fs::write(bench.partial().data, content).unwrap();
        };
        let mut altered = bench.content.clone();
        altered[SIZE / 2] ^= 1;
        for (left, requests) in [(&bench.content[1..], 1), (&altered, 2), (&bench.content, 2)] {
            leave(left);
            bench.fetch().await.unwrap();
            bench.assert_whole();
            assert_eq!(server.requests().len(), requests);
        }
        assert_eq!(bench.counter.moved(), 2 * SIZE as u64);
    }

    #[tokio::test]
    async fn a_try_that_fails_is_made_again() {
        let (bench, server) = bench(|request, content| match request.number {
            0 => Reply::status(503),
            1 => Reply::status(403),
            _ => Reply::range(request, content),
        })
        .await;
        bench.fetch().await.unwrap();
        bench.assert_whole();
        assert_eq!(server.requests().len(), 3);
        assert_eq!(server.requests()[2].path, "/file?signature=2", "a refused address is found again");
    }

    #[tokio::test]
    async fn where_bodies_break_every_byte_is_kept() {
        let (bench, server) = bench(|request, content| Reply::range(request, content).cut_after(2000)).await;
        bench.fetch().await.unwrap();
        bench.assert_whole();
        assert!(server.served() < 2 * SIZE as u64);
    }

    #[tokio::test]
    async fn what_the_server_sends_too_much_is_not_taken() {
        let endless = |_: &Request, content: &[u8]| Reply { status: 200, body: content.repeat(400), ..Reply::default() };
        let (bench, server) = bench(endless).await;
        bench.fetch().await.unwrap();
        bench.assert_whole();
        assert!(server.served() < 400 * SIZE as u64);
    }

    #[tokio::test]
    async fn wrong_bytes_never_reach_the_disk() {
        let (mut bench, _server) = bench(Reply::range).await;
        bench.digest = Digest::GitSha1("ab".repeat(20));
        assert_eq!(bench.fetch().await.unwrap_err().kind, FaultKind::Corrupt);
        assert!(!bench.partial().data.exists());
    }

    #[tokio::test]
    async fn a_stop_is_prompt_and_leaves_nothing() {
        let (bench, server) = bench(|_, content| Reply::whole(content).hang_after(10)).await;
        let fetching = bench.start();
        until("bytes come", || bench.counter.moved() == 10).await;
        let stopped = Instant::now();
        bench.stop.cancel();
        assert_eq!(fetching.await.unwrap().unwrap_err().kind, FaultKind::Interrupted);
        assert!(stopped.elapsed() < Duration::from_secs(1) && !bench.partial().data.exists());
        assert_eq!(server.requests().len(), 1);
    }
}
