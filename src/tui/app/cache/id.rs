//! What a row of the cache is, by name: it stays the same when rows come, go and change their order.

use std::path::PathBuf;

use crate::desk::{RepoKey, TrashId};

/// What is listed after the repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Payloads of the shared store that nothing uses.
    Payloads,
    /// What was deleted and can be brought back.
    Trash,
    /// What other programs keep.
    Others,
}

/// A place in a repository: all of it, or a part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The repository with all it has.
    Whole,
    /// What no snapshot uses, by its name among the blobs.
    Leftover(String),
    /// A part of one commit. The parts of a variant are ordered right after it, and the parts of a commit right after that.
    Within {
        /// The commit.
        commit: String,
        /// The id of the variant, unless the whole commit is meant.
        variant: Option<String>,
        /// The path of the file, unless the whole variant is meant.
        file: Option<String>,
    },
    /// Where the contents will be, once they are read.
    Reading,
}

impl Place {
    /// A whole commit.
    pub fn revision(commit: &str) -> Self {
        Self::Within { commit: commit.to_owned(), variant: None, file: None }
    }

    /// A variant of a commit.
    pub fn variant(commit: &str, id: &str) -> Self {
        Self::Within { commit: commit.to_owned(), variant: Some(id.to_owned()), file: None }
    }

    /// A file of a variant.
    pub fn file(commit: &str, variant: &str, path: &str) -> Self {
        Self::Within { commit: commit.to_owned(), variant: Some(variant.to_owned()), file: Some(path.to_owned()) }
    }

    /// The commit that it lies in, where it lies in one.
    pub(super) fn commit(&self) -> Option<&str> {
        match self {
            Self::Within { commit, .. } => Some(commit),
            Self::Whole | Self::Leftover(_) | Self::Reading => None,
        }
    }

    /// Whether another place is this one or lies in it.
    pub fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Whole, _) => true,
            (Self::Within { commit, variant, file }, Self::Within { commit: its, variant: id, file: path }) => {
                let same = |ours: &Option<String>, theirs: &Option<String>| ours.is_none() || ours == theirs;
                commit == its && same(variant, id) && same(file, path)
            }
            _ => self == other,
        }
    }

    /// The places that it lies in, the nearest first.
    pub(super) fn around(&self) -> Vec<Self> {
        match self {
            Self::Whole => Vec::new(),
            Self::Within { commit, variant: Some(id), file: Some(_) } => {
                vec![Self::variant(commit, id), Self::revision(commit), Self::Whole]
            }
            Self::Within { commit, variant: Some(_), .. } => vec![Self::revision(commit), Self::Whole],
            Self::Leftover(_) | Self::Reading | Self::Within { .. } => vec![Self::Whole],
        }
    }
}

/// What a row is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// A repository, or a part of it.
    In(RepoKey, Place),
    /// The heading of a section.
    Section(Section),
    /// A shared payload, by its hash.
    Payload(String),
    /// A deletion in the trash.
    Trashed(TrashId),
    /// A folder of another program.
    Store(PathBuf),
    /// A model of another program.
    Other(PathBuf),
}

impl Id {
    /// A whole repository.
    pub fn repo(key: &RepoKey) -> Self {
        Self::In(key.clone(), Place::Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_what_lies_in_it() {
        let (commit, variant, file) = (Place::revision("c"), Place::variant("c", "Q4"), Place::file("c", "Q4", "a.gguf"));
        assert!(commit.holds(&file) && variant.holds(&file) && Place::Whole.holds(&file) && file.holds(&file));
        assert!(!variant.holds(&commit) && !Place::variant("c", "Q8").holds(&file) && !Place::revision("d").holds(&variant));
        assert!(!commit.holds(&Place::Leftover("x".into())) && Place::Whole.holds(&Place::Leftover("x".into())));
        assert_eq!(file.around(), [variant, commit, Place::Whole]);
    }

    #[test]
    fn what_lies_in_a_place_is_ordered_right_after_it() {
        let mut places =
            [Place::revision("d"), Place::file("c", "Q4", "a"), Place::variant("c", "Q8"), Place::variant("c", "Q4"), Place::revision("c")];
        places.sort();
        assert_eq!(places.map(|place| Place::revision("c").holds(&place)), [true, true, true, true, false]);
    }
}
