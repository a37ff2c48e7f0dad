//! `GET|HEAD …/resolve/{revision}/{path}` and `…/raw/…`: small files at once, LFS files through the CDN.

use axum::http::StatusCode;

use super::tree::no_entry;
use super::xet;
use crate::hubserver::ask::Ask;
use crate::hubserver::cdn::large_file_url;
use crate::hubserver::files::{Repo, StoredFile, lfs_pointer};
use crate::hubserver::hub::Hub;
use crate::hubserver::reply::{Refusal, Response, set, text};
use crate::hubserver::send::Content;

/// Answers with the file, a redirect to it, or, for a `raw` LFS file, its pointer.
pub async fn answer(hub: &Hub, ask: &Ask, repo: &Repo, revision: &str, path: &str, raw: bool) -> Result<Response, Refusal> {
    ask.viewer.may_download(repo)?;
    let commit = hub.commit(repo, revision).await?;
    let file = commit.file(path).ok_or_else(|| no_entry(path, revision, &commit))?;
    let mut response = match &file.lfs {
        None => content(hub, ask, repo, file).await?,
        Some(lfs) if raw => text(StatusCode::OK, "text/plain; charset=utf-8", lfs_pointer(&lfs.sha256, file.stamp.size)),
        Some(lfs) => redirect(&large_file_url(hub, ask, repo, &commit, file), &lfs.sha256, file.stamp.size),
    };
    set(response.headers_mut(), "x-repo-commit", &commit.commit);
    if let Some(hash) = hub.cas.as_ref().and_then(|store| store.hash(file)).filter(|_| !raw) {
        set(response.headers_mut(), "x-xet-hash", hash);
        set(response.headers_mut(), "link", format!("<{}>; rel=\"xet-auth\"", xet::token_url(ask, repo, &commit.commit)));
    }
    Ok(response)
}

async fn content(hub: &Hub, ask: &Ask, repo: &Repo, file: &StoredFile) -> Result<Response, Refusal> {
    let opened = hub.library.open_file(repo, file).await?;
    let content = Content { file: opened, size: file.stamp.size, etag: file.oid.clone(), media_type: "text/plain; charset=utf-8" };
    let mut response = hub.own.send(ask, content);
    // A browser must not run what a repository holds.
    set(response.headers_mut(), "content-security-policy", "default-src 'none'; sandbox");
    set(response.headers_mut(), "x-content-type-options", "nosniff");
    Ok(response)
}

fn redirect(location: &str, sha256: &str, size: u64) -> Response {
    let mut response = text(StatusCode::FOUND, "text/plain; charset=utf-8", format!("Found. Redirecting to {location}"));
    let headers = response.headers_mut();
    set(headers, "location", location);
    set(headers, "etag", format!("\"{sha256}\""));
    set(headers, "x-linked-etag", format!("\"{sha256}\""));
    set(headers, "x-linked-size", size.to_string());
    set(headers, "accept-ranges", "bytes");
    set(headers, "vary", "Origin, Accept");
    response
}
