//! Reading what a repository offers: its facts, its listing and the configs that tell its kind.

use futures::future::{BoxFuture, join_all};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use tokio::sync::watch;

use super::analyze::{self, Configs};
use super::host::blocking;
use super::hub::{Hub, RepoInfo};
use crate::desk::{Analysis, AnalyzeStep, Fault, RepoFile, RepoRef};

/// The largest config file that is read, in bytes.
const CONFIG_LIMIT: usize = 1 << 20;

/// What a repository offers. `listed` learns how many files have been listed so far.
pub(super) async fn read(hub: &Hub, repo: RepoRef, listed: &watch::Sender<usize>) -> Result<Analysis, Fault> {
    let info = hub.info(&repo).await?;
    let tell = |files| _ = listed.send_replace(files);
    let (files, (access, barrier)) = tokio::join!(hub.tree(&repo, &info, &tell), hub.access(&repo, &info));
    let files = files?;
    // What bars the way to its files bars the way to its configs.
    let configs = if barrier.is_none() { configs(hub, &repo, &info, &files).await } else { Configs::new() };
    // Tens of thousands of files take a while, in which a thread with connections must not stand still.
    let analysis = blocking(move || Ok(analyze::analyze(&repo, &info, files, &configs))).await?;
    Ok(Analysis { access, barrier, ..analysis })
}

/// The configs that tell the kind, all asked for at once. One that cannot be read only makes the analysis poorer.
async fn configs(hub: &Hub, repo: &RepoRef, info: &RepoInfo, files: &[RepoFile]) -> Configs {
    let read = |path: &str| {
        let path = path.to_owned();
        async move {
            let text = hub.read_file(repo, &info.commit, &path, CONFIG_LIMIT).await.ok()?;
            Some((path, serde_json::from_slice(&text).ok()?))
        }
    };
    join_all(analyze::wanted_configs(files).into_iter().map(read)).await.into_iter().flatten().collect()
}

/// An analysis on its way.
struct Underway {
    outcome: BoxFuture<'static, Result<Analysis, Fault>>,
    listed: watch::Receiver<usize>,
}

/// What an analysis tells while it goes on: how many files have been listed, whenever there are more, and its end.
pub(super) fn steps(
    outcome: impl Future<Output = Result<Analysis, Fault>> + Send + 'static,
    listed: watch::Receiver<usize>,
) -> BoxStream<'static, AnalyzeStep> {
    stream::unfold(Some(Underway { outcome: outcome.boxed(), listed }), next_step).boxed()
}

/// The next step; nothing comes after the end.
async fn next_step(underway: Option<Underway>) -> Option<(AnalyzeStep, Option<Underway>)> {
    let mut underway = underway?;
    let listed = tokio::select! {
        biased;
        outcome = &mut underway.outcome => return Some((outcome.map_or_else(AnalyzeStep::Failed, AnalyzeStep::done), None)),
        Ok(()) = underway.listed.changed() => *underway.listed.borrow_and_update(),
    };
    Some((AnalyzeStep::Listed(listed), Some(underway)))
}
