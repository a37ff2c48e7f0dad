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

impl Machine {
    /// A machine that is only thought of: cards of these sizes, and main memory, or as much as the cards have where none is named.
    pub fn simulated(cards: &[u64], memory: Option<u64>) -> Self {
        let memory = memory.unwrap_or_else(|| cards.iter().fold(0, |sum: u64, card| sum.saturating_add(*card)));
        let named = |(at, total): (usize, &u64)| Gpu { name: format!("GPU {at}"), total: *total, free: None };
        Self { gpus: cards.iter().enumerate().map(named).collect(), memory, memory_available: memory, unified: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_machine_has_as_much_memory_as_its_cards_or_as_said() {
        let two = Machine::simulated(&[24 << 30, 12 << 30], None);
        assert_eq!((two.gpus.len(), two.gpus[1].total, two.memory, two.memory_available), (2, 12 << 30, 36 << 30, 36 << 30));
        assert_eq!(Machine::simulated(&[u64::MAX, 1], Some(64 << 30)).memory, 64 << 30);
        assert_eq!(Machine::simulated(&[u64::MAX, 1], None).memory, u64::MAX);
    }
}
