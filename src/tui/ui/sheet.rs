//! A question before something is done, on any screen: what is asked, what it is about, what follows from it, and the keys that answer.
//!
//! The keys and what decides keep their place; the rest takes what is left, and what finds no room is scrolled to.

use ratatui::layout::Rect;

use super::dialog::{draw_more, frame};
use super::paint::{Brush, Cell, Piece, flow, line_at, piece, skip_top};
use super::roles::Role;
use super::text::{columns, width, wrap};
use crate::tui::app::Reach;

/// Columns of a question, where there are that many.
const WIDTH: u16 = 86;

/// The most rows of its list that a question grows for.
const MOST: usize = 12;

/// The rows that a list keeps where facts want them.
const KEPT: usize = 3;

/// The fewest rows of a list beside which there are empty lines.
const AIRY: usize = 5;

/// A text and its meaning.
pub(super) type Fact = (String, Role);

/// A part of what a dialog lists.
pub(super) enum Part<'a> {
    /// Lines that are made already.
    Lines(Vec<Fact>),
    /// So many rows, each made for its columns when it shows.
    Rows(usize, Box<dyn Fn(usize, u16) -> Vec<Cell<'a>> + 'a>),
}

impl<'a> Part<'a> {
    /// Rows that are made when they show.
    pub(super) fn rows(count: usize, row: impl Fn(usize, u16) -> Vec<Cell<'a>> + 'a) -> Self {
        Self::Rows(count, Box::new(row))
    }

    fn len(&self) -> usize {
        match self {
            Self::Lines(lines) => lines.len(),
            Self::Rows(count, _) => *count,
        }
    }
}

/// A key that answers a question, and what it does: in full, and in a word.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    /// The key.
    pub(super) key: &'static str,
    /// Its meaning.
    pub(super) role: Role,
    /// What it does.
    pub(super) does: &'static str,
    /// What it does, in a word.
    pub(super) word: &'static str,
}

/// What a question shows.
pub(super) struct Sheet<'a> {
    /// What stands in the border.
    pub(super) title: &'static str,
    /// The border's meaning.
    pub(super) border: Role,
    /// What is asked.
    pub(super) head: String,
    /// What decides the answer.
    pub(super) decides: String,
    /// What else follows, the most important first.
    pub(super) facts: Vec<Fact>,
    /// What it is about.
    pub(super) list: Vec<Part<'a>>,
    /// The keys that answer.
    pub(super) answers: &'a [Answer],
}

/// The columns in which a question is written.
pub(super) fn room(screen: Rect) -> usize {
    usize::from(WIDTH.min(screen.width).saturating_sub(4)).max(1)
}

/// Draws a question, its list scrolled by so many rows.
pub(super) fn draw(brush: &mut Brush, screen: Rect, sheet: Sheet, scroll: usize) {
    let room = room(screen);
    let answers = lines_of(sheet.answers, room);
    let decides = wrapped(&sheet.decides, Role::Strong, room);
    let head = wrapped(&sheet.head, Role::Strong, room);
    let facts: Vec<Vec<Fact>> = sheet.facts.into_iter().map(|(text, role)| wrapped(&text, role, room)).collect();
    let around = head.len() + decides.len() + facts.iter().map(Vec::len).sum::<usize>() + answers.len() + 5;
    let wanted = columns(around + rows(&sheet.list).min(MOST));
    let mut rest = frame(brush, screen, (WIDTH, wanted), sheet.title, sheet.border);

    let fixed = (answers.len() + decides.len()).min(usize::from(rest.height));
    let left = usize::from(rest.height) - fixed;
    let (head, facts, list) = fit(left, head, facts, sheet.list);
    let left = left - head.len() - facts.len();
    let gap = u16::from(left >= rows(&list).min(AIRY) + 3);
    let take = |rest: &mut Rect, height: u16| {
        let taken = Rect { height: height.min(rest.height), ..*rest };
        *rest = skip_top(*rest, height);
        taken
    };
    let answers_at = skip_top(rest, rest.height.saturating_sub(columns(answers.len())));
    draw_facts(brush, take(&mut rest, columns(head.len()) + gap), &head);
    let list_at = take(&mut rest, columns(left).saturating_sub(3 * gap));
    draw_list(brush, list_at, &list, scroll);
    take(&mut rest, gap);
    let below = Rect { height: rest.height.saturating_sub(answers_at.height), ..rest };
    draw_facts(brush, below, &[decides, facts].concat());
    for (y, line) in (0..answers_at.height).zip(&answers) {
        brush.line(line_at(answers_at, y), line);
    }
}

/// Divides what is left between the head, the facts and the list: what finds no room is listed, a warning first.
fn fit(left: usize, head: Vec<Fact>, facts: Vec<Vec<Fact>>, list: Vec<Part<'_>>) -> (Vec<Fact>, Vec<Fact>, Vec<Part<'_>>) {
    let (head, mut before) = if head.len() <= left / 2 { (head, Vec::new()) } else { (Vec::new(), head) };
    let mut spare = left.saturating_sub(head.len() + rows(&list).min(KEPT));
    let (mut kept, mut after) = (Vec::new(), Vec::new());
    for fact in facts {
        if after.is_empty() && fact.len() <= spare {
            spare -= fact.len();
            kept.extend(fact);
        } else if fact.first().is_some_and(|(_, role)| *role == Role::Warning) {
            before.extend(fact);
        } else {
            after.extend(fact);
        }
    }
    let list = std::iter::once(Part::Lines(before)).chain(list).chain([Part::Lines(after)]).collect();
    (head, kept, list)
}

/// A text on as many lines as it needs; none where there is no text.
pub(super) fn wrapped(text: &str, role: Role, room: usize) -> Vec<Fact> {
    if text.is_empty() { Vec::new() } else { wrap(text, room).into_iter().map(|line| (line, role)).collect() }
}

/// The answers in full where they fit on a line, else in a word each, on as many lines as they need.
pub(super) fn lines_of(answers: &[Answer], room: usize) -> Vec<Vec<Piece<'static>>> {
    let parts = |word: fn(&Answer) -> &'static str| -> Vec<Vec<Piece<'static>>> {
        answers.iter().map(|answer| vec![piece(answer.key, answer.role), piece(format!(" {}", word(answer)), Role::Text)]).collect()
    };
    let long = flow(parts(|answer| answer.does), &piece("   ", Role::Text), room);
    let fits = long.iter().all(|line| line.iter().map(|(text, _)| width(text)).sum::<usize>() <= room);
    if long.len() == 1 && fits { long } else { flow(parts(|answer| answer.word), &piece(" ", Role::Text), room) }
}

fn draw_facts(brush: &mut Brush, area: Rect, facts: &[Fact]) {
    for (y, (text, role)) in (0..area.height).zip(facts) {
        brush.text(line_at(area, y), text, *role);
    }
}

fn rows(list: &[Part]) -> usize {
    list.iter().map(Part::len).sum()
}

/// Draws the rows of a list that show, the first of them as far down as it is scrolled, and tells how far it reaches.
pub(super) fn draw_list(brush: &mut Brush, area: Rect, list: &[Part], scroll: usize) {
    let reach = Reach { rows: rows(list), shown: usize::from(area.height) };
    let first = scroll.min(reach.rows.saturating_sub(reach.shown));
    for (y, at) in (0..area.height).zip(first..reach.rows) {
        draw_row(brush, line_at(area, y), list, at);
    }
    draw_more(brush, area, reach.rows.saturating_sub(first + reach.shown));
    brush.reach = Some(reach);
}

fn draw_row(brush: &mut Brush, line: Rect, list: &[Part], mut at: usize) {
    for part in list {
        if at >= part.len() {
            at -= part.len();
            continue;
        }
        match part {
            Part::Lines(lines) => draw_facts(brush, line, lines.get(at..).unwrap_or_default()),
            Part::Rows(_, row) => brush.row(line, &row(at, line.width)),
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell as Counter;

    use ratatui::buffer::Buffer;

    use super::*;
    use crate::desk::About;
    use crate::tui::app::App;
    use crate::tui::ui::{Depth, Glyphs, Theme};

    /// Draws on an empty screen of this size, and answers with its text and how far it reached.
    fn drawn(width: u16, height: u16, draw: impl FnOnce(&mut Brush, Rect)) -> (String, Option<Reach>) {
        let about = About { endpoint: String::new(), cache_dir: "/c".into(), has_token: false, offline: false, attached: false };
        let app = App::new(about, "2026-03-01T12:00:00Z".parse().unwrap(), (width, height));
        let theme = Theme::builtin(Depth::True, Glyphs::UNICODE).unwrap();
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let mut brush = Brush { app: &app, theme: &theme, buffer: &mut buffer, caret: None, reach: None };
        draw(&mut brush, area);
        let reach = brush.reach;
        let text = (0..height).map(|y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>() + "\n").collect();
        (text, reach)
    }

    #[test]
    fn only_rows_that_show_are_made() {
        let made = Counter::new(0);
        let row = |at: usize, _| {
            made.set(made.get() + 1);
            vec![Cell::fill(format!("row {at}"), Role::Text)]
        };
        let list = [
            Part::Lines(vec![("above".to_owned(), Role::Text)]),
            Part::rows(10_000, row),
            Part::Lines(vec![("end".to_owned(), Role::Text)]),
        ];
        let (text, reach) = drawn(40, 5, |brush, area| draw_list(brush, area, &list, usize::MAX));
        assert!(text.contains("row 9999") && text.contains("row 9996") && text.contains("end") && !text.contains("below"), "{text}");
        assert_eq!((made.get(), reach), (4, Some(Reach { rows: 10_002, shown: 5 })));
        let (text, _) = drawn(40, 5, |brush, area| draw_list(brush, area, &list, 0));
        assert!(text.contains("above") && text.contains("row 2") && text.contains("and 9998 more below"), "{text}");
    }

    fn sheet(answers: &[Answer]) -> Sheet<'_> {
        let row = |at: usize, _| vec![Cell::fill(format!("row {at}"), Role::Text)];
        Sheet {
            title: "Delete",
            border: Role::DialogDanger,
            head: "Delete all of it?".to_owned(),
            decides: "9 GiB free".to_owned(),
            facts: vec![("dangerous".to_owned(), Role::Warning), ("disk".to_owned(), Role::Text)],
            list: vec![Part::rows(30, row)],
            answers,
        }
    }

    const ANSWERS: [Answer; 2] = [
        Answer { key: "y", role: Role::Key, does: "delete all of it for good", word: "go" },
        Answer { key: "Esc", role: Role::Key, does: "keep all of it as it is", word: "no" },
    ];

    #[test]
    fn what_decides_and_the_keys_come_first() {
        for width in 16..90 {
            for height in 4..30 {
                let (text, _) = drawn(width, height, |brush, area| draw(brush, area, sheet(&ANSWERS), 0));
                assert!(text.contains("9 GiB free") && text.contains("y ") && text.contains("Esc "), "{width}x{height}\n{text}");
                assert!(height < 5 || text.contains("Delete all") || text.contains("danger"), "{width}x{height}\n{text}");
            }
        }
        let (text, _) = drawn(80, 24, |brush, area| draw(brush, area, sheet(&ANSWERS), 0));
        assert!(["for good", "dangerous", "disk", "row 10"].iter().all(|part| text.contains(part)), "{text}");
    }

    #[test]
    fn what_finds_no_room_is_scrolled_to() {
        let (width, height) = (30, 7);
        let mut seen = String::new();
        for scroll in 0..40 {
            seen += &drawn(width, height, |brush, area| draw(brush, area, sheet(&ANSWERS), scroll)).0;
        }
        let rows = (0..30).map(|at| format!("row {at} "));
        for part in rows.chain(["Delete all of it?".to_owned(), "dangerous".to_owned(), "disk".to_owned()]) {
            assert!(seen.contains(&part), "{part}\n{seen}");
        }
    }
}
