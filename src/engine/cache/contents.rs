//! What there is to verify: every content of the repositories asked for, what it should hash to, and who uses it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Cache;
use super::deletion::folder;
use super::layout::{BLOBS, REFS, SNAPSHOTS, is_hex, resolve};
use super::reader::Reader;
use super::store::Store;
use super::tree::listed_digests;
use crate::desk::{Digest, Fault, FaultKind, RepoKey, Revision, VerifyTarget};

/// The content of one file of a repository or more, as its repository has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The repository.
    pub repo: RepoKey,
    /// The blob or, in a cache without links, the file in the snapshot, relative to the cache's root.
    pub path: PathBuf,
    /// Where the bytes are, relative to the cache's root: the same, or the shared payload that the blob links to.
    pub bytes: PathBuf,
    /// Size in bytes.
    pub size: u64,
    /// When it was last written to, in nanoseconds since 1970.
    pub modified: i128,
    /// What it should hash to, where that is known.
    pub digest: Option<Digest>,
    /// The paths in the repository that snapshots have it under.
    pub files: BTreeSet<String>,
    /// The commits whose snapshots have it.
    pub commits: BTreeSet<String>,
}

/// Everything found for a verification.
#[derive(Debug, Default)]
pub struct Survey {
    /// What there is to verify, in the order of repositories and paths.
    pub contents: Vec<Content>,
    /// What could not be read, one sentence each.
    pub warnings: Vec<String>,
}

impl Cache {
    /// What these targets name, or all that the cache holds where there are none. Reads no content.
    ///
    /// A repository, revision or file that is not in the cache is a fault.
    pub fn survey(&self, targets: &[VerifyTarget]) -> Result<Survey, Fault> {
        let mut survey = Survey::default();
        if targets.is_empty() {
            let listing = self.scan()?;
            survey.warnings = listing.warnings;
            for repo in listing.repos {
                survey.contents.extend(self.contents(&VerifyTarget::whole(repo.key))?.contents);
            }
        }
        for target in targets {
            let mut found = self.contents(target)?;
            survey.contents.append(&mut found.contents);
            survey.warnings.append(&mut found.warnings);
        }
        survey.contents.sort_by(|a, b| (&a.repo, &a.path).cmp(&(&b.repo, &b.path)));
        survey.contents.dedup_by(|later, earlier| {
            let same = later.path == earlier.path;
            if same {
                earlier.files.append(&mut later.files);
                earlier.commits.append(&mut later.commits);
            }
            same
        });
        Ok(survey)
    }

    /// What one target names.
    fn contents(&self, target: &VerifyTarget) -> Result<Survey, Fault> {
        let path = self.root.join(folder(&target.repo));
        if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            let message = format!("{} is not in the cache {}", target.repo, self.root.display());
            return Err(Fault::new(FaultKind::NotFound, message).hint("list what there is with: hfdesk-tui cache ls"));
        }
        let mut walk = Walk::new(Reader::new(&self.root), Store::open(&self.root), target, path);
        walk.read()?;
        let missing = target.files.iter().find(|file| !walk.found.values().any(|content| content.files.contains(*file)));
        if let Some(file) = missing {
            let place = target.revision.as_ref().map_or_else(String::new, |revision| format!(" at {revision}"));
            return Err(Fault::new(FaultKind::EntryNotFound, format!("{}{place} has no file {file} in the cache", target.repo)));
        }
        let warnings = walk.reader.into_warnings(&walk.path);
        Ok(Survey { contents: walk.found.into_values().collect(), warnings })
    }
}

/// A walk through one repository's folder.
struct Walk<'a> {
    reader: Reader<'a>,
    store: Option<Store<'a>>,
    target: &'a VerifyTarget,
    /// The repository's folder.
    path: PathBuf,
    /// By the path of blob or file, relative to the cache's root.
    found: BTreeMap<PathBuf, Content>,
}

impl<'a> Walk<'a> {
    fn new(reader: Reader<'a>, store: Option<Store<'a>>, target: &'a VerifyTarget, path: PathBuf) -> Self {
        Self { reader, store, target, path, found: BTreeMap::new() }
    }

    fn read(&mut self) -> Result<(), Fault> {
        if self.target.revision.is_none() && self.target.files.is_empty() {
            self.read_blobs();
        }
        for commit in self.commits()? {
            self.read_snapshot(&commit);
        }
        Ok(())
    }

    /// Every blob, whether or not a snapshot uses it.
    fn read_blobs(&mut self) {
        let folder = self.path.join(BLOBS);
        if fs::symlink_metadata(&folder).is_err() {
            return; // a cache without links has none
        }
        for entry in self.reader.children(&folder) {
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| is_hex(name, 40) || is_hex(name, 64)) {
                let relative = self.reader.relative(&entry.path()).to_path_buf();
                self.add_blob(&relative);
            }
        }
    }

    /// The commits that the target names: that of its revision, or all.
    fn commits(&mut self) -> Result<Vec<String>, Fault> {
        let all = self.reader.children(&self.path.join(SNAPSHOTS)).into_iter().filter_map(|entry| entry.file_name().into_string().ok());
        let mut all: Vec<String> = all.filter(|name| is_hex(name, 40)).collect();
        all.sort();
        let Some(revision) = &self.target.revision else { return Ok(all) };
        let commit = if revision.is_commit() { Some(revision.as_str().to_owned()) } else { self.commit_of(revision) };
        match commit.filter(|commit| all.contains(commit)) {
            Some(commit) => Ok(vec![commit]),
            None => Err(Fault::new(FaultKind::RevisionNotFound, format!("{} has no revision {revision} in the cache", self.target.repo))
                .hint(format!("list what there is with: hfdesk-tui cache show {}", self.target.repo))),
        }
    }

    fn commit_of(&self, revision: &Revision) -> Option<String> {
        let path = self.path.join(REFS).join(revision.as_str());
        fs::symlink_metadata(&path).ok().filter(|found| found.is_file() && found.len() == 40)?;
        fs::read_to_string(path).ok()
    }

    fn read_snapshot(&mut self, commit: &str) {
        let folder = self.path.join(SNAPSHOTS).join(commit);
        let mut listed: Option<HashMap<String, Digest>> = None;
        for file in self.reader.files_below(&folder) {
            let name = file.strip_prefix(&folder).unwrap_or(&file).to_string_lossy().into_owned();
            if !self.target.files.is_empty() && !self.target.files.contains(&name) {
                continue;
            }
            let content = if let Ok(link) = fs::read_link(&file) {
                self.linked_blob(&file, &link)
            } else {
                let digest = listed.get_or_insert_with(|| listed_digests(&self.path, commit)).get(&name).cloned();
                self.add_file(&file, digest)
            };
            match content.and_then(|path| self.found.get_mut(&path)) {
                Some(content) => {
                    content.files.insert(name);
                    content.commits.insert(commit.to_owned());
                }
                None => self.reader.warn(&file, "does not lead to a blob of its repository"),
            }
        }
    }

    /// The blob that a snapshot's link names: its first hop.
    fn linked_blob(&mut self, file: &Path, link: &Path) -> Option<PathBuf> {
        let relative = self.reader.relative(file).parent()?.to_path_buf();
        let blob = resolve(self.reader.root(), &relative, link)?;
        (blob.parent()? == self.reader.relative(&self.path.join(BLOBS))).then_some(())?;
        self.add_blob(&blob)
    }

    fn add_blob(&mut self, blob: &Path) -> Option<PathBuf> {
        if !self.found.contains_key(blob) {
            let payload = self.store.as_ref().and_then(|store| store.target(blob).ok().flatten());
            let name = blob.file_name()?.to_str()?;
            let digest = if is_hex(name, 40) || is_hex(name, 64) { name.parse().ok() } else { None };
            self.add(blob, payload.unwrap_or_else(|| blob.to_path_buf()), digest)?;
        }
        Some(blob.to_path_buf())
    }

    fn add_file(&mut self, file: &Path, digest: Option<Digest>) -> Option<PathBuf> {
        let relative = self.reader.relative(file).to_path_buf();
        self.add(&relative, relative.clone(), digest)?;
        Some(relative)
    }

    fn add(&mut self, path: &Path, bytes: PathBuf, digest: Option<Digest>) -> Option<()> {
        let found = fs::symlink_metadata(self.reader.root().join(&bytes)).ok().filter(Metadata::is_file)?;
        let modified = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
        let (files, commits) = (BTreeSet::new(), BTreeSet::new());
        let repo = self.target.repo.clone();
        self.found.insert(
            path.to_path_buf(),
            Content { repo, path: path.to_path_buf(), bytes, size: found.len(), modified, digest, files, commits },
        );
        Some(())
    }
}
