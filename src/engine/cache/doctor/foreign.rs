//! What belongs to no repository. Nobody but its owner knows what it is for, so it is only told.

use std::path::Path;

use super::super::layout::{SNAPSHOTS, is_hex};
use super::super::reader::Reader;
use super::super::seen::{Kind, Named};
use super::ward::{Ward, finding, quoted_path};
use crate::desk::{Finding, Severity, Trouble};

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    for (path, kind) in &ward.odd {
        let what = match kind {
            Kind::Link => "is a symbolic link, which is not followed here",
            _ => "belongs to no repository; the official client warns of it",
        };
        findings.push(foreign(ward, path, Severity::Warning, what));
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

fn foreign(ward: &Ward, path: &Path, severity: Severity, what: &str) -> Finding {
    let advice = format!("see what it is, then move it out of the cache, for example with: mv {} ~/", quoted_path(path));
    let found = finding(Trouble::ForeignEntry, severity, path, format!("{} {what}", ward.name(path)));
    Finding { advice: Some(advice), ..found }
}
