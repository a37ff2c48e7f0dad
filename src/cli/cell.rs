//! One fact, as people read it and as programs read it.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::desk::{self, printable};

/// What stands for a fact that is not known.
const NOTHING: &str = "-";
/// How much of a commit or a digest people are shown.
pub(super) const SHORT: usize = 12;

/// One fact: text for people (always printable), a JSON value for programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    text: String,
    value: Value,
    right: bool,
}

impl Cell {
    /// Both readings given; the text is made printable.
    pub fn new(text: impl AsRef<str>, value: impl Into<Value>) -> Self {
        Self { text: printable(text.as_ref()), value: value.into(), right: false }
    }

    /// Whether it is a fact at all.
    pub fn says_something(&self) -> bool {
        !self.text.is_empty() && self.text != NOTHING
    }

    /// A word, a name or a sentence.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::new(text.as_ref(), text.as_ref())
    }

    /// A commit or a digest: its beginning for people, who may type no more, all of it for programs and pipes.
    pub fn commit(hex: &str) -> Self {
        Self::new(hex.get(..SHORT).unwrap_or(hex), hex)
    }

    /// A path on this machine.
    pub fn path(path: &Path) -> Self {
        Self::text(path.to_string_lossy())
    }

    /// A yes or a no.
    pub fn flag(yes: bool) -> Self {
        Self::new(if yes { "yes" } else { "no" }, yes)
    }

    /// A number of things.
    pub fn count(count: impl Into<u64>) -> Self {
        let count = count.into();
        Self::new(count.to_string(), count).flush_right()
    }

    /// How many items a list has.
    pub fn len(count: usize) -> Self {
        Self::new(count.to_string(), count).flush_right()
    }

    /// A size in bytes.
    pub fn bytes(count: u64) -> Self {
        Self::new(desk::bytes(count), count).flush_right()
    }

    /// A moment: the day in UTC for people, RFC 3339 for programs.
    pub fn time(time: Timestamp) -> Self {
        Self::new(time.to_zoned(TimeZone::UTC).date().to_string(), time.to_string())
    }

    /// Several words.
    pub fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Self {
        let items: Vec<String> = items.into_iter().map(|item| item.as_ref().to_owned()).collect();
        let text = if items.is_empty() { NOTHING.to_owned() } else { items.join(", ") };
        Self::new(text, items)
    }

    /// A fact that may be missing: `-` for people, `null` for programs.
    pub fn maybe<T>(fact: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        fact.map_or_else(|| Self::new(NOTHING, json!(null)), cell)
    }

    /// Aligned at the right, as numbers are.
    #[must_use]
    pub fn flush_right(mut self) -> Self {
        self.right = true;
        self
    }

    /// The text for people.
    pub(super) fn shown(&self) -> &str {
        &self.text
    }

    /// The value for programs.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// Whether it is aligned at the right.
    pub(super) fn is_right(&self) -> bool {
        self.right
    }

    /// The bare text for pipes, in full: a list gives a line for each item.
    pub(super) fn lines(&self) -> Vec<String> {
        match &self.value {
            Value::Array(items) => items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), printable)).collect(),
            Value::String(whole) => vec![printable(whole)],
            _ => vec![self.text.clone()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_programs_read_the_same_fact_differently() {
        let size = Cell::bytes(4_400_000_000);
        assert_eq!((size.shown(), size.value()), ("4.1 GiB", &json!(4_400_000_000_u64)));
        let time = Cell::time("2026-03-04T23:30:00Z".parse().unwrap());
        assert_eq!((time.shown(), time.value()), ("2026-03-04", &json!("2026-03-04T23:30:00Z")));
        let missing = Cell::maybe(None, Cell::bytes);
        assert_eq!((missing.shown(), missing.value()), ("-", &json!(null)));
    }

    #[test]
    fn text_for_a_terminal_carries_no_control_characters() {
        assert_eq!(Cell::text("a\u{1b}[2J").shown(), "a\u{fffd}[2J");
        assert_eq!(Cell::list(["a\u{7}"]).lines(), ["a\u{fffd}"]);
    }
}
