//! Work on files that goes on for a while: how far it is, several times a second, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};

use super::cache::Gauge;
use super::host::blocking;
use crate::desk::{Fault, Reply, VerifyProgress};

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// Work that goes on: its outcome to come, and how far it is.
struct Underway<T> {
    outcome: Reply<T>,
    gauge: StopsWhenDropped,
}

/// Stops the work when nobody waits for it any more.
struct StopsWhenDropped(Arc<Gauge>);

impl Drop for StopsWhenDropped {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Does work that may wait for the disk, and tells how far it is and then what came of it. Dropping the stream stops the gauge.
pub(super) fn steps<T: Send + 'static, S: Send + 'static>(
    work: impl FnOnce(&Gauge) -> Result<T, Fault> + Send + 'static,
    progress: fn(VerifyProgress) -> S,
    end: fn(Result<T, Fault>) -> S,
) -> BoxStream<'static, S> {
    let gauge = Arc::new(Gauge::default());
    let seen = Arc::clone(&gauge);
    let outcome = blocking(move || work(&seen)).boxed();
    let begun = Some(Underway { outcome, gauge: StopsWhenDropped(gauge) });
    stream::unfold(begun, move |underway| next(underway, progress, end)).boxed()
}

/// The next that is told; nothing comes after the end.
async fn next<T, S>(
    underway: Option<Underway<T>>,
    progress: fn(VerifyProgress) -> S,
    end: fn(Result<T, Fault>) -> S,
) -> Option<(S, Option<Underway<T>>)> {
    let mut underway = underway?;
    tokio::select! {
        biased;
        outcome = &mut underway.outcome => Some((end(outcome), None)),
        () = tokio::time::sleep(TICK) => Some((progress(underway.gauge.0.now()), Some(underway))),
    }
}
