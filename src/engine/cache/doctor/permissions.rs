//! A cache that several people share: whoever may use its folder needs to be able to use what is in it.
//!
//! The official client writes its listings for their owner alone, and a login closes the folder of `HF_HOME` to everybody else
//! (<https://github.com/huggingface/huggingface_hub/pull/4234>).

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::super::Cache;
use super::super::layout::PARTIAL;
use super::super::reader::Reader;
use super::super::seen::Kind;
use super::ward::{Ward, finding, quoted_path};
use crate::desk::{Fault, Finding, Severity, Trouble};

/// The bit of a folder whose entries get its group.
const KEEPS_GROUP: u32 = 0o2000;
/// What the group and everybody else may do.
const NOT_OWNER: u32 = 0o077;
/// Reading, in both.
const READ: u32 = 0o044;
/// Writing, in both.
const WRITE: u32 = 0o022;
/// Entering a folder, in both.
const ENTER: u32 = 0o011;

/// Something that the others cannot use.
struct Closed {
    path: PathBuf,
    /// The bits that it lacks.
    missing: u32,
    is_own: bool,
}

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    let Some(base) = shared(ward.root()) else { return };
    findings.extend(closed_home(ward.root(), base));
    for top in tops(ward.root()) {
        let closed = closed_below(ward.root(), &top, base);
        if let Some(first) = closed.first() {
            findings.push(told(ward, &top, &closed, first));
        }
    }
}

fn told(ward: &Ward, top: &Path, closed: &[Closed], first: &Closed) -> Finding {
    let own = closed.iter().filter(|closed| closed.is_own).count();
    let message = format!("others who share the cache cannot use all of {}: {} is closed to them", ward.name(top), ward.name(&first.path));
    let advice = format!("ask the owners of the others, or run: sudo chmod -R g+rX {}", quoted_path(top));
    Finding {
        mend: (own > 0).then(|| format!("opens {own} files and folders as far as the cache's folder is open")),
        advice: (own < closed.len()).then_some(advice),
        ..finding(Trouble::Permissions, Severity::Error, top, message)
    }
}

/// The permission bits of a cache that others share with its owner; `None` for anybody else's.
fn shared(root: &Path) -> Option<u32> {
    let mode = fs::metadata(root).ok()?.mode();
    (mode & (KEEPS_GROUP | WRITE) != 0).then_some(mode)
}

/// The folder above the cache, where others cannot come through it.
fn closed_home(root: &Path, base: u32) -> Option<Finding> {
    let home = root.parent()?;
    let missing = missing_above(base, fs::metadata(home).ok()?.mode());
    if missing == 0 {
        return None;
    }
    let message = format!("others who share the cache cannot reach it: {} is closed to them", home.display());
    // Anything but a folder like HF_HOME may be closed for a reason.
    let is_hf_home = root.file_name().is_some_and(|name| name == "hub") && is_own(home);
    Some(Finding {
        mend: is_hf_home.then(|| "lets others come through the folder; they still cannot see what is in it".to_owned()),
        advice: (!is_hf_home).then(|| format!("let them through with: chmod g+x {}", quoted_path(home))),
        ..finding(Trouble::Permissions, Severity::Error, home, message)
    })
}

/// What the folder above a cache of these bits lacks for others to come through.
fn missing_above(base: u32, above: u32) -> u32 {
    base & ENTER & !above
}

/// What the root of a cache holds.
fn tops(root: &Path) -> Vec<PathBuf> {
    let mut tops: Vec<PathBuf> = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    tops.sort();
    tops
}

/// What the others cannot use at and below a path, in order.
fn closed_below(root: &Path, top: &Path, base: u32) -> Vec<Closed> {
    let mut closed: Vec<Closed> = everything(root, top).into_iter().filter_map(|(path, kind)| closed_at(path, kind, base)).collect();
    closed.sort_by(|a, b| a.path.cmp(&b.path));
    closed
}

fn closed_at(path: PathBuf, kind: Kind, base: u32) -> Option<Closed> {
    let found = fs::symlink_metadata(&path).ok()?;
    let missing = missing(base, found.mode(), kind, &path.file_name()?.to_string_lossy());
    (missing != 0).then(|| Closed { missing, is_own: found.uid() == rustix::process::geteuid().as_raw(), path })
}

/// The bits that an entry lacks so that whoever may use a cache of these bits can use it too.
fn missing(base: u32, mode: u32, kind: Kind, name: &str) -> u32 {
    // The bits for reading of those who may both list the folder and enter it.
    let readers = base & READ & ((base & ENTER) << 2);
    let wanted = match kind {
        Kind::Folder => base & NOT_OWNER,
        Kind::File => match name.rsplit('.').next() {
            Some("incomplete") => 0,
            _ if name.ends_with(PARTIAL) => 0,
            Some("lock" | "refs") => readers | (base & WRITE),
            _ => readers,
        },
        Kind::Link | Kind::Other => 0,
    };
    wanted & !mode
}

/// A path and, where it is a folder, everything below it; links are not followed.
fn everything(root: &Path, top: &Path) -> Vec<(PathBuf, Kind)> {
    let (mut found, mut at) = (vec![(top.to_path_buf(), kind_of(top))], 0);
    while let Some((path, kind)) = found.get(at).cloned() {
        at += 1;
        if kind == Kind::Folder {
            found.extend(Reader::new(root).names(&path).into_iter().map(|entry| (path.join(entry.name), entry.kind)));
        }
    }
    found
}

fn kind_of(path: &Path) -> Kind {
    fs::symlink_metadata(path).map_or(Kind::Other, |found| found.file_type().into())
}

fn is_own(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.uid() == rustix::process::geteuid().as_raw())
}

/// Opens what is this user's own; the folder above the cache only to come through.
pub(super) fn mend(cache: &Cache, path: &Path) -> Result<bool, Fault> {
    let Some(base) = shared(&cache.root) else { return Ok(false) };
    if Some(path) == cache.root.parent() {
        let above = fs::metadata(path).map_err(|error| Fault::disk(format!("look at {}", path.display()), error))?.mode();
        let missing = missing_above(base, above);
        return if missing == 0 { Ok(false) } else { open(path, missing).map(|()| true) };
    }
    let own: Vec<Closed> = closed_below(&cache.root, path, base).into_iter().filter(|closed| closed.is_own).collect();
    own.iter().try_for_each(|closed| open(&closed.path, closed.missing))?;
    Ok(!own.is_empty())
}

/// Adds permission bits to what is no link.
fn open(path: &Path, missing: u32) -> Result<(), Fault> {
    let mut options = File::options();
    #[allow(clippy::cast_possible_wrap)] // the flags are low bits
    options.read(true).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32);
    let opened = options.open(path).and_then(|file| {
        let mode = file.metadata()?.mode();
        file.set_permissions(Permissions::from_mode((mode & 0o7777) | missing))
    });
    opened.map_err(|error| Fault::disk(format!("change the permissions of {}", path.display()), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cache_is_open_to_must_be_usable() {
        let missing = |mode, kind, name: &str| missing(0o2770, mode, kind, name);
        assert_eq!(missing(0o600, Kind::File, "x.json"), 0o040);
        assert_eq!(missing(0o444, Kind::File, "payload"), 0);
        assert_eq!(missing(0o600, Kind::File, "x.lock"), 0o060);
        assert_eq!(missing(0o644, Kind::File, "x.refs"), 0o020);
        assert_eq!(missing(0o700, Kind::Folder, "blobs"), 0o070);
        assert_eq!(missing(0o2750, Kind::Folder, "blobs"), 0o020);
        assert_eq!(missing(0o600, Kind::File, "x.12345678.incomplete"), 0);
        assert_eq!(missing(0o777, Kind::Link, "x"), 0);
    }

    #[test]
    fn everybody_needs_no_more_than_the_cache_gives() {
        assert_eq!(missing(0o2775, 0o600, Kind::File, "x"), 0o044);
        assert_eq!([0o2771, 0o2774].map(|base| missing(base, 0o600, Kind::File, "x")), [0o040; 2]);
        assert_eq!((missing_above(0o2775, 0o700), missing_above(0o2770, 0o700), missing_above(0o2770, 0o710)), (0o011, 0o010, 0));
    }
}
