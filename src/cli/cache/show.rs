//! `cache show`: one repository of the cache, down to its files.

mod part;
mod parts;

use clap::Args;

use super::aim::{Aim, aim};
use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::record::{Record, Sheet};
use crate::desk::{CacheContents, CacheListing, Desk, Fault};
use part::Part;

/// Flags of `cache show`.
#[derive(Args, Debug)]
#[command(after_help = "\
A TARGET is what cache rm takes: a repository, a revision of it, a variant, a file, a folder or a
pattern, or a link to any of these. Of less than a repository only that is shown, with its size.

Examples:
  hfdesk-tui cache show Qwen/Qwen3-8B-GGUF
  hfdesk-tui cache show Qwen/Qwen3-8B-GGUF@main --files
  hfdesk-tui cache show Qwen/Qwen3-8B-GGUF:q4_k_m
  hfdesk-tui cache show https://huggingface.co/Qwen/Qwen3-8B-GGUF/tree/main
  hfdesk-tui cache show dataset/org/set --json")]
pub struct ShowArgs {
    /// [model/]owner/name[@REV], with /FILE, /FOLDER/ or :VARIANT behind it or not; REV is a branch, a tag or a commit
    #[arg(value_parser = aim)]
    target: Aim,
    /// List the files, too: their digests, who shares them and when they were verified
    #[arg(long)]
    files: bool,
}

pub(super) async fn run(desk: &dyn Desk, args: &ShowArgs, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    let found = args.target.find(&cache)?;
    let whole = desk.contents(found.repo.key.clone()).await?;
    let files: Vec<String> = found.files(&whole)?.concat();
    let part = Part { revision: found.revision, files: (!files.is_empty()).then_some(files) };
    let contents = part.of(whole);
    out.show(&sheet(&contents, &cache, &part, args.files))?;
    if out.format() == Format::Human && contents.snapshots.iter().any(|snapshot| snapshot.variants.len() > 1) {
        out.hint(&format!("delete a variant with: hfdesk-tui cache rm {}:VARIANT", contents.repo.key));
    }
    Ok(())
}

fn sheet(contents: &CacheContents, cache: &CacheListing, part: &Part, files: bool) -> Sheet {
    let mut tables =
        vec![("revisions", parts::revisions(contents)), ("variants", parts::variants(contents)), ("leftovers", parts::leftovers(contents))];
    if files || part.files.is_some() {
        tables.insert(0, ("files", parts::files(contents)));
    }
    Sheet { record: record(contents, cache, part), tables }
}

fn record(contents: &CacheContents, cache: &CacheListing, part: &Part) -> Record {
    let repo = &contents.repo;
    let lies_in = Cell::maybe(repo.lies_in.as_deref(), Cell::path);
    let unused = Cell::bytes(repo.unused());
    let record = Record::about(part.title(&repo.key))
        .json_field("id", Cell::text(repo.key.to_string()))
        .json_field("repo_id", Cell::text(repo.key.id.as_str()))
        .json_field("repo_type", Cell::text(repo.key.kind.name()))
        .json_field("revision", Cell::maybe(part.revision, |revision| Cell::text(&revision.commit)))
        .field("path", Cell::path(&repo.path));
    let record = if repo.lies_in.is_some() { record.field("lies_in", lies_in) } else { record.json_field("lies_in", lies_in) };
    let record = record.field("size", Cell::bytes(repo.size));
    let record = if part.is_whole() { record.field("unused", unused) } else { record.json_field("unused", unused) };
    record
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

    fn json(target: &str) -> serde_json::Value {
        let mut console = Console::new(Format::Json);
        console.run(&Arc::new(FakeDesk::new()), &format!("cache show {target}")).unwrap();
        serde_json::from_str(&console.stdout()).unwrap()
    }

    #[test]
    fn of_a_revision_its_own_size_is_told_and_nothing_that_is_left_over() {
        let told = json("Qwen/Qwen3-8B-GGUF@fedcba9");
        assert_eq!((&told["size"], &told["file_count"], &told["unused"]), (&900.into(), &2.into(), &0.into()));
        assert_eq!(told["leftovers"].as_array().unwrap().len(), 0);
        assert_eq!(told["revision"], "fedcba9876543210fedcba9876543210fedcba98");
    }

    #[test]
    fn of_files_a_folder_or_a_variant_only_that_is_shown() {
        const QWEN: &str = "Qwen/Qwen3-8B-GGUF";
        let page = format!("https://huggingface.co/{QWEN}/tree/main/q6");
        for (target, size, files) in [
            (format!("{QWEN}/q6/"), 6_u64 << 30, vec!["q6/m-1.gguf", "q6/m-2.gguf"]),
            (page, 6 << 30, vec!["q6/m-1.gguf", "q6/m-2.gguf"]),
            (format!("{QWEN}:q4_k_m"), 5 << 30, vec!["q4.gguf"]),
            (format!("{QWEN}@main/README.md"), 900, vec!["README.md"]),
        ] {
            let told = json(&target);
            assert_eq!((&told["size"], &told["file_count"]), (&size.into(), &files.len().into()), "{target}");
            let listed: Vec<&str> = told["files"].as_array().unwrap().iter().map(|row| row["file"].as_str().unwrap()).collect();
            assert_eq!(listed, files, "{target}");
            assert_eq!(told["variants"].as_array().unwrap().len(), 1, "{target}");
        }
    }

    #[test]
    fn a_part_of_a_repository_reads_three_ways() {
        insta::assert_snapshot!(told("cache show Qwen/Qwen3-8B-GGUF@main/q6/"));
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is_like_it() {
        for (target, wanted) in [
            ("gpt2/REDME.md", "perhaps README.md; list its files with"),
            ("gpt3", "perhaps model/gpt2"),
            ("Qwen/Qwen3-8B-GGUF@mian", "it has main, refs/pr/1"),
        ] {
            let fault = Console::new(Format::Human).run(&Arc::new(FakeDesk::new()), &format!("cache show {target}")).unwrap_err();
            assert!(fault.kind.exit_status() == 4 && fault.hint.as_deref().unwrap().contains(wanted), "{target}: {:?}", fault.hint);
        }
    }
}
