//! Reading the cache in the background, told as it goes on.

use std::thread;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::cache::{Cache, Places};
use crate::desk::{CacheListing, CacheStep};

/// So many steps wait for a slow listener before the reading does.
const AHEAD: usize = 16;

/// Reads the cache and, beside it, what other programs keep in these places. Dropping the stream ends the reading.
pub(super) fn steps(cache: Cache, places: Places) -> BoxStream<'static, CacheStep> {
    let (told, steps) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let found = |repos| told.blocking_send(CacheStep::Found(repos)).is_ok();
        let listing = thread::scope(|scope| {
            let others = scope.spawn(|| cache.others(&places));
            let listing = cache.scan_in_steps(&found)?;
            Ok(CacheListing { others: others.join().unwrap_or_default(), ..listing })
        });
        let end = listing.map_or_else(CacheStep::Failed, |listing| CacheStep::Done(Box::new(listing)));
        // Nobody may be listening any more.
        _ = told.blocking_send(end);
    });
    stream::unfold(steps, |mut steps| async move { steps.recv().await.map(|step| (step, steps)) }).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_others_keep_comes_with_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let xet = dir.path().join("xet");
        std::fs::create_dir_all(xet.join("logs")).unwrap();
        std::fs::write(xet.join("logs/xet.log"), "a line").unwrap();
        let cache = Cache::new(dir.path().join("hub"));
        let steps: Vec<CacheStep> = steps(cache, Places { xet: vec![xet], ..Places::default() }).collect().await;
        let Some(CacheStep::Done(listing)) = steps.last() else { panic!("{steps:?}") };
        assert_eq!((listing.others.len(), listing.others[0].size), (1, 6));
    }
}
