//! What is known of the row under the cursor.

use std::path::Path;

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::rows::of_deletion;
use super::users;
use crate::desk::{self, CachedBlob, CachedRepo, CachedRevision, Keeper, Leftover, OtherKind, OtherModel, OtherStore, RepoKey, TrashEntry};
use crate::tui::app::{Section, Subject, counted, leftover_title};
use crate::tui::ui::paint::{Brush, Cell, line_at, skip_left, skip_top};
use crate::tui::ui::roles::Role;
use crate::tui::ui::text::{age, wrap};

/// A fact: what it is, and what it says.
pub(super) type Line = (&'static str, String, Role);

/// How many facts come before those that are in the way of deleting it: what it is, and its size.
const HEAD: usize = 2;

/// Columns of a fact's name.
const NAME: u16 = 11;

/// The facts of the row under the cursor.
pub(super) fn lines(brush: &Brush) -> Vec<Line> {
    let cache = &brush.app.cache;
    let Some(subject) = cache.current() else { return Vec::new() };
    let mut lines = match subject {
        Subject::Repo(repo) => of_repo(brush, repo),
        Subject::Revision(_, revision) => of_revision(brush, revision),
        Subject::Variant(_, snapshot, variant) => vec![
            ("variant", variant.title(), Role::Strong),
            ("size", format!("{} in {}", desk::bytes(variant.size), counted(variant.files.len(), "file", "files")), Role::Text),
            ("commit", snapshot.commit.clone(), Role::Dim),
        ],
        Subject::File(_, snapshot, _, file) => {
            let mut lines = vec![("file", file.path.clone(), Role::Strong)];
            lines.extend(
                subject
                    .blob()
                    .map_or_else(|| vec![("blob", "its link leads nowhere".to_owned(), Role::Warning)], |blob| of_blob(brush, blob)),
            );
            lines.push(("commit", snapshot.commit.clone(), Role::Dim));
            lines
        }
        Subject::Leftover(_, leftover) => of_leftover(brush, leftover),
        Subject::Reading(_, fault) => fault.map_or_else(Vec::new, |fault| vec![("fault", fault.message.clone(), Role::Error)]),
        Subject::Section(section) => vec![("", about(section).to_owned(), Role::Dim)],
        Subject::Payload(payload) => {
            vec![("Xet hash", payload.hash.clone(), Role::Text), ("size", desk::bytes(payload.size), Role::Text)]
        }
        Subject::Trashed(entry) => of_trash(brush, entry),
        Subject::Store(store) => of_store(store),
        Subject::Other(store, model) => of_other(brush, store, model),
    };
    if let Some(repo) = subject.repo() {
        // What decides about deleting it comes early: low screens show the first lines only.
        let at = lines.len().min(HEAD);
        lines.splice(at..at, in_the_way(brush, subject, repo));
        lines.push(("folder", repo.path.display().to_string(), Role::Dim));
    }
    lines
}

/// When something was, and how long ago.
fn when(brush: &Brush, name: &'static str, at: Option<Timestamp>) -> Option<Line> {
    let at = at?;
    let day = at.to_zoned(brush.app.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    Some((name, format!("{day}, {}", ago(&age(brush.app.now, at))), Role::Text))
}

fn ago(age: &str) -> String {
    if age == "now" { "just now".to_owned() } else { format!("{age} ago") }
}

fn of_repo(brush: &Brush, repo: &CachedRepo) -> Vec<Line> {
    let files = counted(repo.files, "file", "files");
    let mut lines = vec![
        (repo.key.kind.name(), repo.key.id.to_string(), Role::Strong),
        ("size", format!("{} in {files}", desk::bytes(repo.size)), Role::Text),
    ];
    if repo.unused() > 0 {
        let leftovers = counted(repo.leftovers.len(), "leftover", "leftovers");
        lines.push(("unused", format!("{} in {leftovers}", desk::bytes(repo.unused())), Role::Warning));
    }
    lines.extend(when(brush, "used", repo.last_accessed));
    lines.extend(when(brush, "changed", repo.last_modified));
    for revision in repo.revisions.iter().take(4) {
        let commit: String = revision.commit.chars().take(12).collect();
        lines.push(("revision", format!("{commit} {}", refs(revision)), if revision.is_detached() { Role::Warning } else { Role::Text }));
    }
    if repo.revisions.len() > 4 {
        lines.push(("", format!("and {} more", repo.revisions.len() - 4), Role::Dim));
    }
    lines
}

fn refs(revision: &CachedRevision) -> String {
    if revision.is_detached() { "no branch or tag".to_owned() } else { revision.refs.join(", ") }
}

fn of_revision(brush: &Brush, revision: &CachedRevision) -> Vec<Line> {
    let role = if revision.is_detached() { Role::Warning } else { Role::Text };
    let mut lines = vec![
        ("commit", revision.commit.clone(), Role::Strong),
        ("refs", refs(revision), role),
        ("size", format!("{} in {}", desk::bytes(revision.size), counted(revision.files, "file", "files")), Role::Text),
    ];
    lines.extend(when(brush, "changed", revision.last_modified));
    lines
}

fn of_blob(brush: &Brush, blob: &CachedBlob) -> Vec<Line> {
    let digest = blob.digest.as_ref().map(|digest| {
        let kind = if digest.is_sha256() { "SHA-256" } else { "git SHA-1" };
        (kind, digest.hex().to_owned(), Role::Text)
    });
    let path = |name, path: &Path| (name, path.display().to_string(), Role::Dim);
    let mut lines = vec![("size", desk::bytes(blob.size), Role::Text)];
    lines.extend(when(brush, "used", blob.last_accessed));
    lines.extend(when(brush, "changed", blob.last_modified));
    lines.extend(when(brush, "verified", blob.verified));
    lines.extend(
        (blob.names > 1).then(|| ("hard links", format!("{} names; the bytes come free with the last", blob.names), Role::Warning)),
    );
    lines.extend((!blob.shared_with.is_empty()).then(|| ("shared with", shared(&blob.shared_with), Role::Warning)));
    lines.extend(digest);
    lines.push(path("blob", &blob.path));
    lines.extend(blob.payload.as_deref().map(|payload| path("payload", payload)));
    lines
}

fn shared(with: &[RepoKey]) -> String {
    with.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn of_leftover(brush: &Brush, leftover: &Leftover) -> Vec<Line> {
    let mut lines = vec![
        (leftover_title(leftover.kind), leftover.name.clone(), Role::Strong),
        ("on disk", format!("{} of {}", desk::bytes(leftover.on_disk), desk::bytes(leftover.size)), Role::Text),
    ];
    lines.extend(when(brush, "changed", leftover.last_modified));
    lines
}

/// Whether the repository is pinned, the jobs that use what is under the cursor, and where it lies when not in the cache.
fn in_the_way(brush: &Brush, subject: Subject, repo: &CachedRepo) -> Vec<Line> {
    let pinned = brush.app.cache.is_pinned(&repo.key).then(|| ("pinned", "it stays until p lifts that".to_owned(), Role::Take));
    let mut lines: Vec<Line> = pinned.into_iter().chain(users::lines(&brush.app.board, subject, repo)).collect();
    lines.extend(repo.lies_in.as_deref().map(|path| ("lies in", path.display().to_string(), Role::Warning)));
    lines
}

fn about(section: Section) -> &'static str {
    match section {
        Section::Payloads => "Files of the shared blob store whose last repository has gone. Space marks all of them.",
        Section::Trash => "What was moved here still takes its room. u brings the newest back, E empties it.",
        Section::Others => "What other programs keep on this machine. It is only shown: delete it with the program that keeps it.",
    }
}

fn of_trash(brush: &Brush, entry: &TrashEntry) -> Vec<Line> {
    let mut lines = vec![
        ("deleted", of_deletion(entry), Role::Strong),
        ("size", format!("{} come free when it is emptied", desk::bytes(entry.frees)), Role::Text),
    ];
    lines.extend(when(brush, "when", Some(entry.deleted_at)));
    let until = entry.kept_until.to_zoned(brush.app.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    lines.push(("kept until", until, Role::Text));
    lines.extend(entry.targets.iter().skip(1).map(|target| ("", target.to_string(), Role::Dim)));
    lines
}

fn of_store(store: &OtherStore) -> Vec<Line> {
    let models = match store.sum(OtherKind::Model).0 {
        0 => String::new(),
        count => format!(" in {}", counted(count, "model", "models")),
    };
    let mut lines = vec![
        ("kept by", store.keeper.title().to_owned(), Role::Strong),
        ("size", format!("{}{models}", desk::bytes(store.size)), Role::Text),
        ("folder", store.root.display().to_string(), Role::Dim),
        ("", hint(store.keeper), Role::Dim),
    ];
    lines.extend(store.warnings.iter().map(|warning| ("warning", warning.clone(), Role::Warning)));
    lines
}

fn hint(keeper: Keeper) -> String {
    format!("It cannot be deleted here: {} keeps it.", keeper.title())
}

fn of_other(brush: &Brush, store: &OtherStore, model: &OtherModel) -> Vec<Line> {
    let mut lines = vec![
        (store.keeper.title(), model.name.clone(), Role::Strong),
        ("size", format!("{} in {}", desk::bytes(model.size), counted(model.files, "file", "files")), Role::Text),
    ];
    if model.linked > 0 {
        lines.push(("linked", format!("{} of it are also in the Hugging Face cache", desk::bytes(model.linked)), Role::Text));
    }
    lines.extend(when(brush, "used", model.last_accessed));
    lines.push(("path", model.path.display().to_string(), Role::Dim));
    lines.push(("", hint(store.keeper), Role::Dim));
    lines
}

/// The facts on the right, each on as many lines as it needs.
pub(super) fn draw_beside(brush: &mut Brush, area: Rect, lines: &[Line]) {
    let mut rest = area;
    for line in lines {
        let rows = rows(line, area.width);
        draw_fact(brush, Rect { height: super::columns(rows).min(rest.height), ..rest }, line);
        rest = skip_top(rest, super::columns(rows));
    }
}

/// The rows that facts take when none is cut.
pub(super) fn rows_below(lines: &[Line], width: u16) -> usize {
    lines.iter().map(|line| rows(line, width)).sum()
}

/// The facts below: a line each at least, and more as long as there are rows for all.
pub(super) fn draw_below(brush: &mut Brush, area: Rect, lines: &[Line]) {
    let mut rest = skip_top(area, 1);
    let mut spare = usize::from(rest.height).saturating_sub(lines.len());
    for line in lines {
        let more = rows(line, area.width) - 1;
        let height = if more <= spare { more + 1 } else { 1 };
        spare -= height - 1;
        draw_fact(brush, Rect { height: super::columns(height).min(rest.height), ..rest }, line);
        rest = skip_top(rest, super::columns(height));
    }
}

fn rows((_, value, _): &Line, width: u16) -> usize {
    wrap(value, usize::from(width.saturating_sub(NAME + 1))).len().max(1)
}

/// Writes a fact into its rows, cut where it has one only.
fn draw_fact(brush: &mut Brush, area: Rect, (name, value, role): &Line) {
    let room = skip_left(area, NAME + 1);
    brush.text(Rect { width: NAME.min(area.width), ..line_at(area, 0) }, name, Role::Dim);
    if area.height == 1 {
        brush.row(room, &[Cell::fill(value.as_str(), *role)]);
    } else {
        brush.paragraph(room, value, *role);
    }
}
