//! Dialogs: where they stand, and their frame.

use ratatui::layout::{Margin, Rect};

use super::cache::{ask_unused, confirm_delete, confirm_mend, empty_trash, findings};
use super::paint::{Brush, line_at};
use super::roles::Role;
use super::{ask_limit, choose_revision, confirm_cancel, confirm_download, help, quit};
use crate::desk;
use crate::tui::app::Question;

pub(super) fn draw(brush: &mut Brush, screen: Rect) {
    let Some(dialog) = &brush.app.dialog else { return };
    brush.reach = None; // what lies below does not scroll meanwhile
    match &dialog.question {
        Question::Help => help::draw(brush, screen, dialog.scroll),
        Question::Download(plan) => confirm_download::draw(brush, screen, plan, dialog.scroll),
        Question::Delete(deletion) => confirm_delete::draw(brush, screen, deletion, dialog.scroll),
        Question::EmptyTrash(entries) => empty_trash::draw(brush, screen, entries, dialog.scroll),
        Question::Unused(question) => ask_unused::draw(brush, screen, question),
        Question::Findings(findings) => findings::draw(brush, screen, findings),
        Question::Mend(findings) => confirm_mend::draw(brush, screen, findings, dialog.scroll),
        Question::Cancel(id, title) => confirm_cancel::draw(brush, screen, id, title),
        Question::Limit(question) => ask_limit::draw(brush, screen, question),
        Question::Revisions(chooser) => choose_revision::draw(brush, screen, chooser),
        Question::Quit => quit::draw(brush, screen),
    }
}

/// What a terminal too small for a dialog shows of it: the keys, and what decides.
pub(super) fn draw_tiny(brush: &mut Brush, area: Rect) {
    let Some(dialog) = &brush.app.dialog else { return };
    let text = match &dialog.question {
        Question::Delete(deletion) => {
            let keys = if brush.app.cache.has_trash() { "y t Esc" } else { "y Esc" };
            format!("{keys}: {} come free", desk::bytes(deletion.plan.frees))
        }
        Question::EmptyTrash(entries) => format!("y Esc: {} come free", desk::bytes(entries.iter().map(|entry| entry.frees).sum())),
        Question::Mend(findings) => format!("y Esc: {} mended", findings.mendable()),
        Question::Cancel(..) => "y Esc: give the job up".to_owned(),
        Question::Quit => "q Esc: quit".to_owned(),
        _ => "Esc: a dialog is open".to_owned(),
    };
    brush.clear(area);
    brush.paragraph(area, &text, Role::Strong);
}

/// Draws an empty dialog in the middle of the screen, as large as wanted and possible, and returns what is inside.
pub(super) fn frame(brush: &mut Brush, screen: Rect, wanted: (u16, u16), title: &str, border: Role) -> Rect {
    let width = wanted.0.min(screen.width);
    let height = wanted.1.min(screen.height);
    let area = Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height };
    brush.clear(area);
    let inside = brush.boxed(area, border);
    let head = Rect { y: area.y, height: area.height.min(1), ..inside };
    brush.text(head, &format!(" {title} "), Role::Strong);
    inside.inner(Margin::new(1, 0))
}

/// Tells on the last line of a list how many rows do not show, the one under it included.
pub(super) fn draw_more(brush: &mut Brush, list: Rect, below: usize) {
    if below > 0 && list.height > 1 {
        let bottom = line_at(list, list.height - 1);
        brush.clear(bottom);
        brush.text(bottom, &format!("and {} more below: j scrolls", below + 1), Role::Dim);
    }
}
