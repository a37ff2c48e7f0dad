//! How fast may this be?

use ratatui::layout::{Position, Rect};

use super::dialog::frame;
use super::paint::{Brush, line_at, piece, skip_left, skip_top};
use super::roles::Role;
use super::text::columns;
use crate::desk::{self, Target};
use crate::tui::app::LimitQuestion;

pub(super) fn draw(brush: &mut Brush, screen: Rect, question: &LimitQuestion) {
    let inside = frame(brush, screen, (66, 10), "Speed limit", Role::DialogBorder);
    let used = brush.paragraph(inside, &format!("How fast may {} be?", question.title), Role::Strong);
    let rest = skip_top(inside, used + 1);
    let line = line_at(rest, 0);
    let label =
        brush.line(line, &[piece("bytes a second ", Role::Dim), piece(brush.theme.glyphs.prompt, Role::Key), piece(" ", Role::Text)]);
    let room = skip_left(line, label);
    brush.text(room, &question.text, Role::Prompt);
    if !room.is_empty() {
        let x = room.x + columns(question.text.len());
        brush.caret = Some(Position::new(x.min(room.right() - 1), room.y));
    }
    let below = skip_top(rest, 1);
    match &question.mistake {
        Some(mistake) => _ = brush.paragraph(below, mistake, Role::Warning),
        None => _ = brush.paragraph(below, &as_it_is(question), Role::Dim),
    }
    let answer = [piece("Enter", Role::Key), piece(" set it   ", Role::Text), piece("Esc", Role::Key), piece(" leave it", Role::Text)];
    brush.line(line_at(inside, inside.height.saturating_sub(1)), &answer);
}

/// What holds now, and for how long the answer does.
fn as_it_is(question: &LimitQuestion) -> String {
    let now = question.now.map_or_else(|| "no limit".to_owned(), desk::speed);
    let lasts = match question.target {
        Target::All => "Holds until the schedule sets another limit, or the queue's process ends.",
        Target::Jobs(_) => "Stays with the job.",
    };
    format!("Now: {now}. Type 2M or 500K, or none for no limit. {lasts}")
}
