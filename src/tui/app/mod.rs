//! The state of the app and its one transition, [`update`]. Pure: no runtime, files, network or terminal.

mod act;
pub mod actions;
mod cache;
mod card;
mod dialog;
mod jobs;
mod key;
mod limit;
mod list;
mod message;
mod msg;
mod repository;
mod revisions;
mod search;
mod update;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use cache::{
    Bulk, CachePane, CacheSort, Deletion, DeletionLine, Easy, FilterPrompt, Findings, FindingsState, Held, Id, Marked, Marks, Node, Place,
    Planning, Row, Section, Subject, Tree, UnusedQuestion, leftover_title, titled,
};
pub use card::{CardState, CardView, Reach};
pub use dialog::{Dialog, Question};
pub use jobs::JobsPane;
pub use key::{Code, Key, ch, ctrl, plain};
pub use limit::LimitQuestion;
pub use list::Step;
pub use message::Message;
pub use msg::{Effect, Effects, Msg, Seq};
pub use repository::RepositoryPane;
pub use revisions::{RevisionChooser, RevisionsState};
pub use search::{Loading, SearchPane};
pub use update::update;

use crate::desk::{About, Board};

/// A part of the screen that can have the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pane {
    /// Repositories of the Hub.
    #[default]
    Search,
    /// What one repository offers.
    Repository,
    /// The queue.
    Jobs,
    /// What is on the disk.
    Cache,
}

impl Pane {
    /// Every pane, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Search, Self::Repository, Self::Jobs, Self::Cache];

    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Search => "Search",
            Self::Repository => "Repository",
            Self::Jobs => "Jobs",
            Self::Cache => "Cache",
        }
    }

    /// Its number, which is also the key that focuses it.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|pane| *pane == self).unwrap_or_default() + 1
    }

    /// The pane this many places further on, round and round.
    fn turned(self, by: usize) -> Self {
        Self::ALL[(self.number() - 1 + by) % Self::ALL.len()]
    }
}

/// Everything the screen shows.
#[derive(Clone, Debug)]
pub struct App {
    /// Where the desk works.
    pub about: About,
    /// The time, for ages; as of the last message.
    pub now: Timestamp,
    /// The time zone in which times of day are shown.
    pub zone: TimeZone,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The pane that keys go to.
    pub focus: Pane,
    /// Repositories of the Hub.
    pub search: SearchPane,
    /// What one repository offers.
    pub repository: RepositoryPane,
    /// Where the person is in the queue.
    pub jobs: JobsPane,
    /// What is on the disk.
    pub cache: CachePane,
    /// The newest state of queue and disk.
    pub board: Arc<Board>,
    /// The dialog that keys go to instead.
    pub dialog: Option<Dialog>,
    /// The last news.
    pub message: Option<Message>,
    /// The keys of an unfinished sequence.
    pub pending: Vec<Key>,
    /// Whether the desk is being closed.
    pub closing: bool,
}

impl App {
    /// The app before anything has happened.
    pub fn new(about: About, now: Timestamp, size: (u16, u16)) -> Self {
        Self {
            about,
            now,
            zone: TimeZone::UTC,
            size,
            focus: Pane::default(),
            search: SearchPane::default(),
            repository: RepositoryPane::default(),
            jobs: JobsPane::default(),
            cache: CachePane::default(),
            board: Arc::default(),
            dialog: None,
            message: None,
            pending: Vec::new(),
            closing: false,
        }
    }

    /// About how many rows of a list show at once.
    fn page(&self) -> usize {
        usize::from(self.size.1.saturating_sub(8)).max(1)
    }

    /// Shows a failure.
    fn fail(&mut self, fault: &crate::desk::Fault) {
        self.message = Some(Message::error(fault));
    }

    /// Shows news, unless a failure has not been dismissed yet.
    fn tell(&mut self, message: Message) {
        if message.stays() || !self.message.as_ref().is_some_and(Message::stays) {
            self.message = Some(message);
        }
    }
}

/// A number with its noun: `1 file`, `3 files`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
