//! `GET /api/{kind}s-tags-by-type`: the tags in use, by what they are about.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::desk::RepoKind;
use crate::hubserver::ask::Ask;
use crate::hubserver::files::Repo;
use crate::hubserver::hub::Hub;
use crate::hubserver::reply::{Refusal, Response, json as reply};

/// Answers with the tags of the repositories that the viewer may see.
pub async fn answer(hub: &Hub, ask: &Ask, kind: RepoKind) -> Result<Response, Refusal> {
    let catalog = hub.library.catalog().await?;
    let mut types: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for repo in catalog.of_kind(kind).filter(|repo| ask.viewer.may_see(repo)) {
        for tag in &repo.tags {
            types.entry(type_of(tag, repo)).or_default().insert(tag);
        }
    }
    let document: serde_json::Map<String, Value> =
        types.into_iter().map(|(name, tags)| (name.to_owned(), tags.into_iter().map(|tag| described(tag, name)).collect())).collect();
    Ok(reply(StatusCode::OK, &document.into()))
}

fn type_of<'a>(tag: &'a str, repo: &Repo) -> &'a str {
    let holds = |key: &str| repo.card.texts(key).contains(&tag);
    match tag.split_once(':') {
        Some((kind @ ("license" | "dataset" | "task_categories"), _)) => kind,
        None if holds("pipeline_tag") => "pipeline_tag",
        None if holds("library_name") || matches!(tag, "gguf" | "safetensors" | "onnx") => "library",
        None if holds("language") => "language",
        _ => "other",
    }
}

fn described(tag: &str, name: &str) -> Value {
    let label = tag.strip_prefix(name).and_then(|rest| rest.strip_prefix(':')).unwrap_or(tag);
    json!({ "id": tag, "label": label, "type": name })
}
