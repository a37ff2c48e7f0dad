//! `cache show`: one repository of the cache, down to its files.

mod parts;

use clap::Args;

use super::aim::{Aim, aim};
use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::record::{Record, Sheet};
use crate::desk::{CacheContents, CacheListing, CachedRevision, Desk, Fault};

/// Flags of `cache show`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui cache show Qwen/Qwen3-8B-GGUF
  hfdesk-tui cache show Qwen/Qwen3-8B-GGUF@main --files
  hfdesk-tui cache show dataset/org/set --json")]
pub struct ShowArgs {
    /// [model/]owner/name[@REV], hf://models/owner/name or a commit; REV is a branch, a tag or a commit
    #[arg(value_parser = aim)]
    target: Aim,
    /// List the files, too: their digests, who shares them and when they were verified
    #[arg(long)]
    files: bool,
}

pub(super) async fn run(desk: &dyn Desk, args: &ShowArgs, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    let found = args.target.find(&cache)?.whole()?;
    let contents = only(desk.contents(found.repo.key.clone()).await?, found.revision);
    out.show(&sheet(&contents, &cache, args.files))?;
    if out.format() == Format::Human && contents.snapshots.iter().any(|snapshot| snapshot.variants.len() > 1) {
        out.hint(&format!("delete a variant with: hfdesk-tui cache rm {}:VARIANT", contents.repo.key));
    }
    Ok(())
}

/// The contents with this revision alone, where one is named.
fn only(mut contents: CacheContents, revision: Option<&CachedRevision>) -> CacheContents {
    if let Some(wanted) = revision {
        contents.repo.revisions.retain(|revision| revision.commit == wanted.commit);
        contents.snapshots.retain(|snapshot| snapshot.commit == wanted.commit);
    }
    contents
}

fn sheet(contents: &CacheContents, cache: &CacheListing, files: bool) -> Sheet {
    let mut tables =
        vec![("revisions", parts::revisions(contents)), ("variants", parts::variants(contents)), ("leftovers", parts::leftovers(contents))];
    if files {
        tables.insert(0, ("files", parts::files(contents)));
    }
    Sheet { record: record(contents, cache), tables }
}

fn record(contents: &CacheContents, cache: &CacheListing) -> Record {
    let repo = &contents.repo;
    let lies_in = Cell::maybe(repo.lies_in.as_deref(), Cell::path);
    let record = Record::about(repo.key.to_string())
        .json_field("id", Cell::text(repo.key.to_string()))
        .json_field("repo_id", Cell::text(repo.key.id.as_str()))
        .json_field("repo_type", Cell::text(repo.key.kind.name()))
        .field("path", Cell::path(&repo.path));
    let record = if repo.lies_in.is_some() { record.field("lies_in", lies_in) } else { record.json_field("lies_in", lies_in) };
    record
        .field("size", Cell::bytes(repo.size))
        .field("unused", Cell::bytes(repo.unused()))
        .json_field("file_count", Cell::len(repo.files))
        .field("last_accessed", Cell::maybe(repo.last_accessed, Cell::time))
        .field("last_modified", Cell::maybe(repo.last_modified, Cell::time))
        .field("pinned", Cell::flag(cache.pins.contains(&repo.key)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cli::fake::{Console, FakeDesk, three_ways};
    use crate::cli::format::Format;
    use crate::desk::FaultKind;

    fn told(line: &str) -> String {
        three_ways(&Arc::new(FakeDesk::new()), line)
    }

    #[test]
    fn a_repository_reads_three_ways() {
        insta::assert_snapshot!(told("cache show gpt2"));
    }

    #[test]
    fn files_read_three_ways() {
        insta::assert_snapshot!(told("cache show Qwen/Qwen3-8B-GGUF --files"));
    }

    #[test]
    fn one_revision_is_shown_alone() {
        let mut console = Console::new(Format::Quiet);
        console.run(&Arc::new(FakeDesk::new()), "cache show Qwen/Qwen3-8B-GGUF@fedcba9").unwrap();
        assert_eq!(console.stdout(), "fedcba9876543210fedcba9876543210fedcba98\n");
    }

    #[test]
    fn files_alone_are_not_shown() {
        let fault = Console::new(Format::Human).run(&Arc::new(FakeDesk::new()), "cache show gpt2/config.json").unwrap_err();
        assert_eq!((fault.kind, fault.hint.as_deref()), (FaultKind::Usage, Some("write model/gpt2")));
    }
}
