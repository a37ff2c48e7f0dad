//! Deleting from the cache beside the queue: what an unfinished job needs and what is pinned stays.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use futures::stream::BoxStream;

use super::cache::{Cache, Gauge};
use super::host::blocking;
use super::pins::Pins;
use super::underway;
use crate::desk::{
    Board, DeletionPlan, DeletionReport, DeletionTarget, Disposal, Fault, FaultKind, Finding, Job, JobState, MendReport, Plan,
    RelocationPlan, RelocationStep, RepoKey, RestoreReport, TrashId, Trouble, printable,
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

    /// Moves a repository's files to another disk, or back, unless a job is at it.
    pub(super) fn relocate(self, plan: RelocationPlan, board: Option<Arc<Board>>) -> BoxStream<'static, RelocationStep> {
        let move_now = move |gauge: &Gauge| {
            unfinished(board.as_deref()).find(|job| is_of(job, &plan.repo)).map_or(Ok(()), |job| Err(needed(job)))?;
            self.cache.relocate(&plan, gauge)
        };
        let end = |outcome: Result<_, Fault>| outcome.map_or_else(RelocationStep::Failed, RelocationStep::Done);
        underway::steps(move_now, RelocationStep::Progress, end)
    }

    /// Protects a repository from deletion, or lifts that.
    pub(super) async fn pin(&self, repo: RepoKey, pinned: bool) -> Result<(), Fault> {
        let pins = self.pins.clone();
        blocking(move || pins.set(repo, pinned)).await
    }

    /// Brings back what one deletion put into the trash.
    pub(super) async fn restore(&self, id: TrashId) -> Result<RestoreReport, Fault> {
        let cache = self.cache.clone();
        blocking(move || cache.restore(&id)).await
    }

    /// Empties these out of the trash, or all of it.
    pub(super) async fn empty_trash(&self, ids: Vec<TrashId>) -> Result<u64, Fault> {
        let cache = self.cache.clone();
        blocking(move || cache.empty_trash(&ids)).await
    }

    /// Mends what was found at this time, but nothing of what is pinned or of what an unfinished job needs.
    pub(super) async fn mend(&self, findings: Vec<Finding>, now: Timestamp, board: Option<Arc<Board>>) -> Result<MendReport, Fault> {
        let cleaner = self.clone();
        let mend = move || {
            let (mut free, mut failures) = (Vec::new(), Vec::new());
            for finding in findings {
                match cleaner.may_mend(&finding, board.as_deref()) {
                    Ok(()) => free.push(finding),
                    Err(fault) => {
                        let path = printable(&finding.path.display().to_string());
                        failures.push(format!("{path} was not mended: {}", fault.message));
                    }
                }
            }
            let report = cleaner.cache.mend(&free, now);
            Ok(MendReport { failures: failures.into_iter().chain(report.failures).collect(), ..report })
        };
        blocking(mend).await
    }

    fn may_mend(&self, finding: &Finding, board: Option<&Board>) -> Result<(), Fault> {
        if finding.trouble == Trouble::OrphanPayload {
            let wanted = |job: &&Job| job.plan.files.iter().any(|file| file.xet_hash.is_some());
            return unfinished(board).find(wanted).map_or(Ok(()), |job| Err(needed(job)));
        }
        // Opening something to others takes nothing away.
        let Some(repo) = self.cache.repo_at(&finding.path).filter(|_| finding.trouble != Trouble::Permissions) else { return Ok(()) };
        self.pins.check(&[DeletionTarget::Repo(repo.clone())])?;
        unfinished(board).find(|job| is_of(job, &repo)).map_or(Ok(()), |job| Err(needed(job)))
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

/// Whether a job downloads this repository.
fn is_of(job: &Job, repo: &RepoKey) -> bool {
    job.plan.repo.kind == repo.kind && job.plan.repo.id == repo.id
}

/// Refuses a deletion of what an unfinished job needs. A job for a plain folder needs nothing of the cache.
fn check_jobs(plan: &DeletionPlan, board: Option<&Board>) -> Result<(), Fault> {
    unfinished(board).find(|job| takes_from(plan, &job.plan)).map_or(Ok(()), |job| Err(needed(job)))
}

fn unfinished(board: Option<&Board>) -> impl Iterator<Item = &Job> {
    let jobs = board.into_iter().flat_map(|board| &board.jobs);
    jobs.filter(|job| is_unfinished(job.state) && job.plan.local_dir.is_none())
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
    use std::fs;
    use std::path::PathBuf;

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
        DeletionPlan { targets: vec![target], ..DeletionPlan::nothing("/cache".into()) }
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

    #[tokio::test]
    async fn nothing_is_mended_of_what_is_pinned_or_needed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("hub"));
        let cleaner = Cleaner { pins: Pins::of(&dir.path().join("state"), cache.root()), cache: cache.clone() };
        for name in ["m", "pinned", "free"] {
            let repo = cache.root().join(format!("models--org--{name}"));
            fs::create_dir_all(repo.join("snapshots").join(COMMIT)).unwrap();
            fs::create_dir_all(repo.join("refs")).unwrap();
            fs::write(repo.join("refs/main"), "f".repeat(40)).unwrap();
        }
        cleaner.pins.set(key("org/pinned"), true).unwrap();
        let now = Timestamp::now();
        let found: Vec<Finding> =
            cache.diagnose(now).unwrap().into_iter().filter(|finding| finding.trouble == Trouble::DanglingRef).collect();
        let report = cleaner.mend(found, now, Some(Arc::new(job(JobState::Paused, None)))).await.unwrap();
        assert_eq!((report.mended.len(), report.failures.len()), (1, 2), "{report:?}");
        let is_left = |name: &str| cache.root().join(format!("models--org--{name}/refs/main")).exists();
        assert_eq!((is_left("m"), is_left("pinned"), is_left("free")), (true, true, false));
        assert!(report.failures.iter().any(|why| why.contains("is pinned")) && report.failures.iter().any(|why| why.contains("job 0123")));
    }
}
