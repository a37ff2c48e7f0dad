//! What there is to verify: every content of the repositories asked for, what it should hash to, and who uses it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use super::Cache;
use super::reader::Reader;
use super::scan::{Blob, RepoScan, SnapshotScan};
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
                survey.contents.extend(self.contents(&VerifyTarget::whole(repo.key.clone()))?.contents);
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
        let (mut reader, store) = (Reader::new(&self.root), Store::open(&self.root));
        let scan = self.scan_repo(&mut reader, store.as_ref(), &target.repo)?;
        let commit = target.revision.as_ref().map(|revision| commit_of(&scan, revision)).transpose()?;
        let mut finder = Finder { scan: &scan, target, found: BTreeMap::new() };
        let meant = |snapshot: &&SnapshotScan| commit.is_none_or(|commit| snapshot.commit == commit);
        scan.snapshots.iter().filter(meant).for_each(|snapshot| finder.read_snapshot(snapshot));
        if target.revision.is_none() && target.files.is_empty() {
            finder.read_unused();
        }
        let contents: Vec<Content> = finder.found.into_values().collect();
        let is_there = |wanted: &str| contents.iter().flat_map(|content| &content.files).any(|file| is_meant(file, wanted));
        match target.files.iter().find(|wanted| !is_there(wanted)) {
            Some(file) => {
                let place = target.revision.as_ref().map_or_else(String::new, |revision| format!(" at {revision}"));
                Err(Fault::new(FaultKind::EntryNotFound, format!("{}{place} has no file {file} in the cache", target.repo)))
            }
            None => Ok(Survey { contents, warnings: reader.into_warnings(&scan.path) }),
        }
    }
}

/// The commit of a cached repository that a revision names.
fn commit_of<'a>(scan: &'a RepoScan, revision: &Revision) -> Result<&'a str, Fault> {
    let named = |snapshot: &&SnapshotScan| {
        let name = revision.as_str();
        snapshot.commit == name || (!revision.is_commit() && scan.refs_of(&snapshot.commit).iter().any(|own| own == name))
    };
    scan.snapshots.iter().find(named).map(|snapshot| snapshot.commit.as_str()).ok_or_else(|| {
        Fault::new(FaultKind::RevisionNotFound, format!("{} has no revision {revision} in the cache", scan.key))
            .hint(format!("list what there is with: hfdesk-tui cache show {}", scan.key))
    })
}

/// Whether a file is the one that is wanted, or lies in the wanted folder, which has a slash at its end.
fn is_meant(file: &str, wanted: &str) -> bool {
    file == wanted || (wanted.ends_with('/') && file.starts_with(wanted))
}

/// Finds what a target names in one repository.
struct Finder<'a> {
    scan: &'a RepoScan,
    target: &'a VerifyTarget,
    /// By the place of its blob in the scan.
    found: BTreeMap<usize, Content>,
}

impl Finder<'_> {
    fn read_snapshot(&mut self, snapshot: &SnapshotScan) {
        let mut listed: Option<HashMap<String, Digest>> = None;
        for entry in &snapshot.entries {
            let name = entry.path.to_string_lossy().into_owned();
            if !self.target.files.is_empty() && !self.target.files.iter().any(|wanted| is_meant(&name, wanted)) {
                continue;
            }
            let Some((at, blob)) = entry.blob.and_then(|at| Some((at, self.scan.blobs.get(at)?))) else { continue };
            let digest = if blob.is_file_of_snapshot() {
                listed.get_or_insert_with(|| listed_digests(&self.scan.path, &snapshot.commit)).get(&name).cloned()
            } else {
                blob.digest()
            };
            let content = self.found.entry(at).or_insert_with(|| content(&self.target.repo, blob, digest));
            content.files.insert(name);
            content.commits.insert(snapshot.commit.clone());
        }
    }

    /// Whole blobs that no snapshot uses.
    fn read_unused(&mut self) {
        let whole = |blob: &Blob| !blob.used && blob.digest().is_some();
        for (at, blob) in self.scan.blobs.iter().enumerate().filter(|(_, blob)| whole(blob)) {
            self.found.insert(at, content(&self.target.repo, blob, blob.digest()));
        }
    }
}

fn content(repo: &RepoKey, blob: &Blob, digest: Option<Digest>) -> Content {
    Content {
        repo: repo.clone(),
        path: blob.path.clone(),
        bytes: blob.payload.clone().unwrap_or_else(|| blob.path.clone()),
        size: blob.seen.size,
        modified: blob.seen.modified_nanoseconds(),
        digest,
        files: BTreeSet::new(),
        commits: BTreeSet::new(),
    }
}
