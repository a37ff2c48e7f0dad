//! Deleting from the cache beside the queue: what an unfinished job needs and what is pinned stays.

use std::sync::Arc;

use super::cache::Cache;
use super::host::blocking;
use super::pins::Pins;
use crate::desk::{
    Board, DeletionPlan, DeletionReport, DeletionTarget, Disposal, Fault, FaultKind, Job, JobState, Plan, RepoKey, TrashEntry, TrashId,
};

/// Deletes from one cache.
#[derive(Clone, Debug)]
pub(super) struct Cleaner {
    pub(super) cache: Cache,
    pub(super) pins: Pins,
}

impl Cleaner {
    /// What deleting these would do, unless something needs them.
    pub(super) async fn plan(&self, targets: Vec<DeletionTarget>, board: Option<Arc<Board>>) -> Result<DeletionPlan, Fault> {
        let (cache, pins) = (self.cache.clone(), self.pins.clone());
        let plan = blocking(move || pins.check(&targets).and_then(|()| cache.plan_deletion(&targets))).await?;
        check_jobs(&plan, board.as_deref())?;
        Ok(plan)
    }

    /// Carries out a plan, unless something has come to need what would go.
    pub(super) async fn delete(&self, plan: DeletionPlan, disposal: Disposal, board: Option<Arc<Board>>) -> Result<DeletionReport, Fault> {
        check_jobs(&plan, board.as_deref())?;
        let (cache, pins) = (self.cache.clone(), self.pins.clone());
        blocking(move || pins.check(&plan.targets).and_then(|()| cache.delete(&plan, disposal))).await
    }

    /// Protects a repository from deletion, or lifts that.
    pub(super) async fn pin(&self, repo: RepoKey, pinned: bool) -> Result<(), Fault> {
        let pins = self.pins.clone();
        blocking(move || pins.set(repo, pinned)).await
    }

    /// Brings back what one deletion put into the trash.
    pub(super) async fn restore(&self, id: TrashId) -> Result<TrashEntry, Fault> {
        let cache = self.cache.clone();
        blocking(move || cache.restore(&id)).await
    }

    /// Empties these out of the trash, or all of it.
    pub(super) async fn empty_trash(&self, ids: Vec<TrashId>) -> Result<u64, Fault> {
        let cache = self.cache.clone();
        blocking(move || cache.empty_trash(&ids)).await
    }

    /// Finishes what was interrupted and empties what has been in the trash for long enough. Neither keeps anything else from working.
    pub(super) async fn tidy(self) {
        let tidied = blocking(move || self.cache.finish_interrupted().and_then(|()| self.cache.empty_expired())).await;
        if let Err(fault) = tidied {
            tracing::warn!("the trash could not be tidied: {fault}");
        }
    }
}

/// Refuses a deletion of what an unfinished job needs. A job for a plain folder needs nothing of the cache.
fn check_jobs(plan: &DeletionPlan, board: Option<&Board>) -> Result<(), Fault> {
    let jobs = board.into_iter().flat_map(|board| &board.jobs);
    let mut unfinished = jobs.filter(|job| is_unfinished(job.state) && job.plan.local_dir.is_none());
    unfinished.find(|job| takes_from(plan, &job.plan)).map_or(Ok(()), |job| Err(needed(job)))
}

fn is_unfinished(state: JobState) -> bool {
    !matches!(state, JobState::Completed | JobState::Cancelled)
}

/// Whether something of a job's would go: its repository, its commit, or one of its files, wanted or half there.
fn takes_from(deletion: &DeletionPlan, job: &Plan) -> bool {
    let key = RepoKey { kind: job.repo.kind, id: job.repo.id.clone() };
    deletion.repos.contains(&key)
        || deletion.revisions.iter().any(|(repo, commit)| *repo == key && *commit == job.commit)
        || deletion.targets.iter().any(|target| names(target, &key, job))
}

fn names(target: &DeletionTarget, key: &RepoKey, job: &Plan) -> bool {
    match target {
        DeletionTarget::Repo(repo) | DeletionTarget::Locks(repo) => repo == key,
        DeletionTarget::Revision { repo, commit } => repo == key && *commit == job.commit,
        DeletionTarget::Files { repo, commit, files } => {
            let of_it = repo == key && commit.as_ref().is_none_or(|commit| *commit == job.commit);
            of_it && job.files.iter().any(|file| files.contains(&file.path))
        }
        DeletionTarget::Leftover { repo, name } => repo == key && job.files.iter().any(|file| name.starts_with(file.digest.hex())),
        DeletionTarget::Payload(hash) => job.files.iter().any(|file| file.xet_hash.as_ref() == Some(hash)),
    }
}

fn needed(job: &Job) -> Fault {
    let message = format!("job {} needs it: {} of {} is {}", job.id, job.plan.title, job.plan.repo.id, job.state.name());
    Fault::new(FaultKind::Busy, message).hint(match job.state {
        JobState::Queued | JobState::Running => format!("wait until it is done, or cancel it with: hfdesk-tui jobs cancel {}", job.id),
        _ => format!("resume it and wait, or cancel it with: hfdesk-tui jobs cancel {}", job.id),
    })
}
