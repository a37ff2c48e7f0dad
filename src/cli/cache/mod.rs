//! `cache`: what is on the disk, whether it is sound, and removing it.

mod ls;
mod rm;
mod show;
mod target;
mod verify;

use clap::{Args, Subcommand};

use super::format::FormatArgs;
use super::output::Output;
use crate::desk::{Desk, Fault};

pub use rm::RmArgs;
pub use show::ShowArgs;
pub use verify::VerifyArgs;

/// Flags of `cache`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui cache ls
  hfdesk-tui cache verify Qwen/Qwen3-8B-GGUF
  hfdesk-tui cache rm model/Qwen/Qwen3-8B-GGUF --dry-run")]
pub struct CacheArgs {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: CacheCommand,
    #[command(flatten)]
    pub(super) output: FormatArgs,
}

/// The verbs of `cache`.
#[derive(Subcommand, Debug)]
pub enum CacheCommand {
    /// List the repositories, largest first
    #[command(visible_alias = "list")]
    Ls,
    /// Show one repository and its revisions
    Show(ShowArgs),
    /// Read files and compare them with their digests
    Verify(VerifyArgs),
    /// Delete repositories
    Rm(RmArgs),
}

pub(super) async fn run(desk: &dyn Desk, args: &CacheArgs, out: &mut Output) -> Result<(), Fault> {
    match &args.command {
        CacheCommand::Ls => ls::run(desk, out).await,
        CacheCommand::Show(args) => show::run(desk, args, out).await,
        CacheCommand::Verify(args) => verify::run(desk, args, out).await,
        CacheCommand::Rm(args) => rm::run(desk, args, out).await,
    }
}
