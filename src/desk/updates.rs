//! Which cached repositories have a newer commit, and whether the files that are held changed with it.

use serde::{Deserialize, Serialize};

use super::cache::RepoKey;
use super::deletion::DeletionTarget;
use super::digest::Digest;
use super::fault::{Fault, FaultKind};
use super::plan::{Choice, Plan, Selection};
use super::repo::{RepoRef, Revision};

/// What asking for an update came to. The names are stable: programs match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateVerdict {
    /// The Hub has the commit that is held.
    Current,
    /// The Hub has another commit, in which a file that is held changed or is gone.
    Newer,
    /// The Hub has another commit, in which every file that is held is the same.
    NewerSameFiles,
    /// The Hub has no such repository, branch or tag, or does not show it to this token: it does not tell these apart.
    Gone,
    /// The Hub does not let this token have it.
    NoAccess,
    /// Nobody knows: the Hub could not be reached or gave no answer that makes sense.
    Unknown,
}

impl UpdateVerdict {
    /// The name in a word, as programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Newer => "newer",
            Self::NewerSameFiles => "newer_same_files",
            Self::Gone => "gone",
            Self::NoAccess => "no_access",
            Self::Unknown => "unknown",
        }
    }

    fn of_fault(kind: FaultKind) -> Self {
        match kind {
            FaultKind::RepoNotFound | FaultKind::RevisionNotFound | FaultKind::EntryNotFound => Self::Gone,
            FaultKind::Unauthorized | FaultKind::Gated | FaultKind::Forbidden => Self::NoAccess,
            _ => Self::Unknown,
        }
    }
}

/// What became of a file that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    /// The new commit has it with the same content.
    Same,
    /// The new commit has it with another content, or nothing says that it is the same.
    Changed,
    /// The new commit does not have it.
    Gone,
}

impl FileChange {
    /// The name in a word, as programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

/// What a file contains at one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileVersion {
    /// Its length in bytes.
    pub size: u64,
    /// What its content hashes to, where that is known.
    pub digest: Option<Digest>,
}

/// A file of a cached snapshot, and what the new commit has in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldFile {
    /// Its path in the repository.
    pub path: String,
    /// What is held.
    pub held: FileVersion,
    /// What the new commit has; `None` where it has no such file.
    pub now: Option<FileVersion>,
}

impl HeldFile {
    /// What became of it. Without both digests nothing says that it is the same.
    pub fn change(&self) -> FileChange {
        match &self.now {
            None => FileChange::Gone,
            Some(now) if self.held.digest.is_some() && now.digest == self.held.digest => FileChange::Same,
            Some(_) => FileChange::Changed,
        }
    }
}

/// A cached branch or tag beside what the Hub has of it now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The repository.
    pub repo: RepoKey,
    /// The branch or tag.
    pub revision: Revision,
    /// The commit that it means in the cache: 40 hexadecimal digits.
    pub held: String,
    /// The commit that it means on the Hub now, where the Hub told.
    pub now: Option<String>,
    /// The files of the snapshot that is held, by path. Empty where the commits are the same or the new one was not listed.
    pub files: Vec<HeldFile>,
    /// Bytes that must be fetched to have the same files at the new commit, as their plan counts them: a blob that is here costs nothing.
    /// A cache without links has no blobs, so there even a file that is the same is fetched again.
    pub bytes_to_fetch: u64,
    /// Why there is no update to be had.
    pub fault: Option<Fault>,
}

impl Update {
    /// A branch or tag that the Hub was not asked about yet.
    pub fn unasked(repo: RepoKey, revision: Revision, held: String) -> Self {
        Self { repo, revision, held, now: None, files: Vec::new(), bytes_to_fetch: 0, fault: None }
    }

    /// What asking came to.
    pub fn verdict(&self) -> UpdateVerdict {
        match (&self.fault, &self.now) {
            (Some(fault), _) => UpdateVerdict::of_fault(fault.kind),
            (None, None) => UpdateVerdict::Unknown,
            (None, Some(now)) if *now == self.held => UpdateVerdict::Current,
            (None, Some(_)) if self.files.iter().all(|file| file.change() == FileChange::Same) => UpdateVerdict::NewerSameFiles,
            (None, Some(_)) => UpdateVerdict::Newer,
        }
    }

    /// The files that are held of which this became.
    pub fn with(&self, change: FileChange) -> impl Iterator<Item = &HeldFile> {
        self.files.iter().filter(move |file| file.change() == change)
    }

    /// The repository at the branch or tag.
    pub fn repo_ref(&self) -> RepoRef {
        RepoRef { kind: self.repo.kind, id: self.repo.id.clone(), revision: self.revision.clone() }
    }

    /// What to download so that the new commit holds what the old one does, as far as it has it. `None` where there is nothing to take.
    ///
    /// It is at the very commit that was told of, for the branch or tag may have moved on since; [`Update::moves`] makes its plan the update.
    pub fn selection(&self) -> Option<Selection> {
        let is_offered = matches!(self.verdict(), UpdateVerdict::Newer | UpdateVerdict::NewerSameFiles);
        let paths: Vec<String> = self.files.iter().filter(|file| file.now.is_some()).map(|file| file.path.clone()).collect();
        let commit = self.now.as_ref().filter(|_| is_offered && !paths.is_empty())?.parse().ok()?;
        Some(Selection::new(RepoRef { revision: commit, ..self.repo_ref() }, Choice::Files(paths)))
    }

    /// The plan of [`Update::selection`] as it is to be queued: the ordinary download fetches what changed, links what is the same and then
    /// moves the branch or tag to the plan's commit.
    #[must_use]
    pub fn moves(&self, plan: Plan) -> Plan {
        Plan { repo: self.repo_ref(), ..plan }
    }

    /// The revision that is held now. Once an update was taken, nothing leads to it any more unless another branch or tag does.
    pub fn old_revision(&self) -> DeletionTarget {
        DeletionTarget::Revision { repo: self.repo.clone(), commit: self.held.clone() }
    }
}

/// What asking for updates tells while it goes on; the last is its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateStep {
    /// A repository was asked about. They come in the order of the answers.
    Checked {
        /// The repository.
        repo: RepoKey,
        /// Its branches and tags; none where it has only commits that nothing but their own name leads to.
        updates: Vec<Update>,
    },
    /// Every repository was asked about.
    Done,
    /// There is nothing to ask, or nobody: offline, or a repository that is not in the cache.
    Failed(Fault),
}

impl UpdateStep {
    /// The end of asking whose end never came.
    pub fn broken_off() -> Self {
        Self::Failed(Fault::new(FaultKind::Interrupted, "asking for updates ended before its end").hint("ask again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::RepoKind;

    /// A file with these digests, each told by its one digit; an empty one is not known, and `-` stands for no file.
    fn file(path: &str, held: &str, now: &str) -> HeldFile {
        let version = |digit: &str| FileVersion { size: 5, digest: digit.repeat(64).parse().ok() };
        HeldFile { path: path.into(), held: version(held), now: (now != "-").then(|| version(now)) }
    }

    fn update(now: &str, files: Vec<HeldFile>) -> Update {
        let repo = RepoKey { kind: RepoKind::Model, id: "org/m".parse().unwrap() };
        Update { now: Some(now.into()), files, ..Update::unasked(repo, "main".parse().unwrap(), "old".into()) }
    }

    #[test]
    fn a_file_is_the_same_where_both_digests_say_so() {
        for (held, now, change) in [
            ("a", "a", FileChange::Same),
            ("a", "b", FileChange::Changed),
            ("a", "", FileChange::Changed),
            ("", "a", FileChange::Changed),
            ("", "", FileChange::Changed),
            ("a", "-", FileChange::Gone),
        ] {
            assert_eq!(file("x", held, now).change(), change, "{held:?} {now:?}");
        }
    }

    #[test]
    fn the_verdict_is_about_the_files_that_are_held() {
        let same = || file("same", "a", "a");
        let changed = || file("changed", "a", "b");
        let gone = || file("gone", "a", "-");
        assert_eq!(update("old", vec![]).verdict(), UpdateVerdict::Current);
        assert_eq!(update("new", vec![]).verdict(), UpdateVerdict::NewerSameFiles);
        assert_eq!(update("new", vec![same()]).verdict(), UpdateVerdict::NewerSameFiles);
        assert_eq!(update("new", vec![same(), changed()]).verdict(), UpdateVerdict::Newer);
        assert_eq!(update("new", vec![same(), gone()]).verdict(), UpdateVerdict::Newer);
        assert_eq!(Update { now: None, ..update("", vec![]) }.verdict(), UpdateVerdict::Unknown);
        for (kind, verdict) in [
            (FaultKind::RepoNotFound, UpdateVerdict::Gone),
            (FaultKind::RevisionNotFound, UpdateVerdict::Gone),
            (FaultKind::Unauthorized, UpdateVerdict::NoAccess),
            (FaultKind::Gated, UpdateVerdict::NoAccess),
            (FaultKind::Forbidden, UpdateVerdict::NoAccess),
            (FaultKind::Network, UpdateVerdict::Unknown),
            (FaultKind::BadReply, UpdateVerdict::Unknown),
        ] {
            let barred = Update { fault: Some(Fault::new(kind, "x")), ..update("new", vec![changed()]) };
            assert_eq!((barred.verdict(), barred.selection()), (verdict, None), "{kind:?}");
        }
    }

    #[test]
    fn what_is_taken_is_what_is_held_and_still_there() {
        let files = vec![file("gone", "a", "-"), file("new", "a", "b"), file("same", "a", "a")];
        let update_to_new = update("new", files);
        let selection = update_to_new.selection().unwrap();
        assert_eq!((Some(selection.repo.revision.as_str()), &selection.local_dir), (update_to_new.now.as_deref(), &None));
        let plan = Plan::for_tests(selection.repo.clone(), Vec::new());
        assert_eq!(update_to_new.moves(plan).repo.revision.as_str(), "main");
        assert_eq!(selection.choice, Choice::Files(vec!["new".into(), "same".into()]));
        assert_eq!(update("new", vec![file("gone", "a", "-")]).selection(), None);
        assert_eq!(update("old", vec![]).selection(), None);
    }
}
