//! What can happen to the app, and what it can ask for in return.

use std::sync::Arc;

use super::card::Reach;
use super::key::Key;
use crate::desk::{
    Analysis, Assessment, Board, CacheContents, CacheListing, CachedRepo, Card, DeletionPlan, DeletionReport, DeletionTarget, Disposal,
    Fault, Finding, JobAction, JobId, MendReport, Notice, PageToken, Plan, RepoKey, RepoRef, RestoreReport, Revisions, Scenario,
    SearchPage, SearchQuery, Selection, Target, TrashId,
};

/// Which request of a pane a reply belongs to. A pane raises its number when it asks anew, so older replies are stale.
pub type Seq = u64;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Msg {
    /// The first frame is on the screen; work may begin.
    Started,
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// The queue or the disk changed.
    Board(Arc<Board>),
    /// There will be no more boards: the engine has ended.
    EngineEnded,
    /// Something happened to a job.
    Notice(Notice),
    /// Typing in the search prompt paused.
    SearchDue(Seq),
    /// Reply to [`Effect::Search`].
    Searched(Seq, Result<SearchPage, Fault>),
    /// So many files have been listed on the way to the reply to [`Effect::Analyze`].
    Listed(Seq, usize),
    /// Reply to [`Effect::Analyze`].
    Analyzed(Seq, Result<Arc<Analysis>, Fault>),
    /// Reply to [`Effect::Assess`].
    Assessed(Seq, Result<Arc<Assessment>, Fault>),
    /// Reply to [`Effect::Card`].
    CardRead(Seq, Result<Option<Arc<Card>>, Fault>),
    /// Reply to [`Effect::Revisions`].
    RevisionsListed(Seq, Result<Arc<Revisions>, Fault>),
    /// What scrolls was drawn: the open dialog's list, else the card's text.
    Drawn(Reach),
    /// Reply to [`Effect::Plan`].
    Planned(Seq, Result<Plan, Fault>),
    /// Reply to [`Effect::Enqueue`].
    Enqueued(Result<JobId, Fault>),
    /// Reply to [`Effect::Control`].
    Controlled(JobAction, Result<Vec<JobId>, Fault>),
    /// Reply to [`Effect::Limit`].
    Limited(Result<(), Fault>),
    /// Reply to [`Effect::LoadCache`].
    CacheLoaded(Seq, Result<CacheListing, Fault>),
    /// Repositories that were found on the way to the reply to [`Effect::LoadCache`].
    CacheFound(Seq, Vec<Arc<CachedRepo>>),
    /// Reply to [`Effect::ReadContents`].
    ContentsRead(Seq, RepoKey, Result<Arc<CacheContents>, Fault>),
    /// Reply to [`Effect::PlanDeletion`].
    DeletionPlanned(Seq, Result<DeletionPlan, Fault>),
    /// Reply to [`Effect::Delete`], with what it was about.
    Deleted(Vec<DeletionTarget>, Result<DeletionReport, Fault>),
    /// Reply to [`Effect::Restore`].
    Restored(Result<RestoreReport, Fault>),
    /// Reply to [`Effect::EmptyTrash`], with what it was about: the bytes that came free.
    TrashEmptied(Vec<TrashId>, Result<u64, Fault>),
    /// Reply to [`Effect::Pin`].
    Pinned(RepoKey, bool, Result<(), Fault>),
    /// Reply to [`Effect::Diagnose`].
    Diagnosed(Seq, Result<Arc<Vec<Finding>>, Fault>),
    /// Reply to [`Effect::Mend`].
    Mended(Seq, Result<MendReport, Fault>),
}

/// Something the app asks its surroundings to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send [`Msg::SearchDue`] once typing has paused for a moment.
    SearchSoon(Seq),
    /// Look for repositories.
    Search(Seq, SearchQuery, Option<PageToken>),
    /// Find out what a repository offers.
    Analyze(Seq, RepoRef),
    /// Find out what fits, and what to take.
    Assess(Seq, RepoRef, Scenario),
    /// Read a repository's card.
    Card(Seq, RepoRef),
    /// List a repository's branches, tags and commits.
    Revisions(Seq, RepoRef),
    /// Find out what a download would do.
    Plan(Seq, Selection),
    /// Queue a download.
    Enqueue(Plan),
    /// Act on jobs.
    Control(JobAction, Target),
    /// Limit the speed.
    Limit(Target, Option<u64>),
    /// Read what the cache holds.
    LoadCache(Seq),
    /// Read what is in a cached repository.
    ReadContents(Seq, RepoKey),
    /// Find out what a deletion would do.
    PlanDeletion(Seq, Vec<DeletionTarget>),
    /// Delete, to the trash or for good.
    Delete(DeletionPlan, Disposal),
    /// Bring back a deletion from the trash.
    Restore(TrashId),
    /// Empty these out of the trash.
    EmptyTrash(Vec<TrashId>),
    /// Protect a repository from deletion, or lift that.
    Pin(RepoKey, bool),
    /// Find out what is wrong with the cache.
    Diagnose(Seq),
    /// Mend what was found.
    Mend(Seq, Vec<Finding>),
    /// Draw every cell anew.
    Redraw,
    /// Close the desk, which pauses every job, and end.
    Quit,
    /// End at once, without closing the desk in order.
    Abandon,
}

/// What one message leads to, in order.
pub type Effects = Vec<Effect>;
