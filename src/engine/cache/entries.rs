//! Putting entries into folders so that a crash leaves the old one or the new, and no path leaves its folder.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::fs::OFlags;
use tempfile::Builder;

use super::known::Stamp;
use super::layout::TEMPORARY;
use super::place::PartialPaths;
use crate::desk::{Fault, FaultKind, bytes};
use crate::engine::host::{create_dir, sync_dir, write_atomically};

/// A file that every process with this umask may have, before the umask is applied.
const ANYBODY: u32 = 0o666;

/// Says that a folder is a cache, so that backups skip it (<https://bford.info/cachedir/>).
const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This folder holds files of the Hugging Face Hub, which can be downloaded again.\n";

/// The size of a file here, links followed: a blob may be a link into the shared store.
pub(super) fn size_of(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(Metadata::is_file).map(|found| found.len())
}

/// The size of a regular file here; a link is none.
pub(super) fn size_of_regular(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().filter(Metadata::is_file).map(|found| found.len())
}

/// Creates `relative` below `base` folder by folder, refusing a symbolic link that leads out of `base`.
pub(super) fn inner_dir(base: &Path, relative: &Path) -> Result<PathBuf, Fault> {
    create_dir(base)?;
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| Fault::disk(format!("look up {}", path.display()), error));
    let home = real(base)?;
    let mut folder = base.to_path_buf();
    for part in relative.components() {
        folder.push(part);
        create_dir(&folder)?;
        if !real(&folder)?.starts_with(&home) {
            return Err(Fault::new(FaultKind::Disk, format!("{} leads out of {}", folder.display(), base.display()))
                .hint("remove the symbolic link, then try again"));
        }
    }
    Ok(folder)
}

/// The folder of a file at this path in a repository, created below `base`.
pub(super) fn inner_parent(base: &Path, path: &str) -> Result<PathBuf, Fault> {
    inner_dir(base, Path::new(path).parent().unwrap_or(Path::new("")))
}

/// Folders below one base that were made, and found to lie in it, for an earlier file; looking at each link on the way to every file
/// costs more than writing a small one.
#[derive(Default)]
pub(super) struct Made(Mutex<HashSet<PathBuf>>);

impl Made {
    /// Makes the folder of a file at this path below `base`, as [`inner_parent`] does.
    pub(super) fn parent(&self, base: &Path, path: &str) -> Result<(), Fault> {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        let made = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = made().contains(folder);
        if !known {
            inner_dir(base, folder)?;
            made().insert(folder.to_path_buf());
        }
        Ok(())
    }
}

/// Checks that files can be made in a folder, and answers with the permission bits that new ones get.
pub(super) fn probe(folder: &Path) -> Result<u32, Fault> {
    let named = || temporary().tempfile_in(folder)?.as_file().metadata();
    let made = nameless(folder).and_then(|file| file.metadata()).or_else(|_| named());
    made.map(|found| found.permissions().mode() & 0o777).map_err(|error| Fault::disk(format!("write into {}", folder.display()), error))
}

/// A file without a name, which leaves nothing behind however this process ends. Not every filesystem has them.
pub(super) fn nameless(folder: &Path) -> io::Result<File> {
    let mut options = File::options();
    #[allow(clippy::cast_possible_wrap)] // the flags are low bits
    options.write(true).mode(ANYBODY).custom_flags(OFlags::TMPFILE.bits() as i32);
    options.open(folder)
}

/// The permission bits of new files in a folder, learnt when they are first asked for.
#[derive(Default)]
pub(super) struct FileMode(OnceLock<u32>);

impl FileMode {
    /// The bits that files made in `folder` get.
    pub(super) fn get(&self, folder: &Path) -> Result<u32, Fault> {
        match self.0.get() {
            Some(mode) => Ok(*mode),
            None => probe(folder).map(|mode| *self.0.get_or_init(|| mode)),
        }
    }
}

pub(super) fn temporary() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(TEMPORARY).permissions(Permissions::from_mode(ANYBODY));
    builder
}

/// Marks a folder as a cache, unless it is already.
pub(super) fn tag_cache(folder: &Path) -> Result<(), Fault> {
    write_if_absent(&folder.join("CACHEDIR.TAG"), CACHEDIR_TAG)
}

/// Writes a file that is not there yet.
pub(super) fn write_if_absent(path: &Path, content: &str) -> Result<(), Fault> {
    if path.exists() { Ok(()) } else { write_atomically(path, content.as_bytes(), 0o644) }
}

/// Replaces a small file. The temporary one stands in `workshop`, for folders in which a stray file would be taken for content.
pub(super) fn replace_with_text(workshop: &Path, path: &Path, content: &str) -> Result<(), Fault> {
    let write = || {
        let mut file = temporary().tempfile_in(workshop)?;
        file.write_all(content.as_bytes())?;
        file.as_file().sync_data()?;
        file.persist(path).map_err(|failed| failed.error).map(drop)
    };
    write().map_err(|error| Fault::disk(format!("write {}", path.display()), error))?;
    sync_parent(path)
}

/// Replaces a path with a symbolic link that says `target`. The temporary link stands in `workshop`.
pub(super) fn replace_with_link(workshop: &Path, path: &Path, target: &Path) -> io::Result<()> {
    let link = temporary().make_in(workshop, |temporary| symlink(target, temporary))?;
    link.into_temp_path().persist(path).map_err(|failed| failed.error)
}

/// Copies a file's content to a partial, so that a crash on the way leaves what the next download takes over.
pub(super) fn copy_to_partial(source: &Path, partial: &PartialPaths) -> Result<(), Fault> {
    remove_if_there(&partial.journal)?;
    let copy = || {
        let (mut from, mut to) = (File::open(source)?, File::create(&partial.data)?);
        io::copy(&mut from, &mut to)?;
        to.sync_data()
    };
    copy().map_err(|error| Fault::disk(format!("copy {} to {}", source.display(), partial.data.display()), error))
}

/// Turns a partial that is verified and synced into the file it is for: size checked, given the permissions of a new file, renamed,
/// journal removed. Answers what the file looks like. The caller makes the rename durable. One that was `written` just now, and looks
/// like this, has no journal.
pub(super) fn settle(
    mode: u32,
    partial: &PartialPaths,
    written: Option<&Metadata>,
    target: &Path,
    size: u64,
) -> Result<Option<Stamp>, Fault> {
    let look = || fs::symlink_metadata(&partial.data).ok();
    let found = written.cloned().or_else(look).filter(Metadata::is_file);
    let length = found.as_ref().map_or(0, Metadata::len);
    if length != size {
        let message = format!("{} has {} instead of {}", partial.data.display(), bytes(length), bytes(size));
        return Err(Fault::new(FaultKind::Corrupt, message).hint("download the file again"));
    }
    if found.as_ref().is_some_and(|found| found.permissions().mode() & 0o777 != mode) {
        // A filesystem without permissions refuses this, and has nothing to lose.
        let _ = fs::set_permissions(&partial.data, Permissions::from_mode(mode));
    }
    fs::rename(&partial.data, target)
        .map_err(|error| Fault::disk(format!("move {} to {}", partial.data.display(), target.display()), error))?;
    if written.is_none() {
        // Before the sync, which takes its time: a process that ends in between leaves no journal without its data.
        remove_if_there(&partial.journal)?;
    }
    Ok(found.as_ref().map(Stamp::of))
}

/// Removes a file or a link; one that is not there is fine.
pub(super) fn remove_if_there(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Fault::disk(format!("remove {}", path.display()), error)),
        _ => Ok(()),
    }
}

/// Makes a rename to this path durable.
pub(super) fn sync_parent(path: &Path) -> Result<(), Fault> {
    sync_dir(path.parent().unwrap_or(Path::new("/")))
}

/// Makes the renames to these paths durable, with one sync for each of their folders.
pub(super) fn sync_parents<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), Fault> {
    let folders: BTreeSet<&Path> = paths.into_iter().filter_map(|path| path.parent()).collect();
    folders.into_iter().try_for_each(sync_dir)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_probe_has_no_name_and_the_permissions_of_a_file_with_one() {
        let dir = tempfile::tempdir().unwrap();
        let Ok(file) = nameless(dir.path()) else { return };
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let named = temporary().tempfile_in(dir.path()).unwrap();
        assert_eq!(file.metadata().unwrap().permissions(), named.as_file().metadata().unwrap().permissions());
    }

    #[test]
    fn folders_stay_inside_their_base() {
        let dir = tempfile::tempdir().unwrap();
        let (base, outside) = (dir.path().join("base"), dir.path().join("outside"));
        create_dir(&outside).unwrap();
        assert_eq!(inner_dir(&base, Path::new("a/b")).unwrap(), base.join("a/b"));
        symlink("a", base.join("alias")).unwrap();
        inner_dir(&base, Path::new("alias/c")).unwrap();
        symlink(&outside, base.join("door")).unwrap();
        for path in ["door", "door/deep", "../outside/x", "a/../../outside/x"] {
            assert!(inner_dir(&base, Path::new(path)).is_err(), "{path}");
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[test]
    fn a_file_where_a_folder_should_be_is_a_fault_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let fault = inner_dir(dir.path(), Path::new("file/x")).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Disk);
        assert!(fault.message.contains("file"), "{fault}");
    }

    #[test]
    fn a_settled_partial_has_a_new_files_permissions_and_no_journal() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let partial = PartialPaths { data: path("p"), journal: path("j") };
        fs::write(&partial.data, "12345").unwrap();
        fs::write(&partial.journal, "{}").unwrap();
        fs::set_permissions(&partial.data, Permissions::from_mode(0o400)).unwrap();
        let mode = FileMode::default().get(dir.path()).unwrap();
        assert_eq!(settle(mode, &partial, None, &path("t"), 4).unwrap_err().kind, FaultKind::Corrupt);
        settle(mode, &partial, None, &path("t"), 5).unwrap();
        fs::write(path("new"), "").unwrap();
        assert_eq!(fs::metadata(path("t")).unwrap().mode(), fs::metadata(path("new")).unwrap().mode());
        assert!(!partial.data.exists() && !partial.journal.exists());
    }
}
