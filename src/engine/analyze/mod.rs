//! What a repository offers: its kind, and the variants a person can choose from. Pure; knows nothing of downloading.
//!
//! Every file ends up in exactly one variant's own files, among the companions of some variants, or in the rest. Projectors are
//! both, a choice of their own and companions of quantizations; so are weights of a pipeline in full precision, which stand in for missing ones.

mod adapters;
mod assess;
mod companions;
mod encoders;
mod fit;
mod formats;
mod gguf;
pub mod headers;
mod kind;
mod label;
mod pipeline;
mod projectors;
mod recommend;
mod sets;
mod splits;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::hub::RepoInfo;
use crate::desk::{Analysis, RepoFile, RepoKind, RepoRef, RepoType, Variant};
use sets::{Set, sets};

pub use assess::{HeaderFile, Known, assess, header_files};
pub use fit::fit;
pub use recommend::recommend;

/// Small JSON files of a repository by path, as far as they could be read.
pub type Configs = HashMap<String, Value>;

/// The configs that tell what kind of repository it is.
const TELLING: [&str; 4] = ["config.json", "model_index.json", "adapter_config.json", "quantize_config.json"];

/// What libraries call a model's weights.
const CONVENTIONAL: [&str; 4] = ["model.safetensors", "adapter_model.safetensors", "pytorch_model.bin", "adapter_model.bin"];

/// Which small files [`analyze`] wants to see. None where every weight is GGUF: names tell enough.
pub fn wanted_configs(files: &[RepoFile]) -> Vec<&str> {
    if !files.iter().any(|file| formats::format(&file.path).is_some()) {
        return Vec::new();
    }
    files.iter().map(|file| file.path.as_str()).filter(|path| TELLING.contains(path)).collect()
}

/// What a repository offers at the commit in `info`. Missing or odd configs make the answer less precise, never wrong.
pub fn analyze(repo: &RepoRef, info: &RepoInfo, mut files: Vec<RepoFile>, configs: &Configs) -> Analysis {
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let repo_type = kind::repo_type(repo.kind, info, &files, configs);
    let variants = variants(repo_type, &files);
    Analysis {
        repo: repo.clone(),
        commit: info.commit.clone(),
        repo_type,
        access: info.access,
        barrier: None,
        rest: rest(&files, &variants),
        variants,
        files,
        downloads: info.downloads,
        likes: info.likes,
        last_modified: info.last_modified,
        task: info.task.clone(),
        license: info.license.clone(),
        base_models: info.base_models.clone(),
        model: configs.get("config.json").map_or_else(|| info.model.clone(), |config| headers::with_config(info.model.clone(), config)),
    }
}

/// What can be chosen of files that are at hand without anything else being known of their repository.
pub fn grouped(kind: RepoKind, files: &[RepoFile]) -> Vec<Variant> {
    variants(kind::repo_type(kind, &RepoInfo::default(), files, &Configs::new()), files)
}

/// What can be chosen, in the order to show it.
fn variants(repo_type: RepoType, files: &[RepoFile]) -> Vec<Variant> {
    let mut variants = match repo_type {
        RepoType::Dataset => splits::variants(files),
        RepoType::Space => Vec::new(),
        _ => model_variants(repo_type, files),
    };
    if variants.is_empty() && !files.is_empty() {
        let paths = files.iter().map(|file| file.path.clone()).collect();
        variants.push(variant("files", "files", "files", paths, files.iter().map(|file| file.size).sum()));
    }
    make_ids_unique(&mut variants);
    variants
}

/// GGUF first, then weights in other formats.
fn model_variants(repo_type: RepoType, files: &[RepoFile]) -> Vec<Variant> {
    let sets = sets(files);
    let (gguf, others): (Vec<Set>, Vec<Set>) = sets.iter().cloned().partition(|set| gguf::is_gguf(&set.name));
    let mut variants = gguf::variants(&gguf, &sets);
    variants.extend(match repo_type {
        RepoType::Diffusers => pipeline::variants(&others, files),
        _ if is_described(files) => formats::variants(&others, files),
        RepoType::Gguf => formats::singles(&others, "component"),
        _ => formats::singles(&others, "files"),
    });
    set_adapters_apart(&mut variants);
    variants
}

/// An adapter in a folder accompanies the model, where the repository has one; elsewhere it is what people come for.
fn set_adapters_apart(variants: &mut [Variant]) {
    let is_adapter = |variant: &Variant| variant.files.iter().all(|path| adapters::is_saved(path));
    let is_model = |variant: &Variant| matches!(variant.category.as_str(), "quantization" | "format") && !is_adapter(variant);
    if variants.iter().any(is_model) {
        for variant in variants.iter_mut().filter(|variant| is_adapter(variant)) {
            "component".clone_into(&mut variant.category);
        }
    }
}

/// Whether a config, an index or a library's own name for weights says that they belong together.
fn is_described(files: &[RepoFile]) -> bool {
    let tells =
        |path: &str| TELLING.contains(&path) || path.ends_with(".index.json") || CONVENTIONAL.contains(&sets::unsharded(path).as_str());
    files.iter().any(|file| tells(&file.path))
}

fn variant(id: &str, label: &str, category: &str, files: Vec<String>, size: u64) -> Variant {
    Variant {
        id: id.to_owned(),
        label: label.to_owned(),
        model: String::new(),
        category: category.to_owned(),
        files,
        companions: Vec::new(),
        size,
    }
}

/// A variant of these sets.
fn variant_of(id: &str, label: &str, category: &str, sets: &[&Set]) -> Variant {
    let mut files: Vec<String> = sets.iter().flat_map(|set| set.files.iter().map(|file| file.path.clone())).collect();
    files.sort();
    variant(id, label, category, files, sets.iter().map(|set| set.size()).sum())
}

/// A last resort: names that differ in nothing we look at get a number.
fn make_ids_unique(variants: &mut [Variant]) {
    let mut taken: HashSet<String> = HashSet::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for variant in variants {
        let plain = variant.id.clone();
        while !taken.insert(variant.id.clone()) {
            let number = numbers.entry(plain.clone()).or_insert(1);
            *number += 1;
            variant.id = format!("{plain} ({number})");
        }
    }
}

fn rest(files: &[RepoFile], variants: &[Variant]) -> Vec<String> {
    let used: HashSet<&String> = variants.iter().flat_map(|variant| variant.files.iter().chain(&variant.companions)).collect();
    files.iter().map(|file| &file.path).filter(|path| !used.contains(path)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn files(paths: &[&str]) -> Vec<RepoFile> {
        paths.iter().map(|path| RepoFile { path: (*path).to_owned(), size: 10, digest: None, xet_hash: None }).collect()
    }

    fn analysis(paths: &[&str]) -> Analysis {
        let repo = RepoRef::model("org/name".parse().unwrap());
        analyze(&repo, &RepoInfo::default(), files(paths), &Configs::from([("config.json".to_owned(), json!({}))]))
    }

    /// `id: own files + companions`, the files without their folders' common parts.
    fn told(analysis: &Analysis) -> Vec<String> {
        let line = |variant: &Variant| format!("{}: {} + {}", variant.id, variant.files.join(" "), variant.companions.join(" "));
        analysis.variants.iter().map(line).collect()
    }

    #[test]
    fn each_format_comes_with_what_it_needs() {
        let found = analysis(&[
            "1_Pooling/config.json",
            "README.md",
            "config.json",
            "consolidated.safetensors",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "onnx/model.onnx",
            "onnx/model.onnx_data",
            "onnx/model_fp16.onnx",
            "optimizer.pt",
            "original/consolidated.00.pth",
            "original/params.json",
            "runs/checkpoint-9/model.safetensors",
            "pytorch_model.bin",
            "pytorch_model.bin.index.json",
            "tokenizer.json",
            "training_args.bin",
        ]);
        assert_eq!(found.repo_type, RepoType::Transformers);
        assert_eq!(
            told(&found),
            [
                "safetensors: model-00001-of-00002.safetensors model-00002-of-00002.safetensors + 1_Pooling/config.json config.json model.safetensors.index.json tokenizer.json",
                "pytorch: pytorch_model.bin + 1_Pooling/config.json config.json pytorch_model.bin.index.json tokenizer.json",
                "onnx: onnx/model.onnx onnx/model.onnx_data + 1_Pooling/config.json config.json tokenizer.json",
                "onnx-fp16: onnx/model_fp16.onnx + 1_Pooling/config.json config.json tokenizer.json",
                "consolidated-safetensors: consolidated.safetensors + 1_Pooling/config.json config.json tokenizer.json",
                "original-pytorch: original/consolidated.00.pth + original/params.json",
                "runs/checkpoint-9-safetensors: runs/checkpoint-9/model.safetensors + ",
            ]
        );
        assert_eq!(found.rest, ["README.md", "optimizer.pt", "training_args.bin"]);
        assert_eq!(found.variants[0].size, 20);
    }

    #[test]
    fn a_pipeline_comes_in_precisions() {
        let found = analysis(&[
            "image_encoder/model.bin",
            "model_index.json",
            "safety_checker/model.safetensors",
            "scheduler/scheduler_config.json",
            "sd.safetensors",
            "unet/config.json",
            "unet/diffusion.bin",
            "unet/diffusion.fp16.safetensors",
            "unet/diffusion.safetensors",
        ]);
        assert_eq!(found.repo_type, RepoType::Diffusers);
        assert_eq!(
            told(&found),
            [
                "full: safety_checker/model.safetensors unet/diffusion.safetensors + model_index.json scheduler/scheduler_config.json unet/config.json image_encoder/model.bin",
                "fp16: unet/diffusion.fp16.safetensors + model_index.json scheduler/scheduler_config.json unet/config.json safety_checker/model.safetensors image_encoder/model.bin",
                "pytorch: image_encoder/model.bin unet/diffusion.bin + model_index.json scheduler/scheduler_config.json unet/config.json",
                "sd.safetensors: sd.safetensors + ",
            ]
        );
    }

    #[test]
    fn a_checkpoint_of_a_pipeline_keeps_its_files_to_itself() {
        let found = analysis(&[
            "checkpoint-10/unet/config.json",
            "checkpoint-10/unet/diffusion.safetensors",
            "checkpoint-100/unet/config.json",
            "checkpoint-100/unet/diffusion.safetensors",
            "model_index.json",
            "unet/diffusion.bin",
            "unet/diffusion.safetensors",
        ]);
        assert_eq!(
            told(&found)[2..],
            [
                "checkpoint-10-full: checkpoint-10/unet/diffusion.safetensors + checkpoint-10/unet/config.json",
                "checkpoint-100-full: checkpoint-100/unet/diffusion.safetensors + checkpoint-100/unet/config.json",
            ]
        );
    }

    #[test]
    fn names_that_differ_in_nothing_are_numbered() {
        let id = |id: &str| variant(id, id, "files", Vec::new(), 0);
        let mut variants = ["a", "a (2)", "a", "b", "a", "a"].map(id);
        make_ids_unique(&mut variants);
        assert_eq!(variants.map(|variant| variant.id), ["a", "a (2)", "a (3)", "b", "a (4)", "a (5)"]);
    }

    #[test]
    fn weights_that_nothing_ties_together_are_choices_of_their_own() {
        assert_eq!(told(&analysis(&["README.md", "loras/a.safetensors", "loras/b.safetensors"])).len(), 2);
        assert_eq!(told(&analysis(&["model.safetensors", "m-Q4_0.gguf"])), ["Q4_0: m-Q4_0.gguf + ", "safetensors: model.safetensors + "]);
        assert_eq!(told(&analysis(&["a.txt", "b.md"])), ["files: a.txt b.md + "]);
        assert!(analysis(&[]).variants.is_empty());
    }

    #[test]
    fn an_adapter_accompanies_a_model_and_is_a_choice_without_one() {
        let category = |paths: &[&str]| analysis(paths).variants.pop().unwrap().category;
        assert_eq!(category(&["m-Q4_0.gguf", "model.safetensors", "tale/adapter_model.safetensors"]), "component");
        assert_eq!(category(&["adapter_config.json", "adapter_model.safetensors", "old/adapter_model.safetensors"]), "format");
    }

    #[test]
    fn a_projector_is_a_choice_and_comes_along_with_quantizations() {
        let paths = [
            "imatrix.gguf",
            "m-Q4_0.gguf",
            "mmproj-F16-00001-of-00002.gguf",
            "mmproj-F16-00002-of-00002.gguf",
            "mmproj-F32.gguf",
            "mtp-m.gguf",
        ];
        let projector = "mmproj-F16-00001-of-00002.gguf mmproj-F16-00002-of-00002.gguf";
        assert_eq!(
            told(&analysis(&paths)),
            [
                &format!("Q4_0: m-Q4_0.gguf + {projector}"),
                "mtp-m: mtp-m.gguf + ",
                "mmproj-F32: mmproj-F32.gguf + ",
                &format!("mmproj-F16: {projector} + "),
                "imatrix: imatrix.gguf + ",
            ]
        );
    }

    #[test]
    fn an_image_models_encoder_keeps_its_projector() {
        let found =
            analysis(&["Qwen2.5-VL-7B-Q4_0.gguf", "Qwen2.5-VL-7B-mmproj-F16.gguf", "qwen-image-Q4_0.gguf", "qwen_image_vae.safetensors"]);
        assert_eq!(found.variants[0].files, ["qwen-image-Q4_0.gguf"]);
        assert!(found.variants.iter().all(|variant| variant.companions.is_empty()), "{:?}", told(&found));
    }

    #[test]
    fn configs_are_wanted_only_where_they_tell_something() {
        assert_eq!(wanted_configs(&files(&["config.json", "sub/config.json", "model.safetensors", "tokenizer.json"])), ["config.json"]);
        assert!(wanted_configs(&files(&["config.json", "m-Q4_0.gguf"])).is_empty());
    }

    /// Paths made of the words that our rules look at.
    fn paths() -> impl Strategy<Value = Vec<String>> {
        let words = "(model|m|unet|train|data|mmproj|imatrix|Q4_0|q8_0|fp16|original|checkpoint-1|config|onnx|consolidated|00001-of-00002|é|adapter_model|lora|vae|clip|m__debias|m__x)";
        let ends = "(\\.gguf|\\.safetensors|\\.bin|\\.json|\\.index\\.json|\\.onnx|\\.parquet|\\.imatrix|\\.dat|\\.py|\\.md|)";
        let path = format!("({words}[-_./])?{words}[-._/]{words}{ends}");
        let told = "(config\\.json|model_index\\.json|adapter_config\\.json|README\\.md)";
        proptest::collection::vec(
            prop_oneof![4 => proptest::string::string_regex(&path).unwrap(), 1 => proptest::string::string_regex(told).unwrap()],
            0..25,
        )
    }

    proptest! {
        #[test]
        fn no_file_is_lost_and_none_is_in_two_variants(paths in paths(), kind in 0..3_usize, large in 0..25_usize) {
            let mut repo = RepoRef::model("org/name".parse().unwrap());
            repo.kind = crate::desk::RepoKind::ALL[kind];
            let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            paths.sort_unstable();
            paths.dedup();
            let mut files = files(&paths);
            if let Some(file) = files.get_mut(large) {
                file.size *= 1_000;
            }
            let found = analyze(&repo, &RepoInfo::default(), files, &Configs::new());
            let own: Vec<&String> = found.variants.iter().flat_map(|variant| &variant.files).collect();
            let distinct: HashSet<&String> = own.iter().copied().collect();
            prop_assert_eq!(own.len(), distinct.len());
            let companions = found.variants.iter().flat_map(|variant| &variant.companions);
            let covered: HashSet<&String> = distinct.into_iter().chain(companions).chain(&found.rest).collect();
            prop_assert_eq!(covered.len(), paths.len());
            let ids: HashSet<&String> = found.variants.iter().map(|variant| &variant.id).collect();
            prop_assert_eq!(ids.len(), found.variants.len());
        }
    }
}
