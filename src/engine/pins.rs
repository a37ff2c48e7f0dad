//! Repositories that are not to be deleted: a small file in the state folder, by cache.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::host::{FileLock, write_atomically};
use crate::desk::{DeletionTarget, Fault, FaultKind, RepoKey};

/// How long another process is waited for that changes pins: it takes a moment.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// The pins of one cache.
#[derive(Clone, Debug)]
pub(super) struct Pins {
    file: PathBuf,
    /// The cache's folder, as text that JSON can hold.
    root: String,
}

/// What the file says.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Pinned {
    /// Pinned repositories by the folder of their cache.
    caches: BTreeMap<String, BTreeSet<RepoKey>>,
}

impl Pins {
    /// Those of the cache at `root`, kept in this state folder. A cache is the same by whichever path one comes to it.
    pub(super) fn of(state_dir: &Path, root: &Path) -> Self {
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        Self { file: state_dir.join("pins.json"), root: root.to_string_lossy().into_owned() }
    }

    /// The pinned repositories. A file that cannot be read is a fault: what is protected must not look unprotected.
    pub(super) fn load(&self) -> Result<BTreeSet<RepoKey>, Fault> {
        Ok(self.read()?.caches.remove(&self.root).unwrap_or_default())
    }

    fn read(&self) -> Result<Pinned, Fault> {
        let text = match fs::read(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Pinned::default()),
            text => text.map_err(|error| Fault::disk(format!("read {}", self.file.display()), error))?,
        };
        serde_json::from_slice(&text).map_err(|error| {
            Fault::new(FaultKind::Disk, format!("{} does not say what is pinned: {error}", self.file.display()))
                .hint("remove the file, then pin what you want to keep again")
        })
    }

    /// Pins a repository, or lifts that. Another process that does the same waits its turn.
    pub(super) fn set(&self, repo: RepoKey, pinned: bool) -> Result<(), Fault> {
        let _lock = self.lock()?;
        let mut all = self.read()?;
        let own = all.caches.entry(self.root.clone()).or_default();
        if pinned {
            own.insert(repo)
        } else {
            own.remove(&repo)
        };
        all.caches.retain(|_, pins| !pins.is_empty());
        let text = serde_json::to_vec_pretty(&all).map_err(|error| Fault::internal(format!("the pins cannot be written down: {error}")))?;
        write_atomically(&self.file, &text, 0o600)
    }

    fn lock(&self) -> Result<FileLock, Fault> {
        for _ in 0..TRIES {
            if let Some(lock) = FileLock::try_acquire(&self.file.with_extension("lock"), 0o600)? {
                return Ok(lock);
            }
            thread::sleep(PAUSE);
        }
        Err(Fault::new(FaultKind::Busy, "another process changes the pins at this moment").hint("try again"))
    }

    /// Refuses to delete what is pinned, or a part of it.
    pub(super) fn check(&self, targets: &[DeletionTarget]) -> Result<(), Fault> {
        let pins = self.load()?;
        match targets.iter().filter_map(DeletionTarget::repo).find(|repo| pins.contains(repo)) {
            Some(repo) => Err(Fault::new(FaultKind::Conflict, format!("{repo} is pinned, so nothing of it is deleted"))
                .hint(format!("lift that first, with p in the cache or: hfdesk-tui cache unpin {repo}"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> RepoKey {
        RepoKey { kind: crate::desk::RepoKind::Model, id: id.parse().unwrap() }
    }

    #[test]
    fn pins_are_kept_by_cache_and_protect_every_part() {
        let dir = tempfile::tempdir().unwrap();
        let pins = Pins::of(dir.path(), Path::new("/one"));
        assert_eq!(pins.load().unwrap(), BTreeSet::new());
        pins.set(key("org/a"), true).unwrap();
        pins.set(key("org/b"), true).unwrap();
        pins.set(key("org/b"), false).unwrap();
        assert_eq!(pins.load().unwrap(), BTreeSet::from([key("org/a")]));
        let part = DeletionTarget::Leftover { repo: key("org/a"), name: "x".into() };
        let fault = pins.check(&[DeletionTarget::Repo(key("org/b")), part.clone()]).unwrap_err();
        assert!(fault.kind == FaultKind::Conflict && fault.message.contains("org/a is pinned"), "{fault}");
        pins.check(&[DeletionTarget::Payload("x".into())]).unwrap();
        Pins::of(dir.path(), Path::new("/two")).check(&[part]).unwrap();
    }

    #[test]
    fn a_cache_has_its_pins_by_whichever_path_one_comes() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, link) = (dir.path().join("cache"), dir.path().join("link"));
        fs::create_dir(&cache).unwrap();
        std::os::unix::fs::symlink(&cache, &link).unwrap();
        Pins::of(dir.path(), &link).set(key("org/a"), true).unwrap();
        assert!(Pins::of(dir.path(), &cache).check(&[DeletionTarget::Repo(key("org/a"))]).is_err());
    }

    #[test]
    fn a_damaged_file_protects_by_refusing() {
        let dir = tempfile::tempdir().unwrap();
        let pins = Pins::of(dir.path(), Path::new("/one"));
        fs::write(dir.path().join("pins.json"), "[").unwrap();
        assert!(pins.check(&[]).is_err() && pins.set(key("org/a"), true).is_err());
    }
}
