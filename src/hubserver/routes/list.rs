//! `GET /api/{kind}s`: repositories by words, owner, tags and order, in pages.
//!
//! Lists name neither commits nor sizes, so they never wait for a file to be hashed.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{expand, page, wire};
use crate::desk::RepoKind;
use crate::hubserver::ask::Ask;
use crate::hubserver::files::Repo;
use crate::hubserver::hub::Hub;
use crate::hubserver::reply::{Refusal, Response};

/// The most repositories in one page, and the number without a `limit`.
const LONGEST: usize = 1000;

/// Answers with one page.
pub async fn answer(hub: &Hub, ask: &Ask, kind: RepoKind) -> Result<Response, Refusal> {
    let names = expand::asked(ask, kind, false)?;
    let wanted = Wanted::read(ask);
    let catalog = hub.library.catalog().await?;
    let mut repos: Vec<&Arc<Repo>> = catalog.of_kind(kind).filter(|repo| ask.viewer.may_see(repo) && wanted.matches(repo)).collect();
    let sort = ask.parameter("sort").unwrap_or_default();
    repos.sort_by_cached_key(|repo| (Reverse(rank(repo, &sort)), repo.id.clone()));
    let limit = ask.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(LONGEST);
    let (shown, next) = page::cut(ask, &repos, limit.clamp(1, LONGEST), |repo| repo.id.as_str())?;
    let mut items = Vec::with_capacity(shown.len());
    for repo in shown {
        items.push(item(hub, ask, repo, &names).await?);
    }
    Ok(page::answer(ask, items, next))
}

async fn item(hub: &Hub, ask: &Ask, repo: &Repo, names: &[String]) -> Result<Value, Refusal> {
    let asked = |name: &str| names.iter().any(|asked| asked == name);
    let mut map: Map<String, Value> = wire::summary(repo);
    if ask.flag("cardData") || asked("cardData") {
        map.insert("cardData".to_owned(), repo.card.0.clone().into());
    }
    if ask.flag("full") || asked("siblings") {
        let paths = hub.library.paths(repo).await?;
        map.insert("siblings".to_owned(), paths.into_iter().map(|path| json!({ "rfilename": path })).collect());
    }
    expand::reduce(&mut map, names);
    Ok(map.into())
}

/// A number that is larger the nearer to the top a repository belongs.
fn rank(repo: &Repo, sort: &str) -> i128 {
    match sort {
        "downloads" => repo.facts.downloads.into(),
        "likes" => repo.facts.likes.into(),
        "lastModified" => repo.last_modified.as_nanosecond(),
        "createdAt" => repo.created_at().as_nanosecond(),
        _ => repo.facts.trending.into(),
    }
}

/// Which repositories are wanted.
struct Wanted {
    words: Vec<String>,
    author: Option<String>,
    tags: Vec<String>,
    gated: Option<String>,
}

impl Wanted {
    fn read(ask: &Ask) -> Self {
        let search = ask.values("search").join(" ").to_lowercase();
        let tags = ["filter", "pipeline_tag", "library", "language"].iter().flat_map(|name| ask.values(name));
        Self {
            words: search.split_whitespace().map(str::to_owned).collect(),
            author: ask.parameter("author"),
            tags: tags.collect(),
            gated: ask.parameter("gated"),
        }
    }

    fn matches(&self, repo: &Repo) -> bool {
        let id = repo.id.as_str().to_lowercase();
        self.words.iter().all(|word| id.contains(word))
            && self.author.as_ref().is_none_or(|author| repo.id.owner().is_some_and(|owner| owner.eq_ignore_ascii_case(author)))
            && self.tags.iter().all(|tag| repo.tags.contains(tag))
            && self.gated.as_ref().is_none_or(|gated| (gated == "true") == repo.facts.gated.is_some())
    }
}
