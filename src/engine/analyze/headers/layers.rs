//! What each layer of a GGUF model keeps of the context, as llama.cpp keeps it.
//!
//! Sources, all below <https://github.com/ggml-org/llama.cpp/tree/master/src>: `llama-hparams.cpp` for which layers look back
//! how far, `llama-kv-cache.cpp` for what is kept, and each architecture's `load_arch_hparams` in `models/` for its defaults. A window
//! counts only where llama.cpp uses it; the `llama` and `phi3` architectures name one that it leaves alone.

use super::metadata::Metadata;
use crate::desk::LayerCache;

/// The most layers told of; llama.cpp knows 512.
pub(super) const MOST_LAYERS: u64 = 1024;

/// Architectures in all of whose layers a state of fixed size stands for the context.
const STATE_ONLY: [&str; 6] = ["mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"];

/// Architectures in which only every so many layers look at the context, four where nothing else is said, and a state serves the rest.
const MOSTLY_STATE: [&str; 3] = ["qwen3next", "qwen35", "qwen35moe"];

/// Layers from which on gemma3n uses what earlier ones keep (`models/gemma3n.cpp`).
const GEMMA3N_KEEPING: u64 = 20;

/// One entry for each layer; none where the keys do not tell, or tell nonsense.
pub(super) fn of_gguf(metadata: &Metadata<'_>) -> Vec<LayerCache> {
    let count = metadata.number("block_count").filter(|count| *count <= MOST_LAYERS).unwrap_or(0);
    let layers = (0..count).map(|layer| Layer { metadata, number: layer, count }.cache());
    layers.collect::<Option<_>>().unwrap_or_default()
}

struct Layer<'a> {
    metadata: &'a Metadata<'a>,
    number: u64,
    count: u64,
}

impl Layer<'_> {
    fn cache(&self) -> Option<LayerCache> {
        let window = self.window();
        let (keys, values) = if self.is_state() || !self.keeps() { (0, 0) } else { self.elements(window.is_some())? };
        Some(LayerCache { keys: u32::try_from(keys).ok()?, values: u32::try_from(values).ok()?, window })
    }

    fn of_model(&self, key: &str) -> Option<u64> {
        self.metadata.number(key)
    }

    fn of_layer(&self, key: &str) -> Option<u64> {
        self.metadata.of_layer(key, usize::try_from(self.number).ok()?)
    }

    fn is(&self, names: &[&str]) -> bool {
        self.metadata.architecture.as_deref().is_some_and(|name| names.contains(&name))
    }

    /// Elements of keys and values for one token.
    fn elements(&self, sliding: bool) -> Option<(u64, u64)> {
        let heads = self.of_layer("attention.head_count")?;
        let shared = self.of_layer("attention.head_count_kv").unwrap_or(heads);
        if let Some(compressed) = self.compressed() {
            return Some((if shared > 0 { compressed } else { 0 }, 0));
        }
        let key = self.length(sliding, ["attention.key_length_swa", "attention.key_length"]);
        let value = self.length(sliding, ["attention.value_length_swa", "attention.value_length"]);
        if shared == 0 {
            return Some((0, 0));
        }
        Some((shared.checked_mul(key?)?, shared.checked_mul(value?)?))
    }

    /// The size of a head: as written, or an even share of the embedding.
    fn length(&self, sliding: bool, [in_window, usual]: [&str; 2]) -> Option<u64> {
        let own = self.of_layer(in_window).filter(|_| sliding).or_else(|| self.of_layer(usual));
        own.or_else(|| self.of_model("embedding_length")?.checked_div(self.metadata.of_layer("attention.head_count", 0)?))
    }

    /// Elements of the compressed form that stands for keys and values of all heads together (DeepSeek's latent attention). llama.cpp
    /// keeps it once, as keys, in files that bring the matrices for it; in older ones it keeps each head's own.
    fn compressed(&self) -> Option<u64> {
        self.of_model("attention.key_length_mla").filter(|length| *length > 0)?;
        self.of_model("attention.kv_lora_rank")?.checked_add(self.of_model("rope.dimension_count")?)
    }

    /// Whether a state of fixed size stands for the context; hybrids say so by having no heads for keys either.
    fn is_state(&self) -> bool {
        let listed = self.of_layer("attention.recurrent_layers").map(|flag| flag != 0);
        let by_interval = || {
            let interval = self.of_model("full_attention_interval").unwrap_or(4);
            let own = self.count.saturating_sub(self.of_model("nextn_predict_layers").unwrap_or(0));
            self.is(&MOSTLY_STATE) && self.number < own && !(self.number + 1).is_multiple_of(interval)
        };
        self.is(&STATE_ONLY) || listed.unwrap_or_else(by_interval)
    }

    /// Whether the layer keeps anything of its own: not in models that only embed, nor in the last layers of some that share.
    fn keeps(&self) -> bool {
        let shared = self.of_model("attention.shared_kv_layers").map(|shared| self.count.saturating_sub(shared));
        let keeping = shared.or_else(|| self.is(&["gemma3n"]).then_some(GEMMA3N_KEEPING));
        self.of_model("attention.causal") != Some(0) && keeping.is_none_or(|keeping| self.number < keeping)
    }

    /// How many tokens the layer looks back at most.
    fn window(&self) -> Option<u32> {
        let default = || self.is(&["gemma2"]).then_some(4096);
        let window = self.of_model("attention.sliding_window").or_else(default).filter(|window| *window > 0)?;
        self.slides().then(|| u32::try_from(window).ok())?
    }

    /// Whether the window holds in this layer: listed one by one, or in all but the last of every so many.
    fn slides(&self) -> bool {
        const KEY: &str = "attention.sliding_window_pattern";
        if let Some(listed) = self.metadata.numbers(KEY) {
            return usize::try_from(self.number).ok().and_then(|layer| listed.get(layer)).is_some_and(|flag| *flag != 0);
        }
        self.period().map(|usual| self.of_model(KEY).unwrap_or(usual)).is_some_and(|period| slides(self.number, period))
    }

    /// Every how many layers one looks at the whole context, where nothing else is written.
    fn period(&self) -> Option<u64> {
        match self.metadata.architecture.as_deref()? {
            "gemma2" | "gpt-oss" => Some(2),
            "cohere2" => Some(4),
            "gemma3n" => Some(5),
            "gemma3" => Some(6),
            _ => None,
        }
    }
}

/// Whether a layer has a window where the last of every `period` layers has none; with a period of 0, all have one.
pub(super) fn slides(layer: u64, period: u64) -> bool {
    layer.checked_rem(period).is_none_or(|place| place + 1 < period)
}
