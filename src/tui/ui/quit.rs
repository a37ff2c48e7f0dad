//! End?

use ratatui::layout::Rect;

use super::dialog::frame;
use super::paint::{Brush, Cell, line_at, skip_top};
use super::roles::Role;
use crate::tui::app::counted;

pub(super) fn draw(brush: &mut Brush, screen: Rect) {
    let live = brush.app.board.live();
    let inside = frame(brush, screen, (70, 9), "Quit", Role::DialogBorder);
    let first = match live {
        0 => "Nothing is downloading.".to_owned(),
        1 => "A job has not finished. Its bytes are safe either way.".to_owned(),
        _ => format!("{} have not finished. Their bytes are safe either way.", counted(live, "job", "jobs")),
    };
    let used = brush.paragraph(inside, &first, Role::Strong);
    let mut rest = skip_top(inside, used + 1);
    for (key, meaning) in choices(live) {
        brush.row(line_at(rest, 0), &[Cell::right(6, *key, Role::Key), Cell::fill(*meaning, Role::Text)]);
        rest = skip_top(rest, 1);
    }
}

fn choices(live: usize) -> &'static [(&'static str, &'static str)] {
    if live == 0 {
        return &[("q", "quit"), ("Esc", "stay")];
    }
    &[("Esc", "keep working"), ("q", "pause every job and quit: P lets them go on next time"), ("Ctrl-C", "quit at once")]
}
