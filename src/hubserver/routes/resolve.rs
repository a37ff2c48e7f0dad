//! `GET|HEAD …/resolve/{revision}/{path}` and `…/raw/…`: redirects to small files below `/api/resolve-cache` and to LFS files at the CDN.

use axum::http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::tree::no_entry;
use super::xet;
use crate::hubserver::ask::Ask;
use crate::hubserver::cdn::{SEGMENT, large_file_url};
use crate::hubserver::files::{Repo, Snapshot, StoredFile, lfs_pointer};
use crate::hubserver::hub::Hub;
use crate::hubserver::reply::{Refusal, Response, set, text};
use crate::hubserver::send::Content;

/// What `resolve` gives to everybody even where a gate stands, as on huggingface.co.
const UNGATED: [&str; 4] = ["README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"];

/// Answers with a redirect to the file; for `raw`, with the file or the pointer of an LFS file.
pub async fn answer(hub: &Hub, ask: &Ask, repo: &Repo, revision: &str, path: &str, raw: bool) -> Result<Response, Refusal> {
    pass_gate(ask, repo, path, raw)?;
    let commit = hub.commit(repo, revision).await?;
    let file = commit.file(path).ok_or_else(|| no_entry(path, revision, &commit))?;
    let mut response = match &file.lfs {
        None if raw => content(hub, ask, repo, file).await?,
        None => redirect_within(&cached_path(ask, repo, &commit, file), &file.oid),
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

/// Answers with a small file itself, which never changes as its commit is part of its address.
pub async fn cached(hub: &Hub, ask: &Ask, repo: &Repo, commit: &str, path: &str) -> Result<Response, Refusal> {
    pass_gate(ask, repo, path, false)?;
    let snapshot = hub.commit(repo, commit).await?;
    let file = snapshot.file(path).filter(|file| file.lfs.is_none()).ok_or_else(|| no_entry(path, commit, &snapshot))?;
    let mut response = content(hub, ask, repo, file).await?;
    set(response.headers_mut(), "x-repo-commit", &snapshot.commit);
    Ok(response)
}

/// Where a gate stands, it is the first thing that everybody meets: it does not even tell which files there are.
fn pass_gate(ask: &Ask, repo: &Repo, path: &str, raw: bool) -> Result<(), Refusal> {
    if !raw && UNGATED.contains(&path) { Ok(()) } else { ask.may_read(repo) }
}

/// The address of a small file on this Hub. As huggingface.co's, its query says what was asked for and holds the entity tag.
fn cached_path(ask: &Ask, repo: &Repo, commit: &Snapshot, file: &StoredFile) -> String {
    let path = file.path.split('/').map(|segment| utf8_percent_encode(segment, SEGMENT).to_string()).collect::<Vec<_>>().join("/");
    let asked = utf8_percent_encode(ask.uri.path(), NON_ALPHANUMERIC);
    format!("/api/resolve-cache/{}/{}/{}/{path}?{asked}=&etag=%22{}%22", repo.kind.plural(), repo.id, commit.commit, file.oid)
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

fn redirect_within(location: &str, oid: &str) -> Response {
    let text_of = format!("Temporary Redirect. Redirecting to {location}");
    let mut response = text(StatusCode::TEMPORARY_REDIRECT, "text/plain; charset=utf-8", text_of);
    set(response.headers_mut(), "location", location);
    set(response.headers_mut(), "etag", format!("\"{oid}\""));
    set(response.headers_mut(), "vary", "Origin, Accept");
    response
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
