//! A file's bytes over Xet, the Hub's content-addressed store, by way of hf-xet.
//!
//! [`XetClient`] opens a file, [`XetFile`] gives streams of ranges of it, and [`download`] fetches with them what a run lacks. Only
//! this folder knows hf-xet. It checks no content, so the digest that every run computes is what vouches for these bytes, too.

mod client;
mod line;
mod pass;
mod stream;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trouble;
mod work;

use std::fmt;

use url::Url;

pub use client::XetClient;
use stream::{XetFile, XetStream};
pub use work::download;

/// Where a file's bytes can be had over Xet.
#[derive(Clone)]
pub struct XetAddress {
    /// The file's Xet hash: 64 hexadecimal digits.
    pub hash: String,
    /// Its size in bytes.
    pub size: u64,
    /// What to GET for the content store's address and a token for it.
    pub refresh_url: Url,
    /// A token for the refresh URL; it goes nowhere else.
    pub bearer: Option<String>,
}

impl fmt::Debug for XetAddress {
    /// Leaves out the token.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "XetAddress({}, {} bytes, {})", self.hash, self.size, self.refresh_url)
    }
}
