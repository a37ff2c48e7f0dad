//! `jobs watch`: what changes, until nothing is queued or running.

use std::collections::HashMap;

use futures::StreamExt;
use serde_json::{Value, json};

use crate::cli::output::Output;
use crate::cli::progress::{self, Milestone};
use crate::cli::view::{Look, View};
use crate::desk::{Board, Desk, Fault, Job, JobId, JobState};

pub(super) async fn run(desk: &dyn Desk, out: &mut Output) -> Result<(), Fault> {
    let mut watch = Watch::default();
    let mut boards = desk.board();
    while let Some(board) = boards.next().await {
        watch.tell(&board, out)?;
        if board.live() == 0 || out.reader_gone() {
            break;
        }
    }
    watch.failure.map_or(Ok(()), Err)
}

/// What has been told so far.
#[derive(Default)]
struct Watch {
    told: HashMap<JobId, Milestone>,
    failure: Option<Fault>,
}

impl Watch {
    /// Tells each unfinished job once, then each change of a job that has been told.
    fn tell(&mut self, board: &Board, out: &mut Output) -> Result<(), Fault> {
        for job in &board.jobs {
            let now = Milestone::of(job);
            let before = self.told.get(&job.id);
            if before == Some(&now) || (before.is_none() && job.state.is_over()) {
                continue;
            }
            self.told.insert(job.id.clone(), now);
            out.show(&Change(job))?;
            if job.state == JobState::Failed && self.failure.is_none() {
                self.failure.clone_from(&job.fault);
            }
        }
        Ok(())
    }
}

/// A job that changed.
struct Change<'a>(&'a Job);

impl View for Change<'_> {
    fn human(&self, look: Look) -> String {
        let room = look.width.unwrap_or(usize::MAX).saturating_sub(self.0.id.0.len() + 2);
        format!("{}  {}\n", self.0.id, progress::line(self.0, room))
    }

    fn json(&self) -> Value {
        let job = self.0;
        json!({
            "id": job.id,
            "repo_id": job.plan.repo.id,
            "title": job.plan.title,
            "state": job.state,
            "phase": job.phase,
            "percent": progress::percent(job),
            "size": job.progress.bytes_total,
            "bytes_done": job.progress.bytes_done,
            "speed": job.progress.bytes_per_second,
            "eta_seconds": job.progress.eta_seconds,
            "fault": job.fault,
            "limit": job.limit,
            "remark": job.remark(),
        })
    }

    fn quiet(&self) -> Vec<String> {
        if self.0.state.is_over() { vec![self.0.id.0.clone()] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::Format;
    use crate::cli::fake::{Console, FakeDesk, completed, failed, running, three_ways};
    use crate::desk::{Fault, FaultKind};

    #[test]
    fn changes_read_three_ways() {
        let states = vec![running(3, 1 << 20), running(4, 1 << 20), running(55, 2 << 20), completed()];
        insta::assert_snapshot!(three_ways(&FakeDesk::downloading(states), "jobs watch"));
    }

    #[test]
    fn a_failure_meanwhile_is_the_outcome() {
        let fault = Fault::new(FaultKind::Network, "the connection broke");
        let desk = FakeDesk::downloading(vec![running(3, 1), failed(fault.clone())]);
        assert_eq!(Console::new(Format::Quiet).run(&desk, "jobs watch"), Err(fault.clone()));
        let before = FakeDesk::downloading(vec![failed(fault)]);
        assert_eq!(Console::new(Format::Quiet).run(&before, "jobs watch"), Ok(()));
    }
}
