//! What a caller decides about a Hub.

use std::time::Duration;

use super::patience::Patience;
use crate::engine::config::Token;
use crate::engine::net::Network;

/// Which Hub to talk to, and how.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// Base URL, with or without a trailing slash.
    pub endpoint: String,
    /// Sent to the endpoint's origin and nowhere else.
    pub token: Option<Token>,
    /// The way to it.
    pub network: Network,
    /// Whether every request is answered with an `Offline` fault instead of being sent.
    pub offline: bool,
    /// How long the Hub may be silent within one request.
    pub request_timeout: Duration,
    /// How often and how long to try again.
    pub patience: Patience,
}

impl HubSettings {
    /// An endpoint without a token or a proxy, with the official client's timeout (10 s) and retries.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            token: None,
            network: Network::default(),
            offline: false,
            request_timeout: Duration::from_secs(10),
            patience: Patience::default(),
        }
    }
}
