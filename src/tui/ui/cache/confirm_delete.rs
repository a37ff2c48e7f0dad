//! Delete this?

use std::path::Path;

use ratatui::layout::Rect;

use crate::desk::{self, DeletionPlan};
use crate::tui::app::{CachePane, Deletion, DeletionLine, counted, titled};
use crate::tui::ui::paint::{Brush, Cell};
use crate::tui::ui::roles::Role;
use crate::tui::ui::sheet::{self, Answer, Fact, Part, Sheet};
use crate::tui::ui::text::{columns, width};

/// Columns from which a line says more than a name and a size.
const WIDE: u16 = 36;

/// Columns of a size.
const SIZE: usize = 10;

const ANSWERS: [Answer; 3] = [
    Answer { key: "y", role: Role::DialogDanger, does: "delete for good", word: "delete" },
    Answer { key: "t", role: Role::Key, does: "to the trash", word: "trash" },
    Answer { key: "Esc", role: Role::Key, does: "keep everything", word: "keep" },
];

pub(in crate::tui::ui) fn draw(brush: &mut Brush, screen: Rect, deletion: &Deletion, scroll: usize) {
    let (plan, room) = (&deletion.plan, sheet::room(screen));
    let (decides, sums) = sums(plan, room);
    let answers: Vec<Answer> = ANSWERS.into_iter().filter(|answer| answer.key != "t" || brush.app.cache.has_trash()).collect();
    let sheet = Sheet {
        title: "Delete",
        border: Role::DialogDanger,
        head: head(plan, room),
        decides,
        facts: [sums, facts(&brush.app.cache, deletion, brush.theme.glyphs.becomes)].concat(),
        list: list(deletion, room),
        answers: &answers,
    };
    sheet::draw(brush, screen, sheet, scroll);
}

/// What is asked, with the cache it is about where that fits.
fn head(plan: &DeletionPlan, room: usize) -> String {
    let what = titled(&plan.targets);
    let whole = format!("Delete {what} from {}?", plan.root.display());
    if width(&whole) <= room { whole } else { format!("Delete {what}?") }
}

/// What comes free, and what else is said of it: on its line where that fits.
fn sums(plan: &DeletionPlan, room: usize) -> (String, Vec<Fact>) {
    let frees = format!("{} come free", desk::bytes(plan.frees));
    let elsewhere = (plan.elsewhere > 0).then(|| format!("of it {} on another disk", desk::bytes(plan.elsewhere)));
    let keeps = (plan.keeps > 0).then(|| format!("{} stay, as others share them", desk::bytes(plan.keeps)));
    let more: Vec<String> = elsewhere.into_iter().chain(keeps).collect();
    let one = std::iter::once(frees.clone()).chain(more.clone()).collect::<Vec<_>>().join("; ");
    if width(&one) <= room { (one, Vec::new()) } else { (frees, more.into_iter().map(|text| (text, Role::Text)).collect()) }
}

/// What it is about as people know it, then every path.
fn list(deletion: &Deletion, room: usize) -> Vec<Part<'_>> {
    let plan = &deletion.plan;
    let paths = plan.paths.len() + plan.payloads.len();
    let title = format!("{} in {}", counted(paths, "path", "paths"), plan.root.display());
    let title = sheet::wrapped(&title, Role::Dim, room);
    let path = move |at: usize, _| {
        let path = plan.paths.get(at).or_else(|| plan.payloads.get(at.checked_sub(plan.paths.len())?));
        vec![Cell::fill(path.map_or_else(String::new, |path| below_root(plan, path)), Role::Dim)]
    };
    let line = |at: usize, width: u16| deletion.lines.get(at).map_or_else(Vec::new, |line| cells(line, width));
    let mut list = vec![Part::rows(deletion.lines.len(), line)];
    if paths > 0 {
        list.extend([Part::Lines(vec![(String::new(), Role::Text)]), Part::Lines(title), Part::rows(paths, path)]);
    }
    list
}

fn cells(line: &DeletionLine, room: u16) -> Vec<Cell<'_>> {
    let role = if line.hidden { Role::Warning } else { Role::Text };
    let name = if line.is_part { format!("  {}", line.name) } else { line.name.clone() };
    let about = about(line, usize::from(room).saturating_sub(width(&name) + SIZE + 4));
    let mut cells = vec![Cell::fill(name, role)];
    if room >= WIDE && !about.is_empty() {
        cells.push(Cell::right(columns(width(&about)), about, if line.hidden { Role::Warning } else { Role::Dim }));
    }
    cells.extend(line.size.map(|size| Cell::right(columns(SIZE), desk::bytes(size), Role::Number)));
    cells
}

/// What else is said of a line beside its name: as much as fits, and always that it is hidden.
fn about(line: &DeletionLine, room: usize) -> String {
    let hidden = if line.hidden { "hidden" } else { "" };
    let between = if line.hidden && !line.about.is_empty() { ", " } else { "" };
    let full = format!("{hidden}{between}{}", line.about);
    if width(&full) <= room { full } else { hidden.to_owned() }
}

fn below_root(plan: &DeletionPlan, path: &Path) -> String {
    path.strip_prefix(&plan.root).unwrap_or(path).display().to_string()
}

/// What else follows, the most important first.
fn facts(cache: &CachePane, deletion: &Deletion, becomes: &str) -> Vec<Fact> {
    let plan = &deletion.plan;
    let warnings = [hidden(deletion), whole(deletion), open_files(plan), spoils(cache, plan)];
    let mut facts: Vec<Fact> = warnings.into_iter().flatten().map(|text| (text, Role::Warning)).collect();
    if let Some((free, after)) = plan.disk_free.zip(plan.disk_free_after(plan.frees)) {
        facts.push((format!("disk: {} free now {becomes} {} after", desk::bytes(free), desk::bytes(after)), Role::Text));
    }
    if plan.unused > 0 {
        facts.push((format!("no snapshot uses {} of it: unfinished downloads, blobs left over", desk::bytes(plan.unused)), Role::Text));
    }
    facts.push((later(cache), Role::Dim));
    facts
}

fn hidden(deletion: &Deletion) -> Option<String> {
    (deletion.hidden > 0).then(|| super::foot::hidden(deletion.hidden, deletion.marked))
}

/// The repositories that go whole without having been named.
fn whole(deletion: &Deletion) -> Option<String> {
    let first = deletion.along.first()?;
    let others = deletion.along.len() - 1;
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    Some(format!("nothing is left of {first}{more}: it goes whole"))
}

/// What could be taken back until now.
fn spoils(cache: &CachePane, plan: &DeletionPlan) -> Option<String> {
    let deletions = counted(plan.spoils.len(), "deletion", "deletions");
    let mended = if cache.has_trash() { "; with t, only after this one" } else { "" };
    (!plan.spoils.is_empty()).then(|| format!("{deletions} in the trash could not be undone any more{mended}"))
}

fn open_files(plan: &DeletionPlan) -> Option<String> {
    let first = plan.open_files.first()?;
    let more = counted(plan.open_files.len(), "file is", "files are");
    Some(format!("{more} open in {} ({}): the bytes come free when it closes them", first.program, first.pid))
}

/// What becomes of the bytes in the trash.
fn later(cache: &CachePane) -> String {
    if !cache.has_trash() {
        return "the trash is switched off (trash_days is 0): this cannot be taken back".to_owned();
    }
    let days = usize::try_from(cache.tree.listing.trash_kept.as_secs() / 86_400).unwrap_or(usize::MAX);
    format!("in the trash bytes come free when it is emptied, or after {}; u takes it back", counted(days, "day", "days"))
}
