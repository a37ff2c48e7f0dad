//! For how many days has it not been used?

use ratatui::layout::{Position, Rect};

use crate::tui::app::UnusedQuestion;
use crate::tui::ui::dialog::frame;
use crate::tui::ui::paint::{Brush, line_at, piece, skip_bottom, skip_left, skip_top};
use crate::tui::ui::roles::Role;
use crate::tui::ui::sheet::{Answer, lines_of};
use crate::tui::ui::text::{columns, wrap};

const ANSWERS: [Answer; 2] = [
    Answer { key: "Enter", role: Role::Key, does: "mark them", word: "mark" },
    Answer { key: "Esc", role: Role::Key, does: "not now", word: "no" },
];

pub(in crate::tui::ui) fn draw(brush: &mut Brush, screen: Rect, question: &UnusedQuestion) {
    let inside = frame(brush, screen, (66, 9), "Not used", Role::DialogBorder);
    let answers = lines_of(&ANSWERS, usize::from(inside.width));
    brush.line(line_at(inside, inside.height.saturating_sub(1)), answers.first().map_or(&[][..], Vec::as_slice));
    // What is typed keeps its place beside the answer; the words take what is left.
    let rest = skip_bottom(inside, 1);
    let asked = "Mark the repositories that were not used for how long?";
    let rows = columns(wrap(asked, usize::from(rest.width)).len());
    let above = if rest.height > rows { rows } else { 0 };
    let gap = u16::from(rest.height > above + 4);
    brush.paragraph(Rect { height: above, ..rest }, asked, Role::Strong);
    let rest = skip_top(rest, above + gap);
    draw_input(brush, line_at(rest, 0), question);
    let note = "By the filesystem's account of when a file was last read, which some systems keep only to the day.";
    brush.paragraph(skip_bottom(skip_top(rest, 1 + gap), gap), note, Role::Dim);
}

fn draw_input(brush: &mut Brush, line: Rect, question: &UnusedQuestion) {
    let label = brush.line(line, &[piece("days ", Role::Dim), piece(brush.theme.glyphs.prompt, Role::Key), piece(" ", Role::Text)]);
    let room = skip_left(line, label);
    let role = if question.text.is_empty() { Role::Dim } else { Role::Prompt };
    brush.text(room, &question.days().to_string(), role);
    if !room.is_empty() {
        let x = room.x + columns(question.text.len());
        brush.caret = Some(Position::new(x.min(room.right() - 1), room.y));
    }
}
