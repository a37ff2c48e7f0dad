//! Exchanging a repository's folder in the cache for a link to another place, and a link for a folder.
//!
//! What is made ready, and what is to go, lies in a folder among the locks under the repository's name. Whatever process dies: either the cache has the
//! repository, and what lies there is there twice, or what is to go lies aside under the same name with `.old`, and is put back.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::super::Cache;
use super::super::deletion::folder;
use super::super::entries::{inner_dir, replace_with_link};
use super::super::layout::{LOCKS, parse_repo_folder};
use super::super::lock::{BLOB_LOCK, try_lock};
use super::super::moved::Home;
use super::super::record::remove;
use super::workshop_of;
use crate::desk::{Fault, FaultKind, RelocationPlan, RepoKey};
use crate::engine::host::{FileLock, sync_dir};

/// The end of the name of what is put aside for an instant.
const OLD: &str = ".old";

/// The folder in which moves are made ready, which nobody else uses while this value lives.
pub(super) struct Workshop<'c> {
    cache: &'c Cache,
    folder: PathBuf,
    _lock: FileLock,
}

impl<'c> Workshop<'c> {
    /// Whether anything was ever moved.
    pub(super) fn is_there(cache: &Cache) -> bool {
        fs::symlink_metadata(workshop_of(cache)).is_ok_and(|found| found.is_dir())
    }

    /// Opens the folder, unless another move is under way.
    pub(super) fn open(cache: &'c Cache) -> Result<Self, Fault> {
        let folder = inner_dir(&cache.root, &Path::new(LOCKS).join(workshop_of(cache).file_name().unwrap_or_default()))?;
        let busy = || Fault::new(FaultKind::Busy, "another repository of this cache is being moved").hint("try again when it is done");
        let lock = try_lock(&folder.join("lock"), BLOB_LOCK)?.ok_or_else(busy)?;
        Ok(Self { cache, folder, _lock: lock })
    }

    /// Where something is made ready.
    pub(super) fn bench(&self, repo: &RepoKey) -> PathBuf {
        self.folder.join(folder(repo))
    }

    fn place(&self, repo: &RepoKey) -> PathBuf {
        self.cache.root.join(folder(repo))
    }

    fn aside(&self, repo: &RepoKey) -> PathBuf {
        let mut name = folder(repo).into_os_string();
        name.push(OLD);
        self.folder.join(name)
    }

    /// The repository's folder in the cache becomes a link to its copy.
    pub(super) fn link_out(&self, repo: &RepoKey, copy: &Path) -> Result<(), Fault> {
        let bench = self.bench(repo);
        let link = || symlink(copy, &bench);
        remove(&bench).and_then(|()| link()).map_err(|error| Fault::disk(format!("link {}", bench.display()), error))?;
        self.exchange(repo)
    }

    /// The link in the cache becomes the copy that was made ready.
    pub(super) fn bring_in(&self, repo: &RepoKey, from: &Path) -> Result<(), Fault> {
        // Whoever finishes this finds it by what the link says, wherever that lies.
        let place = self.place(repo);
        replace_with_link(&self.folder, &place, from).map_err(|error| Fault::disk(format!("link {}", place.display()), error))?;
        self.exchange(repo)
    }

    fn exchange(&self, repo: &RepoKey) -> Result<(), Fault> {
        let (bench, place, aside) = (self.bench(repo), self.place(repo), self.aside(repo));
        let exchanged = match renameat_with(CWD, &bench, CWD, &place, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => one_by_one(&bench, &place, &aside),
            exchanged => exchanged.map_err(io::Error::from),
        };
        exchanged.map_err(|error| Fault::disk(format!("exchange {} for {}", place.display(), bench.display()), error))?;
        sync_dir(&self.cache.root).and_then(|()| sync_dir(&self.folder))
    }

    /// Removes what is there twice.
    pub(super) fn clear(&self, repo: &RepoKey) -> Result<(), Fault> {
        [self.bench(repo), self.aside(repo)].iter().try_for_each(|path| self.discard(path))
    }

    /// Removes a folder, or a link and the folder it leads to.
    fn discard(&self, path: &Path) -> Result<(), Fault> {
        let there = Home::of(&self.cache.root, path).there().map_or(Ok(()), |there| remove(&there));
        there.and_then(|()| remove(path)).map_err(|error| Fault::disk(format!("remove {}", path.display()), error))
    }

    /// Ends what was interrupted, but not the copying for this plan, which is to go on.
    pub(super) fn finish(&self, but: Option<&RelocationPlan>) {
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let repos = names.filter_map(|name| parse_repo_folder(name.to_str()?.trim_end_matches(OLD)));
        for repo in repos.collect::<std::collections::BTreeSet<_>>() {
            if let Err(fault) = self.finish_one(&repo, but.filter(|plan| plan.repo == repo)) {
                tracing::warn!("an interrupted move is left as it is: {fault}");
            }
        }
    }

    fn finish_one(&self, repo: &RepoKey, goes_on: Option<&RelocationPlan>) -> Result<(), Fault> {
        let (place, aside) = (self.place(repo), self.aside(repo));
        if fs::symlink_metadata(&place).is_err() && fs::symlink_metadata(&aside).is_ok() {
            fs::rename(&aside, &place).map_err(|error| Fault::disk(format!("move {} back", place.display()), error))?;
        }
        match (Home::of(&self.cache.root, &place), goes_on) {
            // A copy that is under way into the cache.
            (Home::There(_), Some(plan)) if plan.to == place => Ok(()),
            // A link that was to be exchanged: what it leads to is the copy that is to go on.
            (Home::Here, Some(plan)) if fs::read_link(self.bench(repo)).is_ok_and(|link| link == plan.to) => {
                remove(&self.bench(repo)).map_err(|error| Fault::disk("tidy up after a move", error))
            }
            (Home::Here | Home::There(_), _) => self.clear(repo),
            (Home::Astray(_) | Home::None, _) => Ok(()),
        }
    }
}

/// The same on a filesystem that cannot exchange two names at once.
fn one_by_one(bench: &Path, place: &Path, aside: &Path) -> io::Result<()> {
    if fs::symlink_metadata(aside).is_ok() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, format!("{} is in the way", aside.display())));
    }
    fs::rename(place, aside)?;
    fs::rename(bench, place).inspect_err(|_| drop(fs::rename(aside, place)))
}
