//! The way to the network over real sockets on loopback.

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::testing::{Authority, Gatehouse, LOGIN, Manner, Secure};
use super::{Network, without_stars};
use crate::desk::{Choice, Desk, Digest, Fault, FaultKind, RepoRef, Selection};
use crate::engine::Engine;
use crate::engine::config::{Environment, Flags, NetworkSettings, Origin, Proxy, Setting, Settings};
use crate::engine::host::SystemClock;
use crate::engine::hub::{Hub, HubSettings};
use crate::engine::transfer::{self, Address, Mover, Pace, Partial, Source, Transfer};
use crate::hubserver::{HubConfig, HubServer};

fn through(scheme: &str, login: &str, proxy: SocketAddr, direct: Option<&str>) -> Network {
    let address = format!("{scheme}://{login}{proxy}");
    let proxy = Some(Setting { value: Proxy::parse(&address).unwrap(), origin: Origin::Environment("ALL_PROXY") });
    let no_proxy = direct.map(|direct| Setting { value: direct.to_owned(), origin: Origin::Environment("NO_PROXY") });
    let settings = NetworkSettings { http_proxy: proxy.clone(), https_proxy: proxy, no_proxy, ca_files: Vec::new() };
    Network::new(settings).unwrap()
}

fn trusting(file: PathBuf) -> Network {
    let file = Setting { value: file, origin: Origin::Environment("SSL_CERT_FILE") };
    Network::new(NetworkSettings { ca_files: vec![file], ..NetworkSettings::default() }).unwrap()
}

/// The body at an address, or the fault.
async fn get(network: &Network, url: &Url) -> Result<String, Fault> {
    let client = network.client(|client| client.read_timeout(Duration::from_millis(300))).unwrap();
    let told = |error| network.fault(error, Some(url));
    client.get(url.clone()).send().await.map_err(told)?.text().await.map_err(told)
}

async fn fault(network: &Network, url: &str) -> Fault {
    get(network, &Url::parse(url).unwrap()).await.unwrap_err()
}

fn hint(fault: &Fault) -> &str {
    fault.hint.as_deref().unwrap_or_default()
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_closed_port_is_a_refused_connection() {
    let nobody = nobody();
    let fault = fault(&Network::default(), &format!("http://{nobody}/secret?signature=s3cret")).await;
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Network, format!("{nobody} refuses the connection").as_str()));
    assert!(fault.source().is_some() && !format!("{fault:?}").contains("s3cret"), "{fault:?}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told() {
    let name = format!("{}.test", "x".repeat(64)); // one letter too long for any name: nobody has to be asked
    let fault = fault(&Network::default(), &format!("http://{name}/")).await;
    assert_eq!((fault.kind, fault.message), (FaultKind::Network, format!("the name of {name} cannot be resolved")));
}

/// A server that answers whatever it gets with these bytes and hangs up. It ends with the runtime.
async fn answering(reply: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 8192]).await;
            let _ = socket.write_all(reply).await;
        }
    });
    address
}

#[tokio::test]
async fn plain_http_is_no_secure_connection() {
    let address = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let fault = fault(&Network::default(), &format!("https://{address}/")).await;
    assert_eq!((fault.kind, fault.message), (FaultKind::Network, format!("no secure connection to {address} comes about")));
}

#[tokio::test]
async fn a_silent_server_is_a_timeout_and_one_that_hangs_up_a_broken_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let silent = fault(&Network::default(), &url).await;
    assert!(silent.kind == FaultKind::Network && silent.message.contains("in time"), "{silent}");
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let broken = fault(&Network::default(), &url).await;
    assert!(broken.kind == FaultKind::Network && broken.message.contains("broke"), "{broken}");
}

#[tokio::test]
async fn redirects_in_circles_are_no_broken_connection() {
    let address = answering(b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    let fault = fault(&Network::default(), &format!("http://{address}/")).await;
    assert_eq!((fault.kind, fault.message), (FaultKind::BadReply, format!("{address} redirects in circles")));
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_its_file_is_named_and_nowhere_else() {
    let (authority, dir) = (Authority::new(), tempfile::tempdir().unwrap());
    let server = Secure::start(&authority, "127.0.0.1", |_| {}).await;
    assert_eq!(get(&trusting(authority.file(&dir)), &server.url).await.unwrap(), "{}");

    let stranger = get(&Network::default(), &server.url).await.unwrap_err();
    assert_eq!(stranger.kind, FaultKind::NetworkSetup);
    assert!(stranger.message.ends_with("comes from an authority that is not trusted here"), "{stranger}");
    assert!(hint(&stranger).contains("ca_file"), "{stranger:?}");
}

#[tokio::test]
async fn expired_premature_and_other_peoples_certificates_say_so() {
    let (authority, dir) = (Authority::new(), tempfile::tempdir().unwrap());
    let network = trusting(authority.file(&dir));
    let expired = Secure::start(&authority, "127.0.0.1", |params| params.not_after = rcgen::date_time_ymd(2001, 1, 1)).await;
    let early = Secure::start(&authority, "127.0.0.1", |params| params.not_before = rcgen::date_time_ymd(3001, 1, 1)).await;
    let other = Secure::start(&authority, "elsewhere.test", |_| {}).await;
    for (server, words) in [(expired, "has expired"), (early, "is not valid yet"), (other, "is for another name")] {
        let fault = get(&network, &server.url).await.unwrap_err();
        assert!(fault.kind == FaultKind::NetworkSetup && fault.message.contains(words) && fault.hint.is_some(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_hub_with_a_bad_certificate_is_asked_once() {
    let server = Secure::start(&Authority::new(), "127.0.0.1", |_| {}).await;
    let hub = Hub::new(HubSettings::new(server.url.origin().ascii_serialization())).unwrap();
    let fault = hub.info(&RepoRef::model("org/name".parse().unwrap())).await.unwrap_err();
    assert_eq!((fault.kind, fault.kind.exit_status(), server.connections()), (FaultKind::NetworkSetup, 5, 1));
}

/// A source that knows one address.
struct At(Url);

impl Source for At {
    fn locate(&self) -> BoxFuture<'_, Result<Address, Fault>> {
        let url = self.0.clone();
        async move { Ok(Address { url, bearer: None }) }.boxed()
    }
}

#[tokio::test]
async fn a_download_that_meets_a_bad_certificate_ends_at_once() {
    let (server, dir) = (Secure::start(&Authority::new(), "127.0.0.1", |_| {}).await, tempfile::tempdir().unwrap());
    let transfer = Transfer {
        partial: Partial { data: dir.path().join("x.part"), journal: dir.path().join("x.json") },
        size: 9,
        digest: Digest::Sha256("0".repeat(64)),
        name: "w.gguf".into(),
        source: Arc::new(At(server.url.clone())),
        counter: Arc::default(),
        limit: Arc::new(Pace::new(None)),
        stop: CancellationToken::new(),
    };
    let fault = Mover::new(transfer::Settings::default()).unwrap().fetch(transfer).await.unwrap_err();
    assert_eq!((fault.kind, server.connections()), (FaultKind::NetworkSetup, 1));
    assert!(fault.message.starts_with("cannot download w.gguf: the certificate of 127.0.0.1:"), "{fault}");
    assert!(hint(&fault).contains("ca_file"), "{fault:?}");
}

#[tokio::test]
async fn secure_connections_go_through_either_proxy_and_the_certificate_is_still_the_servers() {
    let (authority, dir) = (Authority::new(), tempfile::tempdir().unwrap());
    let server = Secure::start(&authority, "127.0.0.1", |_| {}).await;
    let peer = server.url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let (http, socks) = (Gatehouse::http(Manner::Open).await, Gatehouse::socks(Manner::Open).await);
    for (scheme, gate) in [("http", &http), ("socks5", &socks), ("socks5h", &socks)] {
        let mut settings = through(scheme, "", gate.address, None).inner.settings.clone();
        let blind = get(&Network::new(settings.clone()).unwrap(), &server.url).await.unwrap_err();
        assert!(blind.kind == FaultKind::NetworkSetup && blind.message.contains(&format!("certificate of {peer} ")), "{scheme}: {blind}");
        settings.ca_files = vec![Setting { value: authority.file(&dir), origin: Origin::Default }];
        assert_eq!(get(&Network::new(settings).unwrap(), &server.url).await.unwrap(), "{}", "{scheme}");
    }
    assert_eq!((http.asked(), socks.asked()), (vec![peer.clone(); 2], vec![peer; 4]));
}

#[tokio::test]
async fn a_login_is_used_and_a_missing_or_wrong_one_ends_it_without_being_shown() {
    let (http, socks) = (Gatehouse::http(Manner::Strict).await, Gatehouse::socks(Manner::Strict).await);
    let (authority, dir) = (Authority::new(), tempfile::tempdir().unwrap());
    let server = Secure::start(&authority, "127.0.0.1", |_| {}).await;
    for (scheme, gate) in [("http", http.address), ("socks5h", socks.address)] {
        let mut settings = through(scheme, &format!("{LOGIN}@"), gate, None).inner.settings.clone();
        settings.ca_files = vec![Setting { value: authority.file(&dir), origin: Origin::Default }];
        assert_eq!(get(&Network::new(settings).unwrap(), &server.url).await.unwrap(), "{}", "{scheme}");

        let without = get(&through(scheme, "", gate, None), &server.url).await.unwrap_err();
        assert_eq!((without.kind, without.message.as_str()), (FaultKind::NetworkSetup, format!("the proxy {gate} wants a login").as_str()));
        let network = through(scheme, "ada:hunter2@", gate, None);
        let wrong = get(&network, &server.url).await.unwrap_err();
        assert!(wrong.kind == FaultKind::NetworkSetup && wrong.message.contains("does not accept our login"), "{wrong:?}");
        assert!(hint(&wrong).contains("ALL_PROXY") && !format!("{wrong:?} {network:?}").contains("hunter2"), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_hub_behind_a_strict_proxy_ends_at_once() {
    let gate = Gatehouse::http(Manner::Strict).await;
    let settings = HubSettings { network: through("http", "ada:hunter2@", gate.address, None), ..HubSettings::new("http://hub.test") };
    let hub = Hub::new(settings).unwrap();
    let fault = hub.info(&RepoRef::model("org/name".parse().unwrap())).await.unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::NetworkSetup, "the proxy before hub.test wants a login"));
    assert_eq!(gate.asked(), ["hub.test"]);
    assert!(!format!("{hub:?} {fault:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_proxy_that_is_away_or_refuses_is_named() {
    let away = nobody();
    for url in ["http://hub.test/", "https://hub.test/"] {
        let fault = fault(&through("http", "", away, None), url).await;
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Network, format!("the proxy {away} refuses the connection").as_str()));
        assert!(hint(&fault).contains("ALL_PROXY"), "{fault:?}");
    }
    let unreachable = fault(&through("socks5h", "", away, None), "https://hub.test/").await;
    assert_eq!(unreachable.message, format!("the proxy {away} cannot be reached"));
    for (scheme, gate) in [("http", Gatehouse::http(Manner::Closed).await), ("socks5h", Gatehouse::socks(Manner::Closed).await)] {
        let closed = fault(&through(scheme, "", gate.address, None), "https://hub.test/").await;
        let words = format!("the proxy {} does not connect us with hub.test", gate.address);
        assert!(closed.kind == FaultKind::Network && closed.message.starts_with(&words), "{closed}");
    }
}

#[tokio::test]
async fn whoever_is_listed_is_reached_without_the_proxy() {
    let gate = Gatehouse::http(Manner::Closed).await;
    let network = |direct| through("http", "", gate.address, Some(direct));
    let nobody = nobody();
    for direct in ["127.0.0.1", "x.test, 127.0.0.0/8", "*"] {
        let fault = fault(&network(direct), &format!("http://{nobody}/")).await;
        assert_eq!(fault.message, format!("{nobody} refuses the connection"), "{direct}");
    }
    assert!(gate.asked().is_empty());
    let goes_through = |direct, url: &str| network(direct).gate(&Url::parse(url).unwrap()).is_some();
    for (direct, url, through) in [
        ("hub.test", "https://hub.test:8443/x", false),
        ("hub.test", "https://cdn.hub.test/", false),
        (".hub.test", "https://hub.test/", false),
        ("*.hub.test", "https://cdn.hub.test/", false),
        ("hub.test", "https://nothub.test/", true),
        ("10.0.0.0/8", "http://10.1.2.3/", false),
        ("::1", "http://[::1]:80/", false),
        ("localhost", "http://127.0.0.1/", true),
        ("", "http://localhost/", true),
    ] {
        assert_eq!(goes_through(direct, url), through, "{direct}: {url}");
    }
    assert_eq!(without_stars(" *.a , *,b*.c"), ".a,*,b*.c");
}

/// The engine's environment: a home folder and what the test adds.
struct Variables(Vec<(&'static str, String)>);

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
    }
}

/// Downloads a repository with a file in git and one on the CDN from a Hub at this address, with these variables.
async fn download(endpoint: &str, home: &Path, variables: &[(&'static str, String)]) -> Result<(), Fault> {
    let mut all = vec![("HOME", home.to_str().unwrap().to_owned())];
    all.extend_from_slice(variables);
    let flags = Flags { endpoint: Some(endpoint.to_owned()), ..Flags::default() };
    let settings = Settings::load(&flags, &Variables(all))?;
    let mut engine = Engine::open(&settings)?;
    engine.run_queue(&settings, Arc::new(SystemClock)).await?;
    let plan = engine.plan(Selection::new(RepoRef::model("org/name".parse().unwrap()), Choice::Everything)).await?;
    let id = engine.enqueue(plan).await?;
    let over = engine.board().filter_map(async |board| board.job(&id).filter(|job| job.state.is_over()).cloned());
    let job = std::pin::pin!(over).next().await.unwrap();
    engine.close().await?;
    job.fault.map_or(Ok(()), Err)
}

async fn hub(root: &Path) -> HubServer {
    let folder = root.join("models/org/name");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.json"), "{}").unwrap();
    std::fs::write(folder.join("w.gguf"), vec![7; 100_000]).unwrap();
    HubServer::start(HubConfig::new(root)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_through_the_proxy_both_to_the_hub_and_to_the_cdn() {
    let (root, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = hub(root.path()).await;
    let own = server.endpoint().trim_start_matches("http://").to_owned();
    let http = Gatehouse::http(Manner::Open).await;
    download(&server.endpoint(), &home.path().join("a"), &[("HTTP_PROXY", format!("http://{}", http.address))]).await.unwrap();
    let socks = Gatehouse::socks(Manner::Open).await;
    download(&server.endpoint(), &home.path().join("b"), &[("all_proxy", format!("socks5h://{}", socks.address))]).await.unwrap();
    for gate in [http, socks] {
        let asked = gate.asked();
        assert!(asked.contains(&own) && asked.iter().any(|peer| *peer != own), "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_around_the_proxy_where_it_should_and_never_where_it_should_not() {
    let (root, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = hub(root.path()).await;
    let gate = Gatehouse::http(Manner::Open).await;
    let proxy = ("http_proxy", format!("http://{}", gate.address));
    download(&server.endpoint(), &home.path().join("a"), &[proxy, ("no_proxy", "127.0.0.0/8".into())]).await.unwrap();
    assert!(gate.asked().is_empty());
    let wrong = ("http_proxy", format!("http://{}", nobody()));
    let fault = download(&server.endpoint(), &home.path().join("b"), &[wrong]).await.unwrap_err();
    assert!(fault.kind == FaultKind::Network && fault.message.starts_with("the proxy "), "{fault}");
}
