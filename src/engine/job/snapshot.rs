//! The queue as faces see it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::meter::Meter;
use super::queue::Queue;
use super::record::Record;
use super::runner::Run;
use crate::desk::{Board, Disk, Fault, Job, JobId, JobState, Phase, Progress, SpeedLimit};

/// A job's run and its speed.
pub(super) struct Running {
    pub run: Arc<Run>,
    /// Why it is being put back into the queue.
    pub put_back: Option<Fault>,
    meter: Meter,
    since: Instant,
}

impl Running {
    /// A run that begins now.
    pub fn new(run: Arc<Run>) -> Self {
        Self { run, put_back: None, meter: Meter::default(), since: Instant::now() }
    }

    /// Forgets the speed so far: it says nothing of the speed under another limit.
    pub fn measure_anew(&mut self) {
        self.meter = Meter::default();
    }

    /// How many bytes of a record's plan are not on the disk yet.
    pub fn left(&self, record: &Record) -> u64 {
        record.plan.bytes().saturating_sub(self.run.counts().bytes_done())
    }

    /// The job as it runs.
    fn job(&mut self, record: &Record) -> Job {
        let counts = self.run.counts();
        self.meter.sample(self.since.elapsed(), counts.bytes_moved());
        let mut job = record.at_rest();
        let progress = Progress {
            // The run meets what was there before little by little.
            files_done: counts.files_done.max(record.files_done),
            bytes_done: counts.bytes_done().max(record.bytes_done),
            bytes_per_second: self.meter.speed(),
            ..job.progress
        };
        let left = progress.bytes_total.saturating_sub(progress.bytes_done);
        job.progress = Progress { eta_seconds: self.meter.eta_seconds(left), ..progress };
        job.active = counts.active().collect();
        job.phase = job.active.iter().map(|file| file.phase).max_by_key(|phase| weight(*phase)).unwrap_or(Phase::Resolving);
        if job.phase == Phase::Downloading && self.meter.is_stalled() {
            job.phase = Phase::Stalled;
        }
        job
    }
}

/// Which phase speaks for a job whose files are in several: the one that moves it on.
fn weight(phase: Phase) -> u8 {
    match phase {
        Phase::Waiting => 0,
        Phase::Resolving => 1,
        Phase::Retrying => 2,
        Phase::Placing => 3,
        Phase::Verifying => 4,
        Phase::Downloading | Phase::Stalled => 5,
    }
}

/// The newest state of queue and disk.
pub(super) fn board(queue: &Queue, running: &mut HashMap<JobId, Running>, disk: Option<Disk>, limit: SpeedLimit) -> Board {
    let (mut over, mut jobs): (Vec<Job>, Vec<Job>) = (Vec::new(), Vec::new());
    for record in &queue.jobs {
        let job = match running.get_mut(&record.id).filter(|_| record.state == JobState::Running) {
            Some(running) => running.job(record),
            None => record.at_rest(),
        };
        if record.state.is_over() { over.push(job) } else { jobs.push(job) }
    }
    let promised = jobs.iter().map(|job| job.progress.bytes_total.saturating_sub(job.progress.bytes_done)).sum();
    let bytes_per_second = jobs.iter().map(|job| job.progress.bytes_per_second).sum();
    over.sort_by_key(|job| std::cmp::Reverse(job.ended_at));
    jobs.append(&mut over);
    Board { jobs, bytes_per_second, disk: disk.map(|disk| Disk { promised, ..disk }), limit }
}
