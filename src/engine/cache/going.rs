//! What goes of one repository, out of what was asked for: exact names from one reading of its folder.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::layout::{BLOBS, JOURNAL, LOCKS, PARTIAL, REFS, SNAPSHOTS, is_hex, parse_repo_folder};
use super::reader::Reader;
use super::scan::{Blob, RepoScan};
use crate::desk::{DeletionTarget, Fault, FaultKind, printable};

/// The longest ref that is read, in bytes; a commit has 40.
const LONGEST_REF: u64 = 1024;

/// What kind of thing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// A repository's folder.
    Repo,
    /// A branch or tag.
    Ref,
    /// A commit's folder.
    Snapshot,
    /// A file of a snapshot that stays.
    Entry,
    /// A file among a repository's blobs.
    Blob,
    /// The folder of a repository's locks.
    Locks,
    /// A payload of the shared store.
    Payload,
    /// Who uses such a payload.
    Manifest,
}

impl What {
    /// Whether a path relative to the cache's root is one of such a thing.
    pub(super) fn fits(self, path: &Path) -> bool {
        // A name that is no text is a name all the same.
        let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap_or("?")).collect();
        let is_payload = |start: &str, hash: &str| is_hex(hash, 64) && start.len() == 2 && hash.starts_with(start);
        match (self, &parts[..]) {
            (Self::Repo, [repo])
            | (Self::Ref, [repo, REFS, _, ..])
            | (Self::Snapshot, [repo, SNAPSHOTS, _])
            | (Self::Entry, [repo, SNAPSHOTS, _, _, ..])
            | (Self::Blob, [repo, BLOBS, _])
            | (Self::Locks, [LOCKS, repo]) => parse_repo_folder(repo).is_some(),
            (Self::Payload, [BLOBS, start, hash]) => is_payload(start, hash),
            (Self::Manifest, [BLOBS, start, name]) => name.strip_suffix(".refs").is_some_and(|hash| is_payload(start, hash)),
            _ => false,
        }
    }
}

/// One thing that goes, by one rename.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) what: What,
    /// Where it is, relative to the cache's root.
    pub(super) path: PathBuf,
}

/// What is asked for of one repository.
#[derive(Debug, Default)]
pub(super) struct Wanted<'t> {
    whole: bool,
    commits: BTreeSet<&'t str>,
    files: Vec<(Option<&'t str>, &'t str)>,
    leftovers: BTreeSet<&'t str>,
}

impl<'t> Wanted<'t> {
    /// Adds what a target asks for.
    pub(super) fn add(&mut self, target: &'t DeletionTarget) {
        match target {
            DeletionTarget::Repo(_) => self.whole = true,
            DeletionTarget::Revision { commit, .. } => _ = self.commits.insert(commit),
            DeletionTarget::Files { commit, files, .. } => self.files.extend(files.iter().map(|file| (commit.as_deref(), file.as_str()))),
            DeletionTarget::Leftover { name, .. } => _ = self.leftovers.insert(name),
            DeletionTarget::Payload(_) | DeletionTarget::Locks(_) => {}
        }
    }
}

/// A file of a snapshot: its commit and its path there.
type FileOf<'s> = (&'s str, &'s Path);

/// What goes of one repository.
#[derive(Debug)]
pub(super) struct Going<'s> {
    scan: &'s RepoScan,
    /// Whether nothing of it stays.
    pub(super) whole: bool,
    /// The commits that go.
    pub(super) commits: Vec<&'s str>,
    files: HashSet<FileOf<'s>>,
    leftovers: HashSet<String>,
}

impl<'s> Going<'s> {
    /// What goes; anything that was asked for and is not there is a fault.
    pub(super) fn new(scan: &'s RepoScan, wanted: &Wanted) -> Result<Self, Fault> {
        let here = || scan.snapshots.iter().map(|snapshot| snapshot.commit.as_str());
        let named = wanted.commits.iter().copied().chain(wanted.files.iter().filter_map(|(commit, _)| *commit));
        for commit in named {
            here().find(|here| *here == commit).ok_or_else(|| no_revision(scan, commit))?;
        }
        let files = wanted_files(scan, &wanted.files)?;
        let leftovers = wanted_leftovers(scan, &wanted.leftovers)?;
        let whole = wanted.whole || (!wanted.commits.is_empty() && here().all(|commit| wanted.commits.contains(commit)));
        let commits = here().filter(|commit| whole || wanted.commits.contains(commit)).collect();
        Ok(Self { scan, whole, commits, files, leftovers })
    }

    /// The blobs that go, and those that were asked for and stay because a file that stays uses them.
    pub(super) fn blobs(&self) -> (Vec<&'s Blob>, Vec<&'s Blob>) {
        let size = self.scan.blobs.len();
        let (mut asked, mut used) = (vec![false; size], vec![false; size]);
        for snapshot in &self.scan.snapshots {
            for entry in &snapshot.entries {
                let goes = self.goes(&snapshot.commit, &entry.path);
                let marks = if goes { &mut asked } else { &mut used };
                entry.blob.and_then(|at| marks.get_mut(at)).into_iter().for_each(|mark| *mark = true);
            }
        }
        let rest = |blob: &Blob| !blob.used && (self.whole || self.leftovers.contains(&blob.name()));
        let marked = self.scan.blobs.iter().zip(asked.into_iter().zip(used));
        let asked = marked.filter(|(blob, (asked, _))| *asked || rest(blob));
        let (stay, go): (Vec<_>, Vec<_>) = asked.partition(|(_, (_, used))| *used);
        let only = |marked: Vec<(&'s Blob, _)>| marked.into_iter().map(|(blob, _)| blob).collect();
        (only(go), only(stay))
    }

    fn goes(&self, commit: &str, path: &Path) -> bool {
        self.commits.contains(&commit) || self.files.contains(&(commit, path))
    }

    /// What goes, in an order that leaves a cache that can be read after every step: refs before their snapshots (one that names a
    /// missing commit hides the whole repository from the official client), files before the blobs they lead to.
    pub(super) fn steps(&self, reader: &mut Reader) -> Vec<Step> {
        let folder = reader.relative(&self.scan.path).to_path_buf();
        if self.whole {
            return vec![Step { what: What::Repo, path: folder }];
        }
        let snapshots = folder.join(SNAPSHOTS);
        let refs = refs_to(reader, &self.scan.path.join(REFS), &self.commits);
        let refs: Vec<PathBuf> = refs.iter().map(|path| reader.relative(path).to_path_buf()).collect();
        let alone = self.files.iter().filter(|(commit, _)| !self.commits.contains(commit));
        let blobs = self.blobs().0.into_iter().filter(|blob| !blob.is_file_of_snapshot());
        let order = [
            (What::Ref, refs),
            (What::Snapshot, self.commits.iter().map(|commit| snapshots.join(commit)).collect()),
            (What::Entry, alone.map(|(commit, path)| snapshots.join(commit).join(path)).collect()),
            (What::Blob, blobs.map(|blob| blob.path.clone()).collect()),
        ];
        order.into_iter().flat_map(|(what, paths)| sorted(paths).map(move |path| Step { what, path })).collect()
    }
}

fn sorted(mut paths: Vec<PathBuf>) -> impl Iterator<Item = PathBuf> {
    paths.sort();
    paths.into_iter()
}

fn wanted_files<'s>(scan: &'s RepoScan, files: &[(Option<&str>, &str)]) -> Result<HashSet<FileOf<'s>>, Fault> {
    let mut index = HashMap::<String, Vec<FileOf>>::new();
    let snapshots = if files.is_empty() { &[] } else { &scan.snapshots[..] };
    for snapshot in snapshots {
        for entry in &snapshot.entries {
            // By the name that people see and ask for.
            index.entry(printable(&entry.path.to_string_lossy())).or_default().push((&snapshot.commit, &entry.path));
        }
    }
    let mut found = HashSet::new();
    for (commit, file) in files {
        let known = index.get(&printable(file)).into_iter().flatten().copied();
        let known: Vec<FileOf> = known.filter(|(of, _)| commit.is_none_or(|commit| commit == *of)).collect();
        if known.is_empty() {
            return Err(no_file(scan, *commit, file));
        }
        found.extend(known);
    }
    Ok(found)
}

fn wanted_leftovers(scan: &RepoScan, names: &BTreeSet<&str>) -> Result<HashSet<String>, Fault> {
    let mut found = HashSet::new();
    for name in names {
        let blob = scan.blobs.iter().find(|blob| !blob.is_file_of_snapshot() && blob.name() == *name);
        match blob {
            None => return Err(not_found(FaultKind::NotFound, format!("{} has no blobs/{name} in the cache", scan.key))),
            Some(blob) if blob.used => {
                return Err(Fault::new(FaultKind::Conflict, format!("a snapshot of {} uses blobs/{name}", scan.key))
                    .hint("delete the file or the revision that uses it"));
            }
            Some(_) => {}
        }
        found.insert((*name).to_owned());
        // A journal without its partial says nothing to anybody.
        found.extend(name.strip_suffix(PARTIAL).map(|etag| format!("{etag}{JOURNAL}")));
    }
    Ok(found)
}

fn no_revision(scan: &RepoScan, commit: &str) -> Fault {
    not_found(FaultKind::RevisionNotFound, format!("{} has no revision {commit} in the cache", scan.key))
}

fn no_file(scan: &RepoScan, commit: Option<&str>, file: &str) -> Fault {
    let at = commit.map_or_else(String::new, |commit| format!(" at {commit}"));
    not_found(FaultKind::EntryNotFound, format!("{} has no file “{file}”{at} in the cache", scan.key))
}

fn not_found(kind: FaultKind, message: String) -> Fault {
    Fault::new(kind, message).hint("look at what there is with: hfdesk-tui cache show")
}

/// The branches and tags that name one of these commits, by their real paths.
fn refs_to(reader: &mut Reader, folder: &Path, commits: &[&str]) -> Vec<PathBuf> {
    if commits.is_empty() || fs::symlink_metadata(folder).is_err() {
        return Vec::new();
    }
    let names_one = |file: &PathBuf| commit_of(file).is_some_and(|commit| commits.contains(&commit.as_str()));
    reader.files_below(folder).into_iter().map(|(file, _)| file).filter(names_one).collect()
}

/// The whole content of a branch or tag. One that is a link is read as the official client reads it.
pub(super) fn commit_of(file: &Path) -> Option<String> {
    let found = fs::metadata(file).ok()?;
    (found.is_file() && found.len() <= LONGEST_REF).then(|| fs::read_to_string(file).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_of_what_it_says() {
        let hash = "c6".repeat(32);
        let payload = format!("blobs/c6/{hash}");
        let manifest = format!("{payload}.refs");
        let fitting = [
            (What::Repo, "models--org--m"),
            (What::Ref, "models--org--m/refs/pr/1"),
            (What::Snapshot, "models--org--m/snapshots/c"),
            (What::Entry, "models--org--m/snapshots/c/q/b.bin"),
            (What::Blob, "models--org--m/blobs/ab.hfdesk.part"),
            (What::Locks, ".locks/models--org--m"),
            (What::Payload, &payload),
            (What::Manifest, &manifest),
        ];
        for (what, _) in fitting {
            for (other, path) in fitting {
                assert_eq!(what.fits(Path::new(path)), what == other, "{what:?} {path}");
            }
            for path in ["", "blobs", ".locks", ".locks/.hfdesk-trash", "x/blobs/y", "models--org--m/blobs", "models--org--m/snapshots"] {
                assert!(!what.fits(Path::new(path)), "{what:?} {path}");
            }
        }
    }
}
