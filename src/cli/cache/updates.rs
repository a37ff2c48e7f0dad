//! `cache updates`: which cached repositories have something newer; fetching it, and deleting what it replaced.

mod old;
mod told;

use clap::Args;
use futures::StreamExt;

use super::target::{CacheTarget, cache_target};
use crate::cli::download;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::desk::{self, CacheListing, Desk, Fault, FaultKind, RepoKey, Update, UpdateStep, UpdateVerdict};
use told::{Row, Told};

/// Flags of `cache updates`.
#[derive(Args, Debug)]
#[command(after_help = "\
Asks the Hub which commit each cached branch and tag means now and, where that is another one,
compares the files that are held: current, newer (a file that is held changed or is gone),
newer_same_files (only other files changed), gone, no_access or unknown. With -q only what has an
update is listed.

Examples:
  hfdesk-tui cache updates
  hfdesk-tui cache updates Qwen/Qwen3-8B-GGUF --fetch
  hfdesk-tui cache updates --fetch --prune-old --yes")]
pub struct UpdatesArgs {
    /// Repositories of the cache: [model/]owner/name, or the URL of a page; none means all
    #[arg(value_name = "REPO", value_parser = cache_target)]
    repos: Vec<CacheTarget>,
    /// Download what changed of the files that are held, and move the branches and tags to their new commits
    #[arg(long)]
    fetch: bool,
    /// Then delete the revisions that were replaced, where nothing else leads to them and the new ones have all their files
    #[arg(long, requires = "fetch")]
    prune_old: bool,
    /// Delete them without asking
    #[arg(short, long, requires = "prune_old")]
    yes: bool,
}

impl UpdatesArgs {
    /// Whether anything is queued at all.
    pub(super) fn downloads(&self) -> bool {
        self.fetch
    }
}

pub(super) async fn run(desk: &dyn Desk, args: &UpdatesArgs, out: &mut Output) -> Result<(), Fault> {
    if args.prune_old && !args.yes {
        out.must_be_able_to_ask()?;
    }
    let cache = desk.cache().await?;
    let repos = args.repos.iter().map(|target| Ok(target.find(&cache)?.key.clone())).collect::<Result<Vec<_>, Fault>>()?;
    let mut told = checked(desk, repos, &cache, out).await?;
    let failed = if args.fetch { fetch(desk, &mut told.rows, out).await } else { None };
    let mut declined = None;
    if args.prune_old {
        match old::delete(desk, &told.rows, args.yes, out).await {
            Err(fault) if fault.kind == FaultKind::Declined => declined = Some(fault),
            deleted => told.deleted = deleted?,
        }
    }
    out.show(&told.sheet(out.format()))?;
    told.remarks(args.fetch, out);
    let deleted = told.deleted.as_ref().map_or(Ok(()), |deleted| super::deletion::failures(&deleted.report, out));
    failed.or(declined).map_or(deleted, Err)
}

/// What the Hub says, in the order of repositories. A fault where it says nothing at all.
async fn checked(desk: &dyn Desk, repos: Vec<RepoKey>, cache: &CacheListing, out: &mut Output) -> Result<Told, Fault> {
    let total = if repos.is_empty() { cache.repos.len() } else { repos.len() };
    let mut told = Told::default();
    let mut steps = desk.updates(repos);
    loop {
        match steps.next().await.unwrap_or_else(UpdateStep::broken_off) {
            UpdateStep::Checked { updates, .. } => {
                told.checked += 1;
                told.rows.extend(updates.into_iter().map(Row::from));
                progress(told.checked, total, out);
            }
            UpdateStep::Done => break,
            UpdateStep::Failed(fault) => return Err(fault),
        }
    }
    out.clear_progress();
    told.rows.sort_by(|a, b| (&a.update.repo, a.update.revision.as_str()).cmp(&(&b.update.repo, b.update.revision.as_str())));
    unanswered(&told.rows).map_or(Ok(told), Err)
}

fn progress(checked: usize, total: usize, out: &mut Output) {
    if out.format() == Format::Human && out.progress_width().is_some() {
        out.progress(&format!("asked about {checked} of {total}"));
    }
}

/// Why nothing is known of any branch or tag.
fn unanswered(rows: &[Row]) -> Option<Fault> {
    let all = rows.iter().all(|row| row.update.verdict() == UpdateVerdict::Unknown);
    rows.first().filter(|_| all)?.update.fault.clone()
}

/// Takes every update. One that fails keeps none of the others; the first fault is the answer.
async fn fetch(desk: &dyn Desk, rows: &mut [Row], out: &mut Output) -> Option<Fault> {
    let mut failed = None;
    for row in rows {
        match taken(desk, &row.update, out).await {
            Ok(taken) => row.fetched = taken,
            Err(fault) => {
                out.warning(&format!("{} was not updated: {}", row.name(), fault.message));
                failed.get_or_insert(fault);
            }
        }
    }
    failed
}

/// Downloads one update; `false` where there is none to take.
async fn taken(desk: &dyn Desk, update: &Update, out: &mut Output) -> Result<bool, Fault> {
    let Some(selection) = update.selection() else { return Ok(false) };
    if update.verdict() == UpdateVerdict::NewerSameFiles && update.bytes_to_fetch > 0 {
        out.note(&format!("{} at {} stays: no file that is held changed, and they would be fetched again", update.repo, update.revision));
        return Ok(false);
    }
    if out.format() == Format::Human {
        let (size, at) = (desk::bytes(update.bytes_to_fetch), &update.revision);
        out.note(&format!("Updating {} at {at}, {size} to fetch", update.repo));
    }
    let plan = update.moves(desk.plan(selection).await?);
    // The branch has moved by now, so that asking again would find nothing to do.
    download::bring(desk, &plan, None, |id| format!("go on with: hfdesk-tui jobs retry {id}"), out).await?;
    Ok(true)
}

#[cfg(test)]
mod tests;
