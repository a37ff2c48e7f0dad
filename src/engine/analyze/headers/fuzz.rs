//! Headers with random damage: they are read or refused, in little time.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;

use super::builder::{Gguf, Value, safetensors};
use super::{config, gguf};

/// Input that once broke a reader, kept so that it cannot again.
const REGRESSIONS: &[&[u8]] = &[
    b"",
    b"GGUF",
    b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff{}",
    b"\x02\0\0\0\0\0\0\0{",
];

/// Numbers that are apt to go wrong.
const EXTREMES: [u64; 7] = [0, 1, 0x7f, 0xff, 1 << 20, 1 << 40, u64::MAX];

/// Longest that one header may take, on a busy machine without optimisation.
const LONGEST: Duration = Duration::from_secs(2);

/// Reads bytes as every format, as a whole file and as the front of a larger one.
fn read_as_everything(bytes: &[u8]) {
    let size = bytes.len() as u64;
    for size in [size, size + 1, size.saturating_mul(1000), u64::MAX] {
        let begun = Instant::now();
        if let Ok(told) = gguf::tell(bytes, size) {
            assert!(told.facts.layers.len() <= 1024);
            assert!(told.facts.tensor_bytes.is_some_and(|bytes| bytes <= size));
            told.facts.cache_elements(u64::MAX);
        }
        drop(super::safetensors::tell(bytes, size));
        assert!(begun.elapsed() < LONGEST, "{:?} for {} bytes", begun.elapsed(), bytes.len());
    }
    if let Ok(value) = serde_json::from_slice(bytes) {
        assert!(config::with_config(crate::desk::ModelFacts::default(), &value).layers.len() <= 1024);
    }
}

/// Headers from which damaged ones are made.
fn seeds() -> Vec<Vec<u8>> {
    let hybrid = Gguf::new("qwen35")
        .numbers("qwen35", &[("block_count", 8), ("embedding_length", 64), ("attention.head_count", 4), ("full_attention_interval", 4)])
        .with("qwen35.attention.head_count_kv", Value::U32s(vec![2; 8]))
        .with("qwen35.attention.sliding_window_pattern", Value::Bools(vec![true; 8]))
        .with("qwen35.attention.sliding_window", Value::U32(128))
        .with("odd", Value::Deep(2))
        .with("negative", Value::I32(-1))
        .with("tokenizer.ggml.tokens", Value::Texts((0..20).map(|token| format!("t{token}")).collect()))
        .with("tokenizer.chat_template", Value::Text("{{ messages }}"))
        .tensor("token_embd.weight", &[64, 20], 12)
        .tensor("blk.0.attn_q.weight", &[64, 64], 8);
    let latent = Gguf::new("deepseek2").numbers(
        "deepseek2",
        &[
            ("block_count", 3),
            ("attention.head_count", 4),
            ("attention.head_count_kv", 1),
            ("attention.key_length_mla", 192),
            ("attention.kv_lora_rank", 512),
            ("rope.dimension_count", 64),
        ],
    );
    let config = json!({
        "model_type": "gemma2", "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 64,
        "sliding_window": 32, "layer_types": ["full_attention", "sliding_attention"], "attn_layer_period": 2, "attn_layer_offset": 1,
    });
    let big = Gguf { big_endian: true, ..hybrid.clone() };
    let weights = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}}"#;
    vec![hybrid.bytes(), big.bytes(), latent.bytes(), safetensors(weights), config.to_string().into_bytes()]
}

/// Damages some bytes: by value, by interesting numbers, by cutting, by repeating.
fn damage(bytes: &mut Vec<u8>, mut random: impl FnMut() -> u64) {
    for _ in 0..=random() % 6 {
        let at = usize::try_from(random() % (bytes.len() as u64 + 1)).unwrap();
        match random() % 6 {
            0 => bytes.truncate(at),
            1 => overwrite(bytes, at, &[u8::try_from(random() % 256).unwrap()]),
            2 => overwrite(bytes, at, &EXTREMES[usize::try_from(random() % EXTREMES.len() as u64).unwrap()].to_le_bytes()),
            3 => overwrite(bytes, at, &random().to_be_bytes()),
            4 => bytes.splice(at..at, random().to_le_bytes()).for_each(drop),
            _ => {
                let copy = bytes[at..].to_vec();
                bytes.extend_from_slice(&copy[..copy.len().min(4096)]);
            }
        }
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes[at..].iter_mut().zip(with).for_each(|(byte, new)| *byte = *new);
}

/// Numbers that follow from a seed (Marsaglia's xorshift).
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

#[test]
fn what_once_broke_a_reader_does_not_again() {
    for bytes in REGRESSIONS {
        read_as_everything(bytes);
    }
}

proptest! {
    #[test]
    fn damage_is_survived(kind in 0_usize..5, seed: u64) {
        let mut bytes = seeds().swap_remove(kind);
        damage(&mut bytes, random(seed));
        read_as_everything(&bytes);
    }
}

/// Runs for `HFDESK_FUZZ_SECONDS` (60), from a new seed each time; what breaks a reader is printed, to go into [`REGRESSIONS`].
#[test]
#[ignore = "runs as long as it is told to"]
fn fuzz() {
    let seconds = std::env::var("HFDESK_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let mut random = random(u64::try_from(seed % u128::from(u64::MAX)).unwrap());
    let (begun, seeds, mut tried) = (Instant::now(), seeds(), 0_u64);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let mut bytes = seeds[usize::try_from(random() % seeds.len() as u64).unwrap()].clone();
        damage(&mut bytes, &mut random);
        let outcome = std::panic::catch_unwind(|| read_as_everything(&bytes));
        assert!(outcome.is_ok(), "broken by b\"{}\"", bytes.escape_ascii());
        tried += 1;
    }
    println!("{tried} damaged headers in {seconds} seconds");
}
