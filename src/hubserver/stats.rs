//! What a Hub has done so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start. Body bytes are counted when they are handed to their connection, which buffers about 1 MiB of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests to `/api`.
    pub api_requests: u64,
    /// Requests to `resolve` and `raw`.
    pub resolve_requests: u64,
    /// Requests for small files where `resolve` had sent the client.
    pub cached_requests: u64,
    /// Requests to the CDN.
    pub cdn_requests: u64,
    /// Bytes of file bodies that the CDN sent.
    pub cdn_bytes: u64,
    /// Bytes of file bodies that the Hub sent itself (small files).
    pub hub_bytes: u64,
}

/// A count that many tasks add to.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to the count.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
