//! Whether a model fits a machine, and which variant of a repository to take.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where on a machine a model would run. Memory counts as a whole: what other programs hold of it now changes no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FitVerdict {
    /// Wholly on one card.
    OneGpu,
    /// Wholly on several cards.
    AcrossGpus {
        /// How many cards it takes, the largest first.
        cards: usize,
    },
    /// Partly on the cards and partly in main memory.
    Offload {
        /// How many of its layers the cards hold.
        layers: u64,
        /// How many layers it has, the output among them. `None` where no header told: `layers` are then hundredths of its size.
        of: Option<u64>,
    },
    /// Only in main memory, on the processor.
    Memory,
    /// Nowhere.
    TooLarge,
}

impl FitVerdict {
    /// The verdict's name for programs: `one_gpu`, `across_gpus`, `offload`, `memory` or `too_large`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneGpu => "one_gpu",
            Self::AcrossGpus { .. } => "across_gpus",
            Self::Offload { .. } => "offload",
            Self::Memory => "memory",
            Self::TooLarge => "too_large",
        }
    }
}

impl fmt::Display for FitVerdict {
    /// The verdict in a word or two; at most 14 columns for fewer than a hundred cards and layers.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneGpu => out.write_str("one GPU"),
            Self::AcrossGpus { cards } => write!(out, "{cards} GPUs"),
            Self::Offload { layers, of: Some(of) } => write!(out, "offload {layers}/{of}"),
            Self::Offload { layers, of: None } => write!(out, "offload {layers} %"),
            Self::Memory => out.write_str("RAM only"),
            Self::TooLarge => out.write_str("too large"),
        }
    }
}

/// Whether a model fits a machine: an estimate, with what it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fit {
    /// Where it would run.
    pub verdict: FitVerdict,
    /// Bytes that it needs where it runs: weights, cache and overhead together, the overhead once for each card.
    pub needs: u64,
    /// Bytes of its weights.
    pub weights: u64,
    /// Bytes of the keys and values of the context.
    pub cache: u64,
    /// Bytes of the buffers it computes in and, on cards, of the driver's own state; for one card.
    pub overhead: u64,
    /// All of it in one sentence with figures.
    pub reason: String,
}

/// How keys and values of the context are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheType {
    /// Halves: 2 bytes for each element.
    #[default]
    F16,
    /// Blocks of 32 elements in 34 bytes.
    #[serde(rename = "q8_0")]
    Q8,
    /// Blocks of 32 elements in 18 bytes.
    #[serde(rename = "q4_0")]
    Q4,
}

impl CacheType {
    /// Every type, the most exact first.
    pub const ALL: [Self; 3] = [Self::F16, Self::Q8, Self::Q4];

    /// The name that llama.cpp's `--cache-type-k` takes: `f16`, `q8_0` or `q4_0`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Q8 => "q8_0",
            Self::Q4 => "q4_0",
        }
    }

    /// Bytes of so many elements. The sizes of blocks are ggml's: <https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml-common.h>.
    pub fn bytes(self, elements: u64) -> u64 {
        let in_a_block = match self {
            Self::F16 => 64,
            Self::Q8 => 34,
            Self::Q4 => 18,
        };
        (elements / 32).saturating_mul(in_a_block).saturating_add((elements % 32) * in_a_block / 32)
    }
}

/// The one variant of a repository to take, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendation {
    /// The variant's id.
    pub variant: String,
    /// Why this one, in a sentence.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_types_have_the_sizes_of_their_blocks() {
        assert_eq!(CacheType::ALL.map(|kind| kind.bytes(1024)), [2048, 1088, 576]);
        assert_eq!((CacheType::F16.bytes(33), CacheType::Q8.bytes(u64::MAX), CacheType::F16.bytes(u64::MAX)), (66, u64::MAX, u64::MAX));
        assert_eq!(serde_json::to_value(CacheType::Q8).unwrap(), CacheType::Q8.name());
    }

    #[test]
    fn verdicts_read_well_as_json() {
        assert_eq!(serde_json::to_string(&FitVerdict::OneGpu).unwrap(), r#""one_gpu""#);
        let offload = FitVerdict::Offload { layers: 20, of: Some(33) };
        assert_eq!(serde_json::to_string(&offload).unwrap(), r#"{"offload":{"layers":20,"of":33}}"#);
        assert_eq!(serde_json::to_value(FitVerdict::TooLarge).unwrap(), FitVerdict::TooLarge.name());
    }

    #[test]
    fn verdicts_are_said_in_a_word_or_two() {
        let offload = |of| FitVerdict::Offload { layers: 20, of };
        assert_eq!([offload(Some(33)), offload(None)].map(|verdict| verdict.to_string()), ["offload 20/33", "offload 20 %"]);
        assert_eq!(FitVerdict::AcrossGpus { cards: 2 }.to_string(), "2 GPUs");
    }
}
