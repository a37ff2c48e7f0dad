//! The rows of a listing, and their columns.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use super::sort::Key;
use crate::cli::cell::Cell;
use crate::cli::table::{Column, Table};
use crate::desk::{CacheFilter, CacheListing, CachedRepo, CachedRevision, LeftoverKind};

/// A repository, or one of its revisions.
pub(super) struct Row {
    pub repo: Arc<CachedRepo>,
    revision: Option<CachedRevision>,
    pub pinned: bool,
}

pub(super) fn of_repos(cache: &CacheListing) -> Vec<Row> {
    let row = |repo: &Arc<CachedRepo>| Row { repo: repo.clone(), revision: None, pinned: cache.pins.contains(&repo.key) };
    cache.repos.iter().map(row).collect()
}

pub(super) fn of_revisions(cache: &CacheListing) -> Vec<Row> {
    let of = |repo: Row| {
        let revisions = repo.repo.revisions.clone();
        revisions.into_iter().map(move |revision| Row { revision: Some(revision), repo: repo.repo.clone(), ..repo })
    };
    of_repos(cache).into_iter().flat_map(of).collect()
}

impl Row {
    /// Whether it meets every condition.
    pub fn meets(&self, filter: &CacheFilter, now: Timestamp) -> bool {
        match &self.revision {
            Some(revision) => filter.takes_revision(&self.repo, revision, self.pinned, now),
            None => filter.takes(&self.repo, self.pinned, now),
        }
    }

    /// How it stands to another one in an order.
    pub fn compare(key: Key, a: &Self, b: &Self) -> Ordering {
        match key {
            Key::Accessed => a.repo.last_accessed.cmp(&b.repo.last_accessed),
            Key::Modified => a.modified().cmp(&b.modified()),
            Key::Name => (a.repo.key.to_string(), a.commit()).cmp(&(b.repo.key.to_string(), b.commit())),
            Key::Size => a.size().cmp(&b.size()),
        }
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.revision.as_ref().map_or(self.repo.size, |revision| revision.size)
    }

    /// When one of its blobs last changed.
    fn modified(&self) -> Option<Timestamp> {
        self.revision.as_ref().map_or(self.repo.last_modified, |revision| revision.last_modified)
    }

    /// The commit, of a revision.
    fn commit(&self) -> &str {
        self.revision.as_ref().map_or("", |revision| &revision.commit)
    }

    fn files(&self) -> usize {
        self.revision.as_ref().map_or(self.repo.files, |revision| revision.files)
    }

    fn refs(&self) -> Cell {
        match &self.revision {
            Some(revision) => Cell::list(&revision.refs),
            None => Cell::list(self.repo.revisions.iter().flat_map(|revision| &revision.refs)),
        }
    }

    fn is_detached(&self) -> bool {
        self.revision.as_ref().is_some_and(CachedRevision::is_detached)
    }

    fn snapshot(&self) -> Cell {
        Cell::path(&self.repo.path.join("snapshots").join(self.commit()))
    }

    /// Bytes on the disk of unfinished downloads.
    fn partial(&self) -> u64 {
        let is_partial = |kind| matches!(kind, LeftoverKind::Partial | LeftoverKind::Incomplete);
        self.repo.leftovers.iter().filter(|leftover| is_partial(leftover.kind)).map(|leftover| leftover.on_disk).sum()
    }
}

const REPOS: [Column<Row>; 14] = [
    Column::shown("id", |row| Cell::text(row.repo.key.to_string())),
    Column::json("repo_id", |row| Cell::text(row.repo.key.id.as_str())),
    Column::json("repo_type", |row| Cell::text(row.repo.key.kind.name())),
    Column::shown("size", |row| Cell::bytes(row.size())),
    Column::known("unused", |row| some_bytes(row.repo.unused())),
    Column::json("partial", |row| Cell::bytes(row.partial())),
    Column::json("files", |row| Cell::len(row.files())),
    Column::json("revisions", |row| Cell::len(row.repo.revisions.len())),
    Column::shown("last_accessed", |row| Cell::maybe(row.repo.last_accessed, Cell::time)),
    Column::json("last_modified", |row| Cell::maybe(row.modified(), Cell::time)),
    Column::known("pinned", |row| Cell::new(if row.pinned { "yes" } else { "-" }, row.pinned)),
    Column::shown("refs", Row::refs).giving_way(),
    Column::json("path", |row| Cell::path(&row.repo.path)),
    Column::json("lies_in", |row| Cell::maybe(row.repo.lies_in.as_deref(), Cell::path)),
];

const REVISIONS: [Column<Row>; 12] = [
    Column::shown("revision", |row| Cell::commit(row.commit())),
    Column::shown("id", |row| Cell::text(row.repo.key.to_string())),
    Column::json("repo_id", |row| Cell::text(row.repo.key.id.as_str())),
    Column::json("repo_type", |row| Cell::text(row.repo.key.kind.name())),
    Column::json("snapshot_path", Row::snapshot),
    Column::shown("size", |row| Cell::bytes(row.size())),
    Column::json("files", |row| Cell::len(row.files())),
    Column::json("last_accessed", |row| Cell::maybe(row.repo.last_accessed, Cell::time)),
    Column::shown("last_modified", |row| Cell::maybe(row.modified(), Cell::time)),
    Column::json("detached", |row| Cell::flag(row.is_detached())),
    Column::json("pinned", |row| Cell::flag(row.pinned)),
    Column::shown("refs", Row::refs).giving_way(),
];

pub(super) fn repos(rows: &[Row]) -> Table {
    Table::new(&REPOS, rows)
}

pub(super) fn revisions(rows: &[Row]) -> Table {
    Table::new(&REVISIONS, rows)
}

/// A size that says nothing where there is none.
fn some_bytes(count: u64) -> Cell {
    if count == 0 { Cell::new("-", 0).flush_right() } else { Cell::bytes(count) }
}
