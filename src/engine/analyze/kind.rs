//! What kind of repository it is.

use serde_json::Value;

use super::Configs;
use super::formats::format;
use super::gguf::is_gguf;
use super::sets::{Set, sets};
use crate::desk::{RepoFile, RepoKind, RepoType};
use crate::engine::hub::RepoInfo;

/// Tasks of the Hub that speak of sound.
const AUDIO_TASKS: [&str; 7] = [
    "automatic-speech-recognition",
    "text-to-speech",
    "text-to-audio",
    "audio-to-audio",
    "audio-classification",
    "voice-activity-detection",
    "text-to-music",
];
/// Tasks of the Hub that speak of pictures.
const VISION_TASKS: [&str; 11] = [
    "image-classification",
    "object-detection",
    "image-segmentation",
    "depth-estimation",
    "image-feature-extraction",
    "image-to-image",
    "mask-generation",
    "zero-shot-object-detection",
    "video-classification",
    "keypoint-detection",
    "unconditional-image-generation",
];
/// Tasks of the Hub that speak of several modalities.
const MULTIMODAL_TASKS: [&str; 8] = [
    "image-text-to-text",
    "any-to-any",
    "video-text-to-text",
    "audio-text-to-text",
    "visual-question-answering",
    "image-to-text",
    "zero-shot-image-classification",
    "document-question-answering",
];

/// The kind, from the files' names, the small configs and what the Hub tells.
pub(super) fn repo_type(kind: RepoKind, info: &RepoInfo, files: &[RepoFile], configs: &Configs) -> RepoType {
    match kind {
        RepoKind::Dataset => return RepoType::Dataset,
        RepoKind::Space | RepoKind::Kernel => return RepoType::Space, // nothing of either is chosen by variants
        RepoKind::Model => {}
    }
    let (gguf, others) = weights(files);
    let has = |path: &str| files.iter().any(|file| file.path == path);
    let config = configs.get("config.json").unwrap_or(&Value::Null);
    if gguf_dominates(&gguf, &others) {
        RepoType::Gguf
    } else if has("model_index.json") {
        RepoType::Diffusers
    } else if has("adapter_config.json") || is_loose_adapter(files, info) {
        RepoType::Lora
    } else if let Some(quantized) = quantized(config, configs.get("quantize_config.json"), info) {
        quantized
    } else if !others.is_empty() && others.iter().all(|set| format(&set.name) == Some("onnx")) {
        RepoType::Onnx
    } else {
        modality(config, info).unwrap_or(if has("config.json") && !others.is_empty() { RepoType::Transformers } else { RepoType::Generic })
    }
}

/// The weights of a repository: GGUF, and all others.
fn weights(files: &[RepoFile]) -> (Vec<Set<'_>>, Vec<Set<'_>>) {
    let weights = sets(files).into_iter().filter(|set| is_gguf(&set.name) || format(&set.name).is_some());
    weights.partition(|set| is_gguf(&set.name))
}

/// One GGUF file beside a model's own weights does not make a GGUF repository, however large it is.
fn gguf_dominates(gguf: &[Set], others: &[Set]) -> bool {
    let size = |sets: &[Set]| sets.iter().map(Set::size).sum::<u64>();
    match (gguf.len(), others.len()) {
        (0, _) => false,
        (_, 0) => true,
        (1, _) => false,
        _ => size(gguf) > size(others),
    }
}

/// Whether weights without a config are an adapter, as `diffusers` saves them or the author says.
fn is_loose_adapter(files: &[RepoFile], info: &RepoInfo) -> bool {
    let has = |path: &str| files.iter().any(|file| file.path == path);
    !has("config.json") && (has("pytorch_lora_weights.safetensors") || tagged(info, "lora"))
}

fn tagged(info: &RepoInfo, tag: &str) -> bool {
    info.tags.iter().any(|one| one.eq_ignore_ascii_case(tag))
}

/// How the weights are quantized, where a config or a tag says so.
fn quantized(config: &Value, legacy: Option<&Value>, info: &RepoInfo) -> Option<RepoType> {
    let stated = [&config["quantization_config"], &config["text_config"]["quantization_config"]];
    let stated = stated.into_iter().find(|stated| stated.is_object()).unwrap_or(&Value::Null);
    let legacy_method = legacy.map(|legacy| legacy["quant_method"].as_str().unwrap_or("gptq"));
    let method = stated["quant_method"].as_str().or(legacy_method).map(str::to_ascii_lowercase);
    match method.as_deref() {
        Some("gptq") => Some(RepoType::Gptq),
        Some("awq") => Some(RepoType::Awq),
        Some("exl2" | "exl3") => Some(RepoType::Exl),
        Some("bitsandbytes") => Some(RepoType::Bitsandbytes),
        Some("fp8" | "fbgemm_fp8") => Some(RepoType::Fp8),
        Some("compressed-tensors" | "modelopt") if is_in_8_bit_floats(stated) => Some(RepoType::Fp8),
        Some("auto-round") if is_packed_as(stated, "gptq") => Some(RepoType::Gptq),
        Some("auto-round") if is_packed_as(stated, "awq") => Some(RepoType::Awq),
        // Older configs name no method.
        None if stated["load_in_4bit"] == true || stated["load_in_8bit"] == true => Some(RepoType::Bitsandbytes),
        _ if info.library.as_deref() == Some("mlx") || tagged(info, "mlx") => Some(RepoType::Mlx),
        // <https://github.com/ml-explore/mlx-lm/blob/main/mlx_lm/utils.py>
        None if config["quantization"]["group_size"].is_u64() => Some(RepoType::Mlx),
        _ if tagged(info, "exl2") || tagged(info, "exl3") => Some(RepoType::Exl),
        _ => None,
    }
}

/// Whether a method that has several says that this one is FP8: by its name, or by what each group of layers is stored as.
fn is_in_8_bit_floats(stated: &Value) -> bool {
    let named = stated["format"] == "float-quantized" || stated["quant_algo"].as_str().is_some_and(|name| name.starts_with("FP8"));
    let floats = |group: &Value| group["weights"]["type"] == "float" && group["weights"]["num_bits"] == 8;
    named || stated["config_groups"].as_object().is_some_and(|groups| !groups.is_empty() && groups.values().all(floats))
}

/// How AutoRound packs weights: `auto_round:auto_gptq`.
fn is_packed_as(stated: &Value, method: &str) -> bool {
    stated["packing_format"].as_str().is_some_and(|format| format.contains(method))
}

/// The modality that a config's parts or the Hub's task name; text is none.
fn modality(config: &Value, info: &RepoInfo) -> Option<RepoType> {
    let part = |name: &str| config[name].is_object();
    let task = info.task.as_deref().unwrap_or("");
    // A model of pictures alone does not set them apart; some language models that see keep their own part at the top.
    if part("vision_config") || (part("audio_config") && part("text_config")) || MULTIMODAL_TASKS.contains(&task) {
        Some(RepoType::Multimodal)
    } else if AUDIO_TASKS.contains(&task)
        || matches!(config["model_type"].as_str(), Some("whisper" | "wav2vec2" | "hubert" | "encodec" | "bark" | "musicgen"))
    {
        Some(RepoType::Audio)
    } else if VISION_TASKS.contains(&task)
        || matches!(config["model_type"].as_str(), Some("vit" | "swin" | "dinov2" | "detr" | "convnext" | "segformer"))
    {
        Some(RepoType::Vision)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn files(paths: &[&str]) -> Vec<RepoFile> {
        paths.iter().map(|path| RepoFile { path: (*path).to_owned(), size: 10, digest: None, xet_hash: None }).collect()
    }

    fn told(paths: &[&str], config: Value, info: &RepoInfo) -> RepoType {
        repo_type(RepoKind::Model, info, &files(paths), &Configs::from([("config.json".to_owned(), config)]))
    }

    #[test]
    fn one_stray_gguf_does_not_turn_a_repository() {
        let plain = RepoInfo::default();
        let mixed = ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "gemma.gguf"];
        assert_eq!(told(&mixed, json!({}), &plain), RepoType::Transformers);
        assert_eq!(told(&["config.json", "m-Q4_0.gguf"], json!({}), &plain), RepoType::Gguf);
        assert_eq!(told(&["config.json", "model.safetensors", "m-Q4_0.gguf", "m-Q8_0.gguf"], json!({}), &plain), RepoType::Gguf);
    }

    #[test]
    fn quantization_methods_are_read_from_the_config() {
        let weights = ["config.json", "model.safetensors"];
        for (method, wanted) in [
            ("gptq", RepoType::Gptq),
            ("awq", RepoType::Awq),
            ("fp8", RepoType::Fp8),
            ("bitsandbytes", RepoType::Bitsandbytes),
            ("exl3", RepoType::Exl),
            ("unheard-of", RepoType::Transformers),
        ] {
            assert_eq!(told(&weights, json!({"quantization_config": {"quant_method": method}}), &RepoInfo::default()), wanted);
        }
        for (config, wanted) in [
            (json!({"quant_method": "compressed-tensors", "format": "float-quantized"}), RepoType::Fp8),
            (
                json!({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"type": "float", "num_bits": 8}}}}),
                RepoType::Fp8,
            ),
            (
                json!({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"type": "int", "num_bits": 4}}}}),
                RepoType::Transformers,
            ),
            (json!({"quant_method": "modelopt", "quant_algo": "FP8"}), RepoType::Fp8),
            (json!({"quant_method": "modelopt", "quant_algo": "NVFP4"}), RepoType::Transformers),
            (json!({"quant_method": "auto-round", "packing_format": "auto_round:auto_gptq"}), RepoType::Gptq),
            (json!({"quant_method": "auto-round", "packing_format": "auto_round:auto_awq"}), RepoType::Awq),
            (json!({"load_in_4bit": true}), RepoType::Bitsandbytes),
        ] {
            assert_eq!(told(&weights, json!({"quantization_config": config}), &RepoInfo::default()), wanted, "{config}");
        }
        let inner = json!({"vision_config": {}, "text_config": {"quantization_config": {"quant_method": "awq"}}});
        assert_eq!(told(&weights, inner, &RepoInfo::default()), RepoType::Awq);
        let group = json!({"group_size": 64, "bits": 4});
        let twice = json!({"quantization": group, "quantization_config": group});
        assert_eq!(told(&weights, twice, &RepoInfo::default()), RepoType::Mlx);
        let mlx = RepoInfo { library: Some("mlx".into()), ..RepoInfo::default() };
        assert_eq!(told(&weights, json!({}), &mlx), RepoType::Mlx);
    }

    #[test]
    fn files_and_modalities_tell_the_rest() {
        let plain = RepoInfo::default();
        let task = |task: &str| RepoInfo { task: Some(task.into()), ..RepoInfo::default() };
        let weights = ["config.json", "model.safetensors"];
        assert_eq!(told(&["model_index.json", "unet/x.safetensors"], Value::Null, &plain), RepoType::Diffusers);
        assert_eq!(told(&["adapter_config.json", "adapter_model.safetensors"], Value::Null, &plain), RepoType::Lora);
        let lora = RepoInfo { tags: vec!["LoRA".into()], ..RepoInfo::default() };
        assert_eq!(told(&["style.safetensors"], Value::Null, &lora), RepoType::Lora);
        assert_eq!(told(&["pytorch_lora_weights.safetensors"], Value::Null, &task("text-to-image")), RepoType::Lora);
        assert_eq!(told(&weights, json!({}), &lora), RepoType::Transformers, "a merged model keeps the tag");
        assert_eq!(told(&["config.json", "onnx/model.onnx", "onnx/model.onnx_data"], json!({}), &plain), RepoType::Onnx);
        assert_eq!(told(&weights, json!({"vision_config": {}, "text_config": {}}), &plain), RepoType::Multimodal);
        assert_eq!(told(&weights, json!({"model_type": "qwen2_5_vl", "vision_config": {}}), &plain), RepoType::Multimodal);
        assert_eq!(told(&weights, json!({"model_type": "whisper"}), &plain), RepoType::Audio);
        assert_eq!(told(&weights, json!({}), &task("image-classification")), RepoType::Vision);
        assert_eq!(told(&weights, json!([1]), &plain), RepoType::Transformers);
        assert_eq!(told(&["a.safetensors"], Value::Null, &plain), RepoType::Generic);
        assert_eq!(repo_type(RepoKind::Dataset, &plain, &files(&["a.gguf"]), &Configs::new()), RepoType::Dataset);
    }
}
