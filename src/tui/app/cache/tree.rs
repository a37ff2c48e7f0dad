//! The rows of the tree: worked out when what they show changes, not when they are drawn.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::filter::FilterPrompt;
use super::id::{Id, Place, Section};
use super::subject::{Node, Row, Subject};
use crate::desk::{CacheContents, CacheListing, CachedRepo, CachedRevision, Fault, RepoKey};
use crate::tui::app::msg::Seq;

/// What is known of the contents of a repository.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Its contents, as they were read last.
    pub contents: Option<Arc<CacheContents>>,
    /// Why they could not be read.
    pub fault: Option<Fault>,
    /// The question that has not been answered yet.
    pub(super) asked: Option<Seq>,
}

/// What is on the disk, what of it has been opened, and the rows that follow from that.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// What is on the disk; its repositories in the order shown.
    pub listing: CacheListing,
    /// The contents of repositories that have been opened.
    pub held: HashMap<RepoKey, Held>,
    /// What is open.
    pub open: BTreeSet<Id>,
    /// Every row, from the first repository to the last section.
    pub rows: Vec<Row>,
    /// The repositories that the filter shows, by their places in the listing.
    pub shown: Vec<usize>,
}

impl Tree {
    /// What stands at a place.
    pub fn subject(&self, node: Node) -> Option<Subject<'_>> {
        let repo = |at: usize| self.listing.repos.get(at).map(AsRef::as_ref);
        let contents = |at| Some(self.held.get(&repo(at)?.key)?.contents.as_ref()?.as_ref());
        Some(match node {
            Node::Repo(at) => Subject::Repo(repo(at)?),
            Node::Revision(at, revision) => Subject::Revision(repo(at)?, repo(at)?.revisions.get(revision)?),
            Node::Variant(at, snapshot, variant) => {
                let snapshot = contents(at)?.snapshots.get(snapshot)?;
                Subject::Variant(contents(at)?, snapshot, snapshot.variants.get(variant)?)
            }
            Node::File(at, snapshot, variant, file) => {
                let snapshot = contents(at)?.snapshots.get(snapshot)?;
                let variant = snapshot.variants.get(variant)?;
                Subject::File(contents(at)?, snapshot, variant, variant.files.get(file)?)
            }
            Node::Leftover(at, leftover) => Subject::Leftover(repo(at)?, repo(at)?.leftovers.get(leftover)?),
            Node::Reading(at) => Subject::Reading(repo(at)?, self.held.get(&repo(at)?.key).and_then(|held| held.fault.as_ref())),
            Node::Section(section) => Subject::Section(section),
            Node::Payload(at) => Subject::Payload(self.listing.orphans.get(at)?),
            Node::Trashed(at) => Subject::Trashed(self.listing.trash.get(at)?),
            Node::Store(at) => Subject::Store(self.listing.others.get(at)?),
            Node::Other(at, model) => {
                let store = self.listing.others.get(at)?;
                Subject::Other(store, store.models.get(model)?)
            }
        })
    }

    /// What stands in a row.
    pub fn at(&self, row: usize) -> Option<Subject<'_>> {
        self.subject(self.rows.get(row)?.node)
    }

    /// The row that shows something, if one does.
    pub fn position(&self, id: &Id) -> Option<usize> {
        let Id::In(key, place) = id else {
            let from = self.rows.iter().position(|row| matches!(row.node, Node::Section(_)))?;
            let rows = self.rows.iter().skip(from);
            return rows.clone().position(|row| self.subject(row.node).is_some_and(|subject| subject.id() == *id)).map(|at| from + at);
        };
        let repo = self.listing.repos.iter().position(|repo| repo.key == *key)?;
        let from = self.rows.iter().position(|row| row.node == Node::Repo(repo))?;
        let mut at = from;
        while let Some(row) = self.rows.get(at).filter(|row| at == from || row.depth > 0) {
            if self.subject(row.node).is_some_and(|subject| subject.stands_at(place)) {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    /// The row that a row lies under.
    pub(super) fn parent(&self, row: usize) -> Option<usize> {
        let depth = self.rows.get(row)?.depth;
        self.rows.iter().take(row).rposition(|above| above.depth < depth)
    }

    /// The keys of the repositories that the filter shows.
    pub(super) fn shown_keys(&self) -> HashSet<&RepoKey> {
        self.shown.iter().filter_map(|at| self.listing.repos.get(*at)).map(|repo| &repo.key).collect()
    }

    /// Works out which repositories the filter shows, and then the rows.
    pub(super) fn choose(&mut self, filter: &FilterPrompt, now: Timestamp) {
        let repos = self.listing.repos.iter().enumerate();
        self.shown = repos.filter(|(_, repo)| filter.takes(repo, self.listing.pins.contains(&repo.key), now)).map(|(at, _)| at).collect();
        self.lay(filter, now);
    }

    /// Works out the rows.
    pub(super) fn lay(&mut self, filter: &FilterPrompt, now: Timestamp) {
        #[cfg(test)]
        super::tests::LAID.with(|laid| laid.set(laid.get() + 1));
        let mut rows = Vec::with_capacity(self.shown.len() + 8);
        for at in &self.shown {
            self.lay_repo(&mut rows, *at, filter, now);
        }
        if !filter.is_on() {
            self.lay_sections(&mut rows);
        }
        self.rows = rows;
    }

    fn lay_repo(&self, rows: &mut Vec<Row>, at: usize, filter: &FilterPrompt, now: Timestamp) {
        let Some(repo) = self.listing.repos.get(at) else { return };
        rows.push(Row { node: Node::Repo(at), depth: 0 });
        if self.open.is_empty() || !self.open.contains(&Id::repo(&repo.key)) {
            return;
        }
        if let [only] = &repo.revisions[..] {
            self.lay_snapshot(rows, at, repo, only, 1);
        } else {
            self.lay_revisions(rows, at, repo, filter, now);
        }
        rows.extend((0..repo.leftovers.len()).map(|leftover| Row { node: Node::Leftover(at, leftover), depth: 1 }));
    }

    /// The revisions that the filter takes; all of them where it takes the repository for another reason.
    fn lay_revisions(&self, rows: &mut Vec<Row>, at: usize, repo: &CachedRepo, filter: &FilterPrompt, now: Timestamp) {
        for number in filter.shown_revisions(repo, self.listing.pins.contains(&repo.key), now) {
            let Some(revision) = repo.revisions.get(number) else { continue };
            rows.push(Row { node: Node::Revision(at, number), depth: 1 });
            if self.open.contains(&Id::In(repo.key.clone(), Place::revision(&revision.commit))) {
                self.lay_snapshot(rows, at, repo, revision, 2);
            }
        }
    }

    fn lay_snapshot(&self, rows: &mut Vec<Row>, at: usize, repo: &CachedRepo, revision: &CachedRevision, depth: u8) {
        let contents = self.held.get(&repo.key).and_then(|held| held.contents.as_ref());
        let mut snapshots = contents.iter().flat_map(|contents| &contents.snapshots).enumerate();
        let Some((number, snapshot)) = snapshots.find(|(_, snapshot)| snapshot.commit == revision.commit) else {
            rows.push(Row { node: Node::Reading(at), depth });
            return;
        };
        for (variant, of) in snapshot.variants.iter().enumerate() {
            rows.push(Row { node: Node::Variant(at, number, variant), depth });
            if self.open.contains(&Id::In(repo.key.clone(), Place::variant(&snapshot.commit, &of.id))) {
                let file = |file| Row { node: Node::File(at, number, variant, file), depth: depth + 1 };
                rows.extend((0..of.files.len()).map(file));
            }
        }
    }

    fn lay_sections(&self, rows: &mut Vec<Row>) {
        let listing = &self.listing;
        let flat = |node| Row { node, depth: 1 };
        if self.lay_heading(rows, Section::Payloads, listing.orphans.len()) {
            rows.extend((0..listing.orphans.len()).map(Node::Payload).map(flat));
        }
        if self.lay_heading(rows, Section::Trash, listing.trash.len()) {
            rows.extend((0..listing.trash.len()).map(Node::Trashed).map(flat));
        }
        if !self.lay_heading(rows, Section::Others, listing.others.len()) {
            return;
        }
        for (at, store) in listing.others.iter().enumerate() {
            rows.push(flat(Node::Store(at)));
            if self.open.contains(&Id::Store(store.root.clone())) {
                rows.extend((0..store.models.len()).map(|model| Row { node: Node::Other(at, model), depth: 2 }));
            }
        }
    }

    /// The heading of a section that is not empty. Returns whether it is open.
    fn lay_heading(&self, rows: &mut Vec<Row>, section: Section, entries: usize) -> bool {
        if entries > 0 {
            rows.push(Row { node: Node::Section(section), depth: 0 });
        }
        entries > 0 && self.open.contains(&Id::Section(section))
    }
}
