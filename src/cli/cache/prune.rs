//! `cache prune`: delete what nothing leads to.

use std::path::Path;

use clap::Args;
use jiff::Timestamp;

use super::deletion::{self, HowArgs};
use crate::cli::output::Output;
use crate::cli::values;
use crate::desk::{
    CacheFilter, CacheListing, CachedRepo, CachedRevision, DeletionPlan, DeletionTarget, Desk, Fault, FaultKind, Finding, LeftoverKind,
    RepoKey, RepoKind, Trouble,
};

/// Flags of `cache prune`.
#[derive(Args, Debug)]
#[command(after_help = "\
Deletes revisions that no branch or tag points at, unfinished downloads, blobs that no snapshot
uses, shared payloads that no repository uses, and locks of repositories that are gone. What is
pinned stays, and so does what an unfinished job needs or a program has open.

Examples:
  hfdesk-tui cache prune --dry-run
  hfdesk-tui cache prune --unused-for 90d --trash")]
pub struct PruneArgs {
    #[command(flatten)]
    how: HowArgs,
    /// Delete whole repositories, too, that were last used longer ago than this, for example 30d, 6mo or 1y
    #[arg(long, value_name = "TIME", value_parser = values::unused_for)]
    unused_for: Option<CacheFilter>,
    /// Keep unfinished downloads, so that they can go on
    #[arg(long)]
    keep_partials: bool,
}

pub(super) async fn run(desk: &dyn Desk, args: &PruneArgs, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    let mut targets = args.targets(&cache, Timestamp::now());
    let findings = desk.diagnose().await?;
    targets.extend(stale_locks(&findings));
    if !args.changes() && findings.iter().any(|finding| finding.trouble == Trouble::InterruptedDeletion && finding.mend.is_some()) {
        out.note("a deletion was interrupted, and is finished before anything is deleted; see hfdesk-tui cache doctor");
    }
    pinned(&cache, args, out);
    damaged(&cache, out);
    let plan = without_what_is_needed(desk, &cache, targets, out).await?;
    if plan.targets.is_empty() {
        return deletion::nothing(&cache, &args.how, out);
    }
    deletion::carry_out(desk, &cache, plan, &args.how, out).await
}

impl PruneArgs {
    /// Whether anything is to be changed.
    pub(super) fn changes(&self) -> bool {
        self.how.changes()
    }

    fn targets(&self, cache: &CacheListing, now: Timestamp) -> Vec<DeletionTarget> {
        let free = cache.repos.iter().filter(|repo| !cache.pins.contains(&repo.key));
        let payloads = cache.orphans.iter().map(|orphan| DeletionTarget::Payload(orphan.hash.clone()));
        free.flat_map(|repo| self.of(repo, now)).chain(payloads).collect()
    }

    /// What goes of one repository.
    fn of(&self, repo: &CachedRepo, now: Timestamp) -> Vec<DeletionTarget> {
        if self.unused_for.as_ref().is_some_and(|unused| unused.takes(repo, false, now)) {
            return vec![DeletionTarget::Repo(repo.key.clone())];
        }
        let detached = repo.detached_revisions();
        let revisions = detached.map(|revision| DeletionTarget::Revision { repo: repo.key.clone(), commit: revision.commit.clone() });
        let leftovers = repo.leftovers.iter().filter(|leftover| self.goes(leftover.kind));
        let leftovers = leftovers.map(|leftover| DeletionTarget::Leftover { repo: repo.key.clone(), name: leftover.name.clone() });
        revisions.chain(leftovers).collect()
    }

    fn goes(&self, kind: LeftoverKind) -> bool {
        match kind {
            LeftoverKind::Partial | LeftoverKind::Incomplete => !self.keep_partials,
            LeftoverKind::Blob => true,
            LeftoverKind::Other => false,
        }
    }
}

/// Locks of repositories that are gone.
fn stale_locks(findings: &[Finding]) -> impl Iterator<Item = DeletionTarget> {
    let stale = findings.iter().filter(|finding| finding.trouble == Trouble::StaleLocks);
    stale.filter_map(|finding| locked(&finding.path)).map(DeletionTarget::Locks)
}

/// The repository whose locks a folder has: `models--owner--name`.
fn locked(folder: &Path) -> Option<RepoKey> {
    let (kind, id) = folder.file_name()?.to_str()?.split_once("--")?;
    Some(RepoKey { kind: RepoKind::from_name(kind)?, id: id.replacen("--", "/", 1).parse().ok()? })
}

/// Says where a branch may have been, so that nothing is called detached.
fn damaged(cache: &CacheListing, out: &mut Output) {
    for repo in cache.repos.iter().filter(|repo| repo.damaged && repo.revisions.iter().any(CachedRevision::is_detached)) {
        out.note(&format!("{} is damaged, so its revisions are left alone; see hfdesk-tui cache doctor", repo.key));
    }
}

/// Says what is left alone because it is pinned.
fn pinned(cache: &CacheListing, args: &PruneArgs, out: &mut Output) {
    let pinned = cache.repos.iter().filter(|repo| cache.pins.contains(&repo.key));
    for repo in pinned.filter(|repo| !args.of(repo, Timestamp::now()).is_empty()) {
        out.note(&format!("{} is pinned and is left alone", repo.key));
    }
}

/// The plan for all that nobody needs; what somebody does need is left out, and why is said.
pub(super) async fn without_what_is_needed(
    desk: &dyn Desk,
    cache: &CacheListing,
    targets: Vec<DeletionTarget>,
    out: &mut Output,
) -> Result<DeletionPlan, Fault> {
    if targets.is_empty() {
        return Ok(deletion::empty(cache));
    }
    let targets = match desk.plan_deletion(targets.clone()).await {
        Ok(plan) if plan.open_files.is_empty() => return Ok(plan),
        Ok(plan) => closed(plan, out),
        Err(fault) if is_needed(&fault) => allowed(desk, targets, out).await?,
        Err(fault) => return Err(fault),
    };
    if targets.is_empty() { Ok(deletion::empty(cache)) } else { desk.plan_deletion(targets).await }
}

/// Whether a fault is about one thing that cannot be deleted now, or has gone meanwhile.
fn is_needed(fault: &Fault) -> bool {
    use FaultKind::{Busy, Conflict, EntryNotFound, NotFound, RevisionNotFound};
    matches!(fault.kind, Conflict | Busy | NotFound | RevisionNotFound | EntryNotFound)
}

/// The targets that may be deleted: those that are refused together are asked about by halves, down to the one that is needed.
async fn allowed(desk: &dyn Desk, targets: Vec<DeletionTarget>, out: &mut Output) -> Result<Vec<DeletionTarget>, Fault> {
    let mut allowed = Vec::new();
    let mut parts = vec![targets];
    while let Some(mut part) = parts.pop() {
        match (desk.plan_deletion(part.clone()).await, &part[..]) {
            (Ok(plan), _) => allowed.extend(closed(plan, out)),
            (Err(fault), _) if !is_needed(&fault) => return Err(fault),
            (Err(fault), [target]) => out.note(&format!("{target} is left alone: {}", fault.message)),
            (Err(_), _) => {
                let second = part.split_off(part.len() / 2);
                parts.extend([second, part]);
            }
        }
    }
    Ok(allowed)
}

/// The targets of a plan without unfinished downloads that a program has open: it is writing them now.
fn closed(plan: DeletionPlan, out: &mut Output) -> Vec<DeletionTarget> {
    let mut targets = plan.targets;
    for file in &plan.open_files {
        let is_open = |target: &DeletionTarget| matches!(target, DeletionTarget::Leftover { name, .. } if file.path.ends_with(Path::new("blobs").join(name)));
        if targets.iter().any(is_open) {
            targets.retain(|target| !is_open(target));
            out.note(&format!("{} is left alone: {} ({}) has it open", file.path.display(), file.program, file.pid));
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::fake::{self, Console, FakeDesk, three_ways};
    use crate::cli::format::Format;
    use crate::desk::OpenFile;

    fn told(desk: FakeDesk, line: &str) -> (Vec<String>, String) {
        let desk = Arc::new(desk);
        let mut console = Console::new(Format::Quiet);
        console.run(&desk, line).unwrap();
        (console.stdout().lines().map(str::to_owned).collect(), console.stderr())
    }

    #[test]
    fn pruning_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "cache prune --yes"));
    }

    #[test]
    fn what_would_be_pruned_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "cache prune --dry-run --trash"));
    }

    #[test]
    fn unfinished_downloads_may_be_kept() {
        let (all, _) = told(FakeDesk::new(), "cache prune --dry-run");
        let (less, _) = told(FakeDesk::new(), "cache prune --dry-run --keep-partials");
        let gone: Vec<&String> = all.iter().filter(|name| !less.contains(name)).collect();
        assert_eq!(gone, ["model/Qwen/Qwen3-8B-GGUF blobs/aa.hfdesk.part", "model/Qwen/Qwen3-8B-GGUF blobs/bb.incomplete"]);
    }

    #[test]
    fn what_was_not_used_for_long_goes_whole_unless_it_is_pinned() {
        let (gone, notes) = told(FakeDesk::new(), "cache prune --dry-run --unused-for 30d");
        assert!(gone.contains(&"model/Qwen/Qwen3-8B-GGUF".to_owned()) && !gone.contains(&"model/org/twin".to_owned()), "{gone:?}");
        assert!(!gone.contains(&"dataset/org/twin".to_owned()), "nobody knows when that was used");
        assert!(notes.contains("model/org/twin is pinned and is left alone"), "{notes}");
        let (gone, _) = told(FakeDesk::new(), "cache prune --dry-run --unused-for 1000y");
        assert!(!gone.contains(&"model/gpt2".to_owned()));
    }

    #[test]
    fn who_is_shown_what_would_go_is_told_of_an_interrupted_deletion() {
        let mut findings = fake::findings();
        findings[0].trouble = Trouble::InterruptedDeletion;
        let notes = |line| told(FakeDesk { findings: findings.clone(), ..FakeDesk::new() }, line).1;
        assert!(notes("cache prune --dry-run").contains("a deletion was interrupted"));
        assert!(!notes("cache prune --yes").contains("interrupted"));
    }

    #[test]
    fn what_a_job_needs_is_left_alone_and_said() {
        let needed = DeletionTarget::Leftover { repo: fake::cache().repos[0].key.clone(), name: "aa.hfdesk.part".to_owned() };
        let (gone, notes) = told(FakeDesk { needed: vec![needed], ..FakeDesk::new() }, "cache prune --yes");
        assert!(!gone.iter().any(|name| name.contains("aa.hfdesk.part")) && gone.iter().any(|name| name.contains("bb.incomplete")));
        assert!(notes.contains("blobs/aa.hfdesk.part is left alone: an unfinished job needs it"), "{notes}");
    }

    #[test]
    fn what_a_program_writes_now_is_left_alone_and_said() {
        let path = "/cache/model/Qwen/Qwen3-8B-GGUF/blobs/bb.incomplete".into();
        let open_files = vec![OpenFile { path, program: "python3".to_owned(), pid: 7 }];
        let (gone, notes) = told(FakeDesk { open_files, ..FakeDesk::new() }, "cache prune --dry-run");
        assert!(!gone.iter().any(|name| name.contains("bb.incomplete")) && gone.iter().any(|name| name.contains("aa.hfdesk.part")));
        assert!(notes.contains("bb.incomplete is left alone: python3 (7) has it open"), "{notes}");
    }

    #[test]
    fn a_clean_cache_has_nothing_to_prune() {
        let cache = CacheListing { root: "/cache".into(), ..CacheListing::default() };
        let desk = Arc::new(FakeDesk { cache, findings: Vec::new(), ..FakeDesk::new() });
        insta::assert_snapshot!(three_ways(&desk, "cache prune"));
        assert!(desk.asked().is_empty());
    }

    #[test]
    fn locks_are_known_by_the_name_of_their_folder() {
        let locked = |name: &str| locked(&Path::new("/cache/.locks").join(name)).map(|key| key.to_string());
        assert_eq!(locked("models--org--name").as_deref(), Some("model/org/name"));
        assert_eq!(locked("datasets--squad").as_deref(), Some("dataset/squad"));
        assert_eq!(locked("models--a--b--c").or(locked("x")).or(locked("things--a")), None);
    }
}
