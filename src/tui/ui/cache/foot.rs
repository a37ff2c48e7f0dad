//! The foot of the cache: what deleting the marks would do, else what could be freed easily.

use ratatui::layout::Rect;

use crate::desk::{self, DeletionPlan};
use crate::tui::app::{CachePane, Easy, counted};
use crate::tui::ui::paint::{Brush, Piece, flow, line_at, piece};
use crate::tui::ui::roles::Role;
use crate::tui::ui::text::wrap;

/// A line of pieces.
type Line = Vec<Piece<'static>>;

/// The lines at the foot, none wider than the room where that can be.
pub(super) fn lines(brush: &Brush, room: usize) -> Vec<Line> {
    let cache = &brush.app.cache;
    let mut lines = Vec::new();
    if let Some(first) = cache.tree.listing.warnings.first() {
        let warnings = counted(cache.tree.listing.warnings.len(), "warning", "warnings");
        lines.push(vec![piece(format!("{warnings}: {first}"), Role::Warning)]);
    }
    if !cache.marks.is_empty() {
        lines.extend(of_marks(brush, cache, room));
    } else if cache.planning.asked {
        lines.push(vec![piece("planning the deletion", Role::Dim)]);
    } else {
        lines.extend(flow(of_easy(cache.easy), &brush.separator(), room));
    }
    lines
}

pub(super) fn draw(brush: &mut Brush, area: Rect, lines: &[Vec<Piece>]) {
    let below = lines.len().saturating_sub(usize::from(area.height));
    for (y, line) in (0..area.height).zip(lines.iter().skip(below)) {
        brush.line(line_at(area, y), line);
    }
}

fn of_marks(brush: &Brush, cache: &CachePane, room: usize) -> Vec<Line> {
    let count = format!("{} marked{}: ", cache.marks.len(), hidden(cache.hidden_marks(brush.app.now)));
    match &cache.planning.answer {
        None => vec![vec![piece(count, Role::Mark), piece("counting what comes free", Role::Dim)]],
        Some(Err(fault)) => {
            let hint = fault.hint.as_ref().map_or_else(String::new, |hint| format!(": {hint}"));
            let lines = wrap(&format!("{count}{}{hint}; Esc unmarks", fault.message), room).into_iter();
            lines.map(|line| vec![piece(line, Role::Warning)]).collect()
        }
        Some(Ok(plan)) => {
            let frees = vec![piece(count, Role::Mark), piece(format!("{} come free", desk::bytes(plan.frees)), Role::Strong)];
            let rest = rest(plan, brush.theme.glyphs.becomes).into_iter().map(|part| vec![piece(part, Role::Text)]);
            flow(std::iter::once(frees).chain(rest).collect(), &piece("; ", Role::Text), room)
        }
    }
}

/// What stays, and the disk as it is and as it will be.
fn rest(plan: &DeletionPlan, becomes: &str) -> Vec<String> {
    let keeps = (plan.keeps > 0).then(|| format!("{} stay because others share them", desk::bytes(plan.keeps)));
    let elsewhere = (plan.elsewhere > 0).then(|| format!("of it {} on another disk", desk::bytes(plan.elsewhere)));
    let disk = plan.disk_free.zip(plan.disk_after());
    let disk = disk.map(|(free, after)| format!("disk {} {becomes} {} free", desk::bytes(free), desk::bytes(after)));
    elsewhere.into_iter().chain(keeps).chain(disk).collect()
}

/// How many of the marks do not show.
fn hidden(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", {count} of them hidden by the filter") }
}

/// What could be freed easily, with the keys that mark it.
fn of_easy(easy: Easy) -> Vec<Line> {
    let parts =
        [("d", easy.detached, "of detached revisions"), ("i", easy.unfinished, "unfinished"), ("b", easy.payloads, "unused payloads")];
    let parts = parts.into_iter().filter(|(_, bytes, _)| *bytes > 0);
    let line = |(at, (key, bytes, name)): (usize, (&'static str, u64, &str))| {
        let head = if at == 0 { "easy to free: " } else { "" };
        vec![piece(head, Role::Dim), piece(key, Role::Key), piece(format!(" {} {name}", desk::bytes(bytes)), Role::Text)]
    };
    parts.enumerate().map(line).collect()
}
