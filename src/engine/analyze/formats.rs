//! Weights outside GGUF: one variant for each format and precision, with the small files it needs.

use std::collections::BTreeMap;

use super::companions::Support;
use super::sets::{Set, extension, file_name, folder, stem};
use super::variant_of;
use crate::desk::{RepoFile, Variant};

/// Every format, the most wanted first.
const FORMATS: [&str; 12] =
    ["safetensors", "pytorch", "onnx", "mlx", "openvino", "tensorflow", "flax", "rust", "tflite", "coreml", "nemo", "tensorrt"];
/// The place of `pytorch` among them.
const PYTORCH: usize = 1;
/// Precisions and quantizations that file names end in (`model.fp16.safetensors`, `onnx/model_q4f16.onnx`).
const PRECISIONS: [&str; 18] = [
    "fp32",
    "fp16",
    "f16",
    "bf16",
    "fp8",
    "fp4",
    "int8",
    "uint8",
    "int4",
    "q8",
    "q4",
    "q4f16",
    "q8f16",
    "bnb4",
    "quantized",
    "non_ema",
    "8bit",
    "4bit",
];
/// Beginnings of names that look like PyTorch weights and are a training run's state.
const TRAINING: [&str; 6] = ["training_args", "optimizer", "scheduler", "rng_state", "scaler", "random_states"];

/// The format of weights, in the order in which variants are shown, or `None` for files that are none.
pub(super) fn format(path: &str) -> Option<&'static str> {
    let name = file_name(path).to_ascii_lowercase();
    if TRAINING.iter().any(|beginning| name.starts_with(beginning)) {
        return None;
    }
    Some(match extension(&name).as_str() {
        "data" if name.ends_with(".onnx.data") => "onnx",
        "safetensors" => "safetensors",
        "bin" | "xml" if name.starts_with("openvino") => "openvino",
        "bin" | "pt" | "pth" | "ckpt" => "pytorch",
        "onnx" => "onnx",
        extension if extension.starts_with("onnx_data") => "onnx",
        "h5" | "keras" | "pb" => "tensorflow",
        "msgpack" => "flax",
        "ot" => "rust",
        "tflite" | "litertlm" | "task" => "tflite",
        "mlmodel" | "mlpackage" => "coreml",
        "nemo" => "nemo",
        "npz" => "mlx",
        "engine" => "tensorrt",
        _ => return None,
    })
}

/// The precision that a weight file's name ends in, or an empty text.
fn precision(path: &str) -> &'static str {
    let stem = stem(path).to_ascii_lowercase();
    let named = |word: &&str| stem.strip_suffix(*word).is_some_and(|before| before.ends_with(['.', '_', '-']));
    PRECISIONS.into_iter().find(named).unwrap_or("")
}

/// What sets weights of one repository apart. Its order is the one in which variants are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind<'a> {
    /// Where they belong that are not the model's own: see [`area`].
    area: &'a str,
    /// The format's place in [`FORMATS`].
    rank: usize,
    /// The precision that the name ends in, or an empty text.
    pub precision: &'static str,
}

impl<'a> Kind<'a> {
    /// What kind of weights a file holds, or `None` for other files.
    pub fn of(path: &'a str) -> Option<Self> {
        let format = format(path)?;
        let rank = FORMATS.iter().position(|known| *known == format)?;
        Some(Self { area: area(path), rank, precision: precision(path) })
    }

    /// The kind whose shards an index lists: `model.safetensors.index.json`, also with a precision (`….index.fp16.json`).
    pub fn of_index(path: &'a str) -> Option<Self> {
        let (weights, rest) = path.rsplit_once(".index.")?;
        let own = rest.strip_suffix("json")?.trim_end_matches('.');
        let kind = Self::of(weights)?;
        Some(Self { precision: PRECISIONS.into_iter().find(|word| *word == own).unwrap_or(kind.precision), ..kind })
    }

    /// The format's name.
    pub fn format(self) -> &'static str {
        FORMATS[self.rank]
    }

    /// The folder outside of which nothing belongs to them; empty for the root.
    pub fn folder(self) -> &'a str {
        if self.area == "consolidated" { "" } else { self.area }
    }

    /// The same weights in full precision.
    pub fn in_full(self) -> Self {
        Self { precision: "", ..self }
    }

    /// The same weights in full precision as PyTorch saves them.
    pub fn in_pytorch(self) -> Self {
        Self { rank: PYTORCH, ..self.in_full() }
    }
}

/// Where weights belong that are not the model's own: the folder of an original checkpoint, of a training run's checkpoint or of an
/// adapter; `consolidated` for an original checkpoint beside its conversion.
fn area(path: &str) -> &str {
    let apart = |part: &str| part == "original" || part.starts_with("checkpoint");
    let start = |at: usize| folder(path)[..at].rfind('/').map_or(0, |slash| slash + 1);
    let ends = folder(path).match_indices('/').map(|(at, _)| at).chain([folder(path).len()]);
    let name = file_name(path);
    match ends.into_iter().find(|&end| apart(&path[start(end)..end])) {
        Some(end) => &path[..end],
        None if name.starts_with("adapter_model.") => folder(path),
        None if name.starts_with("consolidated.") => "consolidated",
        None => "",
    }
}

/// Weights by their kind, in the order in which variants are shown.
pub(super) fn by_kind<'a>(sets: impl IntoIterator<Item = &'a Set<'a>>) -> BTreeMap<Kind<'a>, Vec<&'a Set<'a>>> {
    let mut groups: BTreeMap<Kind, Vec<&Set>> = BTreeMap::new();
    for set in sets {
        if let Some(kind) = Kind::of(&set.name) {
            groups.entry(kind).or_default().push(set);
        }
    }
    groups
}

/// One variant for each kind of weights.
pub(super) fn variants(sets: &[Set], files: &[RepoFile]) -> Vec<Variant> {
    let support = Support::of(files);
    by_kind(sets).into_iter().map(|(kind, sets)| variant(kind, &sets, &support)).collect()
}

fn variant(kind: Kind, sets: &[&Set], support: &Support) -> Variant {
    let label = [kind.area, kind.format(), kind.precision].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let own = sets.iter().map(|set| folder(&set.name));
    let around = std::iter::once("").chain(support.modules()).filter(|_| kind.folder().is_empty());
    Variant { companions: support.in_folders(kind, own.chain(around)), ..variant_of(&label, &label, "format", sets) }
}

/// Weights that no config ties together: each set is a choice of its own.
pub(super) fn singles<'a>(sets: impl IntoIterator<Item = &'a Set<'a>>, category: &str) -> Vec<Variant> {
    let weights = sets.into_iter().filter(|set| format(&set.name).is_some());
    weights.map(|set| variant_of(&set.name, file_name(&set.name), category, &[set])).collect()
}
