//! Carrying effects out: each in a task of its own that sends one reply.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::mpsc::Sender;
use tokio::task::AbortHandle;

use crate::desk::{AnalyzeStep, CacheStep, Desk, Fault, RepoRef};
use crate::tui::app::{Effect, Msg, Seq};

/// How long typing pauses before the Hub is asked.
const PAUSE: Duration = Duration::from_millis(300);

/// What a task tells the loop.
pub(super) enum Reply {
    /// The reply to an effect.
    Msg(Msg),
    /// The desk has been closed.
    Closed(Result<(), Fault>),
}

/// Starts an effect; the handle ends it before its time. Those that concern the screen are the loop's own.
pub(super) fn start(desk: &Arc<dyn Desk>, effect: Effect, replies: Sender<Reply>) -> AbortHandle {
    let desk = desk.clone();
    let task = tokio::spawn(async move {
        if let Effect::Analyze(seq, repo) = effect {
            return analyze(&*desk, seq, repo, &replies).await;
        }
        if let Effect::LoadCache(seq) = effect {
            return read_cache(&*desk, seq, &replies).await;
        }
        if let Some(reply) = carry_out(&*desk, effect).await {
            // The loop may have ended meanwhile; then nobody needs the reply.
            _ = replies.send(reply).await;
        }
    });
    task.abort_handle()
}

/// Tells how far the analysis is, then what came of it.
async fn analyze(desk: &dyn Desk, seq: Seq, repo: RepoRef, replies: &Sender<Reply>) {
    let mut steps = desk.analyze_in_steps(repo);
    loop {
        let msg = match steps.next().await.unwrap_or_else(AnalyzeStep::broken_off) {
            AnalyzeStep::Listed(files) => Msg::Listed(seq, files),
            AnalyzeStep::Done(analysis) => Msg::Analyzed(seq, Ok(Arc::from(analysis))),
            AnalyzeStep::Failed(fault) => Msg::Analyzed(seq, Err(fault)),
        };
        let ended = matches!(msg, Msg::Analyzed(..));
        if replies.send(Reply::Msg(msg)).await.is_err() || ended {
            return;
        }
    }
}

/// Tells what is found in the cache, then all of it.
async fn read_cache(desk: &dyn Desk, seq: Seq, replies: &Sender<Reply>) {
    let mut steps = desk.cache_in_steps();
    loop {
        let msg = match steps.next().await.unwrap_or_else(CacheStep::broken_off) {
            CacheStep::Found(repos) => Msg::CacheFound(seq, repos),
            CacheStep::Done(listing) => Msg::CacheLoaded(seq, Ok(*listing)),
            CacheStep::Failed(fault) => Msg::CacheLoaded(seq, Err(fault)),
        };
        let ended = matches!(msg, Msg::CacheLoaded(..));
        if replies.send(Reply::Msg(msg)).await.is_err() || ended {
            return;
        }
    }
}

async fn carry_out(desk: &dyn Desk, effect: Effect) -> Option<Reply> {
    let msg = match effect {
        Effect::SearchSoon(seq) => {
            tokio::time::sleep(PAUSE).await;
            Msg::SearchDue(seq)
        }
        Effect::Search(seq, query, page) => Msg::Searched(seq, desk.search(query, page).await),
        Effect::Assess(seq, repo, scenario) => Msg::Assessed(seq, desk.assess(repo, scenario).await.map(Arc::new)),
        Effect::Card(seq, repo) => Msg::CardRead(seq, desk.card(repo).await.map(|card| card.map(Arc::new))),
        Effect::Revisions(seq, repo) => Msg::RevisionsListed(seq, desk.revisions(repo).await.map(Arc::new)),
        Effect::Plan(seq, selection) => Msg::Planned(seq, desk.plan(selection).await),
        Effect::Enqueue(plan) => Msg::Enqueued(desk.enqueue(plan).await),
        Effect::Control(action, target) => Msg::Controlled(action, desk.control(action, target).await),
        Effect::Limit(target, speed) => Msg::Limited(desk.limit(target, speed).await),
        Effect::ReadContents(seq, key) => Msg::ContentsRead(seq, key.clone(), desk.contents(key).await.map(Arc::new)),
        Effect::PlanDeletion(seq, targets) => Msg::DeletionPlanned(seq, desk.plan_deletion(targets).await),
        Effect::Delete(plan, disposal) => Msg::Deleted(plan.targets.clone(), desk.delete(plan, disposal).await),
        Effect::Restore(id) => Msg::Restored(desk.restore(id).await),
        Effect::EmptyTrash(ids) => Msg::TrashEmptied(ids.clone(), desk.empty_trash(ids).await),
        Effect::Pin(key, pinned) => Msg::Pinned(key.clone(), pinned, desk.pin(key, pinned).await),
        Effect::Diagnose(seq) => Msg::Diagnosed(seq, desk.diagnose().await.map(Arc::new)),
        Effect::Mend(seq, findings) => Msg::Mended(seq, desk.mend(findings).await),
        Effect::Quit => return Some(Reply::Closed(desk.close().await)),
        Effect::Analyze(..) | Effect::LoadCache(_) | Effect::Redraw | Effect::Abandon => return None,
    };
    Some(Reply::Msg(msg))
}
