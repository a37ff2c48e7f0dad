//! Empty these out of the trash?

use ratatui::layout::Rect;

use super::rows::of_deletion;
use crate::desk::{self, DeletionTarget, TrashEntry};
use crate::tui::app::counted;
use crate::tui::ui::paint::{Brush, Cell};
use crate::tui::ui::roles::Role;
use crate::tui::ui::sheet::{self, Answer, Part, Sheet};
use crate::tui::ui::text::age_of;

/// Columns from which a line says when something was deleted.
const WIDE: u16 = 40;

const ANSWERS: [Answer; 2] = [
    Answer { key: "y", role: Role::DialogDanger, does: "empty it for good", word: "empty" },
    Answer { key: "Esc", role: Role::Key, does: "keep it", word: "keep" },
];

pub(in crate::tui::ui) fn draw(brush: &mut Brush, screen: Rect, entries: &[TrashEntry], scroll: usize) {
    let frees: u64 = entries.iter().map(|entry| entry.frees).sum();
    let sheet = Sheet {
        title: "Empty the trash",
        border: Role::DialogDanger,
        head: format!("Empty {} out of the trash? That cannot be taken back.", counted(entries.len(), "deletion", "deletions")),
        decides: format!("{} come free", desk::bytes(frees)),
        facts: Vec::new(),
        list: list(brush, entries),
        answers: &ANSWERS,
    };
    sheet::draw(brush, screen, sheet, scroll);
}

/// Every deletion, and under one of several things what those are.
fn list<'a>(brush: &Brush<'a>, entries: &'a [TrashEntry]) -> Vec<Part<'a>> {
    let now = brush.app.now;
    // The rows up to and with each deletion's last.
    let ends: Vec<usize> = entries
        .iter()
        .scan(0, |end, entry| {
            *end += 1 + parts(entry).len();
            Some(*end)
        })
        .collect();
    let row = move |at: usize, width: u16| {
        let number = ends.partition_point(|end| *end <= at);
        let Some(entry) = entries.get(number) else { return Vec::new() };
        let first = ends.get(number).map_or(0, |end| end - 1 - parts(entry).len());
        match at.checked_sub(first + 1).and_then(|part| parts(entry).get(part)) {
            Some(part) => vec![Cell::fill(format!("  {}", of_target(part)), Role::Dim)],
            None => of_entry(entry, &age_of(now, Some(entry.deleted_at)), width),
        }
    };
    vec![Part::rows(entries.iter().map(|entry| 1 + parts(entry).len()).sum(), row)]
}

/// What is listed under a deletion: nothing where its own line says it.
fn parts(entry: &TrashEntry) -> &[DeletionTarget] {
    match &entry.targets[..] {
        [DeletionTarget::Files { files, .. }] if files.len() > 1 => &entry.targets,
        [_] => &[],
        several => several,
    }
}

fn of_entry(entry: &TrashEntry, age: &str, width: u16) -> Vec<Cell<'static>> {
    let mut cells = vec![Cell::fill(of_deletion(entry), Role::Text)];
    if width >= WIDE {
        let ago = if age == "now" { "just now".to_owned() } else { format!("{age} ago") };
        cells.push(Cell::right(10, ago, Role::Dim));
    }
    cells.push(Cell::right(10, desk::bytes(entry.frees), Role::Number));
    cells
}

/// What was deleted, by its name; of several files the first one's.
fn of_target(target: &DeletionTarget) -> String {
    match target {
        DeletionTarget::Files { repo, files, .. } if files.len() > 1 => {
            let first = files.first().map(String::as_str).unwrap_or_default();
            format!("{repo}: {first} and {} more", files.len() - 1)
        }
        _ => target.to_string(),
    }
}
