//! What other programs keep on this machine beside the cache. It is only read: each program deletes its own.
//!
//! Bytes are real: content with several names counts once for its store, a file with holes counts what it takes on the disk, and
//! what is also in the cache takes no room of its own.

mod find;
mod llama;
mod local;
mod ollama;
mod tally;
mod xet;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use self::find::Find;
use self::tally::Ours;
use super::Cache;
use crate::desk::{Keeper, OtherStore, printable};

/// Folders in which other programs may keep models. Those that are not there are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Folders of `<owner>/<model>`, beside the cache's own local roots.
    pub local_roots: Vec<PathBuf>,
    /// Folders of Ollama's `manifests` and `blobs`.
    pub ollama: Vec<PathBuf>,
    /// Folders of llama.cpp's downloads.
    pub llama_cpp: Vec<PathBuf>,
    /// Folders of Xet's chunks and shards.
    pub xet: Vec<PathBuf>,
}

impl Cache {
    /// What other programs keep, the largest store first. Of one inside another each counts its own; a place named twice counts once.
    ///
    /// What cannot be read is told in the stores' warnings. A store has a bound on the entries that are looked at.
    pub fn others(&self, places: &Places) -> Vec<OtherStore> {
        let cache = real(&self.root).unwrap_or_else(|_| self.root.clone());
        let local_roots = self.local_roots.iter().chain(&places.local_roots);
        let candidates = (places.ollama.iter().map(|path| (Keeper::Ollama, path)))
            .chain(places.llama_cpp.iter().map(|path| (Keeper::LlamaCpp, path)))
            .chain(places.xet.iter().map(|path| (Keeper::Xet, path)))
            .chain(local_roots.map(|path| (Keeper::LocalRoot, path)));
        let (mut roots, mut stores) = (BTreeMap::new(), Vec::new());
        for (keeper, path) in candidates {
            match real(path) {
                Ok(root) if root.starts_with(&cache) => {}
                Ok(root) => _ = roots.entry(root).or_insert(keeper),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(error) => stores.push(unreadable(keeper, path, &error)),
            }
        }
        let owned: HashSet<PathBuf> = roots.keys().cloned().chain([cache.clone()]).collect();
        let ours = Ours::new(cache);
        stores.extend(roots.iter().filter_map(|(root, keeper)| read(*keeper, root, &owned, &ours)));
        stores.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.root.cmp(&b.root)));
        stores
    }
}

/// A folder without links on the way to it.
fn real(path: &Path) -> io::Result<PathBuf> {
    let path = fs::canonicalize(path)?;
    if path.metadata()?.is_dir() { Ok(path) } else { Err(ErrorKind::NotADirectory.into()) }
}

/// One store, or `None` where nobody keeps anything.
fn read(keeper: Keeper, root: &Path, owned: &HashSet<PathBuf>, ours: &Ours) -> Option<OtherStore> {
    let mut find = Find::new(root, owned, ours);
    match keeper {
        Keeper::LocalRoot => local::read(&mut find),
        Keeper::Ollama => ollama::read(&mut find),
        Keeper::LlamaCpp => llama::read(&mut find),
        Keeper::Xet => xet::read(&mut find),
    }
    Some(find.into_store(keeper)).filter(|store| !store.models.is_empty() || !store.warnings.is_empty())
}

fn unreadable(keeper: Keeper, path: &Path, error: &io::Error) -> OtherStore {
    let warning = printable(&format!("{} cannot be read: {error}", path.display()));
    OtherStore { keeper, root: path.to_path_buf(), models: Vec::new(), size: 0, warnings: vec![warning] }
}

#[cfg(test)]
mod tests;
