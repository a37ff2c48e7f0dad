//! What this user may remove, by the permissions of the folders that it lies in.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::Cache;
use super::doctor::quoted_path;
use super::going::{Step, What};
use super::moved::Home;
use crate::desk::{Fault, FaultKind};

/// The bit of a folder in which only owners remove entries.
const STICKY: u32 = 0o1000;

/// A folder that cannot be emptied, and whose doing that is.
#[derive(Debug, PartialEq, Eq)]
struct Stuck {
    folder: PathBuf,
    owner: u32,
}

impl Cache {
    /// Refuses what is moved as a whole and could not be emptied afterwards: its bytes would never come free.
    pub(super) fn check_rights(&self, steps: &[Step]) -> Result<(), Fault> {
        let me = geteuid().as_raw();
        let folders = steps.iter().filter(|step| matches!(step.what, What::Repo | What::Snapshot | What::Locks));
        let real = |step: &Step| {
            let place = self.root.join(&step.path);
            Home::of(&self.root, &place).there().unwrap_or(place)
        };
        let stuck = folders.map(real).find_map(|folder| stuck_below(&folder, me, &may_write));
        stuck.map_or(Ok(()), |stuck| Err(refused(&stuck, me)))
    }
}

fn refused(stuck: &Stuck, me: u32) -> Fault {
    let (folder, owner) = (stuck.folder.display(), stuck.owner);
    let quoted = quoted_path(&stuck.folder);
    if owner == me {
        let message = format!("{folder} cannot be emptied: it is yours, but not writable");
        return Fault::new(FaultKind::Disk, message).hint(format!("run: chmod u+rwx {quoted}; then try again; nothing was removed"));
    }
    let message = format!("{folder} cannot be emptied: what is in it belongs to user {owner}, and you may not remove it");
    Fault::new(FaultKind::Disk, message)
        .hint(format!("ask that user to delete it, or run: sudo chown -R \"$USER\" {quoted}; then try again; nothing was removed"))
}

/// The first folder at or below a path that user `me` cannot empty, where `may_write` tells in which folders entries may be removed at
/// all. No link is followed.
fn stuck_below(top: &Path, me: u32, may_write: &dyn Fn(&Path) -> bool) -> Option<Stuck> {
    let mut folders = vec![top.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Some(found) = fs::symlink_metadata(&folder).ok().filter(fs::Metadata::is_dir) else { continue };
        let stuck = |owner: u32| Some(Stuck { folder: folder.clone(), owner });
        let Ok(entries) = fs::read_dir(&folder) else { return stuck(found.uid()) };
        let (mut entries, is_sticky) = (entries.flatten().peekable(), found.mode() & STICKY != 0);
        if entries.peek().is_some() && !may_write(&folder) {
            return stuck(found.uid());
        }
        for entry in entries {
            if let Some(other) = is_sticky.then(|| owner_against(&entry.path(), found.uid(), me)).flatten() {
                return stuck(other);
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    None
}

/// Whether user `me` may remove an entry, where `may_write` tells in which folders entries may be removed at all.
pub(super) fn removable(path: &Path, me: u32, may_write: &dyn Fn(&Path) -> bool) -> bool {
    let Some(folder) = path.parent().filter(|folder| may_write(folder)) else { return false };
    let Ok(above) = fs::symlink_metadata(folder) else { return true };
    above.mode() & STICKY == 0 || owner_against(path, above.uid(), me).is_none()
}

/// Who else owns an entry of a sticky folder that belongs to `above`, so that user `me` cannot remove it.
fn owner_against(path: &Path, above: u32, me: u32) -> Option<u32> {
    let owner = fs::symlink_metadata(path).ok()?.uid();
    (me != 0 && ![owner, above].contains(&me)).then_some(owner)
}

/// Whether this user may add and remove entries of a folder.
pub(super) fn may_write(folder: &Path) -> bool {
    let asked = accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
    // Whatever else goes wrong says nothing about that.
    !matches!(asked, Err(Errno::ACCESS | Errno::PERM | Errno::ROFS))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::super::testkit::{self, add, as_nobody, whole};
    use super::*;
    use crate::desk::{Disposal, Fault};

    const FILES: &[(&str, &[u8])] = &[("b.json", b"{}"), ("deep/x.bin", b"payload")];

    #[test]
    fn every_folder_below_has_to_be_writable() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let (repo, me) = (cache.root().join("models--org--m"), fs::metadata(cache.root()).unwrap().uid());
        assert_eq!(stuck_below(&repo, me, &|_| true), None);
        for closed in [repo.clone(), repo.join("blobs"), repo.join("refs"), place.dir(), place.dir().join("deep")] {
            let stuck = stuck_below(&repo, me + 1, &|folder: &Path| folder != closed);
            assert_eq!(stuck, Some(Stuck { folder: closed.clone(), owner: me }));
            fs::create_dir(closed.join("empty")).unwrap();
            assert_eq!(stuck_below(&repo, me, &|folder: &Path| !folder.ends_with("empty")), None, "it goes with its folder");
        }
        fs::set_permissions(repo.join("blobs"), Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(stuck_below(&repo, me + 1, &|_| true), Some(Stuck { folder: repo.join("blobs"), owner: me }));
        assert_eq!(stuck_below(&repo, me, &|_| true), None);
    }

    #[test]
    fn a_refusal_names_the_folder_its_owner_and_what_to_do() {
        let told = |me: u32| {
            let fault = refused(&Stuck { folder: "/cache/models--a--b/blobs".into(), owner: 7 }, me);
            format!("{fault}; {}", fault.hint.as_deref().unwrap_or_default())
        };
        assert!(told(7).contains("blobs cannot be emptied: it is yours") && told(7).contains("chmod u+rwx /cache/models--a--b/blobs"));
        assert!(told(8).contains("belongs to user 7") && told(8).contains("sudo chown -R \"$USER\" /cache/models--a--b/blobs"));
    }

    /// What a closed folder makes of a deletion, and whether the repository is there afterwards.
    fn deleted_closed(disposal: Disposal) -> (Result<(), Fault>, bool) {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        let blobs = cache.root().join("models--org--m/blobs");
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        fs::set_permissions(&blobs, Permissions::from_mode(0o555)).unwrap();
        let done = cache.delete(&planned, disposal).map(drop);
        let is_there = blobs.exists();
        let _ = fs::set_permissions(&blobs, Permissions::from_mode(0o755));
        (done, is_there && cache.trash().is_empty() && cache.scan().unwrap().warnings.is_empty())
    }

    #[test]
    fn what_could_not_be_emptied_is_not_moved() {
        as_nobody(|| {
            for disposal in [Disposal::Trash, Disposal::Forever] {
                let (done, is_there) = deleted_closed(disposal);
                let fault = done.unwrap_err();
                assert!(is_there && fault.message.contains("models--org--m/blobs cannot be emptied"), "{fault}");
            }
        });
    }
}
