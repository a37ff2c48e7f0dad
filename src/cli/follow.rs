//! Watching one job until it is over.

use futures::StreamExt;

use super::format::Format;
use super::output::Output;
use super::progress::{self, Milestone};
use crate::desk::{Desk, Fault, FaultKind, Job, JobAction, JobId, JobState, Target};

/// Shows a job's progress until it is over, and answers with its last state.
///
/// A job found paused is resumed first: this is how a download that was interrupted goes on.
pub async fn until_over(desk: &dyn Desk, id: &JobId, out: &mut Output) -> Result<Job, Fault> {
    let mut teller = Teller::default();
    let mut boards = desk.board();
    let mut seen = false;
    while let Some(board) = boards.next().await {
        match board.job(id) {
            Some(job) if job.state.is_over() => {
                out.clear_progress();
                return Ok(job.clone());
            }
            Some(job) => {
                if !seen && job.state == JobState::Paused {
                    resume(desk, id).await?;
                }
                seen = true;
                teller.tell(job, out);
            }
            None if seen => return Err(Fault::new(FaultKind::NotFound, format!("somebody took the job {id} off the queue"))),
            None => {} // the board is newer a moment later
        }
    }
    Err(Fault::new(FaultKind::Busy, "the hfdesk-tui that ran the queue has ended before the download was over")
        .hint("run the same command to go on"))
}

/// Resumes the job; one that somebody has resumed meanwhile is as good.
async fn resume(desk: &dyn Desk, id: &JobId) -> Result<(), Fault> {
    match desk.control(JobAction::Resume, Target::Jobs(vec![id.clone()])).await {
        Err(fault) if fault.kind != FaultKind::Conflict => Err(fault),
        _ => Ok(()),
    }
}

/// Tells progress to people: a line redrawn at a terminal, a line now and then elsewhere.
#[derive(Default)]
struct Teller {
    milestone: Option<Milestone>,
    line: String,
    obstacle: Option<Fault>,
    remark: Option<String>,
    ran: bool,
}

impl Teller {
    fn tell(&mut self, job: &Job, out: &mut Output) {
        if job.fault != self.obstacle {
            self.obstacle.clone_from(&job.fault);
            self.obstacle.iter().for_each(|fault| out.warning(&fault.message));
        }
        self.tell_remark(job, out);
        if std::mem::replace(&mut self.ran, job.state != JobState::Paused) && job.state == JobState::Paused {
            out.hint(&format!("somebody has paused this download; let it go on with hfdesk-tui jobs resume {}", job.id));
        }
        match out.progress_width() {
            _ if out.format() != Format::Human => {}
            Some(width) => self.redraw(progress::line(job, width.saturating_sub(1)), out),
            None => self.note(job, out),
        }
    }

    /// Tells people once what is remarkable about a file in flight: the line of progress may have no room for it.
    fn tell_remark(&mut self, job: &Job, out: &mut Output) {
        let found = job.active.iter().find_map(|file| file.remark.as_ref().map(|remark| format!("{}: {remark}", file.path)));
        let Some(remark) = found.filter(|remark| self.remark.as_ref() != Some(remark) && out.format() == Format::Human) else { return };
        out.note(&remark);
        self.remark = Some(remark);
    }

    fn redraw(&mut self, line: String, out: &mut Output) {
        if line != self.line {
            out.progress(&line);
            self.line = line;
        }
    }

    fn note(&mut self, job: &Job, out: &mut Output) {
        let milestone = Some(Milestone::of(job));
        if milestone != self.milestone {
            self.milestone = milestone;
            out.note(&progress::line(job, usize::MAX));
        }
    }
}
