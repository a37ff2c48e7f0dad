//! `jobs limit`: how fast jobs may be.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::board;
use super::ids::resolve;
use crate::cli::cell::Cell;
use crate::cli::output::Output;
use crate::cli::record::Record;
use crate::cli::text::counted;
use crate::cli::values::{self, Rate};
use crate::desk::{self, Desk, Fault, FaultKind, JobId, Target};

/// Which jobs, and how fast.
#[derive(Args, Debug)]
#[command(allow_missing_positional = true)]
pub struct LimitArgs {
    /// Ids of jobs, or unique beginnings of them
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new(), required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// The most bytes a second, such as 2M, or none
    #[arg(value_name = "SPEED", value_parser = values::limit, required = true)]
    speed: Rate,
    /// All jobs together, until the schedule sets another limit or the queue's process ends
    #[arg(long)]
    all: bool,
    /// Show which jobs and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(desk: &dyn Desk, args: &LimitArgs, out: &mut Output) -> Result<(), Fault> {
    if args.all && !desk.about().attached {
        return Err(Fault::new(FaultKind::Conflict, "no hfdesk-tui runs the queue, so there is nothing to limit now")
            .hint("write max_speed into the settings file to limit every download from now on"));
    }
    let board = board(desk).await?;
    let ids: Vec<JobId> = resolve(&board, &args.ids)?.iter().map(|job| job.id.clone()).collect();
    let target = if args.all { Target::All } else { Target::Jobs(ids.clone()) };
    if !args.dry_run {
        desk.limit(target, args.speed.0).await?;
    }
    out.show(&outcome(args, &ids))
}

fn outcome(args: &LimitArgs, ids: &[JobId]) -> Record {
    let whom = if args.all { "all jobs together".to_owned() } else { counted(ids.len(), "job", "jobs") };
    let record = match (args.speed.0, args.dry_run) {
        (Some(speed), false) => Record::done(format!("Limited {whom} to {}", desk::speed(speed))),
        (None, false) => Record::done(format!("Lifted the speed limit of {whom}")),
        (Some(speed), true) => Record::about(format!("Would limit {whom} to {}", desk::speed(speed))),
        (None, true) => Record::about(format!("Would lift the speed limit of {whom}")),
    };
    let list = Cell::list(ids.iter().map(|id| &id.0));
    let record = if args.all { record.json_field("jobs", list) } else { record.field("jobs", list) };
    let limit = Cell::maybe(args.speed.0, Cell::bytes);
    record.json_field("all", Cell::flag(args.all)).json_field("limit", limit).json_field("dry_run", Cell::flag(args.dry_run))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::Format;
    use crate::cli::fake::{Console, FakeDesk, three_ways};

    #[test]
    fn a_jobs_limit_reads_three_ways() {
        let desk = Arc::new(FakeDesk::new());
        insta::assert_snapshot!(three_ways(&desk, "jobs limit 3f2a 3f2b 2MB/s"));
        assert_eq!(desk.asked()[0], "limit Jobs([JobId(\"3f2a00000001\"), JobId(\"3f2b00000002\")]) Some(2097152)");
    }

    #[test]
    fn all_means_what_all_jobs_share() {
        let desk = Arc::new(FakeDesk { attached: true, ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        console.run(&desk, "jobs limit --all none").unwrap();
        assert_eq!(
            (console.stdout().as_str(), desk.asked()),
            ("✓ Lifted the speed limit of all jobs together\n", vec!["limit All None".to_owned()])
        );
        let alone = Arc::new(FakeDesk::new());
        let fault = Console::new(Format::Human).run(&alone, "jobs limit --all 2M").unwrap_err();
        assert!(fault.kind == FaultKind::Conflict && alone.asked().is_empty());
    }

    #[test]
    fn a_dry_run_changes_nothing() {
        let desk = Arc::new(FakeDesk::new());
        let mut console = Console::new(Format::Human);
        console.run(&desk, "jobs limit 3f2a 2M --dry-run").unwrap();
        assert_eq!(console.stdout(), "Would limit 1 job to 2 MiB/s\n  jobs: 3f2a00000001\n");
        assert!(desk.asked().is_empty());
    }
}
