//! A plan on its way to the disk.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::plan::Plan;

/// A job's id: 12 hexadecimal digits. A unique beginning of it is enough on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

impl fmt::Display for JobId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waiting for its turn or for room on the disk.
    Queued,
    /// Moving bytes.
    Running,
    /// Stopped by a person; what is on disk is kept.
    Paused,
    /// Every file is verified and in its place.
    Completed,
    /// Stopped by a fault; what is on disk is kept and a retry goes on from there.
    Failed,
    /// Given up by a person; its partial files are removed.
    Cancelled,
}

impl JobState {
    /// The name as JSON and screens write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen unless a person asks.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether bytes are moving or will without anybody asking.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }

    /// The state that an action leads to, or `None` where the action does not fit. A dismissed job has no state.
    pub fn after(self, action: JobAction) -> Option<Self> {
        match (action, self) {
            (JobAction::Pause, Self::Queued | Self::Running) => Some(Self::Paused),
            (JobAction::Resume, Self::Paused) | (JobAction::Retry, Self::Failed | Self::Cancelled) => Some(Self::Queued),
            (JobAction::Cancel, Self::Queued | Self::Running | Self::Paused | Self::Failed) => Some(Self::Cancelled),
            _ => None,
        }
    }

    /// Whether an action fits a job in this state.
    pub fn allows(self, action: JobAction) -> bool {
        match action {
            JobAction::Dismiss => self.is_over(),
            JobAction::Up | JobAction::Down | JobAction::First | JobAction::Last => !self.is_over(),
            _ => self.after(action).is_some(),
        }
    }
}

/// What a person can do to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobAction {
    /// Stop a queued or running job and keep its bytes.
    Pause,
    /// Queue a paused job again.
    Resume,
    /// Give up an unfinished job and remove its partial files.
    Cancel,
    /// Queue a failed or cancelled job again.
    Retry,
    /// Take a finished job off the list. Its files stay.
    Dismiss,
    /// Move a job one place forward in the queue.
    Up,
    /// Move a job one place back in the queue.
    Down,
    /// Move a job to the queue's front. What runs goes on; it is the next to start.
    First,
    /// Move a job to the queue's end.
    Last,
}

impl JobAction {
    /// The verb: `pause`, `resume` and so on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Dismiss => "dismiss",
            Self::Up => "move up",
            Self::Down => "move down",
            Self::First => "move first",
            Self::Last => "move last",
        }
    }
}

/// Which jobs an action is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Every job that the action fits.
    All,
    /// These jobs; one that the action does not fit is a fault and nothing is changed.
    Jobs(Vec<JobId>),
}

/// What a running job is busy with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Waiting for its turn.
    #[default]
    Waiting,
    /// Asking the Hub where the bytes are.
    Resolving,
    /// Waiting to try again after a failure.
    Retrying,
    /// Moving bytes.
    Downloading,
    /// Moving bytes, none of which has come for some seconds.
    Stalled,
    /// Computing what is left of a digest.
    Verifying,
    /// Linking files into the cache.
    Placing,
}

impl Phase {
    /// The name as JSON and screens write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Resolving => "resolving",
            Self::Retrying => "retrying",
            Self::Downloading => "downloading",
            Self::Stalled => "stalled",
            Self::Verifying => "verifying",
            Self::Placing => "placing",
        }
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Files in the plan.
    pub files_total: usize,
    /// Files verified and in their place.
    pub files_done: usize,
    /// Bytes in the plan.
    pub bytes_total: u64,
    /// Bytes on the disk.
    pub bytes_done: u64,
    /// Speed over bytes moved in this run, smoothed, in bytes a second; 0 when nothing moves.
    pub bytes_per_second: u64,
    /// Seconds to go at that speed; `None` while unknown.
    pub eta_seconds: Option<u64>,
}

impl Progress {
    /// Share of the bytes that are on the disk, from 0 to 1. It is 1 only once every file is in its place.
    pub fn ratio(&self) -> f64 {
        if self.files_done == self.files_total {
            return 1.0;
        }
        if self.bytes_total == 0 {
            return 0.0;
        }
        (self.bytes_done as f64 / self.bytes_total as f64).clamp(0.0, 0.999)
    }
}

/// A file in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileProgress {
    /// Path inside the repository.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Bytes on the disk.
    pub done: u64,
    /// What is being done to it.
    pub phase: Phase,
    /// What a person should know of it just now, as one sentence without a full stop: what it waits for, what it does instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// A plan and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it carries out.
    pub plan: Arc<Plan>,
    /// Where it stands.
    pub state: JobState,
    /// What it is busy with while it runs.
    pub phase: Phase,
    /// How far it is.
    pub progress: Progress,
    /// Files in flight.
    pub active: Vec<FileProgress>,
    /// The most bytes a second for this job; `None` is no limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Why it failed, or why it waits.
    pub fault: Option<Fault>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it ended, for one that is over.
    pub ended_at: Option<Timestamp>,
}

impl Job {
    /// What a person should know of it just now: why it waits or failed, else what is remarkable about a file in flight.
    pub fn remark(&self) -> Option<&str> {
        let mut remarks = self.active.iter().filter_map(|file| file.remark.as_deref());
        self.fault.as_ref().map(|fault| fault.message.as_str()).or_else(|| remarks.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_fit_states() {
        use JobState::*;
        assert_eq!(Queued.after(JobAction::Pause), Some(Paused));
        assert_eq!(Paused.after(JobAction::Resume), Some(Queued));
        assert_eq!(Failed.after(JobAction::Retry), Some(Queued));
        assert_eq!(Running.after(JobAction::Cancel), Some(Cancelled));
        assert_eq!(Completed.after(JobAction::Cancel), None);
        assert!(!Running.allows(JobAction::Dismiss) && Completed.allows(JobAction::Dismiss));
    }

    #[test]
    fn a_ratio_is_whole_only_when_every_file_is_placed() {
        let moved = Progress { files_total: 1, files_done: 0, bytes_total: 5, bytes_done: 5, ..Progress::default() };
        assert!(moved.ratio() < 1.0);
        assert!((Progress { files_done: 1, ..moved }.ratio() - 1.0).abs() < f64::EPSILON);
    }
}
