//! `cache pin` and `cache unpin`: protect repositories from deletion.

use clap::Args;

use super::target::{CacheTarget, cache_target};
use crate::cli::cell::Cell;
use crate::cli::output::Output;
use crate::cli::record::Record;
use crate::cli::text::counted;
use crate::desk::{CacheListing, Desk, Fault, RepoKey};

/// Flags of `cache pin` and `cache unpin`.
#[derive(Args, Debug)]
#[command(after_help = "\
What is pinned is deleted by no verb and no key of this program; other programs know nothing of it.

Examples:
  hfdesk-tui cache pin Qwen/Qwen3-8B-GGUF dataset/org/set
  hfdesk-tui cache ls --filter is:pinned
  hfdesk-tui cache unpin Qwen/Qwen3-8B-GGUF")]
pub struct PinArgs {
    /// Repositories: [model/]owner/name, hf://models/owner/name or the URL of a page
    #[arg(value_name = "REPO", value_parser = cache_target, required = true)]
    repos: Vec<CacheTarget>,
}

pub(super) async fn run(desk: &dyn Desk, args: &PinArgs, pinned: bool, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    let mut keys: Vec<RepoKey> = Vec::new();
    for target in &args.repos {
        let key = key(&cache, target, pinned)?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    for key in &keys {
        desk.pin(key.clone(), pinned).await?;
    }
    let done = if pinned { "Pinned" } else { "Unpinned" };
    let record = Record::done(format!("{done} {}", counted(keys.len(), "repository", "repositories")));
    out.show(&record.field("repos", Cell::list(keys.iter().map(ToString::to_string))).json_field("pinned", Cell::flag(pinned)))
}

/// The repository meant: one in the cache or, to be unpinned, one that is not there any more.
fn key(cache: &CacheListing, target: &CacheTarget, pinned: bool) -> Result<RepoKey, Fault> {
    match target.find(cache) {
        Ok(repo) => Ok(repo.key.clone()),
        Err(fault) => cache.pins.iter().find(|key| !pinned && target.means(key)).cloned().ok_or(fault),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::fake::{self, Console, FakeDesk, three_ways};
    use crate::cli::format::Format;

    #[test]
    fn pinning_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "cache pin gpt2 Qwen/Qwen3-8B-GGUF gpt2"));
    }

    #[test]
    fn only_what_is_there_can_be_pinned_and_what_is_pinned_unpinned() {
        let mut cache = fake::cache();
        cache.pins.insert(RepoKey { kind: crate::desk::RepoKind::Model, id: "org/gone".parse().unwrap() });
        let desk = Arc::new(FakeDesk { cache, ..FakeDesk::new() });
        let run = |line: &str| Console::new(Format::Human).run(&desk, line);
        assert!(run("cache pin gpt2 org/gone").is_err() && desk.asked().is_empty());
        run("cache unpin org/gone gpt2").unwrap();
        assert_eq!(desk.asked(), ["pin model/org/gone false", "pin model/gpt2 false"]);
    }
}
