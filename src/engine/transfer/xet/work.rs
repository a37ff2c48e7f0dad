//! Fetching what a run lacks: claim a range, stream it, again until nothing is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;

use super::line::Line;
use super::{XetAddress, XetFile, XetStream};
use crate::desk::{Fault, FaultKind, Phase};
use crate::engine::transfer::connection::pass;
use crate::engine::transfer::patience::Patience;
use crate::engine::transfer::run::Run;
use crate::engine::transfer::segments::Segment;
use crate::engine::transfer::writer::Writer;

/// The first range is so small that its bytes come before a slow link could be taken for a dead one: they come all at once.
const FIRST_STRIDE: u64 = 1 << 20;
/// No range is longer: it takes as much memory, and a stop throws it away.
const LONGEST_STRIDE: u64 = 16 << 20;
/// A range that takes less may be longer, and other streams may join.
const QUICK: Duration = Duration::from_secs(1);
/// A range that takes more should be shorter.
const SLOW: Duration = Duration::from_secs(5);
/// Failures in a row without progress after which a stream, and with it the transport, gives up.
const TRIES: usize = 2;

/// How long the range after one of this length should be that took so long.
fn next_stride(stride: u64, took: Duration) -> u64 {
    match took {
        _ if took < QUICK => (stride * 4).min(LONGEST_STRIDE),
        _ if took > SLOW => (stride / 2).max(FIRST_STRIDE),
        _ => stride,
    }
}

/// Fetches every missing byte over Xet. When it returns, nothing of it is running any more; what came is written.
///
/// A transient fault means that the store failed twice in a row without a byte in between, any other that it is of no use.
pub async fn download(run: &Arc<Run>, address: XetAddress) -> Result<(), Fault> {
    let line = Arc::new(Line::new(run, address));
    let mut working = JoinSet::new();
    let mut outcome = Ok(());
    let mut waiting = run.connections - 1;
    working.spawn(work(line.clone()));
    loop {
        tokio::select! {
            biased;
            () = line.quick.wait(), if waiting > 0 => {
                (0..waiting).for_each(|_| { working.spawn(work(line.clone())); });
                waiting = 0;
            }
            ended = working.join_next() => {
                let Some(ended) = ended else { return outcome };
                let ended = ended.unwrap_or_else(|error| Err(Fault::internal("a stream's task ended").because(error)));
                if ended.is_err() && outcome.is_ok() {
                    line.over.cancel();
                    outcome = ended;
                }
            }
        }
    }
}

/// Fetches ranges until none is free.
async fn work(line: Arc<Line>) -> Result<(), Fault> {
    let (run, settings) = (&line.run, line.run.settings());
    let waits = settings.backoff.get(..TRIES - 1).unwrap_or_default();
    let mut patience = Patience::new(waits, settings.longest_wait);
    let mut stride = FIRST_STRIDE;
    loop {
        line.unless_over(run.digest_keeps_up()).await?;
        let permits = line.unless_over(line.permits()).await??;
        let begun = Instant::now();
        let Some(segment) = run.segments().claim_free(stride, begun) else { return Ok(()) };
        let fetched = fetch(&line, segment).await;
        run.segments().release(segment.id);
        drop(permits);
        match fetched {
            Ok(0) => {} // the store refused the pass, and there may be another
            Ok(_) => {
                patience.restore();
                stride = next_stride(stride, begun.elapsed());
                if begun.elapsed() < QUICK {
                    let _ = line.quick.set(());
                }
            }
            Err((fault, gained)) => {
                tracing::debug!(file = %run.name, %fault, gained, "a Xet stream failed");
                let wait = patience.after(fault, gained)?;
                line.unless_over(tokio::time::sleep(wait)).await?;
            }
        }
    }
}

/// Fetches one range: how many bytes the file gained, or a fault with how many it gained nevertheless.
async fn fetch(line: &Line, segment: Segment) -> Result<u64, (Fault, u64)> {
    let file = line.unless_over(line.file()).await.and_then(|file| file).map_err(|fault| (fault, 0))?;
    let mut writer = Writer::new(line.run.clone(), segment.start);
    let streamed = read(line, &file, segment, &mut writer).await;
    let gained = in_place(|| writer.finish()).map_err(|fault| (fault, 0))?;
    if gained > 0 {
        line.worked();
    }
    match streamed {
        Ok(()) => Ok(gained),
        Err(fault) if is_refusal(fault.kind) => line.refused(&file, fault).await.map(|()| gained).map_err(|fault| (fault, gained)),
        Err(fault) => Err((fault, gained)),
    }
}

fn is_refusal(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Unauthorized | FaultKind::Forbidden)
}

/// Moves a range's bytes to the writer.
async fn read(line: &Line, file: &XetFile, segment: Segment, writer: &mut Writer) -> Result<(), Fault> {
    let run = &line.run;
    let mut stream = line.unless_over(file.stream(segment.start..segment.end)).await??;
    while let Some(bytes) = line.unless_over(receive(line, &mut stream, writer)).await?? {
        run.counter.enter(Phase::Downloading);
        let taken = run.segments().take(segment.id, bytes.len());
        in_place(|| writer.push(bytes.slice(..taken.length)))?;
        line.unless_over(pass(run, taken.length)).await??;
    }
    Ok(())
}

/// Does work that waits for the disk; hf-xet's threads, which are the program's, go on elsewhere meanwhile where they can.
fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::current().runtime_flavor() {
        tokio::runtime::RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// The next bytes of a stream. While none come, the writer does not sit on those it has.
async fn receive(line: &Line, stream: &mut XetStream, writer: &mut Writer) -> Result<Option<Bytes>, Fault> {
    let receiving = line.unless_stalled(stream.next());
    tokio::pin!(receiving);
    loop {
        tokio::select! {
            biased;
            bytes = &mut receiving => return bytes,
            () = writer.ripe() => in_place(|| writer.write())?,
        }
    }
}

#[cfg(test)]
mod strides {
    use super::*;

    #[test]
    fn ranges_grow_on_a_quick_link_and_shrink_on_a_slow_one() {
        let seconds = Duration::from_secs;
        assert_eq!(next_stride(FIRST_STRIDE, Duration::ZERO), 4 << 20);
        assert_eq!(next_stride(8 << 20, Duration::ZERO), LONGEST_STRIDE);
        assert_eq!(next_stride(8 << 20, seconds(3)), 8 << 20);
        assert_eq!(next_stride(8 << 20, seconds(6)), 4 << 20);
        assert_eq!(next_stride(FIRST_STRIDE, seconds(6)), FIRST_STRIDE);
    }
}
