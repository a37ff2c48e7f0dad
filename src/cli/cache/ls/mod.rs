//! `cache ls`: the repositories of the cache, or their revisions, or what other programs keep.

mod free;
mod others;
mod rows;
mod sort;

use std::collections::HashSet;

use clap::Args;
use jiff::Timestamp;

use super::official::PlainListing;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::text::counted;
use crate::cli::values;
use crate::desk::{self, CacheFilter, CacheListing, Desk, Fault};
use rows::Row;
use sort::Sort;

/// Flags of `cache ls`.
#[derive(Args, Debug)]
#[command(after_help = "\
Conditions of --filter, several with blanks between them or with --filter again; all have to hold:
  size>1GB                 also >= < <= = and !=; 1GB is 1000 MB, 1GiB is 1024 MiB
  accessed>30d             last used more than 30 days ago; s, m, h, d, w, mo and y
  modified<1w              changed less than a week ago
  type=dataset             also !=
  refs=main                has that branch or tag; also !=
  owner=Qwen               also !=
  files>100 revisions>1    counts
  unused>1GB               bytes that no snapshot uses
  is:detached              has a revision that no branch or tag points at
  is:pinned                is never deleted; also pinned=true and pinned=false
  qwen                     has it in its name
With --others: size, files, accessed and a part of the name.

Examples:
  hfdesk-tui cache ls --sort accessed:asc --limit 10
  hfdesk-tui cache ls --filter 'size>10GB accessed>30d'
  hfdesk-tui cache ls --revisions --filter is:detached
  hfdesk-tui cache ls --others --sort accessed:asc
  hfdesk-tui cache rm $(hfdesk-tui cache ls -q --filter 'accessed>1y') --dry-run")]
pub struct LsArgs {
    /// List every revision by itself
    #[arg(long, overrides_with = "_no_revisions")]
    revisions: bool,
    /// Only what meets this condition; see below
    #[arg(short, long = "filter", value_name = "EXPR", value_parser = values::cache_filter)]
    filters: Vec<CacheFilter>,
    /// Order by accessed, modified, name or size; :asc or :desc behind it turns it round
    #[arg(long, value_name = "KEY[:asc|:desc]")]
    sort: Option<Sort>,
    /// At most so many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Say what could not be read or does not belong
    #[arg(long, overrides_with = "_no_show_warnings")]
    show_warnings: bool,
    /// List what other programs keep on this machine; it is only shown
    #[arg(long, conflicts_with = "revisions")]
    others: bool,
    #[command(flatten)]
    _plain: PlainListing,
}

pub(super) async fn run(desk: &dyn Desk, args: &LsArgs, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    if args.others {
        return others::show(&cache, args, out);
    }
    let rows = args.rows(&cache, Timestamp::now());
    out.show(&if args.revisions { rows::revisions(&rows) } else { rows::repos(&rows) })?;
    if out.format() == Format::Human {
        out.note(&args.sums(&cache, &rows));
    }
    remarks(&cache, args, out);
    Ok(())
}

impl LsArgs {
    /// What is listed, in its order.
    fn rows(&self, cache: &CacheListing, now: Timestamp) -> Vec<Row> {
        let mut rows = if self.revisions { rows::of_revisions(cache) } else { rows::of_repos(cache) };
        rows.retain(|row| self.filters.iter().all(|filter| row.meets(filter, now)));
        if let Some(sort) = &self.sort {
            sort.apply(&mut rows, Row::compare);
        }
        rows.truncate(self.limit.unwrap_or(usize::MAX));
        rows
    }

    /// One line: how much that is. Payloads that repositories share count once where everything is listed.
    fn sums(&self, cache: &CacheListing, rows: &[Row]) -> String {
        let distinct: HashSet<_> = rows.iter().map(|row| &row.repo.key).collect();
        let repos = counted(distinct.len(), "repository", "repositories");
        let whole = !self.revisions && rows.len() == cache.repos.len();
        let size = if whole { cache.size } else { rows.iter().map(Row::size).sum() };
        let revisions = if self.revisions { format!("{} of ", counted(rows.len(), "revision", "revisions")) } else { String::new() };
        let pinned = rows.iter().filter(|row| row.pinned).map(|row| &row.repo.key).collect::<HashSet<_>>().len();
        let pinned = if pinned > 0 { format!(" ({pinned} pinned)") } else { String::new() };
        format!("{revisions}{repos}{pinned}, {} in {}", desk::bytes(size), cache.root.display())
    }
}

/// What can be freed, and what is wrong.
fn remarks(cache: &CacheListing, args: &LsArgs, out: &mut Output) {
    for hint in free::hints(cache) {
        out.hint(&hint);
    }
    if args.show_warnings {
        cache.warnings.iter().for_each(|warning| out.warning(warning));
    } else if !cache.warnings.is_empty() {
        let do_not = if cache.warnings.len() == 1 { "does not" } else { "do not" };
        let count = counted(cache.warnings.len(), "thing", "things");
        out.warning(&format!("{count} in the cache could not be read or {do_not} belong there; --show-warnings tells which"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use crate::cli::fake::{self, Console, FakeDesk, three_ways};
    use crate::cli::format::Format;
    use crate::desk::CacheListing;

    fn told(line: &str) -> String {
        three_ways(&Arc::new(FakeDesk::new()), line)
    }

    fn ids(flags: &str) -> Vec<String> {
        let mut console = Console::new(Format::Quiet);
        console.run(&Arc::new(FakeDesk::new()), &format!("cache ls {flags}")).unwrap();
        console.stdout().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_cache_reads_three_ways() {
        insta::assert_snapshot!(told("cache ls"));
    }

    #[test]
    fn revisions_read_three_ways() {
        insta::assert_snapshot!(told("cache ls --revisions"));
    }

    #[test]
    fn what_others_keep_reads_three_ways() {
        insta::assert_snapshot!(told("cache ls --others"));
    }

    #[test]
    fn a_terminal_of_eighty_columns_is_enough() {
        for line in ["cache ls", "cache ls --revisions", "cache ls --others"] {
            let mut console = Console::terminal(Format::Human);
            console.run(&Arc::new(FakeDesk::new()), line).unwrap();
            assert!(console.stdout().lines().all(|line| line.chars().count() <= 80), "{}", console.stdout());
            let is_whole = console.stdout().contains("model/Qwen/Qwen3-8B-GGUF ");
            assert!(is_whole || line.ends_with("--others"), "an id can be copied: {}", console.stdout());
        }
    }

    #[test]
    fn filters_order_and_limit_choose_rows() {
        assert_eq!(ids("--filter size>1GB"), ["model/Qwen/Qwen3-8B-GGUF"]);
        assert_eq!(ids("-f type=model -f owner=org"), ["model/org/twin"]);
        assert_eq!(ids("--sort name --limit 2"), ["dataset/org/twin", "model/Qwen/Qwen3-8B-GGUF"]);
        assert_eq!(ids("--sort size:asc --limit 1"), ["dataset/org/twin"]);
        assert_eq!(ids("--sort accessed:asc")[0], "dataset/org/twin");
        assert_eq!(ids("--revisions -f is:detached"), ["fedcba9876543210fedcba9876543210fedcba98"]);
        assert!(ids("--filter accessed<1s").is_empty());
    }

    #[test]
    fn pins_are_shown_where_there_are_any_and_can_be_asked_for() {
        assert_eq!(ids("--filter is:pinned"), ["model/org/twin"]);
        assert_eq!(ids("-f pinned=false").len(), 3);
        assert_eq!(ids("--revisions -f pinned=true").len(), 1);
        let heading = |cache| {
            let mut console = Console::new(Format::Human);
            console.run(&Arc::new(FakeDesk { cache, ..FakeDesk::new() }), "cache ls").unwrap();
            console.stdout().lines().next().unwrap().to_owned()
        };
        assert!(heading(fake::cache()).contains("PINNED"));
        assert!(!heading(CacheListing { pins: BTreeSet::new(), ..fake::cache() }).contains("PINNED"));
    }

    #[test]
    fn what_others_keep_is_filtered_and_ordered() {
        assert_eq!(ids("--others"), ["llama3.2:3b", "qwen3:0.6b", "unused blobs"]);
        assert_eq!(ids("--others --sort size:asc --limit 1"), ["unused blobs"]);
        assert_eq!(ids("--others --sort name:desc -f size>100MB"), ["qwen3:0.6b", "llama3.2:3b"]);
        assert_eq!(ids("--others -f qwen"), ["qwen3:0.6b"]);
        for (flags, wanted) in [("--filter refs=main", "“refs” is known of"), ("--sort modified", "nobody keeps when")] {
            let fault = Console::new(Format::Human).run(&Arc::new(FakeDesk::new()), &format!("cache ls --others {flags}")).unwrap_err();
            assert!(fault.kind.exit_status() == 2 && fault.message.contains(wanted) && fault.hint.is_some(), "{fault}");
        }
    }

    #[test]
    fn warnings_are_counted_and_told_when_asked_for() {
        let told = |line: &str| {
            let mut console = Console::new(Format::Human);
            console.run(&Arc::new(FakeDesk::new()), line).unwrap();
            console.stderr()
        };
        assert!(told("cache ls").contains("Warning: 1 thing in the cache"));
        assert!(told("cache ls --show-warnings").contains("Warning: a stray folder"));
    }
}
