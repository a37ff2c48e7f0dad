//! What the kernel lets this process have.

use rustix::process::{Resource, getrlimit, setrlimit};

/// So many open files are enough for anything, and macOS allows no more (its `OPEN_MAX`).
const ENOUGH: u64 = 10_240;

/// Lets this process open as many files as it may. Linux begins at 1,024 for the sake of programs that use `select` (getrlimit(2)), and
/// connections together with small files on their way to the disk can come near that.
pub fn allow_many_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(ENOUGH).min(ENOUGH);
    if limit.current.is_some_and(|now| now < most) {
        limit.current = Some(most);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the number of open files stays as it is");
        }
    }
}
