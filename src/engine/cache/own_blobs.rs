//! A repository's own blobs while its snapshots are read: each is known by name at first, and looked at once.
//!
//! Looking at what a link leads to tells the blob's inode, and the folder of blobs has told which name that inode has. So most of a cache
//! is read with one look at each link, rather than one at the link and another one at its blob.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::dir::{Dir, below};
use super::scan::Blob;
use super::seen::{Kind, Named, Seen};

/// What is known of one name in the folder.
struct Known {
    name: OsString,
    /// Its place among the blobs, once it was looked at.
    blob: Option<usize>,
}

/// The folder of a repository's blobs.
pub(super) struct OwnBlobs {
    dir: Dir,
    /// Relative to the cache's root.
    folder: PathBuf,
    device: u64,
    /// Whether the filesystem tells the same inode in a listing and of the file.
    truthful: bool,
    known: Vec<Known>,
    /// Places among the known by inode.
    by_inode: HashMap<u64, usize>,
    /// The same by name; filled when somebody asks.
    by_name: HashMap<OsString, usize>,
}

impl OwnBlobs {
    /// The blobs in an open folder, of which this was seen.
    pub(super) fn new(dir: Dir, folder: PathBuf, device: u64) -> Self {
        let truthful = dir.is_local();
        Self { dir, folder, device, truthful, known: Vec::new(), by_inode: HashMap::new(), by_name: HashMap::new() }
    }

    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// The folder, relative to the cache's root.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether what a link leads to tells which blob it is: no inode has two names, nothing leads further, and the filesystem does not make
    /// inodes up, as those of shared folders may.
    pub(super) fn tell_by_inode(&self) -> bool {
        self.truthful && self.by_inode.len() == self.known.len()
    }

    /// A name in the folder; `blob` is its place, where it was looked at.
    pub(super) fn add(&mut self, named: Named, blob: Option<usize>) {
        if blob.is_none() {
            self.by_inode.insert(named.inode, self.known.len());
        }
        self.known.push(Known { name: named.name, blob });
    }

    /// The blob that has what a link leads to.
    pub(super) fn with_content(&mut self, seen: Seen, blobs: &mut Vec<Blob>) -> Option<usize> {
        let (device, inode) = seen.identity;
        let at = *self.by_inode.get(&inode).filter(|_| device == self.device && seen.kind == Kind::File)?;
        Some(self.placed(at, seen, blobs))
    }

    /// The blob with this name.
    pub(super) fn named(&mut self, name: &OsStr, blobs: &mut Vec<Blob>) -> Option<usize> {
        if self.by_name.is_empty() {
            self.by_name = self.known.iter().enumerate().map(|(at, known)| (known.name.clone(), at)).collect();
        }
        self.looked_at(*self.by_name.get(name)?, blobs)
    }

    /// Looks at what no snapshot uses.
    pub(super) fn look_at_the_rest(mut self, blobs: &mut Vec<Blob>) {
        (0..self.known.len()).for_each(|at| _ = self.looked_at(at, blobs));
    }

    fn looked_at(&mut self, at: usize, blobs: &mut Vec<Blob>) -> Option<usize> {
        let known = self.known.get(at)?;
        if known.blob.is_some() {
            return known.blob;
        }
        let seen = self.dir.seen(known.name.as_os_str()).filter(|seen| seen.kind == Kind::File)?;
        Some(self.placed(at, seen, blobs))
    }

    fn placed(&mut self, at: usize, seen: Seen, blobs: &mut Vec<Blob>) -> usize {
        let known = &mut self.known[at];
        *known.blob.get_or_insert_with(|| {
            blobs.push(Blob { path: below(&self.folder, &known.name), seen, payload: None, used: false });
            blobs.len() - 1
        })
    }
}
