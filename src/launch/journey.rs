//! The demo without a terminal: the same journey as text, made of the program's own verbs.

use std::sync::Arc;

use futures::StreamExt;

use crate::cli::{self, Command, Output};
use crate::desk::{Board, Choice, Desk, Fault, JobAction, JobId, Plan, Selection, Target, bytes};
use crate::engine::cache::verify_blob;
use crate::engine::host::blocking;

/// The sample repository that the journey is about, and the quantization it takes.
const REPO: &str = "aurora-labs/Aurora-8B-Instruct-GGUF";
const QUANTIZATION: &str = "Q4_K_M";

/// Plays the journey; its first fault ends it.
pub(super) async fn play(desk: Arc<dyn Desk>, out: &mut Output) -> Result<(), Fault> {
    let wanted = format!("{REPO}:{QUANTIZATION} --exact");
    verb(&desk, out, "search aurora --limit 5").await?;
    verb(&desk, out, &format!("analyze {REPO}")).await?;
    verb(&desk, out, &format!("plan {wanted}")).await?;
    let plan = interrupted_download(&desk, out).await?;
    verb(&desk, out, &format!("download {wanted}")).await?;
    check(&plan, out).await?;
    verb(&desk, out, "cache ls").await
}

/// Carries out one command line as a person would type it.
async fn verb(desk: &Arc<dyn Desk>, out: &mut Output, line: &str) -> Result<(), Fault> {
    out.data(&format!("\n$ hfdesk-tui {line}\n"))?;
    let words = std::iter::once("hfdesk-tui").chain(line.split(' '));
    let parsed = cli::parse(words).map_err(|error| Fault::internal(error.to_string()))?;
    match parsed.command {
        Some(Command::Desk(command)) => cli::run(Arc::clone(desk), &command, out, std::future::pending()).await,
        _ => Err(Fault::internal(format!("“{line}” is not a verb of the journey"))),
    }
}

/// Begins the download, pauses it when a third is there, and shows that it rests.
async fn interrupted_download(desk: &Arc<dyn Desk>, out: &mut Output) -> Result<Plan, Fault> {
    let repo = REPO.parse::<crate::desk::RepoSpec>()?.repo(crate::desk::RepoKind::Model);
    let filters = Choice::Filters { filters: vec![QUANTIZATION.to_owned()], exact: true };
    let plan = desk.plan(Selection::new(repo, filters)).await?;
    let id = desk.enqueue(plan.clone()).await?;
    let third = plan.bytes() / 3;
    until(&**desk, |board| board.job(&id).is_some_and(|job| job.progress.bytes_done >= third || job.state.is_over())).await;
    desk.control(JobAction::Pause, Target::Jobs(vec![id.clone()])).await?;
    let held = until(&**desk, |board| board.job(&id).is_some()).await.map_or(0, |board| done(&board, &id));
    out.data(&format!("\n(paused in the middle, as if the link were needed for something else: {} are on the disk)\n", bytes(held)))?;
    verb(desk, out, "jobs ls").await?;
    Ok(plan)
}

fn done(board: &Board, id: &JobId) -> u64 {
    board.job(id).map_or(0, |job| job.progress.bytes_done)
}

/// The board once it satisfies a condition; `None` when there will be no more boards.
async fn until(desk: &dyn Desk, wanted: impl Fn(&Board) -> bool) -> Option<Arc<Board>> {
    let boards = desk.board().filter(|board| std::future::ready(wanted(board)));
    std::pin::pin!(boards).next().await
}

/// Reads every file back and compares it with the digest that the Hub names.
async fn check(plan: &Plan, out: &mut Output) -> Result<(), Fault> {
    for file in plan.files.clone() {
        let path = plan.destination.join(&file.path);
        let digest = file.digest.clone();
        let same = blocking(move || verify_blob(&path, &digest)).await?;
        let verdict = if same { "as the Hub has it" } else { "NOT what the Hub has" };
        out.data(&format!("\n{}  {}  ({verdict})\n", file.digest, file.path))?;
    }
    Ok(())
}
