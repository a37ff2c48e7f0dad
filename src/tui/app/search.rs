//! The search pane: what is looked for and what was found.

use tui_input::{Input, InputRequest};

use super::Step;
use super::key::{Code, Key};
use super::msg::{Effect, Effects, Seq};
use crate::desk::{Fault, Hit, PageToken, RepoKind, RepoRef, Revision, SearchPage, SearchQuery, Sort};

/// How many repositories one page of results holds.
const PAGE: u32 = 50;

/// How near to the end of the results the cursor is when the next page is asked for, in rows.
const AHEAD: usize = 15;

/// What a search is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loading {
    /// Other results.
    First,
    /// More of the same.
    More,
}

/// What is looked for and what was found.
#[derive(Clone, Debug, Default)]
pub struct SearchPane {
    /// The words in the prompt.
    pub prompt: Input,
    /// Whether keys go to the prompt.
    pub editing: bool,
    /// Which namespace.
    pub kind: RepoKind,
    /// The order.
    pub sort: Sort,
    /// What was found; the old results stay until new ones come.
    pub hits: Vec<Hit>,
    /// The row of the cursor.
    pub cursor: usize,
    /// What is on its way.
    pub loading: Option<Loading>,
    /// Why the last request failed.
    pub fault: Option<Fault>,
    next: Option<PageToken>,
    seq: Seq,
}

impl SearchPane {
    /// The repository under the cursor.
    pub fn current(&self) -> Option<&Hit> {
        self.hits.get(self.cursor)
    }

    /// The repository under the cursor, at its main branch.
    pub fn current_repo(&self) -> Option<RepoRef> {
        self.current().map(|hit| RepoRef { kind: hit.kind, id: hit.id.clone(), revision: Revision::default() })
    }

    /// Whether there is more than what has been loaded.
    pub fn has_more(&self) -> bool {
        self.next.is_some()
    }

    fn query(&self) -> SearchQuery {
        let text = self.prompt.value().trim().to_owned();
        SearchQuery { kind: self.kind, text, sort: self.sort, limit: PAGE, ..SearchQuery::default() }
    }

    /// Asks for the first page; replies to older requests are stale from now on.
    pub(super) fn submit(&mut self) -> Effects {
        self.expect();
        vec![Effect::Search(self.seq, self.query(), None)]
    }

    fn expect(&mut self) {
        self.seq += 1;
        self.loading = Some(Loading::First);
    }

    /// Typing paused; asks unless the words have changed since.
    pub(super) fn due(&self, seq: Seq) -> Effects {
        if seq == self.seq { vec![Effect::Search(seq, self.query(), None)] } else { Effects::new() }
    }

    /// Takes a reply in, unless it is stale.
    pub(super) fn receive(&mut self, seq: Seq, reply: Result<SearchPage, Fault>) {
        if seq != self.seq {
            return;
        }
        let loading = self.loading.take();
        match reply {
            Ok(page) => self.show(page, loading == Some(Loading::More)),
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn show(&mut self, page: SearchPage, more: bool) {
        if !more {
            self.hits.clear();
            self.cursor = 0;
        }
        self.hits.extend(page.hits);
        self.next = page.next;
        self.fault = None;
    }

    /// Moves the cursor and asks for the next page when the end comes near.
    pub(super) fn step(&mut self, step: Step, page: usize) -> Effects {
        self.cursor = step.from(self.cursor, self.hits.len(), page);
        self.more()
    }

    fn more(&mut self) -> Effects {
        let near = self.cursor + AHEAD >= self.hits.len();
        match &self.next {
            Some(next) if near && self.loading.is_none() && self.fault.is_none() => {
                self.loading = Some(Loading::More);
                vec![Effect::Search(self.seq, self.query(), Some(next.clone()))]
            }
            _ => Effects::new(),
        }
    }

    /// Looks in the next namespace.
    pub(super) fn next_kind(&mut self) -> Effects {
        self.kind = following(&RepoKind::SEARCHED, &self.kind);
        self.submit()
    }

    /// Takes the next order.
    pub(super) fn next_sort(&mut self) -> Effects {
        self.sort = following(&Sort::ALL, &self.sort);
        self.submit()
    }

    /// A key for the prompt.
    pub(super) fn type_key(&mut self, key: Key) -> Effects {
        match (key.code, key.ctrl) {
            (Code::Enter | Code::Down, _) => self.leave_prompt(),
            (Code::Esc, _) => {
                self.editing = false;
                Effects::new()
            }
            _ => edit(key).map_or_else(Effects::new, |request| self.change(&[request])),
        }
    }

    /// Text pasted into the prompt. It is printable already.
    pub(super) fn insert(&mut self, text: &str) -> Effects {
        let requests: Vec<_> = text.trim().chars().map(InputRequest::InsertChar).collect();
        self.change(&requests)
    }

    fn leave_prompt(&mut self) -> Effects {
        self.editing = false;
        if self.loading == Some(Loading::First) { self.submit() } else { Effects::new() }
    }

    fn change(&mut self, requests: &[InputRequest]) -> Effects {
        let changes = requests.iter().filter_map(|request| self.prompt.handle(*request)).filter(|change| change.value);
        if changes.count() == 0 {
            return Effects::new();
        }
        self.expect();
        vec![Effect::SearchSoon(self.seq)]
    }

    /// Forgets the words. Returns what follows, or `None` when there are none to forget.
    pub(super) fn clear(&mut self) -> Option<Effects> {
        if self.prompt.value().is_empty() {
            return None;
        }
        self.prompt.reset();
        Some(self.submit())
    }
}

/// What a key does to a line of text.
pub(super) fn edit(key: Key) -> Option<InputRequest> {
    Some(match (key.code, key.ctrl) {
        (Code::Char(c), false) => InputRequest::InsertChar(c),
        (Code::Backspace, false) => InputRequest::DeletePrevChar,
        (Code::Delete, _) => InputRequest::DeleteNextChar,
        (Code::Char('w') | Code::Backspace, true) => InputRequest::DeletePrevWord,
        (Code::Char('u'), true) => InputRequest::DeleteLine,
        (Code::Char('k'), true) => InputRequest::DeleteTillEnd,
        (Code::Left, true) => InputRequest::GoToPrevWord,
        (Code::Right, true) => InputRequest::GoToNextWord,
        (Code::Left, false) => InputRequest::GoToPrevChar,
        (Code::Right, false) => InputRequest::GoToNextChar,
        (Code::Home, _) | (Code::Char('a'), true) => InputRequest::GoToStart,
        (Code::End, _) | (Code::Char('e'), true) => InputRequest::GoToEnd,
        _ => return None,
    })
}

fn following<T: Copy + PartialEq + Default>(all: &[T], current: &T) -> T {
    all.iter().cycle().skip_while(|item| *item != current).nth(1).copied().unwrap_or_default()
}
