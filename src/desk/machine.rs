//! The machine that a model is to run on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::size::bytes;

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

impl Gpu {
    /// The name of a card that is only thought of.
    const UNNAMED: &str = "GPU";

    /// What to call it in a sentence: `RTX 4090` or `the GPU`.
    pub fn subject(&self) -> &str {
        if self.name == Self::UNNAMED { "the GPU" } else { self.short_name() }
    }

    /// Its name without the maker's and the brand's, which everybody knows: `RTX 4090`.
    fn short_name(&self) -> &str {
        ["NVIDIA ", "AMD ", "GeForce ", "Radeon "].iter().fold(&self.name, |name, maker| name.strip_prefix(maker).unwrap_or(name))
    }
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
        let named = |total: &u64| Gpu { name: Gpu::UNNAMED.to_owned(), total: *total, free: None };
        Self { gpus: cards.iter().map(named).collect(), memory, memory_available: memory, unified: false }
    }
}

impl fmt::Display for Machine {
    /// Its cards, equal ones together, then its main memory: `2 x RTX 4090 24 GiB, RAM 64 GiB`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cards: Vec<(&Gpu, usize)> = Vec::new();
        for gpu in &self.gpus {
            match cards.iter_mut().find(|(other, _)| (&other.name, other.total) == (&gpu.name, gpu.total)) {
                Some((_, count)) => *count += 1,
                None => cards.push((gpu, 1)),
            }
        }
        for (gpu, count) in cards {
            let total = bytes(gpu.total);
            let name = gpu.short_name();
            let times = if count == 1 { String::new() } else { format!("{count} x ") };
            write!(out, "{times}{name} {total}, ")?;
        }
        let shared = if self.unified { " shared with it" } else { "" };
        let none = if self.gpus.is_empty() { "no GPU, " } else { "" };
        write!(out, "{none}RAM {}{shared}", bytes(self.memory))
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

    #[test]
    fn a_machine_is_described_with_equal_cards_together() {
        let mut machine = Machine::simulated(&[24 << 30, 24 << 30, 12 << 30], Some(64 << 30));
        assert_eq!(machine.to_string(), "2 x GPU 24 GiB, GPU 12 GiB, RAM 64 GiB");
        machine.gpus.truncate(1);
        machine.gpus[0].name = "NVIDIA GeForce RTX 4090".to_owned();
        assert_eq!(machine.to_string(), "RTX 4090 24 GiB, RAM 64 GiB");
        assert_eq!(Machine { unified: true, ..machine }.to_string(), "RTX 4090 24 GiB, RAM 64 GiB shared with it");
        assert_eq!(Machine::simulated(&[], Some(1 << 30)).to_string(), "no GPU, RAM 1 GiB");
    }
}
