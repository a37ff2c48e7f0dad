//! The most useful keys of the moment, along the bottom.

use ratatui::layout::Rect;

use super::paint::{Brush, Piece, piece, skip_left};
use super::roles::Role;
use super::text::{columns, width};
use crate::tui::app::{Pane, Question, actions};

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let mut rest = skip_left(area, 1);
    for (key, name) in hints(brush) {
        let needed = columns(width(&key) + 1 + width(name));
        if needed > rest.width {
            break;
        }
        let pieces: [Piece; 2] = [piece(key, Role::Key), piece(format!(" {name}"), Role::Dim)];
        let used = brush.line(rest, &pieces);
        rest = skip_left(rest, used + 3);
    }
}

/// Keys and what they do, the most useful first: whichever do not fit are dropped from the right.
fn hints(brush: &Brush) -> Vec<(String, &'static str)> {
    let app = brush.app;
    match &app.dialog {
        Some(dialog) if dialog.question == Question::Help => return fixed(&[("j", "down"), ("k", "up"), ("Esc", "close")]),
        Some(_) => return Vec::new(),
        None => {}
    }
    if app.search.editing && app.focus == Pane::Search {
        return fixed(&[("Enter", "search"), ("Esc", "leave the prompt"), ("Ctrl-u", "clear")]);
    }
    if app.cache.filter.editing && app.focus == Pane::Cache {
        return fixed(&[("Enter", "keep the filter"), ("Esc", "show all"), ("Ctrl-u", "clear")]);
    }
    if app.focus == Pane::Repository && app.repository.card.is_some() && app.pending.is_empty() {
        return fixed(&[
            ("j", "down"),
            ("k", "up"),
            ("PgDn", "page down"),
            ("G", "end"),
            ("d", "download"),
            ("Esc", "variants"),
            ("?", "help"),
        ]);
    }
    if !app.pending.is_empty() {
        let on = actions::continuations(app.focus, &app.pending);
        return on.into_iter().map(|(keys, entry)| (actions::written(keys), entry.doc)).collect();
    }
    let first = |entry: &'static actions::Entry| entry.keys.first().map(|keys| (actions::written(keys), entry.name));
    actions::hints(app.focus).into_iter().filter_map(first).collect()
}

/// The hints of a mode that has its own keys.
fn fixed(hints: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    hints.iter().map(|(key, name)| ((*key).to_owned(), *name)).collect()
}
