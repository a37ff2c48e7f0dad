//! What each variant needs in a scenario, from what is known of its model. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::recommend::recommend;
use super::{fit, formats, gguf};
use crate::desk::{Analysis, Assessed, Assessment, Fit, Machine, ModelFacts, RepoFile, RepoType, Scenario, Variant};

/// The most headers that are worth a request each: models of one repository, or shards of one model.
const MOST_HEADERS: usize = 8;

/// Tasks whose models read their input at once and keep nothing of it: <https://huggingface.co/tasks>.
const READING_TASKS: [&str; 9] = [
    "sentence-similarity",
    "feature-extraction",
    "fill-mask",
    "text-classification",
    "token-classification",
    "text-ranking",
    "zero-shot-classification",
    "image-classification",
    "image-feature-extraction",
];

/// A file whose header tells of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderFile<'a> {
    /// Which of the repository's models, as [`Variant::model`] has it.
    pub model: &'a str,
    /// The file.
    pub file: &'a RepoFile,
    /// Whether all of the model's tensors are in it.
    pub whole: bool,
}

/// What is known of each model of a repository, by the name that [`HeaderFile::model`] has for it.
pub type Known = BTreeMap<String, ModelFacts>;

/// The files whose headers tell more than the Hub has told: of each GGUF model the smallest variant's first shard, of safetensors every
/// shard of the first variant where nobody has counted parameters.
pub fn header_files(analysis: &Analysis) -> Vec<HeaderFile<'_>> {
    let found = quantized(analysis);
    if found.is_empty() && analysis.model.parameters.is_none() { safetensors(analysis) } else { found }
}

fn quantized(analysis: &Analysis) -> Vec<HeaderFile<'_>> {
    let mut smallest: BTreeMap<&str, &Variant> = BTreeMap::new();
    for variant in analysis.variants.iter().filter(|variant| variant.category == "quantization") {
        // A file in one piece tells of all tensors.
        let rank = |variant: &Variant| (variant.files.len() > 1, variant.size);
        let best = smallest.entry(variant.model.as_str()).or_insert(variant);
        if rank(variant) < rank(best) {
            *best = variant;
        }
    }
    let header = |(model, variant): (_, &Variant)| {
        let file = analysis.file(variant.files.first()?)?;
        Some(HeaderFile { model, file, whole: variant.files.len() == 1 })
    };
    smallest.into_iter().filter_map(header).take(MOST_HEADERS).collect()
}

fn safetensors(analysis: &Analysis) -> Vec<HeaderFile<'_>> {
    let is_safe = |path: &String| formats::format(path) == Some("safetensors");
    let first = analysis.variants.iter().find(|variant| variant.category == "format" && variant.files.iter().all(is_safe));
    let shards = first.filter(|variant| variant.files.len() <= MOST_HEADERS).map_or(&[][..], |variant| &variant.files);
    shards.iter().filter_map(|path| analysis.file(path)).map(|file| HeaderFile { model: "", file, whole: true }).collect()
}

/// What every variant needs in the scenario, and which one to take.
pub fn assess(analysis: &Analysis, known: &Known, machine: Machine, scenario: &Scenario) -> Assessment {
    let models = models(analysis, known);
    let facts = |variant: &Variant| models.get(variant.model.as_str()).unwrap_or(&analysis.model);
    let assessed = |variant: &Variant| {
        let facts = facts(variant);
        let context = context(analysis, facts, known.contains_key(&variant.model), scenario.context);
        let need = |weights| fit(&machine, weights, Some(facts), context, scenario.cache_type);
        let bits_per_weight = weights(analysis, variant).and_then(|_| bits(variant.size, facts.parameters));
        Assessed { variant: variant.id.clone(), fit: weights(analysis, variant).map(need), bits_per_weight }
    };
    let variants: Vec<Assessed> = analysis.variants.iter().map(assessed).collect();
    let fits: Vec<Option<&Fit>> = variants.iter().map(|assessed| assessed.fit.as_ref()).collect();
    let recommended = recommend(analysis, &fits);
    let shown = recommended.as_ref().and_then(|recommended| analysis.variant(&recommended.variant)).or(analysis.variants.first());
    let model = shown.map_or(&analysis.model, facts).clone();
    let is_read = shown.is_some_and(|variant| known.contains_key(&variant.model));
    let (commit, cache_type) = (analysis.commit.clone(), scenario.cache_type);
    Assessment { commit, context: context(analysis, &model, is_read, scenario.context), cache_type, model, variants, recommended, machine }
}

/// What is known of each model that a variant is of.
fn models<'a>(analysis: &'a Analysis, known: &Known) -> BTreeMap<&'a str, ModelFacts> {
    let names: BTreeSet<&str> = analysis.variants.iter().map(|variant| variant.model.as_str()).collect();
    names.into_iter().map(|name| (name, facts(analysis, known, name))).collect()
}

/// What a header tells, and where it does not, what the Hub does; the Hub tells of one model only.
///
/// Where several weights are packed into one element of a tensor, counting elements tells nothing of parameters.
fn facts(analysis: &Analysis, known: &Known, model: &str) -> ModelFacts {
    let header = known.get(model).cloned().unwrap_or_default();
    let facts = if model.is_empty() { header.or(&analysis.model) } else { header };
    match analysis.repo_type {
        RepoType::Gptq | RepoType::Awq | RepoType::Exl | RepoType::Mlx | RepoType::Bitsandbytes => ModelFacts { parameters: None, ..facts },
        _ => facts,
    }
}

/// Tokens of context that count: none for a model that keeps none, and no more than it was trained for.
fn context(analysis: &Analysis, facts: &ModelFacts, is_read: bool, wanted: u64) -> u64 {
    let keeps = match analysis.repo_type {
        RepoType::Dataset | RepoType::Space | RepoType::Lora | RepoType::Vision => false,
        _ if analysis.task.as_deref().is_some_and(|task| READING_TASKS.contains(&task)) => false,
        RepoType::Diffusers | RepoType::Audio | RepoType::Onnx => !facts.layers.is_empty(),
        // A language model's header tells its layers; one that tells of none makes pictures or sounds.
        RepoType::Gguf if facts.architecture.is_some() && is_read => !facts.layers.is_empty(),
        _ => true,
    };
    if keeps { facts.context_length.filter(|most| *most > 0).map_or(wanted, |most| wanted.min(most)) } else { 0 }
}

/// Bytes of weights that run together: the variant's own and those that come along. `None` for what is no model by itself.
fn weights(analysis: &Analysis, variant: &Variant) -> Option<u64> {
    let runs = match variant.category.as_str() {
        "quantization" => true,
        "format" => !matches!(analysis.repo_type, RepoType::Lora | RepoType::Dataset | RepoType::Space),
        _ => false,
    };
    let is_weight = |path: &&String| gguf::is_gguf(path) || formats::format(path).is_some();
    let along = variant.companions.iter().filter(is_weight).filter_map(|path| analysis.file(path)).map(|file| file.size);
    runs.then(|| along.fold(variant.size, u64::saturating_add))
}

/// Bits that each parameter takes, to a hundredth.
fn bits(size: u64, parameters: Option<u64>) -> Option<f64> {
    let parameters = parameters.filter(|parameters| *parameters > 0)?;
    Some((size as f64 * 800.0 / parameters as f64).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::super::{Configs, RepoInfo, analyze};
    use super::*;
    use crate::desk::{FitVerdict, LayerCache, RepoRef};

    const GIB: u64 = 1 << 30;

    fn analysis(info: &RepoInfo, files: &[(&str, u64)], config: Option<serde_json::Value>) -> Analysis {
        let file = |(path, size): &(&str, u64)| RepoFile { path: (*path).to_owned(), size: *size, digest: None, xet_hash: None };
        let configs: Configs = config.into_iter().map(|config| ("config.json".to_owned(), config)).collect();
        analyze(&RepoRef::model("org/name".parse().unwrap()), info, files.iter().map(file).collect(), &configs)
    }

    fn told(analysis: &Analysis) -> Vec<(&str, &str, bool)> {
        header_files(analysis).into_iter().map(|header| (header.model, header.file.path.as_str(), header.whole)).collect()
    }

    fn card(gib: u64) -> Machine {
        Machine::simulated(&[gib * GIB], Some(64 * GIB))
    }

    #[test]
    fn one_header_is_read_for_each_model() {
        let info = RepoInfo::default();
        let one = [("m-Q4_0.gguf", 5), ("m-Q8_0-00001-of-00002.gguf", 1), ("m-Q8_0-00002-of-00002.gguf", 1), ("mmproj-F16.gguf", 1)];
        assert_eq!(told(&analysis(&info, &one, None)), [("", "m-Q4_0.gguf", true)]);
        assert_eq!(told(&analysis(&info, &one[1..], None)), [("", "m-Q8_0-00001-of-00002.gguf", false)]);
        let two = [("a-1B-Q4_0.gguf", 5), ("a-1B-Q8_0.gguf", 9), ("b-7B-Q4_0.gguf", 30), ("b-7B-Q8_0.gguf", 60)];
        assert_eq!(told(&analysis(&info, &two, None)), [("a-1b", "a-1B-Q4_0.gguf", true), ("b-7b", "b-7B-Q4_0.gguf", true)]);
        // Labels that differ, none at all, and the same in two folders.
        for two in [["tiny-1B-Q8_0.gguf", "big-70B-Q4_K_M.gguf"], ["a-7b.gguf", "b-70b.gguf"], ["13B/m-Q4_0.gguf", "7B/m-Q4_0.gguf"]] {
            assert_eq!(told(&analysis(&info, &two.map(|path| (path, 5)), None)).len(), 2, "{two:?}");
        }
    }

    #[test]
    fn safetensors_are_read_where_nobody_has_counted() {
        let files = [("config.json", 1), ("model-00001-of-00002.safetensors", 8), ("model-00002-of-00002.safetensors", 8)];
        let mut info = RepoInfo::default();
        assert_eq!(told(&analysis(&info, &files, None)).len(), 2);
        info.model.parameters = Some(8);
        assert!(told(&analysis(&info, &files, None)).is_empty());
        assert!(told(&analysis(&RepoInfo::default(), &[("app.bin", 1)], None)).is_empty());
    }

    #[test]
    fn every_variant_that_runs_is_assessed_by_its_true_size() {
        let mut info = RepoInfo::default();
        info.model.parameters = Some(8 * GIB);
        let files = [("m-Q4_0.gguf", 5 * GIB), ("m-Q8_0.gguf", 9 * GIB), ("imatrix.gguf", 9)];
        let found = analysis(&info, &files, None);
        let told = assess(&found, &Known::new(), card(8), &Scenario::default());
        let verdicts: Vec<Option<FitVerdict>> = told.variants.iter().map(|one| one.fit.as_ref().map(|fit| fit.verdict)).collect();
        assert_eq!(verdicts[0], Some(FitVerdict::OneGpu));
        assert!(matches!(verdicts[1], Some(FitVerdict::Offload { .. })) && verdicts[2].is_none());
        assert_eq!(told.variants[0].bits_per_weight, Some(5.0));
        assert_eq!((told.variants[2].bits_per_weight, told.context), (None, 8192));
        assert!(told.of("Q8_0").is_some() && told.recommends("Q4_0"), "{:?}", told.recommended);
    }

    #[test]
    fn a_header_wins_over_what_the_hub_tells_and_bounds_the_context() {
        let mut info = RepoInfo::default();
        info.model.parameters = Some(8);
        info.model.context_length = Some(100);
        let found = analysis(&info, &[("m-Q4_0.gguf", 5 * GIB), ("m-Q8_0.gguf", 9 * GIB)], None);
        let layers = vec![LayerCache { keys: 64, values: 64, window: None }];
        let header = ModelFacts { context_length: Some(2048), architecture: Some("llama".to_owned()), layers, ..ModelFacts::default() };
        let told = assess(&found, &Known::from([(String::new(), header)]), card(24), &Scenario::default());
        assert_eq!((told.context, told.model.parameters), (2048, Some(8)));
        assert_eq!(told.model.architecture.as_deref(), Some("llama"));
    }

    #[test]
    fn a_header_without_layers_is_no_language_models() {
        let found = analysis(&RepoInfo::default(), &[("flux-Q4_0.gguf", 5 * GIB), ("flux-Q8_0.gguf", 9 * GIB)], None);
        let header = ModelFacts { architecture: Some("flux".to_owned()), ..ModelFacts::default() };
        let cache = |known: &Known| assess(&found, known, card(24), &Scenario::default()).variants[0].fit.clone().unwrap().cache;
        assert_eq!(cache(&Known::from([(String::new(), header)])), 0);
        assert!(cache(&Known::new()) > 0, "where no header was read, it may be one");
    }

    #[test]
    fn elements_that_hold_several_weights_count_no_parameters() {
        let mut info = RepoInfo::default();
        info.model.parameters = Some(GIB);
        let config =
            |method: &str| Some(serde_json::json!({"model_type": "llama", "quantization_config": {"quant_method": method, "bits": 4}}));
        let files = [("config.json", 1), ("model.safetensors", 2 * GIB)];
        let bits = |method| {
            let found = analysis(&info, &files, config(method));
            assess(&found, &Known::new(), card(24), &Scenario::default()).variants[0].bits_per_weight
        };
        assert_eq!((bits("gptq"), bits("awq"), bits("fp8")), (None, None, Some(16.0)));
    }

    #[test]
    fn what_keeps_no_context_needs_none() {
        let files = [("model_index.json", 1), ("unet/d.safetensors", 4 * GIB), ("vae/d.safetensors", GIB)];
        let found = analysis(&RepoInfo::default(), &files, None);
        let told = assess(&found, &Known::new(), card(24), &Scenario::default());
        let fit = told.variants[0].fit.as_ref().unwrap();
        assert_eq!((told.context, fit.cache), (0, 0));
        assert!(!fit.reason.contains("context"), "{}", fit.reason);
    }
}
