//! `cache trash`, `cache restore` and `cache empty`: what was deleted and can be brought back.

use clap::{Args, Subcommand};

use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::record::Record;
use crate::cli::table::{Column, Table};
use crate::cli::text::counted;
use crate::desk::{self, CacheListing, Desk, Fault, FaultKind, RestoreReport, TrashEntry, TrashId};

/// Flags of `cache trash`.
#[derive(Args, Debug)]
#[command(after_help = "\
The trash lies in the cache, in .locks/.hfdesk-trash: whoever removes .locks removes what could
be brought back.")]
pub struct TrashArgs {
    #[command(subcommand)]
    _command: Option<TrashCommand>,
}

/// The verbs of `cache trash`.
#[derive(Subcommand, Debug)]
enum TrashCommand {
    /// List what was deleted and can be brought back, the newest first
    #[command(visible_alias = "list")]
    Ls,
}

/// Flags of `cache restore`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui cache trash
  hfdesk-tui cache restore")]
pub struct RestoreArgs {
    /// Which deletion; a unique beginning is enough, and none means the newest
    #[arg(value_name = "ID")]
    id: Option<String>,
}

/// Flags of `cache empty`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui cache empty --dry-run
  hfdesk-tui cache empty $(hfdesk-tui cache trash -q | tail -1) --yes")]
pub struct EmptyArgs {
    /// Which deletions; unique beginnings are enough, and none means all
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Empty it without asking
    #[arg(short, long)]
    yes: bool,
    /// Show what would come free and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl EmptyArgs {
    /// Whether anything is to be changed.
    pub(super) fn changes(&self) -> bool {
        !self.dry_run
    }
}

const COLUMNS: [Column<TrashEntry>; 6] = [
    Column::shown("id", |entry| Cell::text(&entry.id.0)),
    Column::shown("what", what),
    Column::shown("size", |entry| Cell::bytes(entry.frees)),
    Column::json("on_disk", |entry| Cell::bytes(entry.size)),
    Column::shown("deleted_at", |entry| Cell::time(entry.deleted_at)),
    Column::shown("kept_until", |entry| Cell::time(entry.kept_until)),
];

fn what(entry: &TrashEntry) -> Cell {
    Cell::list(entry.targets.iter().map(ToString::to_string))
}

pub(super) async fn ls(desk: &dyn Desk, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    out.show(&Table::new(&COLUMNS, &cache.trash))?;
    if out.format() == Format::Human && !cache.trash.is_empty() {
        let size = desk::bytes(size(&cache.trash));
        out.note(&format!("{}, {size}", counted(cache.trash.len(), "deletion", "deletions")));
        out.hint("bring one back with: hfdesk-tui cache restore ID");
        out.hint(&format!("free {size} with: hfdesk-tui cache empty"));
    }
    Ok(())
}

pub(super) async fn restore(desk: &dyn Desk, args: &RestoreArgs, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    let id = match &args.id {
        Some(beginning) => one(&cache, beginning)?.id.clone(),
        None => cache.trash.first().ok_or_else(|| nothing(&cache))?.id.clone(),
    };
    let report = desk.restore(id).await?;
    out.show(&brought_back(&report))?;
    match &report.kept {
        None => Ok(()),
        Some(rest) => Err(stays(rest, &report.failures, out)),
    }
}

fn brought_back(report: &RestoreReport) -> Record {
    let entry = &report.restored;
    let back = match &entry.targets[..] {
        [target] => target.to_string(),
        targets => format!("{} things", targets.len()),
    };
    let record = Record::done(format!("Brought back {back}"))
        .json_field("id", Cell::text(&entry.id.0))
        .field("what", what(entry))
        .field("size", Cell::bytes(entry.frees))
        .json_field("on_disk", Cell::bytes(entry.size));
    let moved_on = Cell::list(&report.moved_on);
    let record = if report.moved_on.is_empty() { record.json_field("moved_on", moved_on) } else { record.field("moved_on", moved_on) };
    let kept = report.kept.iter().flat_map(|rest| &rest.targets).map(ToString::to_string);
    record.json_field("kept", Cell::list(kept)).json_field("failures", Cell::list(&report.failures))
}

/// What could not come back makes the verb fail, after what could has been told.
fn stays(rest: &TrashEntry, failures: &[String], out: &mut Output) -> Fault {
    for failure in failures {
        out.warning(failure);
    }
    let things = counted(rest.targets.len(), "thing is", "things are");
    Fault::new(FaultKind::Conflict, format!("{things} still in the trash as {}", rest.id))
        .hint(format!("see the warnings above, then run: hfdesk-tui cache restore {}", rest.id))
}

pub(super) async fn empty(desk: &dyn Desk, args: &EmptyArgs, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    let entries = chosen(&cache, &args.ids)?;
    let (size, ids): (u64, Vec<TrashId>) = (size(&entries), entries.iter().map(|entry| entry.id.clone()).collect());
    let deletions = counted(entries.len(), "deletion", "deletions");
    if args.dry_run || entries.is_empty() {
        let would = if entries.is_empty() { "The trash is empty".to_owned() } else { format!("Would free the bytes of {deletions}") };
        return out.show(&emptied(Record::about(would), &ids, args.dry_run, size));
    }
    if !args.yes {
        if out.format() == Format::Human {
            for entry in &entries {
                out.note(&format!("  {} {}", entry.id, what(entry).shown()));
            }
        }
        if !out.confirm(&format!("Empty {deletions} out of the trash and free {} for good?", desk::bytes(size))).await? {
            return Err(Fault::new(FaultKind::Declined, "the trash was left as it is"));
        }
    }
    let freed = desk.empty_trash(ids.clone()).await?;
    out.show(&emptied(Record::done(format!("Emptied {deletions} out of the trash")), &ids, false, freed))
}

fn emptied(record: Record, ids: &[TrashId], dry_run: bool, freed: u64) -> Record {
    record
        .json_field("ids", Cell::list(ids.iter().map(|id| &id.0)))
        .json_field("dry_run", Cell::flag(dry_run))
        .json_field("emptied", Cell::len(ids.len()))
        .field("freed", Cell::bytes(freed))
}

/// The deletions meant, each once: all where none are named.
fn chosen(cache: &CacheListing, beginnings: &[String]) -> Result<Vec<TrashEntry>, Fault> {
    if beginnings.is_empty() {
        return Ok(cache.trash.clone());
    }
    let mut entries: Vec<TrashEntry> = Vec::new();
    for beginning in beginnings {
        let entry = one(cache, beginning)?;
        if !entries.contains(entry) {
            entries.push(entry.clone());
        }
    }
    Ok(entries)
}

/// The one deletion of this name, or whose name begins so.
fn one<'a>(cache: &'a CacheListing, beginning: &str) -> Result<&'a TrashEntry, Fault> {
    let exact = cache.trash.iter().find(|entry| entry.id.0 == beginning);
    let begins = || cache.trash.iter().filter(|entry| !beginning.is_empty() && entry.id.0.starts_with(beginning)).collect::<Vec<_>>();
    let found = exact.map_or_else(begins, |entry| vec![entry]);
    match found[..] {
        [entry] => Ok(entry),
        [] if cache.trash.is_empty() => Err(nothing(cache)),
        [] => Err(Fault::new(FaultKind::NotFound, format!("there is no {beginning} in the trash"))
            .hint("list what there is with: hfdesk-tui cache trash")),
        _ => {
            let names: Vec<&str> = found.iter().map(|entry| entry.id.0.as_str()).collect();
            Err(Fault::new(FaultKind::Usage, format!("the names of {} deletions begin with “{beginning}”", found.len()))
                .hint(format!("type more of one of {}", names.join(", "))))
        }
    }
}

fn nothing(cache: &CacheListing) -> Fault {
    Fault::new(FaultKind::NotFound, format!("the trash of the cache {} is empty", cache.root.display()))
        .hint("what is deleted with --trash can be brought back")
}

/// Bytes that come free with these.
fn size(entries: &[TrashEntry]) -> u64 {
    entries.iter().map(|entry| entry.frees).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::fake::{Console, FakeDesk, three_ways};

    fn desk() -> Arc<FakeDesk> {
        Arc::new(FakeDesk::new())
    }

    #[test]
    fn the_trash_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&desk(), "cache trash"));
        assert_eq!(three_ways(&desk(), "cache trash ls"), three_ways(&desk(), "cache trash"));
    }

    #[test]
    fn bringing_back_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&desk(), "cache restore"));
    }

    #[test]
    fn what_cannot_come_back_makes_the_verb_fail_after_the_rest_is_told() {
        let desk = Arc::new(FakeDesk { deletion_failures: vec!["/cache/x is in the way".to_owned()], ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        let fault = console.run(&desk, "cache restore t1").unwrap_err();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Conflict, "1 thing is still in the trash as t1"));
        assert!(fault.hint.unwrap().ends_with("cache restore t1"));
        assert!(console.stdout().starts_with("✓ Brought back model/org/old\n"), "{}", console.stdout());
        assert!(console.stdout().contains("moved_on: refs/main points at another commit"), "{}", console.stdout());
        assert!(console.stderr().contains("Warning: /cache/x is in the way"), "{}", console.stderr());
    }

    #[test]
    fn emptying_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&desk(), "cache empty --yes"));
    }

    #[test]
    fn deletions_are_named_by_a_unique_beginning() {
        let asked = |line: &str| {
            let desk = desk();
            Console::new(Format::Human).run(&desk, line).map(|()| desk.asked()).map_err(|fault| (fault.kind, fault.message))
        };
        assert_eq!(asked("cache restore").unwrap(), ["restore t2"]);
        assert_eq!(asked("cache restore t1").unwrap(), ["restore t1"]);
        assert_eq!(asked("cache empty t1 t1 -y").unwrap(), ["empty the trash [TrashId(\"t1\")]"]);
        assert_eq!(asked("cache restore t").unwrap_err(), (FaultKind::Usage, "the names of 2 deletions begin with “t”".to_owned()));
        assert_eq!(asked("cache empty x -y").unwrap_err(), (FaultKind::NotFound, "there is no x in the trash".to_owned()));
        assert!(asked("cache empty --dry-run").unwrap().is_empty());
    }

    #[test]
    fn a_person_is_asked_before_the_trash_is_emptied() {
        let desk = desk();
        let mut console = Console::terminal(Format::Human).answering("n\n");
        assert_eq!(console.run(&desk, "cache empty").unwrap_err().kind, FaultKind::Declined);
        assert!(console.stderr().ends_with("Empty 2 deletions out of the trash and free 3 GiB for good? [y/N] "), "{}", console.stderr());
        assert_eq!(Console::new(Format::Json).run(&desk, "cache empty").unwrap_err().kind.exit_status(), 2);
        assert!(desk.asked().is_empty());
    }

    #[test]
    fn an_empty_trash_says_so() {
        let desk = Arc::new(FakeDesk { cache: CacheListing { root: "/cache".into(), ..CacheListing::default() }, ..FakeDesk::new() });
        assert_eq!(Console::new(Format::Human).run(&desk, "cache restore").unwrap_err().kind, FaultKind::NotFound);
        let mut console = Console::new(Format::Human);
        console.run(&desk, "cache empty").unwrap();
        assert!(console.stdout().starts_with("The trash is empty\n") && desk.asked().is_empty());
    }
}
