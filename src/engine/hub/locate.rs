//! Where a file's bytes are, and small files' bytes themselves.

use std::ops::Range;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap};
use url::Url;

use super::Hub;
use super::info::is_commit;
use super::request::{Abroad, Arrival, Failure, Subject, Wanted, offline};
use crate::desk::{Fault, FaultKind, RepoRef};
use crate::engine::config::Token;
use crate::engine::net::host;

/// Where a file's bytes are to be had, for now: an address abroad is signed and expires within minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The address: on a content delivery network, or on the Hub itself.
    pub url: Url,
    /// What the address wants as a bearer token; only for one at the endpoint's origin.
    pub bearer: Option<Token>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// The Hub's name for the content: 64 hexadecimal digits (SHA-256) or 40 (git SHA-1) on the official Hub, without quotes.
    pub etag: Option<String>,
    /// The commit the file belongs to: 40 hexadecimal digits.
    pub commit: Option<String>,
}

impl Hub {
    /// The address at the Hub where a file's bytes are asked for, and the token it wants. Nothing is sent; offline it is a fault.
    ///
    /// Enough for whoever knows the size and digest and follows redirects; why the address is refused, [`locate`](Self::locate) tells.
    pub fn address(&self, repo: &RepoRef, commit: &str, path: &str) -> Result<(Url, Option<Token>), Fault> {
        let url = self.inner.endpoint.resolve(repo, commit, path)?;
        if self.inner.offline {
            return Err(offline(&url));
        }
        let token = self.token_for(&url).cloned();
        Ok((url, token))
    }

    /// Where the bytes of a file are, as one `HEAD` of its address tells.
    ///
    /// Redirects within the endpoint are followed; the first one that leaves it is the answer, and gets no token.
    pub async fn locate(&self, repo: &RepoRef, commit: &str, path: &str) -> Result<Location, Fault> {
        let url = self.inner.endpoint.resolve(repo, commit, path)?;
        let arrival = self.persist(async || self.follow(&Wanted::Headers, &url, Subject::File(repo, path), Abroad::Stop).await).await;
        let Arrival { url, response } = arrival.map_err(|failure| failure.fault)?;
        let headers = response.headers();
        Ok(Location {
            bearer: self.token_for(&url).cloned(),
            size: size(headers, response.status().is_success()),
            etag: header(headers, "x-linked-etag").or_else(|| header(headers, ETAG.as_str())).map(unquoted),
            commit: header(headers, "x-repo-commit").filter(|commit| is_commit(commit)).map(str::to_owned),
            url,
        })
    }

    /// Where to ask for the Xet store and a token for a commit's files, and the token to ask with.
    pub fn xet_token(&self, repo: &RepoRef, commit: &str) -> Result<(Url, Option<Token>), Fault> {
        let url = self.inner.endpoint.xet_token(repo, commit)?;
        let bearer = self.token_for(&url).cloned();
        Ok((url, bearer))
    }

    /// The bytes of a small file. One larger than `limit` bytes is a `BadReply`.
    pub async fn read_file(&self, repo: &RepoRef, commit: &str, path: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        let url = self.inner.endpoint.resolve(repo, commit, path)?;
        let bytes = self.persist(async || self.fetch(&url, Subject::File(repo, path), limit).await).await;
        bytes.map_err(|failure| failure.fault)
    }

    /// These bytes of a file, which must hold them all. A server that sends anything else is a `BadReply`.
    pub async fn read_range(&self, repo: &RepoRef, commit: &str, path: &str, range: Range<u64>) -> Result<Vec<u8>, Fault> {
        let url = self.inner.endpoint.resolve(repo, commit, path)?;
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = self.persist(async || self.fetch_range(&url, Subject::File(repo, path), &range).await).await;
        bytes.map_err(|failure| failure.fault)
    }

    async fn fetch_range(&self, url: &Url, subject: Subject<'_>, range: &Range<u64>) -> Result<Vec<u8>, Failure> {
        let arrival = self.follow(&Wanted::Bytes(range.clone()), url, subject, Abroad::Follow).await?;
        let named = format!("bytes {}-{}/", range.start, range.end - 1);
        let is_named = header(arrival.response.headers(), CONTENT_RANGE.as_str()).is_some_and(|got| got.starts_with(&named));
        if arrival.response.status() != StatusCode::PARTIAL_CONTENT || !is_named {
            return Err(another_part(&arrival.url).into());
        }
        let length = range.end - range.start;
        let bytes = self.read(arrival.response, &arrival.url, usize::try_from(length).unwrap_or(usize::MAX)).await?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(another_part(&arrival.url).into()) }
    }

    async fn fetch(&self, url: &Url, subject: Subject<'_>, limit: usize) -> Result<Vec<u8>, Failure> {
        let arrival = self.follow(&Wanted::Whole, url, subject, Abroad::Follow).await?;
        self.read(arrival.response, &arrival.url, limit).await
    }
}

fn another_part(url: &Url) -> Fault {
    Fault::new(FaultKind::BadReply, format!("{} does not send the part of a file that it was asked for", host(url)))
        .hint("check that the endpoint, or the proxy before it, serves parts of files")
}

/// `X-Linked-Size`, else the length of a body; a redirect's own length says nothing about the file.
fn size(headers: &HeaderMap, is_body: bool) -> Option<u64> {
    let length = || header(headers, CONTENT_LENGTH.as_str()).filter(|_| is_body);
    header(headers, "x-linked-size").or_else(length)?.parse().ok()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn unquoted(etag: &str) -> String {
    etag.trim_start_matches("W/").trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{COMMIT, Server, model, reply};
    use super::*;

    #[tokio::test]
    async fn the_first_foreign_redirect_is_the_location_and_gets_no_token() {
        let cdn = Server::start(|_, _| reply(200, &[("etag", "\"other\"")], "bytes")).await;
        let signed = format!("{}/blob?signature=x", cdn.base);
        let server = Server::start(move |line, _| match line {
            "HEAD /org/name/resolve/main/a%20b.gguf" | "GET /org/name/resolve/main/a%20b.gguf" => {
                reply(307, &[("location", "/api/resolve-cache/x")], "")
            }
            _ => {
                let headers =
                    [("location", signed.as_str()), ("x-linked-etag", "\"abc\""), ("x-linked-size", "5"), ("x-repo-commit", COMMIT)];
                reply(302, &headers, "")
            }
        })
        .await;
        let hub = server.hub();
        let location = hub.locate(&model(), "main", "a b.gguf").await.unwrap();
        assert!(location.url.as_str().starts_with(&cdn.base));
        assert_eq!((location.bearer, location.size), (None, Some(5)));
        assert_eq!((location.etag.as_deref(), location.commit.as_deref()), (Some("abc"), Some(COMMIT)));
        assert!(cdn.lines().is_empty(), "the location is not asked");
        assert!(server.seen().iter().all(|seen| seen.authorization.is_some()));

        assert_eq!(hub.read_file(&model(), "main", "a b.gguf", 5).await.unwrap(), b"bytes");
        assert_eq!(cdn.seen()[0].authorization, None, "the token stays at home");
        assert_eq!(cdn.seen()[0].encoding.as_deref(), Some("identity"));
    }

    #[tokio::test]
    async fn bytes_on_the_hub_itself_want_the_token() {
        let server = Server::start(|_, _| reply(200, &[("etag", "W/\"abc\""), ("x-repo-commit", "no commit")], "bytes")).await;
        let location = server.hub().locate(&model(), COMMIT, "a").await.unwrap();
        assert_eq!(location.bearer, Token::new("hf_test"));
        assert_eq!((location.size, location.etag.as_deref(), location.commit), (Some(5), Some("abc"), None));
    }

    #[tokio::test]
    async fn a_small_file_is_bounded_and_a_missing_one_named() {
        let server = Server::start(|line, _| {
            if line.ends_with("big.json") { reply(200, &[], "x".repeat(11)) } else { reply(404, &[("x-error-code", "EntryNotFound")], "") }
        })
        .await;
        let hub = server.hub();
        assert_eq!(hub.read_file(&model(), COMMIT, "big.json", 10).await.unwrap_err().kind, FaultKind::BadReply);
        let fault = hub.locate(&model(), COMMIT, "config.json").await.unwrap_err();
        assert!(fault.kind == FaultKind::EntryNotFound && fault.message.contains("config.json"), "{fault}");
    }

    #[tokio::test]
    async fn a_part_of_a_file_comes_from_abroad_without_the_token_and_nothing_else_passes_for_it() {
        let cdn = Server::start(|line, _| {
            let range = if line.ends_with("other") { "bytes 3-4/9" } else { "bytes 2-4/9" };
            let body = if line.ends_with("short") { "by" } else { "byt" };
            reply(if line.ends_with("whole") { 200 } else { 206 }, &[("content-range", range)], body)
        })
        .await;
        let away = cdn.base.clone();
        let server = Server::start(move |line, _| {
            let file = line.rsplit('/').next().unwrap_or_default();
            reply(302, &[("location", &format!("{away}/{file}"))], "")
        })
        .await;
        let hub = server.hub();
        assert_eq!(hub.read_range(&model(), COMMIT, "good", 2..5).await.unwrap(), b"byt");
        assert_eq!(cdn.seen()[0].range.as_deref(), Some("bytes=2-4"));
        assert_eq!(cdn.seen()[0].authorization, None, "the token stays at home");
        assert!(server.seen()[0].authorization.is_some());
        for odd in ["other", "short", "whole"] {
            assert_eq!(hub.read_range(&model(), COMMIT, odd, 2..5).await.unwrap_err().kind, FaultKind::BadReply, "{odd}");
        }
        assert_eq!(hub.read_range(&model(), COMMIT, "good", 2..4).await.unwrap_err().kind, FaultKind::BadReply, "too long");
        let asked = server.lines().len();
        assert!(hub.read_range(&model(), COMMIT, "good", 5..5).await.unwrap().is_empty());
        assert_eq!(server.lines().len(), asked);
    }

    #[tokio::test]
    async fn a_gated_file_says_where_to_ask_for_access() {
        let server = Server::start(|_, _| reply(401, &[("x-error-code", "GatedRepo")], "")).await;
        let fault = server.hub_with(|settings| settings.token = None).locate(&model(), COMMIT, "a").await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Gated);
        assert!(fault.hint.unwrap().contains(&format!("{}/org/name", server.base)));
    }

    #[tokio::test]
    async fn an_address_is_known_without_asking_and_not_given_offline() {
        let server = Server::start(|_, _| reply(500, &[], "")).await;
        let (url, token) = server.hub().address(&model(), COMMIT, "a b").unwrap();
        assert_eq!(url.as_str(), format!("{}/org/name/resolve/{COMMIT}/a%20b", server.base));
        assert_eq!(token, Token::new("hf_test"));
        assert!(server.lines().is_empty());
        let offline = server.hub_with(|settings| settings.offline = true);
        assert_eq!(offline.address(&model(), COMMIT, "a").unwrap_err().kind, FaultKind::Offline);
    }

    #[tokio::test]
    async fn a_redirect_to_a_local_file_is_refused() {
        let server = Server::start(|_, _| reply(302, &[("location", "file:///etc/passwd")], "")).await;
        assert_eq!(server.hub().locate(&model(), COMMIT, "a").await.unwrap_err().kind, FaultKind::BadReply);
    }
}
