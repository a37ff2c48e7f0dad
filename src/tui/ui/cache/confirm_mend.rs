//! Mend what can be mended?

use std::path::Path;

use ratatui::layout::Rect;

use crate::desk::Finding;
use crate::tui::app::{Findings, counted};
use crate::tui::ui::paint::{Brush, Cell};
use crate::tui::ui::roles::Role;
use crate::tui::ui::sheet::{self, Answer, Fact, Part, Sheet};
use crate::tui::ui::text::wrap;

/// How many findings are listed in full: wrapping all of very many would slow each key down.
const IN_FULL: usize = 200;

const ANSWERS: [Answer; 2] = [
    Answer { key: "y", role: Role::DialogDanger, does: "mend them", word: "mend" },
    Answer { key: "Esc", role: Role::Key, does: "leave everything", word: "leave" },
];

pub(in crate::tui::ui) fn draw(brush: &mut Brush, screen: Rect, findings: &Findings, scroll: usize) {
    let mended = counted(findings.mendable(), "finding is", "findings are");
    let sheet = Sheet {
        title: "Mend",
        border: Role::DialogDanger,
        head: "Mend what can be mended? This is done:".to_owned(),
        decides: format!("{mended} mended"),
        facts: stays(findings).into_iter().collect(),
        list: list(&brush.app.cache.tree.listing.root, findings, sheet::room(screen)),
        answers: &ANSWERS,
    };
    sheet::draw(brush, screen, sheet, scroll);
}

/// What only the person can mend.
fn stays(findings: &Findings) -> Option<Fact> {
    let others = findings.list().len() - findings.mendable();
    let text = match others {
        0 => return None,
        1 => "1 finding stays as it is: only you can mend that".to_owned(),
        _ => format!("{others} findings stay as they are: only you can mend those"),
    };
    Some((text, Role::Dim))
}

/// What is mended, and under each how. Of very many the later ones are cut to a line each.
fn list<'a>(root: &'a Path, findings: &'a Findings, width: usize) -> Vec<Part<'a>> {
    let all: Vec<&Finding> = findings.list().iter().filter(|finding| finding.mend.is_some()).collect();
    let (first, rest) = all.split_at(all.len().min(IN_FULL));
    let rest = rest.to_vec();
    let row = move |count: usize| {
        Part::rows(count, move |at: usize, _| {
            let finding = rest.get(at);
            let text = finding
                .map_or_else(String::new, |finding| format!("{}: {}", name(root, finding), finding.mend.as_deref().unwrap_or_default()));
            vec![Cell::fill(text, Role::Text)]
        })
    };
    vec![Part::Lines(first.iter().flat_map(|finding| in_full(root, finding, width)).collect()), row(all.len() - first.len())]
}

fn in_full(root: &Path, finding: &Finding, width: usize) -> Vec<Fact> {
    let how = wrap(finding.mend.as_deref().unwrap_or_default(), width.saturating_sub(2).max(1));
    let how = how.into_iter().map(|line| (format!("  {line}"), Role::Dim));
    sheet::wrapped(&name(root, finding), Role::Text, width).into_iter().chain(how).collect()
}

fn name(root: &Path, finding: &Finding) -> String {
    let below = finding.path.strip_prefix(root).ok().filter(|path| !path.as_os_str().is_empty());
    below.unwrap_or(&finding.path).display().to_string()
}
