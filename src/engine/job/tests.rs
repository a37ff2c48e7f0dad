//! The queue against a runner that the test holds in its hand.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::store::Store;
use super::{Held, Jobs, JobsSettings, Run, Runner};
use crate::desk::{
    Board, Digest, Fault, FaultKind, JobAction, JobId, JobState, LeftFile, NoticeLevel, Plan, PlannedFile, RepoRef, Schedule, Target,
};
use crate::engine::host::{Clock, Space};

type Ending = oneshot::Sender<Result<(), Fault>>;

/// Runs end when the test says so or when they are stopped.
#[derive(Default)]
struct Puppet {
    runs: Mutex<Vec<(String, Ending)>>,
    discarded: Mutex<Vec<String>>,
    free: Mutex<Option<u64>>,
    unreadable: Mutex<Option<Fault>>,
    limits: Mutex<Vec<Option<u64>>>,
    running: Mutex<Vec<Arc<Run>>>,
    complete: AtomicBool,
}

impl Puppet {
    fn free(&self) -> u64 {
        self.free.lock().unwrap().unwrap_or(u64::MAX)
    }

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
        self.running.lock().unwrap().push(Arc::clone(&run));
        Box::pin(async move {
            tokio::select! {
                result = ended => result.unwrap(),
                () = run.stop.cancelled() => Err(Fault::new(FaultKind::Interrupted, "stopped")),
            }
        })
    }

    fn limit(&self, bytes_per_second: Option<u64>) {
        self.limits.lock().unwrap().push(bytes_per_second);
    }

    fn space(&self, _: &Plan) -> Result<Space, Fault> {
        Ok(Space { free: self.free(), total: u64::MAX, device: 1 })
    }

    fn held(&self, plan: &Plan) -> Result<Held, Fault> {
        if let Some(fault) = self.unreadable.lock().unwrap().clone() {
            return Err(fault);
        }
        if self.complete.load(Relaxed) {
            return Ok(Held { files: plan.files.len(), bytes: plan.bytes(), needs: 0, device: 1, free: self.free() });
        }
        Ok(Held { files: 0, bytes: 3, needs: plan.bytes(), device: 1, free: self.free() })
    }

    fn discard(&self, plan: &Plan, _: &HashSet<Digest>) -> Result<(), Fault> {
        self.discarded.lock().unwrap().push(plan.title.clone());
        Ok(())
    }
}

/// A clock that shows noon when a test begins and runs with the runtime's time, which tests may pause.
struct Running(Instant);

impl Clock for Running {
    fn now(&self) -> Timestamp {
        NOON.parse::<Timestamp>().unwrap() + self.0.elapsed()
    }
}

/// How long to wait for a state, which is a moment where time is paused.
const PATIENCE: Duration = Duration::from_secs(60);

const NOON: &str = "2026-01-05T12:00:00Z";

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
        tokio::time::timeout(PATIENCE, fitting.next()).await.expect("the state comes").unwrap()
    }

    async fn until_state(&self, id: &JobId, state: JobState) -> Arc<Board> {
        self.until(|board| board.job(id).is_some_and(|job| job.state == state)).await
    }
}

async fn start(dir: &TempDir, puppet: &Arc<Puppet>, max_active: usize) -> Result<Jobs, Fault> {
    let schedule = Schedule::parse("22:00-07:00 full, else 2 MB/s", None).unwrap();
    let settings = JobsSettings {
        state_dir: dir.path().to_path_buf(),
        max_active,
        disk_of: dir.path().to_path_buf(),
        schedule,
        keep_free: 5,
        zone: TimeZone::UTC,
        clock: Arc::new(Running(Instant::now())),
    };
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
async fn what_a_plan_leaves_is_kept_as_sums_only() {
    let bench = Bench::new(1).await;
    let left = vec![LeftFile { path: "other".to_owned(), size: 9, variant: None }];
    let id = bench.jobs.enqueue(Plan { left_files: 1, left_bytes: 9, left, ..plan("a") }).await.unwrap();
    let board = bench.until_state(&id, JobState::Running).await;
    let kept = &board.job(&id).unwrap().plan;
    assert_eq!((kept.left_files, kept.left_bytes, kept.left.len()), (1, 9, 0));
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
    *bench.puppet.free.lock().unwrap() = Some(20);
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

#[tokio::test]
async fn a_jobs_limit_holds_at_once_and_is_remembered() {
    let bench = Bench::new(1).await;
    let (a, b) = (bench.add("a").await, bench.add("b").await);
    bench.until_state(&a, JobState::Running).await;
    bench.jobs.limit(Target::Jobs(vec![a.clone(), b.clone()]), Some(7)).await.unwrap();
    assert_eq!(*bench.puppet.running.lock().unwrap()[0].limit.borrow(), Some(7));
    assert_eq!(bench.jobs.board().next().await.unwrap().job(&a).unwrap().limit, Some(7));
    bench.puppet.finish("a", Ok(()));
    bench.until_state(&b, JobState::Running).await;
    assert_eq!(*bench.puppet.running.lock().unwrap()[1].limit.borrow(), Some(7));
    assert_eq!(bench.jobs.limit(only(&a), None).await.unwrap_err().kind, FaultKind::Conflict);
    assert_eq!(Store::new(bench.dir.path()).load().unwrap()[1].limit, Some(7));
}

#[tokio::test(start_paused = true)]
async fn the_schedule_changes_the_common_limit_when_its_time_has_come() {
    let bench = Bench::new(1).await;
    let limit = bench.jobs.board().next().await.unwrap().limit;
    assert_eq!((limit.bytes_per_second, limit.until.unwrap().to_string().as_str()), (Some(2 << 20), "2026-01-05T22:00:00Z"));
    bench.jobs.limit(Target::All, Some(7)).await.unwrap();
    assert_eq!(bench.jobs.board().next().await.unwrap().limit.bytes_per_second, Some(7));
    tokio::time::sleep(Duration::from_secs(10 * 3600)).await;
    bench.until(|board| board.limit.bytes_per_second.is_none()).await;
    tokio::time::sleep(Duration::from_secs(9 * 3600)).await;
    bench.until(|board| board.limit.bytes_per_second == Some(2 << 20)).await;
    assert_eq!(*bench.puppet.limits.lock().unwrap(), [Some(2 << 20), Some(7), None, Some(2 << 20)]);
}

#[tokio::test(start_paused = true)]
async fn when_the_disk_fills_up_the_last_job_goes_back_and_later_on_by_itself() {
    let bench = Bench::new(2).await;
    let mut notices = bench.jobs.notices();
    let (a, b) = (bench.add("a").await, bench.add("b").await);
    bench.until(|board| board.jobs.iter().all(|job| job.state == JobState::Running)).await;
    *bench.puppet.free.lock().unwrap() = Some(24);
    let board = bench.until_state(&b, JobState::Queued).await;
    let fault = board.job(&b).unwrap().fault.clone().unwrap();
    assert_eq!((board.job(&a).unwrap().state, fault.kind), (JobState::Running, FaultKind::DiskFull));
    assert!(fault.message.contains("other jobs need 10 B before it") && fault.hint.unwrap().contains("by itself"));
    assert_eq!(notices.next().await.unwrap().level, NoticeLevel::Warning);
    *bench.puppet.free.lock().unwrap() = Some(25);
    assert!(bench.until_state(&b, JobState::Running).await.job(&b).unwrap().fault.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_in_the_middle_makes_a_job_wait_and_not_fail() {
    let bench = Bench::new(1).await;
    let a = bench.add("a").await;
    bench.until_state(&a, JobState::Running).await;
    let begun = Instant::now();
    bench.puppet.finish("a", Err(Fault::new(FaultKind::DiskFull, "no room for a")));
    let board = bench.until_state(&a, JobState::Queued).await;
    assert_eq!(board.job(&a).unwrap().fault.as_ref().unwrap().message, "no room for a");
    bench.until_state(&a, JobState::Running).await;
    assert!(begun.elapsed() >= Duration::from_secs(15), "it does not try again at once: {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_for_room_is_not_overtaken_on_its_filesystem() {
    let bench = Bench::new(1).await;
    let mut small = plan("b");
    small.files[0].size = 5;
    let (a, b) = (bench.add("a").await, bench.jobs.enqueue(small).await.unwrap());
    bench.until_state(&a, JobState::Running).await;
    bench.jobs.control(JobAction::Pause, Target::All).await.unwrap();
    *bench.puppet.free.lock().unwrap() = Some(14);
    bench.jobs.control(JobAction::Resume, Target::All).await.unwrap();
    bench.until(|board| board.job(&a).unwrap().fault.is_some()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.jobs.board().next().await.unwrap().job(&b).unwrap().state, JobState::Queued);
}

#[tokio::test]
async fn a_completed_download_that_is_asked_for_again_stays_one_job_and_whole() {
    let bench = Bench::new(1).await;
    let a = bench.add("a").await;
    bench.until_state(&a, JobState::Running).await;
    bench.puppet.finish("a", Ok(()));
    bench.until_state(&a, JobState::Completed).await;
    bench.puppet.complete.store(true, Relaxed);
    assert_eq!(bench.add("a").await, a);
    let board = bench.until_state(&a, JobState::Running).await;
    assert_eq!((board.jobs.len(), board.jobs[0].progress.ratio()), (1, 1.0));
}

#[tokio::test]
async fn no_more_jobs_run_than_may() {
    let bench = Bench::new(2).await;
    let ids = [bench.add("a").await, bench.add("b").await, bench.add("c").await];
    let board = bench.until_state(&ids[1], JobState::Running).await;
    assert_eq!(board.job(&ids[2]).unwrap().state, JobState::Queued);
    bench.jobs.control(JobAction::Pause, only(&ids[0])).await.unwrap();
    bench.until_state(&ids[2], JobState::Running).await;
    assert_eq!(bench.puppet.running.lock().unwrap().len(), 3);
}
