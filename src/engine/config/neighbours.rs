//! Where other programs keep models unless told otherwise.

use std::path::{Path, PathBuf};

use super::environment::Environment;

/// Folders in which other programs may keep models; most will not be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// LM Studio's (<https://lmstudio.ai/docs/basics/import-model>), the older place too.
    pub lm_studio: Vec<PathBuf>,
    /// Ollama's: this user's, and the one of its service (<https://github.com/ollama/ollama/blob/main/docs/faq.md>).
    pub ollama: Vec<PathBuf>,
    /// llama.cpp's (<https://github.com/ggml-org/llama.cpp/pull/7826>).
    pub llama_cpp: Vec<PathBuf>,
    /// The Xet client's (<https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables#hfxetcache>).
    pub xet: Vec<PathBuf>,
}

impl Neighbours {
    /// What the environment names, and the usual places as well: what was kept there before a variable was set is still there.
    pub(super) fn of(environment: &dyn Environment, hf_home: &Path) -> Self {
        let home = |below: &str| environment.path("HOME").map(|home| home.join(below));
        let cache = environment.path("XDG_CACHE_HOME").or_else(|| home(".cache"));
        let in_cache = |below: &str| cache.as_ref().map(|cache| cache.join(below));
        let known = |places: &[Option<PathBuf>]| places.iter().flatten().cloned().collect();
        let service = environment.of_machine("/usr/share/ollama/.ollama/models");
        Self {
            lm_studio: known(&[home(".lmstudio/models"), home(".cache/lm-studio/models")]),
            ollama: known(&[environment.path("OLLAMA_MODELS"), home(".ollama/models"), service]),
            llama_cpp: known(&[environment.path("LLAMA_CACHE"), in_cache("llama.cpp"), home("Library/Caches/llama.cpp")]),
            xet: vec![environment.path("HF_XET_CACHE").unwrap_or_else(|| hf_home.join("xet"))],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::environment::fixed;
    use super::*;

    #[test]
    fn the_usual_places_are_below_the_home_folder() {
        let found = Neighbours::of(&fixed(&[("HOME", "/h")]), Path::new("/h/.cache/huggingface"));
        let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(found.lm_studio, paths(&["/h/.lmstudio/models", "/h/.cache/lm-studio/models"]));
        assert_eq!(found.ollama, paths(&["/h/.ollama/models"]));
        assert_eq!(found.llama_cpp, paths(&["/h/.cache/llama.cpp", "/h/Library/Caches/llama.cpp"]));
        assert_eq!(found.xet, paths(&["/h/.cache/huggingface/xet"]));
    }

    #[test]
    fn variables_come_first() {
        let variables = [("HOME", "/h"), ("OLLAMA_MODELS", "~/o"), ("LLAMA_CACHE", "/l"), ("HF_XET_CACHE", "/x"), ("XDG_CACHE_HOME", "/c")];
        let found = Neighbours::of(&fixed(&variables), Path::new("/hf"));
        assert_eq!((&*found.ollama[0], &*found.llama_cpp[0], &*found.xet), (Path::new("/h/o"), Path::new("/l"), &["/x".into()][..]));
        assert_eq!(found.llama_cpp[1], Path::new("/c/llama.cpp"));
    }
}
