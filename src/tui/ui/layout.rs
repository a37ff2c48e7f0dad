//! Which part of the screen belongs to what.

use ratatui::layout::{Constraint, Layout, Rect};

use super::text::columns;
use super::{job_strip, message};
use crate::tui::app::{App, Pane};

/// The parts of the screen; one without room is empty.
pub(super) struct Parts {
    pub(super) tabs: Rect,
    pub(super) panes: Vec<(Pane, Rect)>,
    pub(super) strip: Rect,
    pub(super) message: Rect,
    pub(super) status: Rect,
    pub(super) hints: Rect,
}

/// Columns and rows from which several panes stand side by side.
const WIDE: (u16, u16) = (120, 24);

/// Divides the screen.
pub(super) fn split(app: &App, area: Rect) -> Parts {
    let wide = area.width >= WIDE.0 && area.height >= WIDE.1;
    let strip = if wide { 0 } else { job_strip::rows(app, area.height) };
    let message = message::rows(app, area.width).min(area.height / 4);
    let [top, bottom] = [u16::from(area.height >= 8), u16::from(area.height >= 7)];
    let [tabs, body, strip, message, status, hints] = Layout::vertical([
        Constraint::Length(top),
        Constraint::Fill(1),
        Constraint::Length(strip),
        Constraint::Length(message),
        Constraint::Length(1),
        Constraint::Length(bottom),
    ])
    .areas(area);
    let panes = if wide { side_by_side(app, body) } else { vec![(app.focus, body)] };
    Parts { tabs, panes, strip, message, status, hints }
}

/// Search beside the repository, or the cache; the jobs below.
fn side_by_side(app: &App, body: Rect) -> Vec<(Pane, Rect)> {
    let wanted = columns(app.board.jobs.len()).saturating_mul(2) + 2;
    let jobs = wanted.clamp(5, (body.height / 3).max(5));
    let [above, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(jobs)]).areas(body);
    if app.focus == Pane::Cache {
        return vec![(Pane::Cache, above), (Pane::Jobs, below)];
    }
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(above);
    vec![(Pane::Search, left), (Pane::Repository, right), (Pane::Jobs, below)]
}
