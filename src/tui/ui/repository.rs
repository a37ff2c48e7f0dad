//! The repository pane: facts, what to take, and what can be chosen, or the card in its place.

use ratatui::layout::Rect;

use super::paint::{Brush, Cell, line_at, piece, skip_left, skip_top};
use super::roles::Role;
use super::text::{age_of, count};
use super::{card, message, variants};
use crate::desk::{self, Access, Analysis, FitVerdict};
use crate::tui::app::{App, Pane, counted};

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let repository = &brush.app.repository;
    let state = match (repository.loading, repository.planning) {
        (true, _) if repository.listed > 0 => format!("reading, {} so far", counted(repository.listed, "file", "files")),
        (true, _) => "reading".to_owned(),
        (false, true) => "planning".to_owned(),
        (false, false) => String::new(),
    };
    let inside = brush.pane(area, "Repository", &state, brush.app.focus == Pane::Repository);
    let Some(repo) = &repository.repo else {
        brush.paragraph(inside, "Nothing is open. Enter on a search result opens it; so does pasting owner/name or a link.", Role::Dim);
        return;
    };
    let name = [piece(repo.id.as_str(), Role::Strong), piece(format!("  {} @ {}", repo.kind, repo.revision), Role::Dim)];
    brush.line(line_at(inside, 0), &name);
    let mut rest = skip_top(inside, 1);
    if let Some(view) = &repository.card {
        card::draw(brush, rest, view);
        return;
    }
    if let Some(fault) = &repository.fault {
        rest = skip_top(rest, message::draw_fault(brush, rest, fault));
    }
    if let Some(analysis) = &repository.analysis {
        rest = skip_top(rest, draw_facts(brush, rest, analysis));
        rest = skip_top(rest, draw_recommendation(brush, rest));
        variants::draw(brush, rest);
    }
}

/// Returns the rows used, with one left empty below where there is room.
fn draw_facts(brush: &mut Brush, area: Rect, analysis: &Analysis) -> u16 {
    let mut rest = area;
    let abreast = if area.width < TWO_FACTS { 1 } else { 2 };
    for line in facts(brush, analysis).chunks(abreast).take(fact_rows(area)) {
        draw_fact_line(brush, line_at(rest, 0), line);
        rest = skip_top(rest, 1);
    }
    rest = skip_top(rest, draw_access(brush, rest, analysis));
    area.height - rest.height + gap(area)
}

/// In a low pane the facts give way to the choice.
fn fact_rows(area: Rect) -> usize {
    match area.height {
        0..10 => 1,
        10..18 => 3,
        18..24 => 6,
        _ => usize::MAX,
    }
}

/// Rows left empty between parts.
fn gap(area: Rect) -> u16 {
    u16::from(area.height >= 24)
}

/// What to take and why. Returns the rows used, with one left empty below where there is room.
fn draw_recommendation(brush: &mut Brush, area: Rect) -> u16 {
    let Some((variant, recommended)) = brush.app.repository.recommended() else { return 0 };
    let fit = brush.app.repository.assessment.as_ref().and_then(|assessment| assessment.of(&variant.id)?.fit.as_ref());
    let size = match fit {
        Some(fit) if fit.weights > variant.size => format!("{} with what comes along", desk::bytes(fit.weights)),
        _ => desk::bytes(variant.size),
    };
    let (take, role) = match fit.map(|fit| fit.verdict) {
        Some(FitVerdict::TooLarge) => (format!("nothing fits; least is {}, {size}", variant.label), Role::FitNot),
        _ => (format!("{} take {}, {size}", brush.theme.glyphs.take, variant.label), Role::Take),
    };
    // The reason begins with the label, which stands before it already.
    let reason = recommended.reason.strip_prefix(&format!("{} is ", variant.label)).unwrap_or(&recommended.reason);
    // Where it is narrow, the choice itself comes before its reasons.
    let room = Rect { height: area.height / 4, ..area };
    let rows = brush.lead(room, &take, role, &format!("{take}: {reason}"));
    rows + if rows > 0 { gap(area) } else { 0 }
}

/// Columns from which two facts stand side by side without cutting each other off.
const TWO_FACTS: u16 = 70;

/// A fact: its name and what it is.
type Fact = (&'static str, String);

/// The facts, the most telling first; pairs that belong together stand together where two fit on a line.
fn facts(brush: &Brush, analysis: &Analysis) -> Vec<Fact> {
    let app = brush.app;
    let size = format!("{} in {}", desk::bytes(analysis.size()), counted(analysis.files.len(), "file", "files"));
    let fetched =
        format!("{} times, {} {}", count(analysis.downloads), count(analysis.likes), if analysis.likes == 1 { "like" } else { "likes" });
    let origin = (!analysis.base_models.is_empty()).then(|| ("made from", analysis.base_models.join(", ")));
    let held = app.cache.held(analysis.repo.kind, &analysis.repo.id).map(|held| ("on disk", format!("{} of it", desk::bytes(held.size))));
    let of_all = [
        ("type", analysis.repo_type.name().to_owned()),
        ("licence", analysis.license.clone().unwrap_or_else(|| "none stated".to_owned())),
        ("size", size),
        ("fetched", fetched),
    ];
    let rest = [("commit", analysis.commit.chars().take(12).collect()), ("changed", changed(app, analysis))];
    of_all.into_iter().chain(judged(app)).chain(rest).chain(origin).chain(held).collect()
}

fn changed(app: &App, analysis: &Analysis) -> String {
    match age_of(app.now, analysis.last_modified).as_str() {
        "now" => "just now".to_owned(),
        "-" => "-".to_owned(),
        age => format!("{age} ago"),
    }
}

/// The model, and what its variants are judged by.
fn judged(app: &App) -> Vec<Fact> {
    let Some(assessment) = app.repository.assessment.as_ref().filter(|assessment| assessment.judges()) else { return Vec::new() };
    let context = match assessment.context {
        0 => "none is kept".to_owned(),
        tokens => format!("{tokens} tokens, {}", assessment.cache_type.name()),
    };
    let model = Some(assessment.model.to_string()).filter(|model| !model.is_empty());
    let model = model.map(|model| ("model", model));
    [Some(("context", context)), Some(("machine", assessment.machine.to_string())), model].into_iter().flatten().collect()
}

/// Two facts side by side, or one.
fn draw_fact_line(brush: &mut Brush, line: Rect, facts: &[Fact]) {
    let half = if facts.len() > 1 { Rect { width: line.width / 2, ..line } } else { line };
    let rest = skip_left(line, half.width);
    let left = Rect { width: half.width.saturating_sub(if rest.is_empty() { 0 } else { 2 }), ..half };
    for (place, (name, value)) in [left, rest].into_iter().zip(facts) {
        let name = Cell::left(9, *name, Role::Dim);
        brush.row(place, &[name, Cell::fill(value.as_str(), Role::Text)]);
    }
}

/// Whether files may be downloaded, or why not and what to do about it. Returns the rows used.
fn draw_access(brush: &mut Brush, area: Rect, analysis: &Analysis) -> u16 {
    let Some(barrier) = &analysis.barrier else {
        return if analysis.access == Access::Open { 0 } else { brush.paragraph(area, access(analysis.access), Role::Gated) };
    };
    let again = if brush.app.about.has_token { "r checks again" } else { "a token is read at the start" };
    let used = brush.paragraph(area, &format!("{} ({again})", barrier.message), Role::Gated);
    used + barrier.hint.as_ref().map_or(0, |hint| brush.paragraph(skip_top(area, used), hint, Role::Gated))
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Open => "",
        Access::Granted => "gated: access granted to this token",
        Access::Gated => "gated: accept the agreement on the repository's page; downloads then need your token",
        Access::GatedManual => "gated: the owner approves each request; ask on the repository's page, then use your token",
    }
}
