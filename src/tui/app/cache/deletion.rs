//! The deletion that a person is asked about: what it would do, and what it is about in the words of the tree.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::CachePane;
use crate::desk::{CacheContents, CachedFile, CachedRepo, CachedSnapshot, DeletionPlan, DeletionTarget, LeftoverKind, RepoKey};
use crate::tui::app::counted;

/// Digits by which people tell commits and blobs apart.
const DIGITS: usize = 12;

/// A deletion as it is asked about. It stays as it was asked, whatever is read from the disk meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct Deletion {
    /// What it would do.
    pub plan: DeletionPlan,
    /// What it is about, a line each: repositories, and under them the parts that go.
    pub lines: Vec<DeletionLine>,
    /// How many marks led to it; none where it is about the row under the cursor.
    pub marked: usize,
    /// How many of those stand on rows that the filter hides.
    pub hidden: usize,
    /// The repositories that go whole without having been named.
    pub along: Vec<RepoKey>,
}

/// A line of what a deletion is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletionLine {
    /// Whether it is a part of the repository above it.
    pub is_part: bool,
    /// What people know it by.
    pub name: String,
    /// What else tells it from others, where there is something.
    pub about: String,
    /// Its bytes, as the tree shows them; of those, what others share stays.
    pub size: Option<u64>,
    /// Whether the filter hides its row.
    pub hidden: bool,
}

impl Deletion {
    /// A plan, and what the pane knows of what it is about.
    pub fn new(pane: &CachePane, plan: DeletionPlan, now: Timestamp) -> Self {
        let hidden = pane.hidden_marks(now);
        let lines = Namer::new(pane, hidden > 0, now).lines(&plan.targets);
        let named: HashSet<&RepoKey> =
            plan.targets.iter().filter_map(|target| if let DeletionTarget::Repo(repo) = target { Some(repo) } else { None }).collect();
        let along = plan.repos.iter().filter(|key| !named.contains(key)).cloned().collect();
        Self { lines, marked: pane.marks.len(), hidden, along, plan }
    }
}

/// What a leftover is, in words.
pub fn leftover_title(kind: LeftoverKind) -> &'static str {
    match kind {
        LeftoverKind::Partial => "unfinished",
        LeftoverKind::Incomplete => "incomplete",
        LeftoverKind::Blob => "unused blob",
        LeftoverKind::Other => "foreign file",
    }
}

fn short(name: &str) -> String {
    name.chars().take(DIGITS).collect()
}

/// Finds names and sizes for what is deleted.
struct Namer<'a> {
    pane: &'a CachePane,
    repos: HashMap<&'a RepoKey, &'a CachedRepo>,
    payloads: HashMap<&'a str, u64>,
    /// The repositories that the filter shows, where it hides something of this.
    shown: Option<HashSet<&'a RepoKey>>,
    now: Timestamp,
}

impl<'a> Namer<'a> {
    fn new(pane: &'a CachePane, hides: bool, now: Timestamp) -> Self {
        let payloads = pane.tree.listing.orphans.iter().map(|payload| (payload.hash.as_str(), payload.size)).collect();
        Self { pane, repos: pane.by_key(), payloads, shown: hides.then(|| pane.tree.shown_keys()), now }
    }

    fn lines(&self, targets: &[DeletionTarget]) -> Vec<DeletionLine> {
        let mut lines = Vec::new();
        let mut of = None;
        for target in targets {
            let key = target.repo();
            let is_part = !matches!(target, DeletionTarget::Repo(_) | DeletionTarget::Payload(_));
            if is_part && key != of {
                let name = key.map(ToString::to_string).unwrap_or_default();
                lines.push(DeletionLine { name, ..DeletionLine::default() });
            }
            of = if is_part { key } else { None };
            let hidden = self.hides(target);
            lines.extend(self.of_target(target).into_iter().map(|line| DeletionLine { is_part, hidden, ..line }));
        }
        lines
    }

    fn hides(&self, target: &DeletionTarget) -> bool {
        let Some(shown) = &self.shown else { return false };
        let commit = match target {
            DeletionTarget::Revision { commit, .. } | DeletionTarget::Files { commit: Some(commit), .. } => Some(commit),
            _ => None,
        };
        let Some(repo) = target.repo().filter(|key| shown.contains(key)).and_then(|key| self.repos.get(key)) else { return true };
        commit.is_some_and(|commit| !self.pane.filter.shows_revision(repo, commit, self.pane.is_pinned(&repo.key), self.now))
    }

    fn of_target(&self, target: &DeletionTarget) -> Vec<DeletionLine> {
        let repo = target.repo().and_then(|key| self.repos.get(key).copied());
        let line = |name: String, about: String, size| vec![DeletionLine { name, about, size, ..DeletionLine::default() }];
        match target {
            DeletionTarget::Repo(key) => {
                let revisions = repo.map(|repo| counted(repo.revisions.len(), "revision", "revisions"));
                let about = revisions.map_or_else(|| "whole".to_owned(), |revisions| format!("whole, {revisions}"));
                line(key.to_string(), about, repo.map(|repo| repo.size.saturating_add(repo.unused())))
            }
            DeletionTarget::Revision { commit, .. } => {
                let size = repo.and_then(|repo| repo.revisions.iter().find(|revision| revision.commit == *commit)).map(|found| found.size);
                line(format!("revision {}", revision(repo, commit)), String::new(), size)
            }
            DeletionTarget::Files { repo: key, commit, files } => self.of_files(repo, key, commit.as_deref(), files),
            DeletionTarget::Leftover { name, .. } => {
                let leftover = repo.and_then(|repo| repo.leftovers.iter().find(|leftover| leftover.name == *name));
                let title = leftover_title(leftover.map_or(LeftoverKind::Other, |leftover| leftover.kind));
                line(format!("{title} {}", short(name)), String::new(), leftover.map(|leftover| leftover.on_disk))
            }
            DeletionTarget::Payload(hash) => {
                line(format!("shared payload {}", short(hash)), "nothing uses it".to_owned(), self.payloads.get(hash.as_str()).copied())
            }
            DeletionTarget::Locks(_) => line("locks".to_owned(), String::new(), None),
        }
    }

    /// Variants that go as a whole by their labels, and the other files by their paths.
    fn of_files(&self, repo: Option<&CachedRepo>, key: &RepoKey, commit: Option<&str>, files: &[String]) -> Vec<DeletionLine> {
        let at = match (commit, repo) {
            (Some(commit), Some(of)) if of.revisions.len() > 1 => format!("of {}", revision(repo, commit)),
            _ => String::new(),
        };
        let contents = self.pane.contents(key);
        let snapshot = contents.and_then(|contents| contents.snapshots.iter().find(|snapshot| Some(snapshot.commit.as_str()) == commit));
        let Some((contents, snapshot)) = contents.zip(snapshot) else {
            let line = |path: &String| DeletionLine { name: path.clone(), about: at.clone(), ..DeletionLine::default() };
            return files.iter().map(line).collect();
        };
        in_snapshot(contents, snapshot, files, &at)
    }
}

fn in_snapshot(contents: &CacheContents, snapshot: &CachedSnapshot, files: &[String], at: &str) -> Vec<DeletionLine> {
    let wanted: HashSet<&str> = files.iter().map(String::as_str).collect();
    let goes = |file: &CachedFile| wanted.contains(file.path.as_str());
    let mut lines = Vec::new();
    for variant in &snapshot.variants {
        if variant.files.iter().all(goes) {
            let counted = counted(variant.files.len(), "file", "files");
            let about = if at.is_empty() { counted } else { format!("{counted} {at}") };
            lines.push(DeletionLine { name: variant.title(), about, size: Some(variant.size), ..DeletionLine::default() });
            continue;
        }
        for file in variant.files.iter().filter(|file| goes(file)) {
            let size = file.blob.and_then(|blob| contents.blobs.get(blob)).map(|blob| blob.size);
            lines.push(DeletionLine { name: file.path.clone(), about: at.to_owned(), size, ..DeletionLine::default() });
        }
    }
    lines
}

/// A commit as people tell it from others: its first digits, and the branches and tags that lead to it.
fn revision(repo: Option<&CachedRepo>, commit: &str) -> String {
    match repo.and_then(|repo| repo.revisions.iter().find(|revision| revision.commit == commit)) {
        Some(found) if found.is_detached() => format!("{}, no branch or tag", short(commit)),
        Some(found) => format!("{}, {}", short(commit), found.refs.join(", ")),
        None => short(commit),
    }
}
