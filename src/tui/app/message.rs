//! The one line of news: what just happened, or what went wrong last.

use crate::desk::{Fault, Notice, NoticeLevel};

/// What the app tells the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How loud.
    pub level: NoticeLevel,
    /// One sentence.
    pub text: String,
    /// What to do next, for an error.
    pub hint: Option<String>,
}

impl Message {
    /// News that needs no action. It goes with the next key.
    pub fn info(text: impl Into<String>) -> Self {
        Self { level: NoticeLevel::Info, text: text.into(), hint: None }
    }

    /// Something that was not done, and why. It goes with the next key.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { level: NoticeLevel::Warning, ..Self::info(text) }
    }

    /// A failure. It stays until it is dismissed or another takes its place.
    pub fn error(fault: &Fault) -> Self {
        Self { level: NoticeLevel::Error, text: fault.message.clone(), hint: fault.hint.clone() }
    }

    /// Whether it stays while keys are pressed.
    pub fn stays(&self) -> bool {
        self.level == NoticeLevel::Error
    }
}

impl From<Notice> for Message {
    fn from(notice: Notice) -> Self {
        let hint = notice.fault.as_ref().and_then(|fault| fault.hint.clone());
        Self { level: notice.level, text: notice.text, hint }
    }
}
