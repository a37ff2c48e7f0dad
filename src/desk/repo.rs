//! What a repository is called: its kind, id and revision, and every way people write them down.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultKind};

/// The longest name the Hub allows for one part of an id, in characters.
const LONGEST_PART: usize = 96;

/// What a repository holds. The Hub keeps a separate namespace for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RepoKind {
    /// A model.
    #[default]
    Model,
    /// A dataset.
    Dataset,
    /// A space (an application).
    Space,
    /// A compute kernel.
    Kernel,
}

impl RepoKind {
    /// Every kind, in the order in which people meet them.
    pub const ALL: [Self; 4] = [Self::Model, Self::Dataset, Self::Space, Self::Kernel];

    /// The kinds that a Hub is searched for.
    pub const SEARCHED: [Self; 3] = [Self::Model, Self::Dataset, Self::Space];

    /// The singular name: `model`, `dataset`, `space` or `kernel`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::Space => "space",
            Self::Kernel => "kernel",
        }
    }

    /// The plural name, as it stands in API routes and cache folders: `models`, `datasets`, `spaces` or `kernels`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
            Self::Space => "spaces",
            Self::Kernel => "kernels",
        }
    }

    /// The prefix of a repository's pages and files on the Hub: empty for a model, else the plural name and a slash.
    pub fn url_prefix(self) -> &'static str {
        match self {
            Self::Model => "",
            Self::Dataset => "datasets/",
            Self::Space => "spaces/",
            Self::Kernel => "kernels/",
        }
    }

    /// The kind with this singular or plural name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| name == kind.name() || name == kind.plural())
    }
}

impl fmt::Display for RepoKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A repository's id on its Hub: `owner/name`, or a bare `name` for the few that predate owners (`gpt2`).
///
/// Always valid by the Hub's own rule (`[\w\-.]{1,96}` for each part, ASCII, no `--` or `..`, not ending in `.git`), so it
/// can stand in a URL or a folder name as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoId(String);

impl RepoId {
    /// The id as the Hub writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the slash, where there is one.
    pub fn owner(&self) -> Option<&str> {
        self.0.split_once('/').map(|(owner, _)| owner)
    }

    /// The part after the slash, or the whole id.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, name)| name)
    }
}

impl FromStr for RepoId {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let parts: Vec<&str> = text.split('/').collect();
        let whole = !text.contains("--") && !text.contains("..") && !text.to_ascii_lowercase().ends_with(".git");
        if whole && parts.len() <= 2 && parts.iter().all(|part| is_id_part(part)) {
            return Ok(Self(text.to_owned()));
        }
        let shown = super::printable(text);
        Err(Fault::new(FaultKind::Usage, format!("“{shown}” is not a repository id"))
            .hint("write owner/name with letters, digits, “-”, “_” and “.” only, for example Qwen/Qwen3-8B-GGUF"))
    }
}

fn is_id_part(part: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !part.is_empty()
        && part.len() <= LONGEST_PART
        && part.chars().all(allowed)
        && !part.starts_with(['-', '.'])
        && !part.ends_with(['-', '.'])
}

impl TryFrom<String> for RepoId {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<RepoId> for String {
    fn from(id: RepoId) -> Self {
        id.0
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A branch, a tag, a ref such as `refs/pr/1`, or a 40-digit commit. Never empty and never a path that could leave its folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Revision(String);

impl Revision {
    /// The revision as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this names a commit itself rather than something that can move.
    pub fn is_commit(&self) -> bool {
        self.0.len() == 40 && self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

impl Default for Revision {
    fn default() -> Self {
        Self("main".to_owned())
    }
}

impl FromStr for Revision {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
        let parts = text.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if plain && parts && text.len() <= 255 {
            return Ok(Self(text.to_owned()));
        }
        let shown = super::printable(text);
        Err(Fault::new(FaultKind::Usage, format!("“{shown}” is not a revision")).hint("name a branch, a tag or a commit, for example main"))
    }
}

impl TryFrom<String> for Revision {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> Self {
        revision.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A repository at a revision: what most requests are about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RepoRef {
    /// Which namespace the id belongs to.
    pub kind: RepoKind,
    /// The repository.
    pub id: RepoId,
    /// The revision asked for.
    pub revision: Revision,
}

impl RepoRef {
    /// A model at `main`.
    pub fn model(id: RepoId) -> Self {
        Self { kind: RepoKind::Model, id, revision: Revision::default() }
    }
}
