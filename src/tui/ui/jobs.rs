//! The jobs pane: the queue, and what there is to know about the job under the cursor.

use ratatui::layout::{Constraint, Layout, Rect};

use super::paint::{Brush, Cell, first_row, line_at, piece, skip_left, skip_top};
use super::roles::Role;
use super::text::duration;
use crate::desk::{self, FileProgress, Job, JobState};
use crate::tui::app::{App, Pane, counted};

/// Rows that one job takes.
const TALL: u16 = 2;

/// Columns of a state's glyph and word.
const STATE: u16 = 11;

/// Columns from which the details stand beside the list instead of below it.
const BESIDE: u16 = 110;

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let live = app.board.live();
    let speed = app.board.bytes_per_second;
    let facts = [(live > 0).then(|| format!("{live} to do")), (speed > 0).then(|| desk::speed(speed)), shared_limit(app)];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    let inside = brush.pane(area, "Jobs", &facts.join(", "), app.focus == Pane::Jobs);
    if app.board.jobs.is_empty() {
        brush.paragraph(inside, "The queue is empty. Open a repository, mark what you want with Space and press d.", Role::Dim);
        return;
    }
    let [list, details] = divide(inside);
    draw_list(brush, list);
    if let Some(job) = app.jobs.current(&app.board) {
        draw_details(brush, details, job);
    }
}

/// The limit that all jobs share, and until when; nothing where there never is one.
fn shared_limit(app: &App) -> Option<String> {
    let limit = app.board.limit;
    let until = limit.until.map(|until| format!(" until {}", until.to_zoned(app.zone.clone()).strftime("%H:%M")));
    match limit.bytes_per_second {
        Some(speed) => Some(format!("limit {}{}", desk::speed(speed), until.unwrap_or_default())),
        None => until.map(|until| format!("no limit{until}")),
    }
}

fn divide(inside: Rect) -> [Rect; 2] {
    if inside.width >= BESIDE {
        return Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).spacing(4).areas(inside);
    }
    let below = if inside.height >= 12 { (inside.height / 3).min(9) } else { 0 };
    Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(inside)
}

fn draw_list(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let jobs = &app.board.jobs;
    let first = first_row(app.jobs.cursor, jobs.len(), usize::from(area.height / TALL).max(1));
    for (y, (at, job)) in (0..area.height).step_by(usize::from(TALL)).zip(jobs.iter().enumerate().skip(first)) {
        let below = skip_top(area, y);
        let rows = Rect { height: below.height.min(TALL), ..below };
        draw_job(brush, rows, job);
        if at == app.jobs.cursor {
            brush.cursor_row(rows, Pane::Jobs);
        }
    }
}

fn draw_job(brush: &mut Brush, area: Rect, job: &Job) {
    let (word, role) = state(brush, job.state);
    let head = line_at(area, 0);
    brush.text(head, &word, role);
    let progress = job.progress;
    let percent = format!("{:.0} %", (progress.ratio() * 100.0).floor());
    let used = brush.line_right(skip_left(head, STATE), &[piece(percent, role)]);
    let title = Rect { width: head.width.saturating_sub(STATE + 2 + used + 1), ..skip_left(head, STATE + 2) };
    brush.row(title, &[Cell::fill(title_of(job), Role::Text)]);
    let below = skip_left(line_at(area, 1), STATE + 2);
    match &job.fault {
        Some(fault) => _ = brush.text(below, &fault.message, if job.state == JobState::Failed { Role::Error } else { Role::Warning }),
        None => draw_progress(brush, below, job),
    }
}

/// What a job carries: `owner/name  Q4_K_M`.
fn title_of(job: &Job) -> String {
    format!("{}  {}", job.plan.repo.id, job.plan.title)
}

/// A state as glyph and word, with its colour.
pub(super) fn state(brush: &Brush, state: JobState) -> (String, Role) {
    let glyphs = &brush.theme.glyphs;
    let (glyph, role) = match state {
        JobState::Queued => (glyphs.queued, Role::Queued),
        JobState::Running => (glyphs.running, Role::Running),
        JobState::Paused => (glyphs.paused, Role::Paused),
        JobState::Completed => (glyphs.completed, Role::Completed),
        JobState::Failed => (glyphs.failed, Role::Failed),
        JobState::Cancelled => (glyphs.cancelled, Role::Cancelled),
    };
    (format!("{glyph} {}", state.name()), role)
}

fn draw_progress(brush: &mut Brush, area: Rect, job: &Job) {
    if matches!(job.state, JobState::Completed | JobState::Cancelled) {
        let files = counted(job.progress.files_total, "file", "files");
        brush.text(area, &format!("{}, {files}", desk::bytes(job.progress.bytes_total)), Role::Dim);
        return;
    }
    let (_, role) = state(brush, job.state);
    let mut room = area;
    for cell in facts(job, area.width) {
        let width = cell.width();
        brush.row(skip_left(room, room.width.saturating_sub(width)), &[cell]);
        room.width = room.width.saturating_sub(width + 2);
    }
    brush.bar(room, job.progress.ratio(), if job.state == JobState::Running { Role::BarDone } else { role });
}

/// What stands to the right of the bar, from the right. Every job keeps the same columns, so that bars line up and nothing jumps.
fn facts(job: &Job, width: u16) -> Vec<Cell<'static>> {
    let progress = &job.progress;
    let running = job.state == JobState::Running;
    let when_running = |text: String| if running { text } else { String::new() };
    let left = progress.eta_seconds.map_or_else(|| "-".to_owned(), duration);
    let has_phase = width >= 80;
    let bytes = format!("{} / {}", desk::bytes(progress.bytes_done), desk::bytes(progress.bytes_total));
    let facts = [
        has_phase.then(|| Cell::left(11, when_running(job.phase.name().to_owned()), Role::Dim)),
        (width >= 50).then(|| Cell::right(8, when_running(left), Role::Text)),
        (width >= 38).then(|| Cell::right(11, when_running(speed(job, has_phase)), Role::Number)),
        (width >= 24).then(|| Cell::right(21, bytes, Role::Text)),
    ];
    facts.into_iter().flatten().collect()
}

/// How fast a job is. One that does not move says what it does instead, unless that stands beside it.
pub(super) fn speed(job: &Job, has_phase: bool) -> String {
    match job.progress.bytes_per_second {
        0 if has_phase => "-".to_owned(),
        0 => job.phase.name().to_owned(),
        speed => desk::speed(speed),
    }
}

/// The fault in full, or the files in flight.
fn draw_details(brush: &mut Brush, area: Rect, job: &Job) {
    let files = format!("{} of {} in place", job.progress.files_done, counted(job.progress.files_total, "file", "files"));
    brush.row(line_at(area, 0), &[Cell::fill(files, Role::Text), Cell::right(12, job.id.to_string(), Role::Dim)]);
    let mut rest = skip_top(area, 1);
    if let Some(dir) = &job.plan.local_dir {
        brush.row(line_at(rest, 0), &[Cell::fill(format!("into {}", dir.display()), Role::Dim)]);
        rest = skip_top(rest, 1);
    }
    if let Some(limit) = job.limit {
        brush.row(line_at(rest, 0), &[Cell::fill(format!("limited to {}", desk::speed(limit)), Role::Dim)]);
        rest = skip_top(rest, 1);
    }
    if let Some(fault) = &job.fault {
        let role = if job.state == JobState::Failed { Role::Error } else { Role::Warning };
        rest = skip_top(rest, brush.paragraph(rest, &fault.message, role));
        let hint = fault.hint.as_deref().unwrap_or("r tries again; bytes on the disk are kept");
        rest = skip_top(rest, brush.paragraph(rest, hint, Role::Text));
    }
    for file in &job.active {
        brush.row(line_at(rest, 0), &file_cells(file, rest.width));
        rest = skip_top(rest, 1);
        if let Some(remark) = &file.remark {
            rest = skip_top(rest, brush.paragraph(skip_left(rest, 2), remark, Role::Warning));
        }
    }
}

fn file_cells(file: &FileProgress, width: u16) -> Vec<Cell<'_>> {
    let cells = [
        Some(Cell::fill(file.path.as_str(), Role::Text)),
        (width >= 60).then(|| Cell::right(21, format!("{} / {}", desk::bytes(file.done), desk::bytes(file.size)), Role::Number)),
        Some(Cell::left(11, file.phase.name(), Role::Dim)),
    ];
    cells.into_iter().flatten().collect()
}
