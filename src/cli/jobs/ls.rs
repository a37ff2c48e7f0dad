//! `jobs ls`: the queue as it is now.

use serde_json::json;

use super::board;
use crate::cli::cell::Cell;
use crate::cli::output::Output;
use crate::cli::progress::{percent, stage};
use crate::cli::table::{Column, Table};
use crate::desk::{self, Desk, Fault, Job};

const COLUMNS: [Column<Job>; 17] = [
    Column::shown("id", |job| Cell::text(&job.id.0)),
    Column::shown("repo_id", |job| Cell::text(job.plan.repo.id.as_str())),
    Column::json("repo_type", |job| Cell::text(job.plan.repo.kind.name())),
    Column::json("commit", |job| Cell::text(&job.plan.commit)),
    Column::shown("title", |job| Cell::text(&job.plan.title)),
    Column::shown("state", |job| Cell::new(stage(job), job.state.name())),
    Column::json("phase", |job| Cell::text(job.phase.name())),
    Column::shown("percent", |job| Cell::count(percent(job))),
    Column::shown("size", |job| Cell::bytes(job.progress.bytes_total)),
    Column::json("bytes_done", |job| Cell::bytes(job.progress.bytes_done)),
    Column::shown("speed", |job| speed(job.progress.bytes_per_second)),
    Column::json("eta_seconds", |job| Cell::maybe(job.progress.eta_seconds, Cell::count)),
    Column::json("files", |job| Cell::len(job.progress.files_total)),
    Column::json("path", |job| Cell::path(&job.plan.destination)),
    Column::json("created_at", |job| Cell::time(job.created_at)),
    Column::json("ended_at", |job| Cell::maybe(job.ended_at, Cell::time)),
    Column::shown("fault", |job| Cell::maybe(job.fault.as_ref(), |fault| Cell::new(&fault.message, json!(fault)))),
];

/// Bytes a second.
fn speed(bytes_per_second: u64) -> Cell {
    let text = if bytes_per_second == 0 { "-".to_owned() } else { desk::speed(bytes_per_second) };
    Cell::new(text, bytes_per_second).flush_right()
}

pub(super) async fn run(desk: &dyn Desk, out: &mut Output) -> Result<(), Fault> {
    let board = board(desk).await?;
    out.show(&Table::new(&COLUMNS, &board.jobs))?;
    if let Some(disk) = board.disk.filter(|disk| disk.promised > disk.free) {
        let (promised, free) = (desk::bytes(disk.promised), desk::bytes(disk.free));
        out.warning(&format!("unfinished jobs still need {promised}, and {free} are free"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cli::Format;
    use crate::cli::fake::{Console, FakeDesk, three_ways};
    use crate::desk::{Board, Disk};

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
}
