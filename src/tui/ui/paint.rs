//! The brush: drawing text, rows and boxes into a frame, clipped to where they belong.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Widget};

use super::roles::Role;
use super::text::{columns, cut_end, cut_middle, width, wrap};
use super::theme::Theme;
use crate::tui::app::{App, Pane, Reach};

/// What is drawn, how, and onto what.
pub(super) struct Brush<'a> {
    pub(super) app: &'a App,
    pub(super) theme: &'a Theme,
    pub(super) buffer: &'a mut Buffer,
    /// Where the terminal's cursor belongs, if it shows.
    pub(super) caret: Option<Position>,
    /// How far what scrolls reaches, once it has been drawn: the open dialog's list, else the card.
    pub(super) reach: Option<Reach>,
}

/// A piece of text with its meaning.
pub(super) type Piece<'a> = (Cow<'a, str>, Role);

/// A piece of text.
pub(super) fn piece<'a>(text: impl Into<Cow<'a, str>>, role: Role) -> Piece<'a> {
    (text.into(), role)
}

/// One cell of a row.
pub(super) struct Cell<'a> {
    piece: Piece<'a>,
    /// Columns it takes; `None` for all that is left.
    width: Option<u16>,
    right: bool,
}

impl<'a> Cell<'a> {
    /// A cell that takes what is left. Its text is cut in the middle.
    pub(super) fn fill(text: impl Into<Cow<'a, str>>, role: Role) -> Self {
        Self { piece: piece(text, role), width: None, right: false }
    }

    /// A cell of fixed width, to the left.
    pub(super) fn left(width: u16, text: impl Into<Cow<'a, str>>, role: Role) -> Self {
        Self { piece: piece(text, role), width: Some(width), right: false }
    }

    /// A cell of fixed width, to the right, for numbers.
    pub(super) fn right(width: u16, text: impl Into<Cow<'a, str>>, role: Role) -> Self {
        Self { right: true, ..Self::left(width, text, role) }
    }

    /// The columns it takes; none for one that takes what is left.
    pub(super) fn width(&self) -> u16 {
        self.width.unwrap_or_default()
    }
}

/// Columns between two cells of a row.
const GAP: u16 = 2;

impl Brush<'_> {
    /// Writes pieces one after another on the first line of an area. Returns the columns used.
    pub(super) fn line(&mut self, area: Rect, pieces: &[Piece]) -> u16 {
        let mut used = 0;
        for (text, role) in pieces {
            used += self.text(skip_left(area, used), text, *role);
        }
        used
    }

    /// Writes pieces at the right end of an area's first line. Returns the columns used: none when there is too little room.
    pub(super) fn line_right(&mut self, area: Rect, pieces: &[Piece]) -> u16 {
        let wanted = columns(pieces.iter().map(|(text, _)| width(text)).sum());
        if wanted > area.width {
            return 0;
        }
        self.line(skip_left(area, area.width - wanted), pieces)
    }

    /// Writes a text on the first line of an area, cut at its end. Returns the columns used.
    pub(super) fn text(&mut self, area: Rect, text: &str, role: Role) -> u16 {
        let area = area.intersection(self.buffer.area);
        if area.is_empty() {
            return 0;
        }
        let shown = cut_end(text, usize::from(area.width), self.theme.glyphs.ellipsis);
        let (end, _) = self.buffer.set_stringn(area.x, area.y, &shown, usize::from(area.width), self.theme.style(role));
        end - area.x
    }

    /// Writes spans that have their looks already on the first line of an area.
    pub(super) fn styled(&mut self, area: Rect, line: &Line) {
        let area = area.intersection(self.buffer.area);
        if !area.is_empty() {
            self.buffer.set_line(area.x, area.y, line, area.width);
        }
    }

    /// Writes a text over several lines, broken between words. Returns the rows used.
    pub(super) fn paragraph(&mut self, area: Rect, text: &str, role: Role) -> u16 {
        let lines = wrap(text, usize::from(area.width));
        let rows = columns(lines.len()).min(area.height);
        for (line, y) in lines.iter().zip(0..rows) {
            self.text(line_at(area, y), line, role);
        }
        rows
    }

    /// Writes a paragraph whose beginning stands out; its last line is cut where there is more. Returns the rows used.
    pub(super) fn lead(&mut self, area: Rect, start: &str, role: Role, text: &str) -> u16 {
        let lines = wrap(text, usize::from(area.width));
        let rows = columns(lines.len()).min(area.height);
        for y in 0..rows {
            let rest = lines.iter().skip(usize::from(y));
            let line = if y + 1 == rows { rest.cloned().collect::<Vec<_>>().join(" ") } else { rest.take(1).cloned().collect() };
            self.text(line_at(area, y), &line, Role::Dim);
        }
        let shown = columns(width(start)).min(area.width);
        self.tint(Rect { width: shown, ..line_at(area, 0) }, role);
        rows
    }

    /// Writes cells side by side on the first line of an area. One cell may take what the others leave.
    pub(super) fn row(&mut self, area: Rect, cells: &[Cell]) {
        let gaps = GAP * columns(cells.len().saturating_sub(1));
        let fixed: u16 = cells.iter().filter_map(|cell| cell.width).sum();
        let rest = area.width.saturating_sub(fixed + gaps);
        let mut left = 0;
        for cell in cells {
            let room = cell.width.unwrap_or(rest);
            self.cell(Rect { width: room, ..skip_left(area, left) }.intersection(area), cell);
            left += room + GAP;
        }
    }

    fn cell(&mut self, area: Rect, cell: &Cell) {
        let (text, role) = &cell.piece;
        let shown = cut_middle(text, usize::from(area.width), self.theme.glyphs.ellipsis);
        if cell.right {
            self.line_right(area, &[piece(shown, *role)]);
        } else {
            self.text(area, &shown, *role);
        }
    }

    /// Lays a role's look over an area without touching its text.
    pub(super) fn tint(&mut self, area: Rect, role: Role) {
        self.buffer.set_style(area.intersection(self.buffer.area), self.theme.style(role));
    }

    /// Shows that the cursor of a pane is on this row. The highlight reaches one column to either side.
    pub(super) fn cursor_row(&mut self, line: Rect, pane: Pane) {
        let focused = self.app.focus == pane && self.app.dialog.is_none() && !(pane == Pane::Search && self.app.search.editing);
        let wider = Rect { x: line.x.saturating_sub(1), width: line.width.saturating_add(2), ..line };
        self.tint(if line.is_empty() { line } else { wider }, if focused { Role::CursorFocused } else { Role::Cursor });
    }

    /// Draws a pane's border with a title and returns what is inside.
    pub(super) fn pane(&mut self, area: Rect, title: &str, facts: &str, focused: bool) -> Rect {
        let (border, titled) = if focused { (Role::BorderFocused, Role::TitleFocused) } else { (Role::Border, Role::Title) };
        let inside = self.boxed(area, border);
        let head = Rect { y: area.y, height: 1, ..inside };
        let used = self.line(head, &[piece(format!(" {title} "), titled)]);
        if !facts.is_empty() {
            self.line_right(skip_left(head, used + 1), &[piece(format!(" {facts} "), Role::Dim)]);
        }
        inside.inner(Margin::new(1, 0))
    }

    /// Clears an area, draws a border around it and returns what is inside.
    pub(super) fn boxed(&mut self, area: Rect, border: Role) -> Rect {
        let area = area.intersection(self.buffer.area);
        let block = Block::bordered().border_set(self.theme.glyphs.border).border_style(self.theme.style(border));
        let inside = block.inner(area);
        block.render(area, self.buffer);
        inside
    }

    /// Clears an area for a dialog.
    pub(super) fn clear(&mut self, area: Rect) {
        Clear.render(area.intersection(self.buffer.area), self.buffer);
        self.tint(area, Role::Dialog);
    }

    /// Draws a bar that is done to a share between 0 and 1.
    pub(super) fn bar(&mut self, area: Rect, share: f64, done: Role) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a width is a width
        let filled = ((f64::from(area.width) * share.clamp(0.0, 1.0)).floor() as u16).min(area.width);
        self.text(Rect { width: filled, ..area }, &self.theme.glyphs.done.repeat(usize::from(filled)), done);
        let rest = skip_left(area, filled);
        self.text(rest, &self.theme.glyphs.rest.repeat(usize::from(rest.width)), Role::BarRest);
    }

    /// The character between facts, with spaces around it.
    pub(super) fn separator(&self) -> Piece<'static> {
        piece(format!(" {} ", self.theme.glyphs.separator), Role::Dim)
    }
}

/// Parts one after another, on as many lines as they need.
pub(super) fn flow<'a>(parts: Vec<Vec<Piece<'a>>>, between: &Piece<'a>, room: usize) -> Vec<Vec<Piece<'a>>> {
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    let mut used = 0;
    for part in parts {
        let wanted: usize = part.iter().map(|(text, _)| width(text)).sum();
        used += width(&between.0) + wanted;
        match lines.last_mut() {
            Some(line) if used <= room => {
                line.push(between.clone());
                line.extend(part);
            }
            _ => {
                used = wanted;
                lines.push(part);
            }
        }
    }
    lines
}

/// What is left of an area to the right of its first columns.
pub(super) fn skip_left(area: Rect, by: u16) -> Rect {
    let by = by.min(area.width);
    Rect { x: area.x + by, width: area.width - by, ..area }
}

/// What is left of an area below its first rows.
pub(super) fn skip_top(area: Rect, by: u16) -> Rect {
    let by = by.min(area.height);
    Rect { y: area.y + by, height: area.height - by, ..area }
}

/// What is left of an area above its last rows.
pub(super) fn skip_bottom(area: Rect, by: u16) -> Rect {
    Rect { height: area.height.saturating_sub(by), ..area }
}

/// One line of an area; empty when the area is not that high.
pub(super) fn line_at(area: Rect, y: u16) -> Rect {
    let below = skip_top(area, y);
    Rect { height: below.height.min(1), ..below }
}

/// The rows of a list that show in a window: the first one, so that the cursor stays near the middle.
pub(super) fn first_row(cursor: usize, len: usize, height: usize) -> usize {
    cursor.saturating_sub(height / 2).min(len.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_the_cursor_and_no_gap() {
        assert_eq!(first_row(0, 100, 10), 0);
        assert_eq!(first_row(50, 100, 10), 45);
        assert_eq!(first_row(99, 100, 10), 90);
        assert_eq!(first_row(2, 3, 10), 0);
        assert_eq!(first_row(0, 0, 0), 0);
    }
}
