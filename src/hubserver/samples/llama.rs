//! A language model of the Llama architecture, scaled down: its tensors under the names of GGUF and of `transformers`.

use serde_json::{Value as Json, json};

use super::gguf::{Metadata, Tensor as GgufTensor, Value};
use super::quant::{F32, Recipe};
use super::safetensors::{Tensor, Type};
use super::{Scale, tokens};

/// Values in one attention head.
const HEAD: u64 = 64;

/// Positions that the model claims to handle.
const CONTEXT: u32 = 32_768;

/// The dimensions of a model. All of them divide by 256, as K-quantizations need.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    blocks: u64,
    hidden: u64,
    inner: u64,
    key_value: u64,
    vocabulary: u64,
}

impl Shape {
    /// 24 million parameters at full scale, half a million for tests.
    pub fn large(scale: Scale) -> Self {
        match scale {
            Scale::Full => Self { blocks: 6, hidden: 512, inner: 1536, key_value: 256, vocabulary: 6144 },
            Scale::Tiny => Self { blocks: 1, hidden: 256, inner: 256, key_value: 128, vocabulary: 256 },
        }
    }

    /// About 6 million parameters at full scale.
    pub fn small(scale: Scale) -> Self {
        match scale {
            Scale::Full => Self { blocks: 4, hidden: 256, inner: 1024, key_value: 128, vocabulary: 4096 },
            Scale::Tiny => Self::large(scale),
        }
    }

    /// Words in the vocabulary.
    pub fn vocabulary(self) -> u64 {
        self.vocabulary
    }

    /// Layers.
    pub fn blocks(self) -> u64 {
        self.blocks
    }

    /// Values that stand for one word.
    pub fn hidden(self) -> u64 {
        self.hidden
    }

    fn heads(self) -> u64 {
        self.hidden / HEAD
    }

    fn key_value_heads(self) -> u64 {
        self.key_value / HEAD
    }

    /// The matrices of one block: the GGUF name, the `transformers` name, inputs and outputs.
    fn matrices(self) -> [(&'static str, &'static str, u64, u64); 7] {
        let Self { hidden, inner, key_value, .. } = self;
        [
            ("attn_q", "self_attn.q_proj", hidden, hidden),
            ("attn_k", "self_attn.k_proj", hidden, key_value),
            ("attn_v", "self_attn.v_proj", hidden, key_value),
            ("attn_output", "self_attn.o_proj", hidden, hidden),
            ("ffn_gate", "mlp.gate_proj", hidden, inner),
            ("ffn_up", "mlp.up_proj", hidden, inner),
            ("ffn_down", "mlp.down_proj", inner, hidden),
        ]
    }

    /// The tensors of a GGUF file, stored by a recipe.
    pub fn gguf_tensors(self, recipe: &Recipe) -> Vec<GgufTensor> {
        let mut tensors = vec![GgufTensor::new("token_embd.weight", &[self.hidden, self.vocabulary], recipe.base)];
        for block in 0..self.blocks {
            for norm in ["attn_norm", "ffn_norm"] {
                tensors.push(GgufTensor::new(format!("blk.{block}.{norm}.weight"), &[self.hidden], F32));
            }
            for (name, _, inputs, outputs) in self.matrices() {
                let stored = if matches!(name, "attn_v" | "ffn_down") { recipe.fine } else { recipe.base };
                tensors.push(GgufTensor::new(format!("blk.{block}.{name}.weight"), &[inputs, outputs], stored));
            }
        }
        tensors.push(GgufTensor::new("output_norm.weight", &[self.hidden], F32));
        tensors.push(GgufTensor::new("output.weight", &[self.hidden, self.vocabulary], recipe.output));
        tensors
    }

    /// The metadata of a GGUF file.
    pub fn gguf_metadata(self, name: &str, license: &str, recipe: &Recipe) -> Metadata {
        let number = |value: u64| Value::U32(u32::try_from(value).unwrap_or_default());
        let words = tokens::vocabulary(self.vocabulary);
        let entries = [
            ("general.architecture", "llama".into()),
            ("general.type", "model".into()),
            ("general.name", name.into()),
            ("general.license", license.into()),
            ("general.file_type", Value::U32(recipe.file_type)),
            ("general.quantization_version", Value::U32(2)),
            ("llama.block_count", number(self.blocks)),
            ("llama.context_length", Value::U32(CONTEXT)),
            ("llama.embedding_length", number(self.hidden)),
            ("llama.feed_forward_length", number(self.inner)),
            ("llama.attention.head_count", number(self.heads())),
            ("llama.attention.head_count_kv", number(self.key_value_heads())),
            ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
            ("llama.rope.dimension_count", number(HEAD)),
            ("llama.rope.freq_base", Value::F32(500_000.0)),
            ("llama.vocab_size", number(self.vocabulary)),
            ("tokenizer.ggml.model", "gpt2".into()),
            ("tokenizer.ggml.pre", "llama-bpe".into()),
            ("tokenizer.ggml.token_type", Value::I32s((0..words.len()).map(|id| if id < 3 { 3 } else { 1 }).collect())),
            ("tokenizer.ggml.tokens", Value::Texts(words)),
            ("tokenizer.ggml.merges", Value::Texts(vec!["au ro".to_owned(), "lu men".to_owned()])),
            ("tokenizer.ggml.bos_token_id", Value::U32(1)),
            ("tokenizer.ggml.eos_token_id", Value::U32(2)),
            ("tokenizer.chat_template", tokens::CHAT_TEMPLATE.into()),
        ];
        entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// The tensors of a safetensors checkpoint.
    pub fn tensors(self) -> Vec<Tensor> {
        let tensor = |name: String, shape: &[u64]| Tensor::new(name, shape, Type::Bf16);
        let mut tensors = vec![tensor("model.embed_tokens.weight".to_owned(), &[self.vocabulary, self.hidden])];
        for block in 0..self.blocks {
            for norm in ["input_layernorm", "post_attention_layernorm"] {
                tensors.push(tensor(format!("model.layers.{block}.{norm}.weight"), &[self.hidden]));
            }
            for (_, name, inputs, outputs) in self.matrices() {
                tensors.push(tensor(format!("model.layers.{block}.{name}.weight"), &[outputs, inputs]));
            }
        }
        tensors.push(tensor("model.norm.weight".to_owned(), &[self.hidden]));
        tensors.push(tensor("lm_head.weight".to_owned(), &[self.vocabulary, self.hidden]));
        tensors
    }

    /// `config.json`.
    pub fn config(self) -> Json {
        json!({
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16", "hidden_act": "silu",
            "hidden_size": self.hidden, "intermediate_size": self.inner, "num_hidden_layers": self.blocks,
            "num_attention_heads": self.heads(), "num_key_value_heads": self.key_value_heads(), "head_dim": HEAD,
            "vocab_size": self.vocabulary, "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5, "rope_theta": 500_000.0,
            "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": false, "transformers_version": "4.57.1",
        })
    }
}
