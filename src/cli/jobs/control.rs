//! `jobs pause`, `resume`, `cancel`, `retry` and `dismiss`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::board;
use super::ids::resolve;
use crate::cli::cell::Cell;
use crate::cli::output::Output;
use crate::cli::record::Record;
use crate::cli::text::counted;
use crate::desk::{Board, Desk, Fault, FaultKind, Job, JobAction, JobId, Target};

/// Which jobs.
#[derive(Args, Debug)]
pub struct ControlArgs {
    /// Ids of jobs, or unique beginnings of them
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new(), required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// Every job that this fits
    #[arg(long)]
    all: bool,
    /// Show which jobs and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl ControlArgs {
    /// These jobs.
    pub(super) fn of(ids: &[String], dry_run: bool) -> Self {
        Self { ids: ids.to_vec(), all: false, dry_run }
    }
}

pub(super) async fn run(desk: &dyn Desk, action: JobAction, args: &ControlArgs, out: &mut Output) -> Result<(), Fault> {
    let board = board(desk).await?;
    let wanted = wanted(&board, action, args)?;
    let target = if args.all { Target::All } else { Target::Jobs(wanted.clone()) };
    let changed = if args.dry_run { wanted } else { desk.control(action, target).await? };
    out.show(&outcome(action, &changed, args.dry_run))
}

/// The jobs that the action is for; one that was named and that it does not fit is a fault.
fn wanted(board: &Board, action: JobAction, args: &ControlArgs) -> Result<Vec<JobId>, Fault> {
    let jobs: Vec<&Job> =
        if args.all { board.jobs.iter().filter(|job| job.state.allows(action)).collect() } else { resolve(board, &args.ids)? };
    match jobs.iter().find(|job| !job.state.allows(action)) {
        Some(job) => {
            let message = format!("cannot {} the job {}: it is {}", action.name(), job.id, job.state.name());
            Err(Fault::new(FaultKind::Conflict, message))
        }
        None => Ok(jobs.iter().map(|job| job.id.clone()).collect()),
    }
}

fn outcome(action: JobAction, changed: &[JobId], dry_run: bool) -> Record {
    let jobs = counted(changed.len(), "job", "jobs");
    let record = match (changed.is_empty(), dry_run) {
        (true, _) => Record::about(format!("Nothing to {}.", action.name())),
        (false, true) => Record::about(format!("Would {} {jobs}", action.name())),
        (false, false) => Record::done(format!("{} {jobs}", past(action))),
    };
    let ids = Cell::list(changed.iter().map(|id| &id.0));
    let record = if changed.is_empty() { record.json_field("jobs", ids) } else { record.field("jobs", ids) };
    record.json_field("action", Cell::text(action.name())).json_field("dry_run", Cell::flag(dry_run))
}

fn past(action: JobAction) -> &'static str {
    match action {
        JobAction::Pause => "Paused",
        JobAction::Resume => "Resumed",
        JobAction::Cancel => "Cancelled",
        JobAction::Retry => "Queued",
        JobAction::Dismiss => "Dismissed",
        JobAction::Up | JobAction::Down | JobAction::First | JobAction::Last => "Moved",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::Format;
    use crate::cli::fake::{Console, FakeDesk, three_ways};

    #[test]
    fn an_outcome_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "jobs pause 3f2a"));
    }

    #[test]
    fn a_dry_run_names_the_jobs_and_changes_nothing() {
        let desk = Arc::new(FakeDesk::new());
        let mut console = Console::new(Format::Human);
        console.run(&desk, "jobs cancel --all --dry-run").unwrap();
        assert_eq!(console.stdout(), "Would cancel 3 jobs\n  jobs: 3f2a00000001, 3f2b00000002, 77d000000003\n");
        assert!(desk.asked().is_empty());
    }

    #[test]
    fn all_means_every_job_that_the_action_fits() {
        let desk = Arc::new(FakeDesk::new());
        let mut console = Console::new(Format::Quiet);
        console.run(&desk, "jobs retry --all").unwrap();
        assert_eq!((console.stdout().as_str(), desk.asked()), ("77d000000003\n", vec!["retry All".to_owned()]));
    }

    #[test]
    fn nothing_to_do_is_no_error() {
        let desk = Arc::new(FakeDesk { boards: vec![Board::default()], ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        console.run(&desk, "jobs dismiss --all").unwrap();
        assert_eq!(console.stdout(), "Nothing to dismiss.\n");
    }

    #[test]
    fn an_action_that_does_not_fit_a_named_job_changes_nothing() {
        let desk = Arc::new(FakeDesk::new());
        let fault = Console::new(Format::Human).run(&desk, "jobs pause 3f2a 3f2b").unwrap_err();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Conflict, "cannot pause the job 3f2b00000002: it is paused"));
        assert!(desk.asked().is_empty());
    }
}
