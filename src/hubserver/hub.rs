//! The server's own state: what it serves, to whom, how fast, and what it has counted.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};

use super::access::{AcceptedToken, Viewer};
use super::ask::Ask;
use super::files::{Library, Repo, Snapshot};
use super::quota::{Bucket, Meter};
use super::reply::{Refusal, Response};
use super::routes;
use super::send::Outlet;
use super::sign::Signer;
use super::stats::{Counter, Stats};
use super::xet::XetStore;
use crate::desk::{Fault, RepoId, RepoKind};

/// The longest form that a `POST` may carry, in bytes.
const LONGEST_FORM: usize = 1 << 20;

/// Everything that requests share.
pub struct Hub {
    /// The folder.
    pub library: Library,
    /// The tokens it knows.
    pub tokens: Vec<AcceptedToken>,
    /// Who asked how often.
    pub meter: Meter,
    /// What opens CDN paths.
    pub signer: Signer,
    /// Where bodies of small files go.
    pub own: Outlet,
    /// Where bodies of large files go.
    pub cdn: Outlet,
    /// Another server for large files, as a base URL.
    pub storefront: Option<String>,
    /// A content store that has large files, too.
    pub cas: Option<XetStore>,
    /// Where the Hub listens.
    pub address: SocketAddr,
    /// Where the CDN listens.
    pub cdn_address: SocketAddr,
    /// Requests so far.
    pub requests: Requests,
}

/// Requests by what they are for.
#[derive(Default)]
pub struct Requests {
    /// To `/api`.
    pub api: Counter,
    /// To `resolve` and `raw`.
    pub resolve: Counter,
    /// To small files, after a redirect.
    pub cached: Counter,
    /// To the CDN.
    pub cdn: Counter,
}

impl Hub {
    /// Answers a request to the Hub's own listener.
    pub async fn answer(&self, request: Request<Body>, from: IpAddr) -> Response {
        let path = request.uri().path().to_owned();
        let bucket = self.count(&path);
        if let Some(trouble) = self.own.trouble(&path).await {
            return trouble;
        }
        let standing = bucket.map(|bucket| self.meter.count(from, bucket, Instant::now()));
        let over = standing.is_some_and(|standing| standing.over);
        let answered = if over { Err(too_many()) } else { self.route(request).await };
        let mut response = answered.unwrap_or_else(Response::from);
        if let Some(standing) = standing {
            standing.stamp(response.headers_mut());
        }
        response
    }

    /// Counts a request by its path, and answers which quota it counts against. Where `resolve` has sent somebody is free.
    fn count(&self, path: &str) -> Option<Bucket> {
        let (bucket, counter) = match path {
            _ if path.starts_with("/api/resolve-cache/") => (None, &self.requests.cached),
            _ if path.starts_with("/api/") => (Some(Bucket::Api), &self.requests.api),
            _ => (Some(Bucket::Resolvers), &self.requests.resolve),
        };
        counter.add(1);
        bucket
    }

    async fn route(&self, request: Request<Body>) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        let viewer = Viewer::identify(&parts.headers, &self.tokens)?;
        let form = match parts.method {
            Method::POST => axum::body::to_bytes(body, LONGEST_FORM).await.map_err(|_| too_large())?,
            _ => axum::body::Bytes::new(),
        };
        routes::answer(self, &Ask::new(viewer, parts, form, self.address)).await
    }

    /// The repository, if this viewer may see it.
    pub async fn repo(&self, viewer: &Viewer, kind: RepoKind, id: &RepoId) -> Result<Arc<Repo>, Refusal> {
        let catalog = self.library.catalog().await?;
        catalog.get(kind, id).filter(|repo| viewer.may_see(repo)).cloned().ok_or_else(|| viewer.no_such_repo())
    }

    /// The repository's commit, if the revision names it.
    pub async fn commit(&self, repo: &Repo, revision: &str) -> Result<Arc<Snapshot>, Refusal> {
        let none = || Refusal::new(StatusCode::NOT_FOUND, format!("Invalid rev id: {revision}")).code("RevisionNotFound");
        self.library.history(repo).await?.find(revision).cloned().ok_or_else(none)
    }

    /// How many repositories there are.
    pub async fn repositories(&self) -> Result<usize, Fault> {
        let catalog = self.library.catalog().await?;
        Ok(RepoKind::SEARCHED.into_iter().map(|kind| catalog.of_kind(kind).count()).sum())
    }

    /// What has been counted so far.
    pub fn stats(&self) -> Stats {
        Stats {
            api_requests: self.requests.api.get(),
            resolve_requests: self.requests.resolve.get(),
            cached_requests: self.requests.cached.get(),
            cdn_requests: self.requests.cdn.get(),
            cdn_bytes: self.cdn.sent.get(),
            hub_bytes: self.own.sent.get(),
        }
    }
}

fn too_many() -> Refusal {
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, "We had to rate limit you. Wait until the window ends, or log in for a higher limit.")
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "The request's body is too large")
}
