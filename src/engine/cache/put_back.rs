//! Bringing a deletion back: its moves in reverse, each to where it came from. Nothing is overwritten.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, RenameFlags, linkat, renameat_with};
use rustix::io::Errno;

use super::Cache;
use super::entries::size_of;
use super::going::{What, commit_of};
use super::layout::{BLOBS, SNAPSHOTS, is_hex, resolve};
use super::moves::group;
use super::record::{Entry, Move, State, files_below};
use super::store::{Store, manifest_of};
use super::trash::{remove, unknown};
use crate::desk::{Fault, FaultKind, TrashEntry, TrashId};
use crate::engine::host::{FileLock, sync_dir};

/// A blob that comes back and the shared payload it links to.
pub(super) type Returning = (PathBuf, PathBuf);

impl Cache {
    /// Brings back what one deletion put into the trash.
    ///
    /// Where something stands in the way, or what it needs is not there any more, a fault names it and nothing is moved. A blob that has
    /// been downloaded again is not in the way: it is the same.
    pub fn restore(&self, id: &TrashId) -> Result<TrashEntry, Fault> {
        let trash = self.trash_if_any()?.ok_or_else(|| unknown(id))?;
        trash.finish(None);
        let mut entry = self.kept().into_iter().find(|entry| entry.id() == *id).ok_or_else(|| unknown(id))?;
        let shown = entry.shown();
        let _locks = self.lock_payloads(&entry)?;
        self.check_way(&entry)?;
        entry.turn(State::Restoring)?;
        self.put_back(&mut entry)?;
        Ok(shown)
    }

    /// Goes on with bringing back what was interrupted. Where that is not possible any more, the rest is kept in the trash.
    pub(super) fn go_on_restoring(&self, entry: &mut Entry) -> Result<(), Fault> {
        let _locks = self.lock_payloads(entry)?;
        match self.check_way(entry) {
            Ok(()) => self.put_back(entry),
            Err(_) => entry.turn(State::Kept),
        }
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

    /// Makes the moves backwards and removes the deletion's folder.
    pub(super) fn put_back(&self, entry: &mut Entry) -> Result<(), Fault> {
        if let Err(fault) = self.move_back(entry) {
            entry.turn(State::Kept)?;
            return Err(fault);
        }
        entry.turn(State::Emptying)?;
        remove(entry)
    }

    fn move_back(&self, entry: &Entry) -> Result<(), Fault> {
        self.move_some_back(entry, usize::MAX)?;
        // What is left in the deletion's folder is removed next, so all of it has to be in its place.
        if let Some(moved) = entry.record.moves.iter().find(|moved| !self.is_back(entry, moved)) {
            return Err(in_the_way(&self.root.join(&moved.from)));
        }
        let folders: BTreeSet<PathBuf> =
            entry.record.moves.iter().filter_map(|moved| self.root.join(&moved.from).parent().map(Path::to_path_buf)).collect();
        folders.iter().try_for_each(|folder| sync_dir(folder))
    }

    /// Makes at most so many moves. Shared payloads come first, then the names of those who use them, then blobs before the files that
    /// lead to them.
    pub(super) fn move_some_back(&self, entry: &Entry, most: usize) -> Result<(), Fault> {
        let (shared, own): (Vec<&Move>, Vec<&Move>) = entry.record.moves.iter().partition(|moved| moved.is_shared());
        shared.iter().take(most).try_for_each(|moved| self.move_one_back(entry, moved))?;
        self.name_users(self.returning(entry).iter())?;
        own.into_iter().rev().take(most.saturating_sub(shared.len())).try_for_each(|moved| self.move_one_back(entry, moved))?;
        Ok(())
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

    /// Blobs among what comes back that link to a shared payload.
    pub(super) fn returning(&self, entry: &Entry) -> Vec<Returning> {
        let Some(store) = Store::open(&self.root) else { return Vec::new() };
        let link = |blob: PathBuf, at: PathBuf| store.payload_of(&blob, &fs::read_link(at).ok()?).map(|payload| (blob, payload));
        let blobs = entry.record.moves.iter().flat_map(|moved| match moved.what {
            What::Blob => vec![(moved.from.clone(), entry.at(moved))],
            What::Repo => children(&entry.at(moved).join(BLOBS))
                .map(|at| (moved.from.join(BLOBS).join(at.file_name().unwrap_or_default()), at))
                .collect(),
            _ => Vec::new(),
        });
        blobs.filter_map(|(blob, at)| link(blob, at)).collect()
    }

    /// Keeps payloads from being collected while their users come back.
    fn lock_payloads(&self, entry: &Entry) -> Result<Vec<FileLock>, Fault> {
        let Some(store) = Store::open(&self.root) else { return Ok(Vec::new()) };
        let going = entry.record.moves.iter().filter(|moved| moved.what == What::Payload).map(|moved| moved.from.clone());
        let payloads: BTreeSet<PathBuf> = going.chain(self.returning(entry).into_iter().map(|(_, payload)| payload)).collect();
        payloads.iter().filter(|payload| self.is_inside(payload)).map(|payload| store.lock(payload)).collect()
    }

    /// Refuses where something is in the way, or missing.
    fn check_way(&self, entry: &Entry) -> Result<(), Fault> {
        let coming: HashSet<&Path> =
            entry.record.moves.iter().filter(|moved| entry.holds(moved)).map(|moved| moved.from.as_path()).collect();
        for moved in entry.record.moves.iter().filter(|moved| entry.holds(moved)) {
            let place = self.root.join(&moved.from);
            match fs::symlink_metadata(&place) {
                Ok(_) if is_same(moved, &entry.at(moved), &place) => {}
                Ok(_) => return Err(in_the_way(&place)),
                Err(_) if !self.is_inside(&moved.from) => return Err(gone(&moved.from, "the folder it was in is not there any more")),
                Err(_) => {}
            }
            if let Some(folder) = moved.folder_behind(&entry.at(moved)).filter(|folder| !folder.is_dir()) {
                return Err(gone(&moved.from, &format!("{} is not there; attach the disk that it was on", folder.display())));
            }
            if matches!(moved.what, What::Snapshot | What::Entry) {
                self.check_links(entry, moved, &coming)?;
            }
        }
        let lost = |(_, payload): &&Returning| !coming.contains(payload.as_path()) && size_of(&self.root.join(payload)).is_none();
        match self.returning(entry).iter().find(lost) {
            Some((blob, payload)) => Err(gone(blob, &format!("the shared payload {} is not there any more", payload.display()))),
            None => Ok(()),
        }
    }

    /// Refuses to bring back a file of a snapshot that would lead nowhere, which hides the whole repository from the official client.
    fn check_links(&self, entry: &Entry, moved: &Move, coming: &HashSet<&Path>) -> Result<(), Fault> {
        let comes = |path: &Path| path.ancestors().any(|ancestor| coming.contains(ancestor));
        for (below, _) in files_below(&entry.at(moved)) {
            let (at, file) = if below == Path::new("") {
                (entry.at(moved), moved.from.clone())
            } else {
                (entry.at(moved).join(&below), moved.from.join(&below))
            };
            let Ok(link) = fs::read_link(at) else { continue };
            let Some(blob) = resolve(&self.root, file.parent().unwrap_or(Path::new("")), &link) else { continue };
            if !comes(&blob) && size_of(&self.root.join(&blob)).is_none() {
                return Err(gone(&file, &format!("{} is not there any more", blob.display())));
            }
        }
        Ok(())
    }
}

/// Whether what stands at a place is what would be brought back there.
fn is_same(moved: &Move, trashed: &Path, place: &Path) -> bool {
    let link = |path: &Path| fs::read_link(path).ok();
    match moved.what {
        // Its name is its content's digest.
        What::Blob if moved.from.file_name().and_then(|name| name.to_str()).is_some_and(|name| is_hex(name, 40) || is_hex(name, 64)) => {
            let text = link(trashed);
            (text.is_some() && text == link(place)) || (size_of(place).is_some() && (text.is_some() || size_of(place) == size_of(trashed)))
        }
        What::Payload => size_of(place).is_some() && size_of(place) == size_of(trashed),
        What::Manifest | What::Locks => true,
        What::Entry => link(trashed).is_some() && link(trashed) == link(place),
        What::Ref => fs::read(trashed).ok().is_some_and(|text| fs::read(place).is_ok_and(|other| other == text)),
        What::Blob | What::Snapshot | What::Repo => false,
    }
}

/// Renames to a name that is not taken.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
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

fn children(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn in_the_way(place: &Path) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{} is in the way", place.display()))
        .hint("delete it, or move it away, then restore again; what is not back is still in the trash")
}

fn gone(path: &Path, why: &str) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{} cannot come back: {why}", path.display()))
        .hint("restore what was deleted after it first, or download it again; nothing was moved")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::testkit::{self, add, whole};
    use super::*;
    use crate::desk::Disposal;

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
