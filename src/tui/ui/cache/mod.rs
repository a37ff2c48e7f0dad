//! The cache pane: the tree of what is on the disk, what is known of the row under the cursor, and the sums at the foot.

pub(super) mod ask_unused;
pub(super) mod confirm_delete;
pub(super) mod confirm_mend;
mod details;
pub(super) mod empty_trash;
pub(super) mod findings;
mod foot;
mod prompt;
mod rows;
#[cfg(test)]
mod tests;
mod users;

use ratatui::layout::{Constraint, Layout, Rect};

use self::foot::Foot;
use super::message;
use super::paint::{Brush, first_row, line_at, skip_bottom, skip_top};
use super::roles::Role;
use super::text::columns;
use crate::desk;
use crate::tui::app::{CachePane, Pane, counted};

/// Columns from which the details stand beside the rows.
const WIDE: u16 = 110;

/// Rows from which the details stand below.
const HIGH: u16 = 14;

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let cache = &brush.app.cache;
    let inside = brush.pane(area, "Cache", &facts(cache), brush.app.focus == Pane::Cache);
    let mut rest = inside;
    if cache.filter.editing || cache.filter.is_on() {
        prompt::draw(brush, line_at(rest, 0));
        rest = skip_top(rest, 1);
    }
    if let Some(fault) = &cache.fault {
        rest = skip_top(rest, message::draw_fault(brush, rest, fault));
    }
    if cache.tree.rows.is_empty() {
        draw_guidance(brush, rest);
        return;
    }
    let lines = details::lines(brush);
    let [list, beside, below] = divide(rest, columns(details::rows_below(&lines, rest.width)));
    draw_list(brush, list);
    details::draw_beside(brush, beside, &lines);
    details::draw_below(brush, below, &lines);
}

/// What is in the cache, and what goes on.
fn facts(cache: &CachePane) -> String {
    let repos = counted(cache.repos().len(), "repository", "repositories");
    if let Some(work) = &cache.working {
        return work.clone();
    }
    match (cache.is_loaded(), cache.loading) {
        (false, true) if cache.repos().is_empty() => "reading".to_owned(),
        (false, true) => format!("reading, {repos} so far"),
        (false, false) => String::new(),
        (true, _) => format!("{} in {repos}, {}", desk::bytes(cache.tree.listing.size), cache.sort.title()),
    }
}

fn draw_guidance(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let text = match &app.cache {
        cache if cache.filter.is_on() && !cache.repos().is_empty() => {
            "Nothing in the cache meets these conditions. Esc shows all.".to_owned()
        }
        cache if !cache.is_loaded() && cache.fault.is_some() => return,
        cache if !cache.is_loaded() => format!("Reading {}.", app.about.cache_dir.display()),
        cache => format!("{} is empty. What you download lands there, where other tools look for it.", cache.tree.listing.root.display()),
    };
    brush.paragraph(area, &text, Role::Dim);
}

/// The list, and the details beside it or below it.
fn divide(area: Rect, details: u16) -> [Rect; 3] {
    let none = Rect::default();
    if area.width >= WIDE {
        let wanted = (area.width / 3).clamp(37, 64);
        let [list, _, beside] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(3), Constraint::Length(wanted)]).areas(area);
        return [list, beside, none];
    }
    let wanted = if area.height >= HIGH { (details + 1).min(area.height / 3) } else { 0 };
    let [list, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(wanted)]).areas(area);
    [list, none, below]
}

fn draw_list(brush: &mut Brush, area: Rect) {
    let cache = &brush.app.cache;
    brush.row(line_at(area, 0), &rows::head(area.width));
    let foot = Foot::new(brush, usize::from(area.width));
    let height = if area.height < 4 { 0 } else { columns(foot.rows()).min(area.height / 3) };
    foot.draw(brush, skip_top(area, area.height - height));
    let list = skip_bottom(skip_top(area, 1), height);
    let first = first_row(cache.cursor, cache.tree.rows.len(), usize::from(list.height));
    for (y, (at, row)) in (0..list.height).zip(cache.tree.rows.iter().enumerate().skip(first)) {
        let line = line_at(list, y);
        rows::draw(brush, line, *row);
        if at == cache.cursor {
            brush.cursor_row(line, Pane::Cache);
        }
    }
}
