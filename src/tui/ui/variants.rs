//! The table of what can be chosen: how large it is, what it needs and whether that fits.

use ratatui::layout::Rect;

use super::glyphs::Glyphs;
use super::jobs;
use super::paint::{Brush, Cell, first_row, line_at, piece, skip_bottom, skip_top};
use super::roles::Role;
use crate::desk::{self, Fit, FitVerdict, JobState, RepoRef, Variant};
use crate::tui::app::{App, Pane};

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let repository = &app.repository;
    let variants = repository.variants();
    if variants.is_empty() {
        let empty = repository.analysis.as_ref().is_none_or(|analysis| analysis.files.is_empty());
        let told = if empty { "The repository is empty." } else { "There are no variants to choose from: d downloads everything." };
        brush.paragraph(area, told, Role::Dim);
        return;
    }
    let shown = columns(area.width, app);
    let head: Vec<Cell> = shown.iter().copied().map(Column::head).collect();
    brush.row(line_at(area, 0), &head);
    draw_sum(brush, area);
    let rows = skip_bottom(skip_top(area, 1), 1);
    let first = first_row(repository.cursor, variants.len(), usize::from(rows.height));
    for (y, (at, variant)) in (0..rows.height).zip(variants.iter().enumerate().skip(first)) {
        let line = line_at(rows, y);
        let cells: Vec<Cell> = shown.iter().map(|column| column.cell(brush, at, variant)).collect();
        brush.row(line, &cells);
        if at == repository.cursor {
            brush.cursor_row(line, Pane::Repository);
        }
    }
}

/// The last line: what is marked, or what the variant under the cursor needs.
fn draw_sum(brush: &mut Brush, area: Rect) {
    if area.height < 3 {
        return;
    }
    let repository = &brush.app.repository;
    let line = line_at(area, area.height - 1);
    if !repository.marks.is_empty() {
        let sum = format!("{} with everything they need", desk::bytes(repository.marked_size()));
        brush.line(line, &[piece(format!("{} marked", repository.marks.len()), Role::Mark), piece(format!(", {sum}"), Role::Text)]);
        return;
    }
    let Some(variant) = repository.variants().get(repository.cursor) else { return };
    let fit = repository.assessed(repository.cursor, variant).and_then(|assessed| assessed.fit.as_ref());
    // Of the one to take, the reason stands above.
    let needs = fit.filter(|_| !is_to_take(brush.app, variant)).map_or_else(String::new, |fit| format!(": {}", fit.reason));
    brush.text(line, &format!("d takes {}{needs}", variant.label), Role::Dim);
}

/// What a column shows of a variant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Mark,
    Take,
    Name,
    Category,
    Files,
    Bits,
    Size,
    Needs,
    Fit,
    State,
}

/// The columns that a width has room for, and the least width for each: the name keeps about twelve columns. What says nothing of any
/// variant here gives its room to the others.
fn columns(width: u16, app: &App) -> Vec<Column> {
    let recommended = app.repository.recommended().is_some();
    let judged = app.repository.assessment.as_ref().is_some_and(|assessment| assessment.judges());
    let queued = app.board.jobs.iter().any(|job| app.repository.repo.as_ref().is_some_and(|repo| job.plan.repo.id == repo.id));
    let spare = if queued { 0 } else { 13 };
    let all = [
        (true, 0, Column::Mark),
        (recommended, 20, Column::Take),
        (true, 0, Column::Name),
        (true, if judged { 96 } else { 50 }, Column::Category),
        (true, if judged { 104 } else { 60 }, Column::Files),
        (judged, 84, Column::Bits),
        (true, 0, Column::Size),
        (judged, 68, Column::Needs),
        (judged, 40, Column::Fit),
        (queued, 52, Column::State),
    ];
    all.into_iter().filter(|(says, least, _)| *says && width + spare >= *least).map(|(_, _, column)| column).collect()
}

impl Column {
    fn head(self) -> Cell<'static> {
        match self {
            Self::Mark | Self::Take => Cell::left(1, "", Role::Column),
            Self::Name => Cell::fill("variant", Role::Column),
            Self::Category => Cell::left(12, "category", Role::Column),
            Self::Files => Cell::right(5, "files", Role::Column),
            Self::Bits => Cell::right(4, "bits", Role::Column),
            Self::Size => Cell::right(9, "size", Role::Column),
            Self::Needs => Cell::right(9, "needs", Role::Column),
            Self::Fit => Cell::left(FIT, "  fits", Role::Column),
            Self::State => Cell::left(11, "", Role::Column),
        }
    }

    fn cell<'a>(self, brush: &Brush, at: usize, variant: &'a Variant) -> Cell<'a> {
        let repository = &brush.app.repository;
        let glyphs = &brush.theme.glyphs;
        let marked = repository.marks.contains(&variant.id);
        let assessed = repository.assessed(at, variant);
        let fit = assessed.and_then(|assessed| assessed.fit.as_ref());
        match self {
            Self::Mark if marked => Cell::left(1, glyphs.marked, Role::Mark),
            Self::Mark => Cell::left(1, glyphs.unmarked, Role::Dim),
            Self::Take => Cell::left(1, if is_to_take(brush.app, variant) { glyphs.take } else { "" }, Role::Take),
            Self::Name => Cell::fill(variant.label.as_str(), if marked { Role::Mark } else { Role::Text }),
            Self::Category => Cell::left(12, variant.category.as_str(), Role::Dim),
            Self::Files => Cell::right(5, variant.files.len().to_string(), Role::Dim),
            Self::Bits => Cell::right(4, assessed.and_then(|one| one.bits_per_weight).map_or_else(String::new, bits), Role::Dim),
            Self::Size => Cell::right(9, desk::bytes(variant.size), Role::Number),
            Self::Needs => Cell::right(9, fit.map_or_else(String::new, |fit| desk::bytes(fit.needs)), Role::Dim),
            Self::Fit => fit.map_or_else(|| Cell::left(FIT, "", Role::Dim), |fit| verdict(glyphs, fit)),
            Self::State => state(brush, variant),
        }
    }
}

/// Columns of a verdict: its glyph and its words.
const FIT: u16 = 15;

fn verdict(glyphs: &Glyphs, fit: &Fit) -> Cell<'static> {
    let (glyph, role) = match fit.verdict {
        FitVerdict::OneGpu => (glyphs.one_gpu, Role::FitGpu),
        FitVerdict::AcrossGpus { .. } => (glyphs.across_gpus, Role::FitGpu),
        FitVerdict::Offload { .. } => (glyphs.offload, Role::FitPartly),
        FitVerdict::Memory => (glyphs.memory, Role::FitMemory),
        FitVerdict::TooLarge => (glyphs.too_large, Role::FitNot),
    };
    Cell::left(FIT, format!("{glyph} {}", fit.verdict), role)
}

/// Bits of a parameter; of weights that nobody would call quantized, without a fraction that says nothing.
fn bits(bits: f64) -> String {
    if bits < 99.0 { format!("{bits:.1}") } else { String::new() }
}

fn is_to_take(app: &App, variant: &Variant) -> bool {
    app.repository.assessment.as_ref().is_some_and(|assessment| assessment.recommends(&variant.id))
}

fn state(brush: &Brush, variant: &Variant) -> Cell<'static> {
    let app = brush.app;
    let job = app.repository.job_of(variant, &app.board).filter(|job| job.state != JobState::Completed || !is_gone(app, &job.plan.repo));
    let (state, role) = job.map_or((String::new(), Role::Dim), |job| jobs::state(brush, job.state));
    Cell::left(11, state, role)
}

/// Whether a repository is known not to be on the disk any more.
fn is_gone(app: &App, repo: &RepoRef) -> bool {
    app.cache.is_loaded() && app.cache.held(repo.kind, &repo.id).is_none()
}
