//! The choice of another revision of the open repository.

use std::sync::Arc;

use super::key::{Code, Key};
use super::msg::{Effect, Effects, Seq};
use super::{App, Question, Step, act};
use crate::desk::{Fault, RepoRef, Revision, Revisions};

/// What is known of a repository's revisions.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RevisionsState {
    /// They are on their way.
    #[default]
    Loading,
    /// Here they are.
    Here(Arc<Revisions>),
    /// Why they could not be had.
    Failed(Fault),
}

/// The revisions of a repository, one of them under the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct RevisionChooser {
    /// The repository at the revision that is open.
    pub repo: RepoRef,
    /// What there is to choose from.
    pub state: RevisionsState,
    /// The place of the cursor among branches, tags and commits.
    pub cursor: usize,
    seq: Seq,
}

impl RevisionChooser {
    /// A choice that waits for the reply with this number.
    pub(super) fn new(repo: RepoRef, seq: Seq) -> Self {
        Self { repo, state: RevisionsState::Loading, cursor: 0, seq }
    }

    /// The question whose reply it waits for.
    pub(super) fn asked(&self) -> Effect {
        Effect::Revisions(self.seq, self.repo.clone())
    }

    fn ask_again(&mut self) -> Effect {
        self.state = RevisionsState::Loading;
        self.asked()
    }

    /// Takes the reply in, unless it is stale. The cursor goes to the revision that is open.
    pub(super) fn receive(&mut self, seq: Seq, reply: Result<Arc<Revisions>, Fault>) {
        if seq != self.seq || self.state != RevisionsState::Loading {
            return;
        }
        self.state = match reply {
            Ok(revisions) => {
                self.cursor = revisions.names().position(|name| *name == self.repo.revision).unwrap_or_default();
                RevisionsState::Here(revisions)
            }
            Err(fault) => RevisionsState::Failed(fault),
        };
    }

    /// The revision under the cursor.
    pub fn chosen(&self) -> Option<&Revision> {
        self.revisions()?.names().nth(self.cursor)
    }

    fn revisions(&self) -> Option<&Revisions> {
        match &self.state {
            RevisionsState::Here(revisions) => Some(revisions),
            RevisionsState::Loading | RevisionsState::Failed(_) => None,
        }
    }

    fn step(&mut self, step: Step, page: usize) {
        self.cursor = step.from(self.cursor, self.revisions().map_or(0, Revisions::len), page);
    }
}

/// A key for the choice: it moves the cursor, Enter opens the repository at what is under it, r asks again, Esc leaves it as it is.
pub(super) fn press(app: &mut App, mut chooser: RevisionChooser, key: Key) -> Effects {
    if let Some(step) = super::dialog::scroll(key) {
        chooser.step(step, app.page());
    }
    match (key.code, chooser.chosen()) {
        (Code::Esc | Code::Char('q' | 'v'), _) => return Effects::new(),
        (Code::Enter, Some(revision)) => {
            let repo = RepoRef { revision: revision.clone(), ..chooser.repo };
            return act::open_repo(app, repo);
        }
        _ => {}
    }
    let again = (key.code == Code::Char('r')).then(|| chooser.ask_again());
    app.dialog = Some(Question::Revisions(chooser).into());
    again.into_iter().collect()
}
