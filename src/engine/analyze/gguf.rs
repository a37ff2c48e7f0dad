//! GGUF files as variants: quantizations of one model or several, and what goes with them.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::adapters::Adapters;
use super::encoders::{Encoders, is_vae};
use super::label::{Labelled, parse};
use super::projectors::{MOST, Member, Role, companions};
use super::sets::{Set, extension, file_name, folder, plain_stem};
use super::variant_of;
use crate::desk::Variant;

/// Names of a converter's, not of a model.
const GENERIC_NAMES: [&str; 4] = ["", "model", "ggml-model", "ggml"];
/// How the names of draft models for speculative decoding begin.
const DRAFTS: [&str; 7] = ["mtp", "dflash", "dspark", "eagle", "eagle2", "eagle3", "draft"];
/// How the names of a model's parts begin.
const PARTS: [&str; 3] = ["tokenizer", "vocoder", "vocab"];
/// Folders that hold a model's parts.
const PART_FOLDERS: [&str; 11] =
    ["audio", "tts", "vae", "text_encoder", "text_encoders", "lora", "loras", "adapter", "adapters", "control-vectors", "control_vectors"];

/// Whether a set's name is that of a GGUF file, or of an importance matrix made for one.
pub(super) fn is_gguf(name: &str) -> bool {
    match extension(name).as_str() {
        "gguf" | "imatrix" => true,
        "dat" => name.to_ascii_lowercase().contains("imatrix"),
        _ => false,
    }
}

/// A variant for each set: quantizations by model and size, then drafts, parts, projectors and importance matrices.
///
/// What they are depends on what `all` of the repository's files tell of each other. A projector is a variant of its own, and the right one
/// also a companion of each quantization.
pub(super) fn variants(sets: &[Set], all: &[Set]) -> Vec<Variant> {
    let (adapters, encoders) = (Adapters::of(all), Encoders::of(all));
    let is_part = |set: &Set| adapters.has(set) || encoders.has(set);
    let mut found: Vec<Candidate> = sets.iter().map(|set| Candidate::new(set, is_part(set))).collect();
    tell_apart(&mut found);
    let several = quantized_models(&found).len() > 1;
    found.sort_by(|one, other| one.rank().cmp(&other.rank()));
    let members: Vec<Member> = found.iter().map(|one| one.member(encoders.has(one.set))).collect();
    let projectors = companions(&members);
    let variant = |(one, projector): (&Candidate, Option<usize>)| Variant {
        model: if several { one.model.to_ascii_lowercase() } else { String::new() },
        ..one.variant(projector.map(|at| found[at].set))
    };
    found.iter().zip(projectors).map(variant).collect()
}

/// The models that there are quantizations of.
fn quantized_models(found: &[Candidate]) -> HashSet<String> {
    let quantizations = found.iter().filter(|one| one.category == "quantization");
    quantizations.map(|one| one.model.to_ascii_lowercase()).collect()
}

/// One set on its way to a variant.
struct Candidate<'a> {
    set: &'a Set<'a>,
    category: &'static str,
    label: String,
    model: String,
    id: String,
    after: String,
}

impl<'a> Candidate<'a> {
    fn new(set: &'a Set<'a>, is_part: bool) -> Self {
        let category = match category(&set.name) {
            "quantization" if is_part => "component",
            category => category,
        };
        let stem = plain_stem(&set.name);
        let named = parse(stem);
        let model = model(&set.name, named.as_ref());
        let after = named.as_ref().map(|named| named.after.clone()).unwrap_or_default();
        let label = match category {
            "quantization" => named.or_else(|| folder_label(&set.name)).map_or(stem.to_owned(), |named| named.label),
            "projector" => named.map_or("mmproj".to_owned(), |named| format!("mmproj-{}", named.label)),
            "imatrix" => "imatrix".to_owned(),
            _ => stem.to_owned(),
        };
        Self { set, category, id: label.clone(), label, model, after }
    }

    fn key(&self) -> (&'static str, String) {
        (self.category, self.id.to_ascii_lowercase())
    }

    /// Quantizations first; of one model, smallest first.
    fn rank(&self) -> (usize, &str, u64) {
        let categories = ["quantization", "draft", "component", "projector", "imatrix"];
        let category = categories.iter().position(|category| *category == self.category).unwrap_or(categories.len());
        let model = if self.id == self.label { "" } else { self.model.as_str() };
        (category, model, self.set.size())
    }

    fn member(&self, is_encoder: bool) -> Member<'_> {
        let role = match self.category {
            "quantization" => Role::Model,
            "projector" => Role::Projector,
            _ if is_encoder => Role::Encoder,
            _ => Role::Other,
        };
        Member::new(&self.set.name, role, &self.model)
    }

    /// The variant, with the projector that comes along.
    fn variant(&self, projector: Option<&Set>) -> Variant {
        let files = projector.filter(|set| set.files.len() <= MOST).into_iter().flat_map(|set| &set.files);
        let companions = files.map(|file| file.path.clone()).collect();
        Variant { companions, ..variant_of(&self.id, &self.label, self.category, &[self.set]) }
    }
}

/// Gives sets of the same label different ids: by what stands behind the label, by the model's name, by the path.
///
/// Two sets are never merged: whatever people call them, they are different files.
fn tell_apart(found: &mut [Candidate]) {
    for one in twins(found) {
        let candidate = &mut found[one];
        if candidate.category == "quantization" && !candidate.after.is_empty() {
            candidate.label = format!("{}{}", candidate.label, candidate.after);
            candidate.id.clone_from(&candidate.label);
        }
    }
    let same_model: HashSet<usize> = twins(found).into_iter().collect();
    if ambiguous(found).iter().any(|one| found[*one].category == "quantization" && !same_model.contains(one)) {
        for one in found.iter_mut().filter(|one| one.category == "quantization" && one.label != one.model) {
            one.id = format!("{}:{}", one.model, one.label);
        }
    }
    for one in ambiguous(found) {
        let candidate = &mut found[one];
        let name = &candidate.set.name;
        if candidate.category == "quantization" {
            name[..name.len() - ".gguf".len()].clone_into(&mut candidate.id);
            // What only the folder tells apart may well be two models.
            candidate.model = format!("{}/{}", folder(name), candidate.model);
        } else {
            plain_stem(name).clone_into(&mut candidate.id);
        }
    }
}

/// Which candidates share their id with another.
fn ambiguous(found: &[Candidate]) -> Vec<usize> {
    repeated(found, |one: &Candidate| one.key())
}

/// Which candidates share both id and model with another.
fn twins(found: &[Candidate]) -> Vec<usize> {
    repeated(found, |one| (one.key(), one.model.to_ascii_lowercase()))
}

fn repeated<K: Eq + Hash>(found: &[Candidate], key: impl Fn(&Candidate) -> K) -> Vec<usize> {
    let mut counts: HashMap<K, usize> = HashMap::new();
    for one in found {
        *counts.entry(key(one)).or_default() += 1;
    }
    (0..found.len()).filter(|&one| counts[&key(&found[one])] > 1).collect()
}

/// The label of the nearest folder that has one, for files whose own name has none.
fn folder_label(path: &str) -> Option<Labelled> {
    folder(path).rsplit('/').find_map(parse)
}

/// The model's name before the label; where that is a converter's, the folder's.
fn model(path: &str, named: Option<&Labelled>) -> String {
    let name = named.map_or(plain_stem(path), |named| &named.before).to_ascii_lowercase();
    if !GENERIC_NAMES.contains(&name.as_str()) {
        return named.map_or(plain_stem(path), |named| &named.before).to_owned();
    }
    let folder = file_name(folder(path));
    if folder.is_empty() || parse(folder).is_some() { name } else { folder.to_owned() }
}

/// What a GGUF file is for, from its name and folder.
fn category(path: &str) -> &'static str {
    let name = plain_stem(path).to_ascii_lowercase();
    let folder = file_name(folder(path)).to_ascii_lowercase();
    let pieces: Vec<&str> = name.split(['-', '_', '.']).collect();
    let (first, last) = (pieces[0], pieces[pieces.len() - 1]);
    if extension(path) != "gguf" || first == "imatrix" || folder == "imatrix" || (last == "imatrix" && !made_with_imatrix(&name)) {
        "imatrix"
    } else if pieces.iter().any(|piece| piece.starts_with("mmproj")) || matches!(folder.as_str(), "mmproj" | "vision") {
        "projector"
    } else if DRAFTS.contains(&first) || folder == "mtp" {
        "draft"
    } else if PARTS.contains(&first) || name.starts_with("ggml-vocab") || is_part_folder(&folder) || is_vae(path) {
        "component"
    } else if pieces.contains(&"projector") {
        "projector"
    } else {
        "quantization"
    }
}

fn is_part_folder(folder: &str) -> bool {
    PART_FOLDERS.contains(&folder) || folder.starts_with("token2wav")
}

/// Whether `….Q4_0.imatrix` is a model quantized with the help of an importance matrix, and not the matrix.
fn made_with_imatrix(name: &str) -> bool {
    let before = name.trim_end_matches("imatrix").trim_end_matches(['-', '_', '.']);
    parse(before).is_some_and(|named| named.quantized && named.after.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::sets::sets;
    use super::*;
    use crate::desk::RepoFile;

    /// Ids with their category's first letter and number of files; the size of a file is its place in the list.
    fn told(paths: &[&str]) -> Vec<String> {
        let file =
            |(size, path): (usize, &&str)| RepoFile { path: (*path).to_owned(), size: size as u64 + 1, digest: None, xet_hash: None };
        let files: Vec<RepoFile> = paths.iter().enumerate().map(file).collect();
        let sets = sets(&files);
        let told = variants(&sets, &sets);
        told.iter().map(|variant| format!("{}/{}/{}", variant.id, &variant.category[..1], variant.files.len())).collect()
    }

    #[test]
    fn quantizations_come_by_size_with_projectors_and_matrices_last() {
        let paths = [
            "imatrix.gguf",
            "mmproj-F16.gguf",
            "m-Q4_K_M.gguf",
            "BF16/m-BF16-00001-of-00002.gguf",
            "BF16/m-BF16-00002-of-00002.gguf",
            "mtp-m-Q4_K_M.gguf",
        ];
        assert_eq!(told(&paths), ["Q4_K_M/q/1", "BF16/q/2", "mtp-m-Q4_K_M/d/1", "mmproj-F16/p/1", "imatrix/i/1"]);
    }

    #[test]
    fn a_folder_names_what_the_file_does_not() {
        assert_eq!(told(&["M-F16/M-00001-of-00002.gguf", "M-F16/M-00002-of-00002.gguf", "M-Q8_0/M-Q8_0.gguf"]), ["F16/q/2", "Q8_0/q/1"]);
        assert_eq!(told(&["fp16/m-00001-of-00001.gguf", "x.gguf"]), ["FP16/q/1", "x/q/1"]);
    }

    #[test]
    fn several_models_in_one_repository_keep_apart() {
        let paths = ["a-v1-Q6_K.gguf", "a-v2-Q6_K.gguf", "a-v2-Q4_0.gguf"];
        assert_eq!(told(&paths), ["a-v1:Q6_K/q/1", "a-v2:Q6_K/q/1", "a-v2:Q4_0/q/1"]);
        let folders = ["phi-2/ggml-model-q4_0.gguf", "bert/ggml-model-q4_0.gguf", "bert/ggml-model-f16.gguf"];
        assert_eq!(told(&folders), ["bert:Q4_0/q/1", "bert:F16/q/1", "phi-2:Q4_0/q/1"]);
    }

    #[test]
    fn two_files_of_one_label_are_never_one_variant() {
        assert_eq!(told(&["m-Q4_K_M.gguf", "m-Q4_K_M-hip-optimized.gguf"]), ["Q4_K_M/q/1", "Q4_K_M-hip-optimized/q/1"]);
        assert_eq!(told(&["m.Q4_0.gguf", "m.Q4_0.imatrix.gguf", "m.imatrix.gguf"]), ["Q4_0/q/1", "Q4_0.imatrix/q/1", "imatrix/i/1"]);
        assert_eq!(told(&["m-QAT.Q4_0.gguf", "m.Q4_0.gguf", "m.Q4_0.fast.gguf"]), ["m:Q4_0/q/1", "m:Q4_0.fast/q/1", "m-QAT:Q4_0/q/1"]);
        assert_eq!(told(&["m.gguf", "models/m.gguf"]), ["m/q/1", "models/m/q/1"]);
        assert_eq!(told(&["m-Q4_0.gguf", "m-Q8_0.gguf", "split/m-q8_0.gguf"]), ["Q4_0/q/1", "m-Q8_0/q/1", "split/m-q8_0/q/1"]);
        assert_eq!(told(&["mmproj-a-f16.gguf", "mmproj-b-f16.gguf"]), ["mmproj-a-f16/p/1", "mmproj-b-f16/p/1"]);
    }

    #[test]
    fn companions_of_every_name_are_no_quantizations() {
        for (path, wanted) in [
            ("M.mmproj-Q8_0.gguf", "projector"),
            ("gemma-it-mmproj.gguf", "projector"),
            ("M-BF16-mmproj.gguf", "projector"),
            ("qwen2-audio-projector.gguf", "projector"),
            ("vision/M-vision-F16.gguf", "projector"),
            ("imatrix-fp16.gguf", "imatrix"),
            ("imatrix-M-BF16-mainline.gguf", "imatrix"),
            ("imatrix_unsloth.dat", "imatrix"),
            ("M-imatrix.gguf", "imatrix"),
            ("M-BF16.imatrix.gguf", "imatrix"),
            ("imatrix/code-final.gguf", "imatrix"),
            ("M-Q4_K_M-imat.gguf", "quantization"),
            ("M.Q4_0.imatrix.gguf", "quantization"),
            ("eagle3-gpt-oss-20b-BF16.gguf", "draft"),
            ("MTP/mtp-M-Q4_0.gguf", "draft"),
            ("M-MTP-IQ4_KS.gguf", "quantization"),
            ("tokenizer-M-F16.gguf", "component"),
            ("ggml-vocab-gemma.gguf", "component"),
            ("token2wav-gguf/flow.gguf", "component"),
            ("tts/M-projector-F16.gguf", "component"),
            ("audio/mmproj-M-F16.gguf", "projector"),
            ("loras/M-F16.gguf", "component"),
            ("image_vae-F16.gguf", "component"),
        ] {
            assert_eq!(category(path), wanted, "{path}");
        }
    }
}
