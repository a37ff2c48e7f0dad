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
        let Ok(mut source) = File::open(&self.offer.path) else { return Ok(false) };
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
        let right = digest.map_err(failed)? == *like;
        if !right {
            self.ignore::<()>("its digest is another");
        }
        Ok(right)
    }

    fn ignore<T>(&self, why: &str) -> Option<T> {
        tracing::warn!(file = %self.file.path, offered = %self.offer.path.display(), why, "a file on this machine is not used");
        None
    }

    fn interrupted(&self) -> Fault {
        Fault::new(FaultKind::Interrupted, format!("taking over {} from this machine was stopped", self.file.path))
    }
}

/// Whether the target, which is empty, shares the source's blocks now. Most filesystems cannot do that.
#[cfg(target_os = "linux")]
fn is_cloned(target: &File, source: &File) -> bool {
    rustix::fs::ioctl_ficlone(target, source).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn is_cloned(_target: &File, _source: &File) -> bool {
    false
}
