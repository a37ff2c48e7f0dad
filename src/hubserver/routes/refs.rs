//! `GET …/refs` and `…/commits/{revision}`: the branches and tags, and what led to one of them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::wire;
use crate::desk::Revision;
use crate::hubserver::ask::Ask;
use crate::hubserver::files::{Repo, Snapshot};
use crate::hubserver::hub::Hub;
use crate::hubserver::reply::{Refusal, Response, json as reply};

/// Answers with the branches and tags.
pub async fn answer(hub: &Hub, ask: &Ask, repo: &Repo) -> Result<Response, Refusal> {
    let history = hub.library.history(repo).await?;
    let branches = history.commits().flat_map(|commit| commit.facts.branch.iter().map(|name| named("heads", name, commit)));
    let tags = history.commits().flat_map(|commit| commit.facts.tags.iter().map(|name| named("tags", name, commit)));
    let (branches, tags): (Value, Value) = (branches.collect(), tags.collect());
    let mut refs = json!({ "branches": branches, "converts": [], "tags": tags });
    if ask.flag("include_prs") {
        refs["pullRequests"] = json!([]);
    }
    Ok(reply(StatusCode::OK, &refs))
}

fn named(space: &str, name: &Revision, commit: &Snapshot) -> Value {
    json!({ "name": name, "ref": format!("refs/{space}/{name}"), "targetCommit": commit.commit })
}

/// Answers with the history.
pub async fn commits(hub: &Hub, repo: &Repo, revision: &str) -> Result<Response, Refusal> {
    hub.commit(repo, revision).await?;
    let history = hub.library.history(repo).await?;
    let author = repo.id.owner().unwrap_or(repo.id.name());
    let told = history.past(revision).map(|commit| {
        let (facts, date) = (&commit.facts, wire::time(commit.facts.date));
        json!({ "id": commit.commit, "title": facts.title, "message": "", "authors": [{ "user": author }], "date": date })
    });
    Ok(reply(StatusCode::OK, &told.collect()))
}
