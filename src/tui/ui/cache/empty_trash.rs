//! Empty these out of the trash?

use ratatui::layout::Rect;

use super::rows::of_deletion;
use crate::desk::{self, TrashEntry};
use crate::tui::app::counted;
use crate::tui::ui::dialog::{draw_more, frame};
use crate::tui::ui::paint::{Brush, Cell, line_at, piece, skip_top};
use crate::tui::ui::roles::Role;
use crate::tui::ui::text::{age_of, columns};

/// Lines around the entries, and the dialog's border.
const AROUND: usize = 8;

pub(in crate::tui::ui) fn draw(brush: &mut Brush, screen: Rect, entries: &[TrashEntry], scroll: usize) {
    let inside = frame(brush, screen, (86, columns(entries.len().min(12) + AROUND)), "Empty the trash", Role::DialogDanger);
    let question = format!("Empty {} out of the trash? That cannot be taken back.", counted(entries.len(), "deletion", "deletions"));
    brush.row(line_at(inside, 0), &[Cell::fill(question, Role::Strong)]);
    let list = Rect { height: inside.height.saturating_sub(6), ..skip_top(inside, 2) };
    let first = scroll.min(entries.len().saturating_sub(usize::from(list.height)));
    for (y, entry) in (0..list.height).zip(entries.iter().skip(first)) {
        let when = age_of(brush.app.now, Some(entry.deleted_at));
        let cells = [
            Cell::fill(of_deletion(entry), Role::Text),
            Cell::right(8, when, Role::Dim),
            Cell::right(10, desk::bytes(entry.frees), Role::Number),
        ];
        brush.row(line_at(list, y), &cells);
    }
    draw_more(brush, list, entries.len().saturating_sub(first + usize::from(list.height)));
    let frees: u64 = entries.iter().map(|entry| entry.frees).sum();
    let below = skip_top(inside, inside.height.saturating_sub(3));
    brush.text(line_at(below, 0), &format!("{} come free", desk::bytes(frees)), Role::Strong);
    let answer = [piece("y", Role::DialogDanger), piece(" empty   ", Role::Text), piece("Esc", Role::Key), piece(" keep it", Role::Text)];
    brush.line(line_at(inside, inside.height.saturating_sub(1)), &answer);
}
