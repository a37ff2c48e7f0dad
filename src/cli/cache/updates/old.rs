//! Deleting the revisions that updates have replaced.

use super::told::{Deleted, Row};
use crate::cli::cache::deletion::{self, HowArgs};
use crate::cli::cache::prune;
use crate::cli::output::Output;
use crate::desk::{CacheListing, DeletionTarget, Desk, Fault, FileChange};

/// Deletes what nothing leads to any more; `None` where nothing is to be deleted.
pub(super) async fn delete(desk: &dyn Desk, rows: &[Row], yes: bool, out: &mut Output) -> Result<Option<Deleted>, Fault> {
    let cache = desk.cache().await?;
    let mut targets: Vec<DeletionTarget> = Vec::new();
    for row in rows.iter().filter(|row| row.fetched) {
        match kept(&cache, row) {
            Some(why) => out.note(&format!("{} is left: {why}", row.update.old_revision())),
            None if targets.contains(&row.update.old_revision()) => {}
            None => targets.push(row.update.old_revision()),
        }
    }
    let plan = prune::without_what_is_needed(desk, &cache, targets, out).await?;
    if plan.targets.is_empty() {
        return Ok(None);
    }
    let report = deletion::deleted(desk, &cache, &plan, &HowArgs::forever(yes), out).await?;
    Ok(Some(Deleted { plan, report }))
}

/// Why the revision that an update has replaced stays.
fn kept(cache: &CacheListing, row: &Row) -> Option<String> {
    let update = &row.update;
    if cache.pins.contains(&update.repo) {
        return Some("the repository is pinned".to_owned());
    }
    if let Some(file) = update.with(FileChange::Gone).next() {
        return Some(format!("the new commit has no {}", file.path));
    }
    let revisions = cache.find(&update.repo).map_or(&[][..], |repo| &repo.revisions);
    match revisions.iter().find(|revision| revision.commit == update.held) {
        Some(revision) if revision.is_detached() => None,
        Some(revision) => Some(format!("{} leads to it", revision.refs.join(", "))),
        None => Some("it is not in the cache any more".to_owned()),
    }
}
