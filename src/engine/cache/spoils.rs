//! Which deletions in the trash a new one would spoil: they need something that goes to come back. Nothing is changed here.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Cache;
use super::going::Step;
use super::moves::group;
use super::record::Entry;
use crate::desk::TrashId;

impl Cache {
    /// What is in the trash and has all it needs now, but not once these have gone, the newest first.
    ///
    /// Where they go to the trash as well, bringing them back first mends that.
    pub(super) fn spoiled(&self, steps: &[Step]) -> Vec<TrashId> {
        let goes: HashSet<&Path> = steps.iter().map(|step| step.path.as_path()).collect();
        let touched: HashSet<PathBuf> = steps.iter().map(|step| group(&step.path)).collect();
        let is_near = |entry: &Entry| entry.record.moves.iter().any(|moved| touched.contains(&group(&moved.from)));
        let is_spoiled = |entry: &Entry| self.parts(entry).iter().any(|part| self.loses(&self.needs(entry, part), &goes));
        let mut spoiled: Vec<TrashId> = self.kept().iter().filter(|entry| is_near(entry) && is_spoiled(entry)).map(Entry::id).collect();
        spoiled.sort_by(|a, b| b.cmp(a));
        spoiled
    }

    fn loses(&self, needs: &BTreeSet<PathBuf>, goes: &HashSet<&Path>) -> bool {
        loses(needs, goes) && needs.iter().all(|need| fs::symlink_metadata(self.root.join(need)).is_ok())
    }
}

/// Whether something goes that is needed: it, or a folder that it lies in.
fn loses(needs: &BTreeSet<PathBuf>, goes: &HashSet<&Path>) -> bool {
    needs.iter().any(|need| need.ancestors().any(|place| goes.contains(place)))
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{self, COMMIT, add, add_revision, key, whole};
    use super::*;
    use crate::desk::{DeletionTarget, Disposal, FaultKind};

    const NEXT: &str = "89abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn what_is_needed_goes_with_its_folder() {
        let needs = BTreeSet::from(["m/blobs/ab".into(), "m/snapshots".into()]);
        for (goes, spoils) in [("m", true), ("m/blobs/ab", true), ("m/snapshots/c", false), ("m/blobs/a", false), ("n", false)] {
            assert_eq!(loses(&needs, &HashSet::from([Path::new(goes)])), spoils, "{goes}");
        }
    }

    fn revision(commit: &str) -> DeletionTarget {
        DeletionTarget::Revision { repo: key("org/m"), commit: commit.into() }
    }

    fn files(commit: &str, file: &str) -> DeletionTarget {
        DeletionTarget::Files { repo: key("org/m"), commit: Some(commit.into()), files: vec![file.into()] }
    }

    /// A repository of two commits that share a file, each with one of its own.
    fn sample() -> (tempfile::TempDir, Cache) {
        let (dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("a.bin", b"shared"), ("b.bin", b"one")]);
        add_revision(&cache, "org/m", NEXT, "v2", &[("a.bin", b"shared"), ("c.bin", b"two")]);
        add(&cache, "org/other", &[("a.bin", b"shared")]);
        (dir, cache)
    }

    #[test]
    fn a_plan_names_what_it_would_spoil_in_the_trash() {
        let (_dir, cache) = sample();
        let trash = |target| cache.delete(&cache.plan_deletion(&[target]).unwrap(), Disposal::Trash).unwrap().trashed.unwrap().id;
        let spoils = |target| cache.plan_deletion(&[target]).unwrap().spoils;
        assert_eq!(spoils(whole("org/m")), []);
        let old = trash(revision(NEXT));
        // The blob that it shares, the folder that it was in; and nothing it has of its own.
        assert_eq!(spoils(files(COMMIT, "a.bin")), vec![old.clone()]);
        assert_eq!(spoils(whole("org/m")), vec![old.clone()]);
        assert_eq!(spoils(revision(COMMIT)), vec![old.clone()], "the last revision takes the folder with it");
        assert_eq!((spoils(files(COMMIT, "b.bin")), spoils(whole("org/other"))), (vec![], vec![]));
        let file = trash(files(COMMIT, "b.bin"));
        assert_eq!(spoils(whole("org/m")), [file.clone(), old.clone()]);
        assert_eq!(spoils(files(COMMIT, "a.bin")), vec![old.clone()]);

        cache.delete(&cache.plan_deletion(&[files(COMMIT, "a.bin")]).unwrap(), Disposal::Forever).unwrap();
        assert_eq!(cache.restore(&old).unwrap_err().kind, FaultKind::Conflict);
        assert_eq!(spoils(whole("org/m")), [file], "what cannot come back already is not spoiled again");
    }

    #[test]
    fn more_that_is_spoiled_is_told_before_anything_goes() {
        let (_dir, cache) = sample();
        let old = cache.delete(&cache.plan_deletion(&[revision(NEXT)]).unwrap(), Disposal::Trash).unwrap().trashed.unwrap().id;
        let mut planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        planned.spoils.clear(); // as if it had come into the trash since
        let fault = cache.delete(&planned, Disposal::Forever).unwrap_err();
        assert!(fault.kind == FaultKind::Conflict && fault.message.contains("1 more of what is in the trash"), "{fault}");
        planned.spoils = vec![TrashId("another".into()), old];
        cache.delete(&planned, Disposal::Forever).unwrap(); // fewer are fine
    }
}
