//! Which revision?

use ratatui::layout::Rect;

use super::dialog::frame;
use super::message;
use super::paint::{Brush, Cell, first_row, line_at, piece, skip_bottom, skip_top};
use super::roles::Role;
use super::text::{age_of, columns};
use crate::desk::{Commit, NamedRevision, Revision, Revisions};
use crate::tui::app::{RevisionChooser, RevisionsState};

/// Digits by which people tell commits apart.
const DIGITS: usize = 12;
/// Lines around the list: the border, the repository, two that are empty and the answer.
const AROUND: usize = 6;
/// Lines of a list that has not come yet, or will not.
const UNKNOWN: usize = 6;

/// A line of the list.
enum Row<'a> {
    Heading(&'static str),
    Named(&'a NamedRevision),
    Commit(&'a Commit),
}

pub(super) fn draw(brush: &mut Brush, screen: Rect, chooser: &RevisionChooser) {
    let rows = match &chooser.state {
        RevisionsState::Here(revisions) => rows(revisions).count(),
        RevisionsState::Loading | RevisionsState::Failed(_) => UNKNOWN,
    };
    let inside = frame(brush, screen, (86, columns(rows + AROUND)), "Revision", Role::DialogBorder);
    let open = format!("  now @ {}", chooser.repo.revision);
    brush.line(line_at(inside, 0), &[piece(chooser.repo.id.as_str(), Role::Strong), piece(open, Role::Dim)]);
    // Where there are few lines, the list is worth more than what stands around it.
    let list = if inside.height < 5 { skip_top(inside, 1) } else { skip_bottom(skip_top(inside, 2), 2) };
    match &chooser.state {
        RevisionsState::Loading => _ = brush.paragraph(list, "The branches, tags and commits are being listed.", Role::Dim),
        RevisionsState::Failed(fault) => _ = message::draw_fault(brush, list, fault),
        RevisionsState::Here(revisions) if revisions.is_empty() => _ = brush.paragraph(list, "The Hub names no revisions.", Role::Dim),
        RevisionsState::Here(revisions) => draw_list(brush, list, chooser, revisions),
    }
    if inside.height >= 5 {
        draw_answer(brush, line_at(inside, inside.height - 1), chooser);
    }
}

/// Every line: branches, tags and commits, each kind under its heading.
fn rows(revisions: &Revisions) -> impl Iterator<Item = Row<'_>> {
    let heading = |title, empty: bool| (!empty).then_some(Row::Heading(title)).into_iter();
    let branches = heading("branches", revisions.branches.is_empty()).chain(revisions.branches.iter().map(Row::Named));
    let tags = heading("tags", revisions.tags.is_empty()).chain(revisions.tags.iter().map(Row::Named));
    let commits = heading("commits", revisions.commits.is_empty()).chain(revisions.commits.iter().map(Row::Commit));
    branches.chain(tags).chain(commits)
}

fn draw_list(brush: &mut Brush, area: Rect, chooser: &RevisionChooser, revisions: &Revisions) {
    let choices = rows(revisions).enumerate().filter(|(_, row)| !matches!(row, Row::Heading(_)));
    let cursor = choices.map(|(at, _)| at).nth(chooser.cursor).unwrap_or_default();
    let height = usize::from(area.height);
    let first = first_row(cursor, rows(revisions).count(), height);
    for (y, (at, row)) in (0..area.height).zip(rows(revisions).enumerate().skip(first)) {
        let line = line_at(area, y);
        draw_row(brush, line, chooser, &row);
        if at == cursor {
            brush.tint(line, Role::CursorFocused);
        }
    }
}

fn draw_row(brush: &mut Brush, line: Rect, chooser: &RevisionChooser, row: &Row) {
    let open = |name: &Revision| if *name == chooser.repo.revision { "open" } else { "" };
    let short = |commit: &str| commit.chars().take(DIGITS).collect::<String>();
    let digits = columns(DIGITS);
    match row {
        Row::Heading(title) => _ = brush.text(line, title, Role::Column),
        Row::Named(named) => {
            let cells = [
                Cell::fill(named.name.as_str(), Role::Text),
                Cell::left(4, open(&named.name), Role::Mark),
                Cell::left(digits, short(&named.commit), Role::Dim),
            ];
            brush.row(line, &cells[..if line.width < 40 { 2 } else { 3 }]);
        }
        Row::Commit(commit) => {
            let cells = [
                Cell::left(digits, short(commit.commit.as_str()), Role::Number),
                Cell::fill(commit.title.as_str(), Role::Text),
                Cell::left(4, open(&commit.commit), Role::Mark),
                Cell::right(6, age_of(brush.app.now, commit.date), Role::Dim),
            ];
            brush.row(line, &cells[..if line.width < 40 { 2 } else { 4 }]);
        }
    }
}

fn draw_answer(brush: &mut Brush, line: Rect, chooser: &RevisionChooser) {
    let mut answer = vec![piece("Esc", Role::Key), piece(" leave it", Role::Text)];
    if let RevisionsState::Here(revisions) = &chooser.state
        && !revisions.is_empty()
    {
        brush.line_right(line, &[piece(format!("{}/{}", chooser.cursor + 1, revisions.len()), Role::Dim)]);
        answer.splice(..0, [piece("Enter", Role::Key), piece(" open   ", Role::Text)]);
    }
    brush.line(line, &answer);
}
