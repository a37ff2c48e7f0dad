//! What is marked, across the levels of the tree: a mark holds for everything under it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::id::Place;
use super::shape::Shape;
use crate::desk::{DeletionTarget, RepoKey};

/// How much of something is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// Nothing.
    No,
    /// A part of what lies under it.
    Partly,
    /// All of it.
    Yes,
}

/// What is marked, as it was marked, without marks under others. Marks on all that lies in a place are not one on the place: what another
/// program adds there later is not marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    repos: BTreeMap<RepoKey, BTreeSet<Place>>,
    payloads: BTreeSet<String>,
}

impl Marks {
    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.repos.is_empty() && self.payloads.is_empty()
    }

    /// How many things are marked.
    pub fn len(&self) -> usize {
        self.repos.values().map(BTreeSet::len).sum::<usize>() + self.payloads.len()
    }

    /// How many of the marks stand at places of this sort, the payloads all being of that sort or none.
    pub(super) fn count(&self, is_such: impl Fn(&RepoKey, &Place) -> bool, payloads: bool) -> usize {
        let places = self.repos.iter().flat_map(|(key, places)| places.iter().map(move |place| (key, place)));
        places.filter(|(key, place)| is_such(key, place)).count() + if payloads { self.payloads.len() } else { 0 }
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// How much of a place is marked; all of it also where everything that is known to lie in it is.
    pub(super) fn within(&self, shape: Shape, place: &Place) -> Marked {
        match self.of(&shape.repo.key, place) {
            Marked::Partly if self.is_full(shape, place) => Marked::Yes,
            marked => marked,
        }
    }

    fn is_full(&self, shape: Shape, place: &Place) -> bool {
        let (key, wanted) = (&shape.repo.key, shape.count(place));
        // Each place in it needs a mark at least, so that fewer marks need no looking at.
        let can_be = wanted > 0 && self.repos.get(key).is_some_and(|places| places.len() >= wanted);
        can_be && shape.children(place).iter().all(|child| self.of(key, child) == Marked::Yes || self.is_full(shape, child))
    }

    /// How much of a place is marked, by the marks alone.
    pub fn of(&self, key: &RepoKey, place: &Place) -> Marked {
        let Some(places) = self.repos.get(key) else { return Marked::No };
        if places.contains(place) || place.around().iter().any(|around| places.contains(around)) {
            Marked::Yes
        } else if places.range(place..).next().is_some_and(|next| place.holds(next)) {
            Marked::Partly // what lies in a place is ordered right after it
        } else {
            Marked::No
        }
    }

    /// Whether a payload is marked.
    pub fn of_payload(&self, hash: &str) -> Marked {
        if self.payloads.contains(hash) { Marked::Yes } else { Marked::No }
    }

    /// Marks a payload, or takes its mark away.
    pub(super) fn set_payload(&mut self, hash: &str, on: bool) {
        if on {
            self.payloads.insert(hash.to_owned());
        } else {
            self.payloads.remove(hash);
        }
    }

    /// Marks a place.
    pub(super) fn mark(&mut self, key: &RepoKey, place: Place) {
        if self.of(key, &place) == Marked::Yes {
            return;
        }
        let places = self.repos.entry(key.clone()).or_default();
        places.retain(|marked| !place.holds(marked));
        places.insert(place);
    }

    /// Takes the mark of a place away. Where something above it is marked, the rest of that stays marked.
    pub(super) fn unmark(&mut self, shape: Shape, place: &Place) {
        let Some(places) = self.repos.get_mut(&shape.repo.key) else { return };
        let above = place.around().into_iter().find(|around| places.contains(around));
        places.retain(|marked| !place.holds(marked));
        if let Some(above) = above {
            places.remove(&above);
            split(places, shape, &above, place);
        }
        if places.is_empty() {
            self.repos.remove(&shape.repo.key);
        }
    }

    /// Forgets the marks of what is not there any more.
    pub(super) fn retain<'a>(&mut self, shape: impl Fn(&RepoKey) -> Option<Shape<'a>>, has_payload: impl Fn(&str) -> bool) {
        self.repos.retain(|key, places| {
            let shape = shape(key);
            places.retain(|place| shape.is_some_and(|shape| shape.has(place)));
            !places.is_empty()
        });
        self.payloads.retain(|hash| has_payload(hash));
    }

    /// Forgets the marks of a repository.
    pub(super) fn forget(&mut self, key: &RepoKey) {
        self.repos.remove(key);
    }

    /// Forgets the marks whose targets are all among these.
    pub(super) fn drop_targets<'a>(&mut self, gone: &[DeletionTarget], shape: impl Fn(&RepoKey) -> Option<Shape<'a>>) {
        let gone = Gone::new(gone);
        self.repos.retain(|key, places| {
            let Some(shape) = shape(key) else { return false };
            places.retain(|place| {
                let mut targets = Vec::new();
                add(&mut targets, shape, place);
                !targets.iter().all(|target| gone.has(target))
            });
            !places.is_empty()
        });
        self.payloads.retain(|hash| !gone.whole.contains(&DeletionTarget::Payload(hash.clone())));
    }

    /// What deleting all that is marked means. Single files of one commit go together.
    pub(super) fn targets<'a>(&self, shape: impl Fn(&RepoKey) -> Option<Shape<'a>>) -> Vec<DeletionTarget> {
        let mut targets = Vec::new();
        for (key, places) in &self.repos {
            let Some(shape) = shape(key) else { continue };
            for place in places {
                add(&mut targets, shape, place);
            }
        }
        targets.extend(self.payloads.iter().cloned().map(DeletionTarget::Payload));
        targets
    }
}

/// What has been deleted.
struct Gone<'a> {
    whole: HashSet<&'a DeletionTarget>,
    files: HashSet<(&'a RepoKey, Option<&'a String>, &'a String)>,
}

impl<'a> Gone<'a> {
    fn new(targets: &'a [DeletionTarget]) -> Self {
        let mut files = HashSet::new();
        for target in targets {
            if let DeletionTarget::Files { repo, commit, files: paths } = target {
                files.extend(paths.iter().map(|path| (repo, commit.as_ref(), path)));
            }
        }
        Self { whole: targets.iter().collect(), files }
    }

    fn has(&self, target: &DeletionTarget) -> bool {
        match target {
            DeletionTarget::Files { repo, commit, files } => files.iter().all(|path| self.files.contains(&(repo, commit.as_ref(), path))),
            _ => self.whole.contains(target),
        }
    }
}

/// Marks all that lies in a place except another.
fn split(places: &mut BTreeSet<Place>, shape: Shape, above: &Place, except: &Place) {
    for child in shape.children(above) {
        if child == *except {
        } else if child.holds(except) {
            split(places, shape, &child, except);
        } else {
            places.insert(child);
        }
    }
}

fn add(targets: &mut Vec<DeletionTarget>, shape: Shape, place: &Place) {
    let repo = shape.repo.key.clone();
    match place {
        Place::Whole => targets.push(DeletionTarget::Repo(repo)),
        Place::Leftover(name) => targets.push(DeletionTarget::Leftover { repo, name: name.clone() }),
        Place::Within { commit, variant: None, .. } => targets.push(DeletionTarget::Revision { repo, commit: commit.clone() }),
        Place::Within { commit, variant: Some(id), file: None } => {
            let paths = shape.variant(commit, id).map_or(&[][..], |variant| &variant.files);
            let files = paths.iter().map(|file| file.path.clone()).collect();
            targets.push(DeletionTarget::Files { repo, commit: Some(commit.clone()), files });
        }
        Place::Within { commit, file: Some(path), .. } => add_file(targets, repo, commit, path),
        Place::Reading => {}
    }
}

fn add_file(targets: &mut Vec<DeletionTarget>, key: RepoKey, at: &String, path: &str) {
    if let Some(DeletionTarget::Files { repo, commit, files }) = targets.last_mut()
        && *repo == key
        && commit.as_ref() == Some(at)
    {
        files.push(path.to_owned());
        return;
    }
    targets.push(DeletionTarget::Files { repo: key, commit: Some(at.clone()), files: vec![path.to_owned()] });
}
