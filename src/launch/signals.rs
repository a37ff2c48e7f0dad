//! The signals that ask this process to end.

use tokio::signal::unix::{SignalKind, signal};

/// Ends when the process is asked to: Ctrl-C, SIGTERM, or SIGHUP because the connection dropped.
pub(super) async fn asked_to_end() {
    any_of([SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]).await;
}

/// Ends when the process is told to end by a person, rather than by a connection that dropped.
pub(super) async fn told_to_end() {
    any_of([SignalKind::interrupt(), SignalKind::terminate()]).await;
}

/// Lets this process live on, from now on, when the connection of its terminal drops.
pub(super) fn outlive_the_terminal() {
    // Once listened for, the signal does nothing else for the rest of the process.
    let _ = signal(SignalKind::hangup());
}

async fn any_of(kinds: impl IntoIterator<Item = SignalKind>) {
    let waits = kinds.into_iter().filter_map(|kind| signal(kind).ok()).map(|mut signal| Box::pin(async move { signal.recv().await }));
    futures::future::select_all(waits).await;
}
