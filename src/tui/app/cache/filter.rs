//! The filter of the cache: a line of conditions, applied while it is typed.

use jiff::Timestamp;
use tui_input::Input;

use crate::desk::{CacheFilter, CachedRepo, CachedRevision};
use crate::tui::app::key::{Code, Key};
use crate::tui::app::search::edit;

/// The conditions that repositories have to meet to be shown.
#[derive(Clone, Debug, Default)]
pub struct FilterPrompt {
    /// What has been typed.
    pub input: Input,
    /// Whether keys go to the prompt.
    pub editing: bool,
    /// Why what was typed makes no sense; what could be read last holds meanwhile.
    pub mistake: Option<String>,
    filter: CacheFilter,
}

impl FilterPrompt {
    /// Whether anything is filtered.
    pub fn is_on(&self) -> bool {
        !self.input.value().trim().is_empty()
    }

    /// Whether a repository is shown: it meets the conditions, or one of its revisions does.
    pub(super) fn takes(&self, repo: &CachedRepo, pinned: bool, now: Timestamp) -> bool {
        !self.is_on()
            || self.filter.takes(repo, pinned, now)
            || repo.revisions.iter().any(|revision| self.filter.takes_revision(repo, revision, pinned, now))
    }

    /// Whether a repository as a whole meets the conditions.
    pub(super) fn takes_whole(&self, repo: &CachedRepo, pinned: bool, now: Timestamp) -> bool {
        !self.is_on() || self.filter.takes(repo, pinned, now)
    }

    /// Whether a revision meets the conditions.
    pub(super) fn takes_revision(&self, repo: &CachedRepo, revision: &CachedRevision, pinned: bool, now: Timestamp) -> bool {
        !self.is_on() || self.filter.takes_revision(repo, revision, pinned, now)
    }

    /// Which revisions of a repository are shown once it is open: those that meet the conditions, or all of them where none does.
    pub(super) fn shown_revisions(&self, repo: &CachedRepo, pinned: bool, now: Timestamp) -> Vec<usize> {
        let all = 0..repo.revisions.len();
        let taken: Vec<usize> = repo
            .revisions
            .iter()
            .enumerate()
            .filter(|(_, revision)| self.takes_revision(repo, revision, pinned, now))
            .map(|(at, _)| at)
            .collect();
        if taken.is_empty() { all.collect() } else { taken }
    }

    /// Whether a commit is among those.
    pub(super) fn shows_revision(&self, repo: &CachedRepo, commit: &str, pinned: bool, now: Timestamp) -> bool {
        let shown = self.shown_revisions(repo, pinned, now);
        shown.into_iter().filter_map(|at| repo.revisions.get(at)).any(|revision| revision.commit == commit)
    }

    /// A key for the prompt. Returns whether something else is to be shown now.
    pub(in crate::tui::app) fn press(&mut self, key: Key) -> bool {
        match key.code {
            Code::Esc => return self.clear(),
            Code::Enter | Code::Down => self.editing = self.mistake.is_some(),
            _ => {
                let changed = edit(key).and_then(|request| self.input.handle(request)).is_some_and(|change| change.value);
                return changed && self.read();
            }
        }
        false
    }

    /// Text pasted into the prompt. It is printable already. Returns whether something else is to be shown now.
    pub(in crate::tui::app) fn insert(&mut self, text: &str) -> bool {
        for c in text.trim().chars() {
            self.input.handle(tui_input::InputRequest::InsertChar(c));
        }
        self.read()
    }

    /// Shows everything again. Returns whether that is a change.
    pub(in crate::tui::app) fn clear(&mut self) -> bool {
        let was_on = self.is_on();
        *self = Self::default();
        was_on
    }

    fn read(&mut self) -> bool {
        match self.input.value().parse::<CacheFilter>() {
            Ok(filter) => (self.filter, self.mistake) = (filter, None),
            Err(fault) => {
                self.mistake = Some(fault.hint.map_or(fault.message.clone(), |hint| format!("{}: {hint}", fault.message)));
                return false;
            }
        }
        true
    }
}
