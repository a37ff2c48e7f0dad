//! Headers by value, and the sample repositories' own over a real Hub.

use std::cell::RefCell;
use std::ops::Range;

use futures::FutureExt;
use serde_json::json;

use super::builder::{Gguf, Value, safetensors};
use super::*;
use crate::desk::{Experts, LayerCache, RepoRef, SearchQuery};
use crate::engine::hub::{Hub, HubSettings};
use crate::hubserver::{HubConfig, HubServer, samples};

/// Reads a file from memory, of which only the front exists; also tells which ranges were asked for.
fn gguf(front: &[u8], size: u64) -> (Result<ModelFacts, Fault>, Vec<Range<u64>>) {
    let asked = RefCell::new(Vec::new());
    let facts = read_gguf(size, BUDGET, async |range: Range<u64>| Ok(served(front, &asked, range))).now_or_never().unwrap();
    (facts, asked.into_inner())
}

fn served(front: &[u8], asked: &RefCell<Vec<Range<u64>>>, range: Range<u64>) -> Vec<u8> {
    asked.borrow_mut().push(range.clone());
    let mut bytes = front.get(usize::try_from(range.start).unwrap()..).unwrap_or_default().to_vec();
    bytes.resize(usize::try_from(range.end - range.start).unwrap(), 0);
    bytes
}

fn whole(header: &Gguf) -> ModelFacts {
    gguf(&header.bytes(), 1 << 40).0.unwrap()
}

fn layer(keys: u32, values: u32, window: Option<u32>) -> LayerCache {
    LayerCache { keys, values, window }
}

/// A small Llama with two tensors.
fn llama() -> Gguf {
    Gguf::new("llama")
        .numbers("llama", &[("block_count", 2), ("context_length", 8192), ("embedding_length", 4096)])
        .numbers("llama", &[("attention.head_count", 32), ("attention.head_count_kv", 8)])
        .with("tokenizer.ggml.tokens", Value::Texts(vec!["a".to_owned(); 7]))
        .with("tokenizer.chat_template", Value::Text("{{ messages }}"))
        .tensor("token_embd.weight", &[4096, 7], 12)
        .tensor("output_norm.weight", &[4096], 0)
}

#[test]
fn a_header_tells_its_model() {
    let expected = ModelFacts {
        architecture: Some("llama".to_owned()),
        parameters: Some(4096 * 8),
        tensor_bytes: Some(4096 * 7 / 256 * 144 + 4096 * 4),
        context_length: Some(8192),
        embedding_length: Some(4096),
        vocabulary: Some(7),
        heads: Some(32),
        experts: None,
        layers: vec![layer(1024, 1024, None); 2],
        chat_template: true,
    };
    assert_eq!(whole(&llama()), expected);
    assert_eq!(whole(&Gguf { version: 2, ..llama() }), expected);
    assert_eq!(whole(&Gguf { big_endian: true, ..llama() }), expected);
}

#[test]
fn every_cut_is_refused_or_known_to_go_on() {
    for big_endian in [false, true] {
        let bytes = Gguf { big_endian, ..llama() }.bytes();
        for cut in 0..bytes.len() {
            let fault = gguf(&bytes[..cut], cut as u64).0.unwrap_err();
            assert_eq!(fault.kind, FaultKind::BadReply, "cut at {cut}");
            let told = super::gguf::tell(&bytes[..cut], 1 << 40).unwrap();
            assert!(told.reach.is_some_and(|reach| reach > cut as u64), "cut at {cut}");
            assert_eq!(told.facts.parameters, None);
        }
    }
}

#[test]
fn other_heads_for_each_layer_and_other_sizes_of_heads() {
    let hybrid = Gguf::new("jamba")
        .numbers("jamba", &[("block_count", 3), ("attention.head_count", 8), ("attention.key_length", 96), ("attention.value_length", 64)])
        .with("jamba.attention.head_count_kv", Value::U32s(vec![0, 2, 4]));
    assert_eq!(whole(&hybrid).layers, [layer(0, 0, None), layer(192, 128, None), layer(384, 256, None)]);
    let heads = Gguf::new("deci").numbers("deci", &[("block_count", 2), ("embedding_length", 64)]);
    let heads =
        heads.with("deci.attention.head_count", Value::U32s(vec![4, 8])).with("deci.attention.head_count_kv", Value::U32s(vec![4, 2]));
    let facts = whole(&heads);
    assert_eq!((facts.heads, facts.layers), (Some(8), vec![layer(64, 64, None), layer(32, 32, None)]));
}

/// Layers of one head of one element, with these keys besides.
fn windows(architecture: &'static str, count: u32, more: &[(&str, Value)]) -> Vec<Option<u32>> {
    let usual = [("block_count", count), ("attention.head_count", 1), ("embedding_length", 1)];
    let header = Gguf::new(architecture).numbers(architecture, &usual);
    let header = more.iter().fold(header, |header, (key, value)| header.with(format!("{architecture}.{key}"), value.clone()));
    whole(&header).layers.iter().map(|layer| layer.window).collect()
}

#[test]
fn windows_hold_where_the_architecture_uses_them() {
    let window = || ("attention.sliding_window", Value::U32(512));
    let near = Some(512);
    assert_eq!(windows("gemma3", 7, &[window()]), [near, near, near, near, near, None, near]);
    assert_eq!(windows("gemma2", 3, &[]), [Some(4096), None, Some(4096)]);
    assert_eq!(windows("gpt-oss", 2, &[window()]), [near, None]);
    assert_eq!(windows("llama", 2, &[window()]), [None, None]);
    assert_eq!(windows("gemma3", 2, &[]), [None, None]);
    let pattern = ("attention.sliding_window_pattern", Value::Bools(vec![false, true]));
    assert_eq!(windows("gemma4", 3, &[window(), pattern]), [None, near, None]);
    assert_eq!(windows("cohere2", 2, &[window(), ("attention.sliding_window_pattern", Value::U32(2))]), [near, None]);
}

#[test]
fn states_shared_layers_and_compressed_attention() {
    let usual = [("block_count", 4), ("attention.head_count", 2), ("embedding_length", 64)];
    let layers = |name: &'static str, more: &[(&str, u32)]| whole(&Gguf::new(name).numbers(name, &usual).numbers(name, more)).layers;
    let (none, full) = (layer(0, 0, None), layer(64, 64, None));
    assert_eq!(layers("mamba2", &[]), [none; 4]);
    assert_eq!(layers("qwen3next", &[]), [none, none, none, full]);
    assert_eq!(layers("qwen35", &[("full_attention_interval", 2)]), [none, full, none, full]);
    assert_eq!(layers("qwen35", &[("full_attention_interval", 3), ("nextn_predict_layers", 1)]), [none, none, full, full]);
    assert_eq!(layers("gemma4", &[("attention.shared_kv_layers", 3)]), [full, none, none, none]);
    let latent = [("attention.key_length_mla", 192), ("attention.kv_lora_rank", 512), ("rope.dimension_count", 64)];
    assert_eq!(layers("deepseek2", &latent), [layer(576, 0, None); 4]);
    assert_eq!(layers("deepseek2", &latent[1..]), [full; 4], "older files bring no matrices for the compressed form");
    let embedding = Gguf::new("bert").numbers("bert", &usual).with("bert.attention.causal", Value::Bool(false));
    assert_eq!(whole(&embedding).layers, [none; 4]);
}

#[test]
fn experts_need_both_numbers() {
    let mixture = |used| Gguf::new("qwen3moe").numbers("qwen3moe", &[("expert_count", 128), ("expert_used_count", used)]);
    assert_eq!(whole(&mixture(8)).experts, Some(Experts { all: 128, used: 8 }));
    assert_eq!(whole(&mixture(0)).experts, None);
}

/// A model whose vocabulary has so many tokens, with as many merges.
fn with_vocabulary(count: usize) -> Gguf {
    let words = |long: usize| Value::Texts((0..count).map(|word| format!("{word:0long$}")).collect());
    let mut header = Gguf { entries: llama().entries[..6].to_vec(), ..llama() };
    header.entries.push(("tokenizer.ggml.tokens".to_owned(), words(7)));
    header.entries.push(("tokenizer.ggml.token_type".to_owned(), Value::U32s(vec![1; count])));
    header.entries.push(("tokenizer.ggml.merges".to_owned(), words(10)));
    header
}

#[test]
fn a_small_vocabulary_is_read_past_within_the_budget() {
    let header = with_vocabulary(30_000).bytes();
    let (facts, asked) = gguf(&header, 2 << 30);
    assert_eq!((facts.as_ref().unwrap().parameters, facts.unwrap().vocabulary), (Some(4096 * 8), Some(30_000)));
    assert!(asked.len() <= 3 && asked.last().unwrap().end <= BUDGET, "{asked:?}");
}

#[test]
fn a_large_vocabulary_costs_no_more_than_the_budget() {
    let size = 2 << 30;
    let (facts, asked) = gguf(&with_vocabulary(150_000).bytes(), size);
    let facts = facts.unwrap();
    assert_eq!((facts.parameters, facts.vocabulary, facts.layers.len()), (None, Some(150_000), 2));
    assert_eq!(asked, vec![0..front::FIRST; 1], "it is clear at once that the tensors lie beyond the budget");
    assert_eq!(facts.tensor_bytes, Some(size - front::FIRST));
    let all = 16 << 20;
    let bytes = with_vocabulary(150_000).bytes();
    let asked = RefCell::new(Vec::new());
    let facts = read_gguf(size, all, async |range: Range<u64>| Ok(served(&bytes, &asked, range))).now_or_never().unwrap().unwrap();
    assert_eq!((facts.parameters, asked.borrow().len()), (Some(4096 * 8), 2), "whoever spends more learns more");
}

#[test]
fn nonsense_is_refused_or_left_out() {
    let refused = |header: &Gguf| gguf(&header.bytes(), 1 << 20).0.unwrap_err().message;
    for counts in [(u64::MAX, 1), (1, u64::MAX), (1 << 40, 0)] {
        assert!(refused(&Gguf { counts: Some(counts), ..llama() }).contains("more than the file holds"));
    }
    assert!(refused(&Gguf { version: 1, ..llama() }).contains("version 1"));
    assert!(refused(&llama().with("x", Value::Deep(9))).contains("too deep"));
    assert!(refused(&llama().with("x", Value::Raw(13, vec![0; 8]))).contains("unknown type"));
    assert!(refused(&llama().with("x", Value::Raw(8, vec![0xff; 8]))).contains("more than the file holds"));
    assert!(refused(&llama().tensor("x", &[1; 9], 0)).contains("dimensions"));
    assert!(refused(&llama().tensor("x", &[u64::MAX, 2], 0)).contains("counted"));
    assert!(refused(&llama().tensor("x", &[u64::MAX], 0).tensor("y", &[u64::MAX], 0)).contains("counted"));
    assert!(gguf(b"<html></html>", 13).0.is_err());

    let odd = llama().with("llama.block_count", Value::U32(9)).with("x", Value::Deep(2)).with("llama.context_length", Value::F32(1.0));
    assert_eq!(whole(&odd), whole(&llama()), "the first of two values counts");
    let huge = Gguf::new("llama").with("llama.block_count", Value::U64(u64::MAX)).with("llama.expert_count", Value::I32(-1));
    assert!(whole(&huge).layers.is_empty());
    assert_eq!(whole(&Gguf::new("a\u{1b}[31m")).architecture.as_deref(), Some("a\u{fffd}[31m"));
}

#[test]
fn an_unknown_type_leaves_the_size_to_the_file() {
    let bytes = llama().tensor("x", &[10], 999).bytes();
    let facts = gguf(&bytes, 1 << 20).0.unwrap();
    assert_eq!((facts.parameters, facts.tensor_bytes), (Some(4096 * 8 + 10), Some((1 << 20) - bytes.len() as u64)));
}

#[test]
fn a_reply_of_another_length_is_refused() {
    let short = read_gguf(100, BUDGET, async |_| Ok(vec![0; 99])).now_or_never().unwrap();
    assert_eq!(short.unwrap_err().kind, FaultKind::BadReply);
}

const WEIGHTS: &str = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},
    "b":{"dtype":"F8_E4M3","shape":[5],"data_offsets":[12,17]},"c":{"dtype":"NEW","shape":[],"data_offsets":[17,20]}}"#;

#[test]
fn safetensors_add_up() {
    let bytes = safetensors(WEIGHTS);
    let facts = super::safetensors::tell(&bytes, bytes.len() as u64 + 20).unwrap();
    assert_eq!((facts.parameters, facts.tensor_bytes), (Some(12), Some(20)));
    let two = together([facts.clone(), facts.clone()]).unwrap();
    assert_eq!((two.parameters, two.tensor_bytes), (Some(24), Some(40)));
    let unknown = ModelFacts { parameters: None, ..facts.clone() };
    assert_eq!(together([facts, unknown]).unwrap().parameters, None);
    assert_eq!(together([]), None);
}

#[test]
fn a_long_header_is_fetched_once_more_or_not_at_all() {
    let tensor = |name: usize| format!(r#""t{name}":{{"dtype":"I8","shape":[1],"data_offsets":[{name},{}]}}"#, name + 1);
    let header = |count: usize| safetensors(&format!("{{{}}}", (0..count).map(tensor).collect::<Vec<_>>().join(",")));
    let read = |bytes: &[u8]| {
        let asked = RefCell::new(Vec::new());
        let facts = read_safetensors(1 << 30, BUDGET, async |range: Range<u64>| Ok(served(bytes, &asked, range))).now_or_never().unwrap();
        (facts.unwrap(), asked.into_inner())
    };
    let bytes = header(10_000);
    let (facts, asked) = read(&bytes);
    assert_eq!((facts.parameters, facts.tensor_bytes), (Some(10_000), Some(10_000)));
    assert_eq!(asked, [0..front::FIRST, front::FIRST..bytes.len() as u64]);
    let bytes = header(50_000);
    let (facts, asked) = read(&bytes);
    assert_eq!((facts.parameters, facts.tensor_bytes), (None, Some((1 << 30) - bytes.len() as u64)));
    assert_eq!(asked.len(), 1);
}

#[test]
fn every_cut_and_every_lie_of_safetensors_is_refused() {
    let bytes = safetensors(WEIGHTS);
    for cut in 0..bytes.len() {
        let cut_off = read_safetensors(cut as u64, BUDGET, async |range: Range<u64>| Ok(served(&bytes[..cut], &RefCell::default(), range)));
        assert_eq!(cut_off.now_or_never().unwrap().unwrap_err().kind, FaultKind::BadReply, "cut at {cut}");
    }
    let end = bytes.len() as u64;
    assert!(super::safetensors::tell(&bytes, end + 19).is_err(), "the data is missing");
    let tensor = |shape: &str, offsets: &str| format!(r#"{{"a":{{"dtype":"F16","shape":{shape},"data_offsets":{offsets}}}}}"#);
    assert!(super::safetensors::tell(&safetensors(&tensor("[3]", "[0,6]")), 1 << 20).is_ok());
    for (shape, offsets) in [("[3]", "[0,7]"), ("[3]", "[6,0]"), ("[18446744073709551615,2]", "[0,6]"), ("[-3]", "[0,6]"), ("3", "[0,6]")] {
        assert!(super::safetensors::tell(&safetensors(&tensor(shape, offsets)), 1 << 20).is_err(), "{shape} {offsets}");
    }
    for header in ["[]", "{", "{}x", "null", r#"{"a":1}"#, "\u{fffd}"] {
        assert!(super::safetensors::tell(&safetensors(header), 1 << 20).is_err(), "{header}");
    }
}

fn config(config: &serde_json::Value) -> ModelFacts {
    with_config(ModelFacts::default(), config)
}

#[test]
fn a_config_tells_the_rest() {
    let text = json!({
        "model_type": "qwen3_moe", "num_hidden_layers": 2, "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128,
        "hidden_size": 2048, "vocab_size": 151_936, "max_position_embeddings": 40960, "num_experts": 128, "num_experts_per_tok": 8,
    });
    let facts = config(&text);
    assert_eq!((facts.architecture.as_deref(), facts.context_length, facts.heads), (Some("qwen3_moe"), Some(40960), Some(32)));
    assert_eq!((facts.embedding_length, facts.vocabulary), (Some(2048), Some(151_936)));
    assert_eq!((facts.experts, &facts.layers), (Some(Experts { all: 128, used: 8 }), &vec![layer(512, 512, None); 2]));
    assert_eq!(config(&json!({"model_type": "outer", "text_config": text})), facts);
    let known = ModelFacts { parameters: Some(5), layers: facts.layers.clone(), ..ModelFacts::default() };
    assert_eq!(with_config(known.clone(), &json!([1])), known);
}

#[test]
fn a_config_tells_what_layers_keep() {
    let layers = |more: serde_json::Value| {
        let mut all = json!({"num_hidden_layers": 4, "num_attention_heads": 2, "hidden_size": 64});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config(&all).layers
    };
    let (none, full, near) = (layer(0, 0, None), layer(64, 64, None), layer(64, 64, Some(9)));
    assert_eq!(layers(json!({})), [full; 4]);
    assert_eq!(layers(json!({"model_type": "mistral", "sliding_window": 9})), [near; 4]);
    assert_eq!(layers(json!({"model_type": "mistral", "sliding_window": null})), [full; 4]);
    assert_eq!(layers(json!({"model_type": "qwen2", "sliding_window": 9, "use_sliding_window": false})), [full; 4]);
    assert_eq!(layers(json!({"model_type": "gemma2", "sliding_window": 9})), [near, full, near, full]);
    assert_eq!(layers(json!({"sliding_window": 9, "sliding_window_pattern": 3})), [near, near, full, near]);
    let types = json!(["full_attention", "sliding_attention", "linear_attention", "mamba"]);
    assert_eq!(layers(json!({"sliding_window": 9, "layer_types": types})), [full, near, none, none]);
    assert_eq!(layers(json!({"full_attention_interval": 2})), [none, full, none, full]);
    assert_eq!(layers(json!({"attn_layer_period": 4, "attn_layer_offset": 1})), [none, full, none, none]);
    assert_eq!(layers(json!({"hybrid_override_pattern": "M*-M"})), [none, full, none, none]);
    assert_eq!(layers(json!({"model_type": "mamba2"})), [none; 4]);
    assert_eq!(layers(json!({"kv_lora_rank": 512, "qk_rope_head_dim": 64})), [layer(576, 0, None); 4]);
    for odd in [json!({"num_hidden_layers": u64::MAX}), json!({"head_dim": u64::MAX}), json!({"num_attention_heads": 0})] {
        assert!(layers(odd.clone()).is_empty(), "{odd}");
    }
}

#[tokio::test]
async fn the_samples_are_read_from_a_hub() {
    let dir = tempfile::tempdir().unwrap();
    samples::generate(dir.path(), samples::Scale::Tiny).unwrap();
    let server = HubServer::start(HubConfig::new(dir.path())).await.unwrap();
    let hub = Hub::new(HubSettings::new(server.endpoint())).unwrap();
    let (mut ggufs, mut weights, mut gated) = (0, 0, 0);
    for found in hub.search(&SearchQuery::default(), None).await.unwrap().hits {
        let repo = RepoRef::model(found.id.clone());
        let Ok(info) = hub.info(&repo).await else { continue };
        for file in hub.tree(&repo, &info, &|_| ()).await.unwrap() {
            let fetch = |range| hub.read_range(&repo, &info.commit, &file.path, range);
            let (facts, count) = match file.path.rsplit('.').next() {
                Some("gguf") => (read_gguf(file.size, BUDGET, fetch).await, &mut ggufs),
                Some("safetensors") => (read_safetensors(file.size, BUDGET, fetch).await, &mut weights),
                _ => continue,
            };
            match facts {
                Ok(facts) => {
                    let (parameters, bytes) = (facts.parameters.unwrap(), facts.tensor_bytes.unwrap());
                    assert!(parameters > 0 && bytes <= file.size && file.size - bytes < 64 << 10, "{}: {facts:?}", file.path);
                    *count += 1;
                }
                Err(fault) => {
                    assert_eq!(fault.kind, FaultKind::Gated);
                    gated += 1;
                }
            }
        }
    }
    assert!(ggufs > 3 && weights > 1 && gated > 0, "{ggufs}, {weights} and {gated}");
    server.stop().await;
}
