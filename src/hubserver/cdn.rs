//! The second listener: large files by signed URL, for whoever holds one. It knows no tokens and no revisions.

use std::time::SystemTime;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::access::Viewer;
use super::ask::Ask;
use super::files::{Repo, Snapshot, StoredFile};
use super::hub::Hub;
use super::reply::{Refusal, Response};
use super::send::Content;
use crate::desk::RepoKind;

/// What is encoded in a path's segment.
pub const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The absolute URL that a large file comes from.
pub fn large_file_url(hub: &Hub, ask: &Ask, repo: &Repo, commit: &Snapshot, file: &StoredFile) -> String {
    let path = file.path.split('/').map(|segment| utf8_percent_encode(segment, SEGMENT).to_string()).collect::<Vec<_>>().join("/");
    match &hub.storefront {
        Some(base) => format!("{base}/{}/{}/{path}", repo.kind.plural(), repo.id),
        None => signed_url(hub, ask, &format!("/{}/{}/{}/{path}", repo.kind.plural(), repo.id, commit.commit)),
    }
}

/// The CDN's URL for a path, open to whoever holds it until it expires.
fn signed_url(hub: &Hub, ask: &Ask, path: &str) -> String {
    let query = hub.signer.query(path, SystemTime::now());
    format!("http://{}:{}{path}?{query}", ask.host_name(), hub.cdn_address.port())
}

impl Hub {
    /// Answers a request to the CDN.
    pub async fn answer_cdn(&self, request: Request<Body>) -> Response {
        self.requests.cdn.add(1);
        if let Some(trouble) = self.cdn.trouble(request.uri().path()).await {
            return trouble;
        }
        let ask = Ask::new(Viewer::Anonymous, request.into_parts().0, Bytes::new(), self.cdn_address);
        self.open_signed(&ask).await.unwrap_or_else(Response::from)
    }

    async fn open_signed(&self, ask: &Ask) -> Result<Response, Refusal> {
        if !matches!(ask.method, Method::GET | Method::HEAD) {
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "The CDN only sends files"));
        }
        let path = ask.uri.path();
        if !self.signer.admits(path, ask.uri.query().unwrap_or_default(), SystemTime::now()) {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "Request has expired, or its signature is not valid"));
        }
        let (repo, file) = self.find(path).await?.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Not found"))?;
        let content = Content {
            file: self.library.open_file(&repo, &file).await?,
            size: file.stamp.size,
            etag: etag(file.etag()),
            media_type: "application/octet-stream",
        };
        Ok(self.cdn.send(ask, content))
    }

    /// The file that a signed path names, while its commit is still there.
    async fn find(&self, path: &str) -> Result<Option<(std::sync::Arc<Repo>, StoredFile)>, Refusal> {
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        let mut parts = decoded.trim_start_matches('/').split('/');
        let Some(kind) = parts.next().and_then(RepoKind::from_name) else { return Ok(None) };
        let rest: Vec<&str> = parts.collect();
        let catalog = self.library.catalog().await?;
        for count in [2, 1] {
            let Some(([id @ .., commit], path)) = rest.split_at_checked(count + 1) else { continue };
            let Some(repo) = id.join("/").parse().ok().and_then(|id| catalog.get(kind, &id)) else { continue };
            let history = self.library.history(repo).await?;
            if let Some(snapshot) = history.commits().find(|snapshot| snapshot.commit == *commit) {
                return Ok(snapshot.file(&path.join("/")).map(|file| (repo.clone(), file.clone())));
            }
        }
        Ok(None)
    }
}

/// The CDN's own entity tag. As at the Hub's, it is not the SHA-256 of the content, so that no client relies on that.
fn etag(sha256: &str) -> String {
    let mut tag = hex::encode(Sha256::digest(format!("cdn:{sha256}")));
    tag.truncate(32);
    tag
}
