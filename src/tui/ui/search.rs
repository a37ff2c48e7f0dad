//! The search pane.

use ratatui::layout::{Position, Rect};

use super::paint::{Brush, Cell, first_row, line_at, piece, skip_left, skip_top};
use super::roles::Role;
use super::text::{age_of, columns, count};
use crate::desk::{Hit, RepoKind, Sort};
use crate::tui::app::{Loading, Pane, SearchPane};

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let search = &brush.app.search;
    let facts = format!("{}, {}", search.kind.plural(), sort_title(search.sort));
    let inside = brush.pane(area, "Search", &facts, brush.app.focus == Pane::Search);
    draw_prompt(brush, line_at(inside, 0));
    let mut rest = skip_top(inside, 1);
    if let Some(fault) = &search.fault {
        rest = skip_top(rest, super::message::draw_fault(brush, rest, fault));
    }
    if search.hits.is_empty() {
        draw_guidance(brush, skip_top(rest, 1));
        return;
    }
    brush.row(line_at(rest, 0), &head(rest.width, search.kind));
    draw_rows(brush, skip_top(rest, 1));
}

fn sort_title(sort: Sort) -> &'static str {
    match sort {
        Sort::Downloads => "most downloaded",
        Sort::Likes => "most liked",
        Sort::LastModified => "last changed",
        Sort::CreatedAt => "newest",
        Sort::Trending => "trending",
    }
}

fn draw_prompt(brush: &mut Brush, area: Rect) {
    let search = &brush.app.search;
    let state = state(search);
    let right = brush.line_right(skip_left(area, 16), &[piece(state, Role::Dim)]);
    let left = brush.line(area, &[piece(brush.theme.glyphs.prompt, Role::Key), piece(" ", Role::Text)]);
    let room = Rect { width: area.width.saturating_sub(left + right + 1), ..skip_left(area, left) };
    let scroll = search.prompt.visual_scroll(usize::from(room.width.max(1)).saturating_sub(1));
    if search.prompt.value().is_empty() && !search.editing {
        brush.text(room, "press / and type what to look for", Role::Dim);
    } else {
        let shown: String = search.prompt.value().chars().skip(scroll).collect();
        brush.text(room, &shown, Role::Prompt);
    }
    if search.editing && brush.app.focus == Pane::Search && brush.app.dialog.is_none() {
        let x = room.x + columns(search.prompt.visual_cursor().max(scroll) - scroll);
        brush.caret = Some(Position::new(x.min(room.right().saturating_sub(1)), room.y));
    }
}

/// What is on its way, or where in the list the cursor is.
fn state(search: &SearchPane) -> String {
    match search.loading {
        Some(Loading::First) => "searching".to_owned(),
        Some(Loading::More) => "loading more".to_owned(),
        None if search.hits.is_empty() => String::new(),
        None => format!("{}/{}{}", search.cursor + 1, search.hits.len(), if search.has_more() { "+" } else { "" }),
    }
}

/// What to do while there is nothing to choose from.
fn draw_guidance(brush: &mut Brush, area: Rect) {
    let (search, about) = (&brush.app.search, &brush.app.about);
    let words = search.prompt.value().trim();
    let first = match (&search.fault, search.loading) {
        (Some(_), _) => "What is in the cache works without a Hub: 4 shows it.".to_owned(),
        (None, Some(_)) => format!("Asking {} for {}.", about.endpoint, search.kind.plural()),
        (None, None) if words.is_empty() => format!("There are no {} here.", search.kind.plural()),
        (None, None) => format!("No {} match “{words}”. Esc clears the words, t looks for another kind.", search.kind.plural()),
    };
    let lines = [
        first,
        format!("Downloads go to {}.", about.cache_dir.display()),
        "Paste owner/name, an hf:// URI or the address of a page to open a repository. ? shows every key.".to_owned(),
    ];
    let mut rest = area;
    for line in lines {
        let used = brush.paragraph(rest, &line, Role::Dim);
        rest = skip_top(rest, used);
    }
}

fn head(width: u16, kind: RepoKind) -> Vec<Cell<'static>> {
    let names = ["task", "", "downloads", "likes", "updated"].map(|name| (name.to_owned(), Role::Column));
    layout(width, Cell::fill(kind.name(), Role::Column), names)
}

fn cells<'a>(brush: &Brush, width: u16, hit: &'a Hit) -> Vec<Cell<'a>> {
    let access = match (hit.gated, hit.private) {
        (true, _) if width >= WORDS => "gated",
        (_, true) if width >= WORDS => "private",
        (false, false) => "",
        _ => brush.theme.glyphs.gated,
    };
    let task = hit.task.clone().or_else(|| hit.library.clone()).unwrap_or_default();
    let rest = [
        (task, Role::Dim),
        (access.to_owned(), Role::Gated),
        (count(hit.downloads), Role::Number),
        (count(hit.likes), Role::Dim),
        (age_of(brush.app.now, hit.last_modified), Role::Dim),
    ];
    layout(width, Cell::fill(hit.id.as_str(), Role::Text), rest)
}

/// Columns from which restricted access is written out.
const WORDS: u16 = 64;

/// The columns that have room.
fn layout(width: u16, name: Cell<'_>, rest: [(String, Role); 5]) -> Vec<Cell<'_>> {
    let [task, access, downloads, likes, updated] = rest;
    let cells = [
        Some(name),
        (width >= 100).then(|| Cell::left(22, task.0, task.1)),
        (width >= 24).then(|| Cell::left(if width >= WORDS { 7 } else { 1 }, access.0, access.1)),
        (width >= 34).then(|| Cell::right(9, downloads.0, downloads.1)),
        (width >= 60).then(|| Cell::right(6, likes.0, likes.1)),
        (width >= 48).then(|| Cell::right(7, updated.0, updated.1)),
    ];
    cells.into_iter().flatten().collect()
}

fn draw_rows(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let search = &app.search;
    let first = first_row(search.cursor, search.hits.len(), usize::from(area.height));
    for (y, (at, hit)) in (0..area.height).zip(search.hits.iter().enumerate().skip(first)) {
        let line = line_at(area, y);
        let cells = cells(brush, line.width, hit);
        brush.row(line, &cells);
        if search.loading == Some(Loading::First) {
            brush.tint(line, Role::Dim);
        }
        if at == search.cursor {
            brush.cursor_row(line, Pane::Search);
        }
    }
}
