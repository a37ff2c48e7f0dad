//! Unfinished downloads of other programs: room that nothing gives back, and one name that an old client takes for a whole file.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::Cache;
use super::super::layout::is_hex;
use super::super::scan::{Blob, RepoScan, leftover_kind};
use super::super::seen::{Kind, Seen};
use super::super::verify::verify_blob;
use super::ward::{Ward, finding, lock_blob};
use crate::desk::{Digest, Fault, FaultKind, Finding, LeftoverKind, Severity, Trouble, bytes};

/// Nobody pauses between two writes of a download for so long.
const STALE: SignedDuration = SignedDuration::from_hours(24);
/// The longest listing of a commit that is read, in bytes.
const LONGEST_LISTING: u64 = 64 << 20;

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    for repo in &ward.repos {
        for blob in repo.blobs.iter().filter(|blob| !blob.used && leftover_kind(&blob.name()) == LeftoverKind::Incomplete) {
            let path = ward.root().join(&blob.path);
            if exact(&blob.name()).is_some_and(|etag| is_full(repo, blob, etag)) {
                findings.push(full(ward, &path));
            } else if is_stale(&blob.seen, ward.now) {
                findings.push(stale(ward, &path, &blob.seen));
            }
        }
    }
}

fn stale(ward: &Ward, path: &Path, seen: &Seen) -> Finding {
    let size = bytes(seen.on_disk);
    let message = format!("{} is an unfinished download of another program, a day old or more, and takes {size}", ward.name(path));
    let mend = format!("removes it and frees {size}; huggingface_hub before 1.18 would have gone on with it");
    Finding { mend: Some(mend), ..finding(Trouble::StalePartial, Severity::Note, path, message) }
}

fn full(ward: &Ward, path: &Path) -> Finding {
    let what = "looks like an unfinished download and has its full length: huggingface_hub before 1.18 takes it for whole without a check";
    let mend = "reads it, and removes it unless its content is right".to_owned();
    Finding { mend: Some(mend), ..finding(Trouble::FullLengthPartial, Severity::Warning, path, format!("{} {what}", ward.name(path))) }
}

fn is_stale(seen: &Seen, now: Timestamp) -> bool {
    seen.modified().is_some_and(|modified| now.duration_since(modified) > STALE)
}

/// The blob that a partial is for, where it has the name under which huggingface_hub before 1.18 goes on: `<etag>.incomplete`.
fn exact(name: &str) -> Option<&str> {
    etag(name).filter(|etag| name.len() == etag.len() + ".incomplete".len())
}

/// The blob that a partial is for: `<etag>.incomplete` or `<etag>.<8 hex>.incomplete`.
fn etag(name: &str) -> Option<&str> {
    name.split('.').next().filter(|etag| is_hex(etag, 40) || is_hex(etag, 64))
}

/// Whether a partial has its full length, by the listings of the repository's commits. Holes say nothing: a filesystem that compresses
/// has them everywhere.
fn is_full(repo: &RepoScan, blob: &Blob, etag: &str) -> bool {
    let listed = repo.snapshots.iter().find_map(|snapshot| listed_size(&repo.path, &snapshot.commit, etag));
    listed.is_some_and(|size| blob.seen.size >= size)
}

/// The size of a blob, by the listing of a commit.
fn listed_size(repo: &Path, commit: &str, etag: &str) -> Option<u64> {
    let path = repo.join("trees").join(format!("{commit}.json"));
    fs::symlink_metadata(&path).ok().filter(|found| found.is_file() && found.len() <= LONGEST_LISTING)?;
    let listing: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let is_meant = |file: &&Value| ["lfs_sha256", "blob_id"].iter().any(|key| file.get(key).and_then(Value::as_str) == Some(etag));
    listing.get("files")?.as_object()?.values().find(is_meant)?.get("size")?.as_u64()
}

/// Removes a partial that nobody writes to, or one of full length that turns out to be wrong.
pub(super) fn mend(cache: &Cache, path: &Path, trouble: Trouble, now: Timestamp) -> Result<bool, Fault> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let etag = etag(&name);
    let _lock = etag.map(|etag| lock_blob(cache, path, etag)).transpose()?;
    let Some(seen) = Seen::at(path).filter(|seen| seen.kind == Kind::File) else { return Ok(false) };
    match etag.filter(|_| trouble == Trouble::FullLengthPartial) {
        Some(etag) if verify_blob(path, &etag.parse::<Digest>()?)? => {
            let message = "its content is right, so it does no harm; remove it by hand where no old client needs it";
            return Err(Fault::new(FaultKind::Conflict, message));
        }
        None if !is_stale(&seen, now) => return Ok(false),
        _ => {}
    }
    fs::remove_file(path).map_err(|error| Fault::disk(format!("remove {}", path.display()), error))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partials_name_their_blobs() {
        let hex = "a".repeat(64);
        assert_eq!(etag(&format!("{hex}.incomplete")), Some(&*hex));
        assert_eq!((etag(&format!("{hex}.12345678.incomplete")), exact(&format!("{hex}.12345678.incomplete"))), (Some(&*hex), None));
        assert_eq!((exact(&format!("{hex}.incomplete")), etag("x.incomplete")), (Some(&*hex), None));
    }
}
