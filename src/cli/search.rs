//! `search`: repositories on the Hub.

use clap::{Args, ValueEnum, value_parser};

use super::cell::Cell;
use super::format::FormatArgs;
use super::output::Output;
use super::table::{Column, Table};
use super::values;
use crate::desk::{Desk, Fault, Hit, RepoKind, SearchPage, SearchQuery, Sort};

/// The most repositories to ask for at once.
const PAGE: u32 = 100;

/// The values of `--sort`.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum SortName {
    Downloads,
    Likes,
    LastModified,
    CreatedAt,
    TrendingScore,
}

impl From<SortName> for Sort {
    fn from(name: SortName) -> Self {
        match name {
            SortName::Downloads => Self::Downloads,
            SortName::Likes => Self::Likes,
            SortName::LastModified => Self::LastModified,
            SortName::CreatedAt => Self::CreatedAt,
            SortName::TrendingScore => Self::Trending,
        }
    }
}

/// Flags of `search`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui search qwen3 --filter gguf --limit 5
  hfdesk-tui search --author unsloth --sort last_modified
  hfdesk-tui search llama -q | xargs -n1 hfdesk-tui analyze")]
pub struct SearchArgs {
    /// Words in the repository's name; without any, everything is listed
    query: Option<String>,
    /// Only repositories of this user or organization
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Only repositories with this tag, such as gguf or text-generation; can be repeated
    #[arg(long, value_name = "TAG")]
    filter: Vec<String>,
    /// The order, largest or newest first
    #[arg(long, value_name = "ORDER", value_enum, default_value = "downloads")]
    sort: SortName,
    /// The most results
    #[arg(long, value_name = "N", default_value = "20", value_parser = value_parser!(u32).range(1..))]
    limit: u32,
    /// What to look for
    #[arg(long = "type", alias = "repo-type", value_name = "TYPE", value_parser = values::kind(), default_value = "model")]
    kind: RepoKind,
    #[command(flatten)]
    pub(super) output: FormatArgs,
}

impl SearchArgs {
    fn query(&self) -> SearchQuery {
        SearchQuery {
            kind: self.kind,
            text: self.query.clone().unwrap_or_default(),
            author: self.author.clone(),
            filters: self.filter.clone(),
            sort: self.sort.into(),
            limit: self.limit.min(PAGE),
        }
    }
}

const COLUMNS: [Column<Hit>; 10] = [
    Column::shown("id", |hit| Cell::text(hit.id.as_str())),
    Column::json("repo_type", |hit| Cell::text(hit.kind.name())),
    Column::shown("downloads", |hit| Cell::count(hit.downloads)),
    Column::shown("likes", |hit| Cell::count(hit.likes)),
    Column::shown("last_modified", |hit| Cell::maybe(hit.last_modified, Cell::time)),
    Column::shown("task", |hit| Cell::maybe(hit.task.as_ref(), Cell::text)),
    Column::shown("gated", |hit| Cell::flag(hit.gated)),
    Column::json("private", |hit| Cell::flag(hit.private)),
    Column::json("library", |hit| Cell::maybe(hit.library.as_ref(), Cell::text)),
    Column::json("tags", |hit| Cell::list(&hit.tags)),
];

pub(super) async fn run(desk: &dyn Desk, args: &SearchArgs, out: &mut Output) -> Result<(), Fault> {
    let (hits, has_more) = collect(desk, args).await?;
    out.show(&Table::new(&COLUMNS, &hits))?;
    if has_more {
        out.hint(&format!("there are more; raise --limit above {} to see them", args.limit));
    }
    Ok(())
}

/// As many hits as asked for, from as many pages as that takes, and whether there are more.
async fn collect(desk: &dyn Desk, args: &SearchArgs) -> Result<(Vec<Hit>, bool), Fault> {
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let SearchPage { mut hits, mut next } = desk.search(args.query(), None).await?;
    while hits.len() < limit && next.is_some() {
        let page = desk.search(args.query(), next).await?;
        hits.extend(page.hits);
        next = page.next;
    }
    let has_more = next.is_some() || hits.len() > limit;
    hits.truncate(limit);
    Ok((hits, has_more))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::Format;
    use crate::cli::fake::{Console, FakeDesk, three_ways};
    use crate::desk::PageToken;

    #[test]
    fn results_read_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "search qwen3 --filter gguf"));
    }

    #[test]
    fn no_results_are_no_error() {
        let desk = Arc::new(FakeDesk { pages: vec![SearchPage::default()], ..FakeDesk::new() });
        assert_eq!(
            three_ways(&desk, "search x"),
            "## Human\nNo results found.\n## stderr\n\n## Json\n[]\n## stderr\n\n## Quiet\n## stderr\n"
        );
    }

    /// The number of results for this limit where the Hub has two pages of two, and what is said beside them.
    fn limited(limit: &str) -> (usize, String) {
        let page = FakeDesk::new().pages.remove(0);
        let first = SearchPage { next: Some(PageToken("1".to_owned())), ..page.clone() };
        let desk = Arc::new(FakeDesk { pages: vec![first, page], ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        console.run(&desk, &format!("search --limit {limit}")).unwrap();
        (console.stdout().lines().count() - 1, console.stderr())
    }

    #[test]
    fn pages_are_followed_up_to_the_limit() {
        assert_eq!(limited("9"), (4, String::new()));
        let (count, hint) = limited("3");
        assert!(count == 3 && hint.starts_with("Hint: there are more"), "{hint}");
        assert_eq!(limited("2").0, 2);
    }
}
