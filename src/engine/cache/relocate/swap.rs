//! Exchanging a repository's folder in the cache for a link to another place, and a link for a folder.
//!
//! A note says what moves from where to where before anything is made, and what is made says that it belongs to that note: nothing else
//! is ever written to or removed. Note, link and what came out of its place lie in a folder among the locks. Whatever process dies: either the
//! cache has the repository, and what lies there is there twice, or it lies aside and is put back.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::super::Cache;
use super::super::deletion::folder;
use super::super::entries::{inner_dir, replace_with_link};
use super::super::layout::LOCKS;
use super::super::lock::{BLOB_LOCK, try_lock, wait_for_lock};
use super::super::moved::{Home, is_apart, is_gone, other_links};
use super::super::moves::remove_repo;
use super::super::put_back::rename_new;
use super::super::record::remove;
use super::super::seen::{Kind, Seen};
use crate::desk::{Fault, FaultKind, RelocationPlan, RepoKey};
use crate::engine::host::{FileLock, create_dir, remove_temporaries, sync_dir, write_atomically};

/// The folder of moves, among the locks.
const WORKSHOP: &str = ".hfdesk-moving";
/// The name by which a copy says whose it is, in its folder, where the official client ignores what it does not know.
pub(super) const MARK: &str = ".hfdesk-move";
/// How the names of marks begin that were not written to their end.
const UNWRITTEN: &str = "..hfdesk-move.";
/// The end of a note's name.
const NOTE: &str = ".json";
/// The longest note that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// What moves from where to where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Tells this move from any other.
    id: String,
    repo: RepoKey,
    from: PathBuf,
    to: PathBuf,
    /// Whether the folder outside the cache is on another filesystem than the cache.
    apart: bool,
}

impl Note {
    fn is_of(&self, plan: &RelocationPlan) -> bool {
        (&self.repo, &self.from, &self.to) == (&plan.repo, &plan.from, &plan.to)
    }

    /// Whether a folder was made for this move.
    fn has_made(&self, copy: &Path) -> bool {
        let is_real = Seen::at(copy).is_some_and(|seen| seen.kind == Kind::Folder);
        let mark = fs::read_to_string(copy.join(MARK)).ok();
        // Somebody may have died between making it and marking it.
        let is_unwritten =
            |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(UNWRITTEN));
        is_real && (mark.as_deref() == Some(&self.id) || fs::read_dir(copy).is_ok_and(|mut entries| entries.all(is_unwritten)))
    }
}

/// The folder in which moves are made ready, which nobody else uses while this value lives.
pub(super) struct Workshop<'c> {
    cache: &'c Cache,
    folder: PathBuf,
    _lock: FileLock,
}

/// The folder of a cache's moves.
pub(super) fn folder_of_moves(cache: &Cache) -> PathBuf {
    cache.root.join(LOCKS).join(WORKSHOP)
}

/// A repository's name in that folder.
fn named(repo: &RepoKey, ending: &str) -> OsString {
    let mut name = folder(repo).into_os_string();
    name.push(ending);
    name
}

/// Whether something that stands where a repository is to go was made for the same move before.
pub(super) fn is_begun(cache: &Cache, repo: &RepoKey, to: &Path) -> bool {
    let note = read(&folder_of_moves(cache).join(named(repo, NOTE)));
    note.is_some_and(|note| note.repo == *repo && note.to == to && note.has_made(to))
}

/// A note of this user or the administrator: nobody does what a stranger has written down.
fn read(path: &Path) -> Option<Note> {
    let found = fs::symlink_metadata(path).ok().filter(|found| found.is_file() && found.len() <= LONGEST)?;
    let trusted = found.uid() == 0 || found.uid() == rustix::process::geteuid().as_raw();
    let note: Note = serde_json::from_slice(&fs::read(path).ok().filter(|_| trusted)?).ok()?;
    let is_named_so = path.file_name() == Some(named(&note.repo, NOTE).as_os_str());
    is_named_so.then_some(note)
}

impl<'c> Workshop<'c> {
    /// Opens the folder where anything was ever moved, unless a move is under way.
    pub(super) fn if_idle(cache: &'c Cache) -> Option<Self> {
        let folder = folder_of_moves(cache);
        let is_there = Seen::at(&folder).is_some_and(|seen| seen.kind == Kind::Folder);
        let lock = is_there.then(|| try_lock(&folder.join("lock"), BLOB_LOCK).ok().flatten()).flatten()?;
        Some(Self { cache, folder, _lock: lock })
    }

    /// Opens the folder, which is made where there is none. Waits a moment for somebody who only looks.
    pub(super) fn open(cache: &'c Cache) -> Result<Self, Fault> {
        let folder = inner_dir(&cache.root, &Path::new(LOCKS).join(WORKSHOP))?;
        let busy = || Fault::new(FaultKind::Busy, "another repository of this cache is being moved").hint("try again when it is done");
        let lock = wait_for_lock(&folder.join("lock"), BLOB_LOCK)?.ok_or_else(busy)?;
        Ok(Self { cache, folder, _lock: lock })
    }

    fn place(&self, repo: &RepoKey) -> PathBuf {
        self.cache.root.join(folder(repo))
    }

    fn beside(&self, repo: &RepoKey, ending: &str) -> PathBuf {
        self.folder.join(named(repo, ending))
    }

    fn note(&self, repo: &RepoKey) -> PathBuf {
        self.beside(repo, NOTE)
    }

    /// What goes into the repository's place: a link, or a copy.
    fn coming(&self, repo: &RepoKey) -> PathBuf {
        self.beside(repo, ".new")
    }

    /// What came out of it.
    fn old(&self, repo: &RepoKey) -> PathBuf {
        self.beside(repo, ".old")
    }

    /// Notes a move, or goes on with the same one, and answers with the folder to copy to: a new one, or that of the earlier try.
    pub(super) fn begin(&self, plan: &RelocationPlan) -> Result<PathBuf, Fault> {
        let (path, back) = (self.note(&plan.repo), plan.to == self.place(&plan.repo));
        let copy = if back { self.coming(&plan.repo) } else { plan.to.clone() };
        let note = match read(&path) {
            Some(note) if note.is_of(plan) => note,
            Some(note) => return Err(begun(&note)),
            None => self.noted(plan, &path)?,
        };
        copy.parent().map_or(Ok(()), create_dir)?;
        match fs::create_dir(&copy) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && note.has_made(&copy) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                _ = fs::remove_file(&path);
                return Err(super::in_the_way(&copy));
            }
            made => made.map_err(|error| Fault::disk(format!("create the folder {}", copy.display()), error))?,
        }
        write_atomically(&copy.join(MARK), note.id.as_bytes(), 0o644)?;
        Ok(copy)
    }

    fn noted(&self, plan: &RelocationPlan, path: &Path) -> Result<Note, Fault> {
        let outside = if plan.from.starts_with(&self.cache.root) { &plan.to } else { &plan.from };
        let id = format!("{}-{}", jiff::Timestamp::now().as_nanosecond(), std::process::id());
        let apart = is_apart(&self.cache.root, outside);
        let note = Note { id, repo: plan.repo.clone(), from: plan.from.clone(), to: plan.to.clone(), apart };
        let text = serde_json::to_vec(&note).map_err(|error| Fault::internal(format!("a note of a move: {error}")))?;
        write_atomically(path, &text, 0o644).map(|()| note)
    }

    /// Puts a link to the copy into the repository's place, or the copy itself.
    pub(super) fn swap(&self, plan: &RelocationPlan, copy: &Path) -> Result<(), Fault> {
        let (coming, place) = (self.coming(&plan.repo), self.place(&plan.repo));
        let doing = |path: &Path| format!("link {}", path.display());
        if plan.to == place {
            // Whoever finishes this finds it by what the link says, wherever that lies.
            replace_with_link(&self.folder, &place, &plan.from).map_err(|error| Fault::disk(doing(&place), error))?;
        } else {
            remove(&coming).and_then(|()| symlink(copy, &coming)).map_err(|error| Fault::disk(doing(&coming), error))?;
        }
        self.exchange(&plan.repo, &coming, &self.old(&plan.repo))
    }

    /// Puts back what came out of the repository's place.
    pub(super) fn undo(&self, plan: &RelocationPlan) -> Result<(), Fault> {
        self.exchange(&plan.repo, &self.old(&plan.repo), &self.coming(&plan.repo))
    }

    /// What lies at `coming` goes into the repository's place, and what was there to `old`.
    fn exchange(&self, repo: &RepoKey, coming: &Path, old: &Path) -> Result<(), Fault> {
        let place = self.place(repo);
        let exchanged = match renameat_with(CWD, coming, CWD, &place, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => one_by_one(coming, &place, old),
            exchanged => exchanged.map_err(io::Error::from).and_then(|()| rename_new(coming, old)),
        };
        exchanged.map_err(|error| Fault::disk(format!("exchange {} for {}", place.display(), coming.display()), error))?;
        sync_dir(&self.cache.root).and_then(|()| sync_dir(&self.folder))
    }

    /// Where what came out of the repository's place lies.
    pub(super) fn came_out(&self, plan: &RelocationPlan) -> PathBuf {
        if plan.to == self.place(&plan.repo) { plan.from.clone() } else { self.old(&plan.repo) }
    }

    /// Removes what is there twice once a move is made, and its note.
    pub(super) fn clear(&self, repo: &RepoKey) -> Result<(), Fault> {
        read(&self.note(repo)).map_or(Ok(()), |note| self.finish_one(&note, false))
    }

    /// Ends what was interrupted after a repository had changed its place. With `give_up` also what was interrupted before: the copy goes.
    pub(super) fn finish(&self, give_up: bool) -> Vec<Fault> {
        self.notes().iter().filter_map(|(_, note)| self.finish_one(note, give_up).err()).collect()
    }

    /// The moves that were interrupted, and the files that say so.
    pub(super) fn notes(&self) -> Vec<(PathBuf, Note)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut notes: Vec<(PathBuf, Note)> = entries.filter_map(|path| Some((path.clone(), read(&path)?))).collect();
        notes.sort_by(|a, b| a.0.cmp(&b.0));
        notes
    }

    fn finish_one(&self, note: &Note, give_up: bool) -> Result<(), Fault> {
        self.put_back(note)?;
        let place = self.place(&note.repo);
        let here = [self.old(&note.repo), self.coming(&note.repo)];
        let has_link = here.iter().any(|path| Seen::at(path).is_some_and(|seen| seen.kind == Kind::Link));
        let original = here.iter().find(|path| is_original(path));
        match Home::of(&self.cache.root, &place) {
            Home::There(there) if there == note.to => self.end(note, Some(&note.to)),
            Home::Here if note.to == place && has_link => {
                self.remove_outside(&note.from, note.apart)?;
                self.end(note, Some(&place))
            }
            Home::Here | Home::There(_) if original.is_some() => Err(there_twice(&place, original)),
            Home::Here if note.from == place && give_up => {
                if note.has_made(&note.to) {
                    self.remove_outside(&note.to, note.apart)?;
                }
                self.end(note, None)
            }
            Home::Here | Home::There(_) if give_up => self.end(note, None),
            Home::Here | Home::There(_) => Ok(()),
            Home::Astray(what) => Err(Fault::new(FaultKind::Conflict, format!("{} {what}", place.display()))),
            Home::None => Err(ownerless(note, &self.note(&note.repo))),
        }
    }

    /// Puts a repository back that is in its place no more.
    fn put_back(&self, note: &Note) -> Result<(), Fault> {
        let place = self.place(&note.repo);
        if Home::of(&self.cache.root, &place) != Home::None {
            return Ok(());
        }
        let is_link = |path: &PathBuf| Seen::at(path).is_some_and(|seen| seen.kind == Kind::Link);
        let here = [self.old(&note.repo), self.coming(&note.repo)];
        let whole = here.iter().find(|path| is_link(path) || is_original(path));
        let put = whole.map_or(Ok(()), |whole| rename_free(whole, &place));
        put.map_err(|error| Fault::disk(format!("move {} back", place.display()), error))
    }

    /// Removes what lies here of a move, the mark of its copy, and its note. No link is followed.
    fn end(&self, note: &Note, copy: Option<&Path>) -> Result<(), Fault> {
        let doing = |path: &Path| format!("remove {}", path.display());
        let marks = copy.map(|copy| copy.join(MARK));
        for path in [self.old(&note.repo), self.coming(&note.repo)].into_iter().chain(marks) {
            remove(&path).map_err(|error| Fault::disk(doing(&path), error))?;
        }
        let path = self.note(&note.repo);
        remove_temporaries(&path)?; // of processes that died while they wrote it
        remove(&path).map_err(|error| Fault::disk(doing(&path), error))
    }

    /// Removes a repository's folder outside the cache, unless something in the cache leads there.
    fn remove_outside(&self, there: &Path, apart: bool) -> Result<(), Fault> {
        if let Some(link) = other_links(&self.cache.root, there, Path::new("")).first() {
            return Err(Fault::new(FaultKind::Conflict, format!("{} stays: {} leads to it", there.display(), link.display())));
        }
        match remove_repo(there) {
            Err(error) if error.kind() == ErrorKind::NotFound && is_gone(&self.cache.root, there, apart) => Ok(()),
            removed => removed.map_err(|error| Fault::disk(format!("remove {}", there.display()), error)),
        }
    }
}

/// The same on a filesystem that cannot exchange two names at once.
fn one_by_one(coming: &Path, place: &Path, old: &Path) -> io::Result<()> {
    rename_free(place, old)?;
    fs::rename(coming, place).inspect_err(|_| drop(rename_free(old, place)))
}

/// Renames to a name that is not taken, as far as the filesystem can promise that.
fn rename_free(from: &Path, to: &Path) -> io::Result<()> {
    match rename_new(from, to) {
        Err(error) if error.kind() == ErrorKind::Unsupported && Seen::at(to).is_none() => fs::rename(from, to),
        renamed => renamed,
    }
}

/// Whether something is a repository's own folder, and no copy that was made for a move.
fn is_original(path: &Path) -> bool {
    Seen::at(path).is_some_and(|seen| seen.kind == Kind::Folder) && !path.join(MARK).exists()
}

fn begun(note: &Note) -> Fault {
    Fault::new(FaultKind::Conflict, format!("a move of {} to {} was interrupted", note.repo, note.to.display()))
        .hint("go on with that one, or end it with: hfdesk-tui cache doctor --fix")
}

/// Says that a repository has gone whose copy may be all that is left of it.
fn ownerless(note: &Note, path: &Path) -> Fault {
    let message = format!(
        "{} is in the cache no more, and what was copied of it to {} may be all there is; where nobody needs that, remove it and {} by hand",
        note.repo,
        note.to.display(),
        path.display()
    );
    Fault::new(FaultKind::NotFound, message)
}

fn there_twice(place: &Path, original: Option<&PathBuf>) -> Fault {
    let original = original.map_or(Path::new(""), PathBuf::as_path).display();
    let message = format!("{} has come again while its original lies in {original}", place.display());
    Fault::new(FaultKind::Conflict, message).hint("look which of the two is wanted, and remove the other by hand")
}
