//! Download this?

use ratatui::layout::Rect;

use super::dialog::frame;
use super::paint::{Brush, Cell, line_at, piece, skip_top};
use super::roles::Role;
use super::sheet::{Part, draw_list};
use super::text::columns;
use crate::desk::{self, Plan, PlannedFile};
use crate::tui::app::counted;

/// Lines of facts above and below the files, and the dialog's border.
const AROUND: usize = 13;

pub(super) fn draw(brush: &mut Brush, screen: Rect, plan: &Plan, scroll: usize) {
    let fits = plan.disk_after().is_none_or(|after| after >= 0);
    let border = if fits { Role::DialogBorder } else { Role::DialogDanger };
    let rows = columns(plan.files.len().min(12) + AROUND);
    let inside = frame(brush, screen, (86, rows), "Download", border);
    brush.line(line_at(inside, 0), &[piece(plan.repo.id.as_str(), Role::Strong), piece(format!("  {}", plan.title), Role::Mark)]);
    let facts = facts(brush, plan);
    // The answer and the facts keep their place; the files take what is left.
    let below = columns(facts.len()) + 3;
    let files = Rect { height: inside.height.saturating_sub(below + 2), ..skip_top(inside, 2) };
    draw_files(brush, files, plan, scroll);
    let mut rest = skip_top(inside, inside.height.saturating_sub(below));
    for (name, value, role) in facts {
        rest = skip_top(rest, 1);
        brush.row(line_at(rest, 0), &[Cell::right(12, name, Role::Dim), Cell::fill(value, role)]);
    }
    draw_answer(brush, line_at(inside, inside.height.saturating_sub(1)), fits);
}

fn draw_files(brush: &mut Brush, area: Rect, plan: &Plan, scroll: usize) {
    let row = |at: usize, _| plan.files.get(at).map_or_else(Vec::new, |file| file_cells(file).into());
    draw_list(brush, area, &[Part::rows(plan.files.len(), row)], scroll);
}

fn file_cells(file: &PlannedFile) -> [Cell<'_>; 3] {
    let held = match file.held {
        0 => String::new(),
        held if held >= file.size => "here".to_owned(),
        held => format!("{} here", desk::bytes(held)),
    };
    [
        Cell::fill(file.path.as_str(), Role::Text),
        Cell::right(14, held, Role::Completed),
        Cell::right(10, desk::bytes(file.size), Role::Number),
    ]
}

fn facts(brush: &Brush, plan: &Plan) -> Vec<(&'static str, String, Role)> {
    let fetch = plan.bytes_to_fetch();
    let held: u64 = plan.files.iter().map(|file| file.held.min(file.size)).sum();
    let destination = plan.local_dir.as_ref().unwrap_or(&brush.app.about.cache_dir).display().to_string();
    let files = counted(plan.files.len(), "file", "files");
    let mut facts = vec![
        ("to fetch", format!("{} of {} in {files}", desk::bytes(fetch), desk::bytes(plan.bytes())), Role::Strong),
        ("already here", desk::bytes(held), Role::Text),
        ("left out", plan.left_out(), Role::Text),
        ("into", destination, Role::Text),
    ];
    facts.push(disk(plan));
    let promised = brush.app.board.disk.map_or(0, |disk| disk.promised);
    if promised > 0 {
        facts.push(("queued jobs", format!("need another {} of that", desk::bytes(promised)), Role::Warning));
    }
    facts
}

fn disk(plan: &Plan) -> (&'static str, String, Role) {
    match (plan.disk_free, plan.disk_after()) {
        (Some(free), Some(after)) if after < 0 => {
            ("disk", format!("{} free: {} too little", desk::bytes(free), desk::bytes(after.unsigned_abs())), Role::DialogDanger)
        }
        (Some(free), Some(after)) => {
            ("disk", format!("{} free, {} after", desk::bytes(free), desk::bytes(after.unsigned_abs())), Role::Text)
        }
        _ => ("disk", "free space is not known".to_owned(), Role::Warning),
    }
}

fn draw_answer(brush: &mut Brush, line: Rect, fits: bool) {
    if fits {
        brush.line(
            line,
            &[piece("Enter", Role::Key), piece(" download   ", Role::Text), piece("Esc", Role::Key), piece(" not now", Role::Text)],
        );
    } else {
        let way = " back; free some space first: 4 shows the cache";
        brush.line(line, &[piece("Esc", Role::Key), piece(way, Role::Text)]);
    }
}
