//! What a model is, as its own header or config says.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::printable;

/// What a model's header tells of it. Whatever the header does not say is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// The architecture's name, such as `llama` or `qwen3moe`.
    pub architecture: Option<String>,
    /// How many parameters its tensors have together.
    pub parameters: Option<u64>,
    /// Bytes of its tensors: what must be in memory for it to run, without caches and buffers.
    pub tensor_bytes: Option<u64>,
    /// The longest context that it was trained for, in tokens.
    pub context_length: Option<u64>,
    /// Width of the stream between layers.
    pub embedding_length: Option<u32>,
    /// Tokens of its vocabulary.
    pub vocabulary: Option<u32>,
    /// Attention heads for queries, in the widest layer.
    pub heads: Option<u32>,
    /// Experts in each layer of a mixture, and how many of them work on a token.
    pub experts: Option<Experts>,
    /// What each layer keeps of the context; as many as there are layers.
    pub layers: Vec<LayerCache>,
    /// Whether it has a template for chats.
    pub chat_template: bool,
}

/// The experts of a mixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experts {
    /// In each layer.
    pub all: u32,
    /// That work on one token.
    pub used: u32,
}

/// What one layer keeps of each token of the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerCache {
    /// Elements of its keys for one token: heads times head size. 0 in a layer that keeps a state of fixed size instead.
    pub keys: u32,
    /// Elements of its values for one token.
    pub values: u32,
    /// How many tokens it looks back at most. `None`: at all of them.
    pub window: Option<u32>,
}

impl ModelFacts {
    /// These facts, and where they say nothing, the others.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            architecture: self.architecture.or_else(|| other.architecture.clone()),
            parameters: self.parameters.or(other.parameters),
            tensor_bytes: self.tensor_bytes.or(other.tensor_bytes),
            context_length: self.context_length.or(other.context_length),
            embedding_length: self.embedding_length.or(other.embedding_length),
            vocabulary: self.vocabulary.or(other.vocabulary),
            heads: self.heads.or(other.heads),
            experts: self.experts.or(other.experts),
            layers: if self.layers.is_empty() { other.layers.clone() } else { self.layers },
            chat_template: self.chat_template || other.chat_template,
        }
    }

    /// Elements of keys and values that a context of so many tokens keeps in all layers together.
    pub fn cache_elements(&self, tokens: u64) -> u64 {
        let kept = |layer: &LayerCache| {
            let tokens = layer.window.map_or(tokens, |window| tokens.min(window.into()));
            tokens.saturating_mul(u64::from(layer.keys) + u64::from(layer.values))
        };
        self.layers.iter().map(kept).fold(0, u64::saturating_add)
    }
}

impl fmt::Display for ModelFacts {
    /// What people ask first: `8.2B qwen3, trained for 40960 tokens`. Empty where nothing of it is known.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: Vec<String> = self.parameters.map(short).into_iter().chain(self.architecture.as_deref().map(printable)).collect();
        let facts = [
            Some(name.join(" ")).filter(|name| !name.is_empty()),
            self.experts.map(|experts| format!("{} of {} experts", experts.used, experts.all)),
            self.context_length.map(|tokens| format!("trained for {tokens} tokens")),
        ];
        out.write_str(&facts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// A count as models are named by it: `24M`, `8.2B`, `671B`.
fn short(count: u64) -> String {
    let (unit, name) = if count >= 1_000_000_000 { (1e9, "B") } else { (1e6, "M") };
    let value = count as f64 / unit;
    if value < 10.0 { format!("{value:.1}{name}") } else { format!("{value:.0}{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_bounds_what_a_layer_keeps() {
        let layer = |window| LayerCache { keys: 1024, values: 512, window };
        let facts = ModelFacts { layers: vec![layer(None), layer(Some(100))], ..ModelFacts::default() };
        assert_eq!(facts.cache_elements(1000), 1536 * 1000 + 1536 * 100);
        assert_eq!(facts.cache_elements(50), 2 * 1536 * 50);
        assert_eq!(facts.cache_elements(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_model_is_described_by_what_is_known() {
        let mut facts = ModelFacts { parameters: Some(30_532_122_624), architecture: Some("qwen3moe".to_owned()), ..ModelFacts::default() };
        facts.experts = Some(Experts { all: 128, used: 8 });
        facts.context_length = Some(40_960);
        assert_eq!(facts.to_string(), "31B qwen3moe, 8 of 128 experts, trained for 40960 tokens");
        assert_eq!(ModelFacts::default().to_string(), "");
        assert_eq!([24_000_000, 8_190_735_360, 671_026_419_200].map(short), ["24M", "8.2B", "671B"]);
    }
}
