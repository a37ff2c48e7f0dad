//! Repositories without snapshots: a download into a folder of its own leaves a ref here and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::layout::{REFS, SNAPSHOTS, is_system_file};
use super::super::seen::{Kind, Seen};
use super::ward::{Ward, finding};
use crate::desk::{Fault, Finding, Severity, Trouble, bytes};

/// Folders whose files say nothing where there is no snapshot: refs, and notes of what is not on the Hub.
const SAYING_NOTHING: [&str; 2] = [REFS, ".no_exist"];

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    for repo in ward.repos.iter().filter(|repo| Seen::at(&repo.path.join(SNAPSHOTS)).is_none()) {
        let message = format!("{} has no snapshots; the official client warns of it and lists none of it", ward.name(&repo.path));
        let found = finding(Trouble::NoSnapshots, Severity::Warning, &repo.path, message);
        let is_empty = emptied(&repo.path).is_some();
        let advice = || format!("free its {} with: hfdesk-tui cache rm {}", bytes(repo.listed().unused()), repo.key);
        findings.push(Finding {
            mend: is_empty.then(|| "removes the folder, which holds no file of the repository".to_owned()),
            advice: (!is_empty).then(advice),
            ..found
        });
    }
}

/// The files and the folders of a repository that holds nothing of its own, in an order in which they can be removed; `None` for
/// any other.
fn emptied(repo: &Path) -> Option<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut files, mut folders) = (Vec::new(), vec![repo.to_path_buf()]);
    let mut at = 0;
    while let Some(folder) = folders.get(at).cloned() {
        at += 1;
        for entry in fs::read_dir(&folder).ok()? {
            let entry = entry.ok()?;
            let below = folder.strip_prefix(repo).ok()?.iter().next();
            match entry.file_type().map_or(Kind::Other, Kind::from) {
                Kind::Folder => folders.push(entry.path()),
                Kind::File if is_system_file(&entry.file_name()) => files.push(entry.path()),
                Kind::File if below.is_some_and(|top| SAYING_NOTHING.iter().any(|name| top == *name)) => files.push(entry.path()),
                _ => return None,
            }
        }
    }
    folders.reverse();
    Some((files, folders))
}

/// Removes a repository's folder that holds nothing of its own. One that a download fills meanwhile is not empty and stays.
pub(super) fn mend(repo: &Path) -> Result<bool, Fault> {
    let gone = Seen::at(&repo.join(SNAPSHOTS)).is_none().then(|| emptied(repo)).flatten();
    let Some((files, folders)) = gone else { return Ok(false) };
    let removed = files.iter().try_for_each(fs::remove_file).and_then(|()| folders.iter().try_for_each(fs::remove_dir));
    removed.map_err(|error| Fault::disk(format!("remove all of {}", repo.display()), error))?;
    Ok(true)
}
