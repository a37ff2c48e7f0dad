//! `prism-studio`: a `diffusers` pipeline, one folder for each component.

use serde_json::json;

use super::Scale;
use super::folder::Folder;
use super::safetensors::{self, Tensor, Type};
use crate::desk::Fault;

/// Writes the repository.
pub fn write(root: &Folder, scale: Scale) -> Result<(), Fault> {
    let facts =
        "downloads = 38022\nlikes = 377\ntrending = 52\ncreated_at = \"2026-02-14T10:20:00Z\"\nlast_modified = \"2026-07-08T09:09:09Z\"\n";
    let repo = root.repo("models/prism-studio/Prism-Diffusion-XS", include_str!("texts/prism.md"), facts)?;
    repo.json(
        "model_index.json",
        &json!({
            "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.35.1", "requires_safety_checker": false,
            "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
        }),
    )?;
    networks(&repo, scale)?;
    repo.below("scheduler")?.json(
        "scheduler_config.json",
        &json!({ "_class_name": "DDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000 }),
    )?;
    let tokenizer = repo.below("tokenizer")?;
    tokenizer.json("vocab.json", &json!({ "a": 0, "b": 1, "ab</w>": 2, "<|startoftext|>": 3, "<|endoftext|>": 4 }))?;
    tokenizer.text("merges.txt", "#version: 0.2\na b</w>\n")?;
    tokenizer.json("tokenizer_config.json", &json!({ "tokenizer_class": "CLIPTokenizer", "model_max_length": 77 }))
}

/// The three networks: their folder, file, configuration and width at full scale.
fn networks(repo: &Folder, scale: Scale) -> Result<(), Fault> {
    let networks = [
        ("unet", "diffusion_pytorch_model", json!({ "_class_name": "UNet2DConditionModel", "sample_size": 64, "in_channels": 4 }), 1152),
        ("vae", "diffusion_pytorch_model", json!({ "_class_name": "AutoencoderKL", "latent_channels": 4, "scaling_factor": 0.18215 }), 512),
        ("text_encoder", "model", json!({ "architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "vocab_size": 5 }), 704),
    ];
    for (name, file, config, width) in networks {
        let width = if scale == Scale::Full { width } else { 64 };
        let layers: Vec<Tensor> = (0..8).map(|layer| Tensor::new(format!("layers.{layer}.weight"), &[width, width], Type::F16)).collect();
        let component = repo.below(name)?;
        component.json("config.json", &config)?;
        safetensors::write(&component, &format!("{file}.safetensors"), &layers)?;
    }
    Ok(())
}
