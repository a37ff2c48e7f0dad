//! The question how fast something may be.

use super::key::{Code, Key, ctrl};
use super::msg::{Effect, Effects};
use super::{App, Question};
use crate::desk::{Target, parse_speed};

/// The longest answer that makes sense, in characters.
const LONGEST: usize = 24;

/// How fast may this be?
#[derive(Clone, Debug, PartialEq)]
pub struct LimitQuestion {
    /// What is to be limited.
    pub target: Target,
    /// What that is called.
    pub title: String,
    /// The limit as it is.
    pub now: Option<u64>,
    /// What has been typed.
    pub text: String,
    /// Why what was typed cannot be.
    pub mistake: Option<String>,
}

impl LimitQuestion {
    /// Asks anew.
    pub(super) fn new(target: Target, title: String, now: Option<u64>) -> Self {
        Self { target, title, now, text: String::new(), mistake: None }
    }
}

/// A key for the question: it is typed, and Enter answers.
pub(super) fn press(app: &mut App, mut question: LimitQuestion, key: Key) -> Effects {
    match key.code {
        Code::Esc => return Effects::new(),
        Code::Enter => match parse_speed(&question.text) {
            Ok(limit) => return vec![Effect::Limit(question.target, limit)],
            Err(fault) => question.mistake = fault.hint,
        },
        Code::Backspace => _ = question.text.pop(),
        Code::Char(_) if key == ctrl('u') => question.text.clear(),
        Code::Char(c) if !key.ctrl && question.text.len() < LONGEST && c.is_ascii() => question.text.push(c),
        _ => {}
    }
    app.dialog = Some(Question::Limit(question).into());
    Effects::new()
}
