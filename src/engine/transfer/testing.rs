//! A server on loopback that answers exactly as a test wants, down to the byte where it hangs up.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use sha2::Digest as _;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Address, Counter, Mover, Pace, Partial, Settings, Source, Transfer, lock};
use crate::desk::{Digest, Fault};

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Request {
    /// How many came before it.
    pub number: usize,
    pub path: String,
    /// First and last byte asked for.
    pub range: Option<(u64, u64)>,
    pub authorization: Option<String>,
}

/// An answer. The body is as long as it is, whatever the headers say.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Hang up after so many bytes of the body.
    pub cut_after: Option<usize>,
    /// Send nothing after so many bytes of the body, and stay connected.
    pub hang_after: Option<usize>,
    /// Send 64 KiB, wait so long, send the next 64 KiB and so on.
    pub wait: Option<Duration>,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: vec![("content-length", "0".into())], ..Self::default() }
    }

    /// Everything, as by a server that does not know ranges.
    pub fn whole(content: &[u8]) -> Self {
        Self { status: 200, headers: vec![("content-length", content.len().to_string())], body: content.to_vec(), ..Self::default() }
    }

    /// What was asked for.
    pub fn range(request: &Request, content: &[u8]) -> Self {
        let Some((first, last)) = request.range else { return Self::whole(content) };
        let range = format!("bytes {first}-{last}/{}", content.len());
        let body = content[usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()].to_vec();
        let headers = vec![("content-length", body.len().to_string()), ("content-range", range)];
        Self { status: 206, headers, body, ..Self::default() }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    pub fn slowly(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    pub fn hang_after(mut self, bytes: usize) -> Self {
        self.hang_after = Some(bytes);
        self
    }
}

type Handler = dyn Fn(&Request, &[u8]) -> Reply + Send + Sync;

struct Shared {
    content: Vec<u8>,
    handler: Box<Handler>,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    served: AtomicU64,
}

/// The server; it ends when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    pub url: url::Url,
    accepting: AbortHandle,
}

impl Server {
    pub async fn start(content: Vec<u8>, handler: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap()).parse().unwrap();
        let shared = Arc::new(Shared {
            content,
            handler: Box::new(handler),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            served: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Self { shared, url, accepting }
    }

    /// A server that does everything right.
    pub async fn good(content: Vec<u8>) -> Self {
        Self::start(content, Reply::range).await
    }

    /// Bytes of bodies that were sent.
    pub fn served(&self) -> u64 {
        self.shared.served.load(Relaxed)
    }

    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Relaxed);
        tokio::spawn(serve(socket, shared.clone()));
    }
}

/// Answers requests until either side hangs up.
async fn serve(socket: TcpStream, shared: Arc<Shared>) {
    let mut socket = BufReader::new(socket);
    while let Some(request) = read_request(&mut socket, &shared).await {
        let reply = (shared.handler)(&request, &shared.content);
        if send(&mut socket, reply, &shared).await.is_none() {
            return;
        }
    }
}

async fn read_request(socket: &mut BufReader<TcpStream>, shared: &Shared) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let header = |name: &str| {
        let found = lines.iter().find_map(|line| line.split_once(": ").filter(|pair| pair.0.eq_ignore_ascii_case(name)));
        found.map(|pair| pair.1.to_owned())
    };
    let range = header("range").map(|text| {
        let (first, last) = text.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        (first.parse().unwrap(), last.parse().unwrap())
    });
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    let mut requests = lock(&shared.requests);
    let request = Request { number: requests.len(), path, range, authorization: header("authorization") };
    requests.push(request.clone());
    Some(request)
}

/// Sends a reply in small writes; `None` when the connection is over.
async fn send(socket: &mut BufReader<TcpStream>, reply: Reply, shared: &Shared) -> Option<()> {
    let mut head = format!("HTTP/1.1 {} X\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &[name, ": ", value, "\r\n"].concat();
    }
    socket.write_all((head + "\r\n").as_bytes()).await.ok()?;
    let end = reply.cut_after.or(reply.hang_after).unwrap_or(usize::MAX).min(reply.body.len());
    for piece in reply.body[..end].chunks(64 << 10) {
        socket.write_all(piece).await.ok()?;
        shared.served.fetch_add(piece.len() as u64, Relaxed);
        if let Some(wait) = reply.wait {
            tokio::time::sleep(wait).await;
        }
    }
    socket.flush().await.ok()?;
    if reply.hang_after.is_some() {
        let mut line = String::new();
        while socket.read_line(&mut line).await.ok()? > 0 {}
    }
    (reply.cut_after.is_none() && reply.hang_after.is_none()).then_some(())
}

/// A source that signs its address anew each time it is asked.
pub struct Signing {
    url: url::Url,
    pub asked: AtomicUsize,
}

impl Source for Signing {
    fn locate(&self) -> BoxFuture<'_, Result<Address, Fault>> {
        let mut url = self.url.clone();
        url.set_query(Some(&format!("signature={}", self.asked.fetch_add(1, Relaxed) + 1)));
        async move { Ok(Address { url, bearer: Some("secret".into()) }) }.boxed()
    }
}

/// A folder for a partial, and what is needed to fetch some content into it again and again.
pub struct Bench {
    pub dir: TempDir,
    pub content: Vec<u8>,
    pub digest: Digest,
    pub counter: Arc<Counter>,
    pub limit: Arc<Pace>,
    pub stop: CancellationToken,
    pub settings: Settings,
    pub source: Arc<Signing>,
}

impl Bench {
    /// Content of `size` bytes that never repeats, to be fetched from a URL, with waits of milliseconds.
    pub fn new(content: &[u8], url: &url::Url) -> Self {
        let settings =
            Settings { backoff: vec![Duration::from_millis(5); 5], checkpoint: Duration::from_millis(20), ..Settings::default() };
        Self {
            dir: tempfile::tempdir().unwrap(),
            digest: Digest::Sha256(hex::encode(sha2::Sha256::digest(content))),
            content: content.to_vec(),
            counter: Arc::default(),
            limit: Arc::new(Pace::new(None)),
            stop: CancellationToken::new(),
            settings,
            source: Arc::new(Signing { url: url.clone(), asked: AtomicUsize::new(0) }),
        }
    }

    pub fn partial(&self) -> Partial {
        Partial { data: self.dir.path().join("blobs/x.hfdesk.part"), journal: self.dir.path().join("blobs/x.hfdesk.json") }
    }

    pub fn held(&self) -> u64 {
        self.partial().held(self.content.len() as u64, &self.digest)
    }

    pub fn transfer(&self) -> Transfer {
        Transfer {
            partial: self.partial(),
            size: self.content.len() as u64,
            digest: self.digest.clone(),
            name: "w.gguf".into(),
            source: self.source.clone(),
            counter: self.counter.clone(),
            limit: self.limit.clone(),
            stop: self.stop.clone(),
        }
    }

    pub fn start(&self) -> JoinHandle<Result<(), Fault>> {
        let (mover, transfer) = (Mover::new(self.settings.clone()).unwrap(), self.transfer());
        tokio::spawn(async move { mover.fetch(transfer).await })
    }

    pub async fn fetch(&self) -> Result<(), Fault> {
        self.start().await.unwrap()
    }

    /// Asserts that the data file is the content.
    pub fn assert_whole(&self) {
        assert!(std::fs::read(self.partial().data).unwrap() == self.content, "the file differs");
        assert_eq!(self.counter.done(), self.content.len() as u64);
    }

    /// Asserts that neither file is there.
    pub fn assert_gone(&self) {
        let entries = std::fs::read_dir(self.dir.path().join("blobs")).into_iter().flatten();
        let left: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Bytes that never repeat within any length a test uses.
pub fn content(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Waits until something is so; fails after ten seconds.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..5000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await; // what is waited for is another task's and only there to be looked at
    }
    panic!("it never happened that {what}");
}
