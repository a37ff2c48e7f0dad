//! The question since when something has not been used, to mark it.

use crate::tui::app::key::{Code, Key};
use crate::tui::app::msg::Effects;
use crate::tui::app::{App, Message, Question};

/// The days that are proposed.
const PROPOSED: i64 = 30;

/// The most digits of an answer.
const LONGEST: usize = 5;

/// For how many days has it not been used?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnusedQuestion {
    /// What has been typed: digits.
    pub text: String,
}

impl UnusedQuestion {
    /// The days as they stand: what is proposed while nothing has been typed.
    pub fn days(&self) -> i64 {
        self.text.parse().unwrap_or(PROPOSED)
    }
}

/// A key for the question: digits are typed, and Enter marks.
pub(in crate::tui::app) fn press(app: &mut App, mut question: UnusedQuestion, key: Key) -> Effects {
    match key.code {
        Code::Esc => return Effects::new(),
        Code::Enter => {
            let marked = app.cache.mark_unused(question.days(), app.now);
            return marked.unwrap_or_else(|why| {
                app.tell(Message::warning(why));
                Effects::new()
            });
        }
        Code::Backspace => _ = question.text.pop(),
        Code::Char(c) if c.is_ascii_digit() && question.text.len() < LONGEST => question.text.push(c),
        _ => {}
    }
    app.dialog = Some(Question::Unused(question).into());
    Effects::new()
}
