//! Finding content that is on this machine already, outside the place it is wanted in: other repositories' blobs and local model roots.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::Cache;
use super::entries::size_of;
use super::layout::{BLOBS, parse_repo_folder};
use super::store::Store;
use crate::desk::PlannedFile;

/// The deepest folder of a local root that is looked into; `<root>/<owner>/<model>/<file>` needs 2.
const DEEPEST: usize = 6;
/// So many entries of all local roots are looked at, and no more.
const MOST_ENTRIES: usize = 50_000;
/// After so many looks into each repository for a blob, all their blobs are listed once instead: that costs about as much as a few dozen looks.
const MOST_LOOKS: usize = 32;
/// So many files of the right size are offered. Sisters of one architecture have shards of one size, and each must be read to be told apart.
const MOST_OF_A_SIZE: usize = 3;

/// A file that may have the content wanted. Whether it has is for whoever takes it over to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Where it is.
    pub path: PathBuf,
    pub(super) kind: OfferKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OfferKind {
    /// A payload of the shared store, by its hash.
    Payload(String),
    /// A blob of another repository in this cache. Nobody writes into a blob, so it may be one file under two names.
    Blob,
    /// A file that its owner may edit at any time. A second name for it would change with it, so it is copied or cloned.
    File,
}

impl Offer {
    /// A file somewhere on this machine.
    pub fn file(path: PathBuf) -> Self {
        Self { path, kind: OfferKind::File }
    }
}

/// What this machine has outside a plan's own place, for one job. Lists the cache's repositories and the local roots once, when they
/// are first needed, and looks for each digest by name.
pub struct Elsewhere {
    cache: Cache,
    /// The blob folders of the cache's repositories, relative to its root.
    repos: OnceLock<Vec<PathBuf>>,
    /// How many blobs were looked for in each of them.
    looks: AtomicUsize,
    /// All blobs by name, relative to the root.
    by_name: OnceLock<HashMap<OsString, Vec<PathBuf>>>,
    by_size: OnceLock<HashMap<u64, Vec<PathBuf>>>,
}

impl Cache {
    /// What this machine has, for one job.
    pub fn elsewhere(&self) -> Elsewhere {
        Elsewhere {
            cache: self.clone(),
            repos: OnceLock::new(),
            looks: AtomicUsize::new(0),
            by_name: OnceLock::new(),
            by_size: OnceLock::new(),
        }
    }
}

impl Elsewhere {
    /// Whether another repository of the cache has a blob of this name and size, which costs no download and no room.
    pub fn has_blob(&self, file: &PlannedFile) -> bool {
        self.blobs(file).next().is_some()
    }

    /// Where the content may be, the cheapest to take over first.
    pub fn offers(&self, file: &PlannedFile) -> Vec<Offer> {
        let mut offers: Vec<Offer> = self.blobs(file).collect();
        offers.sort_by_key(|offer| matches!(offer.kind, OfferKind::Blob));
        offers.extend(self.local_files(file));
        offers
    }

    fn blobs(&self, file: &PlannedFile) -> impl Iterator<Item = Offer> {
        let root = &self.cache.root;
        let named = self.named(file.digest.hex()).into_iter();
        named.filter(|blob| file.size > 0 && size_of(&root.join(blob)) == Some(file.size)).map(|blob| self.offer(&blob))
    }

    /// Where blobs of this name are or may be.
    fn named(&self, name: &str) -> Vec<PathBuf> {
        let root = &self.cache.root;
        let repos = self.repos.get_or_init(|| repos_in(root));
        if self.looks.fetch_add(1, Relaxed) < MOST_LOOKS {
            return repos.iter().map(|blobs| blobs.join(name)).collect();
        }
        let by_name = self.by_name.get_or_init(|| blobs_in(root, repos));
        by_name.get(OsStr::new(name)).cloned().unwrap_or_default()
    }

    /// A blob as an offer, by what it links to.
    fn offer(&self, blob: &Path) -> Offer {
        let payload = Store::open(&self.cache.root).and_then(|store| store.target(blob).ok().flatten());
        match payload.as_ref().and_then(|payload| payload.file_name()) {
            Some(hash) => Offer { path: self.cache.root.join(blob), kind: OfferKind::Payload(hash.to_string_lossy().into_owned()) },
            None => Offer { path: self.cache.root.join(blob), kind: OfferKind::Blob },
        }
    }

    /// Files of the right size in the local roots, those of the right name first.
    fn local_files(&self, file: &PlannedFile) -> Vec<Offer> {
        let by_size = self.by_size.get_or_init(|| files_below(&self.cache.local_roots, &self.cache.root));
        let mut paths = by_size.get(&file.size).cloned().unwrap_or_default();
        let name = Path::new(&file.path).file_name();
        paths.sort_by_key(|path| path.file_name() != name);
        let unlike = |path: &PathBuf| path.metadata().is_ok_and(|found| self.cache.known.denies(&found, &file.digest));
        paths.into_iter().filter(|path| !unlike(path)).take(MOST_OF_A_SIZE).map(Offer::file).collect()
    }
}

/// The blob folders of the repositories in this cache, relative to its root.
fn repos_in(root: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let repos = folders.filter(|name| name.to_str().and_then(parse_repo_folder).is_some());
    repos.map(|name| Path::new(&name).join(BLOBS)).collect()
}

/// The blobs of these folders by name.
fn blobs_in(root: &Path, folders: &[PathBuf]) -> HashMap<OsString, Vec<PathBuf>> {
    let mut by_name = HashMap::<OsString, Vec<PathBuf>>::new();
    for folder in folders {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            by_name.entry(entry.file_name()).or_default().push(folder.join(entry.file_name()));
        }
    }
    by_name
}

/// The files of these folders by size. Folders that are links are not entered, nor is the cache, nor what is hidden.
fn files_below(roots: &[PathBuf], cache: &Path) -> HashMap<u64, Vec<PathBuf>> {
    let mut by_size = HashMap::<u64, Vec<PathBuf>>::new();
    let mut folders: Vec<(PathBuf, usize)> = roots.iter().rev().map(|root| (root.clone(), 0)).collect();
    let mut seen = 0;
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten().filter(|entry| !is_hidden(entry)) {
            seen += 1;
            if seen > MOST_ENTRIES {
                tracing::warn!(folder = %folder.display(), "the local roots have too many entries; the rest is not looked at");
                return by_size;
            }
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if depth < DEEPEST && path != cache {
                    folders.push((path, depth + 1));
                }
            } else if let Some(size) = size_of(&path).filter(|size| *size > 0) {
                by_size.entry(size).or_default().push(path);
            }
        }
    }
    by_size
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::testkit::{self, HASH, add, plan, share};
    use super::*;

    const FILES: &[(&str, &[u8])] = &[("w.bin", b"weights"), ("config.json", b"{}")];

    fn paths(offers: &[Offer]) -> Vec<&Path> {
        offers.iter().map(|offer| offer.path.as_path()).collect()
    }

    #[test]
    fn other_repositories_blobs_are_offered_by_name_and_size() {
        let (_dir, cache) = testkit::cache();
        let wanted = &plan("org/b", FILES).files[0];
        assert_eq!(cache.elsewhere().offers(wanted), [], "there is no cache yet");
        add(&cache, "org/a", FILES);
        add(&cache, "datasets/org/set", FILES);
        let blob = |repo: &str| cache.root().join(repo).join("blobs").join(wanted.digest.hex());
        let elsewhere = cache.elsewhere();
        assert!(elsewhere.has_blob(wanted));
        fs::write(blob("datasets--org--set"), "weight").unwrap();
        assert_eq!(paths(&elsewhere.offers(wanted)), [blob("models--org--a")]);
        fs::rename(cache.root().join("models--org--a"), cache.root().join("not-a-repository")).unwrap();
        assert!(!elsewhere.has_blob(wanted));
    }

    #[test]
    fn after_many_looks_blobs_are_found_by_one_listing() {
        let (_dir, cache) = testkit::cache();
        let plan = plan("org/c", FILES);
        add(&cache, "org/a", FILES);
        add(&cache, "org/b", FILES);
        let elsewhere = cache.elsewhere();
        let offers: Vec<Vec<Offer>> = (0..=MOST_LOOKS).map(|_| elsewhere.offers(&plan.files[0])).collect();
        assert!(elsewhere.by_name.get().is_some());
        assert_eq!(offers[0].len(), 2);
        assert!(offers.iter().all(|found| *found == offers[0]));
        fs::remove_file(&offers[0][0].path).unwrap();
        assert_eq!(elsewhere.offers(&plan.files[0]).len(), 1, "what has gone since is not offered");
    }

    #[test]
    fn a_blob_in_the_shared_store_is_offered_first() {
        let (_dir, cache) = testkit::cache();
        let wanted = &plan("org/c", FILES).files[0];
        add(&cache, "org/a", FILES);
        add(&cache, "org/b", FILES);
        share(&cache, "org/b", wanted.digest.hex(), HASH, b"weights");
        let kinds: Vec<OfferKind> = cache.elsewhere().offers(wanted).into_iter().map(|offer| offer.kind).collect();
        assert_eq!(kinds, [OfferKind::Payload(HASH.into()), OfferKind::Blob]);
    }

    #[test]
    fn local_roots_offer_files_of_the_size_by_name_and_within_bounds() {
        let (dir, cache) = testkit::cache();
        let root = dir.path().join("models");
        let write = |path: &str, content: &str| {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), content).unwrap();
        };
        for path in ["org/a/1.bin", "org/a/2.bin", "org/a/3.bin", "org/b/w.bin", ".cache/w.bin", "a/b/c/d/e/f/g/w.bin"] {
            write(path, "WEIGHTS");
        }
        write("org/a/w.bin", "another size");
        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/w.bin"), "weights").unwrap();
        symlink(dir.path().join("outside"), root.join("door")).unwrap();
        let cache = cache.with_local_roots(vec![root.clone()]);
        let offers = cache.elsewhere().offers(&plan("org/m", FILES).files[0]);
        assert_eq!((offers.len(), &offers[0]), (MOST_OF_A_SIZE, &Offer::file(root.join("org/b/w.bin"))));
        assert!(offers.iter().all(|offer| offer.path.starts_with(root.join("org"))), "{offers:?}");
    }
}
