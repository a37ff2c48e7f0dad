//! Taking over content from elsewhere on this machine, once its digest is known to be right.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use tempfile::Builder;

use super::elsewhere::Offer;
use super::entries::{remove_if_there, sync_parent};
use super::known::{Known, Stamp, Watch, read_through};
use super::layout::TEMPORARY;
use super::place::PartialPaths;
use crate::desk::{Fault, FaultKind, PlannedFile};

/// What takes over one file's content.
pub(super) struct Adoption<'a> {
    pub(super) known: &'a Known,
    pub(super) file: &'a PlannedFile,
    pub(super) offer: &'a Offer,
    pub(super) watch: Watch<'a>,
}

impl Adoption<'_> {
    /// The stamp of the offered file where its digest is right; `None`, with a word in the log, where it is not or cannot be read.
    pub(super) fn vouched(&self) -> Result<Option<Stamp>, Fault> {
        match self.known.vouch(&self.offer.path, &self.file.digest, self.watch) {
            Ok(Some(stamp)) => Ok(Some(stamp)),
            Ok(None) => Ok(self.ignore("its digest is another")),
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(self.interrupted()),
            Err(error) => Ok(self.ignore(&error.to_string())),
        }
    }

    /// Gives the offered file, vouched for as of `stamp`, a second name; `false` where the filesystem does not allow it.
    ///
    /// Only for blobs of the cache: nobody writes into those. The second name is never that of a partial, into which transfers do write.
    pub(super) fn link(&self, stamp: Stamp, workshop: &Path, target: &Path) -> Result<bool, Fault> {
        let mut builder = Builder::new();
        let Ok(link) = builder.prefix(TEMPORARY).make_in(workshop, |name| fs::hard_link(&self.offer.path, name)) else {
            return Ok(false);
        };
        if !fs::symlink_metadata(link.path()).is_ok_and(|found| Stamp::of(&found) == stamp) {
            return Ok(false);
        }
        let doing = |error| Fault::disk(format!("link {} to {}", target.display(), self.offer.path.display()), error);
        link.into_temp_path().persist(target).map_err(|failed| doing(failed.error))?;
        sync_parent(target).map(|()| true)
    }

    /// Makes the partial a copy of the offered file whose digest is right; `false`, and no partial, where it is not.
    ///
    /// A partial that is there already gives way only to what was found to be right beforehand.
    pub(super) fn copy(&self, partial: &PartialPaths) -> Result<bool, Fault> {
        if partial.data.exists() && self.vouched()?.is_none() {
            return Ok(false);
        }
        let copied = self.copied(partial);
        if !matches!(copied, Ok(true)) {
            remove_if_there(&partial.data)?;
        }
        copied
    }

    fn copied(&self, partial: &PartialPaths) -> Result<bool, Fault> {
        let Ok((mut source, stamp)) = opened(&self.offer.path) else { return Ok(false) };
        remove_if_there(&partial.journal)?;
        remove_if_there(&partial.data)?;
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::Interrupted => self.interrupted(),
            _ => Fault::disk(format!("copy {} to {}", self.offer.path.display(), partial.data.display()), error),
        };
        let mut target = File::options().read(true).write(true).create_new(true).open(&partial.data).map_err(failed)?;
        let (size, like) = (self.file.size, &self.file.digest);
        // Its owner may write into the source meanwhile, so it is the copy's bytes that are hashed.
        let digest = if is_cloned(&target, &source) {
            read_through(&mut target, size, like, self.watch, |_| Ok(()))
        } else {
            read_through(&mut source, size, like, self.watch, |block| target.write_all(block))
        };
        let digest = digest.map_err(failed)?;
        if digest != *like {
            self.known.note(stamp, digest);
            self.ignore::<()>("its digest is another");
            return Ok(false);
        }
        target.sync_data().map_err(failed).map(|()| true)
    }

    fn ignore<T>(&self, why: &str) -> Option<T> {
        tracing::warn!(file = %self.file.path, offered = %self.offer.path.display(), why, "a file on this machine is not used");
        None
    }

    fn interrupted(&self) -> Fault {
        Fault::new(FaultKind::Interrupted, format!("taking over {} from this machine was stopped", self.file.path))
    }
}

/// A file and what it looks like before it is read.
fn opened(path: &Path) -> io::Result<(File, Stamp)> {
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    Ok((file, stamp))
}

/// Whether the target, which is empty, shares the source's blocks now. Most filesystems cannot do that.
#[cfg(target_os = "linux")]
pub(super) fn is_cloned(target: &File, source: &File) -> bool {
    rustix::fs::ioctl_ficlone(target, source).is_ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_cloned(_target: &File, _source: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::PathBuf;

    use super::super::Cache;
    use super::super::testkit::{self, HASH, add, plan, share, write_partial};
    use super::*;
    use crate::desk::Plan;

    const FILES: &[(&str, &[u8])] = &[("w.bin", b"weights")];

    fn go_on(_: u64) -> bool {
        true
    }

    /// Whether the plan's file was adopted from the first offer.
    fn adopt(cache: &Cache, plan: &Plan) -> Result<bool, Fault> {
        let place = cache.place(plan).unwrap();
        place.prepare().unwrap();
        let offers = cache.elsewhere().offers(&plan.files[0]);
        place.adopt(&plan.files[0], &offers[0], &go_on)
    }

    fn placed(cache: &Cache, plan: &Plan) -> PathBuf {
        cache.place(plan).unwrap().file_path(&plan.files[0])
    }

    #[test]
    fn a_blob_is_linked_and_an_unfinished_download_of_it_removed() {
        let (_dir, cache) = testkit::cache();
        let (first, plan) = (add(&cache, "org/a", FILES), plan("org/b", FILES));
        let place = cache.place(&plan).unwrap();
        place.prepare().unwrap();
        write_partial(&*place, &plan.files[0], b"wei");
        assert!(adopt(&cache, &plan).unwrap());
        let (one, other) = (first.file_path(&plan.files[0]), placed(&cache, &plan));
        assert_eq!(fs::metadata(&one).unwrap().ino(), fs::metadata(&other).unwrap().ino());
        assert!(fs::symlink_metadata(&other).unwrap().is_symlink() && !place.partial(&plan.files[0]).data.exists());
        fs::remove_dir_all(cache.root().join("models--org--a")).unwrap();
        assert_eq!(fs::read(other).unwrap(), b"weights", "each stands alone");
    }

    #[test]
    fn in_a_plain_folder_and_without_links_content_is_copied() {
        let (dir, cache) = testkit::cache();
        let first = add(&cache, "org/a", FILES);
        let plain = Plan { local_dir: Some(dir.path().join("out")), ..plan("org/b", FILES) };
        for (cache, plan) in [(cache.clone(), plain), (cache.without_symlinks(), plan("org/c", FILES))] {
            assert!(adopt(&cache, &plan).unwrap());
            fs::write(placed(&cache, &plan), "edited").unwrap();
            assert_eq!(fs::read(first.file_path(&plan.files[0])).unwrap(), b"weights");
        }
    }

    #[test]
    fn a_payload_of_the_store_is_linked_by_its_manifest() {
        let (_dir, cache) = testkit::cache();
        let plan = plan("org/b", FILES);
        add(&cache, "org/a", FILES);
        share(&cache, "org/a", plan.files[0].digest.hex(), HASH, b"weights");
        assert!(adopt(&cache, &plan).unwrap());
        let blob = format!("models--org--b/blobs/{}", plan.files[0].digest);
        assert_eq!(fs::read_link(cache.root().join(&blob)).unwrap(), Path::new("../../blobs/c6").join(HASH));
        assert!(fs::read_to_string(cache.root().join(format!("blobs/c6/{HASH}.refs"))).unwrap().contains(&blob));
    }

    #[test]
    fn wrong_content_is_not_adopted_and_costs_no_partial() {
        let (dir, cache) = testkit::cache();
        let plan = plan("org/b", FILES);
        fs::create_dir_all(dir.path().join("models")).unwrap();
        fs::write(dir.path().join("models/w.bin"), "WEIGHTS").unwrap();
        let cache = cache.with_local_roots(vec![dir.path().join("models")]);
        let place = cache.place(&plan).unwrap();
        place.prepare().unwrap();
        write_partial(&*place, &plan.files[0], b"wei");
        assert!(!adopt(&cache, &plan).unwrap());
        assert!(!place.held(&plan.files[0]) && place.partial(&plan.files[0]).journal.exists());
        assert_eq!(cache.elsewhere().offers(&plan.files[0]), [], "it is not read again");
        fs::write(dir.path().join("models/w.bin"), "weights").unwrap();
        fs::set_permissions(dir.path().join("models/w.bin"), fs::Permissions::from_mode(0o400)).unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
        File::open(dir.path().join("models/w.bin")).unwrap().set_modified(later).unwrap();
        assert!(adopt(&cache, &plan).unwrap());
        assert_eq!(fs::read(placed(&cache, &plan)).unwrap(), b"weights");
        assert_eq!(fs::metadata(placed(&cache, &plan)).unwrap().mode() & 0o200, 0o200, "it has a new file's permissions");
    }

    #[test]
    fn a_stop_ends_the_reading() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/a", FILES);
        let cache = Cache::new(cache.root().to_path_buf()); // which knows nothing yet
        let plan = plan("org/b", FILES);
        let place = cache.place(&plan).unwrap();
        place.prepare().unwrap();
        let offer = &cache.elsewhere().offers(&plan.files[0])[0];
        let fault = place.adopt(&plan.files[0], offer, &|_| false).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Interrupted);
        assert!(!place.partial(&plan.files[0]).data.exists() && !place.held(&plan.files[0]));
    }
}
