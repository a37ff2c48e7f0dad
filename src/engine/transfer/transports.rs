//! Which transport fetches a run's bytes, and when another takes over.

use std::sync::Arc;

use super::run::Run;
use super::xet::{self, XetAddress};
use crate::desk::{Fault, FaultKind, Phase};

/// Fewer bytes are not worth the store's extra round trips while ranged HTTP works.
const WORTH_XET: u64 = 8 << 20;

/// A way for bytes to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Http,
    Xet,
}

impl Transport {
    /// What begins: Xet for a file that is large, where there is a choice.
    fn first(missing: u64, has_xet: bool) -> Self {
        if has_xet && missing >= WORTH_XET { Self::Xet } else { Self::Http }
    }

    fn other(self) -> Self {
        match self {
            Self::Http => Self::Xet,
            Self::Xet => Self::Http,
        }
    }

    /// What a person should know when this transport takes over.
    fn remark(self, kind: FaultKind) -> &'static str {
        match (self, kind.is_transient()) {
            (Self::Http, true) => "Xet stalled; going on over HTTP",
            (Self::Http, false) => "Xet is of no use here; going on over HTTP",
            (Self::Xet, _) => "HTTP stalled; going on over Xet",
        }
    }

    /// Whether another transport may do better after this fault: one of this machine would stay the same.
    fn may_yield(self, fault: &Fault) -> bool {
        match self {
            Self::Http => fault.kind.is_transient(),
            Self::Xet => !matches!(fault.kind, FaultKind::Interrupted | FaultKind::Disk | FaultKind::DiskFull),
        }
    }
}

/// Fetches every missing byte of a run, by the transport that works. When it returns, nothing of it is running any more.
///
/// A transport that fails hands over to the other, with every byte on the disk kept. The run fails when both have failed in a row
/// without a byte, and when one of them is of no use at all and the other fails.
pub async fn connect(run: &Arc<Run>) -> Result<(), Fault> {
    let outcome = alternate(run).await;
    run.enough.cancel();
    outcome
}

async fn alternate(run: &Arc<Run>) -> Result<(), Fault> {
    let mut address = xet_address(run).await;
    let mut transport = Transport::first(run.missing(), address.is_some());
    let mut barren = 0;
    loop {
        let before = run.missing();
        let outcome = match (&address, transport) {
            (Some(address), Transport::Xet) => xet::download(run, address.clone()).await,
            _ => run.connect().await,
        };
        let Err(fault) = outcome else { return Ok(()) };
        barren = if run.missing() < before { 0 } else { barren + 1 };
        if run.enough.is_cancelled() || address.is_none() || barren == 2 || !transport.may_yield(&fault) {
            return Err(fault);
        }
        if transport == Transport::Xet && !fault.kind.is_transient() {
            address = None;
        }
        transport = transport.other();
        tracing::info!(file = %run.name, %fault, ?transport, "another transport takes over");
        run.counter.enter(Phase::Resolving);
        run.counter.say(Some(transport.remark(fault.kind).into()));
    }
}

/// The file's address for Xet. Trouble with finding it is no reason to fail: there is HTTP.
async fn xet_address(run: &Run) -> Option<XetAddress> {
    let found = run.unless_over(run.book.xet()).await.ok()?;
    found.inspect_err(|fault| tracing::info!(file = %run.name, %fault, "there is no way over Xet")).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_begin_over_xet_where_they_can() {
        assert_eq!(Transport::first(WORTH_XET, true), Transport::Xet);
        assert_eq!(Transport::first(WORTH_XET, false), Transport::Http);
        assert_eq!(Transport::first(WORTH_XET - 1, true), Transport::Http);
    }

    #[test]
    fn only_what_another_transport_may_mend_is_handed_over() {
        let yields = |transport: Transport, kind| transport.may_yield(&Fault::new(kind, "x"));
        assert!(yields(Transport::Http, FaultKind::Network) && !yields(Transport::Http, FaultKind::EntryNotFound));
        assert!(yields(Transport::Xet, FaultKind::Unauthorized) && yields(Transport::Xet, FaultKind::Network));
        for kind in [FaultKind::DiskFull, FaultKind::Disk, FaultKind::Interrupted] {
            assert!(!yields(Transport::Xet, kind) && !yields(Transport::Http, kind), "{kind:?}");
        }
    }
}
