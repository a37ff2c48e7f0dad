//! Digests of files, computed once and remembered in memory and beside the repositories.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::git;
use super::walk::Stamp;
use crate::desk::{Digest, Fault};

/// The name of the memory in the Hub's root. Where it cannot be written, digests are computed again after a restart.
const NAME: &str = ".hub-digests.json";

/// Bytes hashed at a time.
const BLOCK: usize = 1 << 20;

#[derive(Clone, Serialize, Deserialize)]
struct Known {
    stamp: Stamp,
    digest: Digest,
}

/// The digests known for files below one root.
pub struct Digests {
    root: PathBuf,
    known: Mutex<HashMap<String, Known>>,
    unsaved: AtomicBool,
}

impl Digests {
    /// Remembers what an earlier run left in the root; a memory that cannot be read counts as empty.
    pub(super) fn load(root: &Path) -> Self {
        let known = fs::read(root.join(NAME)).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
        Self { root: root.to_path_buf(), known: Mutex::new(known), unsaved: AtomicBool::new(false) }
    }

    /// The digest of a file that has this stamp, SHA-256 for LFS files and git's SHA-1 for others; reads it only if it is not known.
    pub(super) fn of(&self, path: &Path, stamp: Stamp, lfs: bool) -> Result<Digest, Fault> {
        let key = path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned();
        let known = self.lock().get(&key).cloned();
        if let Some(known) = known.filter(|known| known.stamp == stamp && known.digest.is_sha256() == lfs) {
            return Ok(known.digest);
        }
        let hashed = if lfs { sha256(path) } else { fs::read(path).map(|content| Digest::GitSha1(git::blob_id(&content))) };
        let digest = hashed.map_err(|error| Fault::disk(format!("read {}", path.display()), error))?;
        self.lock().insert(key, Known { stamp, digest: digest.clone() });
        self.unsaved.store(true, Ordering::Relaxed);
        Ok(digest)
    }

    /// Writes the memory down, whole or not at all, if there is something new in it.
    pub(super) fn save(&self) {
        if !self.unsaved.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.try_save() {
            tracing::debug!(%error, root = %self.root.display(), "digests are remembered in memory only");
        }
    }

    fn try_save(&self) -> std::io::Result<()> {
        let json = serde_json::to_vec(&*self.lock())?;
        let mut temporary = tempfile::NamedTempFile::with_prefix_in(".hub-", &self.root)?;
        temporary.write_all(&json)?;
        temporary.persist(self.root.join(NAME))?;
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sha256(path: &Path) -> std::io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(Digest::Sha256(hex::encode(hash.finalize()))),
            read => hash.update(&block[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_computed_once_and_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gguf");
        fs::write(&path, "abc").unwrap();
        let stamp = Stamp { size: 3, modified: 7 };
        let digests = Digests::load(dir.path());
        let digest = digests.of(&path, stamp, true).unwrap();
        assert_eq!(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        digests.save();
        fs::write(&path, "xyz").unwrap(); // a second reading would see this
        let again = Digests::load(dir.path());
        assert_eq!(again.of(&path, stamp, true).unwrap(), digest);
        assert_ne!(again.of(&path, Stamp { modified: 8, ..stamp }, true).unwrap(), digest);
        assert_eq!(again.of(&path, stamp, false).unwrap().hex(), git::blob_id(b"xyz"));
    }
}
