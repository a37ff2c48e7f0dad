//! A repository's card: what its `README.md` says, for people as Markdown and for programs as front matter.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::text::{beginning, printable};
use super::yaml;

/// The most Markdown that is kept, in bytes.
const LONGEST_TEXT: usize = 1 << 20;
/// More than any honest front matter, in bytes.
const LONGEST_FRONT: usize = 64 << 10;
/// More than any honest fact, in bytes, and more of a kind than any honest card lists.
const MOST: (usize, usize) = (256, 200);

/// A repository's card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The Markdown after the front matter, as its authors wrote it: not made safe to print.
    pub markdown: String,
    /// Whether the Markdown was longer than a mebibyte and its end is missing.
    pub truncated: bool,
    /// What the front matter states.
    pub facts: CardFacts,
    /// What the model was made from, what that was made from, and so on, as far as the Hub told in time: one base model a step, or
    /// several in the last. Printable and bounded. Empty where the repository states none outside its text.
    #[serde(default)]
    pub lineage: Vec<Vec<String>>,
}

/// What a card's front matter states, under the keys of <https://huggingface.co/docs/hub/model-cards>. All text is printable and bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardFacts {
    /// The licence's identifier, such as `apache-2.0`, or `other`.
    pub license: Option<String>,
    /// What a licence without an identifier is called.
    pub license_name: Option<String>,
    /// Where a licence without an identifier can be read: an address, or a file of the repository.
    pub license_link: Option<String>,
    /// The languages it speaks, as their authors abbreviate them.
    pub languages: Vec<String>,
    /// What it was made from, as `owner/name`.
    pub base_models: Vec<String>,
    /// What it was trained on.
    pub datasets: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// The task, such as `text-generation`.
    pub task: Option<String>,
    /// The library it is for, such as `transformers`.
    pub library: Option<String>,
}

impl Card {
    /// Reads a `README.md`. Anybody may write one, so this never fails: what cannot be understood is not stated.
    pub fn read(readme: &str) -> Self {
        let (front, body) = front_matter(readme);
        let markdown = beginning(body, LONGEST_TEXT);
        Self { markdown: markdown.to_owned(), truncated: markdown.len() < body.len(), facts: CardFacts::read(&front), lineage: Vec::new() }
    }
}

impl CardFacts {
    fn read(front: &Map<String, Value>) -> Self {
        let many = |key: &str| texts(front.get(key));
        let one = |key: &str| many(key).into_iter().next();
        Self {
            license: one("license"),
            license_name: one("license_name"),
            license_link: one("license_link"),
            languages: many("language"),
            base_models: many("base_model"),
            datasets: many("datasets"),
            tags: many("tags"),
            task: one("pipeline_tag"),
            library: one("library_name"),
        }
    }
}

/// The texts of a value, whether it is one or a list.
fn texts(value: Option<&Value>) -> Vec<String> {
    let values = match value {
        Some(Value::Array(many)) => many.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    values.iter().filter_map(text).filter(|text| !text.is_empty()).take(MOST.1).collect()
}

/// A value as text. The language `no` and the version `2` are written without quotes, too.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(printable(beginning(text.trim(), MOST.0))),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A README's front matter, empty where there is none, and what follows it.
pub fn front_matter(readme: &str) -> (Map<String, Value>, &str) {
    let text = readme.trim_start_matches('\u{feff}');
    match divided(text) {
        Some((front, body)) if front.len() <= LONGEST_FRONT => (yaml::parse(front), body),
        Some((_, body)) => (Map::new(), body),
        None => (Map::new(), text),
    }
}

/// What stands between two lines of `---` at the start, and what follows them.
fn divided(text: &str) -> Option<(&str, &str)> {
    let after = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n"))?;
    let (front, rest) = match after.strip_prefix("---") {
        Some(rest) => ("", rest),
        None => after.split_once("\n---")?,
    };
    Some((front, rest.split_once('\n').map_or("", |(_, body)| body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_card_is_read() {
        let card = Card::read(
            "---\nlicense: other\nlicense_name: llama3.1\nlicense_link: LICENSE\nlanguage:\n- en\n- no\n- 'fr'\nbase_model: meta-llama/Llama-3.1-8B\n\
             datasets: [a/b, c]\ntags:\n  - chat\n  - 7\n  - {}\npipeline_tag: text-generation\nlibrary_name: transformers\n---\n# Title\n\n---\nmore\n",
        );
        let facts = CardFacts {
            license: Some("other".to_owned()),
            license_name: Some("llama3.1".to_owned()),
            license_link: Some("LICENSE".to_owned()),
            languages: owned(&["en", "no", "fr"]),
            base_models: owned(&["meta-llama/Llama-3.1-8B"]),
            datasets: owned(&["a/b", "c"]),
            tags: owned(&["chat", "7", "{}"]),
            task: Some("text-generation".to_owned()),
            library: Some("transformers".to_owned()),
        };
        assert_eq!(card, Card { markdown: "# Title\n\n---\nmore\n".to_owned(), truncated: false, facts, lineage: Vec::new() });
    }

    #[test]
    fn a_readme_without_front_matter_is_all_text() {
        for readme in ["", "# Title\n---\nlicense: mit\n---", "---\nlicense: mit\n", "---"] {
            assert_eq!(Card::read(readme), Card { markdown: readme.to_owned(), ..Card::default() }, "{readme:?}");
        }
        assert_eq!(Card::read("---\n---\ntext").markdown, "text");
        assert_eq!(Card::read("\u{feff}---\r\nlicense: mit\r\n---\r\ntext").facts.license.as_deref(), Some("mit"));
    }

    #[test]
    fn hostile_cards_are_bounded_and_printable() {
        let items = "- x\u{1b}[2J\n".repeat(1_000);
        let card = Card::read(&format!("---\nlicense: {}\ntags:\n{items}---\n{}", "模".repeat(400), "模".repeat(400_000)));
        assert_eq!(card.facts.license.map(|text| text.len()), Some(255));
        assert_eq!((card.facts.tags.len(), card.facts.tags[0].as_str()), (200, "x\u{fffd}[2J"));
        assert!(card.truncated && card.markdown.len() == 1_048_575);
        let long = Card::read(&format!("---\nlicense: mit\n{}\n---\ntext", "#".repeat(70_000)));
        assert_eq!((long.facts, long.markdown.as_str()), (CardFacts::default(), "text"));
    }
}
