//! The card of the open repository: what its front matter states, then its text.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::paint::{Brush, line_at, skip_bottom};
use super::roles::Role;
use super::text::{cut_end, wrap};
use super::theme::Theme;
use super::{markdown, message};
use crate::desk::{Card, printable};
use crate::tui::app::{CardState, CardView, Reach};

/// Columns of a fact's name.
const NAME: usize = 11;
/// The name of the fact that may take several lines.
const ORIGIN: &str = "made from";
/// The fewest columns in which a fact takes more than a line.
const WRAPS: usize = 20;

pub(super) fn draw(brush: &mut Brush, area: Rect, view: &CardView) {
    match &view.state {
        CardState::Loading => _ = brush.paragraph(area, "The card is being read.", Role::Dim),
        CardState::Missing => _ = brush.paragraph(area, "This repository has no card: it holds no README.md.", Role::Dim),
        CardState::Failed(fault) => _ = message::draw_fault(brush, area, fault),
        CardState::Here(card) => draw_text(brush, area, card, view.scroll),
    }
}

fn draw_text(brush: &mut Brush, area: Rect, card: &Card, scroll: usize) {
    let lines = lines(card, area.width, brush.theme);
    if lines.is_empty() {
        brush.paragraph(area, "The card is empty.", Role::Dim);
        return;
    }
    let rows = if area.height < 3 { area } else { skip_bottom(area, 1) };
    let reach = Reach { rows: lines.len(), shown: usize::from(rows.height) };
    let first = scroll.min(reach.rows.saturating_sub(reach.shown));
    for (y, line) in (0..rows.height).zip(lines.iter().skip(first)) {
        brush.styled(line_at(rows, y), line);
    }
    if rows.height < area.height {
        let last = (first + reach.shown).min(reach.rows);
        brush.text(line_at(area, rows.height), &format!("lines {} to {last} of {}", first + 1, reach.rows), Role::Dim);
    }
    brush.reach = Some(reach);
}

fn lines(card: &Card, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let text = markdown::lines(&card.markdown, width, theme);
    let mut lines: Vec<Line> = facts(card, theme).into_iter().flat_map(|(name, value)| fact(name, &value, width, theme)).collect();
    if !lines.is_empty() && !text.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(text);
    lines
}

/// The facts that the card states, those of the licence first.
fn facts(card: &Card, theme: &Theme) -> Vec<(&'static str, String)> {
    let facts = &card.facts;
    let licence = [&facts.license, &facts.license_name, &facts.license_link].into_iter().flatten().cloned().collect::<Vec<_>>();
    let one = |fact: &Option<String>| fact.clone().unwrap_or_default();
    let all = [
        ("licence", licence.join(", ")),
        ("task", one(&facts.task)),
        ("library", one(&facts.library)),
        ("languages", facts.languages.join(", ")),
        (ORIGIN, origin(card, theme.glyphs.made_from)),
        ("trained on", facts.datasets.join(", ")),
        ("tags", facts.tags.join(", ")),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// What the model was made from, and that, in turn; else what its text states.
fn origin(card: &Card, arrow: &str) -> String {
    let stated = std::slice::from_ref(&card.facts.base_models);
    let steps = if card.lineage.is_empty() { stated } else { &card.lineage };
    steps.iter().map(|step| step.join(", ")).collect::<Vec<_>>().join(&format!(" {arrow} "))
}

/// A fact on one line, cut to fit; an origin on as many as it needs.
fn fact(name: &str, value: &str, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let value = printable(value);
    let room = usize::from(width).saturating_sub(NAME);
    let parts = if name == ORIGIN && room >= WRAPS { wrap(&value, room) } else { vec![value] };
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    names.zip(parts).map(|(name, part)| fact_line(name, &part, width, theme)).collect()
}

fn fact_line(name: &str, value: &str, width: u16, theme: &Theme) -> Line<'static> {
    let (room, ellipsis) = (usize::from(width), theme.glyphs.ellipsis);
    let name = cut_end(&format!("{name:NAME$}"), room, ellipsis);
    let value = cut_end(value, room.saturating_sub(NAME), ellipsis);
    Line::from(vec![Span::styled(name, theme.style(Role::Dim)), Span::styled(value, theme.style(Role::Text))])
}
