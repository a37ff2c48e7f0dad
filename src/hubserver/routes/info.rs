//! `GET /api/{kind}s/{id}[/revision/{revision}]`: a repository's description at a commit.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{expand, wire};
use crate::desk::RepoKind;
use crate::hubserver::ask::Ask;
use crate::hubserver::files::{Repo, Snapshot};
use crate::hubserver::hub::Hub;
use crate::hubserver::reply::{Refusal, Response, json};

/// The longest `config.json` that is looked into, in bytes.
const LONGEST_CONFIG: u64 = 1 << 20;

/// Answers with everything, or with the properties that `expand` names.
pub async fn answer(hub: &Hub, ask: &Ask, repo: &Repo, revision: &str) -> Result<Response, Refusal> {
    let names = expand::asked(ask, repo.kind, true)?;
    let commit = hub.commit(repo, revision).await?;
    let mut map = wire::summary(repo);
    map.insert("sha".to_owned(), commit.commit.clone().into());
    map.insert("cardData".to_owned(), repo.card.0.clone().into());
    map.insert("siblings".to_owned(), commit.files.iter().map(|file| wire::sibling(file, ask.flag("blobs"))).collect());
    map.insert("usedStorage".to_owned(), commit.size().into());
    map.insert("downloadsAllTime".to_owned(), repo.facts.downloads.into());
    if repo.kind == RepoKind::Model {
        map.insert("spaces".to_owned(), json!([]));
        map.extend(config(hub, repo, &commit).await.map(|config| ("config".to_owned(), config)));
    }
    expand::reduce(&mut map, &names);
    Ok(json(StatusCode::OK, &Value::Object(map)))
}

/// What the Hub tells of a model's `config.json`.
async fn config(hub: &Hub, repo: &Repo, commit: &Snapshot) -> Option<Value> {
    let content = hub.library.read_file(repo, commit.file("config.json")?, LONGEST_CONFIG).await?;
    let mut config: Map<String, Value> = serde_json::from_slice(&content).ok()?;
    config.retain(|key, _| matches!(key.as_str(), "architectures" | "model_type" | "quantization_config"));
    Some(config.into())
}
