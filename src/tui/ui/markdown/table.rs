//! A table: columns shrink to their room and cells are cut; without room for columns each row is told line by line.

use pulldown_cmark::Alignment;
use ratatui::style::Style;
use ratatui::text::Span;

use super::flow::{self, Run};
use crate::tui::ui::text::width;

/// Columns between two cells.
const GAP: usize = 2;
/// A column narrower than this tells nothing.
const NARROWEST: usize = 4;
/// The columns that are read; a table of more is not for people.
const MOST: usize = 64;

/// A table as it is read. Its first row is its head.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Run>>>,
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self { alignments, rows: Vec::new() }
    }

    pub(super) fn start_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn cell(&mut self, runs: Vec<Run>) {
        if let Some(row) = self.rows.last_mut().filter(|row| row.len() < MOST) {
            row.push(runs);
        }
    }

    /// The table in rows of at most `room` columns. `plain` is the look of what is added.
    pub(super) fn lay(&self, room: usize, ellipsis: &'static str, plain: Style) -> Vec<Vec<Span<'static>>> {
        let natural = self.natural();
        let gaps = GAP * natural.len().saturating_sub(1);
        let available = room.saturating_sub(gaps);
        if available < natural.iter().map(|columns| (*columns).min(NARROWEST)).sum() {
            return self.told(room, ellipsis, plain);
        }
        let widths = shrunk(&natural, available);
        self.rows.iter().map(|row| self.side_by_side(row, &widths, ellipsis, plain)).collect()
    }

    /// The columns that the widest cell of each column takes.
    fn natural(&self) -> Vec<usize> {
        let mut natural = vec![1; self.rows.iter().map(Vec::len).max().unwrap_or_default()];
        for row in &self.rows {
            for (widest, cell) in natural.iter_mut().zip(row) {
                *widest = (*widest).max(cell.iter().map(|run| width(&run.text)).sum());
            }
        }
        natural
    }

    fn side_by_side(&self, row: &[Vec<Run>], widths: &[usize], ellipsis: &'static str, plain: Style) -> Vec<Span<'static>> {
        let mut spans = Vec::new();
        for (at, (cell, room)) in row.iter().zip(widths).enumerate() {
            let cell = cut(cell, *room, ellipsis);
            let spare = room.saturating_sub(flow::columns(&cell));
            let before = match self.alignments.get(at) {
                Some(Alignment::Right) => spare,
                Some(Alignment::Center) => spare / 2,
                _ => 0,
            };
            let gap = if at == 0 { 0 } else { GAP };
            spans.push(Span::styled(" ".repeat(gap + before), plain));
            spans.extend(cell);
            spans.push(Span::styled(" ".repeat(spare - before), plain));
        }
        spans
    }

    /// Each row as lines of `head: value`, with an empty line between rows.
    fn told(&self, room: usize, ellipsis: &'static str, plain: Style) -> Vec<Vec<Span<'static>>> {
        let Some((head, rows)) = self.rows.split_first() else { return Vec::new() };
        let told = |row: &Vec<Vec<Run>>| {
            let pairs = head.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            let lines = pairs.flat_map(|(name, cell)| {
                let colon = Run { text: ": ".to_owned(), style: plain };
                let named = name.iter().cloned().chain((!name.is_empty()).then_some(colon));
                flow::wrap(&named.chain(cell.iter().cloned()).collect::<Vec<_>>(), room, ellipsis)
            });
            lines.collect::<Vec<_>>()
        };
        rows.iter().map(told).collect::<Vec<_>>().join(&Vec::new())
    }
}

/// The widths with the widest made narrower, all alike, until they fit.
fn shrunk(natural: &[usize], available: usize) -> Vec<usize> {
    let taken = |cap: usize| natural.iter().map(|columns| (*columns).min(cap)).sum::<usize>();
    let widest = natural.iter().copied().max().unwrap_or_default().min(available);
    let (mut fits, mut over) = (0, widest + 1);
    while fits + 1 < over {
        let middle = usize::midpoint(fits, over);
        if taken(middle) <= available { fits = middle } else { over = middle }
    }
    natural.iter().map(|columns| (*columns).min(fits)).collect()
}

/// The first row of a cell, cut to its room.
fn cut(cell: &[Run], room: usize, ellipsis: &'static str) -> Vec<Span<'static>> {
    let whole: usize = cell.iter().map(|run| width(&run.text)).sum();
    let single: Vec<Run> = cell.iter().map(|run| Run { text: run.text.replace('\n', " "), style: run.style }).collect();
    let fitting = flow::wrap(&single, room.max(1), ellipsis);
    if whole <= room || fitting.len() < 2 {
        return fitting.into_iter().next().unwrap_or_default();
    }
    broken(&single, room, ellipsis)
}

/// As much of a cell as stands before the ellipsis, broken within a word where it must be.
fn broken(cell: &[Run], room: usize, ellipsis: &'static str) -> Vec<Span<'static>> {
    let mut left = room.saturating_sub(width(ellipsis));
    let mut spans = Vec::new();
    for run in cell {
        let kept = crate::tui::ui::text::cut_end(&run.text, left, "");
        let whole = kept.len() == run.text.len();
        left -= width(&kept).min(left);
        spans.push(Span::styled(kept, run.style));
        if !whole {
            spans.push(Span::styled(ellipsis, run.style));
            break;
        }
    }
    spans
}
