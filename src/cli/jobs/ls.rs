//! `jobs ls`: the queue as it is now.

use jiff::tz::TimeZone;
use serde_json::json;

use super::board;
use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::progress::{percent, stage};
use crate::cli::table::{Column, Table};
use crate::desk::{self, Board, Desk, Fault, Job, SpeedLimit};

const COLUMNS: [Column<Row>; 22] = [
    Column::shown("id", |Row { job, .. }| Cell::text(&job.id.0)),
    Column::shown("repo_id", |Row { job, .. }| Cell::text(job.plan.repo.id.as_str())),
    Column::json("repo_type", |Row { job, .. }| Cell::text(job.plan.repo.kind.name())),
    Column::json("commit", |Row { job, .. }| Cell::text(&job.plan.commit)),
    Column::shown("title", |Row { job, .. }| Cell::text(&job.plan.title)),
    Column::shown("state", |Row { job, .. }| Cell::new(stage(job), job.state.name())),
    Column::json("phase", |Row { job, .. }| Cell::text(job.phase.name())),
    Column::shown("percent", |Row { job, .. }| Cell::count(percent(job))),
    Column::shown("size", |Row { job, .. }| Cell::bytes(job.progress.bytes_total)),
    Column::json("bytes_done", |Row { job, .. }| Cell::bytes(job.progress.bytes_done)),
    Column::shown("speed", |Row { job, .. }| speed(job.progress.bytes_per_second)),
    Column::json("eta_seconds", |Row { job, .. }| Cell::maybe(job.progress.eta_seconds, Cell::count)),
    Column::json("files", |Row { job, .. }| Cell::len(job.progress.files_total)),
    Column::json("path", |Row { job, .. }| Cell::path(&job.plan.destination)),
    Column::json("created_at", |Row { job, .. }| Cell::time(job.created_at)),
    Column::json("ended_at", |Row { job, .. }| Cell::maybe(job.ended_at, Cell::time)),
    Column::json("fault", |Row { job, .. }| Cell::maybe(job.fault.as_ref(), |fault| Cell::new(&fault.message, json!(fault)))),
    Column::json("active", |Row { job, .. }| Cell::new("", json!(job.active))),
    Column::json("limit", |Row { job, .. }| Cell::maybe(job.limit, Cell::bytes)),
    Column::json("shared_limit", |row| Cell::maybe(row.shared.bytes_per_second, Cell::bytes)),
    Column::json("shared_limit_until", |row| Cell::maybe(row.shared.until, Cell::time)),
    Column::shown("remark", remark),
];

/// A job, and the limit that it shares with all others.
struct Row {
    job: Job,
    shared: SpeedLimit,
}

/// Bytes a second.
fn speed(bytes_per_second: u64) -> Cell {
    let text = if bytes_per_second == 0 { "-".to_owned() } else { desk::speed(bytes_per_second) };
    Cell::new(text, bytes_per_second).flush_right()
}

/// What a person should know of the job, or its limit.
fn remark(Row { job, .. }: &Row) -> Cell {
    let limit = || job.limit.map(|limit| format!("limited to {}", desk::speed(limit)));
    Cell::maybe(job.remark().map(ToOwned::to_owned).or_else(limit), Cell::text)
}

pub(super) async fn run(desk: &dyn Desk, out: &mut Output) -> Result<(), Fault> {
    let board = board(desk).await?;
    let rows: Vec<Row> = board.jobs.iter().map(|job| Row { job: job.clone(), shared: board.limit }).collect();
    out.show(&Table::new(&COLUMNS, &rows))?;
    if let Some(limit) = shared(&board).filter(|_| out.format() == Format::Human) {
        out.note(&limit);
    }
    if let Some(disk) = board.disk.filter(|disk| disk.promised > disk.free) {
        let (promised, free) = (desk::bytes(disk.promised), desk::bytes(disk.free));
        out.warning(&format!("unfinished jobs still need {promised}, and {free} are free"));
    }
    Ok(())
}

/// The limit that all jobs share, as a sentence; nothing where there never is one.
fn shared(board: &Board) -> Option<String> {
    let limit = board.limit;
    let until = limit.until.map(|until| format!(" until {}", until.to_zoned(TimeZone::system()).strftime("%H:%M"))).unwrap_or_default();
    match limit.bytes_per_second {
        Some(speed) => Some(format!("All jobs together are limited to {}{until}", desk::speed(speed))),
        None => limit.until.map(|_| format!("The speed is not limited{until}")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cli::Format;
    use crate::cli::fake::running;
    use crate::cli::fake::{Console, FakeDesk, three_ways};
    use crate::desk::{Board, Disk, FileProgress, Job, Phase, SpeedLimit};

    #[test]
    fn a_queue_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "jobs"));
    }

    #[test]
    fn more_promised_than_free_is_worth_a_warning() {
        let short = Disk { free: 1 << 30, total: 1 << 40, promised: 3 << 30 };
        let desk = Arc::new(FakeDesk { boards: vec![Board { disk: Some(short), ..Board::default() }], ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        console.run(&desk, "jobs ls").unwrap();
        assert_eq!(console.stderr(), "Warning: unfinished jobs still need 3 GiB, and 1 GiB are free\n");
    }

    #[test]
    fn what_holds_a_job_back_is_told() {
        let remark = Some("waiting for another download of the same content".to_owned());
        let file = FileProgress { path: "q4.gguf".to_owned(), size: 5, done: 0, phase: Phase::Waiting, remark };
        let waiting = Job { active: vec![file], phase: Phase::Waiting, ..running(43, 0) };
        let limited = Job { limit: Some(2 << 20), ..running(43, 0) };
        let limit = SpeedLimit { bytes_per_second: Some(8 << 20), until: None };
        let desk =
            Arc::new(FakeDesk { boards: vec![Board { jobs: vec![waiting, limited], limit, ..Board::default() }], ..FakeDesk::new() });
        insta::assert_snapshot!(three_ways(&desk, "jobs"));
    }
}
