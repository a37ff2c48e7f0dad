//! The Hub's resources, one file each: from a parsed route to an answer.

mod expand;
mod info;
mod list;
mod page;
mod refs;
mod resolve;
mod tags;
mod tree;
mod whoami;
mod wire;
mod xet;

use axum::http::{Method, StatusCode};

use super::ask::Ask;
use super::hub::Hub;
use super::reply::{Refusal, Response};
use super::route::{Aspect, Route};

/// Answers a request to the Hub.
pub async fn answer(hub: &Hub, ask: &Ask) -> Result<Response, Refusal> {
    let route = Route::parse(ask.uri.path())
        .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Sorry, we can't find the page you are looking for."))?;
    let posted = matches!(route, Route::Repo(_, _, Aspect::PathsInfo(_)));
    let fits = if posted { ask.method == Method::POST } else { matches!(ask.method, Method::GET | Method::HEAD) };
    if !fits {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "This Hub can only be read"));
    }
    match route {
        Route::WhoAmI => whoami::answer(ask),
        Route::List(kind) => list::answer(hub, ask, kind).await,
        Route::Tags(kind) => tags::answer(hub, ask, kind).await,
        Route::Repo(kind, id, aspect) => {
            let repo = hub.repo(&ask.viewer, kind, &id).await?;
            match aspect {
                Aspect::Info(revision) => info::answer(hub, ask, &repo, &revision).await,
                Aspect::Tree(revision, path) => tree::answer(hub, ask, &repo, &revision, &path).await,
                Aspect::PathsInfo(revision) => tree::paths_info(hub, ask, &repo, &revision).await,
                Aspect::Refs => refs::answer(hub, ask, &repo).await,
                Aspect::XetToken(revision) => xet::answer(hub, ask, &repo, &revision).await,
                Aspect::Commits(revision) => refs::commits(hub, &repo, &revision).await,
            }
        }
        Route::Cached { kind, id, commit, path } => {
            let repo = hub.repo(&ask.viewer, kind, &id).await?;
            resolve::cached(hub, ask, &repo, &commit, &path).await
        }
        Route::File { kind, id, raw, revision, path } => {
            let repo = hub.repo(&ask.viewer, kind, &id).await?;
            resolve::answer(hub, ask, &repo, &revision, &path, raw).await
        }
    }
}
