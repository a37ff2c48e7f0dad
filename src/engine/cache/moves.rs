//! Making the moves of a deletion, in their order, each only where it is still safe.
//!
//! After every move the official client reads the cache without a warning. Where one fails, the rest of its repository stays. Doing it
//! again goes on where it ended: what has gone is left alone.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::Cache;
use super::deletion::folder;
use super::going::{What, commit_of};
use super::idle::Guard;
use super::in_use::InUse;
use super::layout::{LOCKS, REFS, SNAPSHOTS, is_system_file, parse_repo_folder};
use super::moved::Home;
use super::reader::Reader;
use super::record::{Entry, Move, Record, remove};
use super::seen::{Kind, Seen};
use super::store::{Store, payload_of_manifest};
use crate::desk::{Fault, RepoKey, printable};
use crate::engine::host::FileLock;

/// What has become of the moves.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What is gone from its place, relative to the cache's root.
    pub(super) gone: HashSet<PathBuf>,
    /// What is not, one sentence each.
    pub(super) failures: Vec<String>,
    /// Why nothing can be moved into the trash from there.
    pub(super) refused: Option<io::Error>,
}

impl Outcome {
    /// Whether a path, or a folder that it lies in, is gone.
    pub(super) fn is_gone(&self, path: &Path) -> bool {
        path.ancestors().any(|ancestor| self.gone.contains(ancestor))
    }
}

/// What is made of the things that go.
#[derive(Clone, Copy)]
pub(super) enum Way<'e> {
    /// They are moved into a deletion's folder, as long as the filesystem does it.
    Kept(&'e Entry),
    /// The same, and those it will not move are removed at once.
    Forever(&'e Entry),
    /// They are removed at once, as there is no trash to be had.
    Straight,
}

/// Makes moves and remembers where it had to stop.
struct Mover<'c> {
    cache: &'c Cache,
    record: &'c Record,
    way: Way<'c>,
    /// Repositories of which the rest stays.
    stopped: HashSet<PathBuf>,
    /// What keeps downloads away from what goes next.
    guard: Guard,
    /// The blobs that snapshots of one repository use.
    used: Option<InUse>,
    /// Payloads that blobs link to, whatever the manifests say; read once the blobs that go are gone.
    linked: Option<HashSet<PathBuf>>,
    outcome: Outcome,
}

impl Cache {
    /// Makes the first of a deletion's moves, at most so many; those made before count.
    pub(super) fn make_moves(&self, record: &Record, way: Way, most: usize) -> Outcome {
        let (stopped, guard) = (HashSet::new(), Guard::default());
        let mut mover = Mover { cache: self, record, way, stopped, guard, used: None, linked: None, outcome: Outcome::default() };
        for at in 0..record.moves.len().min(most) {
            if mover.outcome.refused.is_some() {
                break;
            }
            mover.make(record.moves.get(at..).unwrap_or_default());
        }
        if let Some(store) = Store::open(&self.root).filter(|_| most >= record.moves.len()) {
            // Lines that do not hold any more are not believed by anybody.
            record.kept.iter().for_each(|payload| drop(store.refresh(payload)));
        }
        mover.outcome
    }

    /// Whether every folder on the way to a path is a real one below the cache's root, or below the folder that its repository was moved to.
    pub(super) fn is_inside(&self, path: &Path) -> bool {
        let mut folders = path.ancestors().skip(1).filter(|folder| *folder != Path::new(""));
        folders.all(|folder| {
            let place = self.root.join(folder);
            Seen::at(&place).is_some_and(|seen| seen.kind == Kind::Folder)
                || (is_repo(folder) && Home::of(&self.root, &place).there().is_some())
        })
    }
}

impl Mover<'_> {
    /// Makes the first of these moves, which are all that are left.
    fn make(&mut self, rest: &[Move]) {
        let Some(moved) = rest.first() else { return };
        let (place, group) = (self.cache.root.join(&moved.from), group(&moved.from));
        if self.stopped.contains(&group) {
            return;
        }
        let entry = match self.way {
            Way::Kept(entry) | Way::Forever(entry) => Some(entry),
            Way::Straight => None,
        };
        if fs::symlink_metadata(&place).is_err() || entry.is_some_and(|entry| entry.holds(moved)) {
            // What stands there again came after it had gone.
            self.outcome.gone.insert(moved.from.clone());
            return;
        }
        if let Err(fault) = self.guard.stand(self.cache, rest) {
            return self.stop(group, &format!("{} stays: {}", moved.from.display(), fault.message));
        }
        let _lock = match self.permit(moved) {
            Ok(lock) => lock,
            Err(why) => return self.stop(group, &format!("{} stays: {why}", moved.from.display())),
        };
        match self.take(moved, &place) {
            Ok(()) => _ = self.outcome.gone.insert(moved.from.clone()),
            Err(error) if is_refusal(&error) && matches!(self.way, Way::Kept(_)) => self.outcome.refused = Some(error),
            Err(error) => self.stop(group, &Fault::disk(format!("remove {}", place.display()), error).message),
        }
    }

    fn stop(&mut self, group: PathBuf, failure: &str) {
        self.outcome.failures.push(printable(failure));
        self.stopped.insert(group);
    }

    fn take(&self, moved: &Move, place: &Path) -> io::Result<()> {
        match self.way {
            Way::Kept(entry) => fs::rename(place, entry.at(moved)),
            Way::Forever(entry) => {
                fs::rename(place, entry.at(moved)).or_else(|error| if is_refusal(&error) { gone(moved, place) } else { Err(error) })
            }
            Way::Straight => gone(moved, place),
        }
    }

    /// Whether something may still go, or why not. Of a payload with the lock that keeps it so.
    fn permit(&mut self, moved: &Move) -> Result<Option<FileLock>, String> {
        if !self.cache.is_inside(&moved.from) {
            return Err("a folder on the way to it is a link".to_owned());
        }
        match moved.what {
            What::Repo => self.permit_repo(moved).map(|()| None),
            What::Ref => self.permit_ref(&moved.from).map(|()| None),
            What::Snapshot => self.permit_snapshot(moved).map(|()| None),
            What::Blob => self.permit_blob(&moved.from).map(|()| None),
            What::Payload => self.permit_payload(&moved.from).map(Some),
            What::Manifest => self.permit_manifest(&moved.from).map(Some),
            What::Locks if parent_repo(&moved.from).is_some_and(|repo| self.cache.root.join(repo).exists()) => {
                Err("its repository is in the cache again".to_owned())
            }
            What::Entry | What::Locks => Ok(None),
        }
    }

    /// A repository goes with the commits that were planned and no other, and with nothing that has come since.
    fn permit_repo(&self, moved: &Move) -> Result<(), String> {
        let path = &moved.from;
        let names = Reader::new(&self.cache.root).names(&self.cache.root.join(path).join(SNAPSHOTS));
        let planned: BTreeSet<&str> = self.planned(path).collect();
        let other = names
            .iter()
            .find(|entry| entry.kind == Kind::Folder && entry.name.to_str().is_some_and(|name| !planned.contains(name) && is_commit(name)));
        other.map_or(Ok(()), |entry| Err(format!("it has a new revision {}", entry.name.display())))?;
        self.permit_news(moved)
    }

    fn permit_news(&self, moved: &Move) -> Result<(), String> {
        moved.news(&self.cache.root).map_or(Ok(()), |news| Err(format!("{news} has come into it")))
    }

    fn permit_ref(&self, path: &Path) -> Result<(), String> {
        let commit = commit_of(&self.cache.root.join(path));
        let meant = commit.is_some_and(|commit| self.planned(path).any(|planned| planned == commit));
        meant.then_some(()).ok_or_else(|| "it points at another commit now".to_owned())
    }

    /// A snapshot that a branch or tag names must not go before that.
    fn permit_snapshot(&self, moved: &Move) -> Result<(), String> {
        let path = &moved.from;
        let refs = self.cache.root.join(group(path)).join(REFS);
        let mut reader = Reader::new(&self.cache.root);
        let files = if refs.exists() { reader.files_below(&refs) } else { Vec::new() };
        let commit = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let names_it = |(file, _): &(PathBuf, Kind)| {
            !is_system_file(file.file_name().unwrap_or_default()) && commit_of(file).as_deref() == Some(commit)
        };
        match files.iter().find(|file| names_it(file)) {
            Some((file, _)) => Err(format!("{} points at it now", reader.relative(file).display())),
            None => self.permit_news(moved),
        }
    }

    fn permit_blob(&mut self, path: &Path) -> Result<(), String> {
        let repo = group(path);
        let is_known = |used: &InUse| used.repo == repo && used.is_current(&self.cache.root);
        if !self.used.as_ref().is_some_and(is_known) {
            self.used = Some(InUse::read(self.cache, &repo).ok_or("its repository cannot be read")?);
        }
        let is_used = self.used.as_ref().is_some_and(|used| used.blobs.contains(path));
        if is_used { Err("a snapshot uses it now".to_owned()) } else { Ok(()) }
    }

    fn permit_payload(&mut self, payload: &Path) -> Result<FileLock, String> {
        let store = Store::open(&self.cache.root).ok_or("its store is not marked as one any more")?;
        let lock = store.lock(payload).map_err(|fault| fault.message)?;
        let users = store.referrers(payload).ok_or("the list of its users cannot be read")?;
        let linked = self.linked.get_or_insert_with(|| self.cache.linked_payloads(&store, &BTreeSet::new()));
        match users.first() {
            Some(user) => Err(format!("{} uses it", user.display())),
            None if linked.contains(payload) => Err("a blob links to it that its list of users does not name".to_owned()),
            None => Ok(lock),
        }
    }

    fn permit_manifest(&mut self, manifest: &Path) -> Result<FileLock, String> {
        let payload = payload_of_manifest(manifest);
        let lock = self.permit_payload(&payload)?;
        let is_there = fs::symlink_metadata(self.cache.root.join(payload)).is_ok();
        if is_there { Err("its payload stays".to_owned()) } else { Ok(lock) }
    }

    /// The commits of a path's repository that are to go.
    fn planned<'p>(&'p self, path: &'p Path) -> impl Iterator<Item = &'p str> {
        let is_it = move |key: &RepoKey| path.starts_with(folder(key));
        self.record.plan.revisions.iter().filter(move |(key, _)| is_it(key)).map(|(_, commit)| commit.as_str())
    }
}

/// What has to stay where one thing of it does: its repository. Locks and shared payloads stand for themselves.
pub(super) fn group(path: &Path) -> PathBuf {
    let first = path.components().next().map(|part| PathBuf::from(part.as_os_str()));
    first.filter(|first| first.to_str().is_some_and(|name| parse_repo_folder(name).is_some())).unwrap_or_else(|| path.to_path_buf())
}

/// Whether a path relative to the cache's root is a repository's folder.
fn is_repo(path: &Path) -> bool {
    What::Repo.fits(path)
}

/// The repository of a folder of locks.
fn parent_repo(locks: &Path) -> Option<PathBuf> {
    locks.strip_prefix(LOCKS).ok().map(Path::to_path_buf)
}

fn is_commit(name: &str) -> bool {
    super::layout::is_hex(name, 40)
}

/// Whether a filesystem will not rename where it would remove: another one, or no room for the name.
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::CrossesDevices | ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn gone(moved: &Move, place: &Path) -> io::Result<()> {
    match (moved.what, moved.folder_behind(place)) {
        (What::Repo, Some(folder)) => remove_repo(folder).and_then(|()| remove(place)),
        (What::Repo, None) => remove_repo(place),
        _ => remove(place),
    }
}

/// Removes a repository in an order that leaves, at every instant, a cache that can be read: refs first, then the snapshots' files, then
/// the blobs they led to and all else, then the emptied `snapshots` folder, whose absence would be told as damage, and its own.
pub(super) fn remove_repo(path: &Path) -> io::Result<()> {
    removal_order(path)?.iter().try_for_each(|part| remove(part))?;
    fs::remove_dir_all(path)
}

/// What is in a repository's folder, in the order in which it goes; `snapshots` itself stays to the end.
fn removal_order(path: &Path) -> io::Result<Vec<PathBuf>> {
    let snapshots = path.join(SNAPSHOTS);
    let mut order = vec![path.join(REFS)];
    if fs::symlink_metadata(&snapshots).is_ok_and(|found| found.is_dir()) {
        order.extend(children(&snapshots)?);
    }
    order.extend(children(path)?.into_iter().filter(|part| *part != snapshots));
    Ok(order)
}

fn children(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{self, add};
    use super::*;

    #[test]
    fn a_repository_that_is_removed_at_once_can_be_read_at_every_instant() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", &[("b.json", b"{}"), ("x.bin", b"payload")]);
        let repo = cache.root().join("models--org--m");
        let order = removal_order(&repo).unwrap();
        assert_eq!(order[..2], [repo.join("refs"), place.dir()]);
        for part in &order {
            remove(part).unwrap();
            let listing = cache.scan().unwrap();
            assert_eq!((listing.repos.len(), listing.warnings), (1, vec![]), "after {}", part.display());
        }
        remove_repo(&repo).unwrap();
        assert_eq!(cache.scan().unwrap().repos.len(), 0);
    }
}
