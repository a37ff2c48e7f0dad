//! Which one variant of a repository to take. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::desk::{Analysis, Fit, FitVerdict, Recommendation, RepoType, Variant};

/// Types of quantized weights from the least to the most exact, then floats.
///
/// By the perplexities and sizes in llama.cpp's table of quantizations, with mixtures that keep more tensors large (`_L`, `_XL`) above
/// those that do not: <https://github.com/ggml-org/llama.cpp/blob/master/tools/quantize/README.md>. Of two types with as many bits, the
/// one with finer blocks stands higher: legacy (`Q4_0`), then IQ and K.
#[rustfmt::skip]
const BY_QUALITY: [&str; 66] = [
    "TQ1_0", "IQ1_S", "IQ1_M", "TQ2_0", "I2_S", "IQ2_XXS", "IQ2_XS", "IQ2_S", "Q2_K_S", "IQ2_M", "Q2_K", "Q2_K_L", "Q2_K_XL",
    "IQ3_XXS", "Q3_K_S", "IQ3_XS", "IQ3_S", "IQ3_M", "Q3_K", "Q3_K_M", "Q3_K_L", "Q3_K_XL",
    "Q4_0", "IQ4_XS", "INT4", "FP4", "NVFP4", "MXFP4", "MXFP4_MOE", "IQ4_NL", "IQ4_NL_XL", "Q4_1", "Q4_K_S", PREFERRED_FROM, "Q4_K_M", "Q4_K_L", "Q4_K_XL",
    "Q5_0", "Q5_1", "Q5_K_S", "Q5_K", "Q5_K_M", "Q5_K_L", "Q5_K_XL", "Q6_0", "MXFP6", "Q6_K_S", "Q6_K", "Q6_K_M", "Q6_K_L", "Q6_K_XL",
    "MXFP8", "FP8", "INT8", "Q8", PREFERRED_TO, "Q8_K", "Q8_K_L", "Q8_K_XL",
    "FP16", "F16", "BF16", "SOURCE", "FP32", "F32", "F64",
];
/// The least exact type whose loss few people notice.
const PREFERRED_FROM: &str = "Q4_K";
/// The most exact type that is worth its bytes: what lies above can hardly be told from it.
const PREFERRED_TO: &str = "Q8_0";
/// A family whose makers choose each layer's type by what it costs: half a step above the type that its name says.
const CHOSEN_BY_LAYER: &str = "UD-";

/// The least exact type that is taken for the sake of a card: below it, a better one that works with main memory too is worth the wait.
const FLOOR: &str = "IQ3_XXS";

/// The one variant to take, with `fits` in the order of the analysis's variants. `None` where there is nothing to choose.
///
/// Quantizations: the most exact between `Q4_K_M` and `Q8_0` that fits one card, else several; else the most exact of at least three bits
/// that fits them; else the smallest from `Q4_K_M` on that runs with main memory, where fewer bytes are faster; else what fits at all;
/// else the smallest. Of several models in one repository, the largest that fits the cards that well. Pipelines: half precision. Other weights:
/// safetensors in full precision, the first in the order to show. Datasets: the training split.
pub fn recommend(analysis: &Analysis, fits: &[Option<&Fit>]) -> Option<Recommendation> {
    let quantizations = candidates(analysis, fits, "quantization");
    match analysis.repo_type {
        _ if !quantizations.is_empty() => quantization(&quantizations),
        RepoType::Dataset => split(&candidates(analysis, fits, "split")),
        RepoType::Space => None,
        kind => format(kind, &candidates(analysis, fits, "format")),
    }
}

/// A variant on its way to being recommended.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    variant: &'a Variant,
    fit: Option<&'a Fit>,
    /// Its place in the order of quality; 0 for a label that names no type we know.
    quality: usize,
    /// Bytes of the smallest variant of its model, by which models of one repository are compared.
    model: u64,
}

impl Candidate<'_> {
    fn is_preferred(&self) -> bool {
        (quality(PREFERRED_FROM)..=quality(PREFERRED_TO) + 1).contains(&self.quality)
    }

    fn is_quantized(&self) -> bool {
        self.quality < quality("FP16")
    }

    fn is_good(&self) -> bool {
        self.is_quantized() && self.quality >= quality(FLOOR)
    }

    fn is_in(&self, place: Place) -> bool {
        self.fit.is_some_and(|fit| Place::of(fit.verdict) == place)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    OneGpu,
    AcrossGpus,
    Offload,
    Memory,
    None,
}

impl Place {
    fn of(verdict: FitVerdict) -> Self {
        match verdict {
            FitVerdict::OneGpu => Self::OneGpu,
            FitVerdict::AcrossGpus { .. } => Self::AcrossGpus,
            FitVerdict::Offload { .. } => Self::Offload,
            FitVerdict::Memory => Self::Memory,
            FitVerdict::TooLarge => Self::None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::OneGpu => "one card",
            Self::AcrossGpus => "the cards together",
            Self::Offload => "cards and main memory together",
            Self::Memory => "main memory",
            Self::None => "nothing here",
        }
    }
}

fn candidates<'a>(analysis: &'a Analysis, fits: &[Option<&'a Fit>], category: &str) -> Vec<Candidate<'a>> {
    let fits = fits.iter().copied().chain(std::iter::repeat(None));
    let found = || analysis.variants.iter().zip(fits.clone()).filter(|(variant, _)| variant.category == category);
    let mut smallest: BTreeMap<&str, u64> = BTreeMap::new();
    for (variant, _) in found() {
        smallest.entry(variant.model.as_str()).and_modify(|size| *size = variant.size.min(*size)).or_insert(variant.size);
    }
    let model = |variant: &Variant| smallest.get(variant.model.as_str()).copied().unwrap_or_default();
    found().map(|(variant, fit)| Candidate { variant, fit, quality: quality(&variant.label), model: model(variant) }).collect()
}

/// Which quantizations to look at, in which places, and which of them to take.
struct Rule {
    places: &'static [Place],
    pass: fn(&Candidate) -> bool,
    pick: Pick,
    /// What the one taken is, in words that a place goes on after.
    words: &'static str,
}

enum Pick {
    Best,
    Smallest,
}

const CARDS: &[Place] = &[Place::OneGpu, Place::AcrossGpus];

/// The rules in their order: the first that finds something decides.
#[rustfmt::skip] // a rule on a line reads as the table it is
const RULES: [Rule; 8] = [
    Rule { places: CARDS, pass: |one| one.is_preferred(), pick: Pick::Best, words: "the best quality worth its bytes" },
    Rule { places: CARDS, pass: |one| one.is_good(), pick: Pick::Best, words: "the best quality" },
    Rule { places: &[Place::Offload], pass: |one| one.is_preferred() && one.is_quantized(), pick: Pick::Smallest, words: "the fastest of good quality" },
    Rule { places: &[Place::Offload], pass: |one| one.is_good(), pick: Pick::Best, words: "the best quality" },
    Rule { places: CARDS, pass: |one| one.is_quantized(), pick: Pick::Best, words: "the best quality" },
    Rule { places: CARDS, pass: |_| true, pick: Pick::Smallest, words: "the smallest" },
    Rule { places: &[Place::Memory], pass: |one| one.is_preferred() && one.is_quantized(), pick: Pick::Smallest, words: "the fastest of good quality" },
    Rule { places: &[Place::Offload, Place::Memory], pass: |one| one.is_quantized(), pick: Pick::Best, words: "the best quality" },
];

impl Rule {
    fn apply(&self, all: &[Candidate]) -> Option<Recommendation> {
        let pick = |place: &Place| {
            let pass = |one: &Candidate| one.is_in(*place) && (self.pass)(one);
            let one = match self.pick {
                Pick::Best => best(all, pass),
                Pick::Smallest => smallest(all, pass),
            };
            one.map(|one| because(one, &format!("{} that {} can hold with the context", self.words, place.words())))
        };
        self.places.iter().find_map(pick)
    }
}

fn quantization(all: &[Candidate]) -> Option<Recommendation> {
    if let [one] = all {
        return Some(because(*one, "the only quantization here"));
    }
    let found = RULES.iter().find_map(|rule| rule.apply(all));
    found.or_else(|| smallest(all, |_| true).map(|one| because(one, "the smallest, since none is known to fit")))
}

fn because(one: Candidate, why: &str) -> Recommendation {
    let figures = one.fit.map_or_else(String::new, |fit| format!("; {}", fit.reason));
    Recommendation { variant: one.variant.id.clone(), reason: format!("{} is {why}{figures}", one.variant.label) }
}

/// The most exact of the largest model of those that pass; of equals, the smaller; of those whose labels tell nothing, the largest.
fn best<'a>(all: &[Candidate<'a>], pass: impl Fn(&Candidate) -> bool) -> Option<Candidate<'a>> {
    let unknown_size = |one: &Candidate| if one.quality == 0 { one.variant.size } else { 0 };
    let passing = all.iter().filter(|one| pass(one));
    passing.max_by_key(|one| (one.model, one.quality, unknown_size(one), Reverse(one.variant.size))).copied()
}

fn smallest<'a>(all: &[Candidate<'a>], pass: impl Fn(&Candidate) -> bool) -> Option<Candidate<'a>> {
    all.iter().filter(|one| pass(one)).min_by_key(|one| one.variant.size).copied()
}

/// A label's place in the order of quality, two steps for each type: of several types in one label, the least exact. 0 where it names none.
fn quality(label: &str) -> usize {
    let upper = label.to_ascii_uppercase();
    let chosen = usize::from(upper.starts_with(CHOSEN_BY_LAYER));
    let words = upper.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let types = words.filter_map(|word| type_of(word).or_else(|| least_of_bits(word)));
    types.min().map_or(0, |place| 2 * (place + 1) + chosen)
}

/// The longest name of a type that a word begins with: `Q4_K_M_V2` is `Q4_K_M`.
fn type_of(word: &str) -> Option<usize> {
    let begins = |name: &&str| word.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    let names = BY_QUALITY.iter().enumerate().filter(|(_, name)| begins(name));
    names.max_by_key(|(_, name)| name.len()).map(|(place, _)| place)
}

/// The least exact type with as many bits as the word names: for types of llama.cpp's forks (`IQ4_KS`) and shortened ones (`Q4`).
fn least_of_bits(word: &str) -> Option<usize> {
    let bits = |name: &str| name.trim_start_matches(['I', 'T']).strip_prefix('Q')?.chars().next().filter(char::is_ascii_digit);
    let wanted = bits(word)?;
    BY_QUALITY.iter().position(|name| bits(name) == Some(wanted))
}

fn format(kind: RepoType, formats: &[Candidate]) -> Option<Recommendation> {
    let first = *formats.first()?;
    let named = |label: &str| formats.iter().copied().find(|one| one.variant.label == label);
    Some(match (kind, named("fp16"), named("safetensors")) {
        _ if formats.len() == 1 => because(first, "the only format here"),
        (RepoType::Diffusers, Some(half), _) => because(half, "half the size of full precision, and pictures hardly differ"),
        (RepoType::Diffusers, None, _) => because(first, "every component in the format that libraries load first"),
        (_, _, Some(safe)) => because(safe, "the format that runs no code when it is loaded"),
        _ => because(first, "the format here that most libraries load"),
    })
}

fn split(splits: &[Candidate]) -> Option<Recommendation> {
    let is_train = |one: &&Candidate| one.variant.label.rsplit('/').next() == Some("train");
    match splits {
        [one] => Some(because(*one, "the only split here")),
        _ => splits.iter().find(is_train).map(|train| because(*train, "the split to train on")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Configs, RepoInfo, analyze};
    use super::*;
    use crate::desk::{CacheType, Machine, RepoFile, RepoKind, RepoRef};
    use crate::engine::analyze::fit;

    const GIB: u64 = 1 << 30;

    /// What a repository of these files (path and GiB) offers.
    fn analysis(kind: RepoKind, files: &[(&str, u64)]) -> Analysis {
        let mut repo = RepoRef::model("org/name".parse().unwrap());
        repo.kind = kind;
        let file = |(path, size): &(&str, u64)| RepoFile { path: (*path).to_owned(), size: size * GIB, digest: None, xet_hash: None };
        let configs = Configs::from([("config.json".to_owned(), serde_json::json!({}))]);
        analyze(&repo, &RepoInfo::default(), files.iter().map(file).collect(), &configs)
    }

    fn models(files: &[(&str, u64)]) -> Analysis {
        analysis(RepoKind::Model, files)
    }

    fn told(analysis: &Analysis, machine: &Machine) -> Option<Recommendation> {
        let runs = |variant: &&Variant| matches!(variant.category.as_str(), "quantization" | "format");
        let fit = |variant: &Variant| fit(machine, variant.size, None, 4096, CacheType::F16);
        let fits: Vec<Option<Fit>> = analysis.variants.iter().map(|variant| Some(variant).filter(runs).map(fit)).collect();
        recommend(analysis, &fits.iter().map(Option::as_ref).collect::<Vec<_>>())
    }

    fn machine(cards: &[u64], memory: u64) -> Machine {
        let cards: Vec<u64> = cards.iter().map(|card| card * GIB).collect();
        Machine::simulated(&cards, Some(memory * GIB))
    }

    /// Quantizations of a model of 32 billion parameters.
    const QUANTIZATIONS: [(&str, u64); 9] = [
        ("m-IQ1_S.gguf", 7),
        ("m-IQ2_M.gguf", 11),
        ("m-Q3_K_M.gguf", 15),
        ("m-Q4_0.gguf", 18),
        ("m-Q4_K_M.gguf", 19),
        ("m-Q5_K_M.gguf", 23),
        ("m-Q6_K.gguf", 26),
        ("m-Q8_0.gguf", 34),
        ("m-BF16.gguf", 64),
    ];

    #[test]
    fn types_are_ordered_by_quality() {
        for (less, more) in [
            ("IQ1_S", "IQ2_XXS"),
            ("Q2_K", "IQ3_XXS"),
            ("IQ4_XS", "Q4_K_S"),
            ("Q4_0", "IQ4_NL"),
            ("Q4_0", "Q4_1"),
            ("Q4_K_M", "UD-Q4_K_M"),
            ("UD-Q4_K_M", "Q4_K_L"),
            ("UD-Q4_K_XL", "Q5_0"),
            ("Q5_K_M", "i1-Q6_K"),
            ("Q6_K", "Q8_0"),
            ("UD-Q8_K_XL", "F16"),
            ("Q8_0-FFN-IQ4_XS", "Q4_K_M"),
            ("mystery", "TQ1_0"),
            ("IQ4_KS", "Q4_K_M"),
            ("Q3_K_L", "Q4"),
            ("Q8_K_XL", "SOURCE"),
        ] {
            assert!(quality(less) < quality(more), "{less} {more}");
        }
        assert_eq!(quality("Q4_K_M-hip-optimized"), quality("q4_k_m_v2"));
        assert_eq!((quality("Q4_K_MX"), quality("")), (quality("Q4_K"), 0));
    }

    #[test]
    fn the_best_that_fits_is_recommended() {
        let found = models(&QUANTIZATIONS);
        for (cards, memory, wanted) in [
            (&[80_u64][..], 128, "Q8_0"),
            (&[96], 128, "Q8_0"),
            (&[32], 128, "Q6_K"),
            (&[24], 128, "Q4_K_M"),
            (&[20, 20], 128, "Q6_K"),
            (&[16], 16, "Q4_K_M"),
            (&[16], 0, "IQ2_M"),
            (&[18], 64, "Q3_K_M"),
            (&[8], 64, "Q4_K_M"),
            (&[], 64, "Q4_K_M"),
            (&[], 16, "IQ2_M"),
            (&[], 4, "IQ1_S"),
        ] {
            assert_eq!(told(&found, &machine(cards, memory)).unwrap().variant, wanted, "{cards:?} {memory}");
        }
    }

    #[test]
    fn reasons_say_why_with_the_figures_of_the_fit() {
        let found = models(&QUANTIZATIONS);
        let reason = told(&found, &machine(&[32], 64)).unwrap().reason;
        assert!(
            reason.starts_with(
                "Q6_K is the best quality worth its bytes that one card can hold with the context; the GPU has 32 GiB; it needs "
            ),
            "{reason}"
        );
        let reason = recommend(&found, &[]).unwrap().reason;
        assert_eq!(reason, "IQ1_S is the smallest, since none is known to fit");
    }

    #[test]
    fn floats_are_taken_where_there_is_nothing_smaller() {
        let found = models(&[("m-F32.gguf", 16), ("m-BF16.gguf", 8), ("mmproj-F16.gguf", 1)]);
        assert_eq!(told(&found, &machine(&[24], 64)).unwrap().variant, "BF16");
    }

    #[test]
    fn other_weights_are_taken_in_full_and_pipelines_in_half() {
        let wanted = |files: &[(&str, u64)]| told(&models(files), &Machine::default()).map(|found| found.variant);
        assert_eq!(wanted(&[("config.json", 0), ("pytorch_model.bin", 1), ("model.safetensors", 1)]).unwrap(), "safetensors");
        assert_eq!(wanted(&[("config.json", 0), ("pytorch_model.bin", 1), ("model.onnx", 1)]).unwrap(), "pytorch");
        let pipeline = [("model_index.json", 0), ("unet/d.safetensors", 2), ("unet/d.fp16.safetensors", 1)];
        assert_eq!(wanted(&pipeline).unwrap(), "fp16");
    }

    #[test]
    fn of_a_dataset_the_training_split_is_taken() {
        let wanted = |files: &[(&str, u64)]| told(&analysis(RepoKind::Dataset, files), &Machine::default()).map(|found| found.variant);
        assert_eq!(wanted(&[("data/test.parquet", 1), ("data/train.parquet", 9)]).unwrap(), "train");
        assert_eq!(wanted(&[("en/test.parquet", 1), ("en/train.parquet", 9)]).unwrap(), "en/train");
        assert_eq!(wanted(&[("data/test.parquet", 1), ("data/validation.parquet", 9)]), None);
    }

    #[test]
    fn of_several_models_the_largest_that_runs_well_is_taken() {
        let files =
            [("a-1B-Q4_K_M.gguf", 1), ("a-1B-Q8_0.gguf", 2), ("b-14B-Q4_K_M.gguf", 9), ("b-14B-Q8_0.gguf", 15), ("c-70B-Q4_K_M.gguf", 40)];
        let found = models(&files);
        let wanted = |card| told(&found, &machine(&[card], 64)).unwrap().variant;
        assert_eq!((wanted(24), wanted(12), wanted(4)), ("b-14B:Q8_0".to_owned(), "b-14B:Q4_K_M".to_owned(), "a-1B:Q8_0".to_owned()));
    }

    #[test]
    fn of_labels_that_tell_nothing_the_largest_that_fits_is_taken() {
        let found =
            models(&[("m-APEX-Mini.gguf", 4), ("m-APEX-Compact.gguf", 6), ("m-APEX-Quality.gguf", 9), ("m-APEX-I-Quality.gguf", 30)]);
        assert_eq!(told(&found, &machine(&[24], 64)).unwrap().variant, "APEX-QUALITY");
        let found = models(&[("m-MXFP8.gguf", 9), ("m-MXFP6.gguf", 7), ("m-Q2_K.gguf", 3)]);
        assert_eq!(told(&found, &machine(&[24], 64)).unwrap().variant, "MXFP8");
    }

    #[test]
    fn an_only_choice_is_recommended_as_such() {
        let reason = |files: &[(&str, u64)]| told(&models(files), &machine(&[24], 64)).unwrap().reason;
        assert!(
            reason(&[("m-Q4_0.gguf", 1), ("mmproj-F16.gguf", 1)])
                .starts_with("Q4_0 is the only quantization here; the GPU has 24 GiB; it needs ")
        );
        assert!(
            reason(&[("config.json", 0), ("model.safetensors", 1)])
                .starts_with("safetensors is the only format here; the GPU has 24 GiB; it needs ")
        );
        let split = told(&analysis(RepoKind::Dataset, &[("data/train.parquet", 9)]), &Machine::default()).unwrap();
        assert_eq!(split.reason, "train is the only split here");
    }

    #[test]
    fn where_there_is_nothing_to_choose_nothing_is_recommended() {
        for files in [&[][..], &[("README.md", 1)], &[("imatrix.gguf", 1)]] {
            assert_eq!(told(&models(files), &machine(&[24], 64)), None, "{files:?}");
        }
        assert_eq!(told(&analysis(RepoKind::Space, &[("app.py", 1), ("model.safetensors", 1)]), &machine(&[24], 64)), None);
    }
}
