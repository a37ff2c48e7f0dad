//! The state that faces show, and the events they tell.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::job::{Job, JobId};
use super::schedule::SpeedLimit;

/// Room on the filesystem that holds the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Bytes free for this user.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// Bytes that unfinished jobs still need.
    pub promised: u64,
}

/// The newest state of the queue and the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// Every job: unfinished ones in the order in which they will run, then finished ones, newest first.
    pub jobs: Vec<Job>,
    /// Speed of all transfers together in bytes a second.
    pub bytes_per_second: u64,
    /// Room on the cache's filesystem; `None` where it cannot be read.
    pub disk: Option<Disk>,
    /// The speed limit that all transfers share, as it is now.
    pub limit: SpeedLimit,
}

impl Board {
    /// The job with this id.
    pub fn job(&self, id: &JobId) -> Option<&Job> {
        self.jobs.iter().find(|job| &job.id == id)
    }

    /// How many jobs are queued or running.
    pub fn live(&self) -> usize {
        self.jobs.iter().filter(|job| job.state.is_live()).count()
    }
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeLevel {
    /// Something went as it should.
    Info,
    /// Something needs watching.
    Warning,
    /// Something failed.
    Error,
}

/// Something that happened, told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// How loud.
    pub level: NoticeLevel,
    /// One sentence for people.
    pub text: String,
    /// The job it is about.
    pub job: Option<JobId>,
    /// What went wrong, for an error.
    pub fault: Option<Fault>,
}
