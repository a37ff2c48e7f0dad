//! The commits of a repository: the newest of `main`, which its folder holds, and the others, each in a folder of its own.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::digests::Digests;
use super::facts::{CommitFacts, Facts};
use super::snapshot::Snapshot;
use crate::desk::{Fault, Revision};

/// The title of a commit that nobody gave one.
const TITLE: &str = "Upload files";

/// The commits of a repository, the newest first; the first is where `main` ends.
#[derive(Debug)]
pub struct History(Vec<Arc<Snapshot>>);

impl History {
    /// Takes stock of every commit of a repository's folder. Blocks until all files are hashed.
    pub(super) fn read(root: &Path, folder: &Path, facts: &Facts, changed: Timestamp, digests: &Digests) -> Result<Self, Fault> {
        let commits = std::iter::once(newest(facts, changed)).chain(facts.revisions.iter().cloned());
        let taken: Result<Vec<_>, Fault> = commits.map(|commit| Snapshot::take(root, folder, commit, digests).map(Arc::new)).collect();
        taken.map(Self)
    }

    /// Every commit.
    pub fn commits(&self) -> impl Iterator<Item = &Arc<Snapshot>> {
        self.0.iter()
    }

    /// The commit that a revision means.
    pub fn find(&self, revision: &str) -> Option<&Arc<Snapshot>> {
        self.commits().find(|commit| commit.is_at(revision))
    }

    /// What a revision's past is made of: its commit, then those older ones that end no branch.
    pub fn past<'a>(&'a self, revision: &'a str) -> impl Iterator<Item = &'a Arc<Snapshot>> {
        let from = self.commits().skip_while(move |commit| !commit.is_at(revision));
        from.enumerate().filter(|(at, commit)| *at == 0 || commit.facts.branch.is_none()).map(|(_, commit)| commit)
    }
}

/// The newest commit of `main`.
fn newest(facts: &Facts, date: Timestamp) -> CommitFacts {
    CommitFacts {
        folder: String::new(),
        title: facts.title.clone().unwrap_or_else(|| TITLE.to_owned()),
        date,
        branch: Some(Revision::default()),
        tags: facts.tags.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: &str = r#"
        tags = ["v2"]
        [[revisions]]
        folder = "fast"
        title = "Try something"
        date = "2026-02-01T00:00:00Z"
        branch = "fast"
        [[revisions]]
        folder = "v1"
        title = "Release"
        date = "2026-01-01T00:00:00Z"
        tags = ["v1", "stable"]
    "#;

    fn read(facts: &str, folders: &[&str]) -> Result<History, Fault> {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let repo = root.join("models/a/b");
        for folder in folders {
            std::fs::create_dir_all(repo.join(folder)).unwrap();
            std::fs::write(repo.join(folder).join("a.txt"), folder).unwrap();
        }
        History::read(&root, &repo, &toml::from_str(facts).unwrap(), Timestamp::UNIX_EPOCH, &Digests::load(&root))
    }

    #[test]
    fn every_name_means_its_commit() {
        let history = read(FACTS, &["", ".hub-revisions/fast", ".hub-revisions/v1"]).unwrap();
        let title = |revision: &str| history.find(revision).map(|commit| commit.facts.title.as_str());
        for (revision, meant) in [
            ("main", Some(TITLE)),
            ("v2", Some(TITLE)),
            ("refs/heads/fast", Some("Try something")),
            ("refs/tags/stable", Some("Release")),
            ("refs/tags/fast", None),
            ("nope", None),
        ] {
            assert_eq!(title(revision), meant, "{revision}");
        }
        assert_eq!(history.find("v1").unwrap().files.len(), 1, "the folders of other commits are no files");
    }

    #[test]
    fn branches_have_a_past_and_no_siblings() {
        let history = read(FACTS, &["", ".hub-revisions/fast", ".hub-revisions/v1"]).unwrap();
        let past = |revision| history.past(revision).map(|commit| commit.facts.title.clone()).collect::<Vec<_>>();
        assert_eq!(past("main"), [TITLE, "Release"]);
        assert_eq!(past("fast"), ["Try something", "Release"]);
        assert_eq!(past("v1"), ["Release"]);
        assert!(past("nope").is_empty());
    }

    #[test]
    fn a_folder_that_is_missing_or_elsewhere_is_a_fault() {
        assert!(read(FACTS, &["", ".hub-revisions/v1"]).unwrap_err().message.contains("fast"));
        for folder in ["..", "../../..", "/etc", "."] {
            let facts = FACTS.replace("folder = \"fast\"", &format!("folder = \"{folder}\""));
            assert!(read(&facts, &["", ".hub-revisions/v1"]).is_err(), "{folder}");
        }
    }
}
