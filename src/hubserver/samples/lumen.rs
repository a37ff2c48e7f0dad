//! `lumen-research`: a `transformers` checkpoint in shards.

use serde_json::json;

use super::folder::Folder;
use super::llama::Shape;
use super::{Scale, safetensors, tokens};
use crate::desk::Fault;

/// Writes the repository.
pub fn write(root: &Folder, scale: Scale) -> Result<(), Fault> {
    let facts =
        "downloads = 96140\nlikes = 540\ntrending = 64\ncreated_at = \"2026-03-19T08:00:00Z\"\nlast_modified = \"2026-09-15T13:30:45Z\"\n";
    let repo = root.repo("models/lumen-research/Lumen-3B-Base", include_str!("texts/lumen.md"), facts)?;
    let shape = Shape::large(scale);
    safetensors::write_shards(&repo, &shape.tensors(), 3)?;
    tokens::write(&repo, shape.vocabulary())?;
    repo.json("config.json", &shape.config())?;
    repo.json(
        "generation_config.json",
        &json!({ "bos_token_id": 1, "eos_token_id": 2, "do_sample": true, "temperature": 0.6, "top_p": 0.9, "transformers_version": "4.57.1" }),
    )
}
