//! A content store on loopback, and a wire to it that tests can cut, hold and bend.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use xet::xet_session::{Sha256Policy, XetConfig, XetSessionBuilder};
use xet_client::cas_client::{LocalTestServer, LocalTestServerBuilder};

use crate::engine::transfer::testing::content;

/// Bytes of the store's large file: several ranges for several streams.
pub const LARGE: usize = 24 << 20;
/// Bytes of its small file: one that begins over HTTP.
pub const SMALL: usize = 3 << 20;

/// A file in the store.
pub struct Kept {
    pub content: Vec<u8>,
    pub hash: String,
}

/// The store that all tests share, on a runtime of its own: each of theirs ends with it.
pub struct Store {
    server: LocalTestServer,
    pub large: Kept,
    pub small: Kept,
    _runtime: Runtime,
}

/// The store, filled through hf-xet's own uploads when the first test asks.
pub static STORE: LazyLock<Store> = LazyLock::new(|| std::thread::spawn(Store::start).join().unwrap());

impl Store {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let (server, large, small) = runtime.block_on(async {
            let server = LocalTestServerBuilder::new().start().await;
            let large = keep(server.http_endpoint(), content(LARGE)).await;
            let small = keep(server.http_endpoint(), content(SMALL)).await;
            (server, large, small)
        });
        Self { server, large, small, _runtime: runtime }
    }
}

/// Uploads a file.
async fn keep(endpoint: &str, content: Vec<u8>) -> Kept {
    let scratch = TempDir::new().unwrap();
    let config = XetConfig::default().with_config("telemetry.enabled", "false").unwrap();
    let session = XetSessionBuilder::new_with_config(config).with_cache_dir(scratch.path()).build().unwrap();
    let commit = session.new_upload_commit().unwrap().with_endpoint(endpoint).build().await.unwrap();
    let upload = commit.upload_bytes(content.clone(), Sha256Policy::Compute, None).await.unwrap();
    let hash = upload.finalize_ingestion().await.unwrap().xet_info.hash().to_owned();
    commit.commit().await.unwrap();
    Kept { content, hash }
}

/// What a wire does with the store's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Carries them.
    Open,
    /// Carries them at a few megabytes a second.
    Slow,
    /// Hangs up.
    Cut,
    /// Stays connected and carries nothing.
    Held,
    /// Changes a byte now and then.
    Bent,
}

struct Ends {
    mode: watch::Sender<Mode>,
    carried: AtomicU64,
    /// After so many bytes comes another mode.
    limit: AtomicU64,
    then: Mode,
    store: String,
}

/// A way to the store; it ends when it is dropped.
pub struct Wire {
    /// The store's address at this end.
    pub url: String,
    ends: Arc<Ends>,
    accepting: AbortHandle,
}

impl Wire {
    pub async fn new(mode: Mode) -> Self {
        Self::that_turns(mode, u64::MAX, mode).await
    }

    /// A wire that turns to another mode after it has carried so many bytes.
    pub async fn that_turns(mode: Mode, limit: u64, then: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let store = STORE.server.http_endpoint().strip_prefix("http://").unwrap().to_owned();
        let (mode, carried, limit) = (watch::Sender::new(mode), AtomicU64::new(0), AtomicU64::new(limit));
        let ends = Arc::new(Ends { mode, carried, limit, then, store });
        let accepting = tokio::spawn(accept(listener, ends.clone())).abort_handle();
        Self { url, ends, accepting }
    }

    /// Bytes that came from the store.
    pub fn carried(&self) -> u64 {
        self.ends.carried.load(Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
        self.ends.mode.send_replace(Mode::Cut);
    }
}

async fn accept(listener: TcpListener, ends: Arc<Ends>) {
    while let Ok((near, _)) = listener.accept().await {
        tokio::spawn(join(near, ends.clone()));
    }
}

/// Carries one connection's bytes both ways; `None` when it is over.
async fn join(near: TcpStream, ends: Arc<Ends>) -> Option<()> {
    let far = TcpStream::connect(&ends.store).await.ok()?;
    let (mut from_client, to_client) = near.into_split();
    let (from_store, mut to_store) = far.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_store) => None,
        over = carry(from_store, to_client, &ends) => over,
    }
}

async fn carry(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, ends: &Ends) -> Option<()> {
    let mut mode = ends.mode.subscribe();
    let mut buffer = vec![0; 32 << 10];
    loop {
        let length = from.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        let carried = ends.carried.fetch_add(length as u64, Relaxed) + length as u64;
        if carried > ends.limit.load(Relaxed) {
            ends.mode.send_replace(ends.then);
        }
        let now = *mode.wait_for(|mode| *mode != Mode::Held).await.ok()?;
        match now {
            Mode::Cut => return None,
            Mode::Slow => tokio::time::sleep(Duration::from_millis(5)).await, // a slow line is what is tested
            Mode::Bent if length > 20_000 => buffer[length / 2] ^= 1,
            _ => {}
        }
        to.write_all(&buffer[..length]).await.ok()?;
    }
}
