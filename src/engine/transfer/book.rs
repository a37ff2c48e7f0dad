//! The address in use, shared by a file's connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use tokio::sync::Mutex;
use url::{Origin, Url};

use super::source::{Address, Source};
use super::xet::XetAddress;
use crate::desk::{Fault, FaultKind};

/// So many fresh addresses may be refused in a row, without a byte in between, before the refusal is final.
const MAX_REFUSALS: u32 = 3;

/// Keeps the address that works, and has a new one found, once for everybody, when it no longer does.
pub struct Book {
    source: Arc<dyn Source>,
    entry: Mutex<Entry>,
    refusals: AtomicU32,
}

#[derive(Default)]
struct Entry {
    address: Option<Address>,
    /// Counts the addresses found, so that a late complaint about an old one does no harm.
    edition: u64,
    /// The entity tag of the content and the server that gave it; another server may name the same content otherwise.
    tag: Option<(Origin, String)>,
}

impl Book {
    /// An empty book.
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self { source, entry: Mutex::default(), refusals: AtomicU32::new(0) }
    }

    /// The address in use and its edition. Where there is none, one caller asks the source and the others wait for it.
    pub async fn address(&self) -> Result<(Address, u64), Fault> {
        let mut entry = self.entry.lock().await;
        if entry.address.is_none() {
            entry.address = Some(self.source.locate().await?);
            entry.edition += 1;
        }
        let address = entry.address.clone().ok_or_else(|| Fault::internal("an address vanished"))?;
        Ok((address, entry.edition))
    }

    /// Takes note of an answer: where redirects led, so that other requests go there directly (a token stays with its own origin),
    /// and the entity tag of the content. Content with another tag than before is refused, so that two revisions never mix.
    pub async fn admit(&self, edition: u64, url: &Url, tag: Option<&str>) -> Result<(), Fault> {
        let mut entry = self.entry.lock().await;
        let current = entry.edition == edition;
        if let Some(address) = entry.address.as_mut().filter(|address| current && address.url != *url) {
            let same_origin = address.url.origin() == url.origin();
            *address = Address { url: url.clone(), bearer: address.bearer.take().filter(|_| same_origin) };
        }
        match (&entry.tag, tag) {
            (_, None) => Ok(()),
            (Some((origin, known)), Some(tag)) if *origin == url.origin() && known != tag => Err(changed(url)),
            (Some(_), _) if !current => Ok(()),
            (_, Some(tag)) => {
                entry.tag = Some((url.origin(), tag.to_owned()));
                Ok(())
            }
        }
    }

    /// Tells that an edition was refused; the next caller gets another. The fault comes back once too many were.
    pub async fn refused(&self, edition: u64, fault: Fault) -> Result<(), Fault> {
        let mut entry = self.entry.lock().await;
        if entry.edition != edition || entry.address.is_none() {
            return Ok(());
        }
        entry.address = None;
        if self.refusals.fetch_add(1, Relaxed) >= MAX_REFUSALS { Err(fault) } else { Ok(()) }
    }

    /// Where the file is to be had over Xet, if it is.
    pub async fn xet(&self) -> Result<Option<XetAddress>, Fault> {
        self.source.xet().await
    }

    /// Tells that bytes came.
    pub fn worked(&self) {
        self.refusals.store(0, Relaxed);
    }
}

fn changed(url: &Url) -> Fault {
    let host = url.host_str().unwrap_or("the server");
    Fault::new(FaultKind::BadReply, format!("the file changed on {host} while it was being downloaded"))
        .hint("look at the repository again; what is on disk is kept and used if it still belongs to the file")
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::*;

    /// Hands out `http://hub/1`, `http://hub/2` and so on, with a token.
    #[derive(Default)]
    struct Numbered(AtomicU32);

    impl Source for Numbered {
        fn locate(&self) -> BoxFuture<'_, Result<Address, Fault>> {
            let number = self.0.fetch_add(1, Relaxed) + 1;
            let url = format!("http://hub/{number}").parse().unwrap();
            async move { Ok(Address { url, bearer: Some("secret".into()) }) }.boxed()
        }
    }

    fn refusal() -> Fault {
        Fault::new(FaultKind::Forbidden, "no")
    }

    #[tokio::test]
    async fn a_refused_address_is_replaced_once_for_everybody() {
        let book = Book::new(Arc::new(Numbered::default()));
        let (_, first) = book.address().await.unwrap();
        book.refused(first, refusal()).await.unwrap();
        book.refused(first, refusal()).await.unwrap();
        let (address, second) = book.address().await.unwrap();
        assert_eq!(address.url.as_str(), "http://hub/2");
        book.refused(first, refusal()).await.unwrap();
        assert_eq!(book.address().await.unwrap().1, second);
    }

    #[tokio::test]
    async fn refusals_without_progress_end_it() {
        let book = Book::new(Arc::new(Numbered::default()));
        let refuse = async || book.refused(book.address().await.unwrap().1, refusal()).await;
        for _ in 0..MAX_REFUSALS {
            refuse().await.unwrap();
        }
        book.worked();
        for _ in 0..MAX_REFUSALS {
            refuse().await.unwrap();
        }
        assert_eq!(refuse().await.unwrap_err().kind, FaultKind::Forbidden);
    }

    #[tokio::test]
    async fn a_redirect_is_remembered_without_the_token_of_another_origin() {
        let book = Book::new(Arc::new(Numbered::default()));
        let (_, edition) = book.address().await.unwrap();
        book.admit(edition, &"http://hub/elsewhere".parse().unwrap(), None).await.unwrap();
        assert_eq!(book.address().await.unwrap().0.bearer.as_deref(), Some("secret"));
        book.admit(edition, &"http://cdn/signed".parse().unwrap(), None).await.unwrap();
        let (address, _) = book.address().await.unwrap();
        assert_eq!((address.url.as_str(), address.bearer), ("http://cdn/signed", None));
        book.admit(edition + 1, &"http://evil/".parse().unwrap(), None).await.unwrap();
        assert_eq!(book.address().await.unwrap().0.url.as_str(), "http://cdn/signed");
    }

    #[tokio::test]
    async fn content_keeps_its_tag_for_as_long_as_it_comes_from_one_server() {
        let book = Book::new(Arc::new(Numbered::default()));
        let (_, edition) = book.address().await.unwrap();
        let (cdn, other): (Url, Url) = ("http://cdn/x".parse().unwrap(), "http://other/x".parse().unwrap());
        book.admit(edition, &cdn, Some("\"a\"")).await.unwrap();
        book.admit(edition, &cdn, None).await.unwrap();
        book.admit(edition, &cdn, Some("\"a\"")).await.unwrap();
        let fault = book.admit(edition, &cdn, Some("\"b\"")).await.unwrap_err();
        assert!(fault.message.contains("changed on cdn") && !fault.kind.is_transient(), "{fault}");
        book.refused(edition, fault).await.unwrap();
        let (_, next) = book.address().await.unwrap();
        book.admit(next, &other, Some("\"b\"")).await.unwrap();
        assert!(book.admit(next, &other, Some("\"a\"")).await.is_err());
    }
}
