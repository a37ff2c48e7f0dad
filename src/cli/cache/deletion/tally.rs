//! How much of each kind a plan deletes.

use std::fmt;

use crate::cli::text::counted;
use crate::desk::{CacheListing, DeletionPlan, DeletionTarget, LeftoverKind, RepoKey};

/// Counts of what a plan deletes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Whole repositories.
    pub repos: usize,
    /// Revisions, those of whole repositories among them.
    pub revisions: usize,
    /// Those of them whose repository stays.
    partial_revisions: usize,
    /// Files named by themselves, or with their variant.
    pub files: usize,
    /// Unfinished downloads.
    pub incomplete: usize,
    /// Whole blobs, and whatever else no snapshot uses.
    pub blobs: usize,
    /// Shared payloads that nothing else uses; for people only those that were asked for by themselves.
    pub payloads: usize,
    asked_payloads: usize,
    /// Repositories whose locks are removed.
    pub locks: usize,
}

impl Tally {
    pub fn of(plan: &DeletionPlan, cache: &CacheListing) -> Self {
        let mut tally = Self {
            repos: plan.repos.len(),
            revisions: plan.revisions.len(),
            partial_revisions: plan.revisions.iter().filter(|(repo, _)| !plan.repos.contains(repo)).count(),
            payloads: plan.payloads.len(),
            ..Self::default()
        };
        for target in &plan.targets {
            match target {
                DeletionTarget::Repo(_) | DeletionTarget::Revision { .. } => {}
                DeletionTarget::Files { files, .. } => tally.files += files.len(),
                DeletionTarget::Leftover { repo, name } if is_download(cache, repo, name) => tally.incomplete += 1,
                DeletionTarget::Leftover { .. } => tally.blobs += 1,
                DeletionTarget::Payload(_) => tally.asked_payloads += 1,
                DeletionTarget::Locks(_) => tally.locks += 1,
            }
        }
        tally
    }
}

/// Whether what is left over is an unfinished download.
fn is_download(cache: &CacheListing, repo: &RepoKey, name: &str) -> bool {
    let leftover = cache.find(repo).and_then(|repo| repo.leftovers.iter().find(|leftover| leftover.name == name));
    leftover.is_some_and(|leftover| matches!(leftover.kind, LeftoverKind::Partial | LeftoverKind::Incomplete))
}

impl fmt::Display for Tally {
    /// In words: `1 repository, 2 revisions and 3 files`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.repos, "repository", "repositories"),
            (self.partial_revisions, "revision", "revisions"),
            (self.files, "file", "files"),
            (self.incomplete, "unfinished download", "unfinished downloads"),
            (self.blobs, "blob left over", "blobs left over"),
            (self.asked_payloads, "unused shared payload", "unused shared payloads"),
            (self.locks, "set of stale locks", "sets of stale locks"),
        ];
        let words: Vec<String> =
            parts.into_iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| counted(count, one, many)).collect();
        match &words[..] {
            [] => out.write_str("nothing"),
            [one] => out.write_str(one),
            [most @ .., last] => write!(out, "{} and {last}", most.join(", ")),
        }
    }
}
