//! The jobs at a glance, below a pane that is not about them.

use ratatui::layout::Rect;

use super::jobs;
use super::paint::{Brush, Cell, line_at, skip_left};
use super::roles::Role;
use super::text::{columns, duration};
use crate::desk::{Job, JobState};
use crate::tui::app::{App, Pane};

/// How many rows the strip needs on a screen of this height.
pub(super) fn rows(app: &App, height: u16) -> u16 {
    let most = if height >= 20 { 3 } else { 1 };
    let wanted = if app.focus == Pane::Jobs { 0 } else { unfinished(app).count() };
    columns(wanted).min(most)
}

/// What runs, and then what waits.
fn unfinished(app: &App) -> impl Iterator<Item = &Job> {
    let of = |states: &'static [JobState]| app.board.jobs.iter().filter(|job| states.contains(&job.state));
    of(&[JobState::Running]).chain(of(&[JobState::Queued, JobState::Paused]))
}

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let inside = Rect { width: area.width.saturating_sub(2), ..skip_left(area, 1) };
    for (y, job) in (0..inside.height).zip(unfinished(app)) {
        draw_job(brush, line_at(inside, y), job);
    }
}

fn draw_job(brush: &mut Brush, line: Rect, job: &Job) {
    let (word, role) = jobs::state(brush, job.state);
    let progress = job.progress;
    let bar = if line.width >= 70 { line.width / 7 } else { 0 };
    let left = progress.eta_seconds.filter(|_| job.state == JobState::Running).map(duration).unwrap_or_default();
    let speed = if job.state == JobState::Running { jobs::speed(job, false) } else { String::new() };
    let optional = [
        (line.width >= 40).then(|| Cell::left(11, word, role)),
        Some(Cell::fill(format!("{}  {}", job.plan.repo.id.name(), job.plan.title), Role::Text)),
        (bar > 0).then(|| Cell::left(bar, "", Role::BarRest)),
        Some(Cell::right(5, format!("{:.0} %", (progress.ratio() * 100.0).floor()), role)),
        (line.width >= 60).then(|| Cell::right(11, speed, Role::Number)),
        (line.width >= 60).then(|| Cell::right(8, left, Role::Dim)),
    ];
    let cells: Vec<Cell> = optional.into_iter().flatten().collect();
    brush.row(line, &cells);
    if bar > 0 {
        // Percent, speed and time stand to the right of the bar, each after a gap of two.
        let x = line.right().saturating_sub(bar + 5 + 11 + 8 + 3 * 2);
        brush.bar(Rect { x, width: bar, ..line }, progress.ratio(), if job.state == JobState::Running { Role::BarDone } else { role });
    }
}
