//! The foot of the cache: what deleting the marks would do, else what could be freed easily.

use ratatui::layout::Rect;

use crate::desk::{self, DeletionPlan};
use crate::tui::app::{CachePane, Easy, counted};
use crate::tui::ui::paint::{Brush, Piece, line_at, piece};
use crate::tui::ui::roles::Role;

/// The lines at the foot, each of pieces.
pub(super) fn lines(brush: &Brush) -> Vec<Vec<Piece<'static>>> {
    let cache = &brush.app.cache;
    let mut lines = Vec::new();
    if let Some(first) = cache.tree.listing.warnings.first() {
        let warnings = counted(cache.tree.listing.warnings.len(), "warning", "warnings");
        lines.push(vec![piece(format!("{warnings}: {first}"), Role::Warning)]);
    }
    if !cache.marks.is_empty() {
        lines.push(of_marks(brush, cache));
    } else if cache.planning.asked {
        lines.push(vec![piece("planning the deletion", Role::Dim)]);
    } else if let Some(easy) = of_easy(brush, cache.easy) {
        lines.push(easy);
    }
    lines
}

pub(super) fn draw(brush: &mut Brush, area: Rect, lines: &[Vec<Piece>]) {
    let below = lines.len().saturating_sub(usize::from(area.height));
    for (y, line) in (0..area.height).zip(lines.iter().skip(below)) {
        brush.line(line_at(area, y), line);
    }
}

fn of_marks(brush: &Brush, cache: &CachePane) -> Vec<Piece<'static>> {
    let marked = piece(format!("{} marked: ", cache.marks.len()), Role::Mark);
    match &cache.planning.answer {
        None => vec![marked, piece("counting what comes free", Role::Dim)],
        Some(Err(fault)) => {
            let hint = fault.hint.as_ref().map_or_else(String::new, |hint| format!(": {hint}"));
            vec![marked, piece(format!("{}{hint}", fault.message), Role::Warning)]
        }
        Some(Ok(plan)) => {
            let frees = piece(format!("{} come free", desk::bytes(plan.frees)), Role::Strong);
            vec![marked, frees, piece(rest(brush, plan), Role::Text)]
        }
    }
}

fn rest(brush: &Brush, plan: &DeletionPlan) -> String {
    let keeps = match plan.keeps {
        0 => String::new(),
        keeps => format!(", {} stay because others share them", desk::bytes(keeps)),
    };
    let disk = plan.disk_free.map_or_else(String::new, |free| {
        let after = desk::bytes(free.saturating_add(plan.frees));
        format!("; disk {} {} {after} free", desk::bytes(free), brush.theme.glyphs.becomes)
    });
    keeps + &disk
}

/// What could be freed easily, with the keys that mark it.
fn of_easy(brush: &Brush, easy: Easy) -> Option<Vec<Piece<'static>>> {
    let parts = [("d", easy.detached, "detached"), ("i", easy.unfinished, "unfinished"), ("b", easy.payloads, "unused payloads")];
    let mut line = Vec::new();
    for (key, bytes, name) in parts.into_iter().filter(|(_, bytes, _)| *bytes > 0) {
        line.push(if line.is_empty() { piece("easy to free: ", Role::Dim) } else { brush.separator() });
        line.extend([piece(key, Role::Key), piece(format!(" {} {name}", desk::bytes(bytes)), Role::Text)]);
    }
    (!line.is_empty()).then_some(line)
}
