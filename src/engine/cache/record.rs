//! One deletion in the trash: a folder of its own with what was moved there, and a record of what was asked for and where all of it was.
//!
//! The record's name tells how far the deletion is, and changes by a rename, which needs no room on the disk. A deletion that was
//! interrupted at any instruction can be told from one that is complete, and gone on with.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::deletion::{Planned, folder};
use super::footprint::{Footprint, Identity};
use super::going::{Step, What};
use super::layout::{BLOBS, LOCKS};
use super::moved::{Home, is_apart, is_gone, other_links};
use super::moves::{group, remove_repo};
use super::seen::{Kind, Seen};
use crate::desk::{DeletionPlan, DeletionTarget, Disposal, Fault, TrashEntry, TrashId};
use crate::engine::host::{remove_temporaries, sync_dir, write_atomically};

/// The longest record that is read, in bytes.
const LONGEST: u64 = 256 << 20;
/// What records are written like so far. One that is written otherwise is left alone.
const FORMAT: u32 = 1;

/// How far a deletion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not all of it has been moved yet.
    Moving,
    /// It can be brought back.
    Kept,
    /// It is being brought back.
    Restoring,
    /// It is being removed for good.
    Emptying,
}

impl State {
    const ALL: [Self; 4] = [Self::Moving, Self::Kept, Self::Restoring, Self::Emptying];

    fn file(self) -> &'static str {
        match self {
            Self::Moving => "moving.json",
            Self::Kept => "kept.json",
            Self::Restoring => "restoring.json",
            Self::Emptying => "emptying.json",
        }
    }
}

/// One rename: from a place in the cache to one in the deletion's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Move {
    pub(super) what: What,
    /// Relative to the cache's root.
    pub(super) from: PathBuf,
    /// A name in the deletion's folder.
    pub(super) to: String,
    /// What a repository or a snapshot has in it, relative to it: what comes later does not go with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) inside: Vec<String>,
    /// The folder on another disk that a repository's link leads to; it goes with the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) behind: Option<Behind>,
    /// Bytes of the plan's that come free with it.
    #[serde(default)]
    pub(super) frees: u64,
}

/// The real folder that the link of a moved repository leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Behind {
    folder: PathBuf,
    /// By which it is known again.
    inode: u64,
    /// Whether it is on another filesystem than the cache.
    apart: bool,
}

impl Behind {
    fn of(root: &Path, link: &Path) -> Option<Self> {
        let folder = Home::of(root, link).there()?;
        let inode = Seen::at(&folder)?.identity.1;
        Some(Self { apart: is_apart(root, &folder), folder, inode })
    }

    /// Removes the folder, whose link is this one: if it is still the same, holds nothing but what was `inside`, and nothing else in the
    /// cache leads to it. One that is not there is fine only where its disk is: bytes that cannot be reached have not come free.
    fn remove(&self, root: &Path, link: &Path, inside: &[String]) -> io::Result<()> {
        let stays = |why: String| Err(io::Error::other(format!("{} stays: {why}", self.folder.display())));
        match Seen::at(&self.folder) {
            None if is_gone(root, &self.folder, self.apart) => return Ok(()),
            None => return stays("it is not there; attach the disk that it was on".to_owned()),
            Some(seen) if seen.identity.1 != self.inode => return stays("another folder has come in its place".to_owned()),
            Some(_) => {}
        }
        if let Some(other) = other_links(root, &self.folder, link).first() {
            return stays(format!("{} leads to it", other.display()));
        }
        match names_below(&self.folder).iter().find(|name| inside.binary_search(name).is_err()) {
            Some(new) => stays(format!("{new} has come into it")),
            None => remove_repo(&self.folder),
        }
    }
}

impl Move {
    fn new(root: &Path, number: usize, step: &Step) -> Self {
        let Step { what, path: from } = step.clone();
        let behind = if what == What::Repo { Behind::of(root, &root.join(&from)) } else { None };
        let mut inside = match what {
            What::Repo | What::Snapshot => names_below(behind.as_ref().map_or(&root.join(&from), |behind| &behind.folder)),
            _ => Vec::new(),
        };
        inside.sort();
        Self { what, from, to: number.to_string(), inside, frees: 0, behind }
    }

    /// Something that has come into it since the deletion was decided on.
    pub(super) fn news(&self, root: &Path) -> Option<String> {
        let is_new = |name: &String| self.inside.binary_search(name).is_err();
        match self.what {
            What::Repo | What::Snapshot => {
                let place = root.join(&self.from);
                names_below(self.folder_behind(&place).unwrap_or(&place)).into_iter().find(is_new)
            }
            _ => None,
        }
    }

    /// The folder on another disk that this leads to, where it is the link to it.
    pub(super) fn folder_behind(&self, link: &Path) -> Option<&Path> {
        self.behind(link).map(|behind| behind.folder.as_path())
    }

    fn behind(&self, link: &Path) -> Option<&Behind> {
        self.behind.as_ref().filter(|_| fs::symlink_metadata(link).is_ok_and(|found| found.is_symlink()))
    }

    /// Whether it is of the shared store, which belongs to no repository.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.what, What::Payload | What::Manifest)
    }
}

/// What is in a folder, as text: a record cannot hold a name that is none.
fn names_below(folder: &Path) -> Vec<String> {
    files_below(folder).into_iter().map(|(name, _)| name.to_string_lossy().into_owned()).collect()
}

/// What was asked for, and every move in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What the record is written like.
    pub(super) format: u32,
    pub(super) deleted_at: Timestamp,
    /// When the trash may be rid of it, by the settings of whoever deleted it. Nobody else's settings matter.
    pub(super) kept_until: Timestamp,
    pub(super) disposal: Disposal,
    pub(super) plan: DeletionPlan,
    pub(super) moves: Vec<Move>,
    /// Payloads that lose a user and stay.
    pub(super) kept: Vec<PathBuf>,
}

impl Record {
    /// The record of a deletion that begins now.
    pub(super) fn new(planned: &Planned, disposal: Disposal, keep: Duration) -> Self {
        let (plan, kept) = (planned.plan.clone(), planned.kept.clone());
        let mut moves: Vec<Move> = planned.steps.iter().enumerate().map(|(number, step)| Move::new(&plan.root, number, step)).collect();
        share_out(&mut moves, &planned.footprint);
        let deleted_at = Timestamp::now();
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let kept_until = deleted_at.checked_add(keep).unwrap_or(Timestamp::MAX);
        Self { format: FORMAT, deleted_at, kept_until, disposal, plan, moves, kept }
    }

    /// Whether every path stays in its folder and is of what it says.
    fn is_sound(&self) -> bool {
        let straight = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        let mut from = self.moves.iter().map(|moved| moved.from.as_path()).chain(self.kept.iter().map(PathBuf::as_path));
        self.format == FORMAT
            && from.all(|path| straight(path) && path.components().next().is_some())
            && self.kept.iter().all(|path| What::Payload.fits(path))
            && self
                .moves
                .iter()
                .all(|moved| moved.what.fits(&moved.from) && !moved.to.is_empty() && moved.to.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

/// Notes with each move the bytes that come free with it.
fn share_out(moves: &mut [Move], footprint: &Footprint) {
    let numbers: HashMap<PathBuf, usize> = moves.iter().enumerate().map(|(number, moved)| (moved.from.clone(), number)).collect();
    for (path, bytes) in footprint.freed() {
        let number = path.ancestors().find_map(|place| numbers.get(place));
        if let Some(moved) = number.and_then(|number| moves.get_mut(*number)) {
            moved.frees += bytes;
        }
    }
}

/// A deletion's folder in the trash.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) folder: PathBuf,
    pub(super) state: State,
    pub(super) record: Record,
}

impl Entry {
    /// Makes the folder of a deletion that begins. Where its record cannot be written, nothing is left of it.
    pub(super) fn begin(trash: &Path, record: Record) -> Result<Self, Fault> {
        let name = format!("{}-{}", record.deleted_at.as_nanosecond(), std::process::id());
        let entry = Self { folder: trash.join(name), state: State::Moving, record };
        let text = serde_json::to_vec(&entry.record).map_err(|error| Fault::internal(format!("a record of a deletion: {error}")))?;
        let doing = || format!("make the folder {}", entry.folder.display());
        fs::create_dir(&entry.folder).map_err(|error| Fault::disk(doing(), error))?;
        write_atomically(&entry.file(), &text, 0o644).and_then(|()| sync_dir(trash)).inspect_err(|_| {
            let _ = fs::remove_file(entry.file());
            let _ = fs::remove_dir(&entry.folder);
        })?;
        Ok(entry)
    }

    /// Whether a folder has a record, whosever and of whatever form.
    pub(super) fn has_record(folder: &Path) -> bool {
        State::ALL.into_iter().any(|state| fs::symlink_metadata(folder.join(state.file())).is_ok())
    }

    /// The deletion in this folder, of this user or the administrator: nobody does what a stranger has written down. One whose record
    /// cannot be read is nobody's to touch.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let file =
            |state: &State| fs::symlink_metadata(folder.join(state.file())).ok().filter(|found| found.is_file() && found.len() <= LONGEST);
        let trusted = |found: &Metadata| found.uid() == 0 || found.uid() == rustix::process::geteuid().as_raw();
        let state = State::ALL.into_iter().find(|state| file(state).is_some_and(|found| trusted(&found)))?;
        let record: Record = serde_json::from_slice(&fs::read(folder.join(state.file())).ok()?).ok()?;
        record.is_sound().then(|| Self { folder: folder.to_path_buf(), state, record })
    }

    /// Removes what a process left that died before its record was written.
    pub(super) fn sweep(folder: &Path) {
        let _ = remove_temporaries(&folder.join(State::Moving.file()));
        let _ = fs::remove_dir(folder);
    }

    fn file(&self) -> PathBuf {
        self.folder.join(self.state.file())
    }

    /// Where something lies that was moved.
    pub(super) fn at(&self, moved: &Move) -> PathBuf {
        self.folder.join(&moved.to)
    }

    /// Whether something was moved and is still here.
    pub(super) fn holds(&self, moved: &Move) -> bool {
        fs::symlink_metadata(self.at(moved)).is_ok()
    }

    /// Notes how far it is.
    pub(super) fn turn(&mut self, state: State) -> Result<(), Fault> {
        let to = self.folder.join(state.file());
        fs::rename(self.file(), &to).map_err(|error| Fault::disk(format!("write {}", to.display()), error))?;
        self.state = state;
        Ok(())
    }

    /// Its name.
    pub(super) fn id(&self) -> TrashId {
        TrashId(self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }

    /// As people see it.
    pub(super) fn shown(&self) -> TrashEntry {
        TrashEntry {
            id: self.id(),
            targets: self.record.plan.targets.clone(),
            frees: self.frees(),
            size: self.size(),
            deleted_at: self.record.deleted_at,
            kept_until: self.kept_until(),
        }
    }

    /// When it is emptied by itself.
    pub(super) fn kept_until(&self) -> Timestamp {
        self.record.kept_until
    }

    /// Takes out of the record, and removes, what is not wanted here any more, so that it names no more than can be brought back. What is
    /// not here is not wanted either. A disk without room for that costs nothing but the names.
    pub(super) fn narrow(&mut self, is_wanted: impl Fn(&Move) -> bool) {
        let moves = std::mem::take(&mut self.record.moves);
        let (wanted, over): (Vec<Move>, Vec<Move>) = moves.into_iter().partition(|moved| self.holds(moved) && is_wanted(moved));
        self.record.moves = wanted;
        if over.is_empty() {
            return;
        }
        let places: HashSet<PathBuf> = self.record.moves.iter().map(|moved| group(&moved.from)).collect();
        let plan = &mut self.record.plan;
        plan.targets.retain(|target| places.contains(&place_of(target)));
        plan.frees = plan.frees.saturating_sub(over.iter().map(|moved| moved.frees).sum());
        if let Ok(text) = serde_json::to_vec(&self.record) {
            let _ = write_atomically(&self.file(), &text, 0o644);
        }
        for moved in over {
            let _ = remove(&self.at(&moved));
        }
    }

    /// Bytes that come free when it is removed, as its plan counted them.
    pub(super) fn frees(&self) -> u64 {
        self.record.plan.frees
    }

    /// Bytes on the disk that come free when it is removed: none of those that have a name elsewhere.
    pub(super) fn size(&self) -> u64 {
        let mut names = BTreeMap::<Identity, (u64, Seen)>::new();
        for moved in &self.record.moves {
            let at = self.at(moved);
            for (_, seen) in files_below(moved.folder_behind(&at).unwrap_or(&at)) {
                names.entry(seen.identity).or_insert((0, seen)).0 += 1;
            }
        }
        names.values().filter(|(here, seen)| *here >= seen.names).map(|(_, seen)| seen.on_disk).sum()
    }

    /// Removes it for good. The record goes last, so that whoever is interrupted goes on.
    pub(super) fn remove(&self) -> io::Result<()> {
        let removed = self.record.moves.iter().map(|moved| {
            let at = self.at(moved);
            let behind = moved.behind(&at).map_or(Ok(()), |behind| behind.remove(&self.record.plan.root, &at, &moved.inside));
            behind.and_then(|()| remove(&at))
        });
        removed.fold(Ok(()), Result::and).and_then(|()| remove(&self.folder))
    }
}

/// Where what was asked for lies, or lay, as [`group`] names it.
fn place_of(target: &DeletionTarget) -> PathBuf {
    match target {
        DeletionTarget::Locks(repo) => Path::new(LOCKS).join(folder(repo)),
        DeletionTarget::Payload(hash) => Path::new(BLOBS).join(hash.get(..2).unwrap_or_default()).join(hash),
        DeletionTarget::Repo(repo)
        | DeletionTarget::Revision { repo, .. }
        | DeletionTarget::Files { repo, .. }
        | DeletionTarget::Leftover { repo, .. } => folder(repo),
    }
}

/// Everything at and below a path that is no real folder, with its path below that one. No link is followed.
pub(super) fn files_below(path: &Path) -> Vec<(PathBuf, Seen)> {
    let (mut files, mut rest) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(relative) = rest.pop() {
        let here = if relative == Path::new("") { path.to_path_buf() } else { path.join(&relative) };
        match Seen::at(&here) {
            Some(seen) if seen.kind == Kind::Folder => {
                let entries = fs::read_dir(&here).into_iter().flatten().flatten();
                rest.extend(entries.map(|entry| relative.join(entry.file_name())));
            }
            Some(seen) => files.push((relative, seen)),
            None => {}
        }
    }
    files
}

/// Removes a file, a link or a real folder with all it holds; one that is gone is fine. No link is followed.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
