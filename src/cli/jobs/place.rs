//! `jobs move`: the order in which jobs run.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use super::control::{self, ControlArgs};
use crate::cli::output::Output;
use crate::desk::{Desk, Fault, JobAction};

/// Which jobs, and where to.
#[derive(Args, Debug)]
pub struct MoveArgs {
    /// Ids of jobs, or unique beginnings of them
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new(), required = true)]
    ids: Vec<String>,
    /// One place up or down, or first: the next to start, or last
    #[arg(value_name = "WHERE", required = true)]
    place: Place,
    /// Show which jobs and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Place {
    Up,
    Down,
    First,
    Last,
}

pub(super) async fn run(desk: &dyn Desk, args: &MoveArgs, out: &mut Output) -> Result<(), Fault> {
    let action = match args.place {
        Place::Up => JobAction::Up,
        Place::Down => JobAction::Down,
        Place::First => JobAction::First,
        Place::Last => JobAction::Last,
    };
    control::run(desk, action, &ControlArgs::of(&args.ids, args.dry_run), out).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cli::Format;
    use crate::cli::fake::{Console, FakeDesk};

    #[test]
    fn jobs_move_to_where_they_are_told() {
        let desk = Arc::new(FakeDesk::new());
        let mut console = Console::new(Format::Human);
        console.run(&desk, "jobs move 3f2b 3f2a first").unwrap();
        assert_eq!(console.stdout(), "✓ Moved 2 jobs\n  jobs: 3f2b00000002, 3f2a00000001\n");
        assert_eq!(desk.asked(), ["move first Jobs([JobId(\"3f2b00000002\"), JobId(\"3f2a00000001\")])"]);
        assert!(Console::new(Format::Human).run(&desk, "jobs move 77d up").is_err(), "a failed job has no place in the queue");
    }
}
