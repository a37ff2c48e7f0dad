//! Reading the cache in the background, told as it goes on.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::cache::Cache;
use crate::desk::CacheStep;

/// So many steps wait for a slow listener before the reading does.
const AHEAD: usize = 16;

/// Reads the cache. Dropping the stream ends the reading.
pub(super) fn steps(cache: Cache) -> BoxStream<'static, CacheStep> {
    let (told, steps) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let found = |repos| told.blocking_send(CacheStep::Found(repos)).is_ok();
        let end = cache.scan_in_steps(&found).map_or_else(CacheStep::Failed, |listing| CacheStep::Done(Box::new(listing)));
        // Nobody may be listening any more.
        _ = told.blocking_send(end);
    });
    stream::unfold(steps, |mut steps| async move { steps.recv().await.map(|step| (step, steps)) }).boxed()
}
