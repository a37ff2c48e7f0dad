//! `cache`: what is on the disk, whether it is sound, and removing it.

mod aim;
mod deletion;
mod doctor;
mod link;
mod ls;
mod pin;
mod prune;
mod relocate;
mod rm;
mod show;
mod target;
mod trash;
mod updates;
mod verify;

use clap::{Args, Subcommand};

use super::format::FormatArgs;
use super::output::Output;
use crate::desk::{Desk, Fault};

pub use doctor::DoctorArgs;
pub use link::{LinkArgs, RebuildArgs};
pub use ls::LsArgs;
pub use pin::PinArgs;
pub use prune::PruneArgs;
pub use relocate::MoveArgs;
pub use rm::RmArgs;
pub use show::ShowArgs;
pub use trash::{EmptyArgs, RestoreArgs, TrashArgs};
pub use updates::UpdatesArgs;
pub use verify::VerifyArgs;

/// Flags of `cache`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui cache ls
  hfdesk-tui cache show Qwen/Qwen3-8B-GGUF
  hfdesk-tui cache rm Qwen/Qwen3-8B-GGUF:q6_k --dry-run
  hfdesk-tui cache prune --trash
  hfdesk-tui cache updates
  hfdesk-tui cache verify Qwen/Qwen3-8B-GGUF
  hfdesk-tui cache link Qwen/Qwen3-8B-GGUF:q4_k_m --for lmstudio
  hfdesk-tui cache move Qwen/Qwen3-8B-GGUF --to /mnt/big/hub")]
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
    Ls(LsArgs),
    /// Show one repository: its revisions, its variants and what is left over
    Show(ShowArgs),
    /// Read files and compare them with their digests
    Verify(VerifyArgs),
    /// Find out which repositories have something newer, and fetch it
    Updates(UpdatesArgs),
    /// Delete repositories, revisions, variants or files
    Rm(RmArgs),
    /// Delete what nothing leads to: detached revisions, unfinished downloads and what is left over
    Prune(PruneArgs),
    /// List what was deleted and can be brought back
    Trash(TrashArgs),
    /// Bring back what was deleted
    Restore(RestoreArgs),
    /// Empty the trash, which frees its bytes
    Empty(EmptyArgs),
    /// Protect repositories from deletion
    Pin(PinArgs),
    /// Lift that protection
    Unpin(PinArgs),
    /// Find what is wrong with the cache, and mend it
    Doctor(DoctorArgs),
    /// Let other programs find cached files, or take over files of theirs, without a second copy
    Link(LinkArgs),
    /// Move repositories to another disk, with links to them in the cache, and back
    Move(MoveArgs),
    /// Make and update a folder of plain names that leads to everything in the cache
    Rebuild(RebuildArgs),
}

impl CacheCommand {
    /// Whether it downloads anything.
    pub(super) fn downloads(&self) -> bool {
        matches!(self, Self::Updates(args) if args.downloads())
    }

    /// Whether it may change the cache.
    pub(super) fn changes(&self) -> bool {
        match self {
            Self::Updates(args) => args.downloads(),
            Self::Ls(_) | Self::Show(_) | Self::Verify(_) | Self::Trash(_) => false,
            Self::Rm(_)
            | Self::Prune(_)
            | Self::Restore(_)
            | Self::Empty(_)
            | Self::Pin(_)
            | Self::Unpin(_)
            | Self::Doctor(_)
            | Self::Link(_)
            | Self::Move(_)
            | Self::Rebuild(_) => true,
        }
    }
}

pub(super) async fn run(desk: &dyn Desk, args: &CacheArgs, out: &mut Output) -> Result<(), Fault> {
    match &args.command {
        CacheCommand::Ls(args) => ls::run(desk, args, out).await,
        CacheCommand::Show(args) => show::run(desk, args, out).await,
        CacheCommand::Verify(args) => verify::run(desk, args, out).await,
        CacheCommand::Updates(args) => updates::run(desk, args, out).await,
        CacheCommand::Rm(args) => rm::run(desk, args, out).await,
        CacheCommand::Prune(args) => prune::run(desk, args, out).await,
        CacheCommand::Trash(_) => trash::ls(desk, out).await,
        CacheCommand::Restore(args) => trash::restore(desk, args, out).await,
        CacheCommand::Empty(args) => trash::empty(desk, args, out).await,
        CacheCommand::Pin(args) => pin::run(desk, args, true, out).await,
        CacheCommand::Unpin(args) => pin::run(desk, args, false, out).await,
        CacheCommand::Doctor(args) => doctor::run(desk, args, out).await,
        CacheCommand::Link(args) => link::run(desk, args, out).await,
        CacheCommand::Move(args) => relocate::run(desk, args, out).await,
        CacheCommand::Rebuild(args) => link::rebuild(desk, args, out).await,
    }
}
