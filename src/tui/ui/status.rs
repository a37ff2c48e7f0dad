//! The status line: which Hub, and how the disk and the transfers stand.

use ratatui::layout::Rect;

use super::paint::{Brush, Piece, line_at, piece, skip_left};
use super::roles::Role;
use crate::desk::{self, Board, JobState};
use crate::tui::app::App;

/// Free space below which the disk is shown as a warning, in bytes.
const LOW: u64 = 5 << 30;

pub(super) fn draw(brush: &mut Brush, area: Rect) {
    let app = brush.app;
    let area = skip_left(area, 1);
    let right = right(brush);
    let used = brush.line_right(area, &right);
    let area = Rect { width: area.width.saturating_sub(used + 1), ..area };
    if app.closing {
        brush.line(area, &[piece("saving the queue; Ctrl-C quits at once", Role::Warning)]);
        return;
    }
    let mut left = vec![piece(host(&app.about.endpoint), Role::Text), brush.separator(), token(app)];
    if app.about.attached {
        left.extend([brush.separator(), piece("attached", Role::Badge)]);
    }
    if app.about.offline {
        left.extend([piece("  ", Role::Text), piece(" offline ", Role::Offline)]);
    }
    brush.line(area, &left);
}

/// The whole screen of a terminal too small for more.
pub(super) fn draw_tiny(brush: &mut Brush, area: Rect) {
    let board = &brush.app.board;
    let running = board.jobs.iter().find(|job| job.state == JobState::Running);
    let text = match running {
        Some(job) => format!("{:.0}% {}", job.progress.ratio() * 100.0, desk::speed(board.bytes_per_second)),
        None => "hfdesk".to_owned(),
    };
    brush.text(line_at(area, 0), &text, Role::Text);
}

fn token(app: &App) -> Piece<'static> {
    piece(if app.about.has_token { "token" } else { "no token" }, Role::Badge)
}

fn right(brush: &Brush) -> Vec<Piece<'static>> {
    let board = &brush.app.board;
    let groups = [failed(board), speed(board), disk(board)];
    let mut pieces = Vec::new();
    for group in groups.into_iter().flatten() {
        if !pieces.is_empty() {
            pieces.push(brush.separator());
        }
        pieces.push(group);
    }
    pieces.push(piece(" ", Role::Text));
    pieces
}

fn failed(board: &Board) -> Option<Piece<'static>> {
    let count = board.jobs.iter().filter(|job| job.state == JobState::Failed).count();
    (count > 0).then(|| piece(format!("{count} failed"), Role::Failed))
}

fn speed(board: &Board) -> Option<Piece<'static>> {
    (board.bytes_per_second > 0).then(|| piece(desk::speed(board.bytes_per_second), Role::Running))
}

fn disk(board: &Board) -> Option<Piece<'static>> {
    let disk = board.disk?;
    let role = if disk.free.saturating_sub(disk.promised) < LOW { Role::Warning } else { Role::Badge };
    Some(piece(format!("{} free", desk::bytes(disk.free)), role))
}

/// The host and port of a base URL.
fn host(endpoint: &str) -> String {
    endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest).to_owned()
}
