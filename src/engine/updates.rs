//! Asking the Hub which cached branches and tags have moved, and comparing the files that are held with what it has now.

use std::collections::HashMap;
use std::future::ready;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::cache::{Cache, Content};
use super::host::blocking;
use super::hub::{Hub, RepoInfo};
use super::recent::Recent;
use super::with_what_is_here;
use crate::desk::{
    CachedRepo, Fault, FaultKind, FileVersion, HeldFile, Plan, PlannedFile, RepoFile, RepoKey, RepoRef, Update, UpdateStep, VerifyTarget,
};

/// Repositories asked about at once: few, since each question counts against the Hub's rate limit.
const AT_ONCE: usize = 4;

/// Asks one Hub about one cache.
#[derive(Clone)]
pub(super) struct Updates {
    hub: Hub,
    cache: Cache,
    recent: Arc<Recent>,
    /// What the first answer was: the Hub is there, or why it cannot be reached. Then nobody waits for it again and again.
    reached: Arc<OnceLock<Result<(), Fault>>>,
}

impl Updates {
    pub(super) fn new(hub: Hub, cache: Cache, recent: Arc<Recent>) -> Self {
        Self { hub, cache, recent, reached: Arc::default() }
    }

    /// Asks about these repositories, or all that the cache holds where none are named. Dropping the stream ends the asking.
    pub(super) fn steps(self, keys: Vec<RepoKey>) -> BoxStream<'static, UpdateStep> {
        let opened = async move {
            match self.cached(keys).await {
                Ok(repos) => self.ask_all(repos),
                Err(fault) => stream::once(ready(UpdateStep::Failed(fault))).boxed(),
            }
        };
        stream::once(opened).flatten().boxed()
    }

    fn ask_all(self, repos: Vec<Arc<CachedRepo>>) -> BoxStream<'static, UpdateStep> {
        let checked = move |repo| self.clone().checked(repo);
        let steps = stream::iter(repos).map(checked).buffer_unordered(AT_ONCE);
        steps.chain(stream::once(ready(UpdateStep::Done))).boxed()
    }

    /// The repositories that are meant, as the cache has them.
    async fn cached(&self, keys: Vec<RepoKey>) -> Result<Vec<Arc<CachedRepo>>, Fault> {
        self.hub.must_be_online()?;
        let (cache, all) = (self.cache.clone(), keys.is_empty());
        let named = move |cache: &Cache| keys.iter().map(|key| Ok(Arc::new(cache.inside(key)?.repo))).collect();
        blocking(move || if all { Ok(cache.scan()?.repos) } else { named(&cache) }).await
    }

    async fn checked(self, repo: Arc<CachedRepo>) -> UpdateStep {
        let mut updates = Vec::new();
        for revision in &repo.revisions {
            // The name of a ref that the Hub could not be asked about is a matter for whoever diagnoses the cache.
            for name in revision.refs.iter().filter_map(|name| name.parse().ok()) {
                updates.push(self.asked(Update::unasked(repo.key.clone(), name, revision.commit.clone())).await);
            }
        }
        UpdateStep::Checked { repo: repo.key.clone(), updates }
    }

    /// The update with what the Hub says of it.
    async fn asked(&self, mut update: Update) -> Update {
        if let Err(fault) = self.compare(&mut update).await {
            update.fault = Some(fault);
        }
        update
    }

    async fn compare(&self, update: &mut Update) -> Result<(), Fault> {
        let repo = update.repo_ref();
        let info = self.info(&repo).await?;
        update.now = Some(info.commit.clone());
        if info.commit == update.held {
            return Ok(());
        }
        // A plan is made from what was looked at a moment ago, which is not the newest any more.
        self.recent.forget_others(&repo, &info.commit);
        let (listed, (_, barrier)) = tokio::join!(self.hub.tree(&repo, &info, &|_| ()), self.hub.access(&repo, &info));
        let (cache, held) = (self.cache.clone(), update.held.clone());
        let (files, bytes_to_fetch) = blocking(move || compared(&cache, repo, info.commit, &held, listed?)).await?;
        let needs_access = files.iter().any(|file| super::hub::is_behind_gate(&file.path));
        (update.files, update.bytes_to_fetch) = (files, bytes_to_fetch);
        update.fault = barrier.filter(|_| needs_access);
        Ok(())
    }

    /// What the Hub tells about a revision, unless it could not be reached from the beginning.
    async fn info(&self, repo: &RepoRef) -> Result<RepoInfo, Fault> {
        if let Some(Err(fault)) = self.reached.get() {
            return Err(fault.clone());
        }
        let info = self.hub.info(repo).await;
        self.reached.get_or_init(|| match &info {
            Err(fault) if is_unreachable(fault.kind) => Err(fault.clone()),
            _ => Ok(()),
        });
        info
    }
}

fn is_unreachable(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Network | FaultKind::NetworkSetup)
}

/// The files of the snapshot that is held beside those of the new commit, and what it costs to have the same ones there.
fn compared(cache: &Cache, repo: RepoRef, commit: String, held: &str, listed: Vec<RepoFile>) -> Result<(Vec<HeldFile>, u64), Fault> {
    let key = RepoKey { kind: repo.kind, id: repo.id.clone() };
    let target = VerifyTarget { revision: Some(held.parse()?), ..VerifyTarget::whole(key) };
    let files = beside(&cache.survey(&[target])?.contents, &listed);
    let plan = with_what_is_here(cache, plan(repo, commit, &files, listed))?;
    Ok((files, plan.bytes_to_fetch()))
}

/// The files that are held, by path, each beside what is listed under its path.
fn beside(held: &[Content], listed: &[RepoFile]) -> Vec<HeldFile> {
    let listed: HashMap<&str, &RepoFile> = listed.iter().map(|file| (file.path.as_str(), file)).collect();
    let now = |path: &str| listed.get(path).map(|file| FileVersion { size: file.size, digest: file.digest.clone() });
    let of_content = |content: &Content| {
        let held = FileVersion { size: content.size, digest: content.digest.clone() };
        let file = |path: &String| HeldFile { path: path.clone(), held: held.clone(), now: now(path) };
        content.files.iter().map(file).collect::<Vec<_>>()
    };
    let mut files: Vec<HeldFile> = held.iter().flat_map(of_content).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The plan for the same files at the new commit, as far as it has them.
fn plan(repo: RepoRef, commit: String, files: &[HeldFile], listed: Vec<RepoFile>) -> Plan {
    let is_held = |file: &RepoFile| files.binary_search_by(|held| held.path.cmp(&file.path)).is_ok();
    let planned =
        |file: RepoFile| Some(PlannedFile { digest: file.digest?, path: file.path, size: file.size, xet_hash: file.xet_hash, held: 0 });
    Plan {
        repo,
        commit,
        title: String::new(),
        files: listed.into_iter().filter(is_held).filter_map(planned).collect(),
        left_files: 0,
        left_bytes: 0,
        left: Vec::new(),
        local_dir: None,
        destination: PathBuf::new(),
        disk_free: None,
    }
}

#[cfg(test)]
mod tests;
