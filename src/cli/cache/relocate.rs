//! `cache move`: repositories to another disk and back.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use futures::StreamExt;

use super::target::{CacheTarget, cache_target};
use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::progress;
use crate::cli::record::{Record, Sheet};
use crate::cli::table::{Column, Table};
use crate::cli::text::counted;
use crate::desk::{Desk, Fault, FaultKind, RelocationPlan, RelocationReport, RelocationStep, bytes};

/// Flags of `cache move`.
#[derive(Args, Debug)]
#[command(after_help = "\
The files are copied to FOLDER/models--owner--name, every blob compared with its digest, and the
folder in the cache becomes a symbolic link to it: programs find everything where it was, and new
downloads of the repository go there too. With --back the files return and the link goes. What was
interrupted goes on with the same command. hf reads moved repositories; its own cache rm removes
only the link.

Examples:
  hfdesk-tui cache move Qwen/Qwen3-8B-GGUF --to /mnt/big/hub --dry-run
  hfdesk-tui cache move Qwen/Qwen3-8B-GGUF gpt2 --to /mnt/big/hub
  hfdesk-tui cache move Qwen/Qwen3-8B-GGUF --back")]
pub struct MoveArgs {
    /// model/owner/name, owner/name or hf://models/owner/name
    #[arg(value_name = "REPO", value_parser = cache_target, required = true)]
    repos: Vec<CacheTarget>,
    /// A folder on another disk; it is made where it does not exist
    #[arg(long, value_name = "FOLDER", required_unless_present = "back")]
    to: Option<PathBuf>,
    /// Bring them back into the cache
    #[arg(long, conflicts_with = "to")]
    back: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl MoveArgs {
    /// Whether anything is to be changed.
    pub(super) fn changes(&self) -> bool {
        !self.dry_run
    }
}

pub(super) async fn run(desk: &dyn Desk, args: &MoveArgs, out: &mut Output) -> Result<(), Fault> {
    let (done, plans): (Vec<_>, Vec<_>) = planned(desk, args).await?.into_iter().partition(RelocationPlan::is_done);
    for plan in done {
        out.note(&format!("{} lies in {} already", plan.repo, plan.to.display()));
    }
    check_room(&plans)?;
    for plan in plans.iter().filter(|plan| plan.frees == 0 && plan.bytes > 0) {
        out.warning(&format!("nothing comes free by moving {}: it is the same disk, or others share its bytes", plan.repo));
    }
    if args.dry_run {
        return show(&plans, true, out);
    }
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for plan in plans {
        match moved(desk, plan, out).await {
            Ok(report) => {
                left.extend(report.left);
                done.push(report.plan);
            }
            Err(fault) if done.is_empty() => return Err(fault),
            Err(fault) => return show(&done, false, out).and(Err(fault)),
        }
    }
    show(&done, false, out)?;
    for line in &left {
        out.warning(line);
    }
    match left.len() {
        0 => Ok(()),
        count => Err(Fault::new(FaultKind::Disk, format!("{} could not be removed where it lay", counted(count, "thing", "things")))
            .hint("everything is in its new place, and what is left is there twice; see the warnings above")),
    }
}

async fn planned(desk: &dyn Desk, args: &MoveArgs) -> Result<Vec<RelocationPlan>, Fault> {
    let cache = desk.cache().await?;
    let to = args.to.as_deref().map(std::path::absolute).transpose().map_err(|error| Fault::disk("look up the folder", error))?;
    let mut plans = Vec::<RelocationPlan>::new();
    for target in &args.repos {
        let repo = &target.find(&cache)?.key;
        if !plans.iter().any(|plan| plan.repo == *repo) {
            plans.push(desk.plan_relocation(repo.clone(), to.clone()).await?);
        }
    }
    Ok(plans)
}

/// All of them go to one disk.
fn check_room(plans: &[RelocationPlan]) -> Result<(), Fault> {
    let needed: u64 = plans.iter().map(|plan| plan.bytes).sum();
    match plans.iter().find_map(|plan| plan.disk_free).filter(|free| *free < needed && plans.len() > 1) {
        Some(free) => {
            let message = format!("all of it takes {}, and {} are free there", bytes(needed), bytes(free));
            Err(Fault::new(FaultKind::DiskFull, message).hint("move fewer of them; nothing was changed"))
        }
        None => Ok(()),
    }
}

/// Follows one move to its end.
async fn moved(desk: &dyn Desk, plan: RelocationPlan, out: &mut Output) -> Result<RelocationReport, Fault> {
    let (began, repo) = (Instant::now(), plan.repo.to_string());
    let mut steps = desk.relocate(plan);
    while let Some(step) = steps.next().await {
        match step {
            RelocationStep::Done(report) => {
                out.clear_progress();
                return Ok(report);
            }
            RelocationStep::Failed(fault) => return Err(fault),
            RelocationStep::Progress(how_far) => {
                if let Some(width) = out.progress_width().filter(|_| out.format() == Format::Human) {
                    out.progress(&progress::reading(&format!("Moving {repo}"), &how_far, began.elapsed(), width.saturating_sub(1)));
                }
            }
        }
    }
    Err(Fault::new(FaultKind::Busy, "the hfdesk-tui that moved it has ended before it was done")
        .hint("run the same command again to go on"))
}

const MOVES: [Column<RelocationPlan>; 7] = [
    Column::shown("repo", |plan| Cell::text(plan.repo.to_string())),
    Column::shown("size", |plan| Cell::bytes(plan.bytes)),
    Column::shown("to", |plan| Cell::path(&plan.to)),
    Column::json("from", |plan| Cell::path(&plan.from)),
    Column::json("files", |plan| Cell::len(plan.files)),
    Column::json("frees", |plan| Cell::bytes(plan.frees)),
    Column::json("disk_free", |plan| Cell::maybe(plan.disk_free, Cell::bytes)),
];

fn show(plans: &[RelocationPlan], dry_run: bool, out: &mut Output) -> Result<(), Fault> {
    let repos = counted(plans.len(), "repository", "repositories");
    let record = if dry_run { Record::about(format!("Would move {repos}")) } else { Record::done(format!("Moved {repos}")) };
    let sum = |of: fn(&RelocationPlan) -> u64| Cell::bytes(plans.iter().map(of).sum());
    let record = record
        .field("copied", sum(|plan| plan.bytes))
        .field("freed", sum(|plan| plan.frees))
        .json_field("disk_free", Cell::maybe(plans.iter().find_map(|plan| plan.disk_free), Cell::bytes))
        .json_field("dry_run", Cell::flag(dry_run));
    out.show(&Sheet { record, tables: vec![("moves", Table::new(&MOVES, plans))] })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::fake::{FakeDesk, three_ways};

    #[test]
    fn moving_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "cache move gpt2 Qwen/Qwen3-8B-GGUF gpt2 --to /mnt/big"));
    }

    #[test]
    fn a_dry_run_moves_nothing() {
        let desk = Arc::new(FakeDesk::new());
        insta::assert_snapshot!(three_ways(&desk, "cache move gpt2 --back --dry-run"));
        assert!(desk.asked().is_empty());
    }

    #[test]
    fn where_to_must_be_said_and_there_must_be_room_for_all() {
        for line in ["hfdesk-tui cache move gpt2", "hfdesk-tui cache move gpt2 --to /mnt/big --back"] {
            assert!(crate::cli::parse(line.split_whitespace()).is_err(), "{line}");
        }
        let plan = |bytes| RelocationPlan {
            root: "/cache".into(),
            repo: crate::desk::RepoKey { kind: crate::desk::RepoKind::Model, id: "org/m".parse().unwrap() },
            from: "/a".into(),
            to: "/b".into(),
            files: 1,
            bytes,
            frees: 0,
            disk_free: Some(10),
        };
        assert_eq!(check_room(&[plan(6), plan(5)]).unwrap_err().kind, FaultKind::DiskFull);
        check_room(&[plan(6), plan(4)]).unwrap();
    }
}
