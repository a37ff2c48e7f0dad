//! What the rows of the cache show: places in the tree, and what stands there.

use crate::desk::{
    CacheContents, CachedBlob, CachedFile, CachedRepo, CachedRevision, CachedSnapshot, CachedVariant, DeletionTarget, Fault, Leftover,
    OrphanPayload, OtherModel, OtherStore, TrashEntry,
};

use super::id::{Id, Place, Section};

/// A place in the tree, by its numbers in the listing and in the contents. It holds until either changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// A repository.
    Repo(usize),
    /// A revision of a repository, where it has several.
    Revision(usize, usize),
    /// A variant of a snapshot of a repository.
    Variant(usize, usize, usize),
    /// A file of a variant of a snapshot of a repository.
    File(usize, usize, usize, usize),
    /// What no snapshot of a repository uses.
    Leftover(usize, usize),
    /// The contents of a repository, while they are not known.
    Reading(usize),
    /// The heading of a section.
    Section(Section),
    /// A shared payload that nothing uses.
    Payload(usize),
    /// A deletion in the trash.
    Trashed(usize),
    /// A folder of another program.
    Store(usize),
    /// A model in a folder of another program.
    Other(usize, usize),
}

/// A row: a place in the tree and how deep it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it shows.
    pub node: Node,
    /// How many rows it lies under: 0 for a repository.
    pub depth: u8,
}

/// What stands at a place in the tree.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A repository.
    Repo(&'a CachedRepo),
    /// A revision of a repository.
    Revision(&'a CachedRepo, &'a CachedRevision),
    /// A variant of a snapshot.
    Variant(&'a CacheContents, &'a CachedSnapshot, &'a CachedVariant),
    /// A file of a variant.
    File(&'a CacheContents, &'a CachedSnapshot, &'a CachedVariant, &'a CachedFile),
    /// What no snapshot uses.
    Leftover(&'a CachedRepo, &'a Leftover),
    /// Contents that are not known, and why not.
    Reading(&'a CachedRepo, Option<&'a Fault>),
    /// The heading of a section.
    Section(Section),
    /// A shared payload.
    Payload(&'a OrphanPayload),
    /// A deletion in the trash.
    Trashed(&'a TrashEntry),
    /// A folder of another program.
    Store(&'a OtherStore),
    /// A model of another program.
    Other(&'a OtherStore, &'a OtherModel),
}

impl<'a> Subject<'a> {
    /// Its name, which holds when rows change.
    pub fn id(self) -> Id {
        match self {
            Self::Repo(repo) => Id::repo(&repo.key),
            Self::Revision(repo, revision) => Id::In(repo.key.clone(), Place::revision(&revision.commit)),
            Self::Variant(contents, snapshot, variant) => Id::In(contents.repo.key.clone(), Place::variant(&snapshot.commit, &variant.id)),
            Self::File(contents, snapshot, variant, file) => {
                Id::In(contents.repo.key.clone(), Place::file(&snapshot.commit, &variant.id, &file.path))
            }
            Self::Leftover(repo, leftover) => Id::In(repo.key.clone(), Place::Leftover(leftover.name.clone())),
            Self::Reading(repo, _) => Id::In(repo.key.clone(), Place::Reading),
            Self::Section(section) => Id::Section(section),
            Self::Payload(payload) => Id::Payload(payload.hash.clone()),
            Self::Trashed(entry) => Id::Trashed(entry.id.clone()),
            Self::Store(store) => Id::Store(store.root.clone()),
            Self::Other(_, model) => Id::Other(model.path.clone()),
        }
    }

    /// Whether a place in its repository is this one; quicker than making its name.
    pub(super) fn stands_at(self, place: &Place) -> bool {
        match (self, place) {
            (Self::Repo(_), Place::Whole) | (Self::Reading(..), Place::Reading) => true,
            (Self::Leftover(_, leftover), Place::Leftover(name)) => leftover.name == *name,
            (Self::Revision(_, revision), Place::Within { commit, variant: None, .. }) => revision.commit == *commit,
            (Self::Variant(_, snapshot, variant), Place::Within { commit, variant: Some(id), file: None }) => {
                snapshot.commit == *commit && variant.id == *id
            }
            (Self::File(_, snapshot, _, file), Place::Within { commit, file: Some(path), .. }) => {
                snapshot.commit == *commit && file.path == *path
            }
            _ => false,
        }
    }

    /// The repository that it belongs to.
    pub fn repo(self) -> Option<&'a CachedRepo> {
        match self {
            Self::Repo(repo) | Self::Revision(repo, _) | Self::Leftover(repo, _) | Self::Reading(repo, _) => Some(repo),
            Self::Variant(contents, ..) | Self::File(contents, ..) => Some(&contents.repo),
            _ => None,
        }
    }

    /// The content of a file.
    pub fn blob(self) -> Option<&'a CachedBlob> {
        match self {
            Self::File(contents, _, _, file) => contents.blobs.get(file.blob?),
            _ => None,
        }
    }

    /// Whether it can be opened.
    pub fn can_open(self) -> bool {
        matches!(self, Self::Repo(_) | Self::Revision(..) | Self::Variant(..) | Self::Section(_) | Self::Store(_))
    }

    /// What deleting it alone means; none where it is not deleted that way.
    pub(super) fn target(self) -> Option<DeletionTarget> {
        Some(match self {
            Self::Repo(repo) => DeletionTarget::Repo(repo.key.clone()),
            Self::Revision(repo, revision) => DeletionTarget::Revision { repo: repo.key.clone(), commit: revision.commit.clone() },
            Self::Variant(contents, snapshot, variant) => DeletionTarget::Files {
                repo: contents.repo.key.clone(),
                commit: Some(snapshot.commit.clone()),
                files: variant.files.iter().map(|file| file.path.clone()).collect(),
            },
            Self::File(contents, snapshot, _, file) => DeletionTarget::Files {
                repo: contents.repo.key.clone(),
                commit: Some(snapshot.commit.clone()),
                files: vec![file.path.clone()],
            },
            Self::Leftover(repo, leftover) => DeletionTarget::Leftover { repo: repo.key.clone(), name: leftover.name.clone() },
            Self::Payload(payload) => DeletionTarget::Payload(payload.hash.clone()),
            Self::Reading(..) | Self::Section(_) | Self::Trashed(_) | Self::Store(_) | Self::Other(..) => return None,
        })
    }
}
