//! The cache pane: what is on the disk and what of it is marked.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::Step;
use super::msg::{Effect, Effects, Seq};
use crate::desk::{CacheListing, CachedRepo, Fault, RepoId, RepoKey, RepoKind};

/// What the repositories are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheSort {
    /// The largest first.
    #[default]
    Size,
    /// The longest unused first.
    LastUsed,
    /// By name.
    Name,
}

impl CacheSort {
    /// The order in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Size => "largest first",
            Self::LastUsed => "longest unused first",
            Self::Name => "by name",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Size => Self::LastUsed,
            Self::LastUsed => Self::Name,
            Self::Name => Self::Size,
        }
    }

    fn apply(self, repos: &mut [Arc<CachedRepo>]) {
        match self {
            Self::Size => repos.sort_by_key(|repo| Reverse(repo.size)),
            Self::LastUsed => repos.sort_by_key(|repo| repo.last_accessed),
            Self::Name => repos.sort_by(|a, b| a.key.cmp(&b.key)),
        }
    }
}

/// What is on the disk and what of it is marked.
#[derive(Clone, Debug, Default)]
pub struct CachePane {
    /// What is on the disk, once that is known.
    pub listing: Option<CacheListing>,
    /// The row of the cursor.
    pub cursor: usize,
    /// The marked repositories.
    pub marks: BTreeSet<RepoKey>,
    /// The order.
    pub sort: CacheSort,
    /// Whether a listing is on its way.
    pub loading: bool,
    /// Whether a deletion plan is on its way.
    pub planning: bool,
    /// Why the last reading failed.
    pub fault: Option<Fault>,
    seq: Seq,
}

impl CachePane {
    /// The repositories on the disk.
    pub fn repos(&self) -> &[Arc<CachedRepo>] {
        self.listing.as_ref().map_or(&[], |listing| &listing.repos)
    }

    /// The repository under the cursor.
    pub fn current(&self) -> Option<&CachedRepo> {
        self.repos().get(self.cursor).map(AsRef::as_ref)
    }

    /// Size in bytes of the marked repositories, as each counts by itself.
    pub fn marked_size(&self) -> u64 {
        self.repos().iter().filter(|repo| self.marks.contains(&repo.key)).map(|repo| repo.size).sum()
    }

    /// Whether the disk has been read.
    pub fn is_loaded(&self) -> bool {
        self.listing.is_some()
    }

    /// What is known of a repository on the disk.
    pub fn held(&self, kind: RepoKind, id: &RepoId) -> Option<&CachedRepo> {
        self.repos().iter().map(AsRef::as_ref).find(|repo| repo.key.kind == kind && repo.key.id == *id)
    }

    /// Reads the disk unless that has been done or is under way.
    pub(super) fn load(&mut self) -> Effects {
        if self.listing.is_some() || self.loading { Effects::new() } else { self.refresh() }
    }

    /// Reads the disk again. What is shown stays meanwhile; replies to older requests are stale from now on.
    pub(super) fn refresh(&mut self) -> Effects {
        self.seq += 1;
        self.loading = true;
        self.planning = false;
        vec![Effect::LoadCache(self.seq)]
    }

    /// Takes a listing in, unless it is stale.
    pub(super) fn receive(&mut self, seq: Seq, reply: Result<CacheListing, Fault>) {
        if seq != self.seq {
            return;
        }
        self.loading = false;
        match reply {
            Ok(listing) => self.show(listing),
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn show(&mut self, mut listing: CacheListing) {
        self.fault = None;
        self.sort.apply(&mut listing.repos);
        self.marks.retain(|key| listing.repos.iter().any(|repo| repo.key == *key));
        self.cursor = self.cursor.min(listing.repos.len().saturating_sub(1));
        self.listing = Some(listing);
    }

    /// Moves the cursor.
    pub(super) fn step(&mut self, step: Step, page: usize) {
        self.cursor = step.from(self.cursor, self.repos().len(), page);
    }

    /// Marks or unmarks the repository under the cursor and goes on to the next.
    pub(super) fn mark(&mut self) {
        let Some(key) = self.current().map(|repo| repo.key.clone()) else { return };
        if !self.marks.remove(&key) {
            self.marks.insert(key);
        }
        self.step(Step::Down, 1);
    }

    /// Marks every repository, or none when every one is marked.
    pub(super) fn mark_all(&mut self) {
        let all: BTreeSet<RepoKey> = self.repos().iter().map(|repo| repo.key.clone()).collect();
        self.marks = if self.marks == all { BTreeSet::new() } else { all };
    }

    /// Takes the next order, from its beginning.
    pub(super) fn next_sort(&mut self) {
        self.sort = self.sort.next();
        self.cursor = 0;
        if let Some(listing) = &mut self.listing {
            self.sort.apply(&mut listing.repos);
        }
    }

    /// Asks what deleting the marked repositories, or the one under the cursor, would do.
    pub(super) fn plan(&mut self) -> Effects {
        let keys: Vec<RepoKey> = match self.current() {
            Some(repo) if self.marks.is_empty() => vec![repo.key.clone()],
            _ => self.marks.iter().cloned().collect(),
        };
        if keys.is_empty() {
            return Effects::new();
        }
        self.planning = true;
        vec![Effect::PlanDeletion(self.seq, keys)]
    }

    /// Whether a deletion plan's reply is still wanted. It is asked for once.
    pub(super) fn expects_plan(&mut self, seq: Seq) -> bool {
        seq == self.seq && std::mem::take(&mut self.planning)
    }
}
