//! `jobs`: the queue of downloads.

mod control;
mod ids;
mod limit;
mod ls;
mod place;
mod watch;

use std::sync::Arc;

use clap::{Args, Subcommand};
use futures::StreamExt;

use super::format::FormatArgs;
use super::output::Output;
use crate::desk::{Board, Desk, Fault, FaultKind, JobAction};

pub use control::ControlArgs;
pub use limit::LimitArgs;
pub use place::MoveArgs;

/// Flags of `jobs`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui jobs
  hfdesk-tui jobs pause 3f2a            a unique beginning of an id is enough
  hfdesk-tui jobs retry --all
  hfdesk-tui jobs move 3f2a first
  hfdesk-tui jobs limit 3f2a 2M
  hfdesk-tui jobs limit --all none      what all jobs share
  hfdesk-tui jobs ls --json

In JSON, sizes are bytes and speeds bytes a second.")]
pub struct JobsArgs {
    /// What to do; `None` lists.
    #[command(subcommand)]
    command: Option<JobsCommand>,
    #[command(flatten)]
    pub(super) output: FormatArgs,
}

/// The verbs of `jobs`.
#[derive(Subcommand, Debug)]
pub enum JobsCommand {
    /// List the jobs: unfinished ones in their order, then finished ones
    #[command(visible_alias = "list")]
    Ls,
    /// Print changes until nothing is queued or running
    #[command(after_help = "\
With --json every change is one JSON object on a line of its own; with -q the id of each job that
ends. The exit status is 0, or that of the first job that failed meanwhile.")]
    Watch,
    /// Stop queued or running jobs and keep their bytes
    Pause(ControlArgs),
    /// Queue paused jobs again
    Resume(ControlArgs),
    /// Give up unfinished jobs and remove their partial files
    Cancel(ControlArgs),
    /// Queue failed or cancelled jobs again
    Retry(ControlArgs),
    /// Take finished jobs off the list; their files stay
    Dismiss(ControlArgs),
    /// Change the order in which jobs run
    Move(MoveArgs),
    /// Limit the speed of jobs, at once
    Limit(LimitArgs),
}

pub(super) async fn run(desk: &dyn Desk, args: &JobsArgs, out: &mut Output) -> Result<(), Fault> {
    match args.command.as_ref().unwrap_or(&JobsCommand::Ls) {
        JobsCommand::Ls => ls::run(desk, out).await,
        JobsCommand::Watch => watch::run(desk, out).await,
        JobsCommand::Pause(args) => control::run(desk, JobAction::Pause, args, out).await,
        JobsCommand::Resume(args) => control::run(desk, JobAction::Resume, args, out).await,
        JobsCommand::Cancel(args) => control::run(desk, JobAction::Cancel, args, out).await,
        JobsCommand::Retry(args) => control::run(desk, JobAction::Retry, args, out).await,
        JobsCommand::Dismiss(args) => control::run(desk, JobAction::Dismiss, args, out).await,
        JobsCommand::Move(args) => place::run(desk, args, out).await,
        JobsCommand::Limit(args) => limit::run(desk, args, out).await,
    }
}

/// The queue as it is now.
async fn board(desk: &dyn Desk) -> Result<Arc<Board>, Fault> {
    let gone = || Fault::new(FaultKind::Unavailable, "the engine stopped before it told its queue").hint("try again");
    desk.board().next().await.ok_or_else(gone)
}
