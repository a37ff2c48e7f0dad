//! JSON shapes that several resources share.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::desk::RepoKind;
use crate::hubserver::files::{Repo, StoredFile};

/// A time as the Hub writes it: UTC with milliseconds.
pub fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// What lists and descriptions both say of a repository.
pub fn summary(repo: &Repo) -> Map<String, Value> {
    let mut map = Map::new();
    let id = repo.id.as_str();
    map.insert("_id".to_owned(), object_id(repo).into());
    map.insert("id".to_owned(), id.into());
    if repo.kind == RepoKind::Model {
        map.insert("modelId".to_owned(), id.into());
    }
    map.insert("author".to_owned(), repo.id.owner().into());
    map.insert("lastModified".to_owned(), time(repo.last_modified).into());
    map.insert("private".to_owned(), repo.facts.private.into());
    map.insert("gated".to_owned(), repo.facts.gated.map_or(json!(false), |gate| json!(gate)));
    map.insert("disabled".to_owned(), false.into());
    map.insert("downloads".to_owned(), repo.facts.downloads.into());
    map.insert("likes".to_owned(), repo.facts.likes.into());
    map.insert("trendingScore".to_owned(), repo.facts.trending.into());
    map.insert("tags".to_owned(), repo.tags.clone().into());
    for key in ["pipeline_tag", "library_name", "sdk"] {
        if let Some(text) = repo.card.text(key) {
            map.insert(key.to_owned(), text.into());
        }
    }
    map.insert("createdAt".to_owned(), time(repo.created_at()).into());
    map
}

/// The repository's identifier in the Hub's database: 24 hexadecimal digits.
fn object_id(repo: &Repo) -> String {
    let mut digits = hex::encode(Sha256::digest(format!("{}/{}", repo.kind, repo.id)));
    digits.truncate(24);
    digits
}

/// A file as trees and `paths-info` show it.
pub fn file(file: &StoredFile) -> Map<String, Value> {
    let mut map = Map::from_iter([
        ("type".to_owned(), "file".into()),
        ("oid".to_owned(), file.oid.clone().into()),
        ("size".to_owned(), file.stamp.size.into()),
        ("path".to_owned(), file.path.clone().into()),
    ]);
    if let Some(lfs) = &file.lfs {
        map.insert("lfs".to_owned(), json!({ "oid": lfs.sha256, "size": file.stamp.size, "pointerSize": lfs.pointer_size }));
    }
    map
}

/// Hides what names a file's content: huggingface.co shows stars to those who may not read the file.
pub fn mask(file: &mut Map<String, Value>) {
    let stars = || Value::from("*".repeat(64));
    if let Some(hash) = file.get_mut("xetHash") {
        *hash = stars();
    }
    if let Some(digest) = file.get_mut("lfs").and_then(|lfs| lfs.get_mut("oid")) {
        *digest = stars();
    }
}

/// A folder as trees and `paths-info` show it.
pub fn folder(path: &str, oid: &str) -> Map<String, Value> {
    Map::from_iter([
        ("type".to_owned(), "directory".into()),
        ("oid".to_owned(), oid.into()),
        ("size".to_owned(), 0.into()),
        ("path".to_owned(), path.into()),
    ])
}

/// A file among a description's `siblings`; with its size and digests where those are wanted (`blobs=true`).
pub fn sibling(file: &StoredFile, blobs: bool) -> Value {
    let mut map = Map::from_iter([("rfilename".to_owned(), Value::from(file.path.clone()))]);
    if blobs {
        map.insert("size".to_owned(), file.stamp.size.into());
        map.insert("blobId".to_owned(), file.oid.clone().into());
        if let Some(lfs) = &file.lfs {
            map.insert("lfs".to_owned(), json!({ "sha256": lfs.sha256, "size": file.stamp.size, "pointerSize": lfs.pointer_size }));
        }
    }
    map.into()
}
