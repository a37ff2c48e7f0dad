//! A file over Xet, and streams of its ranges.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use xet::xet_session::{XetDownloadStream, XetDownloadStreamGroup, XetFileInfo};

use super::XetAddress;
use super::pass::Pass;
use super::trouble;
use crate::desk::{Fault, FaultKind};

/// The most bytes that a stream hands out at once.
const PIECE: usize = 1 << 20;

/// A file that can be read over Xet for as long as its pass is good.
pub struct XetFile {
    /// What the Hub gave for it.
    pub(super) pass: Pass,
    group: XetDownloadStreamGroup,
    info: XetFileInfo,
    name: Arc<str>,
}

impl XetFile {
    /// A file with its group of streams; `name` is for messages.
    pub(super) fn new(address: &XetAddress, pass: Pass, group: XetDownloadStreamGroup, name: &str) -> Self {
        Self { pass, group, info: XetFileInfo::new(address.hash.clone(), address.size), name: name.into() }
    }

    /// The bytes of a range. Nothing is asked for before the first [`XetStream::next`].
    pub async fn stream(&self, range: Range<u64>) -> Result<XetStream, Fault> {
        let missing = range.end.saturating_sub(range.start);
        let inner = self.group.download_stream(self.info.clone(), Some(range)).await;
        let inner = inner.map_err(|error| trouble::fault(error, &self.name))?;
        Ok(XetStream { inner, missing, held: Bytes::new(), name: self.name.clone() })
    }
}

/// The bytes of a range, in order. Dropping it ends all work for it: whatever is still under way is thrown away unseen.
pub struct XetStream {
    inner: XetDownloadStream,
    /// Bytes of the range that hf-xet still owes.
    missing: u64,
    /// What it has given and nobody has taken.
    held: Bytes,
    name: Arc<str>,
}

impl XetStream {
    /// The next bytes, at most 1 MiB, or `None` after the last. A stream that ends early is a fault.
    ///
    /// Dropping this future may lose bytes; drop the stream with it.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        while self.held.is_empty() {
            if self.missing == 0 {
                return Ok(None);
            }
            let given = self.inner.next().await.map_err(|error| trouble::fault(error, &self.name))?;
            self.held = given.ok_or_else(|| cut_short(&self.name))?;
            self.missing = self.missing.checked_sub(self.held.len() as u64).ok_or_else(|| too_much(&self.name))?;
        }
        let piece = self.held.len().min(PIECE);
        Ok(Some(self.held.split_to(piece)))
    }
}

fn cut_short(name: &str) -> Fault {
    Fault::new(FaultKind::Network, format!("the Xet stream ended in the middle of {name}"))
}

fn too_much(name: &str) -> Fault {
    Fault::new(FaultKind::BadReply, format!("the Xet stream gave more of {name} than was asked for"))
}
