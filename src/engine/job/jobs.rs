//! The handle by which everybody asks the queue's task.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::{UnboundedReceiverStream, WatchStream};

use super::actor::{Actor, Command};
use super::runner::Runner;
use crate::desk::{Board, Fault, FaultKind, JobAction, JobId, Notice, Plan, Schedule, Target};
use crate::engine::host::Clock;

/// Commands that may wait for the queue's task before a sender has to.
const INBOX: usize = 32;

/// What the queue needs to know.
pub struct JobsSettings {
    /// The folder that holds the queue.
    pub state_dir: PathBuf,
    /// Jobs that run at once.
    pub max_active: usize,
    /// The folder whose filesystem the board shows.
    pub disk_of: PathBuf,
    /// The speed limit that all jobs share, by the time of day.
    pub schedule: Schedule,
    /// Bytes that jobs leave free on every filesystem.
    pub keep_free: u64,
    /// The time zone of the schedule.
    pub zone: TimeZone,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

/// The handle of the queue's task. The task ends once [`Jobs::close`] was answered or the last handle is dropped.
#[derive(Clone)]
pub struct Jobs {
    commands: mpsc::Sender<Command>,
    board: watch::Receiver<Arc<Board>>,
    listeners: Arc<Listeners>,
}

impl Jobs {
    /// Loads the queue and starts its task. Jobs that an earlier engine left unfinished are paused.
    pub async fn start(settings: JobsSettings, runner: Arc<dyn Runner>) -> Result<Self, Fault> {
        let (commands, inbox) = mpsc::channel(INBOX);
        let (publish, board) = watch::channel(Arc::new(Board::default()));
        let listeners = Arc::new(Listeners::default());
        let actor = Actor::load(settings, runner, publish, Arc::clone(&listeners)).await?;
        tokio::spawn(actor.serve(inbox));
        Ok(Self { commands, board, listeners })
    }

    /// Queues a plan; see [`crate::desk::Desk::enqueue`].
    pub async fn enqueue(&self, plan: Plan) -> Result<JobId, Fault> {
        self.ask(|reply| Command::Enqueue(Box::new(plan.for_a_job()), reply)).await
    }

    /// Applies an action and waits until it has taken effect: a paused job writes no more.
    pub async fn control(&self, action: JobAction, target: Target) -> Result<Vec<JobId>, Fault> {
        self.ask(|reply| Command::Control(action, target, reply)).await
    }

    /// Limits the speed; see [`crate::desk::Desk::limit`].
    pub async fn limit(&self, target: Target, bytes_per_second: Option<u64>) -> Result<(), Fault> {
        self.ask(|reply| Command::Limit(target, bytes_per_second, reply)).await
    }

    /// Stops what runs, saves the queue and ends the task. Closing what is closed is fine.
    pub async fn close(&self) -> Result<(), Fault> {
        match self.ask(Command::Close).await {
            Err(fault) if fault.kind == FaultKind::Interrupted => Ok(()),
            answer => answer,
        }
    }

    /// The newest board, now and after every change.
    pub fn board(&self) -> BoxStream<'static, Arc<Board>> {
        WatchStream::new(self.board.clone()).boxed()
    }

    /// Outcomes from now on.
    pub fn notices(&self) -> BoxStream<'static, Notice> {
        self.listeners.subscribe().boxed()
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<Result<T, Fault>>) -> Command) -> Result<T, Fault> {
        let (reply, answer) = oneshot::channel();
        let closed = || Fault::new(FaultKind::Interrupted, "the queue is closed");
        self.commands.send(command(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

/// Those who want to hear of outcomes.
///
/// Their channels are unbounded because outcomes are few (a handful for each job) and none may be lost.
#[derive(Default)]
pub(super) struct Listeners(Mutex<Vec<mpsc::UnboundedSender<Notice>>>);

impl Listeners {
    fn subscribe(&self) -> UnboundedReceiverStream<Notice> {
        let (listener, notices) = mpsc::unbounded_channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
        UnboundedReceiverStream::new(notices)
    }

    /// Tells everybody who still listens.
    pub fn tell(&self, notice: &Notice) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.send(notice.clone()).is_ok());
    }
}
