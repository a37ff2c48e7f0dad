//! What lies in the folder that a Hub serves: repositories, their files, and what those hash to. Knows nothing of HTTP.

mod card;
mod catalog;
mod digests;
mod facts;
mod git;
mod history;
mod lfs;
mod library;
mod snapshot;
mod walk;

pub use catalog::Repo;
pub use git::lfs_pointer;
pub use library::{Library, OpenFile};
pub use snapshot::{Snapshot, StoredFile};
