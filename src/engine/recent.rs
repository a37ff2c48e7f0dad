//! The last few analyses, so that a plan made from what a person looks at does not ask the Hub again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::desk::{Analysis, RepoRef};

/// How many are kept: as many as a person compares.
const KEPT: usize = 8;

/// How long one is good for. Its commit is fixed, so it grows stale only in what a branch points at.
const FRESH: Duration = Duration::from_secs(300);

/// The last few analyses, newest last.
#[derive(Default)]
pub(super) struct Recent(Mutex<VecDeque<(Instant, Arc<Analysis>)>>);

impl Recent {
    /// Keeps an analysis in place of an older one of the same repository and revision.
    pub fn remember(&self, analysis: &Arc<Analysis>) {
        let mut kept = self.lock();
        kept.retain(|(_, other)| other.repo != analysis.repo);
        kept.push_back((Instant::now(), Arc::clone(analysis)));
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }

    /// Forgets what a revision offered at any other commit than this one.
    pub fn forget_others(&self, repo: &RepoRef, commit: &str) {
        self.lock().retain(|(_, analysis)| analysis.repo != *repo || analysis.commit == commit);
    }

    /// A fresh analysis of this repository at this revision.
    pub fn find(&self, repo: &RepoRef) -> Option<Arc<Analysis>> {
        self.kept(repo, FRESH)
    }

    /// The last analysis of this repository at this revision, however old.
    pub fn last(&self, repo: &RepoRef) -> Option<Arc<Analysis>> {
        self.kept(repo, Duration::MAX)
    }

    fn kept(&self, repo: &RepoRef, at_most: Duration) -> Option<Arc<Analysis>> {
        let kept = self.lock();
        let found = kept.iter().find(|(at, analysis)| at.elapsed() < at_most && &analysis.repo == repo);
        found.map(|(_, analysis)| Arc::clone(analysis))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Instant, Arc<Analysis>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
