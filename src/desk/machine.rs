//! The machine that a model is to run on.

use serde::{Deserialize, Serialize};

/// A graphics card, or whatever else a model can run on besides the processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// As its driver calls it.
    pub name: String,
    /// Bytes of its memory.
    pub total: u64,
    /// Bytes of it that nobody uses now, where the driver tells.
    pub free: Option<u64>,
}

/// What a machine offers to a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its cards, in the driver's order.
    pub gpus: Vec<Gpu>,
    /// Bytes of main memory.
    pub memory: u64,
    /// Bytes of main memory that programs could have now.
    pub memory_available: u64,
    /// Whether the cards use the main memory (Apple, and some AMD and NVIDIA systems).
    pub unified: bool,
}
