//! What a repository offers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::fault::{Fault, FaultKind};
use super::model::ModelFacts;
use super::repo::RepoRef;

/// A file of a repository at one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoFile {
    /// Path inside the repository, with `/`; always passes [`super::safe_path`].
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// What the content hashes to. `None` where the Hub does not say; such a file cannot be verified and is not downloaded.
    pub digest: Option<Digest>,
    /// The Xet hash (64 hexadecimal digits), where the Hub stores the file that way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xet_hash: Option<String>,
}

/// What kind of repository it is, decided from its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepoType {
    /// Quantizations for llama.cpp and its relatives.
    Gguf,
    /// Weights with a config for the `transformers` library.
    Transformers,
    /// A diffusion pipeline of several components.
    Diffusers,
    /// An adapter for another model.
    Lora,
    /// Quantized with GPTQ.
    Gptq,
    /// Quantized with AWQ.
    Awq,
    /// Quantized for ExLlamaV2 or V3.
    Exl,
    /// Quantized to 8-bit floats.
    Fp8,
    /// Converted for Apple's MLX.
    Mlx,
    /// Quantized with bitsandbytes.
    Bitsandbytes,
    /// ONNX graphs.
    Onnx,
    /// A dataset.
    Dataset,
    /// A space.
    Space,
    /// A speech or sound model.
    Audio,
    /// An image model.
    Vision,
    /// A model of several modalities.
    Multimodal,
    /// Anything else.
    Generic,
}

impl RepoType {
    /// The name as JSON and screens write it: `gguf`, `transformers`, and so on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gguf => "gguf",
            Self::Transformers => "transformers",
            Self::Diffusers => "diffusers",
            Self::Lora => "lora",
            Self::Gptq => "gptq",
            Self::Awq => "awq",
            Self::Exl => "exl",
            Self::Fp8 => "fp8",
            Self::Mlx => "mlx",
            Self::Bitsandbytes => "bitsandbytes",
            Self::Onnx => "onnx",
            Self::Dataset => "dataset",
            Self::Space => "space",
            Self::Audio => "audio",
            Self::Vision => "vision",
            Self::Multimodal => "multimodal",
            Self::Generic => "generic",
        }
    }
}

/// Something a person can choose to download: a quantization, a format, a component, a split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Unique within the analysis, usually the label.
    pub id: String,
    /// What people call it: `Q4_K_M`, `safetensors`, `unet`, `train`.
    pub label: String,
    /// Which of several models it is of. Empty where the repository has one, or where names do not tell.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// What sort of choice it is, in a word: `quantization`, `draft`, `component`, `projector`, `imatrix`, `format`, `split`, `files`.
    pub category: String,
    /// Its own files, every shard among them, in path order.
    pub files: Vec<String>,
    /// Files that must come along, shared with other variants: config, tokenizer, index; the model's projector, which is a variant, too.
    pub companions: Vec<String>,
    /// Size of its own files in bytes.
    pub size: u64,
}

/// Whether files may be downloaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// By everybody who can see it.
    #[default]
    Open,
    /// By those who accepted an agreement on the repository's page.
    Gated,
    /// By those whom the owner approved one by one.
    GatedManual,
    /// By those who were granted access, and the bearer of this token is one of them.
    Granted,
}

/// What a repository offers at one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// The repository and the revision asked for.
    pub repo: RepoRef,
    /// The commit that the revision meant at that moment: 40 hexadecimal digits.
    pub commit: String,
    /// What kind of repository it is.
    pub repo_type: RepoType,
    /// Whether files may be downloaded.
    pub access: Access,
    /// Why this token may not download its files now, where the Hub has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barrier: Option<Fault>,
    /// Every file, in path order.
    pub files: Vec<RepoFile>,
    /// What can be chosen, in the order to show it. No file is one of two variants' own; together with companions and `rest` they cover
    /// every file.
    pub variants: Vec<Variant>,
    /// Paths that belong to no variant: READMEs, pictures, configs that nothing needs.
    pub rest: Vec<String>,
    /// Downloads in the last 30 days.
    pub downloads: u64,
    /// Likes.
    pub likes: u64,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
    /// The task, such as `text-generation`.
    pub task: Option<String>,
    /// The licence's identifier, such as `apache-2.0`.
    pub license: Option<String>,
    /// What it was made from, as `owner/name`.
    pub base_models: Vec<String>,
    /// The model in it, as far as the Hub and the repository's `config.json` tell.
    pub model: ModelFacts,
}

/// What an analysis tells while it goes on; the last is its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnalyzeStep {
    /// So many files have been listed.
    Listed(usize),
    /// It is over.
    Done(Box<Analysis>),
    /// It could not be carried out.
    Failed(Fault),
}

impl AnalyzeStep {
    /// The end of an analysis that went well.
    pub fn done(analysis: Analysis) -> Self {
        Self::Done(Box::new(analysis))
    }

    /// The end of an analysis whose teller has gone without one.
    pub fn broken_off() -> Self {
        let message = "the analysis broke off: the hfdesk-tui that runs the queue has ended";
        Self::Failed(Fault::new(FaultKind::Busy, message).hint("ask again"))
    }
}

impl Analysis {
    /// Size of all files in bytes.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The file at this path; the files must be in path order, as they are when they come from a desk.
    pub fn file(&self, path: &str) -> Option<&RepoFile> {
        let at = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(at)
    }

    /// The variant with this id.
    pub fn variant(&self, id: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.id == id)
    }
}
