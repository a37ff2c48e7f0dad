//! The cache pane: what is on the disk as a tree, what of it is marked, and what deleting that would do.
//!
//! Owns the rows, the cursor, the marks and the filter. It must not know how any of that is drawn.

mod deletion;
mod doing;
mod easy;
mod filter;
mod findings;
mod id;
mod marking;
mod marks;
mod order;
mod planning;
mod shape;
mod subject;
#[cfg(test)]
mod tests;
mod tree;
mod unused;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use deletion::{Deletion, DeletionLine, leftover_title};
pub use doing::titled;
pub(super) use doing::{
    ask_to_mend, carry_out, deleted, emptied, empty_out, mend, mended, perform, pinned, planned, restored, stop_waiting_elsewhere,
};
pub use easy::{Bulk, Easy};
pub use filter::FilterPrompt;
pub(super) use findings::press as press_findings;
pub use findings::{Findings, FindingsState};
pub use id::{Id, Place, Section};
pub use marks::{Marked, Marks};
pub use order::CacheSort;
pub use planning::Planning;
pub use subject::{Node, Row, Subject};
pub use tree::{Held, Tree};
pub use unused::UnusedQuestion;
pub(super) use unused::press as press_unused;

use self::shape::Shape;
use super::Step;
use super::msg::{Effect, Effects, Seq};
use crate::desk::{CacheContents, CacheListing, CachedRepo, DeletionTarget, Fault, RepoId, RepoKey, RepoKind, TrashEntry};

/// How many rows around the cursor are looked at for one to go to when its own has gone.
const NEAR: usize = 16;

/// How long at least lies between showing what was found twice, unless that doubles what is there.
const BETWEEN: SignedDuration = SignedDuration::from_millis(300);

/// What is on the disk and what of it is marked.
#[derive(Clone, Debug, Default)]
pub struct CachePane {
    /// What is on the disk, what of it is open, and the rows.
    pub tree: Tree,
    /// The row of the cursor.
    pub cursor: usize,
    /// What is marked.
    pub marks: Marks,
    /// The order of the repositories.
    pub sort: CacheSort,
    /// Which repositories are shown.
    pub filter: FilterPrompt,
    /// What deleting the marks would do.
    pub planning: Planning,
    /// What could be freed easily.
    pub easy: Easy,
    /// Whether a listing is on its way.
    pub loading: bool,
    /// What is being changed on the disk, in words.
    pub working: Option<String>,
    /// Why the last reading failed.
    pub fault: Option<Fault>,
    loaded: bool,
    /// Whether the disk has changed since the reading that is under way began.
    again: bool,
    /// What has been found and is not shown yet.
    arriving: Vec<Arc<CachedRepo>>,
    /// When what was found was shown last.
    shown_at: Option<Timestamp>,
    seq: Seq,
    findings_seq: Seq,
    /// What is under the cursor, once the person has been here: the cursor stays on it when rows come and go.
    selected: Option<Id>,
}

impl CachePane {
    /// The repositories on the disk, in the order shown.
    pub fn repos(&self) -> &[Arc<CachedRepo>] {
        &self.tree.listing.repos
    }

    /// What is under the cursor.
    pub fn current(&self) -> Option<Subject<'_>> {
        self.tree.at(self.cursor)
    }

    /// Whether the disk has been read.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// What is known of a repository on the disk.
    pub fn held(&self, kind: RepoKind, id: &RepoId) -> Option<&CachedRepo> {
        self.repos().iter().map(AsRef::as_ref).find(|repo| repo.key.kind == kind && repo.key.id == *id)
    }

    /// Whether a repository is not to be deleted.
    pub fn is_pinned(&self, key: &RepoKey) -> bool {
        self.tree.listing.pins.contains(key)
    }

    /// How much of something is marked.
    pub fn marked(&self, subject: Subject) -> Marked {
        match (subject.id(), subject.repo()) {
            (Id::In(key, place), Some(repo)) => self.marks.within(Shape { repo, contents: self.contents(&key) }, &place),
            (Id::Payload(hash), _) => self.marks.of_payload(&hash),
            _ => Marked::No,
        }
    }

    /// How many of the marks stand on rows that the filter hides.
    pub fn hidden_marks(&self, now: Timestamp) -> usize {
        if self.marks.is_empty() || !self.filter.is_on() {
            return 0;
        }
        let (shown, repos) = (self.tree.shown_keys(), self.by_key());
        let is_hidden = |key: &RepoKey, place: &Place| {
            let repo = repos.get(key).filter(|_| shown.contains(key));
            repo.is_none_or(|repo| place.commit().is_some_and(|commit| !self.filter.shows_revision(repo, commit, self.is_pinned(key), now)))
        };
        self.marks.count(is_hidden, true)
    }

    /// Whether what is deleted can be kept: the trash is not switched off, as far as is known.
    pub fn has_trash(&self) -> bool {
        !self.loaded || !self.tree.listing.trash_kept.is_zero()
    }

    /// The deletion that is undone first.
    pub fn newest_deletion(&self) -> Option<&TrashEntry> {
        self.tree.listing.trash.first()
    }

    fn shape(&self, key: &RepoKey) -> Option<Shape<'_>> {
        let repo = self.repos().iter().find(|repo| repo.key == *key)?;
        Some(Shape { repo, contents: self.contents(key) })
    }

    /// The repositories by their keys, where more than one is looked for.
    fn by_key(&self) -> HashMap<&RepoKey, &CachedRepo> {
        self.repos().iter().map(|repo| (&repo.key, repo.as_ref())).collect()
    }

    fn contents(&self, key: &RepoKey) -> Option<&CacheContents> {
        self.tree.held.get(key)?.contents.as_deref()
    }

    /// Reads the disk unless that has been done or is under way.
    pub(super) fn load(&mut self) -> Effects {
        if self.loaded || self.loading { Effects::new() } else { self.refresh() }
    }

    /// Reads the disk again. What is shown stays meanwhile. A reading that is under way is finished first, so that there is one at a
    /// time however often something happens.
    pub(super) fn refresh(&mut self) -> Effects {
        self.again = self.loading;
        if self.loading { Effects::new() } else { self.read_anew() }
    }

    /// Reads the disk from the beginning, as this app has changed it. What an older reading tells is stale from now on.
    pub(super) fn read_anew(&mut self) -> Effects {
        self.seq += 1;
        self.loading = true;
        self.again = false;
        self.arriving.clear();
        vec![Effect::LoadCache(self.seq)]
    }

    /// Takes repositories in as they are found, unless they are stale. They show at once where they double what is there, else a few times
    /// a second: ordering all of them for each batch would take longer than reading the disk.
    pub(super) fn found(&mut self, seq: Seq, repos: Vec<Arc<CachedRepo>>, now: Timestamp) {
        if seq != self.seq {
            return;
        }
        self.arriving.extend(repos);
        let is_due = self.shown_at.is_none_or(|at| now.duration_since(at) >= BETWEEN);
        if is_due || self.arriving.len() >= self.repos().len() {
            self.show_arrived(now);
        }
    }

    fn show_arrived(&mut self, now: Timestamp) {
        if self.arriving.is_empty() {
            return;
        }
        self.shown_at = Some(now);
        let arrived = std::mem::take(&mut self.arriving);
        let mut found: HashMap<RepoKey, Arc<CachedRepo>> = arrived.into_iter().map(|repo| (repo.key.clone(), repo)).collect();
        self.change(now, |pane| {
            for old in &mut pane.tree.listing.repos {
                if let Some(new) = found.remove(&old.key) {
                    *old = new;
                }
            }
            pane.tree.listing.repos.extend(found.into_values());
            pane.sort.apply(&mut pane.tree.listing.repos);
        });
    }

    /// Takes a listing in, unless it is stale. What is open is read anew where it has changed.
    pub(super) fn receive(&mut self, seq: Seq, reply: Result<CacheListing, Fault>, now: Timestamp) -> Effects {
        if seq != self.seq {
            return Effects::new();
        }
        self.loading = false;
        let effects = match reply {
            Ok(listing) => self.show(listing, now),
            Err(fault) => {
                self.show_arrived(now);
                self.fault = Some(fault);
                Effects::new()
            }
        };
        let again = if std::mem::take(&mut self.again) { self.read_anew() } else { Effects::new() };
        [effects, again].concat()
    }

    fn show(&mut self, mut listing: CacheListing, now: Timestamp) -> Effects {
        self.arriving.clear();
        self.fault = None;
        self.loaded = true;
        self.sort.apply(&mut listing.repos);
        self.easy = Easy::count(&listing);
        self.change(now, |pane| pane.tree.listing = listing);
        self.forget_what_has_gone();
        [self.read_what_changed(), self.plan_marks_again()].concat()
    }

    /// Forgets contents and marks of what is not on the disk any more, and of what has been pinned.
    fn forget_what_has_gone(&mut self) {
        let Tree { listing, held, .. } = &mut self.tree;
        if held.len() + self.marks.len() == 0 {
            return;
        }
        let repos: HashMap<&RepoKey, &CachedRepo> = listing.repos.iter().map(|repo| (&repo.key, repo.as_ref())).collect();
        held.retain(|key, _| repos.contains_key(key));
        let shape = |key: &RepoKey| {
            let repo = repos.get(key).filter(|_| !listing.pins.contains(key))?;
            Some(Shape { repo, contents: held.get(key).and_then(|held| held.contents.as_deref()) })
        };
        self.marks.retain(shape, |hash| listing.orphans.iter().any(|payload| payload.hash == *hash));
    }

    /// Reads the contents of open repositories that are not as they were.
    fn read_what_changed(&mut self) -> Effects {
        let stale = |repo: &&Arc<CachedRepo>| {
            self.contents(&repo.key).is_some_and(|contents| contents.repo != ***repo) && self.tree.open.contains(&Id::repo(&repo.key))
        };
        let keys: Vec<RepoKey> =
            if self.tree.held.is_empty() { Vec::new() } else { self.repos().iter().filter(stale).map(|repo| repo.key.clone()).collect() };
        keys.into_iter().flat_map(|key| self.read(key)).collect()
    }

    /// Asks for the contents of a repository.
    fn read(&mut self, key: RepoKey) -> Effects {
        let held = self.tree.held.entry(key.clone()).or_default();
        held.asked = Some(self.seq);
        held.fault = None;
        vec![Effect::ReadContents(self.seq, key)]
    }

    /// Takes the contents of a repository in, unless they are stale.
    pub(super) fn receive_contents(
        &mut self,
        seq: Seq,
        key: &RepoKey,
        reply: Result<Arc<CacheContents>, Fault>,
        now: Timestamp,
    ) -> Effects {
        let Some(held) = self.tree.held.get_mut(key).filter(|held| held.asked == Some(seq)) else { return Effects::new() };
        held.asked = None;
        match reply {
            Ok(contents) => held.contents = Some(contents),
            Err(fault) => held.fault = Some(fault),
        }
        self.change(now, |_| {});
        let before = self.marks.clone();
        self.forget_what_has_gone();
        if self.marks == before { Effects::new() } else { self.plan_marks_again() }
    }

    /// Changes what is in the trash as this app has changed it, ahead of the next reading: the newest entry is what is brought back first.
    fn change_trash(&mut self, now: Timestamp, change: impl FnOnce(&mut Vec<TrashEntry>)) {
        self.change(now, |pane| change(&mut pane.tree.listing.trash));
    }

    /// Takes the marks of what has been deleted away; what was marked meanwhile stays.
    fn unmark(&mut self, deleted: &[DeletionTarget]) -> Effects {
        let mut marks = std::mem::take(&mut self.marks);
        let repos = self.by_key();
        marks.drop_targets(deleted, |key| Some(Shape { repo: repos.get(key)?, contents: self.contents(key) }));
        self.marks = marks;
        self.plan_marks()
    }

    /// Changes what is on the disk, or how it is shown, and keeps the cursor on what it was on, or near it.
    fn change(&mut self, now: Timestamp, change: impl FnOnce(&mut Self)) {
        let near = if self.selected.is_some() { self.near() } else { Vec::new() };
        change(self);
        self.tree.choose(&self.filter, now);
        self.follow(&near);
    }

    /// Opens or closes something: the same repositories, other rows.
    fn unfold(&mut self, id: &Id, open: bool, now: Timestamp) {
        if open {
            self.tree.open.insert(id.clone());
        } else {
            self.tree.open.remove(id);
        }
        self.tree.lay(&self.filter, now);
    }

    /// What is under the cursor, and what it goes to when that has gone: what comes after it, then what comes before.
    fn near(&self) -> Vec<Id> {
        let after = self.cursor..self.cursor.saturating_add(NEAR);
        let before = (self.cursor.saturating_sub(NEAR)..self.cursor).rev();
        after.chain(before).filter_map(|row| self.tree.at(row)).map(Subject::id).collect()
    }

    fn follow(&mut self, near: &[Id]) {
        let found = near.iter().find_map(|id| self.tree.position(id));
        self.cursor = found.unwrap_or(self.cursor).min(self.tree.rows.len().saturating_sub(1));
        if self.selected.is_some() {
            self.hold();
        }
    }

    fn go_to(&mut self, row: usize) {
        self.cursor = row.min(self.tree.rows.len().saturating_sub(1));
        self.hold();
    }

    /// Keeps the cursor on what it is on from now on.
    fn hold(&mut self) {
        self.selected = self.current().map(Subject::id);
    }

    /// Moves the cursor.
    pub(super) fn step(&mut self, step: Step, page: usize) {
        self.go_to(step.from(self.cursor, self.tree.rows.len(), page));
    }

    /// Takes the next order, from its beginning.
    pub(super) fn next_sort(&mut self, now: Timestamp) {
        self.sort = self.sort.next();
        self.selected = None;
        self.cursor = 0;
        self.change(now, |pane| pane.sort.apply(&mut pane.tree.listing.repos));
    }

    /// Opens what is under the cursor; where that is open, goes to the first row in it.
    pub(super) fn open(&mut self, now: Timestamp) -> Effects {
        let Some(subject) = self.current().filter(|subject| subject.can_open()) else { return Effects::new() };
        let (id, key) = (subject.id(), subject.repo().map(|repo| repo.key.clone()));
        if self.tree.open.contains(&id) {
            self.step(Step::Down, 1);
            return Effects::new();
        }
        self.selected = Some(id.clone());
        let wanted = key.filter(|key| self.tree.held.get(key).is_none_or(|held| held.contents.is_none() && held.asked.is_none()));
        let effects = wanted.map(|key| self.read(key)).unwrap_or_default();
        self.unfold(&id, true, now);
        effects
    }

    /// Closes what is under the cursor; where that is not open, goes to what it lies under.
    pub(super) fn close(&mut self, now: Timestamp) {
        let Some(id) = self.current().map(Subject::id) else { return };
        if self.tree.open.contains(&id) {
            self.unfold(&id, false, now);
            self.go_to(self.cursor);
        } else if let Some(parent) = self.tree.parent(self.cursor) {
            self.go_to(parent);
        }
    }

    /// A change of the filter: other repositories are shown.
    pub(super) fn refilter(&mut self, now: Timestamp) {
        self.change(now, |_| {});
    }

    /// Drops the dialog that is waited for, else the marks, else the filter. Returns what follows, or `None` when there is none of them.
    pub(super) fn step_back(&mut self, now: Timestamp) -> Option<Effects> {
        if std::mem::take(&mut self.planning.asked) {
            return Some(Effects::new());
        }
        if !self.marks.is_empty() {
            self.marks.clear();
            return Some(self.plan_marks());
        }
        self.filter.clear().then(|| {
            self.refilter(now);
            Effects::new()
        })
    }

    /// Asks what deleting the marks would do.
    pub(super) fn plan_marks(&mut self) -> Effects {
        let targets = self.targets();
        self.planning.ask(targets)
    }

    /// Asks about the marks again, as the disk has changed under them. A dialog that waits for the answer still comes.
    fn plan_marks_again(&mut self) -> Effects {
        if self.marks.is_empty() {
            return Effects::new(); // what is asked about is the row under the cursor
        }
        let asked = self.planning.asked;
        let effects = self.plan_marks();
        self.planning.asked = asked;
        effects
    }

    fn targets(&self) -> Vec<DeletionTarget> {
        if self.marks.is_empty() {
            return Vec::new();
        }
        let repos = self.by_key();
        self.marks.targets(|key| Some(Shape { repo: repos.get(key)?, contents: self.contents(key) }))
    }
}
