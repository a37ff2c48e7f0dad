//! What is wrong with the cache, and what mending it means.

use ratatui::layout::Rect;

use crate::desk::{Finding, Severity};
use crate::tui::app::{Findings, FindingsState, counted};
use crate::tui::ui::dialog::frame;
use crate::tui::ui::message;
use crate::tui::ui::paint::{Brush, line_at, skip_bottom, skip_left, skip_top};
use crate::tui::ui::roles::Role;
use crate::tui::ui::sheet::{Answer, Fact, lines_of};
use crate::tui::ui::text::{columns, wrap};

/// Columns of the dialog, where there are that many.
const WIDTH: u16 = 96;

/// The rows of its list that the dialog grows for, and those for what is known of the finding under the cursor.
const ROWS: (usize, usize) = (14, 6);

/// Columns of a finding's severity in words, and those from which there is room for it.
const SEVERITY: (u16, u16) = (11, 48);

const MEND: Answer = Answer { key: "m", role: Role::Key, does: "mend what can be mended", word: "mend" };
const OTHERS: [Answer; 2] = [
    Answer { key: "r", role: Role::Key, does: "look again", word: "again" },
    Answer { key: "Esc", role: Role::Key, does: "close", word: "close" },
];

pub(in crate::tui::ui) fn draw(brush: &mut Brush, screen: Rect, findings: &Findings) {
    let room = usize::from(WIDTH.min(screen.width).saturating_sub(4)).max(1);
    let title = title(findings, room);
    let answers: Vec<Answer> = (findings.mendable() > 0).then_some(MEND).into_iter().chain(OTHERS).collect();
    let answers = lines_of(&answers, room);
    let listed: usize = findings.list().iter().take(ROWS.0).map(|finding| message(finding, columns(room)).len()).sum();
    let rows = listed.clamp(1, ROWS.0) + ROWS.1 + title.len() + answers.len() + 4;
    let inside = frame(brush, screen, (WIDTH, columns(rows)), "Check of the cache", Role::DialogBorder);
    let gap = u16::from(inside.height > 10);
    let below = skip_top(inside, inside.height.saturating_sub(columns(answers.len())));
    for (y, line) in (0..below.height).zip(&answers) {
        brush.line(line_at(below, y), line);
    }
    let rest = skip_bottom(inside, below.height + gap);
    let shown = if rest.height > columns(title.len()) + 4 || findings.list().is_empty() { title.len() } else { 0 };
    for (y, (text, role)) in (0..rest.height).zip(title.iter().take(shown)) {
        brush.text(line_at(rest, y), text, *role);
    }
    let body = skip_top(rest, columns(shown) + if shown > 0 { gap } else { 0 });
    match &findings.state {
        FindingsState::Failed(fault) => _ = message::draw_fault(brush, body, fault),
        _ => draw_list(brush, body, findings),
    }
}

/// What came of mending, and how it stands now.
fn title(findings: &Findings, room: usize) -> Vec<Fact> {
    let (now, role) = match &findings.state {
        FindingsState::Looking => ("Looking for what is wrong.".to_owned(), Role::Dim),
        FindingsState::Mending => ("Mending.".to_owned(), Role::Dim),
        FindingsState::Failed(_) => (String::new(), Role::Dim),
        FindingsState::Here(list) if list.is_empty() => ("Nothing is wrong.".to_owned(), Role::Info),
        FindingsState::Here(list) => {
            (format!("{}, {} can be mended", counted(list.len(), "finding", "findings"), findings.mendable()), Role::Strong)
        }
    };
    let mended = findings.mended.as_ref().map(|mended| (format!("{mended}."), Role::Info));
    let texts = mended.into_iter().chain([(now, role)]).filter(|(text, _)| !text.is_empty());
    texts.flat_map(|(text, role)| wrap(&text, room).into_iter().map(move |line| (line, role))).collect()
}

/// The findings around the cursor, each on as many lines as it needs; what is known of the one under it stands below that one.
fn draw_list(brush: &mut Brush, area: Rect, findings: &Findings) {
    let (list, room) = (findings.list(), usize::from(area.height));
    let Some(current) = list.get(findings.cursor) else { return };
    let rows = |finding: &Finding| message(finding, area.width).len();
    let own = (rows(current) + known(current, area.width).len()).min(room);
    let after = list.iter().skip(findings.cursor + 1).map(rows);
    let below: usize = after.take(room).sum::<usize>().min(room - own);
    // Above the cursor is half of what is left, or more where there is less below.
    let mut spare = (room - own) - below.min((room - own) / 2);
    let mut first = findings.cursor;
    while let Some(above) = first.checked_sub(1).and_then(|at| list.get(at)).filter(|above| rows(above) <= spare) {
        spare -= rows(above);
        first -= 1;
    }
    let mut rest = area;
    for (at, finding) in list.iter().enumerate().skip(first).take(room) {
        rest = draw_one(brush, rest, finding, at == findings.cursor);
    }
}

/// Draws a finding and returns what is left below it.
fn draw_one(brush: &mut Brush, area: Rect, finding: &Finding, is_current: bool) -> Rect {
    let (glyph, word, role) = severity(brush, finding.severity);
    let indent = indent(area.width);
    let label = if indent == SEVERITY.0 { format!("{glyph} {word}") } else { glyph.to_owned() };
    let lines = message(finding, area.width);
    let own = Rect { height: columns(lines.len()).min(area.height), ..area };
    brush.text(Rect { width: indent.min(own.width), ..line_at(own, 0) }, &label, role);
    for (y, line) in (0..own.height).zip(&lines) {
        brush.text(line_at(skip_left(own, indent), y), line, Role::Text);
    }
    let mut rest = skip_top(area, own.height);
    if is_current {
        brush.tint(own, Role::CursorFocused);
        for (text, role) in known(finding, area.width) {
            brush.text(line_at(skip_left(rest, indent), 0), &text, role);
            rest = skip_top(rest, 1);
        }
    }
    rest
}

/// Columns left of a finding's message.
fn indent(width: u16) -> u16 {
    if width >= SEVERITY.1 { SEVERITY.0 } else { 2 }
}

fn message(finding: &Finding, width: u16) -> Vec<String> {
    wrap(&finding.message, usize::from(width.saturating_sub(indent(width))))
}

fn severity(brush: &Brush, severity: Severity) -> (&'static str, &'static str, Role) {
    let glyphs = brush.theme.glyphs;
    match severity {
        Severity::Error => (glyphs.failed, "error", Role::Error),
        Severity::Warning => (glyphs.gated, "warning", Role::Warning),
        Severity::Note => (glyphs.queued, "note", Role::Dim),
    }
}

/// What is known of a finding beside its message: what can be done, and where it is.
fn known(finding: &Finding, width: u16) -> Vec<Fact> {
    let room = usize::from(width.saturating_sub(indent(width)));
    let mend = finding.mend.as_ref().map(|mend| (format!("Mending: {mend}."), Role::Info));
    let advice = finding.advice.as_ref().map(|advice| (format!("You can: {advice}."), Role::Text));
    let path = (finding.path.display().to_string(), Role::Dim);
    let texts = mend.into_iter().chain(advice).chain([path]);
    texts.flat_map(|(text, role)| wrap(&text, room).into_iter().map(move |line| (line, role))).collect()
}
