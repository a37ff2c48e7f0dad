//! `plan`: what a download would do.

use clap::Args;
use serde_json::{Value, json};

use super::cell::Cell;
use super::format::FormatArgs;
use super::output::Output;
use super::record::{Record, Sheet};
use super::selection::SelectionArgs;
use super::table::{Column, Table};
use crate::desk::{self, Desk, Fault, FaultKind, LeftFile, Plan, PlannedFile};

/// Flags of `plan`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui plan Qwen/Qwen3-8B-GGUF:q4_k_m
  hfdesk-tui plan org/model --include '*.safetensors' --exclude 'original/*'
  hfdesk-tui plan org/model config.json tokenizer/ --json")]
pub struct PlanArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    pub(super) output: FormatArgs,
}

const FILES: [Column<PlannedFile>; 4] = [
    Column::shown("file", |file| Cell::text(&file.path)),
    Column::shown("size", |file| Cell::bytes(file.size)),
    Column::shown("held", |file| Cell::bytes(file.held)),
    Column::json("digest", |file| Cell::text(file.digest.hex())),
];

pub(super) async fn run(desk: &dyn Desk, args: &PlanArgs, out: &mut Output) -> Result<(), Fault> {
    let plan = desk.plan(args.selection.selection(desk, out).await?).await?;
    show(&plan, out)
}

/// Writes a plan, and warns where it has no room.
pub(super) fn show(plan: &Plan, out: &mut Output) -> Result<(), Fault> {
    out.show(&Sheet { record: record(plan), tables: vec![("files", Table::new(&FILES, &plan.files))] })?;
    if let Err(fault) = ensure_room(plan) {
        out.warning(&fault.message);
    }
    Ok(())
}

/// Fails where the destination has too little room for the plan.
pub(super) fn ensure_room(plan: &Plan) -> Result<(), Fault> {
    let missing = match plan.disk_after() {
        Some(after) if after < 0 => after.unsigned_abs(),
        _ => return Ok(()),
    };
    let (needed, free) = (desk::bytes(plan.bytes_to_fetch()), desk::bytes(plan.disk_free.unwrap_or_default()));
    let message = format!("not enough disk: {needed} needed and {free} free at {}", plan.destination.display());
    let hint = format!("free {} (see hfdesk-tui cache ls), choose fewer files or another folder", desk::bytes(missing));
    Err(Fault::new(FaultKind::DiskFull, message).hint(hint))
}

fn record(plan: &Plan) -> Record {
    let repo = &plan.repo;
    Record::about(format!("{} of {} at {}", plan.title, repo.id, repo.revision))
        .json_field("title", Cell::text(&plan.title))
        .json_field("repo_id", Cell::text(repo.id.as_str()))
        .json_field("repo_type", Cell::text(repo.kind.name()))
        .json_field("revision", Cell::text(repo.revision.as_str()))
        .field("commit", Cell::text(&plan.commit))
        .field("path", Cell::path(&plan.destination))
        .field("size", Cell::bytes(plan.bytes()))
        .field("to_fetch", Cell::bytes(plan.bytes_to_fetch()))
        .field("left_out", Cell::new(plan.left_out(), json!({"files": plan.left_files, "size": plan.left_bytes})))
        .json_field("left", Cell::new("", plan.left.iter().map(left).collect::<Value>()))
        .field("disk_free", Cell::maybe(plan.disk_free, Cell::bytes))
        .field("disk_after", Cell::maybe(plan.disk_after(), signed_bytes))
}

fn left(file: &LeftFile) -> Value {
    json!({"file": file.path, "size": file.size, "variant": file.variant})
}

/// A size that may be negative: room that is missing.
fn signed_bytes(count: i64) -> Cell {
    let sign = if count < 0 { "-" } else { "" };
    Cell::new(format!("{sign}{}", desk::bytes(count.unsigned_abs())), count)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::Format;
    use crate::cli::fake::{self, Console, FakeDesk, three_ways};

    #[test]
    fn a_plan_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "plan Qwen/Qwen3-8B-GGUF:q4_k_m"));
    }

    #[test]
    fn a_plan_without_room_is_shown_with_a_warning() {
        let desk = Arc::new(FakeDesk { plan: Plan { disk_free: Some(1 << 30), ..fake::plan() }, ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        console.run(&desk, "plan a/b").unwrap();
        assert!(console.stdout().contains("disk_after: -1.8 GiB"), "{}", console.stdout());
        assert!(console.stderr().starts_with("Warning: not enough disk: 2.8 GiB needed and 1 GiB free at /cache"), "{}", console.stderr());
    }
}
