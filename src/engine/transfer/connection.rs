//! One connection's work: claim a segment, fetch it, again until nothing is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{ACCEPT_ENCODING, RANGE};

use super::patience::Patience;
use super::reply::{self, Body};
use super::run::Run;
use super::segments::{Segment, next_stride};
use super::writer::Writer;
use crate::desk::{Fault, FaultKind, Phase};

/// Under a speed limit bytes are let through in steps of this size, so that the speed is even.
const STEP: usize = 16 << 10;

/// Fetches segments until none is left, trying again as patience allows. Ends early, with what was received written, when the run
/// has had enough.
pub async fn work(run: Arc<Run>) -> Result<(), Fault> {
    let settings = run.settings();
    let mut patience = Patience::new(&settings.backoff, settings.longest_wait);
    let mut stride = run.stride;
    loop {
        run.unless_over(run.digest_keeps_up()).await?;
        let permit = run.unless_over(run.permit()).await??;
        let begun = Instant::now();
        let Some(segment) = run.segments().claim(stride, begun) else { return Ok(()) };
        let fetched = fetch(&run, segment).await;
        run.segments().release(segment.id);
        drop(permit);
        match fetched.outcome {
            Ok(()) => {
                patience.restore();
                stride = next_stride(stride, fetched.waited, begun.elapsed());
            }
            Err(fault) => {
                tracing::debug!(file = %run.name, %fault, gained = fetched.gained, "a request failed");
                let wait = patience.after(fault, fetched.gained)?;
                run.unless_over(tokio::time::sleep(wait)).await?;
            }
        }
    }
}

/// How one request went.
struct Fetched {
    /// Bytes that the file gained.
    gained: u64,
    /// How long the answer took to begin.
    waited: Duration,
    outcome: Result<(), Fault>,
}

/// Fetches one segment. Whatever happens, the bytes that came are written.
async fn fetch(run: &Arc<Run>, segment: Segment) -> Fetched {
    let begun = Instant::now();
    let opened = run.unless_over(open(run, segment)).await;
    let waited = begun.elapsed();
    let (response, offset) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(fault)) | Err(fault) => return Fetched { gained: 0, waited, outcome: Err(fault) },
    };
    let mut writer = Writer::new(run.clone(), offset);
    let streamed = stream(run, segment, response, &mut writer).await;
    match writer.finish().await {
        Ok(gained) => Fetched { gained, waited, outcome: streamed },
        Err(fault) => Fetched { gained: 0, waited, outcome: Err(fault) },
    }
}

/// Asks for a segment and checks the answer: the response, and the offset of its body's first byte.
async fn open(run: &Arc<Run>, segment: Segment) -> Result<(Response, u64), Fault> {
    let response = request(run, segment).await?;
    let body = reply::read(response.status(), response.headers(), segment, run.size, &run.name)?;
    run.counter.enter(Phase::Downloading);
    match body {
        Body::Segment => {
            let _ = run.ranged.set(());
            Ok((response, segment.start))
        }
        Body::Whole if run.ranged.get().is_none() => {
            run.segments().make_whole(segment.id);
            Ok((response, 0))
        }
        Body::Whole => Err(Fault::new(FaultKind::Unavailable, format!("the server sent all of {} when asked for a part", run.name))),
    }
}

/// Sends the request, with a fresh address where the present one is refused.
async fn request(run: &Arc<Run>, segment: Segment) -> Result<Response, Fault> {
    loop {
        let (address, edition) = run.book.address().await?;
        let range = format!("bytes={}-{}", segment.start, segment.end - 1);
        let mut request = run.client().get(address.url).header(RANGE, range).header(ACCEPT_ENCODING, "identity");
        if let Some(token) = &address.bearer {
            request = request.bearer_auth(token);
        }
        let response = run.unless_stalled(request.send()).await?;
        if !reply::is_refused(response.status()) {
            run.book.redirected(edition, response.url()).await;
            return Ok(response);
        }
        run.book.refused(edition, reply::failed(response.status(), response.headers(), &run.name)).await?;
    }
}

/// Moves a body's bytes to the writer until the segment has all of its own.
async fn stream(run: &Arc<Run>, segment: Segment, mut response: Response, writer: &mut Writer) -> Result<(), Fault> {
    loop {
        let Some(bytes) = run.unless_over(receive(run, &mut response, writer)).await?? else { return Err(cut_short(run)) };
        let taken = run.segments().take(segment.id, bytes.len());
        writer.push(bytes.slice(..taken.length)).await?;
        pass(run, taken.length).await?;
        if taken.spent {
            return Ok(());
        }
    }
}

/// The next bytes of a body. While none come, the writer does not sit on those it has.
async fn receive(run: &Run, response: &mut Response, writer: &mut Writer) -> Result<Option<Bytes>, Fault> {
    let receiving = run.unless_stalled(response.chunk());
    tokio::pin!(receiving);
    loop {
        tokio::select! {
            biased;
            bytes = &mut receiving => return bytes,
            () = writer.ripe() => writer.hand_over().await?,
        }
    }
}

/// Counts these bytes and waits until the speed limit has allowed them.
pub async fn pass(run: &Run, mut bytes: usize) -> Result<(), Fault> {
    while bytes > 0 {
        let step = if run.pace().is_limited() { bytes.min(STEP) } else { bytes };
        run.counter.add_moved(step as u64);
        run.unless_over(run.pace().pass(step as u64)).await?;
        bytes -= step;
    }
    Ok(())
}

fn cut_short(run: &Run) -> Fault {
    Fault::new(FaultKind::Network, format!("the connection ended in the middle of {}", run.name))
}
