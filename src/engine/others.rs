//! What other programs keep on this machine, beside the cache.

use super::cache::{Cache, Places};
use super::config::Settings;
use super::host::blocking;
use crate::desk::OtherStore;

/// Where other programs may keep models.
pub(super) fn places(settings: &Settings) -> Places {
    let neighbours = settings.neighbours.clone();
    Places { local_roots: neighbours.lm_studio, ollama: neighbours.ollama, llama_cpp: neighbours.llama_cpp, xet: neighbours.xet }
}

/// What is there. It is only shown, so that the cache is listed without it where reading it fails.
pub(super) async fn read(cache: Cache, places: Places) -> Vec<OtherStore> {
    blocking(move || Ok(cache.others(&places))).await.unwrap_or_else(|fault| {
        tracing::warn!(%fault, "what other programs keep could not be read");
        Vec::new()
    })
}
