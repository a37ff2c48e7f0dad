//! Reading the cache in the background, told as it goes on.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::cache::{Cache, Found, Places};
use super::pins::Pins;
use crate::desk::{CacheListing, CacheStep, Fault, OtherStore};

/// So many steps wait for a slow listener before the reading does.
const AHEAD: usize = 16;
/// How long what other programs keep is waited for once the cache has been read.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads the cache and, beside it, what other programs keep in these places. Dropping the stream ends the reading.
pub(super) fn steps(cache: Cache, pins: Pins, places: Places) -> BoxStream<'static, CacheStep> {
    let (told, steps) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let found = |repos| told.blocking_send(CacheStep::Found(repos)).is_ok();
        let others = others(&cache, places);
        let listing = whole(&cache, &pins, &found).map(|listing| with_others(listing, &others));
        let end = listing.map_or_else(CacheStep::Failed, |listing| CacheStep::Done(Box::new(listing)));
        // Nobody may be listening any more.
        _ = told.blocking_send(end);
    });
    stream::unfold(steps, |mut steps| async move { steps.recv().await.map(|step| (step, steps)) }).boxed()
}

/// What other programs keep, read by a thread of its own: a disk of theirs that does not answer must not keep the cache from being seen.
fn others(cache: &Cache, places: Places) -> Receiver<Vec<OtherStore>> {
    let (told, others) = sync_channel(1);
    let cache = cache.clone();
    // Without that thread nothing comes, which is told like a disk that does not answer.
    _ = thread::Builder::new().name("other stores".to_owned()).spawn(move || told.send(cache.others(&places)));
    others
}

fn with_others(mut listing: CacheListing, others: &Receiver<Vec<OtherStore>>) -> CacheListing {
    match others.recv_timeout(PATIENCE) {
        Ok(others) => listing.others = others,
        Err(_) => listing.warnings.push("what other programs keep could not be read in time".to_owned()),
    }
    listing
}

/// What the cache holds, with what is known of it beside the folder itself.
fn whole(cache: &Cache, pins: &Pins, found: Found) -> Result<CacheListing, Fault> {
    let listing = cache.scan_in_steps(found)?;
    Ok(CacheListing { orphans: cache.orphans(), trash: cache.trash(), trash_kept: cache.trash_kept(), pins: pins.load()?, ..listing })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn what_others_keep_comes_with_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let xet = dir.path().join("xet");
        std::fs::create_dir_all(xet.join("logs")).unwrap();
        std::fs::write(xet.join("logs/xet.log"), "a line").unwrap();
        let (cache, places) = (Cache::new(dir.path().join("hub")), Places { xet: vec![xet], ..Places::default() });
        let steps: Vec<CacheStep> = steps(cache, Pins::of(dir.path(), Path::new("hub")), places).collect().await;
        let Some(CacheStep::Done(listing)) = steps.last() else { panic!("{steps:?}") };
        assert_eq!((listing.others.len(), listing.others[0].size), (1, 6));
    }
}
