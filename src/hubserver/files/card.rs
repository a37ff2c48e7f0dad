//! A repository's card: the front matter of its `README.md`, and the tags that a Hub derives from it.

use serde_json::{Map, Value};

use crate::desk::front_matter;

/// The front matter of a `README.md`; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Card(pub Map<String, Value>);

impl Card {
    /// Reads what stands between the two `---` lines at the start of a README.
    pub(super) fn parse(readme: &str) -> Self {
        Self(front_matter(readme).0)
    }

    /// The text under this key, where it is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    /// The texts under this key, whether it holds one or a list.
    pub fn texts(&self, key: &str) -> Vec<&str> {
        match self.0.get(key) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The tags of the repository, in the Hub's spelling and without duplicates. `names` are the names in its top folder, which
    /// tell the formats.
    pub(super) fn tags(&self, names: &[String]) -> Vec<String> {
        let ends = |suffix: &str| names.iter().any(|name| name.ends_with(suffix));
        let mut tags: Vec<String> = self.texts("library_name").into_iter().map(str::to_owned).collect();
        tags.extend(["gguf", "safetensors", "onnx"].into_iter().filter(|format| ends(&format!(".{format}"))).map(str::to_owned));
        tags.extend(["pipeline_tag", "tags", "sdk", "language"].into_iter().flat_map(|key| self.texts(key)).map(str::to_owned));
        let prefixed = [("datasets", "dataset"), ("license", "license"), ("task_categories", "task_categories")];
        for (key, prefix) in prefixed {
            tags.extend(self.texts(key).into_iter().map(|value| format!("{prefix}:{value}")));
        }
        let relation = self.relation(ends(".gguf"), ends("adapter_config.json"));
        for base in self.texts("base_model") {
            tags.extend([format!("base_model:{base}"), format!("base_model:{relation}:{base}")]);
        }
        let mut seen = std::collections::HashSet::new();
        tags.retain(|tag| seen.insert(tag.clone()));
        tags
    }

    fn relation(&self, gguf: bool, adapter: bool) -> &str {
        let inferred = if adapter { "adapter" } else { "finetune" };
        self.text("base_model_relation").unwrap_or(if gguf { "quantized" } else { inferred })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "---\nlicense: mit\nlibrary_name: gguf\nbase_model: a/b\ntags:\n- chat\n- gguf\nlanguage: en\n---\n# Title\n---\n";

    #[test]
    fn tags_come_from_card_and_files() {
        let tags = Card::parse(README).tags(&["x.gguf".to_owned()]);
        assert_eq!(tags, ["gguf", "chat", "en", "license:mit", "base_model:a/b", "base_model:quantized:a/b"]);
    }

    #[test]
    fn a_readme_without_front_matter_has_an_empty_card() {
        for readme in ["", "# Title\n---\nlicense: mit\n---", "---\nlicense: mit\n"] {
            assert_eq!(Card::parse(readme), Card::default(), "{readme:?}");
        }
    }
}
