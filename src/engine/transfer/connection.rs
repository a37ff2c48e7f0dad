//! One connection's work: claim a segment, fetch it, again until nothing is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, RANGE};
use reqwest::{Client, Response};
use tokio::task::yield_now;

use super::lanes::Seat;
use super::lifeline::Lifeline;
use super::patience::Patience;
use super::reply::{self, Body};
use super::roll::Entry;
use super::run::Run;
use super::segments::{Segment, next_stride};
use super::writer::Writer;
use crate::desk::{Fault, FaultKind, Phase};

/// Under a speed limit bytes are let through in steps of this size, so that the speed is even.
const STEP: usize = 16 << 10;

/// Fetches segments until none is left, trying again as patience allows. Ends early, with what was received written, when the run
/// has had enough.
pub async fn work(run: Arc<Run>, seat: Seat) -> Result<(), Fault> {
    let client = seat.client();
    let settings = run.settings();
    let mut patience = Patience::new(&settings.backoff, settings.longest_wait);
    let mut stride = run.stride;
    let mut entry = run.crew.enter();
    loop {
        run.unless_over(run.digest_keeps_up()).await?;
        if entry.leave_if_unwanted() {
            return Ok(());
        }
        let permit = run.unless_over(run.permit()).await??;
        let begun = Instant::now();
        let Some(segment) = run.segments().claim(stride, begun) else { return Ok(()) };
        let fetched = fetch(&run, client, segment, &mut entry).await;
        run.segments().release(segment.id);
        drop(permit);
        match fetched.outcome {
            Ok(()) => {
                patience.restore();
                stride = run.crew.stride(next_stride(stride, fetched.waited, begun.elapsed()));
            }
            Err(fault) => {
                tracing::debug!(file = %run.name, %fault, gained = fetched.gained, "a request failed");
                if fault.kind.is_transient() && fetched.gained == 0 {
                    run.crew.complain();
                }
                let why = fault.message.clone();
                let wait = patience.after(fault, fetched.gained)?;
                if !wait.is_zero() && run.segments().is_idle() {
                    run.counter.retrying(&why);
                }
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
async fn fetch(run: &Arc<Run>, client: &Client, segment: Segment, entry: &mut Entry<'_>) -> Fetched {
    let begun = Instant::now();
    let opened = run.unless_over(open(run, client, segment)).await;
    let waited = begun.elapsed();
    let (response, offset) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(fault)) | Err(fault) => return Fetched { gained: 0, waited, outcome: Err(fault) },
    };
    entry.prove();
    let mut writer = Writer::new(run.clone(), offset);
    let mut lifeline = Lifeline::new(run.settings(), &run.name);
    let streamed = stream(run, segment, response, &mut lifeline, &mut writer).await;
    match writer.finish() {
        Ok(_) if lifeline.is_given_up() => Fetched { gained: 0, waited, outcome: streamed },
        Ok(gained) => Fetched { gained, waited, outcome: streamed },
        Err(fault) => Fetched { gained: 0, waited, outcome: Err(fault) },
    }
}

/// Asks for a segment and checks the answer: the response, and the offset of its body's first byte.
async fn open(run: &Arc<Run>, client: &Client, segment: Segment) -> Result<(Response, u64), Fault> {
    let response = request(run, client, segment).await?;
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
async fn request(run: &Arc<Run>, client: &Client, segment: Segment) -> Result<Response, Fault> {
    loop {
        let (address, edition) = run.book.address().await?;
        let range = format!("bytes={}-{}", segment.start, segment.end - 1);
        let mut request = client.get(address.url).header(RANGE, range).header(ACCEPT_ENCODING, "identity");
        if let Some(token) = &address.bearer {
            request = request.bearer_auth(token);
        }
        let response = run.unless_stalled(request.send()).await?;
        let verdict = if reply::is_refused(response.status()) {
            Err(reply::failed(response.status(), response.headers(), &run.name))
        } else {
            run.book.admit(edition, response.url(), reply::tag(response.status(), response.headers())).await
        };
        match verdict {
            Ok(()) => return Ok(response),
            Err(fault) => run.book.refused(edition, fault).await?,
        }
    }
}

/// Moves a body's bytes to the writer until the segment has all of its own.
async fn stream(
    run: &Arc<Run>,
    segment: Segment,
    mut response: Response,
    lifeline: &mut Lifeline<'_>,
    writer: &mut Writer,
) -> Result<(), Fault> {
    loop {
        let Some(bytes) = run.unless_over(receive(&mut response, lifeline, writer)).await?? else { return Err(cut_short(run)) };
        let taken = run.segments().take(segment.id, bytes.len());
        if writer.push(bytes.slice(..taken.length))? {
            yield_now().await; // other connections' bytes may have come meanwhile
        }
        pass(run, taken.length).await?;
        if taken.spent {
            return Ok(());
        }
    }
}

/// The next bytes of a body. While none come, the writer does not sit on those it has.
async fn receive(response: &mut Response, lifeline: &mut Lifeline<'_>, writer: &mut Writer) -> Result<Option<Bytes>, Fault> {
    let receiving = lifeline.next(response);
    tokio::pin!(receiving);
    loop {
        tokio::select! {
            biased;
            bytes = &mut receiving => return bytes,
            () = writer.ripe() => writer.write()?,
        }
    }
}

/// Counts these bytes and waits until the file's own speed limit and the common one have allowed them.
pub async fn pass(run: &Run, mut bytes: usize) -> Result<(), Fault> {
    while bytes > 0 {
        let limited = run.limit.is_limited() || run.pace().is_limited();
        let step = if limited { bytes.min(STEP) } else { bytes };
        run.counter.add_moved(step as u64);
        run.unless_over(run.limit.pass(step as u64)).await?;
        run.unless_over(run.pace().pass(step as u64)).await?;
        bytes -= step;
    }
    Ok(())
}

fn cut_short(run: &Run) -> Fault {
    Fault::new(FaultKind::Network, format!("the connection ended in the middle of {}", run.name))
}
