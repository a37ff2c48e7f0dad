//! Every key, the focused pane's first.

use ratatui::layout::Rect;

use super::dialog::frame;
use super::paint::{Brush, Cell};
use super::roles::Role;
use super::sheet::{Part, draw_list};
use super::text::{columns, wrap};
use crate::tui::app::actions::{self, Context, Entry, Line};

/// Columns of the dialog, where there are that many.
const WIDTH: u16 = 92;

/// Columns of the keys.
const KEYS: u16 = 15;

/// Columns from which what a key does stands beside it, not below.
const WIDE: usize = 48;

pub(super) fn draw(brush: &mut Brush, screen: Rect, scroll: usize) {
    let room = usize::from(WIDTH.min(screen.width).saturating_sub(4)).max(1);
    let lines: Vec<HelpLine> = actions::help(brush.app.focus).into_iter().flat_map(|line| lines_of(line, room)).collect();
    let inside = frame(brush, screen, (WIDTH, columns(lines.len() + 2)), "Help", Role::DialogBorder);
    let row = |at: usize, _| lines.get(at).map_or_else(Vec::new, HelpLine::cells);
    draw_list(brush, inside, &[Part::rows(lines.len(), row)], scroll);
}

/// A line of the help, none wider than the room.
enum HelpLine {
    Heading(String),
    /// The keys, and a line of what they do.
    Beside(String, String),
    /// Keys alone.
    Above(String),
    /// A line of what they do, alone.
    Below(String),
}

impl HelpLine {
    fn cells(&self) -> Vec<Cell<'_>> {
        match self {
            Self::Heading(text) => vec![Cell::fill(text.as_str(), Role::Strong)],
            Self::Beside(keys, text) => vec![Cell::right(KEYS, keys.as_str(), Role::Key), Cell::fill(text.as_str(), Role::Text)],
            Self::Above(keys) => vec![Cell::fill(keys.as_str(), Role::Key)],
            Self::Below(text) => vec![Cell::fill(text.as_str(), Role::Text)],
        }
    }
}

fn lines_of(line: Line, room: usize) -> Vec<HelpLine> {
    match line {
        Line::Heading(context) => wrap(&heading(context), room).into_iter().map(HelpLine::Heading).collect(),
        Line::Action(entry) if room >= WIDE => beside(entry, room - usize::from(KEYS) - 2),
        Line::Action(entry) => {
            let keys = wrap(&written(entry), room).into_iter().map(HelpLine::Above);
            let does = wrap(entry.doc, room.saturating_sub(2).max(1)).into_iter();
            keys.chain(does.map(|line| HelpLine::Below(format!("  {line}")))).collect()
        }
    }
}

fn beside(entry: &Entry, room: usize) -> Vec<HelpLine> {
    let keys = std::iter::once(written(entry)).chain(std::iter::repeat(String::new()));
    keys.zip(wrap(entry.doc, room)).map(|(keys, line)| HelpLine::Beside(keys, line)).collect()
}

/// Every key that causes an action.
fn written(entry: &Entry) -> String {
    entry.keys.iter().map(|keys| actions::written(keys)).collect::<Vec<_>>().join(", ")
}

fn heading(context: Context) -> String {
    match context {
        Context::In(pane) => format!("In {}", pane.title()),
        Context::List => "In every list".to_owned(),
        Context::Global => "Everywhere".to_owned(),
    }
}
