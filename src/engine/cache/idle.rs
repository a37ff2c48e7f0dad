//! Whether somebody downloads what is to go, by the locks that downloads take, and keeping them from it while it goes.

use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::Cache;
use super::deletion::folder;
use super::going::{Step, What};
use super::layout::LOCKS;
use super::moves::group;
use super::record::Move;
use crate::desk::{Fault, FaultKind, RepoKey};
use crate::engine::host::FileLock;

/// How often, and after how long each, a lock that is held is tried again: whoever starts a process holds all its locks twice until that
/// has begun.
const TRIES: u32 = 5;
const INSTANT: Duration = Duration::from_millis(20);
/// How many locks are held at once.
const MOST: usize = 256;

impl Cache {
    /// Refuses while a lock is held: any of a repository that goes whole, else that of a blob that goes.
    pub(super) fn check_idle(&self, steps: &[Step]) -> Result<(), Fault> {
        for step in steps {
            match step.what {
                What::Repo => check(locks_in(&self.root.join(LOCKS).join(&step.path)))?,
                What::Locks => check(locks_in(&self.root.join(&step.path)))?,
                What::Blob => check(self.lock_of(&step.path))?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The locks of a repository, held: nobody downloads it meanwhile. Those beyond [`MOST`] are only looked at, as each is an open file.
    pub(super) fn hold_locks(&self, repo: &RepoKey) -> Result<Vec<FileLock>, Fault> {
        let mut held = Vec::new();
        for (at, lock) in locks_in(&self.root.join(LOCKS).join(folder(repo))).iter().enumerate() {
            held.extend(take(lock)?.filter(|_| at < MOST));
        }
        Ok(held)
    }

    /// The lock of a blob, or of the unfinished download that will become one: their names begin alike.
    fn lock_of(&self, blob: &Path) -> Option<PathBuf> {
        let (repo, name) = (blob.components().next()?, blob.file_name()?.to_str()?);
        let etag = name.split('.').next().filter(|etag| !etag.is_empty())?;
        Some(self.root.join(LOCKS).join(repo).join(format!("{etag}.lock")))
            .filter(|lock| fs::symlink_metadata(lock).is_ok_and(|found| found.is_file()))
    }
}

fn check(locks: impl IntoIterator<Item = PathBuf>) -> Result<(), Fault> {
    locks.into_iter().try_for_each(|lock| take(&lock).map(drop))
}

/// Locks of what goes next, held while it goes. A blob that has no lock yet gets none.
#[derive(Default)]
pub(super) struct Guard {
    locks: Vec<FileLock>,
    /// The moves that these are for, by the names they are given.
    covered: HashSet<String>,
}

impl Guard {
    /// Holds the locks of the first of these moves, and of those after it in the same repository: at most [`MOST`] at once, as each is an
    /// open file. The others of a repository that goes whole are looked at, and those of later blobs are held when it is their turn.
    pub(super) fn stand(&mut self, cache: &Cache, rest: &[Move]) -> Result<(), Fault> {
        let Some(first) = rest.first().filter(|first| !self.covered.contains(&first.to)) else { return Ok(()) };
        *self = Self::default();
        let locks = match first.what {
            What::Repo => locks_in(&cache.root.join(LOCKS).join(&first.from)),
            What::Locks => locks_in(&cache.root.join(&first.from)),
            _ => self.cover(cache, rest.iter().take_while(|moved| group(&moved.from) == group(&first.from))),
        };
        self.covered.insert(first.to.clone());
        for (at, lock) in locks.iter().enumerate() {
            self.locks.extend(take(lock)?.filter(|_| at < MOST));
        }
        Ok(())
    }

    /// The locks of as many moves as can be held at once.
    fn cover<'m>(&mut self, cache: &Cache, moves: impl Iterator<Item = &'m Move>) -> Vec<PathBuf> {
        let mut locks = Vec::new();
        for moved in moves {
            if locks.len() == MOST {
                break;
            }
            locks.extend(Some(moved).filter(|moved| moved.what == What::Blob).and_then(|moved| cache.lock_of(&moved.from)));
            locks.dedup(); // a partial and its journal have one
            self.covered.insert(moved.to.clone());
        }
        locks
    }
}

fn locks_in(folder: &Path) -> Vec<PathBuf> {
    let locks = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_file = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    locks.filter(is_file).map(|lock| lock.path()).collect()
}

/// Takes a lock. One that is held for no longer than an instant is no download; one that this user may not open says nothing.
fn take(lock: &Path) -> Result<Option<FileLock>, Fault> {
    for at in 0..=TRIES {
        if at > 0 {
            thread::sleep(INSTANT);
        }
        match FileLock::try_acquire(lock, 0o664) {
            Ok(None) => {}
            taken => return Ok(taken.unwrap_or_default()),
        }
    }
    let message = format!("a download is under way: {} is locked", lock.display());
    Err(Fault::new(FaultKind::Busy, message).hint("pause or cancel the download, then try again"))
}

#[cfg(test)]
mod tests {
    use super::super::record::Record;
    use super::super::testkit::{self, add, plan, whole};
    use super::*;
    use crate::desk::{DeletionTarget, Disposal};

    const FILES: &[(&str, &[u8])] = &[("b.json", b"{}"), ("x.bin", b"payload")];

    fn moves(cache: &Cache, target: DeletionTarget) -> Vec<Move> {
        let planned = cache.plan_now(&[target]).unwrap();
        Record::new(&planned, Disposal::Forever, Duration::ZERO).moves
    }

    #[test]
    fn the_locks_of_what_goes_are_held_while_it_goes() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let files = &plan("org/m", FILES).files;
        for file in files {
            drop(place.lock(file).unwrap());
        }
        let file = DeletionTarget::Files { repo: testkit::key("org/m"), commit: None, files: vec!["x.bin".into()] };
        for (target, held) in [(file, [false, true]), (whole("org/m"), [true, true])] {
            let (mut guard, moves) = (Guard::default(), moves(&cache, target));
            guard.stand(&cache, &moves).unwrap();
            let is_held = |at: usize| place.lock(&files[at]).unwrap().is_none();
            assert_eq!([is_held(0), is_held(1)], held, "{moves:?}");
            drop(guard);
            assert!(!is_held(0) && !is_held(1));
        }
        let _held = place.lock(&files[1]).unwrap();
        assert_eq!(Guard::default().stand(&cache, &moves(&cache, whole("org/m"))).unwrap_err().kind, FaultKind::Busy);
    }
}
