//! The line of conditions above the rows.

use ratatui::layout::{Position, Rect};

use crate::tui::app::Pane;
use crate::tui::ui::paint::{Brush, piece, skip_left};
use crate::tui::ui::roles::Role;
use crate::tui::ui::text::columns;

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let (app, glyphs) = (brush.app, brush.theme.glyphs);
    let filter = &app.cache.filter;
    let counted = format!("{} of {}", app.cache.tree.shown.len(), app.cache.repos().len());
    let state = filter.mistake.as_ref().map_or((counted, Role::Dim), |mistake| (mistake.clone(), Role::Warning));
    let left = brush.line(area, &[piece("filter ", Role::Dim), piece(glyphs.prompt, Role::Key), piece(" ", Role::Text)]);
    let text = columns(filter.input.visual_cursor().max(filter.input.value().chars().count())) + 2;
    let wanted = text.max(16).min(area.width / 2);
    let room = Rect { width: wanted.min(area.width.saturating_sub(left)), ..skip_left(area, left) };
    let scroll = filter.input.visual_scroll(usize::from(room.width.max(1)).saturating_sub(1));
    if filter.input.value().is_empty() {
        brush.text(skip_left(area, left), "size>1GB accessed>30d type=dataset or a part of a name; Esc shows all", Role::Dim);
    } else {
        let shown: String = filter.input.value().chars().skip(scroll).collect();
        brush.text(room, &shown, Role::Prompt);
        brush.text(skip_left(area, left + room.width + 1), &state.0, state.1);
    }
    if filter.editing && app.focus == Pane::Cache && app.dialog.is_none() {
        let x = room.x + columns(filter.input.visual_cursor().max(scroll) - scroll);
        brush.caret = Some(Position::new(x.min(room.right().saturating_sub(1)), room.y));
    }
}
