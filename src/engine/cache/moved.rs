//! Repositories whose files lie on another disk: the folder in the cache is a symbolic link to the real one.
//!
//! People make such links by hand, and [`Cache::relocate`](super::Cache::relocate) makes them. The official client reads through them; when
//! it deletes the repository it takes the link and leaves the files.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::layout::SNAPSHOTS;
use crate::engine::host::nearest_existing;

/// What the place of a repository's folder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// A real folder of the cache.
    Here,
    /// A link to this real folder outside the cache.
    There(PathBuf),
    /// A link that leads nowhere, into the cache, or to what is no folder: the end of a sentence that its path begins.
    Astray(String),
    /// Nothing is there, or no folder.
    None,
}

impl Home {
    /// What stands at this place in the cache with this root.
    pub(super) fn of(root: &Path, place: &Path) -> Self {
        match fs::symlink_metadata(place) {
            Ok(found) if found.is_dir() => Self::Here,
            Ok(found) if found.is_symlink() => behind(root, place),
            _ => Self::None,
        }
    }

    /// The folder outside the cache.
    pub(super) fn there(self) -> Option<PathBuf> {
        match self {
            Self::There(folder) => Some(folder),
            Self::Here | Self::Astray(_) | Self::None => None,
        }
    }
}

fn behind(root: &Path, link: &Path) -> Home {
    let text = fs::read_link(link).unwrap_or_default();
    let told = |what: &str| Home::Astray(format!("is a symbolic link to {}, which {what}", text.display()));
    let (Ok(folder), Ok(root)) = (fs::canonicalize(link), fs::canonicalize(root)) else {
        return told("is not there; attach the disk that it is on");
    };
    match folder {
        _ if !folder.is_dir() => told("is no folder"),
        // A second name of another repository, or of everything.
        _ if folder.starts_with(&root) || root.starts_with(&folder) => told("is not outside the cache; it is not followed"),
        _ if !folder.join(SNAPSHOTS).is_dir() => told("holds no repository"),
        folder => Home::There(folder),
    }
}

/// The other links in the cache's folder that lead to this one, into it or above it: what they lead to is not theirs alone.
pub(super) fn other_links(root: &Path, folder: &Path, but: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let links = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink())).map(|entry| entry.path());
    let leads_there = |there: PathBuf| there.starts_with(folder) || folder.starts_with(there);
    links.filter(|link| link != but && fs::canonicalize(link).is_ok_and(leads_there)).collect()
}

/// Whether a folder is on another filesystem than the cache.
pub(super) fn is_apart(root: &Path, folder: &Path) -> bool {
    let device = |path: &Path| fs::metadata(nearest_existing(path)).ok().map(|found| found.dev());
    device(root) != device(folder)
}

/// Whether a folder has gone, rather than the disk that it is on.
pub(super) fn is_gone(root: &Path, folder: &Path, apart: bool) -> bool {
    let is_missing = fs::symlink_metadata(folder).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    is_missing && folder.parent().is_some_and(|above| above.is_dir() && is_apart(root, above) == apart)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::super::Cache;
    use super::super::testkit::{self, COMMIT, HASH, add, add_revision, key, plan, share, tree, whole};
    use super::*;
    use crate::desk::{DeletionTarget, Disposal, FaultKind};

    const FILES: &[(&str, &[u8])] = &[("config.json", b"{}"), ("deep/er/w.bin", b"weights")];
    const NEXT: &str = "ffffffffffffffffffffffffffffffffffffffff";

    /// A cache with a repository of two revisions that was moved by hand, and the folder it lies in.
    fn moved() -> (TempDir, Cache, PathBuf) {
        let (dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        add_revision(&cache, "org/m", NEXT, "v2", &[("config.json", b"{}"), ("new.bin", b"new")]);
        let there = dir.path().join("far/models--org--m");
        fs::create_dir(dir.path().join("far")).unwrap();
        fs::rename(cache.root().join("models--org--m"), &there).unwrap();
        symlink("../far/models--org--m", cache.root().join("models--org--m")).unwrap();
        (dir, cache, there)
    }

    #[test]
    fn a_repository_is_read_wherever_it_lies() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        add_revision(&cache, "org/m", NEXT, "v2", &[("config.json", b"{}"), ("new.bin", b"new")]);
        let mut here = cache.scan().unwrap();
        let (_dir, cache, there) = moved();
        let cache = cache.remembering_in(there.join("../state"));
        for _ in 0..2 {
            let listing = cache.scan().unwrap();
            assert_eq!((listing.warnings.clone(), listing.size), (vec![], here.size));
            let (found, expected) = (&*listing.repos[0], std::sync::Arc::make_mut(&mut here.repos[0]));
            assert_eq!(found.lies_in.as_ref(), Some(&there));
            assert_eq!((found.size, found.files, found.revisions.len()), (expected.size, expected.files, 2));
            assert_eq!(found.path, cache.root().join("models--org--m"));
        }
        assert_eq!(cache.inside(&key("org/m")).unwrap().snapshots.len(), 2);
        let survey = cache.survey(&[]).unwrap();
        let readings = super::super::read_all(cache.root(), &survey.contents, &super::super::Gauge::default());
        assert_eq!(readings, vec![super::super::Reading::Good; 3]);
    }

    #[test]
    fn it_goes_with_the_folder_it_lies_in() {
        let (_dir, cache, there) = moved();
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        assert_eq!(planned.paths, [cache.root().join("models--org--m"), there.clone()]);
        assert_eq!((planned.frees, planned.elsewhere), (2 + 7 + 3, 0), "it is the same disk here");
        let report = cache.delete(&planned, Disposal::Forever).unwrap();
        assert_eq!((report.freed, report.removed, report.failures), (12, vec![key("org/m")], vec![]));
        assert!(!there.exists() && fs::symlink_metadata(cache.root().join("models--org--m")).is_err());
    }

    #[test]
    fn the_trash_keeps_it_where_it_lies() {
        let (_dir, cache, there) = moved();
        let link = || fs::read_link(cache.root().join("models--org--m")).ok();
        let before = (link(), tree(&there));
        let delete = || cache.delete(&cache.plan_deletion(&[whole("org/m")]).unwrap(), Disposal::Trash).unwrap().trashed.unwrap();
        let trashed = delete();
        assert!(there.is_dir() && cache.scan().unwrap().repos.is_empty());
        assert!(trashed.size >= 12, "{trashed:?}");
        cache.restore(&trashed.id).unwrap();
        assert_eq!((link(), tree(&there)), before);
        let trashed = delete();
        fs::rename(&there, there.with_extension("away")).unwrap();
        let fault = cache.restore(&trashed.id).unwrap_err();
        assert!(fault.message.contains("attach the disk"), "{fault}");
        fs::rename(there.with_extension("away"), &there).unwrap();
        cache.empty_trash(&[]).unwrap();
        assert!(!there.exists() && cache.trash().is_empty());
    }

    #[test]
    fn a_disk_that_is_not_attached_keeps_the_trash_from_being_emptied() {
        let (dir, cache, there) = moved();
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        cache.delete(&planned, Disposal::Trash).unwrap();
        let far = there.parent().unwrap();
        fs::rename(far, dir.path().join("detached")).unwrap();
        assert!(cache.empty_trash(&[]).is_err());
        fs::rename(dir.path().join("detached"), far).unwrap();
        cache.finish_interrupted().unwrap();
        assert!(!there.exists());
    }

    #[test]
    fn a_folder_that_is_used_again_is_not_emptied_with_the_trash() {
        type Change = (&'static str, fn(&Cache, &Path));
        let changes: [Change; 3] = [
            ("another link leads to it", |cache, there| symlink(there, cache.root().join("models--org--m")).unwrap()),
            ("something has come into it", |_, there| fs::write(there.join("blobs/new"), "new").unwrap()),
            ("it is another folder", |_, there| {
                fs::rename(there, there.with_extension("away")).unwrap();
                fs::create_dir_all(there.join("snapshots")).unwrap();
            }),
        ];
        for (what, change) in changes {
            let (_dir, cache, there) = moved();
            let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
            cache.delete(&planned, Disposal::Trash).unwrap();
            change(&cache, &there);
            let before = tree(&there);
            let fault = cache.empty_trash(&[]).unwrap_err();
            assert!(format!("{fault:?}").contains("stays"), "{what}: {fault:?}");
            assert_eq!(tree(&there), before, "{what}");
        }
    }

    #[test]
    fn parts_of_it_go_and_come_as_in_any_other() {
        let (_dir, cache, there) = moved();
        let before = tree(&there);
        for (target, freed) in [
            (DeletionTarget::Revision { repo: key("org/m"), commit: NEXT.into() }, 3),
            (DeletionTarget::Files { repo: key("org/m"), commit: None, files: vec!["deep/er/w.bin".into()] }, 7),
        ] {
            let planned = cache.plan_deletion(&[target]).unwrap();
            let trashed = cache.delete(&planned, Disposal::Trash).unwrap().trashed.unwrap();
            cache.restore(&trashed.id).unwrap();
            assert_eq!(tree(&there), before);
            assert_eq!(cache.delete(&planned, Disposal::Forever).unwrap().freed, freed);
            assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
            add(&cache, "org/m", FILES);
            add_revision(&cache, "org/m", NEXT, "v2", &[("config.json", b"{}"), ("new.bin", b"new")]);
            assert_eq!(tree(&there), before, "downloads go where it lies");
        }
    }

    #[test]
    fn what_comes_after_it_was_decided_on_stays() {
        let (_dir, cache, there) = moved();
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        add_revision(&cache, "org/m", &"e".repeat(40), "v3", &[("late.bin", b"late")]);
        assert_eq!(cache.delete(&planned, Disposal::Forever).unwrap_err().kind, FaultKind::Conflict);
        assert!(there.join("snapshots").join(COMMIT).is_dir());
    }

    #[test]
    fn links_that_lead_astray_are_not_followed() {
        let (dir, cache, there) = moved();
        add(&cache, "org/here", FILES);
        let link = |target: &Path| {
            let _ = fs::remove_file(cache.root().join("models--org--l"));
            symlink(target, cache.root().join("models--org--l")).unwrap();
            let warnings = cache.scan().unwrap().warnings;
            assert_eq!(cache.plan_deletion(&[whole("org/l")]).unwrap_err().kind, FaultKind::Conflict, "{}", target.display());
            warnings.concat()
        };
        assert!(link(Path::new("/nowhere/at/all")).contains("attach the disk"));
        assert!(link(Path::new("models--org--here")).contains("not outside the cache"));
        assert!(link(dir.path()).contains("not outside the cache"));
        assert!(link(&dir.path().join("far")).contains("holds no repository"));
        assert!(link(&there.join("refs/main")).contains("no folder"));
        assert_eq!(link(&there), "", "a second name is read");
        assert_eq!(cache.plan_deletion(&[whole("org/m")]).unwrap_err().kind, FaultKind::Conflict, "what two names lead to is neither's");
    }

    #[test]
    fn links_into_the_shared_store_are_neither_made_nor_believed_there() {
        let (_dir, cache, there) = moved();
        let etag = plan("org/m", FILES).files[1].digest.hex().to_owned();
        add(&cache, "org/b", FILES);
        share(&cache, "org/b", &etag, HASH, b"weights");
        let mut next = plan("org/m", &[("more.bin", b"weights")]);
        next.files[0].xet_hash = Some(HASH.to_owned());
        fs::remove_file(there.join("blobs").join(&etag)).unwrap();
        let place = cache.place(&next).unwrap();
        assert!(!place.held(&next.files[0]));
        fs::remove_file(there.join("snapshots").join(COMMIT).join("deep/er/w.bin")).unwrap();
        symlink(Path::new("../../blobs/c6").join(HASH), there.join("blobs").join(&etag)).unwrap();
        symlink(Path::new("../../../../blobs").join(&etag), there.join("snapshots").join(COMMIT).join("deep/er/w.bin")).unwrap();
        assert!(cache.scan().unwrap().warnings.concat().contains("does not lead to a blob"));
    }
}
