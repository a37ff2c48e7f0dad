//! Every key, the focused pane's first.

use ratatui::layout::Rect;

use super::dialog::frame;
use super::paint::{Brush, Cell, line_at};
use super::roles::Role;
use super::text::columns;
use crate::tui::app::actions::{self, Context, Line};

pub(super) fn draw(brush: &mut Brush, screen: Rect, scroll: usize) {
    let lines = actions::help(brush.app.focus);
    let inside = frame(brush, screen, (92, columns(lines.len() + 2)), "Help", Role::DialogBorder);
    let first = scroll.min(lines.len().saturating_sub(usize::from(inside.height)));
    for (y, line) in (0..inside.height).zip(lines.iter().skip(first)) {
        draw_line(brush, line_at(inside, y), *line);
    }
}

fn draw_line(brush: &mut Brush, area: Rect, line: Line) {
    match line {
        Line::Heading(context) => _ = brush.text(area, &heading(context), Role::Strong),
        Line::Action(entry) => {
            let keys: Vec<String> = entry.keys.iter().map(|keys| actions::written(keys)).collect();
            brush.row(area, &[Cell::right(15, keys.join(", "), Role::Key), Cell::fill(entry.doc, Role::Text)]);
        }
    }
}

fn heading(context: Context) -> String {
    match context {
        Context::In(pane) => format!("In {}", pane.title()),
        Context::List => "In every list".to_owned(),
        Context::Global => "Everywhere".to_owned(),
    }
}
