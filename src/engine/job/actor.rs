//! The one task that owns the queue.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};

use super::jobs::{JobsSettings, Listeners};
use super::limits::Limits;
use super::queue::Queue;
use super::record::Record;
use super::room::{self, Claim};
use super::runner::{Held, Run, Runner};
use super::snapshot::{Running, board};
use super::store::Store;
use crate::desk::{Board, Disk, Fault, FaultKind, JobAction, JobId, JobState, Notice, NoticeLevel, Plan, Target};
use crate::engine::host::{Space, blocking, space};

/// How often the board is renewed while something runs.
const TICK: Duration = Duration::from_millis(100);

/// How often free space is looked at again, for the board and for jobs that wait for room.
const DISK_RECHECK: Duration = Duration::from_secs(2);

/// How long a job waits that found the disk full while it ran, though there is no more room yet: a quota may be what was full.
const AFTER_FULL: Duration = Duration::from_secs(15);

type Ended = (JobId, Result<(), Fault>);
type Answer<T> = oneshot::Sender<Result<T, Fault>>;

/// What the handle asks for.
pub(super) enum Command {
    Enqueue(Box<Plan>, Answer<JobId>),
    Control(JobAction, Target, Answer<Vec<JobId>>),
    Limit(Target, Option<u64>, Answer<()>),
    Close(Answer<()>),
}

/// A job that waits for room on a filesystem. It is not tried again before `until`, unless there is more room than when it began to wait.
struct Wait {
    until: Instant,
    looks_at: Instant,
    space: Option<Space>,
}

/// A request that is answered once these jobs have stopped.
struct Stopping {
    jobs: Vec<JobId>,
    answer: Answer<Vec<JobId>>,
}

pub(super) struct Actor {
    settings: JobsSettings,
    runner: Arc<dyn Runner>,
    store: Store,
    queue: Queue,
    running: HashMap<JobId, Running>,
    ended: mpsc::Sender<Ended>,
    endings: mpsc::Receiver<Ended>,
    publish: watch::Sender<Arc<Board>>,
    listeners: Arc<Listeners>,
    stopping: Vec<Stopping>,
    closing: Option<Answer<()>>,
    disk: Option<(Instant, Disk)>,
    limits: Limits,
    waits: HashMap<JobId, Wait>,
    /// When it was last seen to that the disk has room for what runs.
    guarded: Instant,
}

impl Actor {
    /// The queue as the disk has it, with every unfinished job's progress as the disk has it.
    pub async fn load(
        settings: JobsSettings,
        runner: Arc<dyn Runner>,
        publish: watch::Sender<Arc<Board>>,
        listeners: Arc<Listeners>,
    ) -> Result<Self, Fault> {
        let store = Store::new(&settings.state_dir);
        let queue = Queue::restored(store.load()?);
        let (ended, endings) = mpsc::channel(settings.max_active);
        let limits = Limits::new(settings.schedule.clone(), settings.zone.clone(), settings.clock.now());
        runner.limit(limits.now().bytes_per_second);
        let mut actor = Self {
            settings,
            runner,
            store,
            queue,
            running: HashMap::new(),
            ended,
            endings,
            publish,
            listeners,
            stopping: Vec::new(),
            closing: None,
            disk: None,
            limits,
            waits: HashMap::new(),
            guarded: Instant::now(),
        };
        actor.recount_all().await;
        actor.show();
        Ok(actor)
    }

    /// Serves commands until asked to close or nobody is left to ask.
    pub async fn serve(mut self, mut inbox: mpsc::Receiver<Command>) {
        loop {
            self.keep_to_schedule();
            self.guard_room().await;
            self.start_what_fits().await;
            self.show();
            if self.closing.is_some() && self.running.is_empty() {
                break;
            }
            let look = self.next_look();
            tokio::select! {
                command = inbox.recv(), if self.closing.is_none() => match command {
                    Some(command) => self.obey(command).await,
                    None => break,
                },
                Some((id, result)) = self.endings.recv() => self.ended(&id, result).await,
                () = after(look) => {}
            }
        }
        for running in self.running.values() {
            running.run.stop.cancel();
        }
        if let Some(answer) = self.closing.take() {
            let _ = answer.send(Ok(()));
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Enqueue(plan, answer) => {
                let result = self.enqueue(*plan).await;
                self.show(); // so that whoever asked does not see the board of a moment ago
                let _ = answer.send(result);
            }
            Command::Control(action, target, answer) => self.control(action, &target, answer).await,
            Command::Limit(target, bytes_per_second, answer) => {
                let result = self.limit(&target, bytes_per_second).await;
                self.show();
                let _ = answer.send(result);
            }
            Command::Close(answer) => {
                let (stopped, _) = oneshot::channel();
                self.control(JobAction::Pause, &Target::All, stopped).await;
                self.closing = Some(answer);
            }
        }
    }

    /// Admits a plan when the disk has room for it beside the whole queue. What cannot be remembered is not admitted.
    async fn enqueue(&mut self, plan: Plan) -> Result<JobId, Fault> {
        let others = self.queue.jobs.iter().filter(|job| !job.state.is_over() && !job.carries_out(&plan));
        let promised = self.held_of(others.map(|job| Arc::clone(&job.plan)).collect()).await;
        let title = plan.title.clone();
        let wanted = self.held(Arc::new(plan.clone())).await?;
        room::check(&title, &wanted, &promised, self.settings.keep_free)?;
        let before = self.queue.clone();
        let id = self.queue.enqueue(plan, self.settings.clock.now());
        self.note_held(&id, &wanted);
        if let Err(fault) = self.save().await {
            self.queue = before;
            return Err(fault);
        }
        Ok(id)
    }

    async fn control(&mut self, action: JobAction, target: &Target, answer: Answer<Vec<JobId>>) {
        let cancelled_plans = self.plans_at_rest(action, target);
        let changed = match self.queue.apply(action, target, self.settings.clock.now()) {
            Ok(changed) => changed,
            Err(fault) => {
                let _ = answer.send(Err(fault));
                return;
            }
        };
        self.waits.retain(|id, _| !changed.contains(id));
        self.save_or_tell().await;
        for plan in cancelled_plans {
            self.discard(plan).await;
        }
        if matches!(action, JobAction::Pause | JobAction::Cancel) {
            changed.iter().filter_map(|id| self.running.get(id)).for_each(|running| running.run.stop.cancel());
            self.stopping.push(Stopping { jobs: changed, answer });
            self.answer_stopped();
        } else {
            self.show();
            let _ = answer.send(Ok(changed));
        }
    }

    /// The plans that a cancellation gives up while nothing of them runs; those that run are discarded when they have stopped.
    fn plans_at_rest(&self, action: JobAction, target: &Target) -> Vec<Arc<Plan>> {
        let named = |job: &&Record| match target {
            Target::All => true,
            Target::Jobs(ids) => ids.contains(&job.id),
        };
        let resting = |job: &&Record| action == JobAction::Cancel && job.state.allows(action) && !self.running.contains_key(&job.id);
        self.queue.jobs.iter().filter(named).filter(resting).map(|job| Arc::clone(&job.plan)).collect()
    }

    /// Answers the requests whose jobs have all stopped.
    fn answer_stopped(&mut self) {
        let (waiting, done): (Vec<_>, Vec<_>) =
            self.stopping.drain(..).partition(|stopping| stopping.jobs.iter().any(|id| self.running.contains_key(id)));
        self.stopping = waiting;
        if !done.is_empty() {
            self.show();
        }
        for stopping in done {
            let _ = stopping.answer.send(Ok(stopping.jobs));
        }
    }

    /// Limits the speed of some jobs, or of all together.
    async fn limit(&mut self, target: &Target, bytes_per_second: Option<u64>) -> Result<(), Fault> {
        let Target::Jobs(ids) = target else {
            self.limits.set(bytes_per_second, self.settings.clock.now());
            self.apply_shared_limit();
            return Ok(());
        };
        self.queue.limit(ids, bytes_per_second)?;
        for (_, running) in self.running.iter_mut().filter(|(id, _)| ids.contains(id)) {
            running.run.limit.send_replace(bytes_per_second);
            running.measure_anew();
        }
        self.save_or_tell().await;
        Ok(())
    }

    /// Lets the schedule change the limit when its time has come.
    fn keep_to_schedule(&mut self) {
        if self.limits.turn(self.settings.clock.now()) {
            self.apply_shared_limit();
        }
    }

    fn apply_shared_limit(&mut self) {
        self.runner.limit(self.limits.now().bytes_per_second);
        self.running.values_mut().for_each(Running::measure_anew);
    }

    /// Stops running jobs, the last ones first, whose filesystem has not enough room for all of them any more.
    async fn guard_room(&mut self) {
        if self.running.is_empty() || self.guarded.elapsed() < DISK_RECHECK {
            return;
        }
        self.guarded = Instant::now();
        let claim = |job: &Record| {
            let running = self.running.get(&job.id).filter(|running| !running.run.stop.is_cancelled())?;
            Some(Claim { id: job.id.clone(), plan: Arc::clone(&job.plan), left: running.left(job) })
        };
        let claims: Vec<Claim> = self.queue.jobs.iter().filter_map(claim).collect();
        let (runner, keep_free) = (Arc::clone(&self.runner), self.settings.keep_free);
        let outgrown = blocking(move || Ok(room::outgrown(&*runner, &claims, keep_free))).await.unwrap_or_default();
        for (id, fault) in outgrown {
            if let Some(running) = self.running.get_mut(&id) {
                running.put_back = Some(fault);
                running.run.stop.cancel();
            }
        }
    }

    /// Starts queued jobs in order while there are places and the disk has room.
    ///
    /// A job that finds no room waits and says so. Meanwhile only jobs that take nothing from the same filesystem overtake it.
    async fn start_what_fits(&mut self) {
        let mut full = HashSet::new();
        for (id, plan) in self.queued() {
            if self.closing.is_some() || self.running.len() >= self.settings.max_active {
                return;
            }
            if self.must_wait(&id, &plan) {
                full.extend(self.waits.get(&id).and_then(|wait| wait.space).map(|space| space.device));
                continue;
            }
            match self.held(Arc::clone(&plan)).await {
                Ok(held) => match self.room_beside_running(&plan, &held).await {
                    Ok(()) if held.needs > 0 && full.contains(&held.device) => self.rest(&id, &plan, DISK_RECHECK),
                    Ok(()) => self.start(id, plan, &held).await,
                    Err(fault) => {
                        full.insert(held.device);
                        self.wait_for_room(&id, &plan, fault, DISK_RECHECK);
                    }
                },
                Err(fault) => self.fail(&id, fault).await,
            }
        }
    }

    /// The jobs that may start, in order.
    fn queued(&self) -> Vec<(JobId, Arc<Plan>)> {
        let may_start = |job: &&Record| job.state == JobState::Queued && !self.running.contains_key(&job.id);
        self.queue.jobs.iter().filter(may_start).map(|job| (job.id.clone(), Arc::clone(&job.plan))).collect()
    }

    /// Refuses when the disk has too little room for a plan beside the jobs that run.
    async fn room_beside_running(&self, plan: &Plan, wanted: &Held) -> Result<(), Fault> {
        let running = self.queue.jobs.iter().filter(|job| self.running.contains_key(&job.id));
        let promised = self.held_of(running.map(|job| Arc::clone(&job.plan)).collect()).await;
        room::check(&plan.title, wanted, &promised, self.settings.keep_free)
    }

    /// Lets a job wait in the queue, with its reason, and try again after a while.
    fn wait_for_room(&mut self, id: &JobId, plan: &Plan, fault: Fault, wait: Duration) {
        self.rest(id, plan, wait);
        let now = self.settings.clock.now();
        if let Some(job) = self.queue.get_mut(id) {
            job.enter(JobState::Queued, Some(fault.hint("free some space; the job goes on by itself when there is room")), now);
        }
    }

    /// Leaves a queued job alone for a while.
    fn rest(&mut self, id: &JobId, plan: &Plan, wait: Duration) {
        let now = Instant::now();
        self.waits.insert(id.clone(), Wait { until: now + wait, looks_at: now + DISK_RECHECK, space: self.runner.space(plan).ok() });
    }

    /// Whether a job that found no room should not be tried yet. Looks at the disk now and then.
    fn must_wait(&mut self, id: &JobId, plan: &Plan) -> bool {
        let Some(wait) = self.waits.get_mut(id) else { return false };
        let now = Instant::now();
        if now < wait.looks_at {
            return true;
        }
        wait.looks_at = now + DISK_RECHECK;
        let has_more = || self.runner.space(plan).ok().map(|space| space.free) > wait.space.map(|space| space.free);
        now < wait.until && !has_more()
    }

    /// Takes note of what the disk holds of a job that does not run.
    fn note_held(&mut self, id: &JobId, held: &Held) {
        if self.running.contains_key(id) {
            return;
        }
        if let Some(job) = self.queue.get_mut(id) {
            (job.files_done, job.bytes_done) = (held.files, held.bytes);
        }
    }

    /// Ends a job that could not even begin.
    async fn fail(&mut self, id: &JobId, fault: Fault) {
        let now = self.settings.clock.now();
        if let Some(job) = self.queue.get_mut(id) {
            job.enter(JobState::Failed, Some(fault), now);
        }
        self.save_or_tell().await;
        self.tell_outcome(id);
    }

    async fn start(&mut self, id: JobId, plan: Arc<Plan>, held: &Held) {
        let (now, run) = (self.settings.clock.now(), Arc::new(Run::default()));
        self.note_held(&id, held);
        self.waits.remove(&id);
        if let Some(job) = self.queue.get_mut(&id) {
            job.enter(JobState::Running, None, now);
            run.limit.send_replace(job.limit);
        }
        self.save_or_tell().await;
        let work = self.runner.run(plan, Arc::clone(&run));
        self.running.insert(id.clone(), Running::new(run));
        let ended = self.ended.clone();
        tokio::spawn(async move {
            let result = tokio::spawn(work).await.unwrap_or_else(|error| Err(Fault::internal(format!("a download ended: {error}"))));
            let _ = ended.send((id, result)).await;
        });
    }

    /// Takes note that a run is over. A job that was paused or cancelled meanwhile stays so, unless it got everything done.
    async fn ended(&mut self, id: &JobId, result: Result<(), Fault>) {
        let put_back = self.running.remove(id).and_then(|running| running.put_back);
        let now = self.settings.clock.now();
        let Some(job) = self.queue.get_mut(id) else { return };
        let plan = Arc::clone(&job.plan);
        match (job.state, result) {
            (_, Ok(())) => job.enter(JobState::Completed, None, now),
            (JobState::Running, Err(fault)) => self.broke_off(id, &plan, put_back.unwrap_or(fault)),
            _ => {}
        }
        match self.queue.state(id) {
            Some(JobState::Completed) | None => {}
            Some(JobState::Cancelled) => self.discard(plan).await,
            _ => self.recount(id, plan).await,
        }
        self.save_or_tell().await;
        self.tell_outcome(id);
        self.disk = None;
        self.answer_stopped();
    }

    /// Puts a job whose run has failed where it belongs: back into the queue when the disk is full, for room can come.
    fn broke_off(&mut self, id: &JobId, plan: &Plan, fault: Fault) {
        if fault.kind == FaultKind::DiskFull {
            return self.wait_for_room(id, plan, fault, AFTER_FULL);
        }
        let now = self.settings.clock.now();
        if let Some(job) = self.queue.get_mut(id) {
            job.enter(JobState::Failed, Some(fault), now);
        }
    }

    /// Recounts from the disk what a job has.
    async fn recount(&mut self, id: &JobId, plan: Arc<Plan>) {
        let held = self.held(plan).await;
        if let (Ok(held), Some(job)) = (held, self.queue.get_mut(id)) {
            (job.files_done, job.bytes_done) = (held.files, held.bytes);
        }
    }

    async fn recount_all(&mut self) {
        let unfinished = self.queue.jobs.iter().filter(|job| !job.state.is_over());
        let plans: Vec<_> = unfinished.map(|job| (job.id.clone(), Arc::clone(&job.plan))).collect();
        for (id, plan) in plans {
            self.recount(&id, plan).await;
        }
    }

    async fn held(&self, plan: Arc<Plan>) -> Result<Held, Fault> {
        let runner = Arc::clone(&self.runner);
        blocking(move || runner.held(&plan)).await
    }

    /// What these plans hold and need; one that cannot be told counts as nothing and fails when its turn comes.
    async fn held_of(&self, plans: Vec<Arc<Plan>>) -> Vec<Held> {
        let runner = Arc::clone(&self.runner);
        blocking(move || Ok(plans.iter().filter_map(|plan| runner.held(plan).ok()).collect())).await.unwrap_or_default()
    }

    async fn discard(&self, plan: Arc<Plan>) {
        let wanted = self.queue.jobs.iter().filter(|job| !job.state.is_over()).flat_map(|job| &job.plan.files);
        let wanted = wanted.map(|file| file.digest.clone()).collect();
        let runner = Arc::clone(&self.runner);
        if let Err(fault) = blocking(move || runner.discard(&plan, &wanted)).await {
            self.tell(NoticeLevel::Warning, fault.message.clone(), None, Some(fault));
        }
    }

    async fn save(&self) -> Result<(), Fault> {
        let (store, jobs) = (self.store.clone(), self.queue.jobs.clone());
        blocking(move || store.save(&jobs)).await
    }

    async fn save_or_tell(&self) {
        if let Err(fault) = self.save().await {
            self.tell(NoticeLevel::Error, fault.message.clone(), None, Some(fault));
        }
    }

    fn tell_outcome(&self, id: &JobId) {
        let Some(job) = self.queue.jobs.iter().find(|job| &job.id == id) else { return };
        let (id, name) = (Some(job.id.clone()), format!("{} {}", job.plan.repo.id, job.plan.title));
        match (job.state, &job.fault) {
            (JobState::Completed, _) => self.tell(NoticeLevel::Info, format!("{name} is complete and verified"), id, None),
            (JobState::Failed, Some(fault)) => {
                self.tell(NoticeLevel::Error, format!("{name} failed: {}", fault.message), id, Some(fault.clone()));
            }
            (JobState::Queued, Some(fault)) => {
                self.tell(NoticeLevel::Warning, format!("{name} waits: {}", fault.message), id, Some(fault.clone()));
            }
            (state, _) => self.tell(NoticeLevel::Info, format!("{name} is {}", state.name()), id, None),
        }
    }

    fn tell(&self, level: NoticeLevel, text: String, job: Option<JobId>, fault: Option<Fault>) {
        self.listeners.tell(&Notice { at: self.settings.clock.now(), level, text, job, fault });
    }

    /// Publishes the board.
    fn show(&mut self) {
        let now = Instant::now();
        if self.disk.is_none_or(|(seen, _)| now.duration_since(seen) >= DISK_RECHECK) {
            let space = space(&self.settings.disk_of).ok();
            self.disk = space.map(|space| (now, Disk { free: space.free, total: space.total, promised: 0 }));
        }
        let board = board(&self.queue, &mut self.running, self.disk.map(|(_, disk)| disk), self.limits.now());
        self.publish.send_replace(Arc::new(board));
    }

    /// When to look again without being asked: soon while something runs, now and then while a job waits for room, else when the
    /// schedule changes the limit.
    fn next_look(&self) -> Option<Duration> {
        let waits_for_room = || self.queue.jobs.iter().any(|job| job.state == JobState::Queued && job.fault.is_some());
        let jobs = if self.running.is_empty() { waits_for_room().then_some(DISK_RECHECK) } else { Some(TICK) };
        let schedule = self.limits.stays(self.settings.clock.now()).map(|stays| stays.try_into().unwrap_or_default());
        jobs.into_iter().chain(schedule).min()
    }
}

/// Waits that long, or for ever.
async fn after(wait: Option<Duration>) {
    match wait {
        Some(wait) => sleep(wait).await,
        None => pending().await,
    }
}
