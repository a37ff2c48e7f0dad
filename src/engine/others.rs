//! Where other programs may keep models on this machine.

use super::cache::Places;
use super::config::Settings;

/// The places that the settings know of.
pub(super) fn places(settings: &Settings) -> Places {
    let neighbours = settings.neighbours.clone();
    Places { local_roots: neighbours.lm_studio, ollama: neighbours.ollama, llama_cpp: neighbours.llama_cpp, xet: neighbours.xet }
}
