//! Styled text that flows: runs are broken between words into rows of a width.

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation;

use crate::desk::printable;
use crate::tui::ui::text::width;

/// A piece of text in one style. A line break in it breaks the row.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) style: Style,
}

/// The text without what a terminal must not see.
pub(super) fn clean(text: &str) -> String {
    printable(text).replace('\u{fffd}', "")
}

/// The runs in rows of at most `room` columns, at least one. What is wider than a whole row is replaced by the ellipsis.
pub(super) fn wrap(runs: &[Run], room: usize, ellipsis: &'static str) -> Vec<Vec<Span<'static>>> {
    let mut flow = Flow { room, ellipsis, rows: Vec::new(), row: Row::default(), word: Vec::new(), space: None };
    for run in runs {
        for part in run.text.graphemes(true) {
            flow.part(part, run.style);
        }
    }
    flow.end_word();
    flow.end_row();
    flow.rows
}

/// The columns that a row of spans takes.
pub(super) fn columns(spans: &[Span]) -> usize {
    spans.iter().map(|span| width(&span.content)).sum()
}

#[derive(Default)]
struct Row {
    spans: Vec<Span<'static>>,
    used: usize,
}

impl Row {
    fn push(&mut self, part: &str, style: Style) {
        self.used += width(part);
        match self.spans.last_mut().filter(|last| last.style == style) {
            Some(last) => last.content.to_mut().push_str(part),
            None => self.spans.push(Span::styled(part.to_owned(), style)),
        }
    }
}

struct Flow<'a> {
    room: usize,
    ellipsis: &'static str,
    rows: Vec<Vec<Span<'static>>>,
    row: Row,
    word: Vec<(&'a str, Style)>,
    /// The look of the space before the word, where there is one.
    space: Option<Style>,
}

impl<'a> Flow<'a> {
    fn part(&mut self, part: &'a str, style: Style) {
        if part == "\n" {
            self.end_word();
            self.end_row();
        } else if part.chars().all(char::is_whitespace) {
            self.end_word();
            self.space = Some(style);
        } else {
            self.word.push((part, style));
        }
    }

    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if word.is_empty() {
            return;
        }
        let space = self.space.take().filter(|_| self.row.used > 0);
        let needed: usize = word.iter().map(|(part, _)| width(part)).sum();
        if space.is_some() && self.row.used + 1 + needed > self.room {
            self.end_row();
        } else if let Some(style) = space {
            self.row.push(" ", style);
        }
        for (part, style) in word {
            self.place(part, style);
        }
    }

    fn place(&mut self, part: &str, style: Style) {
        let part = if width(part) > self.room { self.ellipsis } else { part };
        if self.row.used + width(part) > self.room {
            self.end_row();
        }
        self.row.push(part, style);
    }

    fn end_row(&mut self) {
        self.space = None;
        self.rows.push(std::mem::take(&mut self.row).spans);
    }
}
