//! What is wrong with the cache, and what mending it means.

use ratatui::layout::Rect;

use crate::desk::{Finding, Severity};
use crate::tui::app::{Findings, FindingsState, counted};
use crate::tui::ui::dialog::frame;
use crate::tui::ui::message;
use crate::tui::ui::paint::{Brush, Cell, Piece, first_row, line_at, piece, skip_bottom, skip_top};
use crate::tui::ui::roles::Role;
use crate::tui::ui::text::columns;

/// Rows for what is known of the finding under the cursor.
const BELOW: u16 = 9;

pub(in crate::tui::ui) fn draw(brush: &mut Brush, screen: Rect, findings: &Findings) {
    let rows = columns(findings.list().len().clamp(1, 14)) + BELOW + 6;
    let inside = frame(brush, screen, (96, rows), "Check of the cache", Role::DialogBorder);
    let (title, role) = title(findings);
    let mended = findings.mended.as_ref().map_or_else(String::new, |mended| format!("{mended}. "));
    brush.line(line_at(inside, 0), &[piece(mended, Role::Info), piece(title, role)]);
    let body = skip_bottom(skip_top(inside, 2), 2);
    if let FindingsState::Failed(fault) = &findings.state {
        message::draw_fault(brush, body, fault);
    }
    let below = if body.height > BELOW + 2 { BELOW } else { body.height / 2 };
    draw_list(brush, skip_bottom(body, below), findings);
    if let Some(finding) = findings.list().get(findings.cursor) {
        draw_one(brush, skip_top(body, (body.height - below).saturating_add(1)), finding);
    }
    draw_answer(brush, line_at(inside, inside.height.saturating_sub(1)), findings);
}

fn title(findings: &Findings) -> (String, Role) {
    match &findings.state {
        FindingsState::Looking => ("Looking for what is wrong.".to_owned(), Role::Dim),
        FindingsState::Mending => ("Mending.".to_owned(), Role::Dim),
        FindingsState::Failed(_) => (String::new(), Role::Dim),
        FindingsState::Here(list) if list.is_empty() => ("Nothing is wrong.".to_owned(), Role::Info),
        FindingsState::Here(list) => {
            (format!("{}, {} can be mended", counted(list.len(), "finding", "findings"), findings.mendable()), Role::Strong)
        }
    }
}

fn draw_list(brush: &mut Brush, area: Rect, findings: &Findings) {
    let list = findings.list();
    let first = first_row(findings.cursor, list.len(), usize::from(area.height));
    for (y, (at, finding)) in (0..area.height).zip(list.iter().enumerate().skip(first)) {
        let line = line_at(area, y);
        let (glyph, word, role) = severity(brush, finding.severity);
        let mend = if finding.mend.is_some() { "can be mended" } else { "" };
        let cells = [
            Cell::left(9, format!("{glyph} {word}"), role),
            Cell::fill(finding.message.as_str(), Role::Text),
            Cell::right(13, mend, Role::Dim),
        ];
        brush.row(line, &cells);
        if at == findings.cursor {
            brush.tint(line, Role::CursorFocused);
        }
    }
}

fn severity(brush: &Brush, severity: Severity) -> (&'static str, &'static str, Role) {
    let glyphs = brush.theme.glyphs;
    match severity {
        Severity::Error => (glyphs.failed, "error", Role::Error),
        Severity::Warning => (glyphs.gated, "warning", Role::Warning),
        Severity::Note => (glyphs.queued, "note", Role::Dim),
    }
}

/// One finding in full: what is wrong, where, and what can be done.
fn draw_one(brush: &mut Brush, area: Rect, finding: &Finding) {
    let mut rest = area;
    let mend = finding.mend.as_ref().map(|mend| (format!("Mending: {mend}."), Role::Info));
    let advice = finding.advice.as_ref().map(|advice| (format!("You can: {advice}."), Role::Text));
    let texts =
        [Some((format!("{}.", finding.message), Role::Strong)), Some((finding.path.display().to_string(), Role::Dim)), mend, advice];
    for (text, role) in texts.into_iter().flatten() {
        let used = brush.paragraph(rest, &text, role);
        rest = skip_top(rest, used);
    }
}

fn draw_answer(brush: &mut Brush, line: Rect, findings: &Findings) {
    let mut answer: Vec<Piece> = Vec::new();
    if findings.mendable() > 0 {
        answer.extend([piece("m", Role::Key), piece(" mend what can be mended   ", Role::Text)]);
    }
    answer.extend([piece("r", Role::Key), piece(" look again   ", Role::Text), piece("Esc", Role::Key), piece(" close", Role::Text)]);
    brush.line(line, &answer);
}
