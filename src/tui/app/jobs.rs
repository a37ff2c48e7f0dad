//! The jobs pane: where the person is in the queue. The queue itself is on the board.

use super::Step;
use crate::desk::{Board, Job, JobAction, JobId, JobState, Target};

/// Where the person is in the queue.
#[derive(Clone, Debug, Default)]
pub struct JobsPane {
    /// The row of the cursor.
    pub cursor: usize,
    /// The job under the cursor: the cursor stays on it when the order changes.
    selected: Option<JobId>,
}

impl JobsPane {
    /// The job under the cursor.
    pub fn current<'a>(&self, board: &'a Board) -> Option<&'a Job> {
        board.jobs.get(self.cursor)
    }

    /// Moves the cursor.
    pub(super) fn step(&mut self, step: Step, page: usize, board: &Board) {
        self.cursor = step.from(self.cursor, board.jobs.len(), page);
        self.selected = self.current(board).map(|job| job.id.clone());
    }

    /// Puts the cursor on a job.
    pub(super) fn select(&mut self, id: JobId, board: &Board) {
        self.selected = Some(id);
        self.follow(board);
    }

    /// Keeps the cursor on its job in a changed queue, or near where it was when the job is gone.
    pub(super) fn follow(&mut self, board: &Board) {
        let found = self.selected.as_ref().and_then(|id| board.jobs.iter().position(|job| job.id == *id));
        self.cursor = found.unwrap_or(self.cursor).min(board.jobs.len().saturating_sub(1));
    }
}

/// Pausing where that fits the job, else resuming.
pub(super) fn pause_or_resume(job: &Job) -> JobAction {
    if job.state == JobState::Paused { JobAction::Resume } else { JobAction::Pause }
}

/// Pausing while anything is live, else resuming.
pub(super) fn pause_or_resume_all(board: &Board) -> JobAction {
    if board.live() > 0 { JobAction::Pause } else { JobAction::Resume }
}

/// The jobs that need no more attention. A failed one does: it keeps its reason and its retry.
pub(super) fn finished(board: &Board) -> Target {
    let done = |job: &&Job| matches!(job.state, JobState::Completed | JobState::Cancelled);
    Target::Jobs(board.jobs.iter().filter(done).map(|job| job.id.clone()).collect())
}
