//! The queue against a runner that the test holds in its hand.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::store::Store;
use super::{Held, Jobs, JobsSettings, Run, Runner};
use crate::desk::{Board, Digest, Fault, FaultKind, JobAction, JobId, JobState, NoticeLevel, Plan, PlannedFile, RepoRef, Target};
use crate::engine::host::SystemClock;

type Ending = oneshot::Sender<Result<(), Fault>>;

/// Runs end when the test says so or when they are stopped.
#[derive(Default)]
struct Puppet {
    runs: Mutex<Vec<(String, Ending)>>,
    discarded: Mutex<Vec<String>>,
    free: Mutex<Option<u64>>,
    unreadable: Mutex<Option<Fault>>,
}

impl Puppet {
    fn finish(&self, title: &str, result: Result<(), Fault>) {
        let mut runs = self.runs.lock().unwrap();
        let at = runs.iter().position(|(name, _)| name == title).expect("it runs");
        runs.remove(at).1.send(result).unwrap();
    }
}

impl Runner for Puppet {
    fn run(&self, plan: Arc<Plan>, run: Arc<Run>) -> BoxFuture<'static, Result<(), Fault>> {
        let (end, ended) = oneshot::channel();
        self.runs.lock().unwrap().push((plan.title.clone(), end));
        Box::pin(async move {
            tokio::select! {
                result = ended => result.unwrap(),
                () = run.stop.cancelled() => Err(Fault::new(FaultKind::Interrupted, "stopped")),
            }
        })
    }

    fn held(&self, plan: &Plan) -> Result<Held, Fault> {
        if let Some(fault) = self.unreadable.lock().unwrap().clone() {
            return Err(fault);
        }
        let free = self.free.lock().unwrap().unwrap_or(u64::MAX);
        Ok(Held { files: 0, bytes: 3, needs: plan.bytes(), device: 1, free })
    }

    fn discard(&self, plan: &Plan, _: &HashSet<Digest>) -> Result<(), Fault> {
        self.discarded.lock().unwrap().push(plan.title.clone());
        Ok(())
    }
}

struct Bench {
    dir: TempDir,
    puppet: Arc<Puppet>,
    jobs: Jobs,
}

impl Bench {
    async fn new(max_active: usize) -> Self {
        let (dir, puppet) = (tempfile::tempdir().unwrap(), Arc::new(Puppet::default()));
        let jobs = start(&dir, &puppet, max_active).await.unwrap();
        Self { dir, puppet, jobs }
    }

    async fn add(&self, title: &str) -> JobId {
        self.jobs.enqueue(plan(title)).await.unwrap()
    }

    /// The board once it satisfies a condition.
    async fn until(&self, wanted: impl Fn(&Board) -> bool) -> Arc<Board> {
        let boards = self.jobs.board();
        let mut fitting = std::pin::pin!(boards.filter(|board| std::future::ready(wanted(board))));
        tokio::time::timeout(Duration::from_secs(10), fitting.next()).await.expect("the state comes").unwrap()
    }

    async fn until_state(&self, id: &JobId, state: JobState) -> Arc<Board> {
        self.until(|board| board.job(id).is_some_and(|job| job.state == state)).await
    }
}

async fn start(dir: &TempDir, puppet: &Arc<Puppet>, max_active: usize) -> Result<Jobs, Fault> {
    let settings =
        JobsSettings { state_dir: dir.path().to_path_buf(), max_active, disk_of: dir.path().to_path_buf(), clock: Arc::new(SystemClock) };
    Jobs::start(settings, Arc::clone(puppet) as Arc<dyn Runner>).await
}

fn plan(title: &str) -> Plan {
    let file = PlannedFile { path: title.to_owned(), size: 10, digest: "a".repeat(64).parse().unwrap(), xet_hash: None, held: 0 };
    Plan { title: title.to_owned(), ..Plan::for_tests(RepoRef::model("o/n".parse().unwrap()), vec![file]) }
}

fn only(id: &JobId) -> Target {
    Target::Jobs(vec![id.clone()])
}

#[tokio::test]
async fn jobs_run_in_order_as_places_come_free() {
    let bench = Bench::new(1).await;
    let (a, b) = (bench.add("a").await, bench.add("b").await);
    let board = bench.until_state(&a, JobState::Running).await;
    assert_eq!(board.job(&b).unwrap().state, JobState::Queued);
    bench.puppet.finish("a", Ok(()));
    let board = bench.until_state(&b, JobState::Running).await;
    let done = board.job(&a).unwrap();
    assert_eq!((done.state, done.progress.bytes_done, done.progress.ratio()), (JobState::Completed, 10, 1.0));
    assert_eq!(board.jobs[0].id, b);
}

#[tokio::test]
async fn a_pause_is_answered_after_the_run_has_stopped_and_a_resume_begins_a_new_one() {
    let bench = Bench::new(1).await;
    let a = bench.add("a").await;
    bench.until_state(&a, JobState::Running).await;
    assert_eq!(bench.jobs.control(JobAction::Pause, only(&a)).await.unwrap(), std::slice::from_ref(&a));
    assert!(bench.puppet.runs.lock().unwrap()[0].1.is_closed());
    bench.jobs.control(JobAction::Resume, only(&a)).await.unwrap();
    bench.until(|board| board.job(&a).unwrap().state == JobState::Running).await;
    assert_eq!(bench.puppet.runs.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_resume_right_behind_a_pause_does_not_lose_the_job() {
    let bench = Bench::new(1).await;
    let a = bench.add("a").await;
    bench.until_state(&a, JobState::Running).await;
    let (paused, resumed) = tokio::join!(bench.jobs.control(JobAction::Pause, only(&a)), bench.jobs.control(JobAction::Resume, only(&a)));
    assert!(paused.is_ok() && resumed.is_ok());
    bench.until_state(&a, JobState::Running).await;
}

#[tokio::test]
async fn a_failure_keeps_its_reason_and_can_be_retried() {
    let bench = Bench::new(1).await;
    let mut notices = bench.jobs.notices();
    let a = bench.add("a").await;
    bench.until_state(&a, JobState::Running).await;
    bench.puppet.finish("a", Err(Fault::new(FaultKind::Network, "the line broke")));
    let board = bench.until_state(&a, JobState::Failed).await;
    assert_eq!(board.job(&a).unwrap().fault.as_ref().unwrap().kind, FaultKind::Network);
    assert_eq!(notices.next().await.unwrap().level, NoticeLevel::Error);
    bench.jobs.control(JobAction::Retry, only(&a)).await.unwrap();
    assert!(bench.until_state(&a, JobState::Running).await.job(&a).unwrap().fault.is_none());
}

#[tokio::test]
async fn cancelling_removes_partials_of_running_and_resting_jobs() {
    let bench = Bench::new(1).await;
    let (a, b) = (bench.add("a").await, bench.add("b").await);
    bench.until_state(&a, JobState::Running).await;
    bench.jobs.control(JobAction::Cancel, Target::All).await.unwrap();
    let mut discarded = bench.puppet.discarded.lock().unwrap().clone();
    discarded.sort();
    assert_eq!(discarded, ["a", "b"]);
    bench.until_state(&b, JobState::Cancelled).await;
}

#[tokio::test]
async fn a_crash_leaves_every_job_paused_with_what_the_disk_holds() {
    let bench = Bench::new(1).await;
    let (a, b) = (bench.add("a").await, bench.add("b").await);
    bench.until_state(&a, JobState::Running).await;
    // The first engine is still there, as after a crash nobody closed it; a second one reads what it left.
    let again = start(&bench.dir, &bench.puppet, 1).await.unwrap();
    let board = again.board().next().await.unwrap();
    let left: Vec<_> = board.jobs.iter().map(|job| (job.id.clone(), job.state, job.progress.bytes_done)).collect();
    assert_eq!(left, [(a, JobState::Paused, 3), (b, JobState::Paused, 3)]);
}

#[tokio::test]
async fn closing_pauses_saves_and_answers() {
    let bench = Bench::new(1).await;
    let a = bench.add("a").await;
    bench.until_state(&a, JobState::Running).await;
    bench.jobs.close().await.unwrap();
    assert_eq!(Store::new(bench.dir.path()).load().unwrap()[0].state, JobState::Paused);
    bench.jobs.close().await.unwrap();
    assert_eq!(bench.jobs.enqueue(plan("b")).await.unwrap_err().kind, FaultKind::Interrupted);
}

#[tokio::test]
async fn the_whole_queue_must_fit_the_disk() {
    let bench = Bench::new(1).await;
    *bench.puppet.free.lock().unwrap() = Some(15);
    let a = bench.add("a").await;
    let fault = bench.jobs.enqueue(plan("b")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::DiskFull);
    assert_eq!(bench.add("a").await, a, "the same plan needs no more room");
}

#[tokio::test]
async fn a_job_waits_with_its_reason_while_there_is_no_room() {
    let bench = Bench::new(1).await;
    let a = bench.add("a").await;
    bench.until_state(&a, JobState::Running).await;
    bench.jobs.control(JobAction::Pause, only(&a)).await.unwrap();
    *bench.puppet.free.lock().unwrap() = Some(1);
    bench.jobs.control(JobAction::Resume, only(&a)).await.unwrap();
    let board = bench.until(|board| board.jobs[0].fault.is_some()).await;
    assert_eq!(board.jobs[0].state, JobState::Queued);
    *bench.puppet.free.lock().unwrap() = None;
    bench.until_state(&a, JobState::Running).await;
}

#[tokio::test]
async fn a_job_whose_place_cannot_be_read_fails_and_does_not_hold_up_the_others() {
    let bench = Bench::new(1).await;
    let a = bench.add("a").await;
    bench.until_state(&a, JobState::Running).await;
    bench.jobs.control(JobAction::Pause, only(&a)).await.unwrap();
    *bench.puppet.unreadable.lock().unwrap() = Some(Fault::new(FaultKind::Disk, "the disk is gone"));
    bench.jobs.control(JobAction::Resume, only(&a)).await.unwrap();
    let board = bench.until_state(&a, JobState::Failed).await;
    assert_eq!(board.job(&a).unwrap().fault.as_ref().unwrap().message, "the disk is gone");
    *bench.puppet.unreadable.lock().unwrap() = None;
    let b = bench.add("b").await;
    bench.until_state(&b, JobState::Running).await;
}

#[tokio::test]
async fn an_unreadable_queue_is_a_fault_and_is_not_overwritten() {
    let (dir, puppet) = (tempfile::tempdir().unwrap(), Arc::new(Puppet::default()));
    std::fs::write(dir.path().join("queue.json"), "{").unwrap();
    let fault = start(&dir, &puppet, 1).await.err().unwrap();
    assert!(fault.hint.is_some());
    assert_eq!(std::fs::read(dir.path().join("queue.json")).unwrap(), b"{");
}

#[tokio::test]
async fn a_queue_that_cannot_be_saved_admits_nothing() {
    let bench = Bench::new(1).await;
    std::fs::create_dir(bench.dir.path().join("queue.json")).unwrap();
    assert!(bench.jobs.enqueue(plan("a")).await.is_err());
    assert!(bench.jobs.board().next().await.unwrap().jobs.is_empty());
}
