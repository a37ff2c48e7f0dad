//! Transfers over Xet against a real store on loopback, and the changes from one transport to the other.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::XetAddress;
use super::testing::{Kept, Mode, STORE, Wire};
use crate::desk::{Fault, FaultKind};
use crate::engine::transfer::journal::Journal;
use crate::engine::transfer::ranges::Ranges;
use crate::engine::transfer::testing::{Bench, Reply, Request, Server, until};
use crate::engine::transfer::{Address, Mover, Source, Transfer};

/// What the store adds to the bytes asked for: whole chunks at both ends of a range, and descriptions of them.
const OVERHEAD_OF_A_RANGE: u64 = 400 << 10;

/// How long a pass is good for that does not matter.
const LONG: Duration = Duration::from_secs(900);

/// A file that is to be had over both transports.
struct Both {
    address: Address,
    xet: XetAddress,
}

impl Source for Both {
    fn locate(&self) -> BoxFuture<'_, Result<Address, Fault>> {
        async { Ok(self.address.clone()) }.boxed()
    }

    fn xet(&self) -> BoxFuture<'_, Result<Option<XetAddress>, Fault>> {
        async { Ok(Some(self.xet.clone())) }.boxed()
    }
}

/// A Hub that has a file and gives passes to the store at the end of a wire.
struct Scene {
    hub: Server,
    wire: Wire,
    bench: Bench,
    hash: String,
}

impl Scene {
    async fn new(kept: &Kept, wire: Wire) -> Self {
        Self::with_hub(kept, wire, Reply::range).await
    }

    async fn with_hub(kept: &Kept, wire: Wire, file: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static) -> Self {
        let pass = pass(&wire.url, LONG);
        Self::with_pass(kept, wire, pass, file).await
    }

    async fn with_pass(kept: &Kept, wire: Wire, pass: Reply, file: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static) -> Self {
        let answer = move |request: &Request, content: &[u8]| match request.path.as_str() {
            "/token" => pass.clone(),
            _ => file(request, content),
        };
        let hub = Server::start(kept.content.clone(), answer).await;
        let mut bench = Bench::new(&kept.content, &hub.url);
        bench.settings.stall_timeout = Duration::from_secs(10);
        Self { bench, hub, wire, hash: kept.hash.clone() }
    }

    fn source(&self) -> Both {
        let xet = XetAddress {
            hash: self.hash.clone(),
            size: self.bench.content.len() as u64,
            refresh_url: self.hub.url.join("/token").unwrap(),
            bearer: Some("secret".into()),
        };
        Both { address: Address { url: self.hub.url.clone(), bearer: None }, xet }
    }

    async fn fetch(&self) -> Result<(), Fault> {
        let transfer = Transfer { source: Arc::new(self.source()), ..self.bench.transfer() };
        Mover::new(self.bench.settings.clone()).unwrap().fetch(transfer).await
    }

    fn remark(&self) -> Option<String> {
        self.bench.counter.remark()
    }

    /// Requests for the file itself, which came over HTTP.
    fn over_http(&self) -> usize {
        self.hub.requests().iter().filter(|request| request.path != "/token").count()
    }

    fn passes(&self) -> usize {
        self.hub.requests().len() - self.over_http()
    }

    /// Leaves a partial in which these ranges are right and all else is not.
    fn leave(&self, ranges: &[(u64, u64)]) -> u64 {
        let partial = self.bench.partial();
        let mut data = vec![0xee; self.bench.content.len()];
        let mut written = Ranges::default();
        for &(start, end) in ranges {
            let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
            data[range.clone()].copy_from_slice(&self.bench.content[range]);
            written.add(start, end);
        }
        std::fs::create_dir_all(partial.data.parent().unwrap()).unwrap();
        std::fs::write(&partial.data, data).unwrap();
        let held = written.total();
        let size = self.bench.content.len() as u64;
        Journal::new(size, self.bench.digest.clone(), written.clone(), written).save(&partial.journal).unwrap();
        held
    }
}

fn pass(store: &str, good_for: Duration) -> Reply {
    let ends = (SystemTime::now() + good_for).duration_since(UNIX_EPOCH).unwrap().as_secs();
    let body = format!(r#"{{"casUrl":"{store}","exp":{ends},"accessToken":"cas"}}"#).into_bytes();
    Reply { status: 200, headers: vec![("content-length", body.len().to_string())], body, ..Reply::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_file_comes_over_xet_alone() {
    let scene = Scene::new(&STORE.large, Wire::new(Mode::Open).await).await;
    scene.fetch().await.unwrap();
    scene.bench.assert_whole();
    assert_eq!((scene.over_http(), scene.passes(), scene.remark()), (0, 1, None));
    assert_eq!(scene.hub.requests()[0].authorization.as_deref(), Some("Bearer secret"));
    assert!(scene.bench.counter.moved() == scene.bench.content.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_missing_is_fetched() {
    const MIB: u64 = 1 << 20;
    for ranges in [&[(0, 9 * MIB + 7)][..], &[(MIB, 5 * MIB), (6 * MIB + 3, 11 * MIB), (20 * MIB, 21 * MIB)]] {
        let scene = Scene::new(&STORE.large, Wire::new(Mode::Open).await).await;
        let missing = scene.bench.content.len() as u64 - scene.leave(ranges);
        scene.fetch().await.unwrap();
        scene.bench.assert_whole();
        assert_eq!((scene.over_http(), scene.bench.counter.moved()), (0, missing));
        // At most: a range for each gap, and one for each length that they grow through.
        let most = missing + (ranges.len() as u64 + 6) * OVERHEAD_OF_A_RANGE;
        assert!(scene.wire.carried() < most, "{} of {missing}", scene.wire.carried());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_nothing_is_written_and_a_resume_is_right() {
    let scene = Scene::new(&STORE.large, Wire::new(Mode::Slow).await).await;
    let stopped = async {
        until("some bytes are there", || scene.bench.counter.done() > 4 << 20).await;
        scene.bench.stop.cancel();
    };
    let (ended, ()) = tokio::join!(scene.fetch(), stopped);
    assert_eq!(ended.unwrap_err().kind, FaultKind::Interrupted);
    let data = || std::fs::read(scene.bench.partial().data).unwrap();
    let (before, held) = (data(), scene.bench.held());
    tokio::time::sleep(Duration::from_millis(200)).await; // nothing can be waited for: nothing may happen
    assert!(before == data(), "bytes were written after the stop");
    assert!(held > 4 << 20 && held < scene.bench.content.len() as u64);

    let again = Scene { bench: Bench { stop: tokio_util::sync::CancellationToken::new(), ..scene.bench }, ..scene };
    again.fetch().await.unwrap();
    again.bench.assert_whole();
    assert_eq!(again.over_http(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_store_goes_away_or_falls_silent_the_file_goes_on_over_http() {
    for mode in [Mode::Cut, Mode::Held] {
        // Late enough that of several streams, which share the line, some have come to the end of a chunk.
        let mut scene = Scene::new(&STORE.large, Wire::that_turns(Mode::Open, 16 << 20, mode).await).await;
        scene.bench.settings.stall_timeout = Duration::from_millis(500);
        scene.fetch().await.unwrap();
        scene.bench.assert_whole();
        assert_eq!(scene.remark().as_deref(), Some("Xet stalled; going on over HTTP"), "{mode:?}");
        assert!(scene.over_http() > 0);
        assert!(scene.hub.served() < scene.bench.content.len() as u64 - (1 << 20), "what came over Xet was kept: {}", scene.hub.served());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_of_no_use_is_left_at_once() {
    // How often a fresh pass is asked for: a store that refuses one may take the next.
    for (status, passes) in [(401, 2), (403, 2), (404, 1)] {
        let store = Server::start(Vec::new(), move |_, _| Reply::status(status)).await;
        let origin = store.url.origin().ascii_serialization();
        let scene = Scene::with_pass(&STORE.large, Wire::new(Mode::Open).await, pass(&origin, LONG), Reply::range).await;
        scene.fetch().await.unwrap();
        scene.bench.assert_whole();
        assert_eq!(scene.remark().as_deref(), Some("Xet is of no use here; going on over HTTP"), "{status}");
        assert_eq!(scene.passes(), passes, "{status}");
        let seen: Vec<_> = store.requests().into_iter().map(|request| request.authorization).collect();
        assert!(seen.iter().all(|token| token.as_deref() == Some("Bearer cas")), "the Hub's token stays with the Hub: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_gives_no_pass_is_asked_for_the_file() {
    let scene = Scene::with_pass(&STORE.large, Wire::new(Mode::Open).await, Reply::status(404), Reply::range).await;
    scene.fetch().await.unwrap();
    scene.bench.assert_whole();
    assert_eq!((scene.passes(), scene.wire.carried()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_http_is_dead_the_file_goes_on_over_xet() {
    let scene = Scene::with_hub(&STORE.small, Wire::new(Mode::Open).await, |_, _| Reply::status(503)).await;
    scene.fetch().await.unwrap();
    scene.bench.assert_whole();
    assert_eq!(scene.remark().as_deref(), Some("HTTP stalled; going on over Xet"));
    assert_eq!(scene.over_http(), 1 + scene.bench.settings.backoff.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_both_are_dead_the_transfer_fails_and_keeps_what_it_has() {
    let scene = Scene::with_hub(&STORE.large, Wire::new(Mode::Cut).await, |_, _| Reply::status(503)).await;
    let held = scene.leave(&[(0, 1 << 20)]);
    assert_eq!(scene.fetch().await.unwrap_err().kind, FaultKind::Unavailable);
    assert_eq!(scene.bench.held(), held);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_a_store_gets_wrong_are_found_by_the_digest() {
    let scene = Scene::new(&STORE.large, Wire::new(Mode::Bent).await).await;
    assert_eq!(scene.fetch().await.unwrap_err().kind, FaultKind::Corrupt);
    scene.bench.assert_gone();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_ends_is_renewed() {
    let wire = Wire::new(Mode::Open).await;
    let soon_over = pass(&wire.url, Duration::from_secs(30));
    let scene = Scene::with_pass(&STORE.large, wire, soon_over, Reply::range).await;
    scene.fetch().await.unwrap();
    scene.bench.assert_whole();
    assert!(scene.passes() > 1 && scene.over_http() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_speed_limit_holds_over_xet() {
    let scene = Scene::new(&STORE.large, Wire::new(Mode::Open).await).await;
    let size = scene.bench.content.len() as u64;
    scene.bench.limit.set(Some(size));
    let begun = std::time::Instant::now();
    scene.fetch().await.unwrap();
    assert!(begun.elapsed() > Duration::from_millis(800), "{:?}", begun.elapsed());
    assert_eq!(scene.over_http(), 0);
}
