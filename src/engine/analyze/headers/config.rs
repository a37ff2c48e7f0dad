//! What the `config.json` beside safetensors tells of a model, in the words of `transformers`.
//!
//! Source: <https://huggingface.co/docs/transformers/main_classes/configuration> and the configurations of the models named.

use serde_json::Value;

use super::gguf::experts;
use super::layers::{MOST_LAYERS, slides};
use crate::desk::{LayerCache, ModelFacts, printable};

/// Where models of several kinds of input keep what is said of the language model.
const NESTED: [&str; 3] = ["text_config", "llm_config", "language_config"];

/// The longest name of an architecture, in characters.
const LONGEST_NAME: usize = 64;

/// Models in all of whose layers a state of fixed size stands for the context.
const STATE_ONLY: [&str; 5] = ["mamba", "mamba2", "falcon_mamba", "rwkv", "rwkv7"];

/// Models in all of whose layers the window holds where one is given.
const ALL_SLIDE: [&str; 4] = ["mistral", "mixtral", "phi3", "starcoder2"];

/// The facts with what a `config.json` adds; what it does not say stays as it is.
pub fn with_config(facts: ModelFacts, config: &Value) -> ModelFacts {
    let config = Config(NESTED.iter().map(|key| &config[key]).find(|inner| inner.is_object()).unwrap_or(config));
    let small = |keys: &[&str]| config.number(keys).and_then(|number| u32::try_from(number).ok());
    let all = small(&["num_experts", "num_local_experts", "n_routed_experts"]);
    let used = small(&["num_experts_per_tok", "num_experts_per_token"]);
    let layers = config.layers().unwrap_or_default();
    ModelFacts {
        architecture: config.name().or(facts.architecture),
        context_length: config.number(&["max_position_embeddings", "n_positions"]).or(facts.context_length),
        embedding_length: small(&["hidden_size", "n_embd", "d_model"]).or(facts.embedding_length),
        vocabulary: small(&["vocab_size"]).or(facts.vocabulary),
        heads: small(&["num_attention_heads", "n_head"]).or(facts.heads),
        experts: all.zip(used).and_then(|(all, used)| experts(all, used)).or(facts.experts),
        layers: if layers.is_empty() { facts.layers } else { layers },
        ..facts
    }
}

#[derive(Clone, Copy)]
struct Config<'a>(&'a Value);

impl Config<'_> {
    /// The first of these keys that has a number.
    fn number(self, keys: &[&str]) -> Option<u64> {
        keys.iter().find_map(|key| self.0[key].as_u64())
    }

    fn name(self) -> Option<String> {
        let name: String = self.0["model_type"].as_str()?.chars().take(LONGEST_NAME).collect();
        Some(printable(&name)).filter(|name| !name.is_empty())
    }

    fn is(self, names: &[&str]) -> bool {
        self.0["model_type"].as_str().is_some_and(|name| names.contains(&name))
    }

    /// One entry for each layer; `None` where the config does not tell.
    fn layers(self) -> Option<Vec<LayerCache>> {
        let count = self.number(&["num_hidden_layers", "n_layer", "num_layers"]).filter(|count| *count <= MOST_LAYERS)?;
        (0..count).map(|layer| self.layer(layer)).collect()
    }

    fn layer(self, layer: u64) -> Option<LayerCache> {
        if self.is(&STATE_ONLY) || self.is_state(layer) {
            return Some(LayerCache { keys: 0, values: 0, window: None });
        }
        let (keys, values) = self.elements()?;
        Some(LayerCache { keys, values, window: self.window(layer) })
    }

    /// Elements of keys and values for one token.
    fn elements(self) -> Option<(u32, u32)> {
        if let Some(compressed) = self.compressed() {
            return Some((u32::try_from(compressed).ok()?, 0));
        }
        let heads = self.number(&["num_attention_heads", "n_head"])?;
        let share = || self.number(&["hidden_size", "n_embd", "d_model"])?.checked_div(heads);
        let shared = self.number(&["num_key_value_heads"]).unwrap_or(heads);
        let elements = shared.checked_mul(self.number(&["head_dim"]).or_else(share)?)?;
        u32::try_from(elements).ok().map(|elements| (elements, elements))
    }

    /// Elements of the compressed form of keys and values together (DeepSeek's latent attention), which vLLM and SGLang keep:
    /// <https://arxiv.org/abs/2405.04434>, section 2.1.
    fn compressed(self) -> Option<u64> {
        self.number(&["kv_lora_rank"])?.checked_add(self.number(&["qk_rope_head_dim"])?)
    }

    /// Whether a state of fixed size, or nothing at all, stands for the context in a layer of a hybrid.
    fn is_state(self, layer: u64) -> bool {
        if let Some(kind) = self.kind(layer) {
            return matches!(kind, "linear_attention" | "mamba" | "mamba2" | "conv" | "recurrent" | "moe" | "mlp");
        }
        if let Some(pattern) = self.0["hybrid_override_pattern"].as_str() {
            return usize::try_from(layer).ok().and_then(|layer| pattern.as_bytes().get(layer)) != Some(&b'*');
        }
        if let Some((period, offset)) = self.number(&["attn_layer_period"]).zip(self.number(&["attn_layer_offset"])) {
            return layer.checked_rem(period) != Some(offset);
        }
        self.number(&["full_attention_interval"]).is_some_and(|interval| !(layer + 1).is_multiple_of(interval))
    }

    /// What a layer is called in the list of all.
    fn kind(&self, layer: u64) -> Option<&str> {
        self.0["layer_types"].get(usize::try_from(layer).ok()?)?.as_str()
    }

    /// How many tokens a layer looks back at most.
    fn window(self, layer: u64) -> Option<u32> {
        let window = self.number(&["sliding_window"]).filter(|window| *window > 0)?;
        self.slides(layer).then(|| u32::try_from(window).ok())?
    }

    fn slides(self, layer: u64) -> bool {
        if let Some(kind) = self.kind(layer) {
            return kind == "sliding_attention";
        }
        let period = self.number(&["sliding_window_pattern"]).or_else(|| self.is(&["gemma2"]).then_some(2));
        let wanted = self.0["use_sliding_window"] != Value::Bool(false);
        wanted && period.map_or_else(|| self.is(&ALL_SLIDE), |period| slides(layer, period))
    }
}
