//! Signals, and panics of tasks, as events.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use super::{Ended, Event};
use crate::desk::Fault;

/// The signals that end the app. From now on they do not end the process by themselves.
pub(super) fn events() -> Result<BoxStream<'static, Event>, Fault> {
    let ends =
        [(SignalKind::terminate(), Ended::Terminated), (SignalKind::interrupt(), Ended::Terminated), (SignalKind::hangup(), Ended::HungUp)];
    let listen = |(kind, ended)| signal(kind).map(|signal| each(signal, ended));
    let streams: Result<Vec<_>, _> = ends.into_iter().map(listen).collect();
    Ok(stream::select_all(streams.map_err(|error| Fault::disk("listen to signals", error))?).boxed())
}

fn each(signal: Signal, ended: Ended) -> BoxStream<'static, Event> {
    stream::unfold(signal, move |mut signal| async move {
        signal.recv().await?;
        Some((Event::Ended(ended), signal))
    })
    .boxed()
}

/// The first panic of any task.
pub(super) fn panics(panicked: Arc<Notify>) -> BoxStream<'static, Event> {
    stream::once(async move {
        panicked.notified().await;
        Event::Panicked
    })
    .boxed()
}
