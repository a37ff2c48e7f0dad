//! The `expand` parameter: an answer reduced to the properties asked for.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::desk::RepoKind;
use crate::hubserver::ask::Ask;
use crate::hubserver::reply::Refusal;

/// What every kind of repository has.
const COMMON: [&str; 14] = [
    "author",
    "cardData",
    "createdAt",
    "disabled",
    "downloads",
    "downloadsAllTime",
    "gated",
    "lastModified",
    "likes",
    "private",
    "resourceGroup",
    "sha",
    "tags",
    "trendingScore",
];

const MODEL: [&str; 15] = [
    "baseModels",
    "config",
    "evalResults",
    "gguf",
    "inference",
    "inferenceProviderMapping",
    "library_name",
    "mask_token",
    "model-index",
    "pipeline_tag",
    "safetensors",
    "siblings",
    "spaces",
    "transformersInfo",
    "widgetData",
];
const DATASET: [&str; 5] = ["citation", "description", "mainSize", "paperswithcode_id", "siblings"];
const SPACE: [&str; 7] = ["datasets", "host", "models", "runtime", "sdk", "siblings", "subdomain"];

/// What only a description has, and a list refuses.
const DETAILS: [&str; 2] = ["usedStorage", "childrenModelCount"];

/// The properties asked for; empty for all. One unknown name refuses the whole request, as on the Hub.
pub fn asked(ask: &Ask, kind: RepoKind, details: bool) -> Result<Vec<String>, Refusal> {
    let own: &[&str] = match kind {
        RepoKind::Model => &MODEL,
        RepoKind::Dataset => &DATASET,
        RepoKind::Space | RepoKind::Kernel => &SPACE,
    };
    let valid: Vec<&str> = COMMON.iter().chain(own).chain(DETAILS.iter().filter(|_| details)).copied().collect();
    let names = ask.values("expand");
    match names.iter().find(|name| !valid.contains(&name.as_str())) {
        None => Ok(names),
        Some(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, format!("\"expand\" must be one of [{}]", valid.join(", ")))),
    }
}

/// Keeps the ids and the properties asked for.
pub fn reduce(map: &mut Map<String, Value>, names: &[String]) {
    if !names.is_empty() {
        map.retain(|key, _| matches!(key.as_str(), "_id" | "id" | "modelId") || names.contains(key));
    }
}
