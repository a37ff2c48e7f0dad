//! `download`: plan, queue, follow.

use clap::Args;

use super::cell::Cell;
use super::follow;
use super::format::FormatArgs;
use super::output::Output;
use super::plan;
use super::record::Record;
use super::selection::SelectionArgs;
use super::values;
use crate::desk::{Choice, Desk, Fault, FaultKind, Job, JobId, JobState, Plan, Target};

/// Flags of `download`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui download Qwen/Qwen3-8B-GGUF:q4_k_m
  hfdesk-tui download Qwen/Qwen3-8B-GGUF --recommended --context 32k
  hfdesk-tui download org/model config.json tokenizer/
  hfdesk-tui download org/model --include '*.safetensors' --local-dir ./model --max-speed 20M
  llama-server -m \"$(hfdesk-tui download org/model-GGUF model.Q4_K_M.gguf -q)\"

Interrupted, it keeps what is on disk; the same command goes on from there. The path printed is the
folder of the files or, where one FILE was named, that file.")]
pub struct DownloadArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// The most bytes a second, such as 20M
    #[arg(long, value_name = "SPEED", value_parser = values::rate)]
    pub(super) max_speed: Option<u64>,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    pub(super) output: FormatArgs,
}

impl DownloadArgs {
    /// Whether anything is queued at all.
    pub(super) fn needs_queue(&self) -> bool {
        !self.dry_run
    }
}

pub(super) async fn run(desk: &dyn Desk, args: &DownloadArgs, out: &mut Output) -> Result<(), Fault> {
    let selection = args.selection.selection(desk, out).await?;
    let names_one = matches!(&selection.choice, Choice::Files(files) if matches!(&files[..], [file] if !file.ends_with('/')));
    let plan = desk.plan(selection).await?;
    if args.dry_run {
        return plan::show(&plan, out);
    }
    bring(desk, &plan, args.max_speed, |_| "run the same command to go on".to_owned(), out).await?;
    out.show(&downloaded(&plan, names_one))
}

/// Queues a plan and follows its job until every file is in its place. `go_on` tells how a job that failed goes on.
pub(super) async fn bring(
    desk: &dyn Desk,
    plan: &Plan,
    max_speed: Option<u64>,
    go_on: impl Fn(&JobId) -> String,
    out: &mut Output,
) -> Result<(), Fault> {
    plan::ensure_room(plan)?;
    let id = desk.enqueue(plan.clone()).await?;
    limit(desk, &id, max_speed).await?;
    let job = follow::until_over(desk, &id, out).await?;
    if job.state == JobState::Completed { Ok(()) } else { Err(ended_badly(&job, &go_on(&id))) }
}

/// Gives the job its limit in a process that was started at a speed of its own.
async fn limit(desk: &dyn Desk, id: &JobId, max_speed: Option<u64>) -> Result<(), Fault> {
    if max_speed.is_none() || !desk.about().attached {
        return Ok(());
    }
    match desk.limit(Target::Jobs(vec![id.clone()]), max_speed).await {
        Err(fault) if fault.kind != FaultKind::Conflict => Err(fault),
        _ => Ok(()), // a conflict means that the job is over
    }
}

/// Where the files are: the folder or, where one file was named, that file.
fn downloaded(plan: &Plan, names_one: bool) -> Record {
    let path = match &plan.files[..] {
        [file] if names_one => plan.destination.join(&file.path),
        _ => plan.destination.clone(),
    };
    Record::done("Downloaded")
        .field("path", Cell::path(&path))
        .json_field("repo_id", Cell::text(plan.repo.id.as_str()))
        .json_field("repo_type", Cell::text(plan.repo.kind.name()))
        .json_field("commit", Cell::text(&plan.commit))
        .json_field("files", Cell::len(plan.files.len()))
        .json_field("bytes", Cell::bytes(plan.bytes()))
}

/// Why there is nothing to show for the job.
fn ended_badly(job: &Job, go_on: &str) -> Fault {
    if job.state == JobState::Cancelled {
        return Fault::new(FaultKind::Interrupted, format!("the job {} was cancelled", job.id));
    }
    let fault = job.fault.clone().unwrap_or_else(|| Fault::internal("the download failed and does not say why"));
    let hint = match &fault.hint {
        Some(hint) => format!("{hint}; then {go_on}"),
        None => go_on.to_owned(),
    };
    fault.hint(hint)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::Format;
    use crate::cli::fake::{self, Console, FakeDesk, three_ways};

    const LINE: &str = "download Qwen/Qwen3-8B-GGUF:q4_k_m";

    fn whole() -> Arc<FakeDesk> {
        let states = [fake::job("3f2a00000001", JobState::Queued), fake::running(3, 1 << 20), fake::running(9, 1 << 20)];
        FakeDesk::downloading(states.into_iter().chain([fake::running(55, 2 << 20), fake::completed()]).collect())
    }

    #[test]
    fn a_download_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&whole(), LINE));
    }

    #[test]
    fn a_terminal_sees_one_line_that_is_taken_away() {
        let mut console = Console::terminal(Format::Human);
        console.run(&whole(), LINE).unwrap();
        let drawn = console.stderr();
        assert!(!drawn.contains('\n') && drawn.ends_with("\r\u{1b}[K"), "{drawn:?}");
        assert_eq!(drawn.matches('%').count(), 4);
    }

    #[test]
    fn one_named_file_is_answered_with_its_own_path() {
        let file = fake::plan().files.remove(1);
        let desk = FakeDesk::downloading(vec![fake::completed()]);
        let one = Arc::new(FakeDesk { plan: Plan { files: vec![file], ..fake::plan() }, boards: desk.boards.clone(), ..FakeDesk::new() });
        let path = |line| {
            let mut console = Console::new(Format::Quiet);
            console.run(&one, line).unwrap();
            console.stdout()
        };
        let folder = "/cache/snapshots/0123456789abcdef0123456789abcdef01234567";
        assert_eq!(path("download a/b q4.gguf"), format!("{folder}/q4.gguf\n"));
        assert_eq!(path("download a/b:q4"), format!("{folder}\n"));
        assert_eq!(path("download a/b sub/"), format!("{folder}\n"));
    }

    #[test]
    fn a_dry_run_shows_the_plan_and_queues_nothing() {
        let (desk, mut dry, mut plan) = (whole(), Console::new(Format::Json), Console::new(Format::Json));
        dry.run(&desk, "download a/b --dry-run").unwrap();
        plan.run(&desk, "plan a/b").unwrap();
        assert_eq!(dry.stdout(), plan.stdout());
        assert!(desk.asked().is_empty());
    }

    #[test]
    fn a_plan_without_room_is_refused() {
        let desk = Arc::new(FakeDesk { plan: Plan { disk_free: Some(1 << 30), ..fake::plan() }, ..FakeDesk::new() });
        let fault = Console::new(Format::Human).run(&desk, LINE).unwrap_err();
        assert_eq!(fault.kind, FaultKind::DiskFull);
        assert!(fault.message.contains("2.8 GiB needed and 1 GiB free"), "{fault}");
        assert!(desk.asked().is_empty());
    }

    #[test]
    fn a_failed_download_ends_with_its_reason() {
        let desk = FakeDesk::downloading(vec![fake::running(10, 1), fake::failed(Fault::new(FaultKind::Corrupt, "q4.gguf is corrupt"))]);
        let fault = Console::new(Format::Human).run(&desk, LINE).unwrap_err();
        assert_eq!((fault.kind.exit_status(), fault.hint.as_deref()), (7, Some("run the same command to go on")));
    }

    #[test]
    fn a_download_found_paused_is_resumed_once() {
        let paused = fake::job("3f2a00000001", JobState::Paused);
        let desk = FakeDesk::downloading(vec![paused.clone(), paused, fake::running(5, 1), fake::completed()]);
        Console::new(Format::Quiet).run(&desk, LINE).unwrap();
        assert_eq!(desk.asked(), ["enqueue Q4_K_M", "resume Jobs([JobId(\"3f2a00000001\")])"]);
    }

    #[test]
    fn a_job_that_waits_says_why_once() {
        let fault = Fault::new(FaultKind::DiskFull, "waits for room");
        let waiting = Job { fault: Some(fault), ..fake::job("3f2a00000001", JobState::Queued) };
        let desk = FakeDesk::downloading(vec![waiting.clone(), waiting, fake::completed()]);
        let mut console = Console::new(Format::Json);
        console.run(&desk, LINE).unwrap();
        assert_eq!(console.stderr(), "Warning: waits for room\n");
    }

    #[test]
    fn a_speed_limit_in_another_process_is_the_jobs_own() {
        let desk = FakeDesk::downloading(vec![fake::completed()]);
        let attached = Arc::new(FakeDesk { boards: desk.boards.clone(), attached: true, ..FakeDesk::new() });
        let line = format!("{LINE} --max-speed 2M");
        Console::new(Format::Quiet).run(&attached, &line).unwrap();
        assert_eq!(attached.asked(), ["enqueue Q4_K_M", "limit Jobs([JobId(\"3f2a00000001\")]) Some(2097152)"]);
        Console::new(Format::Quiet).run(&desk, &line).unwrap();
        assert_eq!(desk.asked(), ["enqueue Q4_K_M"], "the process was started at that speed");
    }

    #[test]
    fn what_a_file_waits_for_is_said_once() {
        let file = |remark: &str| crate::desk::FileProgress {
            path: "q4.gguf".to_owned(),
            size: 5,
            done: 0,
            phase: crate::desk::Phase::Retrying,
            remark: Some(remark.to_owned()),
        };
        let retrying =
            Job { active: vec![file("trying again: the line broke")], phase: crate::desk::Phase::Retrying, ..fake::running(10, 0) };
        let desk = FakeDesk::downloading(vec![retrying.clone(), fake::running(10, 1), retrying, fake::completed()]);
        let mut console = Console::new(Format::Human);
        console.run(&desk, LINE).unwrap();
        assert_eq!(console.stderr().matches("q4.gguf: trying again: the line broke\n").count(), 1, "{}", console.stderr());
    }

    #[test]
    fn an_interruption_leaves_a_download_to_go_on_with() {
        let desk = FakeDesk::downloading(vec![fake::running(10, 1)]);
        let desk = Arc::new(FakeDesk { boards: desk.boards.clone(), stays_open: true, ..FakeDesk::new() });
        let mut console = Console::terminal(Format::Human);
        let soon = async { tokio::task::yield_now().await };
        let fault = console.run_until(&desk, LINE, soon).unwrap_err();
        crate::cli::report(&fault, &mut console.out);
        assert_eq!(fault.kind.exit_status(), 130);
        assert!(console.stderr().ends_with("\r\u{1b}[Kpaused; run the same command to go on\n"), "{:?}", console.stderr());
    }

    #[test]
    fn a_job_or_an_engine_that_goes_away_is_a_fault() {
        let mut gone = FakeDesk { boards: whole().boards[..2].to_vec(), ..FakeDesk::new() };
        let stopped = Console::new(Format::Human).run(&Arc::new(FakeDesk { boards: gone.boards.clone(), ..FakeDesk::new() }), LINE);
        assert_eq!(stopped.unwrap_err().kind, FaultKind::Busy);
        gone.boards.push(crate::desk::Board::default());
        assert_eq!(Console::new(Format::Human).run(&Arc::new(gone), LINE).unwrap_err().kind, FaultKind::NotFound);
    }
}
