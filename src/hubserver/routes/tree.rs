//! `GET …/tree/{revision}[/{path}]` and `POST …/paths-info/{revision}`: files and folders with their sizes and digests.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{page, wire};
use crate::hubserver::ask::Ask;
use crate::hubserver::files::{Repo, Snapshot, StoredFile};
use crate::hubserver::hub::Hub;
use crate::hubserver::reply::{Refusal, Response, json as reply};

/// Entries in a page, and in one with `expand=true`.
const PAGE: usize = 1000;
const EXPANDED_PAGE: usize = 50;

/// Answers with one page of a folder.
pub async fn answer(hub: &Hub, ask: &Ask, repo: &Repo, revision: &str, path: &str) -> Result<Response, Refusal> {
    let commit = hub.commit(repo, revision).await?;
    let path = path.trim_end_matches('/');
    if !path.is_empty() && !commit.folders.contains_key(path) {
        return Err(no_entry(path, revision, &commit));
    }
    let (expand, entries) = (ask.flag("expand"), Entry::below(&commit, path, ask.flag("recursive")));
    let (shown, next) = page::cut(ask, &entries, if expand { EXPANDED_PAGE } else { PAGE }, Entry::path)?;
    let items = shown.iter().map(|entry| entry.json(hub, ask, expand, repo, &commit)).collect();
    Ok(page::answer(ask, items, next))
}

/// Answers with the entries that the form names and that there are.
pub async fn paths_info(hub: &Hub, ask: &Ask, repo: &Repo, revision: &str) -> Result<Response, Refusal> {
    let commit = hub.commit(repo, revision).await?;
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&ask.form).into_owned().collect();
    let expand = form.iter().any(|(key, value)| key == "expand" && value.eq_ignore_ascii_case("true"));
    let paths = form.iter().filter(|(key, _)| key == "paths" || key == "paths[]").map(|(_, path)| path.as_str());
    let entries = paths.filter_map(|path| Entry::at(&commit, path)).map(|entry| entry.json(hub, ask, expand, repo, &commit));
    Ok(reply(StatusCode::OK, &entries.collect()))
}

/// The refusal for a path that the commit does not have.
pub fn no_entry(path: &str, revision: &str, commit: &Snapshot) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, format!("{path} does not exist on \"{revision}\"")).code("EntryNotFound").at(&commit.commit)
}

/// A file or a folder of a commit.
enum Entry<'a> {
    Folder { path: &'a str, oid: &'a str },
    File(&'a StoredFile),
}

impl<'a> Entry<'a> {
    /// What lies in a folder, or anywhere below it: folders first, then files, each by path.
    fn below(commit: &'a Snapshot, folder: &str, recursive: bool) -> Vec<Self> {
        let inside = |path: &str| {
            let rest = if folder.is_empty() { Some(path) } else { path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) };
            rest.is_some_and(|rest| recursive || !rest.contains('/'))
        };
        let folders = commit.folders.iter().map(|(path, oid)| Self::Folder { path, oid });
        let files = commit.files.iter().map(Self::File);
        folders.chain(files).filter(|entry| inside(entry.path())).collect()
    }

    fn at(commit: &'a Snapshot, path: &str) -> Option<Self> {
        let folder = || commit.folders.get_key_value(path).map(|(path, oid)| Self::Folder { path, oid });
        commit.file(path).map(Self::File).or_else(folder)
    }

    fn path(&self) -> &str {
        match self {
            Self::Folder { path, .. } => path,
            Self::File(file) => &file.path,
        }
    }

    fn json(&self, hub: &Hub, ask: &Ask, expand: bool, repo: &Repo, commit: &Snapshot) -> Value {
        let mut map: Map<String, Value> = match self {
            Self::Folder { path, oid } => wire::folder(path, oid),
            Self::File(file) => wire::file(file),
        };
        if let (Some(store), Self::File(file)) = (&hub.cas, self)
            && let Some(hash) = store.hash(file)
        {
            map.insert("xetHash".to_owned(), hash.into());
        }
        if !ask.viewer.may_read(repo) {
            wire::mask(&mut map);
        }
        if expand {
            map.insert(
                "lastCommit".to_owned(),
                json!({ "id": commit.commit, "title": commit.facts.title, "date": wire::time(commit.facts.date) }),
            );
        }
        if let (true, Self::File(_)) = (expand, self) {
            map.insert("securityFileStatus".to_owned(), json!({ "status": "unscanned", "avScan": null, "pickleImportScan": null }));
        }
        map.into()
    }
}
