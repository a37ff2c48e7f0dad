//! How every request leaves this machine: one [`Network`] from which all HTTP clients are made, and what its failures mean.
//!
//! Owns proxies, certificates to trust, the user agent, and the words for whatever goes wrong below HTTP. Knows no Hub: which
//! servers are asked, what for, and how often to try again is the callers' business.

mod certificates;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trouble;
mod trust;
mod waits;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{ClientBuilder, NoProxy};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use url::Url;

pub use trouble::login_wanted;
pub use waits::asked_wait;

use crate::desk::{Fault, FaultKind, printable};
use crate::engine::config::{NetworkSettings, Origin, Proxy, Setting};

/// How long a connection may take to come about, its proxy and its TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After how much silence a connection's other end is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What requests call themselves.
pub const USER_AGENT: &str = concat!("hfdesk-tui/", env!("CARGO_PKG_VERSION"));

/// The way to the network. Cheap to clone; the default one has no proxy and trusts whom the system trusts.
#[derive(Clone, Default)]
pub struct Network {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    settings: NetworkSettings,
    /// The HTTP client's own rules, to say afterwards what it did. `None` where there is no proxy.
    rules: Option<Matcher>,
    /// To trust beside the system's.
    certificates: Vec<CertificateDer<'static>>,
    /// Made when it is first needed.
    tls: OnceLock<ClientConfig>,
}

/// The proxy that a request goes through.
#[derive(Clone, Copy, Debug)]
struct Gate<'a> {
    proxy: &'a Proxy,
    /// Which setting names it.
    origin: &'a Origin,
}

impl Network {
    /// Reads the files with certificates. One that cannot be read, or a proxy that cannot be used, is a `Usage` fault.
    ///
    /// Who is reached without a proxy follows reqwest: a name stands for itself and all names below it, with or without a dot or
    /// `*.` before it; addresses and networks (`10.0.0.0/8`) are compared with hosts that are written as addresses, never
    /// with what a name resolves to; `*` is everybody; ports are not understood. Loopback is no exception: it is reached through
    /// a proxy unless `no_proxy` names it.
    pub fn new(mut settings: NetworkSettings) -> Result<Self, Fault> {
        let certificates = certificates::read(&settings.ca_files)?;
        if let Some(direct) = &mut settings.no_proxy {
            direct.value = without_stars(&direct.value);
            if direct.value.split(',').any(|host| host == "*") {
                (settings.http_proxy, settings.https_proxy) = (None, None); // reqwest would still send addresses through them
            }
        }
        let rules = rules(&settings)?;
        Ok(Self { inner: Arc::new(Inner { settings, rules, certificates, tls: OnceLock::new() }) })
    }

    /// A client that goes this way; redirects, timeouts and the like are the caller's to add.
    pub fn client(&self, add: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<reqwest::Client, Fault> {
        let tls = self.tls()?.clone();
        let client = add(self.builder().tls_backend_preconfigured(tls)).build();
        client.map_err(|error| Fault::new(FaultKind::NetworkSetup, "the HTTP client cannot be set up").because(error))
    }

    /// What all clients share of TLS: whom to trust, and sessions to resume.
    fn tls(&self) -> Result<&ClientConfig, Fault> {
        if let Some(tls) = self.inner.tls.get() {
            return Ok(tls);
        }
        let tls = trust::client_config(self.inner.certificates.clone());
        let tls = tls.map_err(|error| Fault::new(FaultKind::NetworkSetup, "secure connections cannot be set up").because(error))?;
        Ok(self.inner.tls.get_or_init(|| tls))
    }

    fn builder(&self) -> ClientBuilder {
        let settings = &self.inner.settings;
        let builder =
            reqwest::Client::builder().user_agent(USER_AGENT).connect_timeout(CONNECT_TIMEOUT).tcp_keepalive(KEEP_ALIVE).no_proxy(); // the environment has been read already
        let direct = settings.no_proxy.as_ref().and_then(|direct| NoProxy::from_string(&direct.value));
        let http = settings.http_proxy.as_ref().map(|proxy| reqwest::Proxy::http(proxy.value.url().clone()));
        let https = settings.https_proxy.as_ref().map(|proxy| reqwest::Proxy::https(proxy.value.url().clone()));
        let proxies = [http, https].into_iter().flatten().flatten(); // `rules` has seen that they can be used
        proxies.fold(builder, |builder, proxy| builder.proxy(proxy.no_proxy(direct.clone())))
    }

    /// What a failure below HTTP means: a request that could not be sent, or a body that broke. `asked` is the address that was asked
    /// for, in case the error does not say which one it befell.
    ///
    /// The kind is `NetworkSetup` where no repetition helps, else `Network`. The URL stays out of it, for it may be signed.
    pub fn fault(&self, error: reqwest::Error, asked: Option<&Url>) -> Fault {
        let url = error.url().or(asked).cloned();
        let gate = url.as_ref().and_then(|url| self.gate(url));
        trouble::fault(error, url.as_ref(), gate)
    }

    /// The proxy that a request for this address goes through.
    fn gate(&self, url: &Url) -> Option<Gate<'_>> {
        let address = url[..url::Position::BeforePath].parse().ok()?;
        self.inner.rules.as_ref()?.intercept(&address)?;
        let settings = &self.inner.settings;
        let named = if url.scheme() == "http" { &settings.http_proxy } else { &settings.https_proxy };
        named.as_ref().map(|Setting { value, origin }| Gate { proxy: value, origin })
    }
}

/// Without the proxies' logins.
impl fmt::Debug for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.settings.fmt(out)
    }
}

/// Host and port, as a message names a server.
pub fn host(url: &Url) -> String {
    let host = printable(url.host_str().unwrap_or("?"));
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

/// A list of hosts in which `*.example.com` is written `.example.com`, as the HTTP client has it.
fn without_stars(hosts: &str) -> String {
    let plain = |host: &str| host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host).to_owned();
    hosts.split(',').map(str::trim).map(plain).collect::<Vec<_>>().join(",")
}

/// The rules by which the HTTP client chooses. It goes without a proxy that it does not understand, so that one is refused here.
fn rules(settings: &NetworkSettings) -> Result<Option<Matcher>, Fault> {
    let (http, https) = (&settings.http_proxy, &settings.https_proxy);
    if let Some(odd) = [http, https].into_iter().flatten().find(|proxy| !is_understood(&proxy.value)) {
        return Err(Fault::new(FaultKind::Usage, format!("the proxy {} ({}) cannot be used", odd.value, odd.origin)));
    }
    let text = |proxy: &Option<Setting<Proxy>>| proxy.as_ref().map(|proxy| proxy.value.url().to_string()).unwrap_or_default();
    let direct = settings.no_proxy.as_ref().map_or("", |direct| &direct.value);
    let rules = || Matcher::builder().http(text(http)).https(text(https)).no(direct).build();
    Ok((http.is_some() || https.is_some()).then(rules))
}

fn is_understood(proxy: &Proxy) -> bool {
    Matcher::builder().all(proxy.url().to_string()).build().intercept(&hyper::Uri::from_static("http://example.com")).is_some()
}
