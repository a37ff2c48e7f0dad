//! Starting and stopping a Hub.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::access::AcceptedToken;
use super::faults::{FaultPlan, Side};
use super::files::Library;
use super::hub::{Hub, Requests};
use super::listen::{bind, serve};
use super::pace::Pace;
use super::quota::{Meter, Quota};
use super::send::Outlet;
use super::sign::Signer;
use super::stats::{Counter, Stats};
use super::xet::XetStore;
use crate::desk::Fault;

/// What a Hub serves and how.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// The folder that holds `models/`, `datasets/` and `spaces/`.
    pub root: PathBuf,
    /// Where the Hub listens; port 0 takes any free port. The CDN takes the next port, or any free one too.
    pub bind: SocketAddr,
    /// The most that the CDN sends, in bytes a second over all connections together.
    pub rate: Option<u64>,
    /// Another server that large files come from: the base URL, without a trailing slash, under which it serves [`HubConfig::root`].
    /// `None` has them come from the Hub's own second listener, by signed URLs.
    pub storefront: Option<String>,
    /// A content store that large files are offered from over Xet, too.
    pub cas: Option<XetStore>,
    /// How long a CDN URL stays open; counted in whole seconds.
    pub url_ttl: Duration,
    /// The tokens it knows. Without any, there are no accounts, and every client is anonymous whatever it sends.
    pub tokens: Vec<AcceptedToken>,
    /// Requests it allows.
    pub quota: Quota,
    /// Trouble on purpose, for tests.
    pub faults: FaultPlan,
}

impl HubConfig {
    /// Serves a folder on any free port of the loopback interface, without limits; CDN URLs stay open for an hour.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            rate: None,
            storefront: None,
            cas: None,
            url_ttl: Duration::from_secs(3600),
            tokens: Vec::new(),
            quota: Quota::default(),
            faults: FaultPlan::default(),
        }
    }
}

/// A running Hub. Dropping it stops it without waiting.
pub struct HubServer {
    hub: Arc<Hub>,
    stopping: DropGuard,
    listeners: [JoinHandle<()>; 2],
}

impl HubServer {
    /// Starts to serve. Fails if the folder cannot be read or an address is taken. Must be called inside a runtime.
    pub async fn start(config: HubConfig) -> Result<Self, Fault> {
        let (listener, address) = bind(config.bind).await?;
        let next_port = config.bind.port().checked_add(u16::from(config.bind.port() != 0)).unwrap_or_default();
        let (cdn_listener, cdn_address) = bind(SocketAddr::new(address.ip(), next_port)).await?;
        let hub = Arc::new(Hub::new(config, address, cdn_address)?);
        let stopping = CancellationToken::new();
        let (own, cdn) = (Arc::clone(&hub), Arc::clone(&hub));
        let own = move |request, from| {
            let hub = Arc::clone(&own);
            async move { hub.answer(request, from).await }
        };
        let cdn = move |request, _| {
            let hub = Arc::clone(&cdn);
            async move { hub.answer_cdn(request).await }
        };
        let listeners = [tokio::spawn(serve(listener, stopping.clone(), own)), tokio::spawn(serve(cdn_listener, stopping.clone(), cdn))];
        Ok(Self { hub, stopping: stopping.drop_guard(), listeners })
    }

    /// The base URL for clients on this machine, without a trailing slash: what `HF_ENDPOINT` takes.
    pub fn endpoint(&self) -> String {
        format!("http://{}", reachable(self.hub.address))
    }

    /// The origin that large files come from, as clients on this machine see it.
    pub fn cdn_endpoint(&self) -> String {
        format!("http://{}", reachable(self.hub.cdn_address))
    }

    /// How many repositories there are in the folder now.
    pub async fn repositories(&self) -> Result<usize, Fault> {
        self.hub.repositories().await
    }

    /// What it has done so far.
    pub fn stats(&self) -> Stats {
        self.hub.stats()
    }

    /// Changes the most that the CDN sends, in bytes a second, for transfers under way too.
    pub fn set_rate(&self, rate: Option<u64>) {
        self.hub.cdn.pace.set(rate);
    }

    /// Stops: no more connections, about two seconds for running answers, then their end.
    pub async fn stop(self) {
        drop(self.stopping);
        for listener in self.listeners {
            let _ = listener.await;
        }
    }
}

impl Hub {
    fn new(config: HubConfig, address: SocketAddr, cdn_address: SocketAddr) -> Result<Self, Fault> {
        let outlet = |side, rate| Outlet {
            side,
            pace: Arc::new(Pace::new(rate)),
            sent: Arc::new(Counter::default()),
            faults: config.faults.clone(),
        };
        Ok(Self {
            library: Library::open(&config.root)?,
            meter: Meter::new(config.quota),
            signer: Signer::new(config.url_ttl)?,
            own: outlet(Side::Hub, None),
            cdn: outlet(Side::Cdn, config.rate),
            tokens: config.tokens,
            storefront: config.storefront,
            cas: config.cas,
            address,
            cdn_address,
            requests: Requests::default(),
        })
    }
}

/// The address under which this machine reaches a listener, which may listen on every interface.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ip => ip,
    };
    SocketAddr::new(loopback, address.port())
}
