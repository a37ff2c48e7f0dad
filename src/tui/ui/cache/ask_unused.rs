//! For how many days has it not been used?

use ratatui::layout::{Position, Rect};

use crate::tui::app::UnusedQuestion;
use crate::tui::ui::dialog::frame;
use crate::tui::ui::paint::{Brush, line_at, piece, skip_left, skip_top};
use crate::tui::ui::roles::Role;
use crate::tui::ui::text::columns;

pub(in crate::tui::ui) fn draw(brush: &mut Brush, screen: Rect, question: &UnusedQuestion) {
    let inside = frame(brush, screen, (66, 9), "Not used", Role::DialogBorder);
    let used = brush.paragraph(inside, "Mark the repositories that were not used for how long?", Role::Strong);
    let line = line_at(skip_top(inside, used + 1), 0);
    let label = brush.line(line, &[piece("days ", Role::Dim), piece(brush.theme.glyphs.prompt, Role::Key), piece(" ", Role::Text)]);
    let room = skip_left(line, label);
    let role = if question.text.is_empty() { Role::Dim } else { Role::Prompt };
    brush.text(room, &question.days().to_string(), role);
    if !room.is_empty() {
        let x = room.x + columns(question.text.len());
        brush.caret = Some(Position::new(x.min(room.right() - 1), room.y));
    }
    let note = "By the filesystem's account of when a file was last read, which some systems keep only to the day.";
    brush.paragraph(skip_top(inside, used + 3), note, Role::Dim);
    let answer = [piece("Enter", Role::Key), piece(" mark them   ", Role::Text), piece("Esc", Role::Key), piece(" not now", Role::Text)];
    brush.line(line_at(inside, inside.height.saturating_sub(1)), &answer);
}
