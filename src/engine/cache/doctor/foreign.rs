//! What belongs to no repository. Nobody but its owner knows what it is for, so it is only told.

use std::fs;
use std::path::Path;

use super::super::layout::{SNAPSHOTS, is_hex};
use super::super::moved::Home;
use super::super::reader::Reader;
use super::super::seen::{Kind, Named, Seen};
use super::ward::{Ward, finding, quoted_path};
use crate::desk::{Finding, RepoKind, Severity, Trouble, bytes};

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    for (path, kind) in &ward.odd {
        if let Some(found) = misnamed(ward, path, *kind) {
            findings.push(found);
            continue;
        }
        findings.push(match (kind, Home::of(ward.root(), path)) {
            (Kind::Link, Home::Astray(what)) => {
                let found = foreign(ward, path, Severity::Warning, &what);
                let advice = format!("where nobody needs what it led to, remove the link: rm {}", quoted_path(path));
                Finding { advice: Some(advice), ..found }
            }
            _ => foreign(ward, path, Severity::Warning, "belongs to no repository; the official client warns of it"),
        });
    }
    for repo in &ward.repos {
        let folder = repo.path.join(SNAPSHOTS);
        if !folder.is_dir() {
            continue;
        }
        for Named { name, kind, .. } in Reader::new(ward.root()).names(&folder) {
            match kind {
                Kind::Folder if name.to_str().is_some_and(|name| is_hex(name, 40)) => {}
                Kind::Folder => findings.push(foreign(ward, &folder.join(name), Severity::Note, "is not the folder of a commit")),
                _ => {
                    let what = "lies among the commits; the official client hides the whole repository";
                    findings.push(foreign(ward, &folder.join(name), Severity::Error, what));
                }
            }
        }
    }
}

/// A repository's folder whose name is that of no repository the Hub can have, which the official client lists by that name all the same.
fn misnamed(ward: &Ward, path: &Path, kind: Kind) -> Option<Finding> {
    let (plural, id) = path.file_name()?.to_str()?.split_once("--")?;
    let of = RepoKind::ALL.into_iter().find(|kind| kind.plural() == plural)?;
    if kind != Kind::Folder || !path.join(SNAPSHOTS).is_dir() {
        return None;
    }
    let name = format!("{of}/{}", id.replace("--", "/"));
    let size = on_disk(path);
    let message = format!(
        "{} has the layout of a repository, but no repository of a Hub can be named {name}; it takes {}, and only the official client lists it",
        ward.name(path),
        bytes(size)
    );
    // Not `hf cache rm`: of two repositories with the same commit it may delete the other one.
    let advice = format!(
        "where nobody needs it, delete it with: rm -r {}; then free what it shared with: hfdesk-tui cache prune",
        quoted_path(path)
    );
    Some(Finding { advice: Some(advice), ..finding(Trouble::ForeignEntry, Severity::Warning, path, message) })
}

/// Bytes on the disk of the files below a folder. Links are not followed.
fn on_disk(folder: &Path) -> u64 {
    let (mut sum, mut folders) = (0, vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            match Seen::at(&path) {
                Some(seen) if seen.kind == Kind::Folder => folders.push(path),
                Some(seen) if seen.kind == Kind::File => sum += seen.size.min(seen.on_disk),
                _ => {}
            }
        }
    }
    sum
}

fn foreign(ward: &Ward, path: &Path, severity: Severity, what: &str) -> Finding {
    let advice = format!("see what it is, then move it out of the cache, for example with: mv {} ~/", quoted_path(path));
    let found = finding(Trouble::ForeignEntry, severity, path, format!("{} {what}", ward.name(path)));
    Finding { advice: Some(advice), ..found }
}
