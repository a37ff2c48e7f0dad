//! Delete this?

use std::path::PathBuf;

use ratatui::layout::Rect;

use super::dialog::{draw_more, frame};
use super::paint::{Brush, Cell, line_at, piece, skip_top};
use super::roles::Role;
use super::text::columns;
use crate::desk::{self, DeletionPlan};
use crate::tui::app::counted;

/// Lines of facts above and below the paths, and the dialog's border.
const AROUND: usize = 9;

pub(super) fn draw(brush: &mut Brush, screen: Rect, plan: &DeletionPlan, scroll: usize) {
    let below_root = |path: &PathBuf| path.strip_prefix(&plan.root).unwrap_or(path).display().to_string();
    let paths: Vec<String> = plan.paths.iter().chain(&plan.payloads).map(below_root).collect();
    let inside = frame(brush, screen, (86, columns(paths.len().min(12) + AROUND)), "Delete", Role::DialogDanger);
    let repos = counted(plan.repos.len(), "repository", "repositories");
    brush.row(line_at(inside, 0), &[Cell::fill(format!("Delete {repos} from {}?", plan.root.display()), Role::Strong)]);
    let list = Rect { height: inside.height.saturating_sub(7), ..skip_top(inside, 2) };
    let first = scroll.min(paths.len().saturating_sub(usize::from(list.height)));
    for (y, path) in (0..list.height).zip(paths.iter().skip(first)) {
        brush.row(line_at(list, y), &[Cell::fill(path.as_str(), Role::Text)]);
    }
    draw_more(brush, list, paths.len().saturating_sub(first + usize::from(list.height)));
    let below = skip_top(inside, inside.height.saturating_sub(4));
    draw_facts(brush, below, plan);
    let answer =
        [piece("y", Role::DialogDanger), piece(" delete   ", Role::Text), piece("Esc", Role::Key), piece(" keep everything", Role::Text)];
    brush.line(line_at(inside, inside.height.saturating_sub(1)), &answer);
}

fn draw_facts(brush: &mut Brush, area: Rect, plan: &DeletionPlan) {
    let frees = [piece(format!("{} come free", desk::bytes(plan.frees)), Role::Strong), piece(kept(plan), Role::Text)];
    brush.line(line_at(area, 0), &frees);
    if let Some(free) = plan.disk_free {
        let after = desk::bytes(free.saturating_add(plan.frees));
        brush.text(line_at(area, 1), &format!("disk: {} free now, {after} after", desk::bytes(free)), Role::Text);
    }
}

fn kept(plan: &DeletionPlan) -> String {
    if plan.keeps == 0 { String::new() } else { format!("; {} stay, as other repositories share them", desk::bytes(plan.keeps)) }
}
