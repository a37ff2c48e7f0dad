//! `cache rm`: delete repositories, after showing what comes free.

use std::path::PathBuf;

use clap::Args;

use super::target::{CacheTarget, cache_target};
use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::record::Record;
use crate::cli::text::counted;
use crate::cli::view::{Look, View};
use crate::desk::{self, DeletionPlan, DeletionReport, DeletionTarget, Desk, Disposal, Fault, FaultKind, RepoKey};

/// Flags of `cache rm`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui cache rm Qwen/Qwen3-8B-GGUF dataset/org/set --dry-run
  hfdesk-tui cache rm hf://models/Qwen/Qwen3-8B-GGUF --yes")]
pub struct RmArgs {
    /// model/owner/name, owner/name or hf://models/owner/name
    #[arg(value_parser = cache_target, required = true)]
    targets: Vec<CacheTarget>,
    /// Delete without asking
    #[arg(short, long)]
    yes: bool,
    /// Show what would be deleted and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(desk: &dyn Desk, args: &RmArgs, out: &mut Output) -> Result<(), Fault> {
    let keys = keys(desk, args).await?;
    let plan = desk.plan_deletion(keys.into_iter().map(DeletionTarget::Repo).collect()).await?;
    if args.dry_run {
        return out.show(&preview(&plan));
    }
    if !args.yes && !confirmed(&plan, out).await? {
        return Err(Fault::new(FaultKind::Interrupted, "nothing was deleted"));
    }
    let report = desk.delete(plan, Disposal::Forever).await?;
    out.show(&outcome(&report))?;
    failures(&report, out)
}

/// The repositories meant, each once.
async fn keys(desk: &dyn Desk, args: &RmArgs) -> Result<Vec<RepoKey>, Fault> {
    let cache = desk.cache().await?;
    let mut keys = Vec::new();
    for target in &args.targets {
        let key = &target.find(&cache)?.key;
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    Ok(keys)
}

/// Shows a person the plan beside the question: standard output is for the outcome.
async fn confirmed(plan: &DeletionPlan, out: &mut Output) -> Result<bool, Fault> {
    if out.format() == Format::Human {
        let text = preview(plan).human(Look::default());
        text.lines().for_each(|line| out.note(line));
    }
    out.confirm(&format!("Delete {} and free {}?", repositories(plan.repos.len()), desk::bytes(plan.frees))).await
}

fn preview(plan: &DeletionPlan) -> Record {
    let free_after = plan.disk_free.map(|free| free.saturating_add(plan.frees));
    Record::about(format!("Would delete {}", repositories(plan.repos.len())))
        .field("repos", names(&plan.repos))
        .json_field("dry_run", Cell::flag(true))
        .json_field("repos_deleted", Cell::len(plan.repos.len()))
        .field("paths", paths(&plan.paths))
        .field("payloads", paths(&plan.payloads))
        .field("freed", Cell::bytes(plan.frees))
        .field("kept", Cell::bytes(plan.keeps))
        .field("disk_free_after", Cell::maybe(free_after, Cell::bytes))
}

fn outcome(report: &DeletionReport) -> Record {
    let done = format!("Deleted {}", repositories(report.removed.len()));
    let record = if report.failures.is_empty() { Record::done(done) } else { Record::about(done) };
    record
        .field("repos", names(&report.removed))
        .json_field("dry_run", Cell::flag(false))
        .json_field("repos_deleted", Cell::len(report.removed.len()))
        .field("freed", Cell::bytes(report.freed))
        .json_field("failures", Cell::list(&report.failures))
}

/// Whatever could not be removed makes the verb fail, after what could be has been told.
fn failures(report: &DeletionReport, out: &mut Output) -> Result<(), Fault> {
    if report.failures.is_empty() {
        return Ok(());
    }
    report.failures.iter().for_each(|failure| out.warning(failure));
    let count = counted(report.failures.len(), "thing", "things");
    Err(Fault::new(FaultKind::Disk, format!("{count} could not be deleted"))
        .hint("see the warnings above, then run the same command again"))
}

fn names(keys: &[RepoKey]) -> Cell {
    Cell::list(keys.iter().map(ToString::to_string))
}

fn paths(paths: &[PathBuf]) -> Cell {
    Cell::list(paths.iter().map(|path| path.to_string_lossy()))
}

fn repositories(count: usize) -> String {
    counted(count, "repository", "repositories")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::fake::{Console, FakeDesk, three_ways};

    const DELETED: &str = "delete Forever [\"model/gpt2\"]";

    fn desk() -> Arc<FakeDesk> {
        Arc::new(FakeDesk::new())
    }

    #[test]
    fn a_deletion_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&desk(), "cache rm gpt2 dataset/org/twin --yes"));
    }

    #[test]
    fn a_dry_run_names_what_would_go_and_deletes_nothing() {
        let desk = desk();
        insta::assert_snapshot!(three_ways(&desk, "cache rm gpt2 model/gpt2 --dry-run"));
        assert!(desk.asked().is_empty());
    }

    #[test]
    fn a_person_is_asked() {
        let desk = desk();
        let mut console = Console::terminal(Format::Human).answering("y\n");
        console.run(&desk, "cache rm gpt2").unwrap();
        assert!(console.stderr().ends_with("Delete 1 repository and free 5 GiB? [y/N] "), "{}", console.stderr());
        assert!(console.stderr().contains("/cache/model/gpt2"));
        assert_eq!(desk.asked(), [DELETED]);
    }

    #[test]
    fn anything_but_yes_means_no() {
        for answer in ["n\n", "\n", "", "yesterday\n"] {
            let desk = desk();
            let fault = Console::terminal(Format::Human).answering(answer).run(&desk, "cache rm gpt2").unwrap_err();
            assert_eq!(fault.message, "nothing was deleted");
            assert!(desk.asked().is_empty());
        }
    }

    #[test]
    fn where_nobody_can_be_asked_yes_must_be_said() {
        let desk = desk();
        for format in [Format::Human, Format::Json, Format::Quiet] {
            let fault = Console::new(format).run(&desk, "cache rm gpt2").unwrap_err();
            assert!(fault.kind.exit_status() == 2 && fault.message.ends_with("Use --yes to skip confirmation."), "{fault}");
        }
        assert!(desk.asked().is_empty());
        Console::new(Format::Json).run(&desk, "cache rm gpt2 -y").unwrap();
        assert_eq!(desk.asked(), [DELETED]);
    }

    #[test]
    fn what_stays_behind_makes_the_verb_fail() {
        let desk = Arc::new(FakeDesk { deletion_failures: vec!["cannot remove /cache/x".to_owned()], ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        let fault = console.run(&desk, "cache rm gpt2 --yes").unwrap_err();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Disk, "1 thing could not be deleted"));
        assert!(console.stderr().contains("Warning: cannot remove /cache/x"));
    }

    #[test]
    fn one_target_that_is_not_there_stops_all() {
        let desk = desk();
        let fault = Console::new(Format::Human).run(&desk, "cache rm gpt2 org/none --yes").unwrap_err();
        assert_eq!(fault.kind, FaultKind::NotFound);
        assert!(desk.asked().is_empty());
    }
}
