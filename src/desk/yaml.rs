//! The part of YAML that model cards are written in: nested maps and lists by indentation, plain and quoted scalars, lists in brackets.
//!
//! It never fails: what it does not understand is skipped or kept as text, since a card is decoration and anybody may write one.

use serde_json::{Map, Value};

/// Deeper nesting is dropped; cards use three levels.
const DEEPEST: usize = 16;
/// The lines over which a list in brackets may go on.
const LONGEST_LIST: usize = 200;

/// Reads a document whose top level is a map.
pub(super) fn parse(text: &str) -> Map<String, Value> {
    let lines = text.lines().filter_map(|line| {
        let body = line.trim_start();
        (!body.is_empty() && !body.starts_with('#')).then(|| (line.len() - body.len(), body.trim_end()))
    });
    Lines { lines: lines.collect(), at: 0 }.map(0, 0)
}

struct Lines<'a> {
    lines: Vec<(usize, &'a str)>,
    at: usize,
}

impl<'a> Lines<'a> {
    fn peek(&self) -> Option<(usize, &'a str)> {
        self.lines.get(self.at).copied()
    }

    fn map(&mut self, indent: usize, depth: usize) -> Map<String, Value> {
        let mut map = Map::new();
        while let Some((found, line)) = self.peek().filter(|(found, _)| *found >= indent) {
            match split_key(line).filter(|_| found == indent) {
                Some((key, rest)) => {
                    self.at += 1;
                    map.insert(key, self.value(rest, indent, depth));
                }
                None if found == indent && is_item(line) => break,
                None => self.at += 1,
            }
        }
        map
    }

    fn list(&mut self, indent: usize, depth: usize) -> Vec<Value> {
        let mut items = Vec::new();
        while let Some((_, line)) = self.peek().filter(|(found, line)| *found == indent && is_item(line)) {
            let rest = line[1..].trim_start();
            let inner = indent + line.len() - rest.len();
            if depth < DEEPEST && (is_item(rest) || split_key(rest).is_some()) {
                self.lines[self.at] = (inner, rest);
                items.push(self.block(inner, depth + 1));
            } else {
                self.at += 1;
                items.push(self.value(rest, indent, depth));
            }
        }
        items
    }

    fn block(&mut self, indent: usize, depth: usize) -> Value {
        match self.peek() {
            Some((_, line)) if is_item(line) => Value::Array(self.list(indent, depth)),
            _ => Value::Object(self.map(indent, depth)),
        }
    }

    /// What stands after a key or a dash: a scalar, or a block on the lines that follow.
    fn value(&mut self, rest: &str, indent: usize, depth: usize) -> Value {
        if rest.starts_with(['|', '>']) {
            return Value::String(self.text(indent));
        }
        if !rest.is_empty() {
            return self.long_list(rest).map_or_else(|| scalar(rest), |whole| scalar(&whole));
        }
        match self.peek() {
            Some((found, _)) if found > indent && depth < DEEPEST => self.block(found, depth + 1),
            Some((found, line)) if found == indent && is_item(line) && depth < DEEPEST => Value::Array(self.list(found, depth + 1)),
            _ => Value::Null,
        }
    }

    /// A list in brackets that ends on one of the lines that follow.
    fn long_list(&mut self, rest: &str) -> Option<String> {
        let begins = rest.starts_with('[') && !rest.ends_with(']');
        let following = self.lines.get(self.at..).filter(|_| begins)?;
        let end = following.iter().take(LONGEST_LIST).position(|(_, line)| line.ends_with(']'))?;
        let parts = std::iter::once(rest).chain(following.iter().take(end + 1).map(|(_, line)| *line));
        let whole = parts.collect::<Vec<_>>().join(" ");
        self.at += end + 1;
        Some(whole)
    }

    fn text(&mut self, indent: usize) -> String {
        let mut lines = Vec::new();
        while let Some((_, line)) = self.peek().filter(|(found, _)| *found > indent) {
            lines.push(line);
            self.at += 1;
        }
        lines.join("\n")
    }
}

fn is_item(line: &str) -> bool {
    line == "-" || line.starts_with("- ")
}

/// Splits `key: rest`, where the line is one.
fn split_key(line: &str) -> Option<(String, &str)> {
    let split = line.find(": ").or_else(|| line.strip_suffix(':').map(str::len))?;
    let key = line[..split].trim_matches(['"', '\'']);
    let plain = !key.is_empty() && !line.starts_with(['[', '{']) && !key.contains(['"', '\'']);
    plain.then(|| (key.to_owned(), without_comment(line[split + 1..].trim())))
}

fn without_comment(text: &str) -> &str {
    if text.starts_with('#') {
        return "";
    }
    match text.find(" #") {
        Some(at) if !text.starts_with(['"', '\'']) => text[..at].trim_end(),
        _ => text,
    }
}

fn scalar(text: &str) -> Value {
    if let Some(inside) = between(text, '[', ']') {
        return inside.split(',').map(str::trim).filter(|item| !item.is_empty()).map(scalar_item).collect();
    }
    scalar_item(text)
}

fn scalar_item(text: &str) -> Value {
    if let Some(inside) = between(text, '\'', '\'') {
        return Value::String(inside.replace("''", "'"));
    }
    if let Some(inside) = between(text, '"', '"') {
        return serde_json::from_str(text).unwrap_or_else(|_| Value::String(inside.to_owned()));
    }
    match text {
        "true" | "True" => Value::Bool(true),
        "false" | "False" => Value::Bool(false),
        "null" | "~" => Value::Null,
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return None;
    }
    text.parse::<i64>().map(Value::from).ok().or_else(|| serde_json::Number::from_f64(text.parse().ok()?).map(Value::Number))
}

fn between(text: &str, open: char, close: char) -> Option<&str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_card_as_people_write_them() {
        let card = parse(
            "license: apache-2.0  # really\nlanguage:\n- en\n- 'no'\ntags: [gguf, \"chat\"]\ncount: 3\nratio: 0.5\nok: true\nempty:\n\
             configs:\n  - config_name: default\n    data_files:\n    - split: train\n      path: data/train.jsonl\n    - split: test\n      path: data/test.jsonl\n\
             prompt: |\n  one\n  two\nlast: \"a: b\"\n",
        );
        let expected = json!({
            "license": "apache-2.0", "language": ["en", "no"], "tags": ["gguf", "chat"], "count": 3, "ratio": 0.5, "ok": true, "empty": null,
            "configs": [{"config_name": "default", "data_files": [
                {"split": "train", "path": "data/train.jsonl"}, {"split": "test", "path": "data/test.jsonl"}]}],
            "prompt": "one\ntwo", "last": "a: b",
        });
        assert_eq!(Value::Object(card), expected);
    }

    #[test]
    fn a_list_in_brackets_may_go_on() {
        assert_eq!(Value::Object(parse("a: [x,\n  y,\n  'z'\n]\nb: 1")), json!({"a": ["x", "y", "z"], "b": 1}));
        assert_eq!(Value::Object(parse("a: [x,\nb: 1")), json!({"a": "[x,", "b": 1}));
    }

    #[test]
    fn hostile_cards_end() {
        parse(&"a: [\n".repeat(13_000));
        parse(&"- ".repeat(50_000));
        let stairs: Vec<String> = (0..500).map(|n| format!("{}b:\n", " ".repeat(n))).collect();
        parse(&stairs.concat());
        parse(":\n: :\n-\n- -\n\t- x:\n'");
        assert_eq!(Value::Object(parse("[x]: 1\n\"\": 2\n    stray\nk: \"open")), json!({"k": "\"open"}));
    }
}
