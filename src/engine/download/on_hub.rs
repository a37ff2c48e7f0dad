//! A file of a repository as a transfer's source.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::desk::{Fault, PlannedFile, RepoRef};
use crate::engine::hub::Hub;
use crate::engine::transfer::{Address, Source, XetAddress};

/// A file of a repository, wherever its Hub says its bytes are today.
///
/// The first address is the Hub's own, which redirects; it saves a request. Only when that is refused the Hub is asked, whose
/// answer is a fresh address or the cause.
pub(super) struct OnHub {
    hub: Hub,
    repo: RepoRef,
    commit: String,
    file: PlannedFile,
    /// Whether its bytes may come over Xet.
    xet: bool,
    asked: AtomicBool,
}

impl OnHub {
    /// This file of this commit; with `xet` its bytes may come over Xet where the Hub offers that.
    pub(super) fn new(hub: Hub, repo: RepoRef, commit: String, file: PlannedFile, xet: bool) -> Self {
        Self { hub, repo, commit, file, xet, asked: AtomicBool::new(false) }
    }
}

impl Source for OnHub {
    fn locate(&self) -> BoxFuture<'_, Result<Address, Fault>> {
        async {
            let (url, token) = if self.asked.swap(true, Relaxed) {
                let location = self.hub.locate(&self.repo, &self.commit, &self.file.path).await?;
                (location.url, location.bearer)
            } else {
                self.hub.address(&self.repo, &self.commit, &self.file.path)?
            };
            Ok(Address { url, bearer: token.map(|token| token.secret().to_owned()) })
        }
        .boxed()
    }

    fn xet(&self) -> BoxFuture<'_, Result<Option<XetAddress>, Fault>> {
        let hash = self.file.xet_hash.clone().filter(|_| self.xet);
        let address = hash.map(|hash| {
            let (refresh_url, bearer) = self.hub.xet_token(&self.repo, &self.commit)?;
            let bearer = bearer.map(|token| token.secret().to_owned());
            Ok(XetAddress { hash, size: self.file.size, refresh_url, bearer })
        });
        std::future::ready(address.transpose()).boxed()
    }
}
