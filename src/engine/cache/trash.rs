//! What was deleted and can be brought back: a folder among the cache's locks, where the official client never looks, on the same
//! filesystem.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::Cache;
use super::entries::inner_dir;
use super::layout::LOCKS;
use super::lock::{BLOB_LOCK, wait_for_lock};
use super::moves::Way;
use super::record::{Entry, Record, State};
use crate::desk::{DeletionPlan, Disposal, Fault, FaultKind, TrashEntry, TrashId};
use crate::engine::host::{FileLock, sync_dir};

/// The trash's folder in the folder of locks.
const TRASH: &str = ".hfdesk-trash";
/// How many times a deletion waits as long as for other locks: moving takes a moment, but there may be several.
const PATIENCE: u32 = 6;
/// How long something stays in the trash unless a cache is told otherwise.
pub(super) const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The trash, which nobody else changes while this value lives.
#[derive(Debug)]
pub(super) struct Trash<'c> {
    cache: &'c Cache,
    folder: PathBuf,
    _lock: FileLock,
}

impl Cache {
    /// The same cache, but its trash keeps what was deleted for so long.
    #[must_use]
    pub fn with_trash_kept(self, trash_kept: Duration) -> Self {
        Self { trash_kept, ..self }
    }

    /// How long the trash keeps what was deleted.
    pub fn trash_kept(&self) -> Duration {
        self.trash_kept
    }

    /// What was deleted and can be brought back, the newest first.
    pub fn trash(&self) -> Vec<TrashEntry> {
        let mut kept: Vec<TrashEntry> = self.kept().iter().map(Entry::shown).collect();
        kept.sort_by(|a, b| b.deleted_at.cmp(&a.deleted_at).then_with(|| b.id.cmp(&a.id)));
        kept
    }

    /// Removes these from the trash for good, or all of it where none are named. Answers with the bytes that came free, as
    /// [`TrashEntry::frees`] counts them.
    pub fn empty_trash(&self, ids: &[TrashId]) -> Result<u64, Fault> {
        let meant = if ids.is_empty() { None } else { Some(ids) };
        self.empty(|entry| meant.is_none_or(|ids| ids.contains(&entry.id())), ids)
    }

    /// Removes from the trash what has been there for longer than it is kept. Answers with the bytes that came free.
    pub fn empty_expired(&self) -> Result<u64, Fault> {
        self.empty_until(Timestamp::now())
    }

    pub(super) fn empty_until(&self, now: Timestamp) -> Result<u64, Fault> {
        let expired = |entry: &Entry| entry.kept_until() <= now;
        if self.kept().iter().any(expired) { self.empty(expired, &[]) } else { Ok(0) }
    }

    fn empty(&self, is_meant: impl Fn(&Entry) -> bool, named: &[TrashId]) -> Result<u64, Fault> {
        let Some(trash) = self.trash_if_any()? else { return named.first().map_or(Ok(0), |id| Err(unknown(id))) };
        trash.finish(None);
        let kept = self.kept();
        if let Some(id) = named.iter().find(|id| !kept.iter().any(|entry| entry.id() == **id)) {
            return Err(unknown(id));
        }
        let mut meant: Vec<Entry> = kept.into_iter().filter(is_meant).collect();
        let frees: u64 = meant.iter().map(Entry::frees).sum();
        meant.iter_mut().try_for_each(|entry| entry.turn(State::Emptying))?;
        // What cannot go back any more needs no lock: others need not wait.
        drop(trash);
        let removed = meant.iter().map(remove).fold(Ok(()), Result::and);
        removed.map(|()| frees)
    }

    /// Finishes what was interrupted on its way out of the trash or for good. A deletion that was interrupted before all had gone is not
    /// gone on with: a repository of which only a part had gone is put back, and what had not been begun stays.
    pub fn finish_interrupted(&self) -> Result<(), Fault> {
        self.finish_relocations(false).iter().for_each(|fault| tracing::warn!("an interrupted move is left as it is: {fault}"));
        let Some(trash) = self.trash_if_any()? else { return Ok(()) };
        trash.finish(None);
        // What cannot go back any more needs no lock: others need not wait.
        drop(trash);
        self.entries_in(State::Emptying).iter().for_each(|entry| drop(remove(entry)));
        Ok(())
    }

    pub(super) fn kept(&self) -> Vec<Entry> {
        self.entries_in(State::Kept)
    }

    pub(super) fn entries_in(&self, state: State) -> Vec<Entry> {
        entries(&self.trash_folder()).into_iter().filter(|entry| entry.state == state).collect()
    }

    fn trash_folder(&self) -> PathBuf {
        self.root.join(LOCKS).join(TRASH)
    }

    /// The trash, where there is one.
    pub(super) fn trash_if_any(&self) -> Result<Option<Trash<'_>>, Fault> {
        let is_there = fs::symlink_metadata(self.trash_folder()).is_ok_and(|found| found.is_dir());
        if is_there { self.open_trash().map(Some) } else { Ok(None) }
    }

    /// The trash, made where there is none.
    pub(super) fn open_trash(&self) -> Result<Trash<'_>, Fault> {
        let is_new = fs::symlink_metadata(self.trash_folder()).is_err();
        let folder = inner_dir(&self.root, &Path::new(LOCKS).join(TRASH))?;
        if let Some(root) = fs::metadata(&self.root).ok().filter(|_| is_new) {
            // Whoever shares the cache shares the trash. A filesystem without permissions refuses this, and has nothing to lose.
            let _ = fs::set_permissions(&folder, root.permissions());
        }
        let busy = || Fault::new(FaultKind::Busy, "another deletion in this cache is under way").hint("try again when it is done");
        let lock = (0..PATIENCE).find_map(|_| wait_for_lock(&folder.join("lock"), BLOB_LOCK).transpose());
        let lock = lock.transpose()?.ok_or_else(busy)?;
        Ok(Trash { cache: self, folder, _lock: lock })
    }
}

impl Trash<'_> {
    /// Makes the folder and the record of a deletion.
    pub(super) fn begin(&self, record: Record) -> Result<Entry, Fault> {
        Entry::begin(&self.folder, record)
    }

    /// Finishes what was interrupted, but the deletion that is asked for again: that is the answer. What cannot be finished now is left
    /// for the next time, and what is only to be removed for whoever has let go of the trash.
    pub(super) fn finish(&self, asked: Option<(&DeletionPlan, Disposal)>) -> Option<Entry> {
        let is_asked =
            |entry: &Entry| entry.state == State::Moving && asked.is_some_and(|(plan, disposal)| entry.record.covers(plan, disposal));
        let (again, others): (Vec<Entry>, Vec<Entry>) = entries(&self.folder).into_iter().partition(is_asked);
        for entry in others {
            self.finish_one(entry);
        }
        let folders = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        folders.filter(|folder| Entry::read(folder).is_none()).for_each(|folder| Entry::sweep(&folder));
        again.into_iter().next()
    }

    fn finish_one(&self, mut entry: Entry) {
        let finished = match entry.state {
            State::Kept | State::Emptying => Ok(()),
            State::Restoring => self.cache.go_on_restoring(&mut entry),
            State::Moving => self.wind_up(entry),
        };
        if let Err(fault) = finished {
            tracing::warn!("an interrupted deletion is left as it is: {fault}");
        }
    }

    /// Ends a deletion that was interrupted and that nobody asks for any more: somebody may have come to need what has not gone.
    fn wind_up(&self, entry: Entry) -> Result<(), Fault> {
        let goes_on = self.cache.put_parts_back(&entry)?;
        if goes_on {
            // Nothing of a repository that has gone uses its payloads any more; that is looked at again for each.
            let shared = entry.record.moves.iter().filter(|moved| moved.is_shared()).cloned().collect();
            let record = Record { moves: shared, ..entry.record.clone() };
            self.cache.make_moves(&record, way(&entry), usize::MAX);
        }
        self.settle(entry).map(drop)
    }

    /// Ends a deletion whose moves are made: it is kept from now on, or it is to be removed, for which nobody else need wait.
    pub(super) fn settle(&self, mut entry: Entry) -> Result<Entry, Fault> {
        if entry.record.disposal == Disposal::Trash {
            entry.narrow(|_| true);
        }
        let holds_any = entry.record.moves.iter().any(|moved| entry.holds(moved));
        let is_kept = entry.record.disposal == Disposal::Trash && holds_any;
        entry.turn(if is_kept { State::Kept } else { State::Emptying })?;
        sync_dir(&self.folder)?;
        Ok(entry)
    }
}

/// How the moves of a deletion are made.
pub(super) fn way(entry: &Entry) -> Way<'_> {
    match entry.record.disposal {
        Disposal::Trash => Way::Kept(entry),
        Disposal::Forever => Way::Forever(entry),
    }
}

/// Removes a deletion for good.
pub(super) fn remove(entry: &Entry) -> Result<(), Fault> {
    entry.remove().map_err(|error| Fault::disk(format!("empty {}", entry.folder.display()), error))
}

/// Says that there is no such deletion.
pub(super) fn unknown(id: &TrashId) -> Fault {
    Fault::new(FaultKind::NotFound, format!("there is nothing called {id} in the trash")).hint("look at what the trash holds")
}

fn entries(folder: &Path) -> Vec<Entry> {
    let real = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir());
    let names = real.then(|| fs::read_dir(folder).ok()).flatten().into_iter().flatten().flatten();
    let folders = names.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut entries: Vec<Entry> = folders.filter_map(|entry| Entry::read(&entry.path())).collect();
    entries.sort_by(|a, b| a.folder.cmp(&b.folder));
    entries
}
