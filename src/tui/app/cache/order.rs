//! The orders that repositories are shown in.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::desk::CachedRepo;

/// What the repositories are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheSort {
    /// The largest first.
    #[default]
    Size,
    /// The longest unused first.
    LastUsed,
    /// The longest unchanged first.
    Age,
    /// By name.
    Name,
}

impl CacheSort {
    /// The order in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Size => "largest first",
            Self::LastUsed => "longest unused first",
            Self::Age => "oldest change first",
            Self::Name => "by name",
        }
    }

    /// The next one, round and round.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Size => Self::LastUsed,
            Self::LastUsed => Self::Age,
            Self::Age => Self::Name,
            Self::Name => Self::Size,
        }
    }

    /// Puts repositories into this order; equal ones by name, so that no reading shuffles them.
    pub(super) fn apply(self, repos: &mut [Arc<CachedRepo>]) {
        repos.sort_unstable_by(|a, b| {
            let first = match self {
                Self::Size => Reverse(a.size).cmp(&Reverse(b.size)),
                Self::LastUsed => a.last_accessed.cmp(&b.last_accessed),
                Self::Age => a.last_modified.cmp(&b.last_modified),
                Self::Name => std::cmp::Ordering::Equal,
            };
            first.then_with(|| a.key.cmp(&b.key))
        });
    }
}
