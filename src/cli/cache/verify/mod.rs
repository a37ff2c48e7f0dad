//! `cache verify`: whether cached files are what their digests say, and setting damaged ones aside.

mod advice;
mod told;
mod words;

use std::time::Instant;

use clap::Args;
use futures::StreamExt;

use super::official::BeyondTheCache;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::progress;
use crate::cli::text::counted;
use crate::cli::values;
use crate::cli::view::{Look, View};
use crate::desk::{
    CacheListing, Desk, Fault, FaultKind, RepairReport, RepoKind, Revision, Verdict, VerifiedFile, VerifyReport, VerifyStep, VerifyTarget,
};
use told::Told;

/// Flags of `cache verify`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui cache verify
  hfdesk-tui cache verify Qwen/Qwen3-8B-GGUF gpt2
  hfdesk-tui cache verify Qwen/Qwen3-8B-GGUF Qwen3-8B-Q4_K_M.gguf --repair

Exit status 7 means that something does not match its digest and was not set aside, also where
the question of --repair was answered with no.")]
pub struct VerifyArgs {
    /// A repository of the cache, and after it the files or folders/ of it that are meant; nothing means the whole cache
    #[arg(value_name = "REPO|FILE")]
    words: Vec<String>,
    /// Only what this branch, tag or commit uses
    #[arg(long, value_name = "REV", value_parser = values::revision, requires = "words")]
    revision: Option<Revision>,
    /// What REPO is; without REPO: all repositories of this type
    #[arg(long = "type", alias = "repo-type", value_name = "TYPE", value_parser = values::cached_kind())]
    kind: Option<RepoKind>,
    /// Set damaged files aside, so that the next download fetches what is wrong in them
    #[arg(long)]
    repair: bool,
    /// Set them aside without asking
    #[arg(short, long, requires = "repair")]
    yes: bool,
    #[command(flatten)]
    beyond: BeyondTheCache,
}

pub(super) async fn run(desk: &dyn Desk, args: &VerifyArgs, out: &mut Output) -> Result<(), Fault> {
    args.beyond.must_be_nothing()?;
    if args.repair && !args.yes {
        out.must_be_able_to_ask()?;
    }
    let cache = desk.cache().await?;
    let Some(targets) = args.targets(&cache)? else {
        let kind = args.kind.map_or("repository", RepoKind::name);
        return Err(Fault::new(FaultKind::NotFound, format!("no {kind} is in the cache {}", cache.root.display())));
    };
    let report = verified(desk, targets, out).await?;
    report.warnings.iter().for_each(|warning| out.warning(warning));
    let repair = repaired(desk, args, &report, out).await?;
    out.show(&Told { report: &report, repair: repair.as_ref() })?;
    remarks(&cache, &report, repair.as_ref(), out);
    outcome(&report, repair.as_ref())
}

/// Follows the verification to its end.
async fn verified(desk: &dyn Desk, targets: Vec<VerifyTarget>, out: &mut Output) -> Result<VerifyReport, Fault> {
    let began = Instant::now();
    let mut steps = desk.verify(targets);
    while let Some(step) = steps.next().await {
        match step {
            VerifyStep::Done(report) => {
                out.clear_progress();
                return Ok(report);
            }
            VerifyStep::Failed(fault) => return Err(fault),
            VerifyStep::Progress(how_far) => {
                if let Some(width) = out.progress_width().filter(|_| out.format() == Format::Human) {
                    out.progress(&progress::verifying(&how_far, began.elapsed(), width.saturating_sub(1)));
                }
            }
        }
    }
    Err(Fault::new(FaultKind::Busy, "the hfdesk-tui that verified has ended before it was done").hint("run the same command again"))
}

/// Sets the damaged files aside, if that was asked for and confirmed.
async fn repaired(desk: &dyn Desk, args: &VerifyArgs, report: &VerifyReport, out: &mut Output) -> Result<Option<RepairReport>, Fault> {
    let damaged: Vec<VerifiedFile> = report.with(Verdict::Damaged).cloned().collect();
    if !args.repair || damaged.is_empty() {
        return Ok(None);
    }
    if !args.yes && !confirmed(report, damaged.len(), out).await? {
        out.note("nothing was set aside");
        return Ok(None);
    }
    desk.repair(damaged).await.map(Some)
}

/// Shows a person what is damaged beside the question: standard output is for the outcome.
async fn confirmed(report: &VerifyReport, damaged: usize, out: &mut Output) -> Result<bool, Fault> {
    let text = Told { report, repair: None }.human(Look::default());
    text.lines().for_each(|line| out.note(line));
    let them = if damaged == 1 { "it" } else { "them" };
    out.confirm(&format!("Set {} aside, so that the next download fetches {them} again?", counted(damaged, "file", "files"))).await
}

fn remarks(cache: &CacheListing, report: &VerifyReport, repair: Option<&RepairReport>, out: &mut Output) {
    let unknown = report.with(Verdict::Unknown).count();
    if unknown > 0 {
        out.warning(&format!(
            "{} cannot be verified: nothing in the cache says what the digest should be",
            counted(unknown, "file", "files")
        ));
    }
    let Some(repair) = repair else { return };
    repair.failures.iter().for_each(|failure| out.warning(failure));
    for command in advice::downloads(cache, report, repair) {
        out.hint(&format!("fetch again what was set aside with: {command}"));
    }
}

/// What does not match and is still there makes the verb fail, and so does what cannot be read.
fn outcome(report: &VerifyReport, repair: Option<&RepairReport>) -> Result<(), Fault> {
    let count = |verdict| report.with(verdict).count();
    let of = format!("of {}", counted(report.files.len(), "file", "files"));
    let left = match repair {
        None => count(Verdict::Damaged),
        Some(repair) => repair.failures.len(),
    };
    let unreadable = count(Verdict::Unreadable);
    if left > 0 && repair.is_some() {
        return Err(Fault::new(FaultKind::Corrupt, format!("{left} {of} could not be set aside"))
            .hint("see the warnings above, then run the same command again"));
    }
    if left > 0 {
        let does = if left == 1 { "does not match its digest" } else { "do not match their digests" };
        return Err(Fault::new(FaultKind::Corrupt, format!("{left} {of} {does}"))
            .hint("run the same command with --repair to set what is damaged aside, then download it again"));
    }
    if unreadable > 0 {
        return Err(Fault::new(FaultKind::Disk, format!("{unreadable} {of} could not be read"))
            .hint("see who may read them, and whether the disk reports errors"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::fake::{Console, FakeDesk, damaged_file, three_ways, verified};
    use crate::desk::VerifyProgress;

    /// A desk whose verification finds two files good and this many damaged.
    fn desk(damaged: usize) -> Arc<FakeDesk> {
        Arc::new(FakeDesk { steps: verified(damaged), ..FakeDesk::new() })
    }

    fn told(desk: &Arc<FakeDesk>, line: &str) -> String {
        [Format::Human, Format::Json, Format::Quiet]
            .map(|format| {
                let mut console = Console::new(format);
                let fault = console.run(desk, line).unwrap_err();
                assert_eq!(fault.kind.exit_status(), 7);
                format!(
                    "## {format:?}\n{}## stderr\n{}## fault\n{fault}; {}",
                    console.stdout(),
                    console.stderr(),
                    fault.hint.clone().unwrap()
                )
            })
            .join("\n")
    }

    #[test]
    fn a_good_cache_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&desk(0), "cache verify"));
    }

    #[test]
    fn damage_reads_three_ways_and_ends_with_seven() {
        let desk = desk(2);
        insta::assert_snapshot!(told(&desk, "cache verify Qwen/Qwen3-8B-GGUF"));
        assert!(desk.asked().is_empty(), "nothing is changed unasked");
    }

    #[test]
    fn a_repair_reads_three_ways() {
        let desk = desk(1);
        insta::assert_snapshot!(three_ways(&desk, "cache verify --repair --yes"));
        assert_eq!(desk.asked()[0], "repair [\"/cache/blobs/bad0\"]");
    }

    #[test]
    fn a_person_is_shown_the_damage_and_asked() {
        let desk = desk(1);
        let mut console = Console::terminal(Format::Human).answering("y\n");
        console.run(&desk, "cache verify --repair").unwrap();
        let asked = console.stderr();
        assert!(
            asked.contains("bad0.gguf") && asked.contains("Set 1 file aside, so that the next download fetches it again? [y/N] "),
            "{asked}"
        );
        assert_eq!(desk.asked().len(), 1);
        for answer in ["n\n", ""] {
            let desk = self::desk(1);
            let fault = Console::terminal(Format::Human).answering(answer).run(&desk, "cache verify --repair").unwrap_err();
            assert!(fault.kind == FaultKind::Corrupt && desk.asked().is_empty());
        }
    }

    #[test]
    fn where_nobody_can_be_asked_yes_must_be_said_before_anything_is_read() {
        for format in [Format::Human, Format::Json, Format::Quiet] {
            let fault = Console::new(format).run(&desk(0), "cache verify --repair").unwrap_err();
            assert!(fault.kind == FaultKind::Usage && fault.message.ends_with("Use --yes to skip confirmation."), "{fault}");
        }
    }

    #[test]
    fn what_asks_the_hub_is_refused_with_a_way() {
        let fault = Console::new(Format::Human).run(&desk(0), "cache verify gpt2 --fail-on-missing-files").unwrap_err();
        assert!(fault.kind == FaultKind::Usage && fault.hint.as_deref().unwrap().contains("hfdesk-tui cache updates"), "{fault}");
    }

    #[test]
    fn what_cannot_be_set_aside_is_told() {
        let desk = Arc::new(FakeDesk { steps: verified(1), deletion_failures: vec!["it is in use".to_owned()], ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        let fault = console.run(&desk, "cache verify --repair -y").unwrap_err();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Corrupt, "1 of 3 files could not be set aside"));
        assert!(console.stderr().contains("Warning: it is in use"));
    }

    #[test]
    fn what_cannot_be_read_or_judged_is_told() {
        let file = |verdict| VerifiedFile { verdict, ..damaged_file(0) };
        let report = VerifyReport { files: vec![file(Verdict::Unreadable), file(Verdict::Unknown)], ..VerifyReport::default() };
        let desk = Arc::new(FakeDesk { steps: vec![VerifyStep::Done(report)], ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        let fault = console.run(&desk, "cache verify").unwrap_err();
        assert_eq!((fault.kind.exit_status(), fault.message.as_str()), (1, "1 of 2 files could not be read"));
        assert!(console.stderr().contains("1 file cannot be verified"), "{}", console.stderr());
    }

    #[test]
    fn a_terminal_shows_progress_and_a_verification_that_breaks_off_is_a_fault() {
        let how_far = VerifyProgress { bytes_done: 1 << 30, bytes_total: 4 << 30, files_done: 1, files_total: 9 };
        let desk = Arc::new(FakeDesk { steps: vec![VerifyStep::Progress(how_far)], ..FakeDesk::new() });
        let mut console = Console::terminal(Format::Human);
        assert_eq!(console.run(&desk, "cache verify").unwrap_err().kind, FaultKind::Busy);
        assert!(console.stderr().contains("25 %") && console.stderr().contains("1 of 9 files"), "{}", console.stderr());
        let mut silent = Console::new(Format::Human);
        assert_eq!(silent.run(&desk, "cache verify").unwrap_err().kind, FaultKind::Busy);
        assert_eq!(silent.stderr(), "");
    }

    #[test]
    fn a_cache_without_such_a_repository_is_told() {
        let fault = Console::new(Format::Human).run(&desk(0), "cache verify --type space").unwrap_err();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::NotFound, "no space is in the cache /cache"));
    }
}
