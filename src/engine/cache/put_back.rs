//! Bringing a deletion back: its moves in reverse, each to where it came from. Nothing is overwritten, and what cannot come back stays in
//! the trash.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, RenameFlags, linkat, renameat_with};
use rustix::io::Errno;

use super::Cache;
use super::entries::size_of;
use super::going::{What, commit_of};
use super::layout::{SNAPSHOTS, resolve};
use super::moves::group;
use super::record::{Entry, Move, State};
use super::store::{Store, manifest_of};
use super::trash::{remove, unknown};
use super::way_back::{Part, Returning, gone, in_the_way, is_same};
use crate::desk::{Fault, RestoreReport, TrashEntry, TrashId, printable};
use crate::engine::host::{FileLock, sync_dir};

impl Cache {
    /// Brings back what one deletion put into the trash.
    ///
    /// What has been downloaded again is the same and not in the way. A branch or tag that has moved on since stays as it is now. Where
    /// something else stands in the way of a repository, or what it needs is not there any more, the rest comes back without it and
    /// the report says why; where nothing can come back that is the fault, and nothing is moved.
    pub fn restore(&self, id: &TrashId) -> Result<RestoreReport, Fault> {
        let trash = self.trash_if_any()?.ok_or_else(|| unknown(id))?;
        trash.finish(None);
        let mut entry = self.kept().into_iter().find(|entry| entry.id() == *id).ok_or_else(|| unknown(id))?;
        let _locks = self.lock_payloads(&entry)?;
        self.put_back(&mut entry)
    }

    /// Goes on with bringing back what was interrupted. What is not possible any more is kept in the trash.
    pub(super) fn go_on_restoring(&self, entry: &mut Entry) -> Result<(), Fault> {
        let _locks = self.lock_payloads(entry)?;
        self.put_back(entry).map(drop)
    }

    /// Puts back what had gone of repositories of which something stays, as far as it leads somewhere and nothing stands in its place.
    /// Answers whether a repository has gone as it was to.
    pub(super) fn put_parts_back(&self, entry: &Entry) -> Result<bool, Fault> {
        let _locks = self.lock_payloads(entry)?;
        let mut groups = BTreeMap::<PathBuf, Vec<&Move>>::new();
        for moved in entry.record.moves.iter().filter(|moved| !moved.is_shared()) {
            groups.entry(group(&moved.from)).or_default().push(moved);
        }
        let has_gone = |moved: &&Move| entry.holds(moved) || fs::symlink_metadata(self.root.join(&moved.from)).is_err();
        let (gone, parts): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(_, moves)| moves.iter().all(has_gone));
        for (group, moves) in parts {
            self.name_users(self.returning(entry).iter().filter(|(blob, _)| blob.starts_with(&group)))?;
            // Blobs before the files that lead to them, and refs last.
            for moved in moves.into_iter().rev().filter(|moved| entry.holds(moved) && self.leads_somewhere(entry, moved)) {
                let _ = self.move_one_back(entry, moved);
            }
        }
        Ok(!gone.is_empty())
    }

    /// Whether something that comes back alone finds what it needs in its place.
    fn leads_somewhere(&self, entry: &Entry, moved: &Move) -> bool {
        let at = entry.at(moved);
        match moved.what {
            What::Snapshot | What::Entry => self.check_links(entry, moved, &HashSet::new()).is_ok(),
            What::Blob => fs::read_link(&at).ok().is_none_or(|link| {
                let blob = resolve(&self.root, moved.from.parent().unwrap_or(Path::new("")), &link);
                blob.is_none_or(|blob| size_of(&self.root.join(blob)).is_some())
            }),
            What::Ref => commit_of(&at).is_some_and(|commit| self.root.join(group(&moved.from)).join(SNAPSHOTS).join(commit).is_dir()),
            What::Repo | What::Locks | What::Payload | What::Manifest => true,
        }
    }

    /// Brings back what can come, and removes the deletion's folder where nothing is left in it that could come later.
    pub(super) fn put_back(&self, entry: &mut Entry) -> Result<RestoreReport, Fault> {
        let before = entry.shown();
        let (parts, mut faults) = self.way_back(entry);
        if !parts.is_empty() && entry.state != State::Restoring {
            entry.turn(State::Restoring)?;
        }
        let mut back = Vec::new();
        for part in parts {
            match self.bring_back(entry, &part) {
                Ok(()) => back.push(part),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() || !back.is_empty() {
            return self.settle_rest(entry, before, &back, &faults);
        }
        entry.narrow(|_| true);
        if entry.state != State::Kept {
            entry.turn(State::Kept)?;
        }
        Err(faults.swap_remove(0))
    }

    /// Keeps what could not come back, and tells what became of the deletion.
    fn settle_rest(&self, entry: &mut Entry, mut restored: TrashEntry, back: &[Part], faults: &[Fault]) -> Result<RestoreReport, Fault> {
        let mut kept = None;
        if faults.is_empty() {
            entry.turn(State::Emptying)?;
            remove(entry)?;
        } else {
            entry.narrow(|moved| !back.iter().any(|part| part.has(moved)));
            entry.turn(State::Kept)?;
            kept = Some(entry.shown());
        }
        if let Some(rest) = &kept {
            restored.targets.retain(|target| !rest.targets.contains(target));
            restored.frees = restored.frees.saturating_sub(rest.frees);
            restored.size = restored.size.saturating_sub(rest.size);
        }
        let moved_on = back.iter().flat_map(|part| &part.moved_on).map(|moved| self.moved_on(moved)).collect();
        Ok(RestoreReport { restored, moved_on, failures: faults.iter().map(|fault| fault.message.clone()).collect(), kept })
    }

    fn moved_on(&self, moved: &Move) -> String {
        let now = commit_of(&self.root.join(&moved.from)).unwrap_or_default();
        printable(&format!("{} points at {} now and stays so", moved.from.display(), now.trim()))
    }

    /// Makes the moves of a part backwards, durably.
    fn bring_back(&self, entry: &Entry, part: &Part) -> Result<(), Fault> {
        self.move_some_back(entry, part, usize::MAX)?;
        // What is left of it in the deletion's folder is removed next, so all of it has to be in its place.
        if let Some(moved) = part.moves.iter().find(|moved| !self.is_back(entry, moved)) {
            return Err(in_the_way(&self.root.join(&moved.from)));
        }
        let folders: BTreeSet<PathBuf> =
            part.moves.iter().filter_map(|moved| self.root.join(&moved.from).parent().map(Path::to_path_buf)).collect();
        folders.iter().try_for_each(|folder| sync_dir(folder))
    }

    /// Makes at most so many moves. Shared payloads come first, then the names of those who use them, then blobs before the files that
    /// lead to them, and refs last.
    pub(super) fn move_some_back(&self, entry: &Entry, part: &Part, most: usize) -> Result<(), Fault> {
        let (shared, own): (Vec<&Move>, Vec<&Move>) = part.moves.iter().partition(|moved| moved.is_shared());
        shared.iter().take(most).try_for_each(|moved| self.move_one_back(entry, moved))?;
        self.name_users(part.returning.iter())?;
        own.into_iter().rev().take(most.saturating_sub(shared.len())).try_for_each(|moved| self.move_one_back(entry, moved))
    }

    fn move_one_back(&self, entry: &Entry, moved: &Move) -> Result<(), Fault> {
        let (from, to) = (entry.at(moved), self.root.join(&moved.from));
        if self.is_back(entry, moved) {
            return Ok(());
        }
        if fs::symlink_metadata(&to).is_ok() {
            return Err(in_the_way(&to));
        }
        if !self.is_inside(&moved.from) {
            return Err(gone(&moved.from, "the folder it was in is not there any more"));
        }
        rename_new(&from, &to).map_err(|error| Fault::disk(format!("move {} back", to.display()), error))
    }

    /// Whether something is back, or the same has come again.
    fn is_back(&self, entry: &Entry, moved: &Move) -> bool {
        let place = self.root.join(&moved.from);
        !entry.holds(moved) || (fs::symlink_metadata(&place).is_ok() && is_same(moved, &entry.at(moved), &place))
    }

    /// Puts the blobs that come back into the manifests of their payloads, before they can be seen.
    fn name_users<'r>(&self, returning: impl Iterator<Item = &'r Returning>) -> Result<(), Fault> {
        let Some(store) = Store::open(&self.root) else { return Ok(()) };
        for (blob, payload) in returning {
            let manifest = self.root.join(manifest_of(payload));
            // A payload without a manifest is left alone: a new one would name this blob only.
            let is_there = fs::symlink_metadata(&manifest).is_ok_and(|found| found.is_file());
            let is_named = || fs::read_to_string(&manifest).is_ok_and(|text| text.lines().any(|line| Path::new(line) == blob));
            if is_there && !is_named() {
                store.append(payload, blob).map_err(|error| Fault::disk(format!("write {}", manifest.display()), error))?;
            }
        }
        Ok(())
    }

    /// Keeps payloads from being collected while their users come back.
    fn lock_payloads(&self, entry: &Entry) -> Result<Vec<FileLock>, Fault> {
        let Some(store) = Store::open(&self.root) else { return Ok(Vec::new()) };
        let going = entry.record.moves.iter().filter(|moved| moved.what == What::Payload).map(|moved| moved.from.clone());
        let payloads: BTreeSet<PathBuf> = going.chain(self.returning(entry).into_iter().map(|(_, payload)| payload)).collect();
        payloads.iter().filter(|payload| self.is_inside(payload)).map(|payload| store.lock(payload)).collect()
    }
}

/// Renames to a name that is not taken.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => rename_plainly(from, to),
        renamed => Ok(renamed?),
    }
}

/// The same on a filesystem that cannot promise it: a second name never replaces anything. A folder cannot have one.
fn rename_plainly(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(from)?.is_dir() {
        let why = "this filesystem cannot move a folder without a risk that it replaces another; move it by hand";
        return Err(io::Error::new(ErrorKind::Unsupported, why));
    }
    // Not `hard_link`, which may follow a link.
    linkat(CWD, from, CWD, to, AtFlags::empty())?;
    fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::testkit::{self, add, whole};
    use super::*;
    use crate::desk::{Disposal, FaultKind};

    #[test]
    fn what_comes_into_the_way_of_a_restore_costs_nothing() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("x.bin", b"payload")]);
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        cache.delete(&planned, Disposal::Trash).unwrap();
        let mut entry = cache.kept().remove(0);
        entry.turn(State::Restoring).unwrap();
        add(&cache, "org/m", &[("y.bin", b"another")]); // after the way was looked at
        let fault = cache.put_back(&mut entry).unwrap_err();
        assert!(fault.kind == FaultKind::Conflict && fault.message.contains("in the way"), "{fault}");
        let kept = cache.trash();
        assert_eq!(kept.len(), 1);
        fs::remove_dir_all(cache.root().join("models--org--m")).unwrap();
        cache.restore(&kept[0].id).unwrap();
        assert_eq!(cache.scan().unwrap().size, 7);
    }

    #[test]
    fn a_plain_rename_replaces_nothing_either() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("from"), "from").unwrap();
        fs::write(path("taken"), "taken").unwrap();
        assert_eq!(rename_plainly(&path("from"), &path("taken")).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!((fs::read(path("from")).unwrap(), fs::read(path("taken")).unwrap()), (b"from".to_vec(), b"taken".to_vec()));
        rename_plainly(&path("from"), &path("to")).unwrap();
        assert!(!path("from").exists() && path("to").exists());
        symlink("nowhere", path("link")).unwrap();
        rename_plainly(&path("link"), &path("moved")).unwrap();
        assert_eq!(fs::read_link(path("moved")).unwrap(), Path::new("nowhere"));
        fs::create_dir(path("folder")).unwrap();
        fs::create_dir(path("empty")).unwrap();
        assert!(rename_plainly(&path("folder"), &path("empty")).is_err() && path("folder").exists());
    }
}
