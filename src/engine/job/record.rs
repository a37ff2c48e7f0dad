//! What is remembered of a job between runs.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::desk::{Fault, Job, JobId, JobState, Phase, Plan, Progress};

/// A job as it is kept on the disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub id: JobId,
    pub plan: Arc<Plan>,
    pub state: JobState,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub fault: Option<Fault>,
    /// The most bytes a second for this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Bytes on the disk when the job last stopped; recomputed from the disk when the queue is loaded.
    pub bytes_done: u64,
    /// Files in their place when the job last stopped.
    pub files_done: usize,
}

impl Record {
    /// A new job at the queue's end.
    pub fn new(plan: Plan, now: Timestamp, taken: impl Fn(&JobId) -> bool) -> Self {
        let mut salt = 0;
        while taken(&new_id(&plan, now, salt)) {
            salt += 1;
        }
        Self {
            id: new_id(&plan, now, salt),
            bytes_done: plan.files.iter().map(|file| file.held).sum(),
            plan: Arc::new(plan),
            state: JobState::Queued,
            created_at: now,
            ended_at: None,
            fault: None,
            limit: None,
            files_done: 0,
        }
    }

    /// Whether this job brings the same files to the same place.
    pub fn carries_out(&self, plan: &Plan) -> bool {
        let same_files = || self.plan.files.iter().map(|file| &file.path).eq(plan.files.iter().map(|file| &file.path));
        self.plan.repo == plan.repo && self.plan.commit == plan.commit && self.plan.local_dir == plan.local_dir && same_files()
    }

    /// Puts the job into a state at a moment.
    pub fn enter(&mut self, state: JobState, fault: Option<Fault>, now: Timestamp) {
        self.ended_at = state.is_over().then_some(now);
        self.state = state;
        self.fault = fault;
        match state {
            JobState::Cancelled => (self.files_done, self.bytes_done) = (0, 0),
            JobState::Completed => (self.files_done, self.bytes_done) = (self.plan.files.len(), self.plan.bytes()),
            _ => {}
        }
    }

    /// The job as faces see it while nothing of it runs.
    pub fn at_rest(&self) -> Job {
        Job {
            id: self.id.clone(),
            plan: Arc::clone(&self.plan),
            state: self.state,
            phase: Phase::Waiting,
            progress: Progress {
                files_total: self.plan.files.len(),
                files_done: self.files_done,
                bytes_total: self.plan.bytes(),
                bytes_done: self.bytes_done,
                bytes_per_second: 0,
                eta_seconds: None,
            },
            active: Vec::new(),
            limit: self.limit,
            fault: self.fault.clone(),
            created_at: self.created_at,
            ended_at: self.ended_at,
        }
    }
}

/// Twelve hexadecimal digits that depend on what is fetched and when, so that no source of randomness is needed.
fn new_id(plan: &Plan, now: Timestamp, salt: u32) -> JobId {
    let text = format!("{:?}\0{}\0{}\0{now}\0{salt}", plan.repo, plan.commit, plan.title);
    JobId(hex::encode(&Sha256::digest(text)[..6]))
}
