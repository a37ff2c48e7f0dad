//! A Hub as a client meets it: its endpoint, the token that goes to it and nowhere else, paging, rate limits, retries,
//! and errors with their cause.
//!
//! Must not know the layout of the disk or the queue. Whatever a Hub answers is hostile until checked: paths, ids and
//! redirects are verified, text is made printable, bodies and page counts are bounded.

mod endpoint;
mod gate;
mod info;
mod lenient;
mod lineage;
mod link;
mod locate;
mod patience;
mod refs;
mod refusal;
mod request;
mod search;
mod settings;
mod tree;

#[cfg(test)]
mod testing;

use std::sync::Arc;

pub use gate::is_behind_gate;
pub use info::RepoInfo;
pub use locate::Location;
pub use patience::Patience;
pub use settings::HubSettings;

use crate::desk::Fault;
use crate::engine::config::Token;
use crate::engine::net::Network;
use endpoint::Endpoint;

/// A connection to one Hub. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Hub {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    endpoint: Endpoint,
    token: Option<Token>,
    offline: bool,
    patience: Patience,
    network: Network,
    http: reqwest::Client,
}

impl Hub {
    /// A Hub with these settings. Nothing is sent yet; a malformed endpoint or token is a `Usage` fault.
    pub fn new(settings: HubSettings) -> Result<Self, Fault> {
        let endpoint = Endpoint::parse(&settings.endpoint)?;
        if let Some(token) = &settings.token {
            token.check()?;
        }
        let HubSettings { token, network, offline, request_timeout, patience, .. } = settings;
        // Redirects are followed by hand: they decide where the token goes.
        let http = network.client(|client| client.redirect(reqwest::redirect::Policy::none()).read_timeout(request_timeout))?;
        Ok(Self { inner: Arc::new(Inner { endpoint, token, offline, patience, network, http }) })
    }

    /// The Hub's base URL, without a trailing slash.
    pub fn endpoint(&self) -> &str {
        self.inner.endpoint.base()
    }

    /// Fails where the network is to be left alone.
    pub fn must_be_online(&self) -> Result<(), Fault> {
        if self.inner.offline { Err(request::offline(&self.inner.endpoint.api("")?)) } else { Ok(()) }
    }

    /// Whether requests carry a token.
    pub fn has_token(&self) -> bool {
        self.inner.token.is_some()
    }
}
