//! One row of the tree.

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::desk::{self, CacheListing, CachedRevision, Leftover, TrashEntry};
use crate::tui::app::{CachePane, Marked, Row, Section, Subject, leftover_title, titled};
use crate::tui::ui::paint::{Brush, Cell};
use crate::tui::ui::roles::Role;
use crate::tui::ui::text::age_of;

/// Columns of the bar that shows a share.
const BAR: u16 = 10;

/// Columns from which the bar shows.
const BAR_FROM: u16 = 96;

/// Columns from which the number of revisions shows; names come first.
const REVISIONS_FROM: u16 = 84;

/// What a row says in its columns.
struct Facts {
    name: String,
    size: Option<u64>,
    files: Option<usize>,
    revisions: Option<usize>,
    used: Option<Timestamp>,
    role: Role,
}

/// The names of the columns.
pub(super) fn head(width: u16) -> Vec<Cell<'static>> {
    let names = ["size", "files", "revs", "used"].map(str::to_owned);
    layout(width, Cell::left(1, "", Role::Column), Cell::fill("name", Role::Column), names, [Role::Column; 2])
}

pub(super) fn draw(brush: &mut Brush, line: Rect, row: Row) {
    let cache = &brush.app.cache;
    let Some(subject) = cache.tree.subject(row.node) else { return };
    let facts = facts(&cache.tree.listing, subject);
    let (mark, role) = mark(brush, subject);
    let name = named(brush, row, subject, &facts.name);
    let number = |number: Option<usize>| number.map_or_else(String::new, |number| number.to_string());
    let used = if facts.used.is_some() { age_of(brush.app.now, facts.used) } else { String::new() };
    let texts = [facts.size.map_or_else(String::new, desk::bytes), number(facts.files), number(facts.revisions), used];
    let marked = matches!(cache.marked(subject), Marked::Yes);
    let name = Cell::fill(name, if marked { Role::Mark } else { facts.role });
    let sizes = if facts.role == Role::Dim { Role::Dim } else { Role::Number };
    brush.row(line, &layout(line.width, Cell::left(1, mark, role), name, texts, [sizes, Role::Dim]));
    if let (Some(size), Some(bar)) = (facts.size, bar(line)) {
        draw_share(brush, bar, size, whole(cache, subject));
    }
}

/// The share of the whole that a row is, as a bar.
fn draw_share(brush: &mut Brush, area: Rect, size: u64, whole: u64) {
    if whole > 0 {
        brush.bar(area, size as f64 / whole as f64, Role::BarDone);
    }
}

/// Bytes of the whole that a row is a part of: of the cache for a repository, of the repository for what is in it.
fn whole(cache: &CachePane, subject: Subject) -> u64 {
    match subject {
        Subject::Repo(_) => cache.tree.listing.size,
        Subject::Revision(repo, _) | Subject::Leftover(repo, _) => repo.size,
        Subject::Variant(contents, ..) | Subject::File(contents, ..) => contents.repo.size,
        Subject::Other(store, _) => store.size,
        _ => 0,
    }
}

/// Where the bar stands: left of the size.
fn bar(line: Rect) -> Option<Rect> {
    let right: u16 = cells_after_bar(line.width).iter().map(|width| width + 2).sum();
    let x = line.right().checked_sub(right + BAR)?;
    (line.width >= BAR_FROM).then_some(Rect { x, width: BAR, ..line })
}

/// The widths of the columns right of the bar.
fn cells_after_bar(width: u16) -> Vec<u16> {
    let columns = [Some(10), (width >= 56).then_some(6), (width >= REVISIONS_FROM).then_some(5), (width >= 44).then_some(6)];
    columns.into_iter().flatten().collect()
}

fn layout<'a>(width: u16, mark: Cell<'a>, name: Cell<'a>, texts: [String; 4], roles: [Role; 2]) -> Vec<Cell<'a>> {
    let [size, files, revisions, used] = texts;
    let [first, rest] = roles;
    let cells = [
        Some(mark),
        Some(name),
        (width >= BAR_FROM).then(|| Cell::left(BAR, "", rest)),
        Some(Cell::right(10, size, first)),
        (width >= 56).then(|| Cell::right(6, files, rest)),
        (width >= REVISIONS_FROM).then(|| Cell::right(5, revisions, rest)),
        (width >= 44).then(|| Cell::right(6, used, rest)),
    ];
    cells.into_iter().flatten().collect()
}

fn mark(brush: &Brush, subject: Subject) -> (&'static str, Role) {
    let glyphs = brush.theme.glyphs;
    let can = matches!(
        subject,
        Subject::Repo(_) | Subject::Revision(..) | Subject::Variant(..) | Subject::File(..) | Subject::Leftover(..) | Subject::Payload(_)
    );
    let pinned = subject.repo().is_some_and(|repo| brush.app.cache.is_pinned(&repo.key));
    match brush.app.cache.marked(subject) {
        Marked::Yes => (glyphs.marked, Role::Mark),
        Marked::Partly => (glyphs.partly, Role::Mark),
        Marked::No if pinned && matches!(subject, Subject::Repo(_)) => (glyphs.pinned, Role::Take),
        Marked::No if can && !pinned => (glyphs.unmarked, Role::Dim),
        Marked::No => ("", Role::Dim),
    }
}

/// A name under what it lies in, with a sign that tells whether it is open.
fn named(brush: &Brush, row: Row, subject: Subject, name: &str) -> String {
    let glyphs = brush.theme.glyphs;
    let open = subject.can_open() && brush.app.cache.tree.open.contains(&subject.id());
    let sign = match subject.can_open() {
        true if open => glyphs.open,
        true => glyphs.closed,
        false => " ",
    };
    let moved = match subject {
        Subject::Repo(repo) if repo.lies_in.is_some() => format!(" {}", glyphs.moved),
        _ => String::new(),
    };
    format!("{}{sign} {name}{moved}", "  ".repeat(usize::from(row.depth)))
}

fn facts(listing: &CacheListing, subject: Subject) -> Facts {
    let plain = |name: String, size: u64| Facts { name, size: Some(size), files: None, revisions: None, used: None, role: Role::Text };
    match subject {
        Subject::Repo(repo) => Facts {
            files: Some(repo.files),
            revisions: Some(repo.revisions.len()),
            used: repo.last_accessed,
            ..plain(repo.key.to_string(), repo.size)
        },
        Subject::Revision(_, revision) => Facts { files: Some(revision.files), ..plain(of_revision(revision), revision.size) },
        Subject::Variant(contents, _, variant) => {
            let blobs = variant.files.iter().filter_map(|file| contents.blobs.get(file.blob?));
            let used = blobs.filter_map(|blob| blob.last_accessed).max();
            Facts { files: Some(variant.files.len()), used, ..plain(variant.title(), variant.size) }
        }
        Subject::File(_, _, _, file) => {
            let blob = subject.blob();
            Facts { size: blob.map(|blob| blob.size), used: blob.and_then(|blob| blob.last_accessed), ..plain(file.path.clone(), 0) }
        }
        Subject::Leftover(_, leftover) => {
            Facts { used: leftover.last_modified, role: Role::Warning, ..plain(of_leftover(leftover), leftover.on_disk) }
        }
        Subject::Reading(_, None) => Facts { size: None, role: Role::Dim, ..plain("reading".to_owned(), 0) },
        Subject::Reading(_, Some(fault)) => Facts { size: None, role: Role::Error, ..plain(fault.message.clone(), 0) },
        Subject::Payload(payload) => plain(payload.hash.clone(), payload.size),
        Subject::Trashed(entry) => Facts { used: Some(entry.deleted_at), ..plain(of_deletion(entry), entry.frees) },
        Subject::Section(section) => {
            let (entries, size) = sum(listing, section);
            Facts { files: Some(entries), role: Role::Strong, ..plain(of_section(section).to_owned(), size) }
        }
        Subject::Store(store) => {
            let name = format!("{}  {}", store.keeper.title(), store.root.display());
            Facts { files: Some(store.models.iter().map(|model| model.files).sum()), role: Role::Dim, ..plain(name, store.size) }
        }
        Subject::Other(_, model) => {
            Facts { files: Some(model.files), used: model.last_accessed, role: Role::Dim, ..plain(model.name.clone(), model.size) }
        }
    }
}

fn of_revision(revision: &CachedRevision) -> String {
    let commit: String = revision.commit.chars().take(12).collect();
    if revision.is_detached() { format!("{commit}  detached: no branch or tag") } else { format!("{commit}  {}", revision.refs.join(", ")) }
}

fn of_leftover(leftover: &Leftover) -> String {
    let short: String = leftover.name.chars().take(12).collect();
    format!("{} {short}", leftover_title(leftover.kind))
}

/// What a deletion in the trash was.
pub(super) fn of_deletion(entry: &TrashEntry) -> String {
    match &entry.targets[..] {
        [only] => only.to_string(),
        all => titled(all),
    }
}

/// How many entries a section has, and their bytes.
fn sum(listing: &CacheListing, section: Section) -> (usize, u64) {
    match section {
        Section::Payloads => (listing.orphans.len(), listing.orphans.iter().map(|payload| payload.size).sum()),
        Section::Trash => (listing.trash.len(), listing.trash.iter().map(|entry| entry.frees).sum()),
        Section::Others => {
            (listing.others.iter().map(|store| store.models.len()).sum(), listing.others.iter().map(|store| store.size).sum())
        }
    }
}

fn of_section(section: Section) -> &'static str {
    match section {
        Section::Payloads => "Unused shared payloads",
        Section::Trash => "Trash",
        Section::Others => "Other programs (shown only)",
    }
}
