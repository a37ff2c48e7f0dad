//! Branches and tags that name no commit that is here, or do not name it as they should.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::layout::{REFS, SNAPSHOTS, is_hex};
use super::super::reader::Reader;
use super::super::scan::RepoScan;
use super::super::seen::{Kind, Seen};
use super::ward::{Ward, download, finding, quoted_path};
use crate::desk::{Fault, Finding, Severity, Trouble};
use crate::engine::host::write_atomically;

/// The longest ref that is read, in bytes; a commit has 40.
const LONGEST: u64 = 1024;

/// What is wrong with a ref.
#[derive(Debug, PartialEq, Eq)]
enum Ailment {
    /// It names a commit whose snapshot is not here.
    Dangling,
    /// It names this commit, which is here, and has more in it.
    Untidy(String),
    /// It names no commit, this is the only one that is here, and nothing else leads to it.
    Lost(String),
    /// It names no commit.
    Senseless,
    /// This user may not read it.
    Unreadable,
}

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    // Without any snapshot the repository itself is what is wrong.
    for repo in ward.repos.iter().filter(|repo| repo.path.join(SNAPSHOTS).is_dir()) {
        let folder = repo.path.join(REFS);
        if !folder.is_dir() {
            continue;
        }
        for (path, kind) in Reader::new(ward.root()).files_below(&folder) {
            let name = path.strip_prefix(&folder).unwrap_or(&path).to_string_lossy();
            findings.extend(examine(ward.root(), &path, kind).map(|ailment| sick(ward, repo, &path, &name, kind, &ailment)));
        }
    }
}

/// What is wrong with the ref at this path. A link that leads to a file is read through, as the official client does.
fn examine(root: &Path, path: &Path, kind: Kind) -> Option<Ailment> {
    let readable = kind != Kind::Other && fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= LONGEST);
    let content = if readable { fs::read_to_string(path) } else { Err(ErrorKind::InvalidData.into()) };
    if content.as_ref().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied) {
        return Some(Ailment::Unreadable);
    }
    let snapshots = snapshots_of(root, path)?;
    let is_here = |commit: &str| Seen::at(&snapshots.join(commit)).is_some_and(|seen| seen.kind == Kind::Folder);
    let ailment = ailment(content.ok().as_deref(), is_here)?;
    let lost = only_commit(&snapshots).filter(|commit| ailment == Ailment::Senseless && !is_named(root, &snapshots, commit));
    Some(lost.map_or(ailment, Ailment::Lost))
}

/// Whether a ref of the repository names a commit.
fn is_named(root: &Path, snapshots: &Path, commit: &str) -> bool {
    let refs = snapshots.with_file_name(REFS);
    let files = Reader::new(root).files_below(&refs);
    files.iter().any(|(path, _)| fs::read_to_string(path).is_ok_and(|text| text == commit))
}

/// The one commit that a repository has.
fn only_commit(snapshots: &Path) -> Option<String> {
    let mut names = fs::read_dir(snapshots).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let first = names.find(|name| is_hex(name, 40))?;
    names.all(|name| !is_hex(&name, 40)).then_some(first)
}

/// What is wrong with a ref of this content, where `here` tells which commits there are.
fn ailment(content: Option<&str>, here: impl Fn(&str) -> bool) -> Option<Ailment> {
    let text = content.unwrap_or_default();
    match text.trim() {
        commit if !is_hex(commit, 40) => Some(Ailment::Senseless),
        commit if !here(commit) => Some(Ailment::Dangling),
        commit if commit != text => Some(Ailment::Untidy(commit.to_owned())),
        _ => None,
    }
}

/// The snapshots of the repository that a ref below this root belongs to.
fn snapshots_of(root: &Path, path: &Path) -> Option<PathBuf> {
    Some(root.join(path.strip_prefix(root).ok()?.iter().next()?).join(SNAPSHOTS))
}

fn sick(ward: &Ward, repo: &RepoScan, path: &Path, name: &str, kind: Kind, ailment: &Ailment) -> Finding {
    let (trouble, what, mend) = match ailment {
        Ailment::Dangling => {
            let mend = format!("removes the ref; what it named comes back with: {}", download(&repo.key, None, name));
            (Trouble::DanglingRef, "names a commit that is not here; the official client hides the whole repository", mend)
        }
        Ailment::Untidy(_) => {
            let what = "has more in it than its commit; the official client hides the whole repository";
            (Trouble::MalformedRef, what, "writes the commit alone".to_owned())
        }
        Ailment::Lost(commit) => {
            let mend = format!("points it at {}, the only commit that is here", commit.chars().take(12).collect::<String>());
            (Trouble::MalformedRef, "names no commit; the official client hides the whole repository", mend)
        }
        Ailment::Unreadable => {
            let what = "cannot be read by this user, so that nobody knows what it names";
            let advice = format!("let this user read it: chmod a+r {}", quoted_path(path));
            let found = finding(Trouble::Permissions, Severity::Error, path, format!("{} {what}", ward.name(path)));
            return Finding { advice: Some(advice), ..found };
        }
        Ailment::Senseless => {
            (Trouble::MalformedRef, "names no commit; the official client hides the whole repository", "removes the ref".to_owned())
        }
    };
    let found = finding(trouble, Severity::Error, path, format!("{} {what}", ward.name(path)));
    match kind {
        Kind::File => Finding { mend: Some(mend), ..found },
        _ => Finding { advice: Some(format!("see what it is, then remove it with: rm {}", quoted_path(path))), ..found },
    }
}

/// Removes a ref, or writes it anew where the commit that it names is here.
pub(super) fn mend(root: &Path, path: &Path) -> Result<bool, Fault> {
    let kind = Seen::at(path).map_or(Kind::Other, |seen| seen.kind);
    match examine(root, path, kind).filter(|_| kind == Kind::File) {
        None | Some(Ailment::Unreadable) => return Ok(false),
        Some(Ailment::Untidy(commit) | Ailment::Lost(commit)) => {
            let mode = fs::metadata(path).map_or(0o644, |found| found.permissions().mode() & 0o777);
            write_atomically(path, commit.as_bytes(), mode)?;
        }
        Some(_) => fs::remove_file(path).map_err(|error| Fault::disk(format!("remove the ref {}", path.display()), error))?,
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_is_one_commit_that_is_here() {
        let (here, gone) = ("a".repeat(40), "b".repeat(40));
        let ailment = |content: &str| ailment(Some(content), |commit| commit == here);
        assert_eq!(ailment(&here), None);
        assert_eq!(ailment(&format!("{here}\n")), Some(Ailment::Untidy(here.clone())));
        assert_eq!((ailment(&gone), ailment(&format!("{gone}\r\n"))), (Some(Ailment::Dangling), Some(Ailment::Dangling)));
        for senseless in ["", "main", "../../..", &"A".repeat(40)] {
            assert_eq!(ailment(senseless), Some(Ailment::Senseless), "{senseless}");
        }
        assert_eq!(super::ailment(None, |_| true), Some(Ailment::Senseless));
    }
}
