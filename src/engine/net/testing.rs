//! Proxies and a TLS server on loopback, as a test wants them.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// The login that a strict proxy wants.
pub(super) const LOGIN: &str = "ada:s3cret";
/// The same as an HTTP header has it.
const BASIC: &str = "Basic YWRhOnMzY3JldA==";

/// What a proxy does with those who come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Lets everybody through.
    Open,
    /// Lets those through who know [`LOGIN`].
    Strict,
    /// Connects nobody with anybody.
    Closed,
}

/// A proxy that notes whom it was asked to connect with, as `host:port`. It ends with the value.
pub(super) struct Gatehouse {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Gatehouse {
    /// A proxy that forwards HTTP requests and opens tunnels.
    pub async fn http(manner: Manner) -> Self {
        Self::start(move |socket, asked| async move { http(socket, manner, &asked).await }).await
    }

    /// A SOCKS5 proxy. Every name means this machine to it.
    pub async fn socks(manner: Manner) -> Self {
        Self::start(move |socket, asked| async move { socks(socket, manner, &asked).await }).await
    }

    async fn start<F>(serve: impl Fn(BufReader<TcpStream>, Arc<Mutex<Vec<String>>>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = asked.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(BufReader::new(socket), log.clone()));
            }
        });
        Self { address, asked, task }
    }

    /// Whom it was asked to connect with so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Gatehouse {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn http(mut client: BufReader<TcpStream>, manner: Manner, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let head = read_head(&mut client).await?;
    let mut words = head.split_whitespace();
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let tunnel = method == "CONNECT";
    let peer = if tunnel {
        target.to_owned()
    } else {
        Url::parse(target).unwrap()[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
    };
    asked.lock().unwrap().push(peer.clone());
    let refusal = match manner {
        Manner::Open => None,
        Manner::Strict => (!head.contains(BASIC)).then_some("407 Proxy Authentication Required"),
        Manner::Closed => Some("403 Forbidden"),
    };
    if let Some(status) = refusal {
        return client.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
    }
    let mut server = TcpStream::connect(&peer).await?;
    if tunnel {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    } else {
        server.write_all(head.as_bytes()).await?;
    }
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// A request's lines up to the empty one.
async fn read_head(client: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

/// The handshakes of RFC 1928 and RFC 1929.
async fn socks(mut client: BufReader<TcpStream>, manner: Manner, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let methods = read_counted(&mut client, 1).await?;
    let wanted = if manner == Manner::Strict { 2 } else { 0 };
    if !methods.contains(&wanted) {
        return client.write_all(&[5, 0xff]).await;
    }
    client.write_all(&[5, wanted]).await?;
    if manner == Manner::Strict {
        let user = read_counted(&mut client, 1).await?;
        let password = read_counted(&mut client, 0).await?;
        let known = [user, password].join(&b':') == LOGIN.as_bytes();
        client.write_all(&[1, u8::from(!known)]).await?;
    }
    let peer = read_peer(&mut client).await?;
    asked.lock().unwrap().push(peer.clone());
    if manner == Manner::Closed {
        return client.write_all(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    }
    let port: u16 = peer.rsplit_once(':').unwrap().1.parse().unwrap();
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Skips some bytes, then reads a length and so many bytes.
async fn read_counted(client: &mut BufReader<TcpStream>, skip: usize) -> io::Result<Vec<u8>> {
    for _ in 0..skip {
        client.read_u8().await?;
    }
    let mut bytes = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// A request to connect: version, command and a zero byte, then an IPv4 address or a name, then the port.
async fn read_peer(client: &mut BufReader<TcpStream>) -> io::Result<String> {
    client.read_exact(&mut [0; 3]).await?;
    let host = match client.read_u8().await? {
        1 => std::net::Ipv4Addr::from(client.read_u32().await?).to_string(),
        3 => String::from_utf8(read_counted(client, 0).await?).unwrap(),
        other => panic!("address type {other}"),
    };
    Ok(format!("{host}:{}", client.read_u16().await?))
}

/// An authority that no system knows.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its certificate in a file of this folder.
    pub fn file(&self, dir: &tempfile::TempDir) -> PathBuf {
        let path = dir.path().join("authority.pem");
        std::fs::write(&path, &self.pem).unwrap();
        path
    }

    /// A certificate for a name or an address, changed as the test wants it.
    fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> TlsAcceptor {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = rustls::ServerConfig::builder().with_no_client_auth();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap()))
    }
}

/// A server that answers every HTTPS request with `{}` and counts connections. It ends with the value.
pub(super) struct Secure {
    pub url: Url,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Secure {
    /// A server whose certificate is for `name`.
    pub async fn start(authority: &Authority, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let acceptor = authority.sign(name, change);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("https://{}/x", listener.local_addr().unwrap())).unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(answer(acceptor.clone(), socket));
            }
        });
        Self { url, connections, task }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(acceptor: TlsAcceptor, socket: TcpStream) -> io::Result<()> {
    let mut stream = acceptor.accept(socket).await?;
    let mut request = [0; 4096];
    while stream.read(&mut request).await? > 0 {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await?;
    }
    Ok(())
}
