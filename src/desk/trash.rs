//! What was deleted and can be brought back.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::deletion::DeletionTarget;

/// The name of one deletion in the trash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrashId(pub String);

impl fmt::Display for TrashId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// One deletion in the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashEntry {
    /// Its name.
    pub id: TrashId,
    /// What was deleted.
    pub targets: Vec<DeletionTarget>,
    /// Bytes that come free when it is emptied, counted as its plan counted them: what faces show.
    ///
    /// A file that a snapshot used counts by its length, as in the official client, even where it takes less of the disk because it
    /// has holes.
    #[serde(default)]
    pub frees: u64,
    /// Bytes that it takes on the disk, in whole blocks: of everything in it, the smallest files and listings among them, but of
    /// nothing that has a name elsewhere.
    pub size: u64,
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// When it is emptied by itself.
    pub kept_until: Timestamp,
}

/// What bringing a deletion back did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReport {
    /// What came back.
    pub restored: TrashEntry,
    /// Branches and tags that have moved on since and were left as they are now, one sentence each. What they named is back.
    pub moved_on: Vec<String>,
    /// Why the rest could not come back, one sentence each.
    pub failures: Vec<String>,
    /// The rest, which is still in the trash.
    pub kept: Option<TrashEntry>,
}
