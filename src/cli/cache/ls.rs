//! `cache ls`: the repositories of the cache.

use std::sync::Arc;

use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::table::{Column, Table};
use crate::cli::text::counted;
use crate::desk::{self, CachedRepo, Desk, Fault};

const COLUMNS: [Column<Arc<CachedRepo>>; 10] = [
    Column::shown("id", |repo| Cell::text(repo.key.to_string())),
    Column::json("repo_id", |repo| Cell::text(repo.key.id.as_str())),
    Column::json("repo_type", |repo| Cell::text(repo.key.kind.name())),
    Column::shown("size", |repo| Cell::bytes(repo.size)),
    Column::shown("partial", |repo| Cell::bytes(repo.unused())),
    Column::shown("files", |repo| Cell::len(repo.files)),
    Column::shown("last_accessed", |repo| Cell::maybe(repo.last_accessed, Cell::time)),
    Column::shown("last_modified", |repo| Cell::maybe(repo.last_modified, Cell::time)),
    Column::shown("refs", |repo| Cell::list(repo.revisions.iter().flat_map(|revision| &revision.refs))),
    Column::json("path", |repo| Cell::path(&repo.path)),
];

pub(super) async fn run(desk: &dyn Desk, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    out.show(&Table::new(&COLUMNS, &cache.repos))?;
    if out.format() == Format::Human {
        let repos = counted(cache.repos.len(), "repository", "repositories");
        let partial: u64 = cache.repos.iter().map(|repo| repo.unused()).sum();
        let unfinished = if partial > 0 { format!(" and {} of unfinished downloads", desk::bytes(partial)) } else { String::new() };
        out.note(&format!("{repos}, {}{unfinished} in {}", desk::bytes(cache.size), cache.root.display()));
    }
    cache.warnings.iter().for_each(|warning| out.warning(warning));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cli::fake::{FakeDesk, three_ways};

    #[test]
    fn a_cache_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "cache ls"));
    }
}
