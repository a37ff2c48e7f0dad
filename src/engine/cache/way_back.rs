//! What of a deletion can come back from the trash, and what stands against the rest. Nothing is changed here.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Cache;
use super::entries::size_of;
use super::going::{What, commit_of};
use super::layout::{BLOBS, is_hex, resolve};
use super::moves::group;
use super::record::{Entry, Move, files_below};
use super::seen::{Kind, Seen};
use super::store::{Store, payload_of_manifest};
use crate::desk::{Fault, FaultKind};

/// A blob that comes back and the shared payload it links to.
pub(super) type Returning = (PathBuf, PathBuf);

/// A part of a deletion that comes back whole or not at all: what went of one repository with the shared payloads that it uses, or
/// something that was deleted by itself.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// What is in the trash of it, in the order in which it went.
    pub(super) moves: Vec<Move>,
    /// Branches and tags that have moved on since: they stay as they are now.
    pub(super) moved_on: Vec<Move>,
    /// Its blobs that link to a shared payload.
    pub(super) returning: Vec<Returning>,
}

impl Part {
    /// Whether something that was moved is of this part.
    pub(super) fn has(&self, moved: &Move) -> bool {
        self.moves.iter().chain(&self.moved_on).any(|own| own.to == moved.to)
    }
}

impl Cache {
    /// The parts that can come back now, and why each of the others cannot.
    pub(super) fn way_back(&self, entry: &Entry) -> (Vec<Part>, Vec<Fault>) {
        let (mut open, mut faults) = (self.parts(entry), Vec::new());
        loop {
            let before = open.len();
            let coming: HashSet<PathBuf> = open.iter().flat_map(|part| &part.moves).map(|moved| moved.from.clone()).collect();
            open.retain(|part| self.check_part(entry, part, &coming).map_err(|fault| faults.push(fault)).is_ok());
            // What leads into a part that stays has to stay as well.
            if open.len() == before {
                return (open, faults);
            }
        }
    }

    /// What a deletion holds, by what has to come back together.
    pub(super) fn parts(&self, entry: &Entry) -> Vec<Part> {
        let mut parts = BTreeMap::<PathBuf, Part>::new();
        let returning = self.returning(entry);
        let mut users = BTreeMap::<&Path, BTreeSet<PathBuf>>::new();
        for (blob, payload) in &returning {
            users.entry(payload).or_default().insert(group(blob));
        }
        for moved in entry.record.moves.iter().filter(|moved| entry.holds(moved)) {
            let payload = if moved.what == What::Manifest { payload_of_manifest(&moved.from) } else { moved.from.clone() };
            let users = users.get(payload.as_path()).filter(|_| moved.is_shared()).cloned();
            for of in users.unwrap_or_else(|| BTreeSet::from([group(&payload)])) {
                let part = parts.entry(of).or_default();
                let moves = if self.has_moved_on(entry, moved) { &mut part.moved_on } else { &mut part.moves };
                moves.push(moved.clone());
            }
        }
        for user in returning {
            parts.entry(group(&user.0)).or_default().returning.push(user);
        }
        parts.into_values().collect()
    }

    /// Whether a branch or tag names another commit by now.
    fn has_moved_on(&self, entry: &Entry, moved: &Move) -> bool {
        let place = self.root.join(&moved.from);
        moved.what == What::Ref && commit_of(&place).is_some() && !is_same(moved, &entry.at(moved), &place)
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

    /// Refuses where something is in a part's way, or missing.
    fn check_part(&self, entry: &Entry, part: &Part, coming: &HashSet<PathBuf>) -> Result<(), Fault> {
        for moved in &part.moves {
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
            self.check_links(entry, moved, coming)?;
        }
        let lost = |(_, payload): &&Returning| !coming.contains(payload) && size_of(&self.root.join(payload)).is_none();
        match part.returning.iter().find(lost) {
            Some((blob, payload)) => Err(gone(blob, &format!("the shared payload {} is not there any more", payload.display()))),
            None => Ok(()),
        }
    }

    /// Refuses to bring back a file of a snapshot that would lead nowhere, which hides the whole repository from the official client.
    pub(super) fn check_links(&self, entry: &Entry, moved: &Move, coming: &HashSet<PathBuf>) -> Result<(), Fault> {
        let comes = |path: &Path| path.ancestors().any(|ancestor| coming.contains(ancestor));
        let lost = |(_, blob): &(PathBuf, PathBuf)| !comes(blob) && size_of(&self.root.join(blob)).is_none();
        match self.links(entry, moved).into_iter().find(lost) {
            Some((file, blob)) => Err(gone(&file, &format!("{} is not there any more", blob.display()))),
            None => Ok(()),
        }
    }

    /// The files of a snapshot that come back, and what each leads to.
    fn links(&self, entry: &Entry, moved: &Move) -> Vec<(PathBuf, PathBuf)> {
        if !matches!(moved.what, What::Snapshot | What::Entry) {
            return Vec::new();
        }
        let leads = |below: &Path| {
            let (at, file) = (under(&entry.at(moved), below), under(&moved.from, below));
            let blob = resolve(&self.root, file.parent().unwrap_or(Path::new("")), &fs::read_link(at).ok()?)?;
            Some((file, blob))
        };
        files_below(&entry.at(moved)).iter().filter_map(|(below, _)| leads(below)).collect()
    }

    /// What has to be in the cache for a part to come back and does not come with it: the folders it was in, the blobs that its files lead
    /// to, and shared payloads.
    pub(super) fn needs(&self, entry: &Entry, part: &Part) -> BTreeSet<PathBuf> {
        let own: HashSet<&Path> = part.moves.iter().map(|moved| moved.from.as_path()).collect();
        let folders = part.moves.iter().filter_map(|moved| moved.from.parent().map(Path::to_path_buf));
        let blobs = part.moves.iter().flat_map(|moved| self.links(entry, moved)).map(|(_, blob)| blob);
        let payloads = part.returning.iter().map(|(_, payload)| payload.clone());
        let all = folders.chain(blobs).chain(payloads);
        all.filter(|need| need.ancestors().all(|folder| !own.contains(folder))).collect()
    }
}

/// A path below another, or that one itself.
fn under(path: &Path, below: &Path) -> PathBuf {
    if below == Path::new("") { path.to_path_buf() } else { path.join(below) }
}

/// Whether what stands at a place is what would be brought back there.
pub(super) fn is_same(moved: &Move, trashed: &Path, place: &Path) -> bool {
    match moved.what {
        // Its name is its content's digest.
        What::Blob if moved.from.file_name().and_then(|name| name.to_str()).is_some_and(|name| is_hex(name, 40) || is_hex(name, 64)) => {
            let text = fs::read_link(trashed).ok();
            is_same_link(trashed, place) || (size_of(place).is_some() && (text.is_some() || size_of(place) == size_of(trashed)))
        }
        What::Payload => size_of(place).is_some() && size_of(place) == size_of(trashed),
        What::Manifest | What::Locks => true,
        What::Entry => is_same_link(trashed, place),
        What::Ref => fs::read(trashed).ok().is_some_and(|text| fs::read(place).is_ok_and(|other| other == text)),
        What::Snapshot => {
            let is_folder = Seen::at(place).is_some_and(|seen| seen.kind == Kind::Folder);
            is_folder && files_below(trashed).iter().all(|(file, _)| is_same_link(&trashed.join(file), &place.join(file)))
        }
        What::Blob | What::Repo => false,
    }
}

fn is_same_link(a: &Path, b: &Path) -> bool {
    let text = fs::read_link(a).ok();
    text.is_some() && text == fs::read_link(b).ok()
}

fn children(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Says that something stands where something else would come back.
pub(super) fn in_the_way(place: &Path) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{} is in the way", place.display()))
        .hint("delete it, or move it away, then restore again; what is not back is still in the trash")
}

/// Says that something cannot come back.
pub(super) fn gone(path: &Path, why: &str) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{} cannot come back: {why}", path.display()))
        .hint("restore what was deleted after it first, or download it again; what is not back is still in the trash")
}
