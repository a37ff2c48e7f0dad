//! `GET …/refs` and `…/commits/{revision}`: one branch, one commit.

use axum::http::StatusCode;
use serde_json::json;

use super::wire;
use crate::hubserver::ask::Ask;
use crate::hubserver::files::Repo;
use crate::hubserver::hub::Hub;
use crate::hubserver::reply::{Refusal, Response, json as reply};

/// The title of the only commit.
pub const TITLE: &str = "Upload files";

/// Answers with the branches and tags.
pub async fn answer(hub: &Hub, ask: &Ask, repo: &Repo) -> Result<Response, Refusal> {
    let commit = hub.commit(repo, "main").await?;
    let main = json!({ "name": "main", "ref": "refs/heads/main", "targetCommit": commit.commit });
    let mut refs = json!({ "branches": [main], "converts": [], "tags": [] });
    if ask.flag("include_prs") {
        refs["pullRequests"] = json!([]);
    }
    Ok(reply(StatusCode::OK, &refs))
}

/// Answers with the history.
pub async fn commits(hub: &Hub, repo: &Repo, revision: &str) -> Result<Response, Refusal> {
    let commit = hub.commit(repo, revision).await?;
    let author = repo.id.owner().unwrap_or(repo.id.name());
    let date = wire::time(repo.last_modified);
    let only = json!({ "id": commit.commit, "title": TITLE, "message": "", "authors": [{ "user": author }], "date": date });
    Ok(reply(StatusCode::OK, &json!([only])))
}
