//! One fact, as people read it and as programs read it.

use std::path::Path;
use std::sync::OnceLock;

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
    reading: Reading,
    /// The text for people, once somebody has asked for it: a program that reads ten thousand rows never does.
    text: OnceLock<String>,
    value: Value,
    right: bool,
}

/// How people read it.
#[derive(Clone, Debug, PartialEq)]
enum Reading {
    /// As this text.
    Text(String),
    /// As programs do.
    Value,
    /// As a size in bytes.
    Bytes(u64),
    /// As a day.
    Day(Timestamp),
}

impl Cell {
    /// Both readings given; the text is made printable.
    pub fn new(text: impl AsRef<str>, value: impl Into<Value>) -> Self {
        Self::read(Reading::Text(printable(text.as_ref())), value.into())
    }

    fn read(reading: Reading, value: Value) -> Self {
        Self { reading, text: OnceLock::new(), value, right: false }
    }

    /// Whether it is a fact at all.
    pub fn says_something(&self) -> bool {
        !self.shown().is_empty() && self.shown() != NOTHING
    }

    /// A word, a name or a sentence.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::read(Reading::Value, text.as_ref().into())
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
        Self::read(Reading::Value, count.into().into()).flush_right()
    }

    /// How many items a list has.
    pub fn len(count: usize) -> Self {
        Self::read(Reading::Value, count.into()).flush_right()
    }

    /// A size in bytes.
    pub fn bytes(count: u64) -> Self {
        Self::read(Reading::Bytes(count), count.into()).flush_right()
    }

    /// A moment: the day in UTC for people, RFC 3339 for programs.
    pub fn time(time: Timestamp) -> Self {
        Self::read(Reading::Day(time), time.to_string().into())
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
        self.text.get_or_init(|| match (&self.reading, &self.value) {
            (Reading::Text(text), _) => text.clone(),
            (Reading::Value, Value::String(text)) => printable(text),
            (Reading::Value, value) => value.to_string(),
            (Reading::Bytes(count), _) => desk::bytes(*count),
            (Reading::Day(time), _) => time.to_zoned(TimeZone::UTC).date().to_string(),
        })
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
            _ => vec![self.shown().to_owned()],
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
