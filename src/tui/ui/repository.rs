//! The repository pane: facts, and a table of what can be chosen, or the card in its place.

use ratatui::layout::Rect;

use super::paint::{Brush, Cell, first_row, line_at, piece, skip_bottom, skip_left, skip_top};
use super::roles::Role;
use super::text::{age_of, count};
use super::{card, jobs, message};
use crate::desk::{self, Access, Analysis, JobState, RepoRef, Variant};
use crate::tui::app::{App, Pane, counted};

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let repository = &brush.app.repository;
    let state = if repository.loading {
        "reading"
    } else if repository.planning {
        "planning"
    } else {
        ""
    };
    let inside = brush.pane(area, "Repository", state, brush.app.focus == Pane::Repository);
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
        let used = draw_facts(brush, rest, analysis);
        draw_variants(brush, skip_top(rest, used));
    }
}

/// Returns the rows used, with one left empty below.
fn draw_facts(brush: &mut Brush, area: Rect, analysis: &Analysis) -> u16 {
    // In a low pane the facts give way to the choice.
    let low = area.height < 10;
    let mut rest = area;
    let abreast = if area.width < TWO_FACTS { 1 } else { 2 };
    for line in facts(brush, analysis).chunks(abreast).take(if low { 1 } else { usize::MAX }) {
        draw_fact_line(brush, line_at(rest, 0), line);
        rest = skip_top(rest, 1);
    }
    rest = skip_top(rest, draw_access(brush, rest, analysis));
    area.height - rest.height + u16::from(!low)
}

/// Columns from which two facts stand side by side without cutting each other off.
const TWO_FACTS: u16 = 70;

/// A fact: its name and what it is.
type Fact = (&'static str, String);

/// The facts, the most telling first; pairs that belong together stand together where two fit on a line.
fn facts(brush: &Brush, analysis: &Analysis) -> Vec<Fact> {
    let app = brush.app;
    let size = format!("{} in {}", desk::bytes(analysis.size()), counted(analysis.files.len(), "file", "files"));
    let fetched = format!("{} times, {} likes", count(analysis.downloads), count(analysis.likes));
    let origin = (!analysis.base_models.is_empty()).then(|| ("made from", analysis.base_models.join(", ")));
    let held = app.cache.held(analysis.repo.kind, &analysis.repo.id).map(|held| ("on disk", format!("{} of it", desk::bytes(held.size))));
    let always = [
        ("type", analysis.repo_type.name().to_owned()),
        ("licence", analysis.license.clone().unwrap_or_else(|| "none stated".to_owned())),
        ("size", size),
        ("fetched", fetched),
        ("commit", analysis.commit.chars().take(12).collect()),
        ("changed", format!("{} ago", age_of(app.now, analysis.last_modified))),
    ];
    always.into_iter().chain(origin).chain(held).collect()
}

/// Two facts side by side, or one.
fn draw_fact_line(brush: &mut Brush, line: Rect, facts: &[Fact]) {
    let half = if facts.len() > 1 { Rect { width: line.width / 2, ..line } } else { line };
    for (place, (name, value)) in [half, skip_left(line, half.width)].into_iter().zip(facts) {
        let name = Cell::left(9, *name, Role::Dim);
        brush.row(place, &[name, Cell::fill(value.as_str(), Role::Text)]);
    }
}

/// Whether files may be downloaded, or why not and what to do about it. Returns the rows used.
fn draw_access(brush: &mut Brush, area: Rect, analysis: &Analysis) -> u16 {
    let Some(barrier) = &analysis.barrier else {
        let role = if analysis.access == Access::Open { Role::Dim } else { Role::Gated };
        return brush.paragraph(area, access(analysis.access), role);
    };
    let again = if brush.app.about.has_token { "r checks again" } else { "the token is read when hfdesk-tui starts" };
    let lines = [(Some(barrier.message.as_str()), Role::Gated), (barrier.hint.as_deref(), Role::Gated), (Some(again), Role::Dim)];
    lines.into_iter().fold(0, |used, (line, role)| used + line.map_or(0, |line| brush.paragraph(skip_top(area, used), line, role)))
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Open => "open: everybody may download",
        Access::Granted => "gated: access granted to this token",
        Access::Gated => "gated: accept the agreement on the repository's page; downloads then need your token",
        Access::GatedManual => "gated: the owner approves each request; ask on the repository's page, then use your token",
    }
}

fn draw_variants(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let repository = &app.repository;
    let variants = repository.variants();
    if variants.is_empty() {
        brush.paragraph(area, "There are no variants to choose from: d downloads everything.", Role::Dim);
        return;
    }
    brush.row(line_at(area, 0), &head(area.width));
    draw_sum(brush, area);
    let rows = skip_bottom(skip_top(area, 1), 1);
    let first = first_row(repository.cursor, variants.len(), usize::from(rows.height));
    for (y, (at, variant)) in (0..rows.height).zip(variants.iter().enumerate().skip(first)) {
        let line = line_at(rows, y);
        let cells = cells(brush, variant, area.width);
        brush.row(line, &cells);
        if at == repository.cursor {
            brush.cursor_row(line, Pane::Repository);
        }
    }
}

/// The last line: what is marked.
fn draw_sum(brush: &mut Brush, area: Rect) {
    if area.height < 3 {
        return;
    }
    let repository = &brush.app.repository;
    let line = line_at(area, area.height - 1);
    if repository.marks.is_empty() {
        brush.text(line, "nothing is marked: d takes the variant under the cursor", Role::Dim);
        return;
    }
    let sum = format!("{} with everything they need", desk::bytes(repository.marked_size()));
    brush.line(line, &[piece(format!("{} marked", repository.marks.len()), Role::Mark), piece(format!(", {sum}"), Role::Text)]);
}

fn head(width: u16) -> Vec<Cell<'static>> {
    let cells = [
        Some(Cell::left(1, "", Role::Column)),
        Some(Cell::fill("variant", Role::Column)),
        (width >= 66).then(|| Cell::left(12, "category", Role::Column)),
        (width >= 44).then(|| Cell::right(6, "files", Role::Column)),
        Some(Cell::right(10, "size", Role::Column)),
        (width >= 36).then(|| Cell::left(11, "", Role::Column)),
    ];
    cells.into_iter().flatten().collect()
}

/// Whether a repository is known not to be on the disk any more.
fn is_gone(app: &App, repo: &RepoRef) -> bool {
    app.cache.is_loaded() && app.cache.held(repo.kind, &repo.id).is_none()
}

fn cells<'a>(brush: &Brush, variant: &'a Variant, width: u16) -> Vec<Cell<'a>> {
    let app = brush.app;
    let glyphs = &brush.theme.glyphs;
    let marked = app.repository.marks.contains(&variant.id);
    let (mark, label) = if marked { (glyphs.marked, Role::Mark) } else { (glyphs.unmarked, Role::Text) };
    let job = app.repository.job_of(variant, &app.board).filter(|job| job.state != JobState::Completed || !is_gone(app, &job.plan.repo));
    let (state, role) = job.map_or((String::new(), Role::Dim), |job| jobs::state(brush, job.state));
    let cells = [
        Some(Cell::left(1, mark, if marked { Role::Mark } else { Role::Dim })),
        Some(Cell::fill(variant.label.as_str(), label)),
        (width >= 66).then(|| Cell::left(12, variant.category.as_str(), Role::Dim)),
        (width >= 44).then(|| Cell::right(6, variant.files.len().to_string(), Role::Dim)),
        Some(Cell::right(10, desk::bytes(variant.size), Role::Number)),
        (width >= 36).then(|| Cell::left(11, state, role)),
    ];
    cells.into_iter().flatten().collect()
}
