//! Give this job up?

use ratatui::layout::Rect;

use super::dialog::frame;
use super::paint::{Brush, line_at, piece, skip_top};
use super::roles::Role;
use crate::desk::{self, JobId};

pub(super) fn draw(brush: &mut Brush, screen: Rect, id: &JobId, title: &str) {
    let inside = frame(brush, screen, (66, 9), "Cancel", Role::DialogDanger);
    let used = brush.paragraph(inside, &format!("Give up {title}?"), Role::Strong);
    let done = brush.app.board.job(id).map_or(0, |job| job.progress.bytes_done);
    let loss = format!(
        "{} on the disk are thrown away unless other repositories use them. To keep them, pause the job instead.",
        desk::bytes(done)
    );
    brush.paragraph(skip_top(inside, used + 1), &loss, Role::Text);
    let answer =
        [piece("y", Role::DialogDanger), piece(" give it up   ", Role::Text), piece("Esc", Role::Key), piece(" keep it", Role::Text)];
    brush.line(line_at(inside, inside.height.saturating_sub(1)), &answer);
}
