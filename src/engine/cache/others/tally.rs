//! Counting files so that content counts once, whatever its names, and knowing which of it is the cache's.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::layout::LOCKS;
use super::super::seen::{Kind, Seen};
use crate::desk::{OtherKind, OtherModel};

/// Device and inode.
type Identity = (u64, u64);

/// So many entries of the cache are looked at for content with a second name.
const MOST_ENTRIES: usize = 500_000;

/// What the cache itself holds, as far as it can have names elsewhere.
pub(super) struct Ours {
    /// The cache's folder, to which no link is on the way.
    root: PathBuf,
    /// Content of the cache with more than one name; looked for when a file elsewhere has more than one.
    linked: OnceCell<HashSet<Identity>>,
}

impl Ours {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, linked: OnceCell::new() }
    }

    /// Whether a file is content of the cache too: a link into it, or one more name of the same bytes.
    fn has(&self, file: &Path, is_link: bool, seen: &Seen) -> bool {
        let leads_in = || fs::canonicalize(file).is_ok_and(|place| place.starts_with(&self.root));
        (is_link && leads_in()) || (seen.names > 1 && self.linked.get_or_init(|| linked_below(&self.root)).contains(&seen.identity))
    }
}

/// The identities of the files below a folder that have more than one name.
fn linked_below(root: &Path) -> HashSet<Identity> {
    let (mut found, mut left, mut folders) = (HashSet::new(), MOST_ENTRIES, vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten().take(left) {
            left -= 1;
            match entry.file_type().map_or(Kind::Other, Kind::from) {
                Kind::Folder if entry.file_name() != LOCKS => folders.push(entry.path()),
                Kind::File => found.extend(entry.metadata().ok().map(|it| Seen::of(&it)).filter(|it| it.names > 1).map(|it| it.identity)),
                _ => {}
            }
        }
    }
    found
}

/// What one model comes to.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) files: usize,
    size: u64,
    linked: u64,
    accessed: Option<Timestamp>,
    counted: HashSet<Identity>,
}

impl Sum {
    pub(super) fn into_model(self, name: String, kind: OtherKind, path: PathBuf) -> OtherModel {
        OtherModel { name, kind, path, size: self.size, linked: self.linked, files: self.files, last_accessed: self.accessed }
    }
}

/// What a store comes to.
pub(super) struct Tally<'a> {
    ours: &'a Ours,
    counted: HashSet<Identity>,
    size: u64,
}

impl<'a> Tally<'a> {
    pub(super) fn new(ours: &'a Ours) -> Self {
        Self { ours, counted: HashSet::new(), size: 0 }
    }

    /// Bytes on the disk that are the store's own.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Counts a file for a model and for the store; `false` for what is no file and leads to none.
    pub(super) fn add(&mut self, sum: &mut Sum, file: &Path) -> bool {
        let Some((is_link, seen)) = look(file) else { return false };
        sum.files += 1;
        sum.accessed = sum.accessed.max(seen.accessed());
        if !sum.counted.insert(seen.identity) {
            return true;
        }
        let bytes = seen.size.min(seen.on_disk);
        sum.size += bytes;
        if self.ours.has(file, is_link, &seen) {
            sum.linked += bytes;
        } else if self.counted.insert(seen.identity) {
            self.size += bytes;
        }
        true
    }
}

/// Whether a file is a link, and what the filesystem says of its bytes.
fn look(file: &Path) -> Option<(bool, Seen)> {
    let seen = Seen::at(file)?;
    let is_link = seen.kind == Kind::Link;
    let seen = if is_link { Seen::of(&fs::metadata(file).ok()?) } else { seen };
    (seen.kind == Kind::File).then_some((is_link, seen))
}
