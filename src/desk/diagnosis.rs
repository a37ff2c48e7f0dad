//! What is wrong with a cache, and what mending it means.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What kind of trouble a finding is. The names are stable: programs match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A snapshot's link leads to no blob; the official client hides the whole repository.
    BrokenLink,
    /// A ref names a commit that has no snapshot; the official client hides the whole repository.
    DanglingRef,
    /// A ref has more than its commit in it, such as a line break, and is not found offline.
    MalformedRef,
    /// A repository without a `snapshots` folder; the official client warns of it.
    NoSnapshots,
    /// Something that belongs to no repository; the official client warns of it.
    ForeignEntry,
    /// Other users of a shared cache cannot read or write what they need to.
    Permissions,
    /// Files of several owners, of which this user cannot remove some.
    Ownership,
    /// An unfinished download of another program, which that does not resume.
    StalePartial,
    /// A file named like another program's unfinished download that has its full length: the official client up to 1.17 takes it for whole.
    FullLengthPartial,
    /// The filesystem has no symbolic links, so that every revision has its own copies.
    NoSymlinks,
    /// The filesystem grants every lock to everybody.
    NoLocks,
    /// Payloads of the shared store that nothing uses.
    OrphanPayload,
    /// A payload of the shared store without a readable list of its users, which nobody removes.
    UnlistedPayload,
    /// Locks of repositories that are gone.
    StaleLocks,
    /// A deletion that was interrupted.
    InterruptedDeletion,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Something takes room or will bite.
    Warning,
    /// Something does not work.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of trouble.
    pub trouble: Trouble,
    /// How much it matters.
    pub severity: Severity,
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong, and what follows from it: one sentence without a full stop. Safe to print.
    pub message: String,
    /// What mending does: one sentence without a full stop. `None` where only the person can.
    pub mend: Option<String>,
    /// What the person can do where mending cannot: a sentence or a command.
    pub advice: Option<String>,
}

/// What mending came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MendReport {
    /// What was mended.
    pub mended: Vec<Finding>,
    /// What could not be mended, one sentence each.
    pub failures: Vec<String>,
}
