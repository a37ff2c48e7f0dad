//! What could go without being missed: detached revisions, unfinished downloads, shared payloads that nothing uses, what lies unused.

use jiff::{SignedDuration, Timestamp};

use super::id::{Id, Place};
use crate::desk::{Board, CacheListing, CachedRepo, JobState, LeftoverKind};

/// Bytes that could be freed easily, each by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Easy {
    /// Of revisions that no branch or tag points at, and that nothing else uses.
    pub detached: u64,
    /// Of unfinished downloads and of blobs that no snapshot uses.
    pub unfinished: u64,
    /// Of shared payloads that nothing uses.
    pub payloads: u64,
}

/// A kind of things that one key marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bulk {
    /// Revisions that no branch or tag points at.
    Detached,
    /// Unfinished downloads, and blobs that no snapshot uses.
    Unfinished,
    /// Shared payloads that nothing uses.
    Payloads,
}

impl Bulk {
    /// What they are called.
    pub fn title(self) -> &'static str {
        match self {
            Self::Detached => "detached revisions",
            Self::Unfinished => "unfinished downloads",
            Self::Payloads => "shared payloads that nothing uses",
        }
    }
}

impl Easy {
    /// Counts what a listing has.
    pub(super) fn count(listing: &CacheListing) -> Self {
        let repos = || listing.repos.iter().filter(|repo| !listing.pins.contains(&repo.key));
        Self {
            detached: repos().map(|repo| repo.detached).sum(),
            unfinished: repos().map(|repo| repo.unused()).sum(),
            payloads: listing.orphans.iter().map(|payload| payload.size).sum(),
        }
    }
}

/// Everything of one kind in these repositories. A partial that an unfinished job goes on with is not among it.
pub(super) fn all<'a>(bulk: Bulk, repos: impl Iterator<Item = &'a CachedRepo>, listing: &CacheListing, board: &Board) -> Vec<Id> {
    match bulk {
        Bulk::Payloads => listing.orphans.iter().map(|payload| Id::Payload(payload.hash.clone())).collect(),
        Bulk::Detached => repos.flat_map(detached).collect(),
        Bulk::Unfinished => repos.flat_map(|repo| unfinished(repo, has_job(repo, board))).collect(),
    }
}

fn detached(repo: &CachedRepo) -> impl Iterator<Item = Id> {
    repo.detached_revisions().map(|revision| Id::In(repo.key.clone(), Place::revision(&revision.commit)))
}

fn unfinished(repo: &CachedRepo, busy: bool) -> impl Iterator<Item = Id> {
    let goes = move |kind: LeftoverKind| kind != LeftoverKind::Other && !(busy && kind == LeftoverKind::Partial);
    let leftovers = repo.leftovers.iter().filter(move |leftover| goes(leftover.kind));
    leftovers.map(|leftover| Id::In(repo.key.clone(), Place::Leftover(leftover.name.clone())))
}

/// Whether a job that is not done yet belongs to a repository.
fn has_job(repo: &CachedRepo, board: &Board) -> bool {
    let open = board.jobs.iter().filter(|job| !matches!(job.state, JobState::Completed | JobState::Cancelled));
    open.map(|job| &job.plan.repo).any(|of| of.kind == repo.key.kind && of.id == repo.key.id)
}

/// Whether a repository has not been used for so many days, as far as the filesystem tells.
pub(super) fn is_unused(repo: &CachedRepo, days: i64, now: Timestamp) -> bool {
    let before = now.checked_sub(SignedDuration::from_hours(days.saturating_mul(24)));
    repo.last_accessed.is_some_and(|used| before.is_ok_and(|before| used <= before))
}
