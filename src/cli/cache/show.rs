//! `cache show`: one repository of the cache and its revisions.

use clap::Args;

use super::target::{CacheTarget, cache_target};
use crate::cli::cell::Cell;
use crate::cli::output::Output;
use crate::cli::record::{Record, Sheet};
use crate::cli::table::{Column, Table};
use crate::desk::{CachedRepo, CachedRevision, Desk, Fault};

/// Flags of `cache show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// model/owner/name, owner/name or hf://models/owner/name
    #[arg(value_parser = cache_target)]
    target: CacheTarget,
}

const REVISIONS: [Column<CachedRevision>; 4] = [
    Column::shown("revision", |revision| Cell::text(&revision.commit)),
    Column::shown("refs", |revision| Cell::list(&revision.refs)),
    Column::shown("files", |revision| Cell::len(revision.files)),
    Column::shown("size", |revision| Cell::bytes(revision.size)),
];

pub(super) async fn run(desk: &dyn Desk, args: &ShowArgs, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    let repo = args.target.find(&cache)?;
    out.show(&Sheet { record: record(repo), key: "revisions", table: Table::new(&REVISIONS, &repo.revisions) })
}

fn record(repo: &CachedRepo) -> Record {
    Record::about(repo.key.to_string())
        .json_field("id", Cell::text(repo.key.to_string()))
        .json_field("repo_id", Cell::text(repo.key.id.as_str()))
        .json_field("repo_type", Cell::text(repo.key.kind.name()))
        .field("path", Cell::path(&repo.path))
        .field("size", Cell::bytes(repo.size))
        .field("partial", Cell::bytes(repo.unused()))
        .field("files", Cell::len(repo.files))
        .field("last_accessed", Cell::maybe(repo.last_accessed, Cell::time))
        .field("last_modified", Cell::maybe(repo.last_modified, Cell::time))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cli::fake::{FakeDesk, three_ways};

    #[test]
    fn a_repository_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "cache show gpt2"));
    }
}
