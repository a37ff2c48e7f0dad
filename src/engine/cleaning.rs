//! Deleting from the cache beside the queue: what an unfinished job needs and what is pinned stays.

use std::collections::HashSet;
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
        let report = blocking(move || pins.check(&plan.targets).and_then(|()| cache.delete(&plan, disposal))).await;
        // Whoever asked for this does not wait for what others have deleted.
        tokio::spawn(self.clone().expire());
        report
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

    /// Finishes what was interrupted. That keeps nothing else from working.
    pub(super) async fn tidy(self) {
        if let Err(fault) = blocking(move || self.cache.finish_interrupted()).await {
            tracing::warn!("the trash could not be tidied: {fault}");
        }
    }

    /// Empties what has been in the trash for long enough. That keeps nothing else from working either.
    pub(super) async fn expire(self) {
        if let Err(fault) = blocking(move || self.cache.empty_expired()).await {
            tracing::warn!("the trash could not be emptied of what has expired: {fault}");
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
        || takes_blob(deletion, &key, job)
}

/// Whether a blob goes that is the content of one of a job's files, whatever file or revision it is deleted with.
fn takes_blob(deletion: &DeletionPlan, key: &RepoKey, job: &Plan) -> bool {
    let blobs = Cache::blobs_of(&deletion.root, key);
    let going: HashSet<&str> =
        deletion.paths.iter().filter(|path| path.parent() == Some(&blobs)).filter_map(|path| path.file_name()?.to_str()).collect();
    job.files.iter().any(|file| going.contains(file.digest.hex()))
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use jiff::Timestamp;

    use super::*;
    use crate::desk::{JobId, Phase, PlannedFile, Progress, RepoKind, RepoRef};

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    const ETAG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn key(id: &str) -> RepoKey {
        RepoKey { kind: RepoKind::Model, id: id.parse().unwrap() }
    }

    fn job(state: JobState, local_dir: Option<PathBuf>) -> Board {
        let file = PlannedFile { path: "a.gguf".into(), size: 1, digest: ETAG.parse().unwrap(), xet_hash: Some("c6".into()), held: 0 };
        let plan = Plan {
            repo: RepoRef { kind: RepoKind::Model, id: "org/m".parse().unwrap(), revision: "main".parse().unwrap() },
            commit: COMMIT.into(),
            title: "Q4_K_M".into(),
            files: vec![file],
            left_files: 0,
            left_bytes: 0,
            left: Vec::new(),
            local_dir,
            destination: "/nowhere".into(),
            disk_free: None,
        };
        let job = Job {
            id: JobId("0123456789ab".into()),
            plan: Arc::new(plan),
            state,
            phase: Phase::default(),
            progress: Progress::default(),
            active: Vec::new(),
            limit: None,
            fault: None,
            created_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
        };
        Board { jobs: vec![job], ..Board::default() }
    }

    fn deletion(target: DeletionTarget) -> DeletionPlan {
        DeletionPlan {
            root: "/cache".into(),
            targets: vec![target],
            repos: Vec::new(),
            revisions: Vec::new(),
            paths: Vec::new(),
            payloads: Vec::new(),
            frees: 0,
            unused: 0,
            keeps: 0,
            disk_free: None,
            open_files: Vec::new(),
        }
    }

    #[test]
    fn what_an_unfinished_job_needs_stays() {
        let files = |commit: Option<&str>, file: &str| DeletionTarget::Files {
            repo: key("org/m"),
            commit: commit.map(Into::into),
            files: vec![file.into()],
        };
        let leftover = |name: &str| DeletionTarget::Leftover { repo: key("org/m"), name: name.into() };
        let revision = |commit: &str| DeletionTarget::Revision { repo: key("org/m"), commit: commit.into() };
        let cases = [
            (DeletionTarget::Repo(key("org/m")), true),
            (DeletionTarget::Repo(key("org/other")), false),
            (DeletionTarget::Locks(key("org/m")), true),
            (revision(COMMIT), true),
            (revision(&"f".repeat(40)), false),
            (files(None, "a.gguf"), true),
            (files(Some(COMMIT), "a.gguf"), true),
            (files(Some(&"f".repeat(40)), "a.gguf"), false),
            (files(None, "b.gguf"), false),
            (leftover(&format!("{ETAG}.hfdesk.part")), true),
            (leftover("bb.hfdesk.part"), false),
            (DeletionTarget::Payload("c6".into()), true),
            (DeletionTarget::Payload("c7".into()), false),
        ];
        for (target, is_needed) in cases {
            let plan = deletion(target);
            let refused = check_jobs(&plan, Some(&job(JobState::Paused, None)));
            assert_eq!(refused.is_err(), is_needed, "{plan:?}");
        }
        for (blob, is_needed) in [(ETAG, true), ("bb", false)] {
            let paths = vec![PathBuf::from("/cache/models--org--m/blobs").join(blob)];
            let plan = DeletionPlan { paths, ..deletion(files(None, "another name.gguf")) };
            assert_eq!(check_jobs(&plan, Some(&job(JobState::Queued, None))).is_err(), is_needed, "{blob}");
        }
        let last_revision = DeletionPlan { repos: vec![key("org/m")], ..deletion(revision(&"f".repeat(40))) };
        assert!(check_jobs(&last_revision, Some(&job(JobState::Failed, None))).is_err());
    }

    #[test]
    fn jobs_that_are_over_or_elsewhere_need_nothing() {
        let plan = deletion(DeletionTarget::Repo(key("org/m")));
        for (state, is_needed) in [
            (JobState::Queued, true),
            (JobState::Running, true),
            (JobState::Paused, true),
            (JobState::Failed, true),
            (JobState::Completed, false),
            (JobState::Cancelled, false),
        ] {
            assert_eq!(check_jobs(&plan, Some(&job(state, None))).is_err(), is_needed, "{state:?}");
        }
        assert!(check_jobs(&plan, Some(&job(JobState::Running, Some("/models".into())))).is_ok());
        assert!(check_jobs(&plan, None).is_ok());
        let fault = check_jobs(&plan, Some(&job(JobState::Paused, None))).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Busy);
        assert_eq!(fault.message, "job 0123456789ab needs it: Q4_K_M of org/m is paused");
        assert!(fault.hint.unwrap().contains("jobs cancel 0123456789ab"));
    }
}
