//! Whether a model fits a machine: what it needs, and where that would go. Pure.
//!
//! The estimate is that of llama.cpp with its defaults (batches of 512 tokens, flash attention) and is checked against what its
//! users' logs say. Verdicts count memory as a whole, not what is free at this moment: they must not change because a browser is
//! open. Where less is free now, the reason says so.

use crate::desk::{CacheType, Fit, FitVerdict, Gpu, Machine, ModelFacts, bytes};

/// Tokens that are worked on at once: llama.cpp's default for `--ubatch-size`.
///
/// <https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md>
const BATCH: u64 = 512;
/// What a card's driver keeps for itself in a process that uses it: its context and the kernels. ollama sets 457 MiB aside for it.
///
/// <https://github.com/ollama/ollama/issues/12305>
const CONTEXT: u64 = 512 << 20;
/// Parts of a model whose number of layers nobody told.
const PARTS: u64 = 100;

/// Whether weights of so many bytes run on this machine with a context of so many tokens.
///
/// What `facts` do not tell is guessed from the size of the weights, and the reason says so.
pub fn fit(machine: &Machine, weights: u64, facts: Option<&ModelFacts>, context: u64, cache_type: CacheType) -> Fit {
    let estimate = Estimate::new(weights, facts, context, cache_type);
    let verdict = estimate.verdict(machine);
    let needs = estimate.needs(verdict, machine);
    let Estimate { weights, cache, .. } = estimate;
    let overhead = if matches!(verdict, FitVerdict::Memory | FitVerdict::TooLarge) { estimate.buffers } else { estimate.overhead() };
    let reason = format!("{}; it {}", place(verdict, needs, machine), estimate.figures(needs, context));
    Fit { verdict, needs, weights, cache, overhead, reason }
}

/// What a model needs wherever it runs.
struct Estimate {
    weights: u64,
    cache: u64,
    buffers: u64,
    /// How many layers there are, the output among them.
    layers: Option<u64>,
    /// What is only a share of the weights, in words.
    guessed: &'static str,
}

impl Estimate {
    fn new(weights: u64, facts: Option<&ModelFacts>, context: u64, cache_type: CacheType) -> Self {
        let known = facts.filter(|facts| !facts.layers.is_empty());
        let cache = known.map(|facts| cache_type.bytes(facts.cache_elements(context)));
        let buffers = facts.and_then(|facts| buffers(facts, context));
        Self {
            weights,
            cache: cache.unwrap_or_else(|| guessed_cache(weights, context, cache_type)),
            buffers: buffers.unwrap_or(weights / 16),
            layers: known.map(|facts| facts.layers.len() as u64 + 1),
            guessed: match (cache.is_none() && context > 0, buffers.is_none()) {
                (true, true) => ", both guessed from its size",
                (true, false) => ", the context guessed from its size",
                (false, true) => ", the buffers guessed from its size",
                (false, false) => "",
            },
        }
    }

    /// What each card needs besides: the buffers, and what its driver keeps for itself.
    fn overhead(&self) -> u64 {
        self.buffers.saturating_add(CONTEXT)
    }

    /// What is spread over the cards, without what each of them needs besides.
    fn spread(&self) -> u64 {
        self.weights.saturating_add(self.cache)
    }

    /// What it needs where no card takes part.
    fn in_memory(&self) -> u64 {
        self.spread().saturating_add(self.buffers)
    }

    fn parts(&self) -> u64 {
        self.layers.unwrap_or(PARTS)
    }

    fn part(&self) -> u64 {
        self.spread().div_ceil(self.parts()).max(1)
    }

    /// How many whole parts a card of so many bytes holds.
    fn held(&self, card: u64) -> u64 {
        card.saturating_sub(self.overhead()) / self.part()
    }

    fn verdict(&self, machine: &Machine) -> FitVerdict {
        let cards = cards(machine);
        let alone = self.spread().saturating_add(self.overhead());
        if cards.first().is_some_and(|card| alone <= *card) {
            return FitVerdict::OneGpu;
        }
        // Cards that use the main memory use the same one: they add nothing to each other or to it.
        let cards = if machine.unified { &[] } else { cards.as_slice() };
        self.over(cards, machine).unwrap_or(if self.in_memory() <= usable(machine) { FitVerdict::Memory } else { FitVerdict::TooLarge })
    }

    /// Over several cards, or over cards and main memory.
    fn over(&self, cards: &[u64], machine: &Machine) -> Option<FitVerdict> {
        let mut layers = 0_u64;
        for (at, card) in cards.iter().enumerate() {
            layers = layers.saturating_add(self.held(*card));
            if layers >= self.parts() && at > 0 {
                return Some(FitVerdict::AcrossGpus { cards: at + 1 });
            }
        }
        let layers = layers.min(self.parts() - 1);
        let rest = self.part().saturating_mul(self.parts() - layers);
        (layers > 0 && rest <= usable(machine)).then_some(FitVerdict::Offload { layers, of: self.layers })
    }

    fn needs(&self, verdict: FitVerdict, machine: &Machine) -> u64 {
        let cards = match verdict {
            FitVerdict::AcrossGpus { cards } => cards,
            FitVerdict::Offload { .. } => machine.gpus.len(),
            FitVerdict::OneGpu => 1,
            FitVerdict::Memory | FitVerdict::TooLarge => return self.in_memory(),
        };
        self.spread().saturating_add(self.overhead().saturating_mul(cards as u64))
    }

    fn figures(&self, needs: u64, context: u64) -> String {
        let guessed = self.guessed;
        let (weights, cache) = (bytes(self.weights), bytes(self.cache));
        let (needs, rest) = (bytes(needs), bytes(needs.saturating_sub(self.spread())));
        if context == 0 {
            return format!("needs {needs}: {weights} of weights and {rest} of buffers{guessed}");
        }
        format!("needs {needs}: {weights} of weights, {cache} for {context} tokens of context and {rest} of buffers{guessed}")
    }
}

/// Where it goes, in words that its figures go on after.
fn place(verdict: FitVerdict, needs: u64, machine: &Machine) -> String {
    let memory = bytes(machine.memory);
    let together = |gpus: usize| bytes(cards(machine).iter().take(gpus).fold(0, |sum, card| sum.saturating_add(*card)));
    match verdict {
        FitVerdict::OneGpu => largest(machine).map_or_else(String::new, |gpu| on_card(gpu, needs)),
        FitVerdict::AcrossGpus { cards } => format!("{cards} cards have {} together", together(cards)),
        FitVerdict::Offload { layers, of } => {
            let held = of.map_or(format!("about {layers} % of it"), |of| format!("{layers} of its {of} layers"));
            let cards = if machine.gpus.len() == 1 { "the card holds" } else { "the cards hold" };
            format!("{cards} {held}, in {}, and main memory holds the rest", together(machine.gpus.len()))
        }
        FitVerdict::Memory if machine.memory_available < needs => {
            format!("only main memory has room, {memory}, of which {} are free now", bytes(machine.memory_available))
        }
        FitVerdict::Memory => format!("only main memory has room, {memory}"),
        FitVerdict::TooLarge if machine.gpus.is_empty() => format!("main memory has {memory} and there is no graphics card"),
        FitVerdict::TooLarge if machine.unified => format!("cards and processor share {memory}"),
        FitVerdict::TooLarge => format!("the cards have {} and main memory has {memory}", together(machine.gpus.len())),
    }
}

fn on_card(gpu: &Gpu, needs: u64) -> String {
    let free = gpu.free.filter(|free| *free < needs).map_or_else(String::new, |free| format!(", of which {} are free now", bytes(free)));
    format!("{} has {}{free}", gpu.subject(), bytes(gpu.total))
}

/// The card with the most memory; of several, the one with the most of it free.
fn largest(machine: &Machine) -> Option<&Gpu> {
    machine.gpus.iter().max_by_key(|gpu| (gpu.total, gpu.free))
}

/// Bytes of each card that a model may have, the largest first.
fn cards(machine: &Machine) -> Vec<u64> {
    let most = if machine.unified { usable(machine) } else { u64::MAX };
    let mut cards: Vec<u64> = machine.gpus.iter().map(|gpu| gpu.total.min(most)).collect();
    cards.sort_unstable_by(|one, other| other.cmp(one));
    cards
}

/// Bytes of main memory that a model may have: an eighth stays with the system and other programs.
fn usable(machine: &Machine) -> u64 {
    machine.memory - machine.memory / 8
}

/// Bytes of the buffers that a batch is computed in, which is whatever is larger:
///
/// - the logits, at the end: 4 bytes for each token of the batch and of the vocabulary, and two streams as wide as the embedding;
/// - the mask of the attention, in single precision and copied to half: 6 bytes for each token of the batch and of the context, and
///   four streams.
///
/// Logs of llama.cpp show the first to the byte for most models (see the tests); without flash attention it takes more.
fn buffers(facts: &ModelFacts, context: u64) -> Option<u64> {
    let stream = BATCH * 4 * u64::from(facts.embedding_length?);
    let logits = BATCH * 4 * u64::from(facts.vocabulary?) + 2 * stream;
    let attention = (BATCH * 6).saturating_mul(context).saturating_add(4 * stream);
    Some(logits.max(attention))
}

/// Without a header: an eighth of the weights for each 8192 tokens, about what 8-billion-parameter models with grouped heads take when
/// quantized to 8 bits. Larger ones take less, older ones more.
fn guessed_cache(weights: u64, context: u64, cache_type: CacheType) -> u64 {
    let elements = u128::from(weights) * u128::from(context) / (8 * 8192 * 2);
    cache_type.bytes(u64::try_from(elements).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::LayerCache;

    const GIB: u64 = 1 << 30;
    const MIB: f64 = 1024.0 * 1024.0;

    fn facts(vocabulary: u32, embedding: u32, layers: usize, keys: u32, values: u32) -> ModelFacts {
        let layer = LayerCache { keys, values, window: None };
        let (vocabulary, embedding_length) = (Some(vocabulary), Some(embedding));
        ModelFacts { vocabulary, embedding_length, layers: vec![layer; layers], ..ModelFacts::default() }
    }

    /// Llama 3.1 8B, whose cache takes 128 KiB for each token.
    fn llama() -> ModelFacts {
        facts(128_256, 4096, 32, 1024, 1024)
    }

    fn machine(cards: &[u64], memory: u64) -> Machine {
        let cards: Vec<u64> = cards.iter().map(|card| card * GIB).collect();
        Machine::simulated(&cards, Some(memory * GIB))
    }

    /// What a log of llama.cpp or of a program built on it says, in MiB.
    struct Measured {
        source: &'static str,
        facts: ModelFacts,
        context: u64,
        cache_type: CacheType,
        weights: f64,
        cache: f64,
        /// On each card.
        compute: &'static [f64],
    }

    /// Every log: what the model is, what was asked of it, and what it took.
    #[rustfmt::skip]
    fn measured() -> Vec<Measured> {
        let row = |source, facts, (context, cache_type), weights, cache, compute| Measured { source, facts, context, cache_type, weights, cache, compute };
        let (f16, q8) = (CacheType::F16, CacheType::Q8);
        vec![
            // Phi 4 14B, Q4_K, without flash attention.
            row("https://github.com/ollama/ollama/issues/13552", facts(100_352, 5120, 40, 1280, 1280), (4096, f16), 8354.71 + 275.62, 800.0, &[353.01]),
            // TriLM 3.9B, F16.
            row("https://github.com/mozilla-ai/llamafile/pull/552", facts(50_688, 3072, 30, 3072, 3072), (512, f16), 7317.71 + 297.0, 180.0, &[105.0]),
            // GLM Z1 32B, at two contexts.
            row("https://github.com/ikawrakow/ik_llama.cpp/pull/344", facts(151_552, 6144, 61, 256, 256), (32_768, f16), 16303.48 + 471.75, 1952.0, &[353.0]),
            row("https://github.com/ikawrakow/ik_llama.cpp/pull/344", facts(151_552, 6144, 61, 256, 256), (5120, q8), 16775.23, 162.03, &[308.0]),
            // GLM Z1 Rumination 32B, without flash attention.
            row("https://github.com/ikawrakow/ik_llama.cpp/pull/333", facts(151_552, 6144, 61, 1024, 1024), (8192, f16), 17284.05 + 499.5, 1952.0, &[832.0]),
            // Qwen3 30B A3B, a mixture: on one card, and on two.
            row("https://github.com/ikawrakow/ik_llama.cpp/pull/370", facts(151_936, 2048, 48, 512, 512), (32_768, f16), 17787.83 + 315.3, 3072.0, &[304.75]),
            row("https://github.com/ikawrakow/ik_llama.cpp/issues/398", facts(151_936, 2048, 48, 512, 512), (32_768, f16), 8509.23 + 8213.14 + 166.92, 3072.0, &[368.01, 444.77]),
            // Qwen3 235B A22B, a mixture with its experts in main memory.
            row("https://github.com/ikawrakow/ik_llama.cpp/pull/370", facts(151_936, 4096, 94, 512, 512), (32_768, q8), 89709.28 + 630.59 + 19053.73, 3196.0, &[312.75]),
            row("https://github.com/ikawrakow/ik_llama.cpp/pull/370", facts(151_936, 4096, 94, 512, 512), (16_384, q8), 151_361.25 + 486.86 + 15922.41 + 16297.68, 1598.0, &[144.0, 312.75]),
            // Gemma 3 27B, its windows not used.
            row("https://github.com/ikawrakow/ik_llama.cpp/discussions/334", facts(262_208, 5376, 62, 2048, 2048), (32_768, f16), 15773.97, 15872.0, &[522.62]),
            // Llama 2 13B in main memory, batches computed on a card.
            row("https://github.com/ikawrakow/ik_llama.cpp/pull/328", facts(32_000, 5120, 40, 5120, 5120), (512, f16), 13189.86, 400.0, &[248.54]),
        ]
    }

    fn off(estimate: u64, measured: f64) -> f64 {
        (estimate as f64 / MIB - measured) / measured
    }

    #[test]
    fn estimates_are_within_a_tenth_of_what_was_measured() {
        for log in measured() {
            // The weights are what the log says: what is estimated comes on top.
            let estimate = Estimate::new(0, Some(&log.facts), log.context, log.cache_type);
            // Logs count buffers, not what the driver keeps for itself.
            let buffers = estimate.buffers * log.compute.len() as u64;
            let total = log.weights + log.cache + log.compute.iter().sum::<f64>();
            let error = (log.weights + (estimate.cache + buffers) as f64 / MIB - total) / total;
            println!("{total:>8.0} MiB measured, {:+.1} % off: {}", error * 100.0, log.source);
            assert!(error.abs() < 0.1, "{error} off {}", log.source);
            assert!(off(estimate.cache, log.cache).abs() < 0.0002, "cache of {}: {}", log.source, estimate.cache as f64 / MIB);
        }
    }

    /// With flash attention and everything on one card, buffers are what the logits take.
    #[test]
    fn buffers_on_one_card_are_within_a_tenth_of_what_was_measured() {
        let measured = [
            ("https://github.com/ikawrakow/ik_llama.cpp/issues/103", llama(), 1024, 266.5),
            ("https://github.com/SciSharp/LLamaSharp/issues/1099", facts(151_936, 2048, 36, 256, 256), 4096, 300.75),
            ("https://github.com/ikawrakow/ik_llama.cpp/pull/344", facts(151_552, 6144, 61, 256, 256), 32_768, 353.0),
            ("https://github.com/ikawrakow/ik_llama.cpp/pull/370", facts(151_936, 2048, 48, 512, 512), 32_768, 304.75),
            ("https://github.com/ikawrakow/ik_llama.cpp/discussions/334", facts(262_208, 5376, 62, 2048, 2048), 32_768, 522.62),
            ("https://github.com/mozilla-ai/llamafile/pull/552", facts(50_688, 3072, 30, 3072, 3072), 512, 105.0),
        ];
        for (source, facts, context, mib) in measured {
            assert!(off(buffers(&facts, context).unwrap(), mib).abs() < 0.1, "{source}");
        }
    }

    /// Caches that logs tell to a hundredth of a MiB: of ordinary heads, of latent ones, quantized ones.
    #[test]
    fn caches_are_what_logs_say() {
        let mib = |facts: &ModelFacts, context, cache_type: CacheType| cache_type.bytes(facts.cache_elements(context)) as f64 / MIB;
        // https://github.com/ggml-org/llama.cpp/issues/7450: Mistral 7B, 32,000 tokens.
        assert!((mib(&facts(32_000, 4096, 32, 1024, 1024), 32_000, CacheType::F16) - 4000.0).abs() < 0.01);
        // https://github.com/ggml-org/llama.cpp/pull/6122: Command-R 35B, without grouped heads.
        assert!((mib(&facts(256_000, 8192, 40, 8192, 8192), 4096, CacheType::F16) - 5120.0).abs() < 0.01);
        // https://github.com/ikawrakow/ik_llama.cpp/issues/245 and /issues/450: DeepSeek R1 and V3, one latent vector for each token.
        assert!((mib(&facts(129_280, 7168, 61, 576, 0), 2048, CacheType::F16) - 137.25).abs() < 0.01);
        assert!((mib(&facts(129_280, 7168, 61, 576, 0), 32_768, CacheType::Q8) - 1166.62).abs() < 0.01);
        // https://github.com/SciSharp/LLamaSharp/issues/1099: Qwen2.5 3B.
        assert!((mib(&facts(151_936, 2048, 36, 256, 256), 4096, CacheType::F16) - 144.0).abs() < 0.01);
        // https://github.com/ikawrakow/ik_llama.cpp/pull/377: Nemotron Ultra 253B; its values alone, in q4_0, are 432 MiB in 64 layers.
        assert!((mib(&facts(128_256, 16_384, 64, 0, 1024), 12_288, CacheType::Q4) - 432.0).abs() < 0.01);
    }

    #[test]
    fn a_verdict_is_the_best_place_that_has_room() {
        let told = |weights: u64, machine: &Machine| fit(machine, weights * GIB, Some(&llama()), 8192, CacheType::F16).verdict;
        assert_eq!(told(5, &machine(&[8], 32)), FitVerdict::OneGpu);
        assert_eq!(told(5, &machine(&[4, 8], 32)), FitVerdict::OneGpu);
        assert_eq!(told(16, &machine(&[12, 12], 32)), FitVerdict::AcrossGpus { cards: 2 });
        assert_eq!(told(16, &machine(&[6, 12, 12], 32)), FitVerdict::AcrossGpus { cards: 2 });
        assert_eq!(told(23, &machine(&[12, 12], 32)), FitVerdict::Offload { layers: 30, of: Some(33) });
        assert_eq!(told(16, &machine(&[8], 32)), FitVerdict::Offload { layers: 14, of: Some(33) });
        assert_eq!(told(16, &machine(&[1], 32)), FitVerdict::Memory);
        assert_eq!(told(16, &machine(&[], 32)), FitVerdict::Memory);
        assert_eq!(told(30, &machine(&[], 32)), FitVerdict::TooLarge);
        assert_eq!(told(64, &machine(&[12, 12], 32)), FitVerdict::TooLarge);
        assert_eq!(told(1, &Machine::default()), FitVerdict::TooLarge);
    }

    #[test]
    fn a_card_that_uses_main_memory_adds_none() {
        let shared = |gpu: u64, memory| Machine { unified: true, ..machine(&[gpu], memory) };
        let told = |weights: u64, machine: &Machine| fit(machine, weights * GIB, Some(&llama()), 8192, CacheType::F16).verdict;
        assert_eq!(told(12, &shared(16, 24)), FitVerdict::OneGpu);
        assert_eq!(told(18, &shared(16, 24)), FitVerdict::Memory);
        assert_eq!(told(24, &shared(24, 24)), FitVerdict::TooLarge);
    }

    #[test]
    fn a_card_that_takes_no_part_adds_nothing_to_what_is_needed() {
        let in_memory = |cards: &[u64]| fit(&Machine::simulated(cards, Some(32 * GIB)), 16 * GIB, Some(&llama()), 8192, CacheType::F16);
        let (without, with) = (in_memory(&[]), in_memory(&[GIB]));
        assert_eq!((without.verdict, without.needs), (FitVerdict::Memory, with.needs));
    }

    #[test]
    fn parts_add_up_and_a_quantized_cache_is_smaller() {
        let found = fit(&machine(&[24], 64), 5 * GIB, Some(&llama()), 8192, CacheType::F16);
        assert_eq!((found.weights, found.cache), (5 * GIB, GIB));
        assert_eq!(found.needs, found.weights + found.cache + found.overhead);
        assert_eq!(fit(&machine(&[24], 64), 5 * GIB, Some(&llama()), 8192, CacheType::Q8).cache, GIB * 34 / 64);
        let two = fit(&machine(&[12, 12], 64), 16 * GIB, Some(&llama()), 8192, CacheType::F16);
        assert_eq!(two.needs, two.weights + two.cache + 2 * two.overhead);
    }

    #[test]
    fn reasons_are_sentences_with_figures() {
        let reason = |machine: &Machine, weights: u64| fit(machine, weights * GIB, Some(&llama()), 8192, CacheType::F16).reason;
        let mut card = machine(&[8], 32);
        let figures = "; it needs 6.8 GiB: 5 GiB of weights, 1 GiB for 8192 tokens of context and 778.5 MiB of buffers";
        assert_eq!(reason(&card, 5), format!("the GPU has 8 GiB{figures}"));
        card.gpus[0].free = Some(3 * GIB);
        assert_eq!(reason(&card, 5), format!("the GPU has 8 GiB, of which 3 GiB are free now{figures}"));
        assert!(
            reason(&machine(&[8], 32), 16).starts_with("the card holds 14 of its 33 layers, in 8 GiB, and main memory holds the rest; ")
        );
        assert!(reason(&machine(&[12, 12], 32), 16).starts_with("2 cards have 24 GiB together; "));
        assert!(reason(&machine(&[], 32), 16).starts_with("only main memory has room, 32 GiB; "));
        assert!(reason(&machine(&[], 8), 16).starts_with("main memory has 8 GiB and there is no graphics card; "));
        assert!(reason(&machine(&[8], 8), 64).starts_with("the cards have 8 GiB and main memory has 8 GiB; "));
    }

    #[test]
    fn without_facts_a_share_of_the_size_stands_in() {
        let found = fit(&machine(&[16], 64), 8 * GIB, None, 8192, CacheType::F16);
        assert_eq!((found.verdict, found.cache, found.overhead), (FitVerdict::OneGpu, GIB, GIB));
        assert!(found.reason.contains("of buffers, both guessed from its size"), "{}", found.reason);
        let found = fit(&machine(&[8], 64), 16 * GIB, Some(&ModelFacts::default()), 8192, CacheType::Q8);
        assert_eq!(found.verdict, FitVerdict::Offload { layers: 38, of: None });
        assert!(found.reason.contains("the card holds about 38 % of it"), "{}", found.reason);
    }

    #[test]
    fn absurd_numbers_break_nothing() {
        let huge = Machine::simulated(&[u64::MAX, u64::MAX], Some(u64::MAX));
        for (weights, context) in [(0, 0), (u64::MAX, 0), (0, u64::MAX), (u64::MAX, u64::MAX)] {
            for facts in [None, Some(&llama()), Some(&facts(u32::MAX, u32::MAX, 1, u32::MAX, u32::MAX))] {
                for machine in [&huge, &Machine::default(), &machine(&[1], 1)] {
                    assert!(!fit(machine, weights, facts, context, CacheType::F16).reason.is_empty());
                }
            }
        }
    }
}
