//! The foot of the cache: what deleting the marks would do, else what could be freed easily.

use ratatui::layout::Rect;

use crate::desk::{self, DeletionPlan};
use crate::tui::app::{CachePane, Easy, counted};
use crate::tui::ui::paint::{Brush, Piece, flow, line_at, piece};
use crate::tui::ui::roles::Role;
use crate::tui::ui::text::wrap;

/// A line of pieces.
type Line = Vec<Piece<'static>>;

/// What stands at the foot, no line wider than the room where that can be.
pub(super) struct Foot {
    warning: Option<Line>,
    lines: Vec<Line>,
}

impl Foot {
    pub(super) fn new(brush: &Brush, room: usize) -> Self {
        let cache = &brush.app.cache;
        let lines = if !cache.marks.is_empty() {
            of_marks(brush, cache, room)
        } else if cache.planning.asked {
            vec![vec![piece("planning the deletion", Role::Dim)]]
        } else {
            flow(of_easy(cache.easy), &brush.separator(), room)
        };
        Self { warning: warning(cache), lines }
    }

    /// The rows it wants.
    pub(super) fn rows(&self) -> usize {
        usize::from(self.warning.is_some()) + self.lines.len()
    }

    /// Draws it; where there is little room, the warning goes first and then the last lines.
    pub(super) fn draw(&self, brush: &mut Brush, area: Rect) {
        let warning = self.warning.iter().filter(|_| usize::from(area.height) >= self.rows());
        for (y, line) in (0..area.height).zip(warning.chain(&self.lines)) {
            brush.line(line_at(area, y), line);
        }
    }
}

fn warning(cache: &CachePane) -> Option<Line> {
    let warnings = &cache.tree.listing.warnings;
    let first = warnings.first()?;
    Some(vec![piece(format!("{}: {first}", counted(warnings.len(), "warning", "warnings")), Role::Warning)])
}

fn of_marks(brush: &Brush, cache: &CachePane, room: usize) -> Vec<Line> {
    let count = format!("{} marked: ", cache.marks.len());
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
            let unseen = cache.hidden_marks(brush.app.now);
            let unseen = (unseen > 0).then(|| vec![piece(hidden(unseen, cache.marks.len()), Role::Warning)]);
            flow(std::iter::once(frees).chain(unseen).chain(rest).collect(), &piece("; ", Role::Text), room)
        }
    }
}

/// What stays, and the disk as it is and as it will be.
fn rest(plan: &DeletionPlan, becomes: &str) -> Vec<String> {
    let keeps = (plan.keeps > 0).then(|| format!("{} stay because others share them", desk::bytes(plan.keeps)));
    let elsewhere = (plan.elsewhere > 0).then(|| format!("of it {} on another disk", desk::bytes(plan.elsewhere)));
    let disk = plan.disk_free.zip(plan.disk_free_after(plan.frees));
    let disk = disk.map(|(free, after)| format!("disk {} {becomes} {} free", desk::bytes(free), desk::bytes(after)));
    elsewhere.into_iter().chain(keeps).chain(disk).collect()
}

/// How many of the marks the filter hides, in words.
pub(super) fn hidden(count: usize, of: usize) -> String {
    match (count, of) {
        (1, 1) => "what is marked is hidden by the filter".to_owned(),
        (1, _) => format!("1 of the {of} marked is hidden by the filter"),
        _ if count == of => format!("all {of} marked are hidden by the filter"),
        _ => format!("{count} of the {of} marked are hidden by the filter"),
    }
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
