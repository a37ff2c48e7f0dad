//! Updates as people and programs read them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::record::{Record, Sheet};
use crate::cli::table::{Column, Table};
use crate::cli::text::counted;
use crate::desk::{DeletionPlan, DeletionReport, FileChange, HeldFile, RepoKey, Update, UpdateVerdict};

/// A branch or tag, and whether its update was fetched.
pub(super) struct Row {
    pub update: Update,
    pub fetched: bool,
}

impl From<Update> for Row {
    fn from(update: Update) -> Self {
        Self { update, fetched: false }
    }
}

impl Row {
    /// The branch or tag with its repository.
    pub fn name(&self) -> String {
        format!("{}@{}", self.update.repo, self.update.revision)
    }

    /// Whether there is something newer, with or without changes in what is held.
    fn is_newer(&self) -> bool {
        matches!(self.update.verdict(), UpdateVerdict::Newer | UpdateVerdict::NewerSameFiles)
    }

    fn count(&self, change: FileChange) -> usize {
        self.update.with(change).count()
    }

    /// A number that is known where the files were compared, or need not be.
    fn compared(&self, cell: impl FnOnce(&Self) -> Cell) -> Cell {
        let known = self.update.fault.is_none() || !self.update.files.is_empty();
        Cell::maybe(known.then_some(self), cell)
    }
}

/// What was deleted afterwards.
pub(super) struct Deleted {
    pub plan: DeletionPlan,
    pub report: DeletionReport,
}

/// All there is to tell.
#[derive(Default)]
pub(super) struct Told {
    /// How many repositories were asked about.
    pub checked: usize,
    pub rows: Vec<Row>,
    pub deleted: Option<Deleted>,
}

const COLUMNS: [Column<Row>; 15] = [
    Column::shown("repo", |row| Cell::text(row.update.repo.to_string())),
    Column::json("repo_id", |row| Cell::text(row.update.repo.id.as_str())),
    Column::json("repo_type", |row| Cell::text(row.update.repo.kind.name())),
    Column::shown("ref", |row| Cell::text(row.update.revision.as_str())),
    Column::shown("held", |row| Cell::commit(&row.update.held)),
    Column::shown("now", |row| Cell::maybe(row.update.now.as_deref(), Cell::commit)),
    Column::shown("verdict", |row| Cell::text(row.update.verdict().name())),
    Column::shown("changed", |row| row.compared(|row| Cell::len(row.count(FileChange::Changed)))),
    Column::known("gone", |row| {
        row.compared(|row| Cell::new(some(row.count(FileChange::Gone)), row.count(FileChange::Gone)).flush_right())
    }),
    Column::json("same", |row| row.compared(|row| Cell::len(row.count(FileChange::Same)))),
    Column::shown("to_fetch", |row| row.compared(|row| Cell::bytes(row.update.bytes_to_fetch))),
    Column::known("fetched", |row| Cell::new(if row.fetched { "yes" } else { "-" }, row.fetched)),
    Column::json("old_revision", |row| Cell::maybe(row.fetched.then_some(row), old_revision)),
    Column::json("reason", |row| Cell::maybe(row.update.fault.as_ref(), |fault| Cell::text(&fault.message))),
    Column::json("files", |row| Cell::new("", row.update.files.iter().map(file).collect::<Vec<Value>>())),
];

/// A number of which none is nothing to show.
fn some(count: usize) -> String {
    if count == 0 { "-".to_owned() } else { count.to_string() }
}

/// What was replaced, as it can be typed.
fn old_revision(row: &Row) -> Cell {
    Cell::text(format!("{}@{}", row.update.repo, row.update.held))
}

fn file(file: &HeldFile) -> Value {
    let digest = |version: &crate::desk::FileVersion| version.digest.as_ref().map(|digest| digest.hex().to_owned());
    let now = file.now.as_ref();
    json!({
        "path": file.path, "change": file.change().name(), "size": file.held.size, "digest": digest(&file.held),
        "new_size": now.map(|now| now.size), "new_digest": now.and_then(digest),
    })
}

impl Told {
    pub fn sheet(&self, format: Format) -> Sheet {
        // Pipes get what there is something to do about.
        let rows = self.rows.iter().filter(|row| format != Format::Quiet || row.is_newer());
        Sheet { record: self.record(), tables: vec![("updates", Table::new(&COLUMNS, rows))] }
    }

    fn record(&self) -> Record {
        let fetched = self.rows.iter().filter(|row| row.fetched).count();
        let (checked, newer) = (counted(self.checked, "repository", "repositories"), self.with(UpdateVerdict::Newer));
        let record = Record::about(format!("Asked about {checked}; {newer} with changes in files that are held"))
            .json_field("checked", Cell::len(self.checked))
            .json_field("newer", Cell::len(newer))
            .json_field("newer_same_files", Cell::len(self.with(UpdateVerdict::NewerSameFiles)))
            .field("to_fetch", Cell::bytes(self.bytes_to_fetch()));
        let record = if fetched > 0 { record.field("updated", Cell::len(fetched)) } else { record.json_field("updated", Cell::len(0)) };
        let revisions = self.deleted.iter().flat_map(|deleted| &deleted.plan.revisions);
        let deleted = Cell::list(revisions.map(|(repo, commit)| format!("{repo}@{commit}")));
        match &self.deleted {
            Some(done) => record.field("deleted", deleted).field("freed", Cell::bytes(done.report.freed)),
            None => record.json_field("deleted", deleted).json_field("freed", Cell::bytes(0)),
        }
    }

    fn with(&self, verdict: UpdateVerdict) -> usize {
        self.rows.iter().filter(|row| row.update.verdict() == verdict).count()
    }

    /// Bytes to fetch in all. Two names of one commit are fetched once.
    fn bytes_to_fetch(&self) -> u64 {
        let newer = self.rows.iter().filter(|row| row.is_newer()).map(|row| &row.update);
        let each: BTreeMap<(&RepoKey, &Option<String>), u64> =
            newer.map(|update| ((&update.repo, &update.now), update.bytes_to_fetch)).collect();
        each.values().sum()
    }

    /// Why there are updates that cannot be had, and what to do next, for people.
    pub fn remarks(&self, fetch: bool, out: &mut Output) {
        if out.format() != Format::Human {
            return;
        }
        for (row, fault) in self.rows.iter().filter_map(|row| Some((row, row.update.fault.as_ref()?))) {
            out.warning(&format!("{}: {}", row.name(), fault.message));
            // Of what is gone nobody can do anything; the way to what is barred is worth telling.
            let way = fault.hint.iter().filter(|_| row.update.verdict() == UpdateVerdict::NoAccess);
            way.for_each(|way| out.hint(way));
        }
        // What the new commit lacks is nowhere else.
        let fetched: Vec<&Row> = self.rows.iter().filter(|row| row.fetched && row.count(FileChange::Gone) == 0).collect();
        if !fetch && self.rows.iter().any(Row::is_newer) {
            out.hint("take them with: hfdesk-tui cache updates --fetch");
        } else if self.deleted.is_none() && !fetched.is_empty() {
            let old: Vec<String> = fetched.into_iter().map(|row| old_revision(row).shown().to_owned()).collect();
            out.hint(&format!("what was held before is still there; delete it with: hfdesk-tui cache rm {}", old.join(" ")));
        }
    }
}
