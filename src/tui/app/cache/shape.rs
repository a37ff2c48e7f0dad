//! What lies under what in one repository, as far as it is known.

use super::id::Place;
use crate::desk::{CacheContents, CachedRepo, CachedSnapshot, CachedVariant};

/// A repository and its contents, where those have been read.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    pub(super) repo: &'a CachedRepo,
    pub(super) contents: Option<&'a CacheContents>,
}

impl<'a> Shape<'a> {
    /// Whether its variants come right under the repository.
    pub(super) fn is_flat(self) -> bool {
        self.repo.revisions.len() == 1
    }

    pub(super) fn snapshot(self, commit: &str) -> Option<&'a CachedSnapshot> {
        self.contents?.snapshots.iter().find(|snapshot| snapshot.commit == commit)
    }

    pub(super) fn variant(self, commit: &str, id: &str) -> Option<&'a CachedVariant> {
        self.snapshot(commit)?.variants.iter().find(|variant| variant.id == id)
    }

    /// Whether a place is still there. What lies under contents that are not known is.
    pub(super) fn has(self, place: &Place) -> bool {
        match place {
            Place::Whole => true,
            Place::Reading => false,
            Place::Leftover(name) => self.repo.leftovers.iter().any(|leftover| leftover.name == *name),
            Place::Within { commit, variant, file } => {
                let known = self.repo.revisions.iter().any(|revision| revision.commit == *commit);
                known && (self.contents.is_none() || variant.as_ref().is_none_or(|id| self.has_in(commit, id, file.as_deref())))
            }
        }
    }

    fn has_in(self, commit: &str, id: &str, file: Option<&str>) -> bool {
        let found = self.variant(commit, id);
        found.is_some_and(|variant| file.is_none_or(|path| variant.files.binary_search_by(|file| file.path.as_str().cmp(path)).is_ok()))
    }

    /// How many places lie right under one.
    pub(super) fn count(self, place: &Place) -> usize {
        match place {
            Place::Whole if self.is_flat() => {
                let commit = self.repo.revisions.first().map(|revision| revision.commit.as_str());
                let variants = commit.and_then(|commit| self.snapshot(commit)).map_or(0, |snapshot| snapshot.variants.len());
                if variants == 0 { 0 } else { variants + self.repo.leftovers.len() }
            }
            Place::Whole => self.repo.revisions.len() + self.repo.leftovers.len(),
            Place::Within { file: Some(_), .. } | Place::Leftover(_) | Place::Reading => 0,
            Place::Within { commit, variant: Some(id), .. } => self.variant(commit, id).map_or(0, |variant| variant.files.len()),
            Place::Within { commit, .. } => self.snapshot(commit).map_or(0, |snapshot| snapshot.variants.len()),
        }
    }

    /// The places right under one.
    pub(super) fn children(self, place: &Place) -> Vec<Place> {
        match place {
            Place::Whole => {
                let leftovers = self.repo.leftovers.iter().map(|leftover| Place::Leftover(leftover.name.clone()));
                let revisions = self.repo.revisions.iter().map(|revision| Place::revision(&revision.commit));
                if self.is_flat() {
                    return revisions.flat_map(|revision| self.children(&revision)).chain(leftovers).collect();
                }
                revisions.chain(leftovers).collect()
            }
            Place::Within { file: Some(_), .. } | Place::Leftover(_) | Place::Reading => Vec::new(),
            Place::Within { commit, variant: Some(id), .. } => {
                let files = self.variant(commit, id).map_or(&[][..], |variant| &variant.files);
                files.iter().map(|file| Place::file(commit, id, &file.path)).collect()
            }
            Place::Within { commit, .. } => {
                let variants = self.snapshot(commit).map_or(&[][..], |snapshot| &snapshot.variants);
                variants.iter().map(|variant| Place::variant(commit, &variant.id)).collect()
            }
        }
    }
}
