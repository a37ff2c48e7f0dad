//! Delete this?

use std::path::Path;

use ratatui::layout::Rect;

use crate::desk::{self, DeletionPlan, DeletionTarget, RepoKey};
use crate::tui::app::{CachePane, counted, titled};
use crate::tui::ui::dialog::{draw_more, frame};
use crate::tui::ui::paint::{Brush, Cell, line_at, piece, skip_top};
use crate::tui::ui::roles::Role;
use crate::tui::ui::text::{columns, wrap};

/// Columns of the dialog, where there are that many.
const WIDTH: u16 = 86;

/// The most paths that a dialog grows for.
const PATHS: usize = 12;

pub(in crate::tui::ui) fn draw(brush: &mut Brush, screen: Rect, plan: &DeletionPlan, scroll: usize) {
    let room = usize::from(WIDTH.min(screen.width).saturating_sub(4)).max(1);
    let facts = wrapped(facts(&brush.app.cache, plan, brush.theme.glyphs.becomes), room);
    let paths = plan.paths.len() + plan.payloads.len();
    let wanted = columns(paths.min(PATHS) + facts.len() + 7);
    let inside = frame(brush, screen, (WIDTH, wanted), "Delete", Role::DialogDanger);
    brush.row(line_at(inside, 0), &[Cell::fill(format!("Delete {} from {}?", titled(&plan.targets), plan.root.display()), Role::Strong)]);
    // The answer and the facts keep their place; the paths take what is left.
    let below = columns(facts.len()) + 2;
    let head = u16::from(inside.height > below + 3);
    let list = Rect { height: inside.height.saturating_sub(below + 2 + head), ..skip_top(inside, 1 + head) };
    draw_paths(brush, list, plan, scroll);
    let facts_at = skip_top(inside, inside.height.saturating_sub(below));
    for (y, (text, role)) in (0..facts_at.height).zip(&facts) {
        brush.text(line_at(facts_at, y), text, *role);
    }
    let has_trash = brush.app.cache.has_trash();
    draw_answer(brush, line_at(inside, inside.height.saturating_sub(1)), has_trash);
}

fn draw_paths(brush: &mut Brush, area: Rect, plan: &DeletionPlan, scroll: usize) {
    let (rows, paths) = (usize::from(area.height), plan.paths.len() + plan.payloads.len());
    let first = scroll.min(paths.saturating_sub(rows));
    for (y, path) in (0..area.height).zip(plan.paths.iter().chain(&plan.payloads).skip(first)) {
        brush.row(line_at(area, y), &[Cell::fill(below_root(plan, path), Role::Text)]);
    }
    draw_more(brush, area, paths.saturating_sub(first + rows));
}

fn below_root(plan: &DeletionPlan, path: &Path) -> String {
    path.strip_prefix(&plan.root).unwrap_or(path).display().to_string()
}

/// What the deletion comes to, the most important first.
fn facts(cache: &CachePane, plan: &DeletionPlan, becomes: &str) -> Vec<(String, Role)> {
    let keeps = if plan.keeps == 0 { String::new() } else { format!("; {} stay, as others share them", desk::bytes(plan.keeps)) };
    let mut facts = vec![(format!("{} come free{keeps}", desk::bytes(plan.frees)), Role::Strong)];
    if plan.unused > 0 {
        facts
            .push((format!("of that {} no snapshot uses: unfinished downloads and blobs left over", desk::bytes(plan.unused)), Role::Text));
    }
    facts.extend(whole(plan).map(|whole| (whole, Role::Warning)));
    if let Some(free) = plan.disk_free {
        let after = desk::bytes(free.saturating_add(plan.frees));
        facts.push((format!("disk: {} free now {becomes} {after} after", desk::bytes(free)), Role::Text));
    }
    facts.extend(open_files(plan).map(|open| (open, Role::Warning)));
    facts.extend(spoils(cache, plan).map(|spoils| (spoils, Role::Warning)));
    facts.push((later(cache), Role::Dim));
    facts
}

/// Facts on as many lines as they need: what is lost is not cut.
fn wrapped(facts: Vec<(String, Role)>, room: usize) -> Vec<(String, Role)> {
    facts.into_iter().flat_map(|(text, role)| wrap(&text, room).into_iter().map(move |line| (line, role))).collect()
}

/// The repositories that go whole without having been named.
fn whole(plan: &DeletionPlan) -> Option<String> {
    let named = |key: &RepoKey| plan.targets.iter().any(|target| matches!(target, DeletionTarget::Repo(repo) if repo == key));
    let along: Vec<String> = plan.repos.iter().filter(|key| !named(key)).map(ToString::to_string).collect();
    let first = along.first()?;
    let more = if along.len() > 1 { format!(" and {} more", along.len() - 1) } else { String::new() };
    Some(format!("nothing is left of {first}{more}: it goes whole"))
}

/// What could be taken back until now.
fn spoils(cache: &CachePane, plan: &DeletionPlan) -> Option<String> {
    let deletions = counted(plan.spoils.len(), "deletion", "deletions");
    let mended = if cache.has_trash() { "; with t, only after this one" } else { "" };
    (!plan.spoils.is_empty()).then(|| format!("{deletions} in the trash could not be undone any more{mended}"))
}

fn open_files(plan: &DeletionPlan) -> Option<String> {
    let first = plan.open_files.first()?;
    let more = counted(plan.open_files.len(), "file is", "files are");
    Some(format!("{more} open in {} ({}): the bytes come free when it closes them", first.program, first.pid))
}

/// What becomes of the bytes in the trash.
fn later(cache: &CachePane) -> String {
    if !cache.has_trash() {
        return "the trash is switched off (trash_days is 0): this cannot be taken back".to_owned();
    }
    let days = usize::try_from(cache.tree.listing.trash_kept.as_secs() / 86_400).unwrap_or(usize::MAX);
    format!("in the trash bytes come free when it is emptied, or after {}; u takes it back", counted(days, "day", "days"))
}

fn draw_answer(brush: &mut Brush, line: Rect, has_trash: bool) {
    let mut answer = vec![piece("y", Role::DialogDanger), piece(" delete for good   ", Role::Text)];
    if has_trash {
        answer.extend([piece("t", Role::Key), piece(" to the trash   ", Role::Text)]);
    }
    answer.extend([piece("Esc", Role::Key), piece(" keep everything", Role::Text)]);
    brush.line(line, &answer);
}
