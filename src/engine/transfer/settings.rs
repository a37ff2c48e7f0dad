//! How transfers are carried out.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::engine::net::Network;

/// How a [`super::Mover`] works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most connections for one file; how many it has depends on what they bring.
    pub connections: usize,
    /// The most connections for all files together. Each takes up to 1 MiB of memory while it moves bytes.
    pub total_connections: usize,
    /// The way to the servers.
    pub network: Network,
    /// How long to wait for a connection, its proxy and its TLS included.
    pub connect_timeout: Duration,
    /// How long to wait for an answer, and for each next byte of it.
    pub stall_timeout: Duration,
    /// The waits between tries; one connection gives up after so many failures in a row without progress.
    pub backoff: Vec<Duration>,
    /// A server that asks to wait longer than this is not waited for.
    pub longest_wait: Duration,
    /// How often the journal is written and the data synced.
    pub checkpoint: Duration,
    /// How many processors there are to share.
    pub processors: usize,
    /// The folder in which the block digests of files are kept once their digests matched; `None` keeps none.
    pub blocks: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 32,
            total_connections: 32,
            network: Network::default(),
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            backoff: [500, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000, 30_000].map(Duration::from_millis).to_vec(),
            longest_wait: Duration::from_secs(300),
            checkpoint: Duration::from_secs(1),
            processors: thread::available_parallelism().map_or(1, NonZero::get),
            blocks: None,
        }
    }
}
