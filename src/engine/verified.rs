//! What earlier verifications found: one small file for each repository in the state folder.
//!
//! An entry counts while its file has the size and the time of change that it had then. Nothing depends on it, so a record that cannot be
//! read is none, and one that cannot be written is only told to the log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cache::Content;
use super::host::write_atomically;
use crate::desk::{RepoKey, Verdict};

const VERSION: u32 = 1;
/// The longest record that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// What is known of the files of one repository in one cache.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// The cache's folder.
    root: PathBuf,
    /// By path relative to the cache's root.
    files: BTreeMap<PathBuf, Entry>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    size: u64,
    /// Nanoseconds since 1970, as text: JSON's numbers are too short for it.
    modified: String,
    verdict: Verdict,
    at: Timestamp,
    last_good_at: Option<Timestamp>,
}

impl Record {
    /// The record of a repository in the cache at `root`; an empty one where there is none that can be read or it is about another cache.
    pub(super) fn load(state_dir: &Path, root: &Path, repo: &RepoKey) -> Self {
        let empty = || Self { version: VERSION, root: root.to_path_buf(), files: BTreeMap::new() };
        let mut text = Vec::new();
        let read = File::open(path(state_dir, repo)).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
        let record = read.ok().and_then(|_| serde_json::from_slice::<Self>(&text).ok());
        record.filter(|record| record.version == VERSION && record.root == root).unwrap_or_else(empty)
    }

    /// When a content was last found good, if it has not been written to since.
    pub(super) fn last_good_at(&self, content: &Content) -> Option<Timestamp> {
        self.last_good(&content.path, content.size, content.modified)
    }

    /// When the content at a path was last found good, if it still has this size and this time of change, in nanoseconds since 1970.
    pub(super) fn last_good(&self, path: &Path, size: u64, modified: i128) -> Option<Timestamp> {
        let entry = self.files.get(path)?;
        let same = entry.size == size && entry.modified == modified.to_string();
        let good = if entry.verdict == Verdict::Good { Some(entry.at) } else { entry.last_good_at };
        good.filter(|_| same)
    }

    /// Notes what a verification found, if anything.
    pub(super) fn note(&mut self, content: &Content, verdict: Verdict, at: Timestamp) {
        if verdict == Verdict::Unknown {
            return;
        }
        let last_good_at = self.last_good_at(content);
        let entry = Entry { size: content.size, modified: content.modified.to_string(), verdict, at, last_good_at };
        self.files.insert(content.path.clone(), entry);
    }

    /// Keeps the record, without what is not in the cache any more.
    pub(super) fn save(mut self, state_dir: &Path, repo: &RepoKey) {
        self.files.retain(|file, _| self.root.join(file).exists());
        let text = serde_json::to_vec(&self).unwrap_or_default();
        if let Err(fault) = write_atomically(&path(state_dir, repo), &text, 0o600) {
            tracing::warn!(%repo, %fault, "what was verified could not be kept");
        }
    }
}

fn path(state_dir: &Path, repo: &RepoKey) -> PathBuf {
    let name = repo.id.as_str().replace('/', "--");
    state_dir.join("verified").join(format!("{}--{name}.json", repo.kind.plural()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn content(root: &Path) -> Content {
        std::fs::write(root.join("blob"), "x").unwrap();
        let repo = RepoKey { kind: crate::desk::RepoKind::Model, id: "org/m".parse().unwrap() };
        let (files, commits) = (BTreeSet::new(), BTreeSet::new());
        Content {
            repo,
            path: "blob".into(),
            bytes: "blob".into(),
            size: 1,
            modified: 1_700_000_000_123_456_789,
            digest: None,
            files,
            commits,
        }
    }

    #[test]
    fn a_good_verdict_is_remembered_until_the_file_changes() {
        let dir = tempfile::tempdir().unwrap();
        let content = content(dir.path());
        let (first, second) = (Timestamp::from_second(1).unwrap(), Timestamp::from_second(2).unwrap());
        let load = || Record::load(dir.path(), dir.path(), &content.repo);
        let note = |verdict, at| {
            let mut record = load();
            record.note(&content, verdict, at);
            record.save(dir.path(), &content.repo);
        };
        assert_eq!(load().last_good_at(&content), None);
        note(Verdict::Good, first);
        assert_eq!(load().last_good_at(&content), Some(first));
        note(Verdict::Damaged, second);
        assert_eq!(load().last_good_at(&content), Some(first), "it was good then, and nobody has written to it since");
        assert_eq!(load().last_good_at(&Content { modified: 5, ..content.clone() }), None);
        assert_eq!(load().last_good_at(&Content { size: 2, ..content.clone() }), None);
        assert_eq!(Record::load(dir.path(), Path::new("/other"), &content.repo).last_good_at(&content), None);
        std::fs::remove_file(dir.path().join("blob")).unwrap();
        load().save(dir.path(), &content.repo);
        assert_eq!(load().files.len(), 0, "what is gone is forgotten");
    }

    #[test]
    fn a_damaged_record_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let content = content(dir.path());
        let mut record = Record::load(dir.path(), dir.path(), &content.repo);
        record.note(&content, Verdict::Good, Timestamp::UNIX_EPOCH);
        record.save(dir.path(), &content.repo);
        let path = path(dir.path(), &content.repo);
        let good = std::fs::read_to_string(&path).unwrap();
        for text in [String::new(), "[".into(), good.replace("\"version\":1", "\"version\":2"), "\u{0}".repeat(9)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(Record::load(dir.path(), dir.path(), &content.repo).last_good_at(&content), None);
        }
    }
}
