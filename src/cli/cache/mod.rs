//! `cache`: what is on the disk, whether it is sound, and removing it.

mod aim;
mod deletion;
mod doctor;
mod link;
mod ls;
mod near;
mod official;
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

    /// Whether it may change the cache and goes by what lies there, so that deletions that were interrupted are finished first. Whoever
    /// only looks, or is to be shown what would be done, is shown them as they are; the doctor finishes them where that is wanted.
    pub(super) fn changes(&self) -> bool {
        match self {
            Self::Updates(args) => args.downloads(),
            Self::Rm(args) => args.changes(),
            Self::Prune(args) => args.changes(),
            Self::Empty(args) => args.changes(),
            Self::Link(args) => args.changes(),
            Self::Rebuild(args) => args.changes(),
            Self::Move(args) => args.changes(),
            Self::Ls(_) | Self::Show(_) | Self::Verify(_) | Self::Trash(_) | Self::Doctor(_) => false,
            Self::Restore(_) | Self::Pin(_) | Self::Unpin(_) => true,
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

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::Path;
    use std::sync::Arc;

    use serde_json::Value;

    use crate::cli::fake::{Console, FakeDesk, verified};
    use crate::cli::format::Format;

    const BEGIN: &str = "<!-- json: written by src/cli/cache/mod.rs -->\n";
    const END: &str = "<!-- end of json -->";

    /// Every verb that writes JSON of its own.
    const LINES: [&str; 16] = [
        "ls",
        "ls --revisions",
        "ls --others",
        "show Qwen/Qwen3-8B-GGUF --files",
        "rm gpt2 --dry-run",
        "rm gpt2 --yes",
        "trash",
        "restore",
        "empty --yes",
        "pin gpt2",
        "doctor --fix --yes",
        "verify --repair --yes",
        "updates",
        "link Qwen/Qwen3-8B-GGUF --for lmstudio",
        "rebuild",
        "move gpt2 --to DIR",
    ];

    /// The keys of a value: of a list those of what is in it, and of an object those of its lists of objects, too.
    fn keys(value: &Value) -> String {
        match value {
            Value::Array(rows) => format!("a list of {}", keys(rows.first().unwrap_or(&Value::Null))),
            Value::Object(object) => object.iter().map(|(key, value)| format!("`{key}`{}", inner(value))).collect::<Vec<_>>().join(", "),
            _ => panic!("{value}"),
        }
    }

    fn inner(value: &Value) -> String {
        let row = value.as_array().and_then(|rows| rows.first()).filter(|row| row.is_object());
        row.map_or_else(String::new, |row| format!(" (each {})", keys(row).replace("`, `", "` `")))
    }

    fn table() -> String {
        let mut table = "| `cache …` | keys |\n|---|---|\n".to_owned();
        for line in LINES {
            let mut console = Console::new(Format::Json);
            let desk = Arc::new(FakeDesk { steps: verified(1), ..FakeDesk::new() });
            let _ = console.run(&desk, &format!("cache {line}")); // a doctor who finds errors says so with its status
            let written: Value = serde_json::from_str(&console.stdout()).unwrap_or_else(|error| panic!("{line}: {error}"));
            let name = line.replace("Qwen/Qwen3-8B-GGUF", "REPO").replace("gpt2", "TARGET");
            writeln!(table, "| `{name}` | {} |", keys(&written)).unwrap();
        }
        table
    }

    #[test]
    fn the_readme_names_every_key() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let readme = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = readme.split_once(BEGIN).unwrap();
        let (committed, after) = rest.split_once(END).unwrap();
        if std::env::var_os("UPDATE_README").is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
            return;
        }
        assert!(committed == table(), "the README's keys are stale: run this test with UPDATE_README=1");
    }
}
