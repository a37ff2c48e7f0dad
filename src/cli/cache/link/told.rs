//! What linking would do and what it did, as people and programs read it.

use std::collections::BTreeSet;

use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::record::{Record, Sheet};
use crate::cli::table::{Column, Table};
use crate::cli::text::counted;
use crate::desk::{Fault, LinkAction, LinkName, LinkPlan, LinkReport, LinkRequest};

const NAMES: [Column<LinkName>; 6] = [
    Column::shown("name", |name| Cell::path(&name.path)),
    Column::shown("action", |name| Cell::text(name.action.name())),
    Column::shown("how", |name| Cell::text(name.how.name())),
    Column::shown("size", |name| Cell::bytes(name.size)),
    Column::json("source", |name| Cell::path(&name.source)),
    Column::json("repo", |name| Cell::text(name.repo.to_string())),
];

/// Writes what would be done or, with a report, what was; beside it what stood in the way and what is good to know.
pub(super) fn show(plan: &LinkPlan, report: Option<&LinkReport>, out: &mut Output) -> Result<(), Fault> {
    let is_human = out.format() == Format::Human;
    let names = plan.names.iter().filter(|name| !is_human || name.action != LinkAction::Keep);
    let sheet = Sheet { record: record(plan, report), tables: vec![("names", Table::new(&NAMES, names))] };
    if is_human && report.is_some() { out.show(&sheet.record) } else { out.show(&sheet) }?;
    for obstacle in &plan.obstacles {
        out.warning(obstacle);
    }
    for caution in plan.cautions.iter().filter(|_| is_human) {
        out.note(caution);
    }
    Ok(())
}

fn record(plan: &LinkPlan, report: Option<&LinkReport>) -> Record {
    let count = |action| plan.count(action);
    let planned = LinkReport {
        made: count(LinkAction::Make),
        updated: count(LinkAction::Update),
        kept: count(LinkAction::Keep),
        removed: count(LinkAction::Remove),
        failures: Vec::new(),
    };
    let told = report.unwrap_or(&planned);
    let heading = heading(plan, told, report.is_some());
    let record = if report.is_some() { Record::done(heading) } else { Record::about(heading) };
    let keys = keys(&plan.request);
    let repos: BTreeSet<_> = plan.names.iter().filter(|name| name.action != LinkAction::Remove).map(|name| &name.repo).collect();
    record
        .field("folder", Cell::path(&plan.folder))
        .json_field("repos_scanned", Cell::len(repos.len()))
        .field(keys[0], Cell::len(told.made))
        .field(keys[1], Cell::len(told.updated))
        .field(keys[2], Cell::len(told.removed))
        .field("kept", Cell::len(told.kept))
        .field("cost", Cell::bytes(plan.cost))
        .json_field("disk_free", Cell::maybe(plan.disk_free, Cell::bytes))
        .json_field("dry_run", Cell::flag(report.is_none()))
        .json_field("obstacles", Cell::list(&plan.obstacles))
        .json_field("cautions", Cell::list(&plan.cautions))
        .json_field("failures", Cell::list(&told.failures))
}

/// What the counts are called: those of a friendly view as HFDesk calls them.
fn keys(request: &LinkRequest) -> [&'static str; 3] {
    match request {
        LinkRequest::Friendly { .. } => ["symlinks_created", "symlinks_updated", "orphans_removed"],
        LinkRequest::Adopt { .. } => ["adopted", "updated", "removed"],
        _ => ["made", "updated", "removed"],
    }
}

fn heading(plan: &LinkPlan, told: &LinkReport, done: bool) -> String {
    let files = |count| counted(count, "file", "files");
    let links = |count| counted(count, "name", "names");
    let said = |past: &str, verb: &str, what: String| if done { format!("{past} {what}") } else { format!("Would {verb} {what}") };
    match &plan.request {
        LinkRequest::Remove { .. } => said("Removed", "remove", links(told.removed)),
        LinkRequest::Adopt { .. } => said("Adopted", "adopt", files(told.made)),
        _ if !plan.changes() && plan.obstacles.is_empty() => "Everything is as it should be".to_owned(),
        LinkRequest::Friendly { .. } => {
            format!(
                "{}, {}",
                said("Created", "create", links(told.made)),
                said("updated", "update", told.updated.to_string()).to_lowercase()
            )
        }
        LinkRequest::View { program, .. } => format!("{} for {}", said("Linked", "link", files(told.made + told.updated)), program.title()),
    }
}
