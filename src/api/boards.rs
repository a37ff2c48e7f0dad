//! Boards on their way to another process: a plan travels once, not ten times a second, as it may have tens of thousands of files.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::desk::{Board, Job, JobId, Plan};

/// A board without the files of its plans, and the plans that the other side does not have yet.
#[derive(Serialize, Deserialize)]
pub(super) struct Packed {
    board: Board,
    plans: Vec<(JobId, Arc<Plan>)>,
}

/// The plans that both sides of one stream have.
#[derive(Default)]
pub(super) struct Plans(HashMap<JobId, Arc<Plan>>);

impl Plans {
    /// Makes a board ready to be sent.
    pub(super) fn pack(&mut self, board: &Board) -> Packed {
        let is_new = |job: &&Job| !self.0.get(&job.id).is_some_and(|known| Arc::ptr_eq(known, &job.plan));
        let plans: Vec<(JobId, Arc<Plan>)> = board.jobs.iter().filter(is_new).map(|job| (job.id.clone(), Arc::clone(&job.plan))).collect();
        self.keep(&plans, board);
        let bare = |job: &Job| Job { plan: Arc::new(without_files(&job.plan)), ..job.clone() };
        Packed { board: Board { jobs: board.jobs.iter().map(bare).collect(), ..*board }, plans }
    }

    /// The board that was packed.
    pub(super) fn unpack(&mut self, packed: Packed) -> Board {
        let Packed { mut board, plans } = packed;
        self.keep(&plans, &board);
        for job in &mut board.jobs {
            if let Some(plan) = self.0.get(&job.id) {
                job.plan = Arc::clone(plan);
            }
        }
        board
    }

    /// Keeps the plans of the board's jobs and no others.
    fn keep(&mut self, plans: &[(JobId, Arc<Plan>)], board: &Board) {
        self.0.extend(plans.iter().cloned());
        self.0.retain(|id, _| board.job(id).is_some());
    }
}

fn without_files(plan: &Plan) -> Plan {
    let Plan { repo, commit, title, left_files, left_bytes, local_dir, destination, disk_free, files: _, left: _ } = plan;
    Plan {
        repo: repo.clone(),
        commit: commit.clone(),
        title: title.clone(),
        files: Vec::new(),
        left_files: *left_files,
        left_bytes: *left_bytes,
        left: Vec::new(),
        local_dir: local_dir.clone(),
        destination: destination.clone(),
        disk_free: *disk_free,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{Digest, JobState, Phase, PlannedFile, Progress, RepoRef};

    fn job(id: &str, path: &str) -> Job {
        let digest = Digest::GitSha1("0".repeat(40));
        let file = PlannedFile { path: path.to_owned(), size: 1, digest, xet_hash: None, held: 0 };
        Job {
            id: JobId(id.to_owned()),
            plan: Arc::new(Plan::for_tests(RepoRef::model("org/name".parse().unwrap()), vec![file])),
            state: JobState::Running,
            phase: Phase::Downloading,
            progress: Progress::default(),
            active: Vec::new(),
            limit: None,
            fault: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            ended_at: None,
        }
    }

    /// What comes out at the other side, and how many plans travelled.
    fn sent(sides: &mut (Plans, Plans), board: &Board) -> (Board, usize) {
        let text = serde_json::to_string(&sides.0.pack(board)).unwrap();
        let packed: Packed = serde_json::from_str(&text).unwrap();
        let plans = packed.plans.len();
        (sides.1.unpack(packed), plans)
    }

    #[test]
    fn a_plan_travels_once_and_boards_arrive_whole() {
        let mut sides = (Plans::default(), Plans::default());
        let mut board = Board { jobs: vec![job("a", "one"), job("b", "two")], ..Board::default() };
        assert_eq!(sent(&mut sides, &board), (board.clone(), 2));
        board.jobs[0].progress.bytes_done = 5;
        board.jobs.push(job("c", "three"));
        assert_eq!(sent(&mut sides, &board), (board.clone(), 1));
        assert_eq!(sent(&mut sides, &board), (board.clone(), 0));
        board.jobs[1] = job("b", "another plan");
        assert_eq!(sent(&mut sides, &board), (board.clone(), 1));
        board.jobs.remove(0);
        assert_eq!(sent(&mut sides, &board), (board.clone(), 0));
        assert_eq!((sides.0.0.len(), sides.1.0.len()), (2, 2), "a job that is gone leaves nothing behind");
    }
}
