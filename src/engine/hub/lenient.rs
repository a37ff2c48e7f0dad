//! Reading JSON whose shape cannot be relied on: a wrong type is a missing value, and text is made printable and short.

use jiff::Timestamp;
use serde_json::Value;

use crate::desk::printable;

/// The longest text kept, in characters.
const LONGEST_TEXT: usize = 200;
/// The most members of a list kept.
const MOST_TEXTS: usize = 500;

/// A text made printable and cut to `longest` characters.
pub(super) fn shown(text: &str, longest: usize) -> String {
    printable(&text.chars().take(longest).collect::<String>())
}

/// A text that is not empty.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().filter(|text| !text.is_empty()).map(|text| shown(text, LONGEST_TEXT))
}

/// The texts of a list; a single text is a list of one.
pub(super) fn texts(value: &Value, key: &str) -> Vec<String> {
    match &value[key] {
        Value::Array(items) => items.iter().filter_map(Value::as_str).take(MOST_TEXTS).map(|text| shown(text, LONGEST_TEXT)).collect(),
        _ => text(value, key).into_iter().collect(),
    }
}

/// A count; 0 where there is none.
pub(super) fn count(value: &Value, key: &str) -> u64 {
    let number = &value[key];
    number.as_u64().or_else(|| number.as_str()?.parse().ok()).unwrap_or(0)
}

/// A moment in RFC 3339.
pub(super) fn time(value: &Value, key: &str) -> Option<Timestamp> {
    value[key].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wrong_type_is_a_missing_value() {
        let odd = json!({"n": "12", "f": -1, "t": 5, "list": ["a\u{1b}", 1, null], "one": "x", "when": "yesterday", "empty": ""});
        assert_eq!((count(&odd, "n"), count(&odd, "f"), count(&odd, "none")), (12, 0, 0));
        assert_eq!((text(&odd, "t"), text(&odd, "empty"), time(&odd, "when")), (None, None, None));
        assert_eq!(texts(&odd, "list"), ["a\u{fffd}"]);
        assert_eq!(texts(&odd, "one"), ["x"]);
        assert_eq!(count(&json!([1]), "n"), 0);
    }

    #[test]
    fn text_is_bounded() {
        assert_eq!(text(&json!({"t": "é".repeat(5000)}), "t").unwrap().chars().count(), LONGEST_TEXT);
    }
}
