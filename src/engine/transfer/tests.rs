//! Transfers against real sockets and files.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::Mover;
use super::journal::Journal;
use super::ranges::Ranges;
use super::testing::{Bench, Reply, Request, Server, content, until};
use crate::desk::{Digest, FaultKind, Phase};

const MIB: usize = 1 << 20;
/// What a stop may take on a machine that is busy with other tests; alone it takes some milliseconds.
const PROMPTLY: Duration = Duration::from_secs(1);

async fn bench(size: usize, handler: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static) -> (Bench, Server) {
    let content = content(size);
    let server = Server::start(content.clone(), handler).await;
    (Bench::new(&content, &server.url), server)
}

/// A handler that treats the first `count` requests specially and is right afterwards.
fn at_first(count: usize, odd: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static) -> impl Fn(&Request, &[u8]) -> Reply {
    move |request, content| if request.number < count { odd(request, content) } else { Reply::range(request, content) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_comes_whole_over_several_connections_where_each_is_slow() {
    let slowly = |request: &Request, content: &[u8]| Reply::range(request, content).slowly(Duration::from_millis(2));
    let (bench, server) = bench(40 * MIB, slowly).await;
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert!((3..=8).contains(&server.connections()), "{} connections", server.connections());
    assert_eq!(bench.source.asked.load(Relaxed), 1);
    assert_eq!(bench.counter.moved(), 40 << 20);
    assert_eq!(bench.counter.phase(), Phase::Verifying);
}

#[tokio::test]
async fn a_small_file_takes_one_request_and_leaves_no_journal() {
    let (mut bench, server) = bench(100_000, Reply::range).await;
    bench.digest = Digest::GitSha1("b9a6ad52dd67a8f9ad8ae7e0c55a2d0d2e2b5d5c".into());
    let fault = bench.fetch().await.unwrap_err();
    let right = fault.message.split(' ').find(|word| word.len() == 40).unwrap().parse().unwrap();
    bench.digest = right;
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!(server.requests().len(), 2);
    assert!(!bench.partial().journal.exists());
}

#[tokio::test]
async fn connections_are_kept_for_the_next_file() {
    let (bench, server) = bench(300_000, Reply::range).await;
    let mover = Mover::new(bench.settings.clone()).unwrap();
    for _ in 0..5 {
        mover.fetch(bench.transfer()).await.unwrap();
        bench.partial().discard().unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (5, 1));
}

#[tokio::test]
async fn a_file_of_no_bytes_needs_no_request() {
    let (bench, server) = bench(0, Reply::range).await;
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!((server.requests().len(), bench.source.asked.load(Relaxed)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_only_what_the_journal_lacks_is_fetched() {
    let hang = Arc::new(AtomicBool::new(true));
    let hanging = hang.clone();
    let (mut bench, server) = bench(40 * MIB, move |request, content| {
        let reply = Reply::range(request, content);
        if hanging.load(Relaxed) { reply.hang_after(3 * MIB) } else { reply }
    })
    .await;
    let fetching = bench.start();
    until("a connection hangs", || server.served() >= 3 * MIB as u64 && bench.counter.moved() == server.served()).await;
    let stopped = Instant::now();
    bench.stop.cancel();
    let fault = fetching.await.unwrap().unwrap_err();
    assert!(stopped.elapsed() < PROMPTLY, "{:?}", stopped.elapsed());
    assert_eq!(fault.kind, FaultKind::Interrupted);
    let held = bench.held();
    assert_eq!(held, bench.counter.moved(), "what was received is kept");

    let before = snapshot(&bench);
    tokio::time::sleep(Duration::from_millis(200)).await; // that nothing happens can only be seen by letting time pass
    assert!(snapshot(&bench) == before, "nothing is written after the end");

    hang.store(false, Relaxed);
    bench.stop = tokio_util::sync::CancellationToken::new();
    bench.counter = Arc::default();
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!(bench.counter.moved(), 40 * MIB as u64 - held);
}

/// Names, contents and times of what lies in the folder.
fn snapshot(bench: &Bench) -> Vec<(String, Vec<u8>, std::time::SystemTime)> {
    let entries = fs::read_dir(bench.dir.path().join("blobs")).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let modified = entry.metadata().unwrap().modified().unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap(), modified)
        })
        .collect()
}

#[test]
fn a_killed_transfer_goes_on_from_its_last_journal() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let serving = runtime();
    let hang = Arc::new(AtomicBool::new(true));
    let hanging = hang.clone();
    let (bench, server) = serving.block_on(bench(12 * MIB, move |request, content| {
        let reply = Reply::range(request, content);
        if hanging.load(Relaxed) { reply.hang_after(5 * MIB) } else { reply }
    }));
    let doomed = runtime();
    doomed.block_on(async {
        drop(bench.start());
        until("the journal speaks of all that came", || bench.held() == 5 * MIB as u64).await;
    });
    drop(doomed);
    hang.store(false, Relaxed);
    let before = server.served();
    serving.block_on(bench.fetch()).unwrap();
    bench.assert_whole();
    assert_eq!(server.served() - before, 7 * MIB as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_again_and_again_get_there() {
    let (bench, server) = bench(20 * MIB, |request, content| Reply::range(request, content).cut_after(MIB + 12_345)).await;
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert!(server.served() < 21 * MIB as u64, "{} bytes were served", server.served());
}

#[tokio::test]
async fn a_body_that_ends_early_is_not_taken_for_the_whole() {
    let (bench, _server) = bench(
        400_000,
        at_first(1, |request, content| {
            let mut short = Reply::range(request, content);
            short.body.truncate(150_000);
            short.headers = vec![("content-length", "150000".into()), ("content-range", "bytes 0-149999/400000".into())];
            short
        }),
    )
    .await;
    bench.fetch().await.unwrap();
    bench.assert_whole();
}

#[tokio::test]
async fn a_server_that_is_down_for_a_moment_is_tried_again() {
    let (bench, server) = bench(200_000, at_first(3, |_, _| Reply::status(503))).await;
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_server_that_stays_down_is_told() {
    let (bench, server) = bench(200_000, |_, _| Reply::status(502)).await;
    let fault = bench.fetch().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("w.gguf") && fault.message.contains("502"), "{fault}");
    assert_eq!(server.requests().len(), 6);
    bench.assert_gone();
}

#[tokio::test]
async fn a_server_that_nobody_reaches_is_told() {
    let (bench, server) = bench(200_000, |_, _| Reply::status(502)).await;
    let url = server.url.clone();
    drop(server);
    until("the port is closed", || std::net::TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).is_err()).await;
    let fault = bench.fetch().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Network);
    assert!(fault.message.contains("127.0.0.1") && fault.message.contains("refuses"), "{fault}");
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_waited_for() {
    let (bench, server) = bench(200_000, at_first(1, |_, _| Reply::status(429).header("retry-after", "0"))).await;
    let begun = Instant::now();
    bench.fetch().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    bench.assert_whole();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_address_that_dies_in_the_middle_is_found_again_once() {
    let (bench, _server) = bench(40 * MIB, |request, content| match (request.number, request.path.as_str()) {
        (0..5, _) => Reply::range(request, content).cut_after(2 * MIB),
        (_, "/file?signature=1") => Reply::status(403),
        _ => Reply::range(request, content),
    })
    .await;
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!(bench.source.asked.load(Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_changes_in_the_middle_is_not_mixed_in() {
    let (bench, _server) = bench(20 * MIB, move |request, content| {
        let mut reply = Reply::range(request, content);
        if request.number == 0 {
            return reply.header("etag", "\"old\"").cut_after(2 * MIB);
        }
        reply.body.fill(0);
        reply.header("etag", "\"new\"")
    })
    .await;
    let fault = bench.fetch().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::BadReply);
    assert!(fault.message.contains("changed"), "{fault}");
    assert_eq!(bench.held(), 2 * MIB as u64, "the old content is kept, nothing of the new one is");
}

#[tokio::test]
async fn an_address_that_is_always_refused_ends_it() {
    let (bench, server) = bench(200_000, |_, _| Reply::status(401)).await;
    let fault = bench.fetch().await.unwrap_err();
    assert_eq!((fault.kind, server.requests().len()), (FaultKind::Unauthorized, 4));
    assert!(fault.hint.is_some());
}

#[tokio::test]
async fn a_file_that_is_not_there_is_told_at_once() {
    let (bench, server) = bench(200_000, |_, _| Reply::status(404)).await;
    assert_eq!(bench.fetch().await.unwrap_err().kind, FaultKind::EntryNotFound);
    assert_eq!(server.requests().len(), 1);
    bench.assert_gone();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_are_refused_and_removed() {
    let (bench, _server) = bench(20 * MIB, |request, content| {
        let mut reply = Reply::range(request, content);
        if let Some(byte) = reply.body.get_mut(100_000) {
            *byte ^= 1;
        }
        reply
    })
    .await;
    let fault = bench.fetch().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Corrupt);
    assert!(fault.message.contains("w.gguf") && fault.hint.unwrap().contains("removed"));
    bench.assert_gone();
}

#[tokio::test]
async fn a_server_without_ranges_sends_one_stream() {
    let (bench, server) = bench(20 * MIB, |_, content| Reply::whole(content)).await;
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_server_without_ranges_and_length_sends_one_stream() {
    let (bench, _server) = bench(MIB, |_, content| Reply { status: 200, body: content.to_vec(), ..Reply::default() }.cut_after(MIB)).await;
    bench.fetch().await.unwrap();
    bench.assert_whole();
}

#[tokio::test]
async fn a_server_without_ranges_starts_over_but_not_for_ever() {
    let (bench, server) = bench(9 * MIB, |request, content| match request.number {
        0 => Reply::whole(content).cut_after(4 * MIB),
        _ => Reply::whole(content),
    })
    .await;
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!(server.served(), 13 * MIB as u64);

    bench.partial().discard().unwrap();
    let stubborn = Server::start(bench.content.clone(), |_, content| Reply::whole(content).cut_after(4 * MIB)).await;
    let fault = Bench::new(&bench.content, &stubborn.url).fetch().await.unwrap_err();
    assert_eq!((fault.kind, stubborn.requests().len()), (FaultKind::Network, 6));
}

#[tokio::test]
async fn another_size_is_another_file() {
    for odd in [Reply::whole(b"an error page"), Reply::status(416), Reply::status(206).header("content-range", "bytes 0-199999/200001")] {
        let (bench, server) = bench(200_000, move |_, _| odd.clone()).await;
        let fault = bench.fetch().await.unwrap_err();
        assert_eq!((fault.kind, server.requests().len()), (FaultKind::BadReply, 1), "{fault}");
    }
}

#[tokio::test]
async fn a_stall_is_noticed_and_overcome() {
    let (mut bench, server) = bench(400_000, at_first(2, |request, content| Reply::range(request, content).hang_after(100_000))).await;
    bench.settings.stall_timeout = Duration::from_millis(50);
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!(server.requests().iter().map(|request| request.range.unwrap().0).collect::<Vec<_>>(), [0, 100_000, 200_000]);
}

#[tokio::test]
async fn a_garbled_journal_means_starting_over() {
    let (bench, server) = bench(200_000, Reply::range).await;
    fs::create_dir_all(bench.partial().data.parent().unwrap()).unwrap();
    fs::write(bench.partial().data, vec![9; 300_000]).unwrap();
    fs::write(bench.partial().journal, b"{\"version\":1,\"size\":2000").unwrap();
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!(server.served(), 200_000);
}

#[tokio::test]
async fn a_partial_that_is_complete_or_too_long_is_only_verified() {
    let (bench, server) = bench(200_000, Reply::range).await;
    let all = Ranges::whole(200_000);
    Journal::new(200_000, bench.digest.clone(), all.clone(), all).save(&bench.partial().journal).unwrap();
    fs::write(bench.partial().data, [&bench.content[..], b"more"].concat()).unwrap();
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_told() {
    let (bench, _server) = bench(200_000, Reply::range).await;
    fs::write(bench.dir.path().join("blobs"), b"a file where a folder should be").unwrap();
    let fault = bench.fetch().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Disk);
    assert!(fault.message.contains("blobs"), "{fault}");
}

#[tokio::test]
async fn redirects_are_followed_once_and_the_token_stays_with_its_origin() {
    let cdn = Arc::new(Server::good(content(20 * MIB)).await);
    let target = cdn.url.to_string();
    let (bench, hub) = bench(20 * MIB, move |_, _| Reply::status(302).header("location", target.clone())).await;
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!(hub.requests().len(), 1);
    assert_eq!(hub.requests()[0].authorization.as_deref(), Some("Bearer secret"));
    assert!(cdn.requests().len() > 1 && cdn.requests().iter().all(|request| request.authorization.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_speed_limit_holds_and_its_change_takes_effect_at_once() {
    let (bench, _server) = bench(20 * MIB, Reply::range).await;
    let mover = Mover::new(bench.settings.clone()).unwrap();
    mover.set_max_speed(Some(1 << 20));
    let begun = Instant::now();
    let fetching = tokio::spawn({
        let (mover, transfer) = (mover.clone(), bench.transfer());
        async move { mover.fetch(transfer).await }
    });
    let keeps_to_it = async || {
        until("some bytes have passed", || bench.counter.moved() >= 200_000).await;
        let (bytes, seconds) = (bench.counter.moved(), begun.elapsed().as_secs_f64());
        assert!(bytes as f64 <= (seconds + 0.3) * MIB as f64, "{bytes} bytes in {seconds} seconds");
    };
    keeps_to_it().await;
    bench.limit.set(Some(1 << 20));
    mover.set_max_speed(None);
    keeps_to_it().await;
    bench.limit.set(None);
    fetching.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8));
    bench.assert_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_files_own_limit_holds_beside_a_looser_one_for_all() {
    let (bench, _server) = bench(MIB, Reply::range).await;
    let mover = Mover::new(bench.settings.clone()).unwrap();
    mover.set_max_speed(Some(1 << 30));
    bench.limit.set(Some(MIB as u64));
    let begun = Instant::now();
    mover.fetch(bench.transfer()).await.unwrap();
    assert!(begun.elapsed() > Duration::from_millis(800), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_waits_to_try_again_says_so() {
    let (mut bench, _server) = bench(MIB, |request, content| match request.number {
        0 => Reply::status(503),
        _ => Reply::range(request, content),
    })
    .await;
    bench.settings.backoff = vec![Duration::from_millis(200)];
    let fetching = bench.start();
    until("it waits", || bench.counter.phase() == Phase::Retrying).await;
    let remark = bench.counter.remark().unwrap();
    assert!(remark.starts_with("trying again: ") && remark.contains("503"), "{remark}");
    fetching.await.unwrap().unwrap();
    assert_eq!(bench.counter.remark(), None);
}

#[tokio::test]
async fn a_stop_under_a_speed_limit_is_prompt() {
    let (bench, _server) = bench(MIB, Reply::range).await;
    bench.limit.set(Some(1000));
    let fetching = bench.start();
    until("bytes move", || bench.counter.phase() == Phase::Downloading).await;
    let stopped = Instant::now();
    bench.stop.cancel();
    assert_eq!(fetching.await.unwrap().unwrap_err().kind, FaultKind::Interrupted);
    assert!(stopped.elapsed() < PROMPTLY, "{:?}", stopped.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_files_share_the_connections() {
    let (mut bench, server) = bench(20 * MIB, Reply::range).await;
    bench.settings.total_connections = 1;
    let mover = Mover::new(bench.settings.clone()).unwrap();
    let other = Bench::new(&bench.content, &server.url);
    let (left, right) = tokio::join!(mover.fetch(bench.transfer()), mover.fetch(other.transfer()));
    left.and(right).unwrap();
    bench.assert_whole();
    other.assert_whole();
    assert!(server.connections() <= 4, "{} connections", server.connections());
}

/// A machine that has a file for every processor: whoever writes bytes hashes them, too.
async fn busy_bench(size: usize, handler: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static) -> (Bench, Server) {
    let (mut bench, server) = bench(size, handler).await;
    bench.settings.processors = 1;
    (bench, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_busy_machine_a_file_comes_whole_over_one_connection_and_over_several() {
    let slowly = |request: &Request, content: &[u8]| Reply::range(request, content).slowly(Duration::from_millis(2));
    let (one, _server) = busy_bench(40 * MIB, Reply::range).await;
    let (several, _other) = busy_bench(40 * MIB, slowly).await;
    for bench in [one, several] {
        bench.fetch().await.unwrap();
        bench.assert_whole();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_busy_machine_a_stopped_file_goes_on_and_a_damaged_one_is_found_out() {
    let hang = Arc::new(AtomicBool::new(true));
    let hangs = hang.clone();
    let (mut bench, server) = busy_bench(20 * MIB, move |request, content| {
        let reply = Reply::range(request, content);
        if hangs.load(Relaxed) { reply.hang_after(3 * MIB) } else { reply }
    })
    .await;
    let fetching = bench.start();
    until("a connection hangs", || server.served() >= 3 * MIB as u64 && bench.counter.moved() == server.served()).await;
    bench.stop.cancel();
    assert_eq!(fetching.await.unwrap().unwrap_err().kind, FaultKind::Interrupted);
    let held = bench.held();

    hang.store(false, Relaxed);
    bench.stop = tokio_util::sync::CancellationToken::new();
    bench.counter = Arc::default();
    bench.fetch().await.unwrap();
    bench.assert_whole();
    assert_eq!(bench.counter.moved(), 20 * MIB as u64 - held);

    bench.partial().discard().unwrap();
    bench.digest = Digest::Sha256("0".repeat(64));
    assert_eq!(bench.fetch().await.unwrap_err().kind, FaultKind::Corrupt);
    bench.assert_gone();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_hashed_side_by_side_each_get_their_own_verdict() {
    let slowly = |request: &Request, content: &[u8]| Reply::range(request, content).slowly(Duration::from_millis(1));
    let ((mut one, _a), (two, _b), (mut wrong, _c)) =
        tokio::join!(busy_bench(12 * MIB, slowly), bench(7 * MIB, slowly), bench(12 * MIB, slowly));
    one.settings.processors = 2;
    wrong.digest = Digest::Sha256("0".repeat(64));
    let mover = Mover::new(one.settings.clone()).unwrap();
    let (first, second, third) = tokio::join!(mover.fetch(one.transfer()), mover.fetch(two.transfer()), mover.fetch(wrong.transfer()));
    first.and(second).unwrap();
    one.assert_whole();
    two.assert_whole();
    assert_eq!(third.unwrap_err().kind, FaultKind::Corrupt);
    wrong.assert_gone();
}
