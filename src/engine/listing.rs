//! Reading the cache in the background, told as it goes on.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::cache::{Cache, Found};
use super::pins::Pins;
use crate::desk::{CacheListing, CacheStep, Fault};

/// So many steps wait for a slow listener before the reading does.
const AHEAD: usize = 16;

/// Reads the cache. Dropping the stream ends the reading.
pub(super) fn steps(cache: Cache, pins: Pins) -> BoxStream<'static, CacheStep> {
    let (told, steps) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let found = |repos| told.blocking_send(CacheStep::Found(repos)).is_ok();
        let end = whole(&cache, &pins, &found).map_or_else(CacheStep::Failed, |listing| CacheStep::Done(Box::new(listing)));
        // Nobody may be listening any more.
        _ = told.blocking_send(end);
    });
    stream::unfold(steps, |mut steps| async move { steps.recv().await.map(|step| (step, steps)) }).boxed()
}

/// What the cache holds, with what is known of it beside the folder itself.
fn whole(cache: &Cache, pins: &Pins, found: Found) -> Result<CacheListing, Fault> {
    let listing = cache.scan_in_steps(found)?;
    Ok(CacheListing { orphans: cache.orphans(), trash: cache.trash(), pins: pins.load()?, ..listing })
}
