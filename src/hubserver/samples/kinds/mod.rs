//! Small repositories of the kinds that the other samples do not show: models quantized in each of the ways that libraries write, and
//! models of sound, pictures and several modalities. As today's tools leave them: what they are stands in `config.json`.
//!
//! Few downloads each, so that they come last in a search, and the same at both scales: a few MB together.

mod modalities;
mod onnx;
mod quantized;

use super::folder::Folder;
use crate::desk::Fault;

/// Writes all of them.
pub fn write(root: &Folder) -> Result<(), Fault> {
    quantized::write(root)?;
    modalities::write(root)?;
    onnx::write(root)
}

/// Makes a model's repository with a card that has this front matter besides the licence.
fn repo(root: &Folder, id: &str, front: &str, downloads: u64) -> Result<Folder, Fault> {
    let name = id.rsplit('/').next().unwrap_or(id);
    let readme =
        format!("---\nlicense: apache-2.0\n{front}---\n# {name}\n\nA sample: its form is that of a real model, its weights are noise.\n");
    let facts = format!(
        "downloads = {downloads}\nlikes = 1\ntrending = 0\ncreated_at = \"2026-04-02T09:00:00Z\"\nlast_modified = \"2026-05-20T14:30:00Z\"\n"
    );
    root.repo(&format!("models/{id}"), &readme, &facts)
}
