//! A Hub as a client meets it: its endpoint, the token that goes to it and nowhere else, paging, rate limits, retries,
//! and errors with their cause.
//!
//! Must not know the layout of the disk or the queue. Whatever a Hub answers is hostile until checked: paths, ids and
//! redirects are verified, text is made printable, bodies and page counts are bounded.

mod endpoint;
mod info;
mod lenient;
mod link;
mod locate;
mod patience;
mod refusal;
mod request;
mod search;
mod settings;
mod transport;
mod tree;

#[cfg(test)]
mod testing;

use std::sync::Arc;
use std::time::Duration;

pub use info::RepoInfo;
pub use locate::Location;
pub use patience::Patience;
pub use settings::HubSettings;

use crate::desk::{Fault, FaultKind};
use crate::engine::config::Token;
use endpoint::Endpoint;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

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
    http: reqwest::Client,
}

impl Hub {
    /// A Hub with these settings. Nothing is sent yet; a malformed endpoint or token is a `Usage` fault.
    pub fn new(settings: HubSettings) -> Result<Self, Fault> {
        let endpoint = Endpoint::parse(&settings.endpoint)?;
        if let Some(token) = &settings.token {
            token.check()?;
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("hfdesk-tui/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none()) // followed by hand: a redirect decides where the token goes
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(settings.request_timeout)
            .build()
            .map_err(|error| Fault::new(FaultKind::Network, format!("cannot set up HTTP: {error}")).because(error))?;
        Ok(Self {
            inner: Arc::new(Inner { endpoint, token: settings.token, offline: settings.offline, patience: settings.patience, http }),
        })
    }

    /// The Hub's base URL, without a trailing slash.
    pub fn endpoint(&self) -> &str {
        self.inner.endpoint.base()
    }

    /// Whether requests carry a token.
    pub fn has_token(&self) -> bool {
        self.inner.token.is_some()
    }
}
