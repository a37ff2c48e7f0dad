//! One set of files for all programs: names that others find cached files under, and files of theirs that the cache takes over.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::cache::RepoKey;
use super::plan::{Plan, Selection};

/// Whom names are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkFor {
    /// LM Studio, and whoever else reads `<folder>/<owner>/<model>/<file>` (<https://lmstudio.ai/docs/basics/import-model>).
    LmStudio,
    /// llama.cpp: all `.gguf` files side by side in one folder.
    LlamaCpp,
    /// Anybody: the files at their paths in the repository.
    Folder,
}

impl LinkFor {
    /// Everybody, in the order in which people are told of them.
    pub const ALL: [Self; 3] = [Self::LmStudio, Self::LlamaCpp, Self::Folder];

    /// Its name, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::LmStudio => "LM Studio",
            Self::LlamaCpp => "llama.cpp",
            Self::Folder => "others",
        }
    }

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::LmStudio => "lmstudio",
            Self::LlamaCpp => "llamacpp",
            Self::Folder => "folder",
        }
    }
}

/// How a name gets its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkHow {
    /// It leads to the file. It costs nothing, and leads nowhere once that file is gone.
    Symlink,
    /// It is one more name of the same bytes, which come free with the last of them. Writing through one writes through all.
    Hard,
    /// It has its own content in blocks that both share until one is written to. Few filesystems can do that.
    Reflink,
    /// It has its own content.
    Copy,
}

impl LinkHow {
    /// Each of them, the cheapest first.
    pub const ALL: [Self; 4] = [Self::Symlink, Self::Hard, Self::Reflink, Self::Copy];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Symlink => "symlink",
            Self::Hard => "hard",
            Self::Reflink => "reflink",
            Self::Copy => "copy",
        }
    }
}

/// What is to be linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkRequest {
    /// Names for the files of a cached repository where another program looks for them.
    View {
        /// The repository.
        repo: RepoKey,
        /// The commit; without one that of `main` or, where there is no such ref, the newest.
        commit: Option<String>,
        /// Paths in the repository; all that the program can use where none are named.
        files: Vec<String>,
        /// The program.
        program: LinkFor,
        /// Its folder; without one the usual one of a program that has one.
        into: Option<PathBuf>,
        /// How; by symbolic link where nothing is said.
        how: Option<LinkHow>,
    },
    /// Taking away the names that were made for a repository, which need not be in the cache any more.
    Remove {
        /// The repository.
        repo: RepoKey,
        /// The program they were made for.
        program: LinkFor,
        /// Its folder, as for [`LinkRequest::View`].
        into: Option<PathBuf>,
    },
    /// A folder of `models/<owner>/<name>/…` and `datasets/<owner>/<name>/…` that leads to the newest files of everything in the cache.
    Friendly {
        /// The folder; without one that of the cache's parent, where such a folder is there already.
        into: Option<PathBuf>,
        /// Whether names that lead to nothing of the cache any more are taken away.
        clean: bool,
    },
    /// Files of other programs that are recognised by their digest, to be placed in the cache.
    Adopt {
        /// The repository, and which of its files.
        selection: Selection,
        /// Where to look; without it where other programs keep models.
        from: Option<PathBuf>,
        /// Whether both may share the bytes by hard link.
        hard: bool,
    },
}

/// What happens to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    /// It is made; nothing is there yet.
    Make,
    /// It was made here earlier, and is made anew for another content or in another way.
    Update,
    /// It is there and as it should be.
    Keep,
    /// It was made here earlier, and is taken away.
    Remove,
}

impl LinkAction {
    /// Its name, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::Update => "update",
            Self::Keep => "keep",
            Self::Remove => "remove",
        }
    }
}

/// A name, and where its content is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkName {
    /// The name.
    pub path: PathBuf,
    /// The file that it is made from.
    pub source: PathBuf,
    /// How it gets its content.
    pub how: LinkHow,
    /// The length of the content in bytes.
    pub size: u64,
    /// What happens to it.
    pub action: LinkAction,
    /// The repository it belongs to.
    pub repo: RepoKey,
}

/// What linking would do. The same value is shown and carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPlan {
    /// What was asked for, its folder filled in.
    pub request: LinkRequest,
    /// The folder that every name lies in.
    pub folder: PathBuf,
    /// The names, by path.
    pub names: Vec<LinkName>,
    /// Bytes that copies take on the disk.
    pub cost: u64,
    /// Bytes free on the folder's filesystem when the plan was made.
    pub disk_free: Option<u64>,
    /// What stands in the way, one sentence for each name that cannot be made.
    pub obstacles: Vec<String>,
    /// What is good to know beforehand, one sentence each.
    pub cautions: Vec<String>,
    /// The files to adopt, where that was asked for: all that were selected.
    pub adopts: Option<Plan>,
}

impl LinkPlan {
    /// How many names something happens to in this way.
    pub fn count(&self, action: LinkAction) -> usize {
        self.names.iter().filter(|name| name.action == action).count()
    }

    /// Whether carrying it out changes anything.
    pub fn changes(&self) -> bool {
        self.names.iter().any(|name| name.action != LinkAction::Keep)
    }
}

/// What linking did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    /// How many names were made.
    pub made: usize,
    /// How many were made anew.
    pub updated: usize,
    /// How many were there and as they should be.
    pub kept: usize,
    /// How many were taken away.
    pub removed: usize,
    /// What could not be done, one sentence each. Doing the same again goes on with it.
    pub failures: Vec<String>,
}
