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
    /// Bytes that come free when it is emptied.
    pub size: u64,
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// When it is emptied by itself.
    pub kept_until: Timestamp,
}
