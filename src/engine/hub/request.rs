//! One question to the Hub: redirects followed by hand, refusals turned into faults, tries repeated.

use std::future::Future;
use std::ops::Range;

use futures::StreamExt;
use reqwest::header::{ACCEPT_ENCODING, LOCATION, RANGE};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::Hub;
use super::refusal::{Refusal, error_text};
use crate::desk::{Fault, FaultKind, RepoRef};
use crate::engine::config::Token;
use crate::engine::net::{host, login_wanted};

/// The most redirects followed for one answer; the official client's limit.
const MOST_REDIRECTS: usize = 20;
/// The largest JSON page read, in bytes.
const LARGEST_PAGE: usize = 16 << 20;
/// The largest refusal read, in bytes.
const LARGEST_REFUSAL: usize = 64 << 10;

/// What a request is about, so that a fault can name it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    /// A list of repositories.
    Listing,
    /// A repository at a revision.
    Repo(&'a RepoRef),
    /// A file of a repository.
    File(&'a RepoRef, &'a str),
}

/// Why a try failed, and what may be done about it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    /// Whether the same request may succeed if it is repeated.
    pub(super) again: bool,
    /// The refusal's status, where there was one without a Hub's own `X-Error-Code`: perhaps the route does not exist.
    pub(super) bare_status: Option<StatusCode>,
}

impl Failure {
    /// A failure that no repetition mends.
    pub(super) fn last(fault: Fault) -> Self {
        Self { fault, again: false, bare_status: None }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::last(fault)
    }
}

/// What is asked of an address.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// Its headers.
    Headers,
    /// All of its bytes.
    Whole,
    /// Some of its bytes; what comes may still be all of them.
    Bytes(Range<u64>),
}

/// What to do at a redirect to another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abroad {
    /// An API has no business there.
    Refuse,
    /// It is the answer.
    Stop,
    /// Follow it, without the token.
    Follow,
}

/// Where a chain of redirects ended.
pub(super) struct Arrival {
    /// The address of the bytes: the last one asked, or the foreign one that was not.
    pub(super) url: Url,
    /// The last answer: a success, or the redirect to `url`.
    pub(super) response: Response,
}

impl Hub {
    /// A JSON document, and where its next page is.
    pub(super) async fn json(&self, url: &Url, subject: Subject<'_>) -> Result<(Value, Option<Url>), Failure> {
        self.persist(async || {
            let arrival = self.follow(&Wanted::Whole, url, subject, Abroad::Refuse).await?;
            let next = self.next_page(&arrival)?;
            let body = self.read(arrival.response, &arrival.url, LARGEST_PAGE).await?;
            let value = serde_json::from_slice(&body).map_err(|error| not_json(&arrival.url, error))?;
            Ok((value, next))
        })
        .await
    }

    /// The `Link` to the next page, which must lie at the endpoint: the token goes there.
    fn next_page(&self, page: &Arrival) -> Result<Option<Url>, Fault> {
        let Some(link) = super::link::next(page.response.headers(), &page.url) else { return Ok(None) };
        self.inner.endpoint.adopted(&link).map(Some).ok_or_else(|| strayed(&page.url, &link))
    }

    /// Repeats a try while it may help, waiting in between as the Hub asks.
    pub(super) async fn persist<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut tried = 0;
        loop {
            let failure = match attempt().await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            tried += 1;
            let Some(wait) = self.inner.patience.wait(tried, &failure) else { return Err(failure) };
            tracing::debug!(tried, ?wait, "trying again: {}", failure.fault);
            tokio::time::sleep(wait).await;
        }
    }

    /// One try, over redirects, to a success. The token goes to the endpoint's origin only, whoever redirects.
    pub(super) async fn follow(&self, wanted: &Wanted, url: &Url, subject: Subject<'_>, abroad: Abroad) -> Result<Arrival, Failure> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.hop(wanted, &url).await?;
            let Some(target) = redirect(&response, &url)? else {
                return self.accepted(Arrival { url, response }, subject).await;
            };
            let foreign = target.origin() != url.origin();
            match abroad {
                Abroad::Refuse if foreign => return Err(strayed(&url, &target).into()),
                Abroad::Stop if foreign => return Ok(Arrival { url: target, response }),
                _ => url = target,
            }
        }
        Err(Fault::new(FaultKind::BadReply, format!("{} redirects in circles", host(&url))).into())
    }

    async fn hop(&self, wanted: &Wanted, url: &Url) -> Result<Response, Failure> {
        if self.inner.offline {
            return Err(offline(url).into());
        }
        let method = if matches!(wanted, Wanted::Headers) { Method::HEAD } else { Method::GET };
        let mut request = self.inner.http.request(method, url.clone()).header(ACCEPT_ENCODING, "identity");
        if let Wanted::Bytes(range) = wanted {
            request = request.header(RANGE, format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        }
        if let Some(token) = self.token_for(url) {
            request = request.bearer_auth(token.secret());
        }
        request.send().await.map_err(|error| self.failed(error, url))
    }

    /// A request that failed below HTTP. Where no connection came about, nobody waits: the address may be mistyped or the network
    /// lost, and transfers have a longer patience of their own.
    fn failed(&self, error: reqwest::Error, url: &Url) -> Failure {
        let again = error.is_timeout() || !error.is_connect();
        Failure { again, ..Failure::last(self.inner.network.fault(error, Some(url))) }
    }

    /// The token, for an address at the endpoint's origin.
    pub(super) fn token_for(&self, url: &Url) -> Option<&Token> {
        self.inner.token.as_ref().filter(|_| self.inner.endpoint.owns(url))
    }

    /// The arrival where its status is a success, else the refusal as a failure.
    async fn accepted(&self, arrival: Arrival, subject: Subject<'_>) -> Result<Arrival, Failure> {
        let status = arrival.response.status();
        if status.is_success() {
            return Ok(arrival);
        }
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(login_wanted(&format!("the proxy before {}", host(&arrival.url))).into());
        }
        let headers = arrival.response.headers().clone();
        let body = self.read(arrival.response, &arrival.url, LARGEST_REFUSAL).await.unwrap_or_default();
        let text = error_text(&headers, &body);
        let refusal =
            Refusal { endpoint: &self.inner.endpoint, token_sent: self.token_for(&arrival.url).is_some(), url: &arrival.url, subject };
        Err(refusal.failure(status, &headers, text))
    }

    /// A body of at most `limit` bytes; a longer one is refused, whatever its header says.
    pub(super) async fn read(&self, response: Response, url: &Url, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| self.failed(error, url))?;
            if body.len() + chunk.len() > limit {
                let largest = crate::desk::bytes(limit as u64);
                return Err(Fault::new(FaultKind::BadReply, format!("{} answers with more than {largest}", host(url))).into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The target of a redirect, or `None` for any other answer.
fn redirect(response: &Response, url: &Url) -> Result<Option<Url>, Fault> {
    let Some(location) = response.headers().get(LOCATION).filter(|_| response.status().is_redirection()) else { return Ok(None) };
    let target = location.to_str().ok().and_then(|location| url.join(location).ok());
    match target.filter(|target| matches!(target.scheme(), "http" | "https")) {
        Some(target) => Ok(Some(target)),
        None => Err(Fault::new(FaultKind::BadReply, format!("{} redirects to something that is not a web address", host(url)))),
    }
}

fn not_json(url: &Url, error: serde_json::Error) -> Failure {
    let message = format!("{} answers with something that is not JSON", host(url));
    Fault::new(FaultKind::BadReply, message)
        .hint("check that the endpoint is a Hub, and that no login page stands before it")
        .because(error)
        .into()
}

fn strayed(from: &Url, to: &Url) -> Fault {
    Fault::new(FaultKind::BadReply, format!("{} sends us on to another server, {}", host(from), host(to)))
        .hint(format!("if that is the Hub you mean, name it: --endpoint {}", to.origin().ascii_serialization()))
}

/// The fault of a request that offline mode forbids.
pub(super) fn offline(url: &Url) -> Fault {
    Fault::new(FaultKind::Offline, format!("{} is not asked: offline mode is on", host(url)))
        .hint("unset HF_HUB_OFFLINE or leave out --offline to use the network")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{COMMIT, Server, model, reply};
    use super::*;
    use std::time::Duration;

    fn described() -> String {
        format!(r#"{{"sha":"{COMMIT}"}}"#)
    }

    #[tokio::test]
    async fn a_rate_limit_is_waited_for_and_the_request_repeated() {
        let server = Server::start(|_, before| match before {
            0 => reply(429, &[("ratelimit", "\"api\";r=0;t=2")], ""),
            1 => reply(503, &[("retry-after", "1")], ""),
            2 => reply(500, &[], ""),
            _ => reply(200, &[], described()),
        })
        .await;
        assert_eq!(server.hub().info(&model()).await.unwrap().commit, COMMIT);
        assert_eq!(server.lines().len(), 4);
    }

    #[tokio::test]
    async fn a_wait_that_is_too_long_is_left_to_the_caller() {
        let server = Server::start(|_, _| reply(429, &[("retry-after", "3000")], "")).await;
        let fault = server.hub().info(&model()).await.unwrap_err();
        assert_eq!((fault.kind, fault.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(3001))));
        assert_eq!(server.lines().len(), 1);
    }

    #[tokio::test]
    async fn patience_ends_and_some_refusals_are_final() {
        for (status, requests, kind) in [(503, 5, FaultKind::Unavailable), (403, 1, FaultKind::Forbidden), (501, 1, FaultKind::Unavailable)]
        {
            let server = Server::start(move |_, _| reply(status, &[], "")).await;
            assert_eq!(server.hub().info(&model()).await.unwrap_err().kind, kind);
            assert_eq!(server.lines().len(), requests, "{status}");
        }
    }

    #[tokio::test]
    async fn a_renamed_repository_is_followed_with_the_token() {
        let server = Server::start(|line, _| match line {
            "GET /api/models/org/name/revision/main" => reply(307, &[("location", "/api/models/org/new/revision/main")], ""),
            _ => reply(200, &[], described()),
        })
        .await;
        server.hub().info(&model()).await.unwrap();
        let last = server.seen().pop().unwrap();
        assert_eq!((last.line.as_str(), last.authorization.as_deref()), ("GET /api/models/org/new/revision/main", Some("Bearer hf_test")));
        assert_eq!(last.encoding.as_deref(), Some("identity"));
    }

    #[tokio::test]
    async fn an_api_does_not_send_us_to_another_origin_nor_in_circles() {
        let elsewhere = Server::start(|_, _| reply(200, &[], described())).await;
        let target = elsewhere.base.clone();
        let server = Server::start(move |_, _| reply(302, &[("location", &target)], "")).await;
        let fault = server.hub().info(&model()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::BadReply);
        assert!(fault.hint.unwrap().contains(&elsewhere.base));
        assert!(elsewhere.lines().is_empty());

        let circle = Server::start(|_, _| reply(302, &[("location", "/again")], "")).await;
        assert!(circle.hub().info(&model()).await.unwrap_err().message.contains("circles"));
        assert_eq!(circle.lines().len(), MOST_REDIRECTS + 1);
    }

    #[tokio::test]
    async fn bodies_are_bounded_and_must_be_json() {
        let server = Server::start(|_, _| reply(200, &[], vec![b' '; LARGEST_PAGE + 1])).await;
        let fault = server.hub().info(&model()).await.unwrap_err();
        assert!(fault.kind == FaultKind::BadReply && fault.message.contains("more than 16 MiB"), "{fault}");
        let page = Server::start(|_, _| reply(200, &[], "<html>Log in</html>")).await;
        let fault = page.hub().info(&model()).await.unwrap_err();
        assert!(fault.kind == FaultKind::BadReply && fault.message.contains("not JSON"), "{fault}");
    }

    #[tokio::test]
    async fn refusals_become_faults_with_the_hubs_own_words() {
        let server = Server::start(|_, before| match before {
            0 => reply(401, &[], r#"{"error":"Invalid credentials in Authorization header"}"#),
            1 => reply(401, &[("x-error-code", "RepoNotFound"), ("x-error-message", "Repository not found")], ""),
            _ => reply(403, &[("x-error-code", "GatedRepo")], ""),
        })
        .await;
        let hub = server.hub();
        for kind in [FaultKind::Unauthorized, FaultKind::RepoNotFound, FaultKind::Gated] {
            assert_eq!(hub.info(&model()).await.unwrap_err().kind, kind);
        }
    }

    #[tokio::test]
    async fn offline_nothing_is_sent() {
        let server = Server::start(|_, _| reply(200, &[], described())).await;
        let hub = server.hub_with(|settings| settings.offline = true);
        assert_eq!(hub.info(&model()).await.unwrap_err().kind, FaultKind::Offline);
        assert!(server.lines().is_empty());
    }

    #[tokio::test]
    async fn a_hub_that_is_away_is_a_network_fault_after_all_tries() {
        let gone = Server::start(|_, _| reply(200, &[], "")).await;
        let hub = gone.hub();
        let port = gone.base.rsplit_once(':').unwrap().1.to_owned();
        drop(gone);
        tokio::task::yield_now().await;
        let fault = hub.info(&model()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Network);
        assert!(fault.message.contains(&port), "{fault}");
    }

    #[test]
    fn requests_can_run_on_any_thread() {
        fn sendable(_: impl Send) {}
        let hub = Hub::new(crate::engine::hub::HubSettings::new("http://127.0.0.1:1")).unwrap();
        let (repo, info) = (model(), super::super::RepoInfo::default());
        sendable(hub.info(&repo));
        sendable(hub.tree(&repo, &info, &|_| ()));
        sendable(hub.locate(&repo, COMMIT, "a"));
        sendable(hub.read_file(&repo, COMMIT, "a", 1));
        sendable(hub.read_range(&repo, COMMIT, "a", 0..1));
        sendable(hub.search(&crate::desk::SearchQuery::default(), None));
    }
}
