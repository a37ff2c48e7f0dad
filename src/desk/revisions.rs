//! The revisions of a repository that a person can choose from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::repo::Revision;

/// A branch or a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedRevision {
    /// Its name, such as `main` or `v1.0`.
    pub name: Revision,
    /// The commit that it means now: 40 hexadecimal digits.
    pub commit: String,
}

/// A commit. All text is printable and bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its name: 40 hexadecimal digits.
    pub commit: Revision,
    /// The first line of what its authors say about it.
    pub title: String,
    /// Who made it.
    pub authors: Vec<String>,
    /// When.
    pub date: Option<Timestamp>,
}

/// The revisions of a repository that a person can choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisions {
    /// The branches, in the Hub's order.
    pub branches: Vec<NamedRevision>,
    /// The tags, in the Hub's order.
    pub tags: Vec<NamedRevision>,
    /// The newest commits that led to the revision asked about, the newest first.
    pub commits: Vec<Commit>,
}

impl Revisions {
    /// How many there are to choose from.
    pub fn len(&self) -> usize {
        self.branches.len() + self.tags.len() + self.commits.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What each is chosen by: branches, then tags, then commits.
    pub fn names(&self) -> impl Iterator<Item = &Revision> {
        let named = self.branches.iter().chain(&self.tags).map(|named| &named.name);
        named.chain(self.commits.iter().map(|commit| &commit.commit))
    }
}
