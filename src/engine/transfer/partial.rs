//! A partial download as it lies on the disk.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::blocks::BlockSums;
use super::journal::Journal;
use super::ranges::Ranges;
use crate::desk::{Digest, Fault};
use crate::engine::host;

/// A partial download's two files: the bytes at their final offsets, and the journal that says which of them count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// The data, such as `blobs/<etag>.hfdesk.part`. Its length means nothing.
    pub data: PathBuf,
    /// The journal, such as `blobs/<etag>.hfdesk.json`.
    pub journal: PathBuf,
}

impl Partial {
    /// How many bytes need not be fetched again: what the journal vouches for and the data file is long enough to hold.
    ///
    /// It is 0 where either file is missing or unreadable, and where the journal is about another size or digest.
    pub fn held(&self, size: u64, digest: &Digest) -> u64 {
        self.vouched(size, digest).total()
    }

    /// Vouches for the blocks of the data file that are `found` to be as they were `kept`, and for nothing else; answers with their bytes.
    pub fn vouch(&self, kept: &BlockSums, found: &BlockSums) -> Result<u64, Fault> {
        let good = kept.shared_with(found);
        let total = good.total();
        Journal::new(kept.size(), kept.digest().clone(), good.clone(), good).save(&self.journal)?;
        Ok(total)
    }

    /// Removes both files; missing ones are fine.
    pub fn discard(&self) -> Result<(), Fault> {
        remove(&self.journal)?;
        remove(&self.data)
    }

    /// Removes what a process that died while it wrote the journal left beside it.
    pub(super) fn tidy(&self) -> Result<(), Fault> {
        if self.data.exists() { host::remove_temporaries(&self.journal) } else { Ok(()) }
    }

    /// Cuts so many bytes off the data. They are fetched again: a journal counts for no more than what the data file is long enough to hold.
    pub(super) fn shorten(&self, bytes: u64) -> Result<(), Fault> {
        let shortened = File::options().write(true).open(&self.data).and_then(|file| {
            let length = file.metadata()?.len();
            file.set_len(length.saturating_sub(bytes))
        });
        shortened.map_err(|error| Fault::disk(format!("shorten {}", self.data.display()), error))
    }

    /// The ranges that need not be fetched again.
    pub(super) fn vouched(&self, size: u64, digest: &Digest) -> Ranges {
        let length = fs::symlink_metadata(&self.data).map_or(0, |data| if data.is_file() { data.len() } else { 0 });
        let journal = if length > 0 { Journal::load(&self.journal, size, digest) } else { None };
        journal.map_or_else(Ranges::default, |journal| journal.vouched(length))
    }
}

fn remove(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Fault::disk(format!("remove {}", path.display()), error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bytes_that_journal_and_data_agree_on_are_held() {
        let dir = tempfile::tempdir().unwrap();
        let partial = Partial { data: dir.path().join("x.part"), journal: dir.path().join("x.json") };
        let digest: Digest = "ab".repeat(20).parse().unwrap();
        assert_eq!(partial.held(100, &digest), 0);
        let synced = Ranges::whole(80);
        Journal::new(100, digest.clone(), synced.clone(), synced).save(&partial.journal).unwrap();
        assert_eq!(partial.held(100, &digest), 0);
        fs::write(&partial.data, [7; 50]).unwrap();
        assert_eq!(partial.held(100, &digest), 50);
        assert_eq!(partial.held(99, &digest), 0);
        partial.shorten(20).unwrap();
        assert_eq!(partial.held(100, &digest), 30);
        partial.shorten(200).unwrap();
        assert_eq!(partial.held(100, &digest), 0);
        partial.discard().unwrap();
        partial.discard().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
