//! A desk with the queue: this process's own engine, or the one of the process that runs it already.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;

use super::signals;
use crate::api;
use crate::desk::{About, Desk, Fault, FaultKind};
use crate::engine::Engine;
use crate::engine::config::Settings;
use crate::engine::host::SystemClock;

/// How often a process that holds the queue but does not answer is asked: it may just be starting or ending.
const TRIES: u32 = 20;

/// The time between two tries.
const BETWEEN: Duration = Duration::from_millis(100);

/// A desk with the queue and, where this process runs it, the server by which later processes attach.
pub(super) struct QueueDesk {
    desk: Arc<dyn Desk>,
    server: Option<api::Server>,
}

impl QueueDesk {
    /// Runs the queue of these settings, or attaches to the process that does.
    ///
    /// A process that works for another Hub or cache is refused where `places_files`; its queue can be looked at and steered all the same.
    pub async fn open(settings: &Settings, places_files: bool) -> Result<Self, Fault> {
        let socket = settings.state_dir.join("engine.sock");
        let mut tries = 1;
        loop {
            if let Some(own) = run_here(settings, &socket).await? {
                return Ok(own);
            }
            match api::attach(&socket).await {
                Ok(desk) if places_files => return works_alike(settings, &desk.about()).map(|()| Self { desk, server: None }),
                Ok(desk) => return Ok(Self { desk, server: None }),
                Err(fault) if tries == TRIES => return Err(fault),
                Err(_) => tries += 1,
            }
            tokio::time::sleep(BETWEEN).await;
        }
    }

    /// The desk.
    pub fn desk(&self) -> Arc<dyn Desk> {
        Arc::clone(&self.desk)
    }

    /// Whether the queue fills the cache of these settings, so that its jobs may need what is there.
    pub fn fills_cache_of(&self, settings: &Settings) -> bool {
        real(&self.desk.about().cache_dir) == real(&settings.cache_dir.value)
    }

    /// Whether another process runs the queue.
    pub fn is_attached(&self) -> bool {
        self.server.is_none()
    }

    /// Whether this process still runs jobs: its own, or those that other processes have queued here.
    pub async fn is_busy(&self) -> bool {
        !self.is_attached() && self.desk.board().next().await.is_some_and(|board| board.live() > 0)
    }

    /// Goes on with what runs here until all of it is over or the process is told to end.
    pub async fn until_over(&self) {
        if self.is_attached() {
            return;
        }
        let mut idle = self.desk.board().skip_while(|board| std::future::ready(board.live() > 0)).boxed();
        tokio::select! {
            _ = idle.next() => {}
            () = signals::told_to_end() => {}
        }
    }

    /// Ends the work in order, and lets attached processes read how it ended.
    pub async fn close(self) -> Result<(), Fault> {
        let closed = self.desk.close().await;
        if let Some(server) = self.server {
            server.stop().await;
        }
        closed
    }
}

/// Runs the queue in this process and serves it; `None` where another process runs it.
async fn run_here(settings: &Settings, socket: &Path) -> Result<Option<QueueDesk>, Fault> {
    let mut engine = Engine::open(settings)?;
    match engine.run_queue(settings, Arc::new(SystemClock)).await {
        Err(fault) if fault.kind == FaultKind::Busy => return Ok(None),
        result => result?,
    }
    let desk: Arc<dyn Desk> = Arc::new(engine);
    let server = api::serve(Arc::clone(&desk), socket)?;
    Ok(Some(QueueDesk { desk, server: Some(server) }))
}

/// Refuses another process's desk that works for another Hub or cache than this one was asked to.
fn works_alike(settings: &Settings, theirs: &About) -> Result<(), Fault> {
    let (hub, cache) = (&settings.endpoint.value, &settings.cache_dir.value);
    let (other_hub, other_cache) = (theirs.endpoint != *hub, real(&theirs.cache_dir) != real(cache));
    let (what, it_has, wanted) = match (other_hub, other_cache) {
        (false, false) => return Ok(()),
        (false, true) => ("cache", theirs.cache_dir.display().to_string(), cache.display().to_string()),
        (true, false) => ("Hub", theirs.endpoint.clone(), hub.clone()),
        (true, true) => {
            let both = |cache: &Path, hub: &str| format!("{} from {hub}", cache.display());
            ("cache", both(&theirs.cache_dir, &theirs.endpoint), both(cache, hub))
        }
    };
    let message = format!("another hfdesk-tui runs the queue, for the {what} {it_has}; this one was asked to work for {wanted}");
    let own = settings.state_dir.with_file_name("hfdesk-2");
    let way = format!("end that one, or give this one a queue of its own: XDG_STATE_HOME={} hfdesk-tui ...", own.display());
    let look = format!("to look at this cache no queue is needed: hfdesk-tui cache ls --cache-dir {}", cache.display());
    Err(Fault::new(FaultKind::Busy, message).hint(if other_cache { format!("{way}; {look}") } else { way }))
}

/// A folder by its real name, where it has one.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}
