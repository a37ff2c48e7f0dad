//! Where bytes come from.

use std::fmt;

use futures::FutureExt;
use futures::future::BoxFuture;
use url::Url;

use super::xet::XetAddress;
use crate::desk::Fault;

/// Where a file's bytes can be had now.
#[derive(Clone)]
pub struct Address {
    /// What to GET. A redirect is followed, and its target is remembered for the file's other requests.
    pub url: Url,
    /// A token for this URL's origin (scheme, host and port); it goes nowhere else.
    pub bearer: Option<String>,
}

impl fmt::Debug for Address {
    /// Leaves out the token and the query, which may carry a signature.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Address({}{})", self.url.origin().ascii_serialization(), self.url.path())
    }
}

/// Finds where a file's bytes are, and finds them again when an address dies, as signed URLs do.
pub trait Source: Send + Sync {
    /// A fresh address. Asked once when a transfer starts and again whenever an address is refused (400, 401 or 403).
    ///
    /// A transient fault ([`crate::desk::FaultKind::is_transient`]) is tried again; any other ends the transfer.
    fn locate(&self) -> BoxFuture<'_, Result<Address, Fault>>;

    /// Where the file is to be had over Xet, if it is. Asked once when a transfer starts. No file is, unless a source says so.
    fn xet(&self) -> BoxFuture<'_, Result<Option<XetAddress>, Fault>> {
        std::future::ready(Ok(None)).boxed()
    }
}
