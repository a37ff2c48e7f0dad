//! The news above the status line; as high as its text needs.

use ratatui::layout::Rect;

use super::paint::{Brush, skip_left, skip_top};
use super::roles::Role;
use super::text::{columns, wrap};
use crate::desk::{Fault, NoticeLevel};
use crate::tui::app::{App, Message};

/// Columns before the text.
const INDENT: u16 = 3;

/// How many rows the news needs.
pub(super) fn rows(app: &App, width: u16) -> u16 {
    let room = usize::from(width.saturating_sub(INDENT));
    app.message.as_ref().map_or(0, |message| columns(wrap(&sentence(message), room).len()))
}

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let Some(message) = &brush.app.message else { return };
    let glyphs = brush.theme.glyphs;
    let (glyph, role) = match message.level {
        NoticeLevel::Info => (glyphs.completed, Role::Info),
        NoticeLevel::Warning => (glyphs.failed, Role::Warning),
        NoticeLevel::Error => (glyphs.failed, Role::Error),
    };
    brush.text(skip_left(area, 1), glyph, role);
    let text = skip_left(area, INDENT);
    let used = brush.paragraph(text, &sentence(message), role);
    brush.tint(skip_top(area, used), Role::Text);
}

fn sentence(message: &Message) -> String {
    match &message.hint {
        Some(hint) => format!("{}: {hint}. Esc dismisses.", message.text),
        None if message.stays() => format!("{}. Esc dismisses.", message.text),
        None => message.text.clone(),
    }
}

/// Shows why a pane has nothing new, and what to do. Returns the rows used.
pub(super) fn draw_fault(brush: &mut Brush, area: Rect, fault: &Fault) -> u16 {
    let mark = format!("{} {}", brush.theme.glyphs.failed, fault.message);
    let mut used = brush.paragraph(area, &mark, Role::Error);
    if let Some(hint) = &fault.hint {
        used += brush.paragraph(skip_top(area, used), hint, Role::Text);
    }
    used + brush.paragraph(skip_top(area, used), "r tries again", Role::Dim)
}
