//! `aurora-labs`: a GGUF repository with many quantizations, a LoRA for the same model, and a space that chats with it.

use serde_json::json;

use super::Scale;
use super::folder::Folder;
use super::gguf::{self, Metadata, Tensor, Value};
use super::llama::Shape;
use super::quant::{F16, F32, RECIPES};
use super::safetensors::{self, Type};
use crate::desk::Fault;

const NAME: &str = "Aurora-8B-Instruct";

/// Writes the three repositories.
pub fn write(root: &Folder, scale: Scale) -> Result<(), Fault> {
    quantizations(root, scale)?;
    adapter(root, scale)?;
    space(root)
}

fn quantizations(root: &Folder, scale: Scale) -> Result<(), Fault> {
    let facts =
        "downloads = 184213\nlikes = 912\ntrending = 96\ncreated_at = \"2026-06-02T09:14:00Z\"\nlast_modified = \"2026-10-28T16:40:12Z\"\n";
    let repo = root.repo("models/aurora-labs/Aurora-8B-Instruct-GGUF", include_str!("texts/aurora-gguf.md"), facts)?;
    let shape = Shape::large(scale);
    for recipe in &RECIPES {
        let (metadata, tensors) = (shape.gguf_metadata("Aurora 8B Instruct", "apache-2.0", recipe), shape.gguf_tensors(recipe));
        let stem = format!("{NAME}-{}", recipe.label);
        match recipe.label {
            "Q8_0" => gguf::write_shards(&repo, &stem, &metadata, &tensors, 2)?,
            "BF16" => gguf::write_shards(&repo.below("BF16")?, &stem, &metadata, &tensors, 2)?,
            _ => gguf::write(&repo, &format!("{stem}.gguf"), &metadata, &tensors)?,
        }
    }
    vision_encoder(&repo, shape)?;
    importance_matrix(&repo, shape)?;
    repo.json("config.json", &shape.config())
}

fn vision_encoder(repo: &Folder, shape: Shape) -> Result<(), Fault> {
    let hidden = shape.hidden();
    let size = u32::try_from(hidden).unwrap_or_default();
    let metadata = entries([
        ("general.architecture", "clip".into()),
        ("general.type", "mmproj".into()),
        ("general.name", "Aurora 8B Instruct vision encoder".into()),
        ("general.file_type", Value::U32(1)),
        ("clip.has_vision_encoder", Value::Bool(true)),
        ("clip.projector_type", "mlp".into()),
        ("clip.vision.image_size", Value::U32(336)),
        ("clip.vision.patch_size", Value::U32(14)),
        ("clip.vision.embedding_length", Value::U32(size)),
        ("clip.vision.block_count", Value::U32(1)),
    ]);
    let tensors = [
        Tensor::new("v.patch_embd.weight", &[14, 14, 3, hidden], F16),
        Tensor::new("v.blk.0.attn_q.weight", &[hidden, hidden], F16),
        Tensor::new("v.blk.0.attn_k.weight", &[hidden, hidden], F16),
        Tensor::new("v.blk.0.attn_v.weight", &[hidden, hidden], F16),
        Tensor::new("v.post_ln.weight", &[hidden], F32),
        Tensor::new("mm.0.weight", &[hidden, hidden], F16),
    ];
    gguf::write(repo, &format!("mmproj-{NAME}-F16.gguf"), &metadata, &tensors)
}

fn importance_matrix(repo: &Folder, shape: Shape) -> Result<(), Fault> {
    let metadata = entries([
        ("general.type", "imatrix".into()),
        ("imatrix.datasets", Value::Texts(vec!["calibration.txt".to_owned()])),
        ("imatrix.chunk_count", Value::U32(64)),
        ("imatrix.chunk_size", Value::U32(512)),
    ]);
    let sums = |block| {
        let name = format!("blk.{block}.attn_q.weight");
        [Tensor::new(format!("{name}.in_sum2"), &[shape.hidden()], F32), Tensor::new(format!("{name}.counts"), &[1], F32)]
    };
    let tensors: Vec<Tensor> = (0..shape.blocks()).flat_map(sums).collect();
    gguf::write(repo, &format!("{NAME}-imatrix.gguf"), &metadata, &tensors)
}

fn entries<const N: usize>(entries: [(&str, Value); N]) -> Metadata {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn adapter(root: &Folder, scale: Scale) -> Result<(), Fault> {
    let facts =
        "downloads = 3120\nlikes = 41\ntrending = 12\ncreated_at = \"2026-08-11T12:00:00Z\"\nlast_modified = \"2026-09-03T07:25:00Z\"\n";
    let repo = root.repo("models/quietforest/aurora-8b-support-lora", include_str!("texts/support-lora.md"), facts)?;
    let (shape, rank) = (Shape::large(scale), 64);
    let matrix = |block, side, size: &[u64]| {
        safetensors::Tensor::new(format!("base_model.model.model.layers.{block}.self_attn.q_proj.lora_{side}.weight"), size, Type::F32)
    };
    let pair = |block| [matrix(block, 'A', &[rank, shape.hidden()]), matrix(block, 'B', &[shape.hidden(), rank])];
    let tensors: Vec<_> = (0..shape.blocks()).flat_map(pair).collect();
    safetensors::write(&repo, "adapter_model.safetensors", &tensors)?;
    repo.json(
        "adapter_config.json",
        &json!({ "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "aurora-labs/Aurora-8B-Instruct",
            "r": rank, "lora_alpha": 128, "lora_dropout": 0.05, "bias": "none", "target_modules": ["q_proj"], "inference_mode": true }),
    )
}

fn space(root: &Folder) -> Result<(), Fault> {
    let facts = "likes = 73\ntrending = 31\ncreated_at = \"2026-06-03T10:00:00Z\"\nlast_modified = \"2026-10-29T11:02:00Z\"\n";
    let repo = root.repo("spaces/aurora-labs/aurora-chat", include_str!("texts/aurora-chat.md"), facts)?;
    repo.text("app.py", include_str!("texts/app.py.txt"))?;
    repo.text("requirements.txt", "gradio==5.49.0\nllama-cpp-python>=0.3\n")
}
