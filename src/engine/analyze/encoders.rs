//! Text encoders: language models that read the prompt for a diffusion model, in one repository with it.

use super::gguf::is_gguf;
use super::sets::{Set, file_name, folder, plain_stem};

/// How the names of encoders begin, after the architectures that loaders take for one, without separators:
/// <https://github.com/city96/ComfyUI-GGUF/blob/main/loader.py>.
const ENCODERS: [&str; 9] = ["t5", "umt5", "clip", "qwen2vl", "qwen2.5vl", "qwen3vl", "gemma2", "gemma3", "llava"];

/// Whether a repository's language models are text encoders.
pub(super) struct Encoders {
    expected: bool,
}

impl Encoders {
    /// They are where a VAE tells of pictures or sound, and another model of what makes them.
    pub fn of(sets: &[Set]) -> Self {
        let is_model = |set: &Set| is_gguf(&set.name) && !is_named(&set.name) && !is_vae(&set.name);
        Self { expected: sets.iter().any(|set| is_vae(&set.name)) && sets.iter().any(is_model) }
    }

    /// Whether a GGUF file is a text encoder.
    pub fn has(&self, set: &Set) -> bool {
        self.expected && is_named(&set.name)
    }
}

/// Whether a file is a diffusion model's autoencoder.
pub(super) fn is_vae(path: &str) -> bool {
    let name = plain_stem(path).to_ascii_lowercase();
    name == "ae" || file_name(folder(path)) == "vae" || name.split(['-', '_', '.']).any(|piece| piece == "vae")
}

fn is_named(path: &str) -> bool {
    let name = plain_stem(path).to_ascii_lowercase().replace(['-', '_'], "");
    ENCODERS.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::super::sets::sets;
    use super::*;
    use crate::desk::RepoFile;

    fn told(paths: &[&str]) -> Vec<String> {
        let file = |path: &&str| RepoFile { path: (*path).to_owned(), size: 1, digest: None, xet_hash: None };
        let files: Vec<RepoFile> = paths.iter().map(file).collect();
        let sets = sets(&files);
        let encoders = Encoders::of(&sets);
        sets.iter().filter(|set| encoders.has(set)).map(|set| set.name.clone()).collect()
    }

    #[test]
    fn a_language_model_beside_a_vae_and_another_model_is_an_encoder() {
        assert_eq!(told(&["qwen3vl_8b_film-Q4_0.gguf", "film-Q4_0.gguf", "vae/film.safetensors"]), ["qwen3vl_8b_film-Q4_0.gguf"]);
        assert_eq!(told(&["Qwen2.5-VL-7B-Q4_0.gguf", "ae.safetensors", "image-Q4_0.gguf"]), ["Qwen2.5-VL-7B-Q4_0.gguf"]);
        assert_eq!(told(&["image-Q4_0.gguf", "t5xxl-Q8_0.gguf", "image_vae.safetensors"]), ["t5xxl-Q8_0.gguf"]);
    }

    #[test]
    fn a_language_model_is_a_choice_elsewhere() {
        assert!(told(&["umt5-xxl-encoder-Q4_0.gguf", "umt5-xxl-encoder-Q8_0.gguf"]).is_empty());
        assert!(told(&["Qwen3-VL-8B-Q4_0.gguf", "vae/x.safetensors"]).is_empty());
        assert!(told(&["gemma-3-4b-Q4_0.gguf", "other-Q4_0.gguf"]).is_empty());
    }
}
