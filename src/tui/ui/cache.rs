//! The cache pane: what is on the disk, and the revisions of the repository under the cursor.

use ratatui::layout::{Constraint, Layout, Rect};

use super::message;
use super::paint::{Brush, Cell, first_row, line_at, piece, skip_bottom, skip_top};
use super::roles::Role;
use super::text::{age_of, columns};
use crate::desk::{self, CachedRepo, CachedRevision};
use crate::tui::app::{CachePane, Pane, counted};

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let cache = &brush.app.cache;
    let inside = brush.pane(area, "Cache", &facts(cache), brush.app.focus == Pane::Cache);
    let mut rest = inside;
    if let Some(fault) = &cache.fault {
        rest = skip_top(rest, message::draw_fault(brush, rest, fault));
    }
    if cache.repos().is_empty() {
        draw_guidance(brush, rest);
        return;
    }
    let [list, details] = divide(rest, cache);
    draw_list(brush, list);
    if let Some(repo) = cache.current() {
        draw_details(brush, details, repo);
    }
}

fn facts(cache: &CachePane) -> String {
    match (&cache.listing, cache.loading, cache.planning) {
        (None, true, _) => "reading".to_owned(),
        (None, ..) => String::new(),
        (_, _, true) => "planning".to_owned(),
        (Some(listing), ..) => {
            let repos = counted(listing.repos.len(), "repository", "repositories");
            format!("{} in {repos}, {}", desk::bytes(listing.size), cache.sort.title())
        }
    }
}

fn draw_guidance(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let text = match &app.cache.listing {
        None if app.cache.fault.is_some() => return,
        None => format!("Reading {}.", app.about.cache_dir.display()),
        Some(listing) => format!("{} is empty. What you download lands there, where other tools look for it.", listing.root.display()),
    };
    brush.paragraph(area, &text, Role::Dim);
}

fn divide(area: Rect, cache: &CachePane) -> [Rect; 2] {
    let wanted = 2 + columns(cache.current().map_or(0, |repo| repo.revisions.len()));
    let below = if area.height >= 12 { wanted.min(area.height / 3) } else { 0 };
    Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(area)
}

fn draw_list(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let cache = &app.cache;
    brush.row(line_at(area, 0), &head(area.width));
    draw_sum(brush, area);
    let rows = skip_bottom(skip_top(area, 1), 1);
    let first = first_row(cache.cursor, cache.repos().len(), usize::from(rows.height));
    for (y, (at, repo)) in (0..rows.height).zip(cache.repos().iter().enumerate().skip(first)) {
        let line = line_at(rows, y);
        let cells = cells(brush, repo, area.width);
        brush.row(line, &cells);
        if at == cache.cursor {
            brush.cursor_row(line, Pane::Cache);
        }
    }
}

/// The last line: what is marked, and what did not belong.
fn draw_sum(brush: &mut Brush, area: Rect) {
    if area.height < 3 {
        return;
    }
    let cache = &brush.app.cache;
    let line = line_at(area, area.height - 1);
    let warnings = cache.listing.as_ref().map_or(&[][..], |listing| &listing.warnings);
    if !cache.marks.is_empty() {
        let sum = format!(", {} by their own count; D plans the deletion", desk::bytes(cache.marked_size()));
        brush.line(line, &[piece(format!("{} marked", cache.marks.len()), Role::Mark), piece(sum, Role::Text)]);
    } else if let Some(first) = warnings.first() {
        brush.text(line, &format!("{}: {first}", counted(warnings.len(), "warning", "warnings")), Role::Warning);
    }
}

fn head(width: u16) -> Vec<Cell<'static>> {
    layout(
        width,
        Cell::left(1, "", Role::Column),
        Cell::fill("repository", Role::Column),
        ["size", "files", "revisions", "used"].map(|name| (name.to_owned(), Role::Column)),
    )
}

fn cells<'a>(brush: &Brush, repo: &CachedRepo, width: u16) -> Vec<Cell<'a>> {
    let glyphs = &brush.theme.glyphs;
    let marked = brush.app.cache.marks.contains(&repo.key);
    let (mark, role) = if marked { (glyphs.marked, Role::Mark) } else { (glyphs.unmarked, Role::Dim) };
    let facts = [
        (desk::bytes(repo.size), Role::Number),
        (repo.files.to_string(), Role::Dim),
        (repo.revisions.len().to_string(), Role::Dim),
        (age_of(brush.app.now, repo.last_accessed), Role::Dim),
    ];
    layout(width, Cell::left(1, mark, role), Cell::fill(repo.key.to_string(), if marked { Role::Mark } else { Role::Text }), facts)
}

fn layout<'a>(width: u16, mark: Cell<'a>, name: Cell<'a>, facts: [(String, Role); 4]) -> Vec<Cell<'a>> {
    let [size, files, revisions, used] = facts;
    let cells = [
        Some(mark),
        Some(name),
        Some(Cell::right(10, size.0, size.1)),
        (width >= 60).then(|| Cell::right(6, files.0, files.1)),
        (width >= 70).then(|| Cell::right(9, revisions.0, revisions.1)),
        (width >= 45).then(|| Cell::right(7, used.0, used.1)),
    ];
    cells.into_iter().flatten().collect()
}

/// The folder and the revisions of one repository.
fn draw_details(brush: &mut Brush, area: Rect, repo: &CachedRepo) {
    let mut cells = vec![Cell::fill(repo.path.display().to_string(), Role::Dim)];
    if repo.unused() > 0 {
        cells.push(Cell::right(22, format!("{} unfinished", desk::bytes(repo.unused())), Role::Warning));
    }
    brush.row(line_at(area, 1), &cells);
    let rows = skip_top(area, 2);
    for (y, revision) in (0..rows.height).zip(&repo.revisions) {
        brush.row(line_at(rows, y), &revision_cells(revision));
    }
}

fn revision_cells(revision: &CachedRevision) -> [Cell<'_>; 4] {
    let commit: String = revision.commit.chars().take(12).collect();
    let refs = if revision.refs.is_empty() { "no branch or tag".to_owned() } else { revision.refs.join(", ") };
    [
        Cell::left(12, commit, Role::Text),
        Cell::fill(refs, if revision.refs.is_empty() { Role::Warning } else { Role::Text }),
        Cell::right(9, counted(revision.files, "file", "files"), Role::Dim),
        Cell::right(10, desk::bytes(revision.size), Role::Number),
    ]
}
