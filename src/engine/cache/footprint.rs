//! The exact bytes of what goes and of what stays. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::seen::Seen;

/// Device and inode.
pub(super) type Identity = (u64, u64);

/// One name of some bytes, which goes.
#[derive(Debug)]
struct Leaving {
    path: PathBuf,
    seen: Seen,
    /// Whether no snapshot uses it.
    unused: bool,
}

impl Leaving {
    /// A file that snapshots use counts by its length, as in the official client; any other by what it takes on the disk.
    fn bytes(&self) -> u64 {
        if self.unused { self.seen.on_disk } else { self.seen.size }
    }
}

/// The files of a deletion, and those that were asked for and stay.
#[derive(Debug, Default)]
pub(super) struct Footprint {
    leaving: Vec<Leaving>,
    staying: BTreeMap<Identity, u64>,
    /// The cache's own device, where it is known.
    home: Option<u64>,
}

/// Bytes, as [`DeletionPlan`](crate::desk::DeletionPlan) tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) frees: u64,
    pub(super) unused: u64,
    pub(super) elsewhere: u64,
    pub(super) keeps: u64,
}

impl Footprint {
    /// Nothing yet, of a cache on this device.
    pub(super) fn at_home_on(home: Option<u64>) -> Self {
        Self { home, ..Self::default() }
    }

    /// Notes a name that goes; `path` is relative to the cache's root.
    pub(super) fn leave(&mut self, path: &Path, seen: Seen, unused: bool) {
        self.leaving.push(Leaving { path: path.to_path_buf(), seen, unused });
    }

    /// Notes what was asked for and stays.
    pub(super) fn stay(&mut self, seen: Seen) {
        self.staying.insert(seen.identity, seen.size);
    }

    /// The bytes, where those names have gone that `is_gone` says. Bytes with several names go with the last of them.
    pub(super) fn totals(&self, is_gone: impl Fn(&Path) -> bool) -> Totals {
        let mut totals = Totals::default();
        let mut stays = self.staying.clone();
        for (identity, names) in self.by_bytes(is_gone) {
            let bytes = size(&names);
            if !are_all(&names) {
                stays.insert(identity, bytes);
                continue;
            }
            totals.frees += bytes;
            totals.unused += if names.iter().all(|name| name.unused) { bytes } else { 0 };
            totals.elsewhere += if self.home.is_some_and(|home| home != identity.0) { bytes } else { 0 };
            stays.remove(&identity);
        }
        totals.keeps = stays.values().sum();
        totals
    }

    /// The bytes that come free where all of it goes, each with one of their names.
    pub(super) fn freed(&self) -> Vec<(&Path, u64)> {
        let freed = self.by_bytes(|_| true).into_values().filter(|names| are_all(names));
        freed.filter_map(|names| Some((names.first()?.path.as_path(), size(&names)))).collect()
    }

    fn by_bytes(&self, is_gone: impl Fn(&Path) -> bool) -> BTreeMap<Identity, Vec<&Leaving>> {
        let mut by_bytes = BTreeMap::<Identity, Vec<&Leaving>>::new();
        for leaving in self.leaving.iter().filter(|leaving| is_gone(&leaving.path)) {
            by_bytes.entry(leaving.seen.identity).or_default().push(leaving);
        }
        by_bytes
    }

    /// The names that go, by the bytes they name.
    pub(super) fn identities(&self) -> impl Iterator<Item = (Identity, &Path)> {
        self.leaving.iter().map(|leaving| (leaving.seen.identity, leaving.path.as_path()))
    }
}

/// The bytes that these names name.
fn size(names: &[&Leaving]) -> u64 {
    names.iter().map(|name| name.bytes()).max().unwrap_or_default()
}

/// Whether bytes have no other name than these.
fn are_all(names: &[&Leaving]) -> bool {
    let all = names.iter().map(|name| name.seen.names).max().unwrap_or_default();
    u64::try_from(names.len()).is_ok_and(|gone| gone >= all)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn seen(dir: &Path, name: &str) -> Seen {
        Seen::at(&dir.join(name)).unwrap()
    }

    #[test]
    fn bytes_go_with_their_last_name() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        fs::write(dir.join("a"), [1; 10]).unwrap();
        fs::hard_link(dir.join("a"), dir.join("b")).unwrap();
        fs::write(dir.join("c"), [1; 100]).unwrap();
        let mut print = Footprint::default();
        for name in ["a", "b", "c"] {
            print.leave(Path::new(name), seen(dir, name), false);
        }
        assert_eq!(print.totals(|_| true), Totals { frees: 110, ..Totals::default() });
        assert_eq!(print.totals(|path| path != Path::new("b")), Totals { frees: 100, keeps: 10, ..Totals::default() });
    }

    #[test]
    fn what_no_snapshot_uses_counts_by_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        fs::File::create(dir.join("holes")).unwrap().set_len(1 << 30).unwrap();
        fs::write(dir.join("stays"), [1; 7]).unwrap();
        let mut print = Footprint::default();
        print.leave(Path::new("holes"), seen(dir, "holes"), true);
        print.stay(seen(dir, "stays"));
        let on_disk = seen(dir, "holes").on_disk;
        assert!(on_disk < 1 << 20);
        assert_eq!(print.totals(|_| true), Totals { frees: on_disk, unused: on_disk, elsewhere: 0, keeps: 7 });
    }
}
