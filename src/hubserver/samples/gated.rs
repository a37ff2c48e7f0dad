//! Two gated repositories: one whose owner grants access, one that opens to everybody who accepts its terms.

use super::folder::Folder;
use super::gguf;
use super::llama::Shape;
use super::quant::RECIPES;
use super::{Scale, safetensors, tokens};
use crate::desk::Fault;

/// Writes both.
pub fn write(root: &Folder, scale: Scale) -> Result<(), Fault> {
    manual(root, scale)?;
    automatic(root, scale)
}

fn manual(root: &Folder, scale: Scale) -> Result<(), Fault> {
    let facts = "gated = \"manual\"\ndownloads = 51877\nlikes = 1203\ntrending = 88\ncreated_at = \"2026-05-07T15:00:00Z\"\nlast_modified = \"2026-10-02T18:11:30Z\"\n";
    let repo = root.repo("models/helios-systems/Helios-7B-Instruct", include_str!("texts/helios.md"), facts)?;
    let shape = Shape::small(scale);
    safetensors::write(&repo, "model.safetensors", &shape.tensors())?;
    tokens::write(&repo, shape.vocabulary())?;
    repo.json("config.json", &shape.config())
}

fn automatic(root: &Folder, scale: Scale) -> Result<(), Fault> {
    let facts = "gated = \"auto\"\ndownloads = 20418\nlikes = 266\ntrending = 40\ncreated_at = \"2026-07-21T06:45:00Z\"\nlast_modified = \"2026-08-30T20:05:00Z\"\n";
    let repo = root.repo("models/meridian-models/Meridian-3B-Code-GGUF", include_str!("texts/meridian.md"), facts)?;
    let shape = Shape::small(scale);
    for recipe in RECIPES.iter().filter(|recipe| matches!(recipe.label, "Q4_K_M" | "Q6_K" | "Q8_0")) {
        let metadata = shape.gguf_metadata("Meridian 3B Code", "other", recipe);
        gguf::write(&repo, &format!("Meridian-3B-Code-{}.gguf", recipe.label), &metadata, &shape.gguf_tensors(recipe))?;
    }
    Ok(())
}
