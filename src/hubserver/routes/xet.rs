//! `GET …/xet-read-token/{revision}`: where the content store is, and a token for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use serde_json::json;

use crate::hubserver::ask::Ask;
use crate::hubserver::files::Repo;
use crate::hubserver::hub::Hub;
use crate::hubserver::reply::{Refusal, Response, json as reply, set};

/// How long clients are told that a token lasts.
const GOOD_FOR: Duration = Duration::from_secs(15 * 60);

/// Answers with the store's address and token, in JSON and, as older clients read them, in headers.
pub async fn answer(hub: &Hub, ask: &Ask, repo: &Repo, revision: &str) -> Result<Response, Refusal> {
    ask.may_read(repo)?;
    let commit = hub.commit(repo, revision).await?;
    let store = hub.cas.as_ref().ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "This Hub has no Xet store"))?;
    let ends = (SystemTime::now() + GOOD_FOR).duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let mut response = reply(StatusCode::OK, &json!({ "casUrl": store.url, "exp": ends, "accessToken": store.token }));
    let headers = response.headers_mut();
    set(headers, "x-xet-cas-url", &store.url);
    set(headers, "x-xet-access-token", &store.token);
    set(headers, "x-xet-token-expiration", ends.to_string());
    set(headers, "x-repo-commit", &commit.commit);
    Ok(response)
}

/// Where tokens for a commit's files are to be had, as clients see it.
pub fn token_url(ask: &Ask, repo: &Repo, commit: &str) -> String {
    format!("http://{}/api/{}/{}/xet-read-token/{commit}", ask.host, repo.kind.plural(), repo.id)
}
