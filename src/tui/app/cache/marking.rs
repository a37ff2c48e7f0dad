//! Marking: by the row, all that is shown, and kinds of things by one key.

use std::collections::HashMap;

use jiff::Timestamp;

use super::easy::{self, Bulk};
use super::shape::Shape;
use super::{CachePane, Id, Marked, Marks, Place, Section, Subject};
use crate::desk::{Board, CachedRepo, RepoKey};
use crate::tui::app::msg::Effects;
use crate::tui::app::{Step, counted};

impl CachePane {
    /// Marks or unmarks what is under the cursor and goes on to the next row; says why where that cannot be.
    pub(super) fn mark(&mut self) -> Result<Effects, String> {
        let Some(subject) = self.current() else { return Ok(Effects::new()) };
        let ids = match subject {
            Subject::Section(Section::Payloads) => easy::all(Bulk::Payloads, std::iter::empty(), &self.tree.listing, &Board::default()),
            _ => vec![self.markable(subject)?],
        };
        let on = ids.iter().any(|id| self.of(id) != Marked::Yes);
        self.set(&ids, on);
        self.step(Step::Down, 1);
        Ok(self.plan_marks())
    }

    /// What a mark on something stands for; says why there is none.
    fn markable(&self, subject: Subject) -> Result<Id, String> {
        match subject {
            Subject::Section(Section::Trash) | Subject::Trashed(_) => {
                Err("this is deleted already: u brings it back, D empties it".to_owned())
            }
            Subject::Section(_) | Subject::Store(_) | Subject::Other(..) => Err(foreign(subject)),
            Subject::Reading(..) => Err("its contents are not known yet".to_owned()),
            _ => match subject.repo().filter(|repo| self.is_pinned(&repo.key)) {
                Some(repo) => Err(format!("{} is pinned and stays: p on it lifts that", repo.key)),
                None => Ok(subject.id()),
            },
        }
    }

    fn of(&self, id: &Id) -> Marked {
        match id {
            Id::In(key, place) => match self.marks.of(key, place) {
                // The repository is looked for only where the marks alone do not tell.
                Marked::Partly => self.shape(key).map_or(Marked::Partly, |shape| self.marks.within(shape, place)),
                marked => marked,
            },
            Id::Payload(hash) => self.marks.of_payload(hash),
            _ => Marked::No,
        }
    }

    /// Marks these, or takes their marks away.
    fn set(&mut self, ids: &[Id], on: bool) {
        let mut marks: Marks = std::mem::take(&mut self.marks);
        let repos: HashMap<&RepoKey, &CachedRepo> = match ids {
            [_] => HashMap::new(), // one is found sooner than a table is made
            _ => self.repos().iter().map(|repo| (&repo.key, repo.as_ref())).collect(),
        };
        for id in ids {
            match id {
                Id::In(key, place) => {
                    let shape = repos.get(key).map(|repo| Shape { repo, contents: self.contents(key) }).or_else(|| self.shape(key));
                    let Some(shape) = shape else { continue };
                    if on { marks.mark(key, place.clone()) } else { marks.unmark(shape, place) }
                }
                Id::Payload(hash) => marks.set_payload(hash, on),
                _ => {}
            }
        }
        self.marks = marks;
    }

    /// Marks all that the filter shows, or nothing when all of that is marked.
    pub(super) fn mark_all(&mut self, now: Timestamp) -> Effects {
        let ids: Vec<Id> = self.shown().flat_map(|repo| self.wanted(repo, now)).collect();
        let all = ids.iter().all(|id| self.of(id) == Marked::Yes);
        self.set(&ids, !all);
        self.plan_marks()
    }

    /// What of a repository the filter shows: all of it, or some revisions.
    fn wanted(&self, repo: &CachedRepo, now: Timestamp) -> Vec<Id> {
        if self.filter.takes_whole(repo, self.is_pinned(&repo.key), now) {
            return vec![Id::repo(&repo.key)];
        }
        let revisions = repo.revisions.iter().filter(|revision| self.filter.takes_revision(repo, revision, self.is_pinned(&repo.key), now));
        revisions.map(|revision| Id::In(repo.key.clone(), Place::revision(&revision.commit))).collect()
    }

    /// The repositories that the filter shows and that may be deleted.
    fn shown(&self) -> impl Iterator<Item = &CachedRepo> {
        let shown = self.tree.shown.iter().filter_map(|at| self.repos().get(*at));
        shown.map(AsRef::as_ref).filter(|repo| !self.is_pinned(&repo.key))
    }

    /// Marks everything of a kind that the filter shows, or takes those marks away when all of it is marked.
    pub(super) fn mark_bulk(&mut self, bulk: Bulk, board: &Board) -> Result<Effects, String> {
        let ids = easy::all(bulk, self.shown(), &self.tree.listing, board);
        self.mark_these(&ids, bulk.title())
    }

    /// Marks the repositories that the filter shows and that have not been used for so many days.
    pub(super) fn mark_unused(&mut self, days: i64, now: Timestamp) -> Result<Effects, String> {
        let unused = self.shown().filter(|repo| easy::is_unused(repo, days, now));
        let ids: Vec<Id> = unused.map(|repo| Id::repo(&repo.key)).collect();
        self.mark_these(&ids, &format!("repositories that were not used for {}", counted_days(days)))
    }

    fn mark_these(&mut self, ids: &[Id], title: &str) -> Result<Effects, String> {
        if ids.is_empty() {
            return Err(format!("there are no {title} here"));
        }
        let all = ids.iter().all(|id| self.of(id) == Marked::Yes);
        self.set(ids, !all);
        Ok(self.plan_marks())
    }
}

fn counted_days(days: i64) -> String {
    counted(usize::try_from(days).unwrap_or_default(), "day", "days")
}

/// Why something of another program is not deleted here.
pub(super) fn foreign(subject: Subject) -> String {
    match subject {
        Subject::Store(store) | Subject::Other(store, _) => {
            format!("{} keeps this: delete it there, it is only shown here", store.keeper.title())
        }
        _ => "other programs keep these: they are only shown here".to_owned(),
    }
}
