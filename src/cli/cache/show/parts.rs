//! The tables of a repository: its revisions, variants, files and what is left over.

use std::collections::BTreeMap;

use crate::cli::cell::{Cell, SHORT};
use crate::cli::table::{Column, Table};
use crate::desk::{CacheContents, CachedBlob, CachedRevision, CachedVariant, Leftover, LeftoverKind};

const REVISIONS: [Column<CachedRevision>; 6] = [
    Column::shown("revision", |revision| Cell::text(&revision.commit)),
    Column::shown("refs", |revision| Cell::list(&revision.refs)),
    Column::shown("files", |revision| Cell::len(revision.files)),
    Column::shown("size", |revision| Cell::bytes(revision.size)),
    Column::json("last_modified", |revision| Cell::maybe(revision.last_modified, Cell::time)),
    Column::json("detached", |revision| Cell::flag(revision.is_detached())),
];

pub(super) fn revisions(contents: &CacheContents) -> Table {
    Table::new(&REVISIONS, &contents.repo.revisions)
}

/// A variant of one commit.
struct VariantRow {
    variant: CachedVariant,
    commit: String,
    /// Whether it is to be said which commit that is.
    several: bool,
}

const VARIANTS: [Column<VariantRow>; 6] = [
    Column::shown("variant", |row| Cell::new(row.variant.title(), row.variant.label.as_str())),
    Column::json("id", |row| Cell::text(&row.variant.id)),
    Column::shown("files", |row| Cell::len(row.variant.files.len())),
    Column::shown("size", |row| Cell::bytes(row.variant.size)),
    Column::known("revision", |row| if row.several { Cell::commit(&row.commit) } else { Cell::new("-", row.commit.as_str()) }),
    Column::json("paths", |row| Cell::list(row.variant.files.iter().map(|file| &file.path))),
];

pub(super) fn variants(contents: &CacheContents) -> Table {
    let several = contents.snapshots.len() > 1;
    let row = |(commit, variant): (&String, &CachedVariant)| VariantRow { variant: variant.clone(), commit: commit.clone(), several };
    let of = contents.snapshots.iter().flat_map(|snapshot| snapshot.variants.iter().map(|variant| (&snapshot.commit, variant)));
    Table::new(&VARIANTS, &of.map(row).collect::<Vec<_>>())
}

/// A file with the same content in some commits.
struct FileRow {
    path: String,
    blob: Option<CachedBlob>,
    commits: Vec<String>,
    /// How many commits there are.
    of: usize,
}

impl FileRow {
    /// The commits that have it, which people are told where others have it not.
    fn revisions(&self) -> Cell {
        let short: Vec<&str> = self.commits.iter().map(|commit| commit.get(..SHORT).unwrap_or(commit)).collect();
        let text = if self.commits.len() == self.of { "-".to_owned() } else { short.join(", ") };
        Cell::new(text, self.commits.clone())
    }

    /// A fact about its content; missing for a link that leads to none.
    fn of(&self, cell: impl FnOnce(&CachedBlob) -> Cell) -> Cell {
        Cell::maybe(self.blob.as_ref(), cell)
    }
}

const FILES: [Column<FileRow>; 11] = [
    Column::shown("file", |row| Cell::text(&row.path)),
    Column::shown("size", |row| row.of(|blob| Cell::bytes(blob.size))),
    Column::shown("digest", |row| row.of(|blob| Cell::maybe(blob.digest.as_ref(), |digest| Cell::commit(digest.hex())))),
    Column::known("revisions", FileRow::revisions),
    Column::shown("verified", |row| row.of(|blob| Cell::maybe(blob.verified, Cell::time))),
    Column::known("shared_with", |row| row.of(|blob| Cell::list(blob.shared_with.iter().map(ToString::to_string)))),
    Column::json("blob", |row| row.of(|blob| Cell::path(&blob.path))),
    Column::json("payload", |row| row.of(|blob| Cell::maybe(blob.payload.as_deref(), Cell::path))),
    Column::json("names", |row| row.of(|blob| Cell::count(blob.names))),
    Column::json("last_accessed", |row| row.of(|blob| Cell::maybe(blob.last_accessed, Cell::time))),
    Column::json("last_modified", |row| row.of(|blob| Cell::maybe(blob.last_modified, Cell::time))),
];

pub(super) fn files(contents: &CacheContents) -> Table {
    let mut commits: BTreeMap<(&str, Option<usize>), Vec<String>> = BTreeMap::new();
    for snapshot in &contents.snapshots {
        for file in snapshot.variants.iter().flat_map(|variant| &variant.files) {
            commits.entry((&file.path, file.blob)).or_default().push(snapshot.commit.clone());
        }
    }
    let blob = |at: Option<usize>| at.and_then(|at| contents.blobs.get(at)).cloned();
    let row = |((path, at), commits): ((&str, Option<usize>), _)| FileRow {
        path: path.to_owned(),
        blob: blob(at),
        commits,
        of: contents.snapshots.len(),
    };
    Table::new(&FILES, &commits.into_iter().map(row).collect::<Vec<_>>())
}

const LEFTOVERS: [Column<Leftover>; 5] = [
    Column::shown("leftover", |leftover| Cell::new(brief(&leftover.name), leftover.name.as_str())),
    Column::shown("what", |leftover| kind(leftover.kind)),
    Column::shown("size", |leftover| Cell::bytes(leftover.size)),
    Column::shown("on_disk", |leftover| Cell::bytes(leftover.on_disk)),
    Column::shown("last_modified", |leftover| Cell::maybe(leftover.last_modified, Cell::time)),
];

pub(super) fn leftovers(contents: &CacheContents) -> Table {
    Table::new(&LEFTOVERS, &contents.repo.leftovers)
}

/// A name whose digest is cut short.
fn brief(name: &str) -> String {
    let (digest, suffix) = name.split_once('.').map_or((name, String::new()), |(digest, suffix)| (digest, format!(".{suffix}")));
    digest.get(..SHORT).filter(|_| digest.len() > SHORT).map_or_else(|| name.to_owned(), |short| format!("{short}…{suffix}"))
}

fn kind(kind: LeftoverKind) -> Cell {
    match kind {
        LeftoverKind::Partial => Cell::new("unfinished", "partial"),
        LeftoverKind::Incomplete => Cell::new("unfinished (hf)", "incomplete"),
        LeftoverKind::Blob => Cell::new("blob left over", "blob"),
        LeftoverKind::Other => Cell::text("other"),
    }
}
