//! The strip of panes at the top.

use ratatui::layout::Rect;

use super::paint::{Brush, Piece, piece, skip_left};
use super::roles::Role;
use crate::tui::app::{App, Pane};

/// Columns from which every pane is named; on narrower screens only the focused one is.
const NAMED: u16 = 50;

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let mut used = 0;
    for pane in Pane::ALL {
        used += brush.line(skip_left(area, used), &[tab(app, pane, area.width >= NAMED), piece(" ", Role::Tab)]);
    }
    brush.line_right(skip_left(area, used), &[piece("hfdesk ", Role::Dim)]);
}

fn tab(app: &App, pane: Pane, named: bool) -> Piece<'static> {
    let focused = app.focus == pane;
    let name = if named || focused { pane.title() } else { "" };
    let count = match pane {
        Pane::Jobs if app.board.live() > 0 => format!("({})", app.board.live()),
        _ => String::new(),
    };
    let words = [pane.number().to_string(), name.to_owned(), count].into_iter().filter(|word| !word.is_empty());
    piece(format!(" {} ", words.collect::<Vec<_>>().join(" ")), if focused { Role::TabActive } else { Role::Tab })
}
