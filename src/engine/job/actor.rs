//! The one task that owns the queue.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use super::jobs::{JobsSettings, Listeners};
use super::queue::Queue;
use super::record::Record;
use super::room;
use super::runner::{Held, Run, Runner};
use super::snapshot::{Running, board};
use super::store::Store;
use crate::desk::{Board, Disk, Fault, FaultKind, JobAction, JobId, JobState, Notice, NoticeLevel, Plan, Target};
use crate::engine::host::{blocking, space};

/// How often the board is renewed while something runs.
const TICK: Duration = Duration::from_millis(100);

/// How often free space is looked at again, for the board and for jobs that wait for room.
const DISK_RECHECK: Duration = Duration::from_secs(2);

type Ended = (JobId, Result<(), Fault>);
type Answer<T> = oneshot::Sender<Result<T, Fault>>;

/// What the handle asks for.
pub(super) enum Command {
    Enqueue(Box<Plan>, Answer<JobId>),
    Control(JobAction, Target, Answer<Vec<JobId>>),
    Close(Answer<()>),
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
        };
        actor.recount_all().await;
        actor.show();
        Ok(actor)
    }

    /// Serves commands until asked to close or nobody is left to ask.
    pub async fn serve(mut self, mut inbox: mpsc::Receiver<Command>) {
        loop {
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
        room::check(&title, &wanted, &promised)?;
        let before = self.queue.clone();
        let id = self.queue.enqueue(plan, self.settings.clock.now());
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

    /// Starts queued jobs in order while there are places and the disk has room. A job that finds no room waits and says so.
    async fn start_what_fits(&mut self) {
        while self.closing.is_none() && self.running.len() < self.settings.max_active {
            let next = self.queue.jobs.iter().find(|job| job.state == JobState::Queued && !self.running.contains_key(&job.id));
            let Some((id, plan)) = next.map(|job| (job.id.clone(), Arc::clone(&job.plan))) else { return };
            match self.room_beside_running(&plan).await {
                Ok(()) => self.start(id, plan).await,
                Err(fault) if fault.kind == FaultKind::DiskFull => return self.wait_for_room(&id, fault),
                Err(fault) => self.fail(&id, fault).await,
            }
        }
    }

    /// Refuses when the disk has too little room for a plan beside the jobs that run, or cannot be read.
    async fn room_beside_running(&self, plan: &Arc<Plan>) -> Result<(), Fault> {
        let running = self.queue.jobs.iter().filter(|job| self.running.contains_key(&job.id));
        let promised = self.held_of(running.map(|job| Arc::clone(&job.plan)).collect()).await;
        room::check(&plan.title, &self.held(Arc::clone(plan)).await?, &promised)
    }

    fn wait_for_room(&mut self, id: &JobId, fault: Fault) {
        if let Some(job) = self.queue.get_mut(id) {
            job.fault = Some(fault);
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

    async fn start(&mut self, id: JobId, plan: Arc<Plan>) {
        let now = self.settings.clock.now();
        if let Some(job) = self.queue.get_mut(&id) {
            job.enter(JobState::Running, None, now);
        }
        self.save_or_tell().await;
        let run = Arc::new(Run::default());
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
        self.running.remove(id);
        let now = self.settings.clock.now();
        let Some(job) = self.queue.get_mut(id) else { return };
        match (job.state, result) {
            (_, Ok(())) => job.enter(JobState::Completed, None, now),
            (JobState::Running, Err(fault)) => job.enter(JobState::Failed, Some(fault), now),
            _ => {}
        }
        let plan = Arc::clone(&job.plan);
        match job.state {
            JobState::Completed => {}
            JobState::Cancelled => self.discard(plan).await,
            _ => self.recount(id, plan).await,
        }
        self.save_or_tell().await;
        self.tell_outcome(id);
        self.disk = None;
        self.answer_stopped();
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
        let board = board(&self.queue, &mut self.running, self.disk.map(|(_, disk)| disk));
        self.publish.send_replace(Arc::new(board));
    }

    /// When to look again without being asked: soon while something runs, now and then while a job waits for room, else never.
    fn next_look(&self) -> Option<Duration> {
        let waits_for_room = || self.queue.jobs.iter().any(|job| job.state == JobState::Queued && job.fault.is_some());
        if self.running.is_empty() { waits_for_room().then_some(DISK_RECHECK) } else { Some(TICK) }
    }
}

/// Waits that long, or for ever.
async fn after(wait: Option<Duration>) {
    match wait {
        Some(wait) => sleep(wait).await,
        None => pending().await,
    }
}
