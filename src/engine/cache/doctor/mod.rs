//! What is wrong with the cache, and mending it so that the official client reads the whole of it again.
//!
//! Looking changes nothing. Mending believes no finding it is handed: it looks again, and right before it touches anything once
//! more, under the lock of the blob where a download could be at work. What it removes can be downloaded again, and it follows no link
//! out of the cache.

mod deletions;
mod filesystem;
mod foreign;
mod links;
mod locks;
mod ownership;
mod partials;
mod payloads;
mod permissions;
mod refs;
mod snapshots;
mod ward;

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use self::ward::Ward;
pub(super) use self::ward::quoted_path;
use super::Cache;
use super::layout::{LOCKS, parse_repo_folder};
use crate::desk::{Fault, FaultKind, Finding, MendReport, RepoKey, Trouble, printable};

impl Cache {
    /// What is wrong with the cache at this time, the worst first. A cache that does not exist has nothing wrong.
    ///
    /// Nothing is changed; a temporary folder is made and removed among the locks, to see what the filesystem can do.
    pub fn diagnose(&self, now: Timestamp) -> Result<Vec<Finding>, Fault> {
        let ward = Ward::enter(self, now)?;
        let mut findings = Vec::new();
        for look in LOOKS {
            look(&ward, &mut findings);
        }
        findings.sort_by(|a, b| (b.severity, a.trouble, &a.path).cmp(&(a.severity, b.trouble, &b.path)));
        Ok(findings)
    }

    /// Mends what was found, as far as that can be mended and is still so. What could not be is told in the report.
    ///
    /// Deletions that were interrupted are finished before anything else, for half a repository must not be taken for a damaged one; what
    /// is not wrong any more after that is mended.
    pub fn mend(&self, findings: &[Finding], now: Timestamp) -> MendReport {
        let mut report = MendReport::default();
        let was_halfway = self.is_halfway();
        if was_halfway && let Err(fault) = self.finish_interrupted() {
            return MendReport { failures: vec![fault.message], ..report };
        }
        let found = match self.diagnose(now) {
            Ok(found) => found,
            Err(fault) => return MendReport { failures: vec![fault.message], ..report },
        };
        for finding in findings {
            let is_meant = |other: &&Finding| (other.trouble, &other.path) == (finding.trouble, &finding.path);
            let mended = match found.iter().find(is_meant) {
                Some(current) => self.treat(current, finding, now),
                None => Ok(was_halfway),
            };
            let path = printable(&finding.path.display().to_string());
            match mended {
                Ok(true) => report.mended.push(finding.clone()),
                Ok(false) => report.failures.push(format!("{path} was left alone: what was found there is not so any more")),
                Err(fault) => report.failures.push(format!("{path} was not mended: {}", fault.message)),
            }
        }
        report
    }

    /// The repository that a path of the cache is of: in its folder, or that of its locks.
    pub fn repo_at(&self, path: &Path) -> Option<RepoKey> {
        let below = path.strip_prefix(&self.root).ok()?;
        let below = below.strip_prefix(LOCKS).unwrap_or(below);
        parse_repo_folder(below.iter().next()?.to_str()?)
    }

    /// Mends one thing, as it is now and was shown; `false` where it is not wrong any more.
    fn treat(&self, finding: &Finding, shown: &Finding, now: Timestamp) -> Result<bool, Fault> {
        let path = &finding.path;
        if finding.mend.is_none() {
            let advice = finding.advice.clone().unwrap_or_default();
            return Err(Fault::new(FaultKind::Usage, format!("it cannot be mended from here. {advice}")));
        }
        check_inside(&self.root, path, finding.trouble)?;
        match finding.trouble {
            Trouble::BrokenLink => links::mend(self, path),
            Trouble::DanglingRef | Trouble::MalformedRef => refs::mend(&self.root, path),
            Trouble::NoSnapshots => snapshots::mend(path),
            Trouble::Permissions => permissions::mend(self, path),
            Trouble::StalePartial | Trouble::FullLengthPartial => partials::mend(self, path, finding.trouble, now),
            Trouble::OrphanPayload => payloads::mend(self, shown),
            Trouble::StaleLocks => locks::mend(self, path),
            Trouble::InterruptedDeletion => Err(deletions::unfinished()),
            _ => Err(Fault::internal("there is no way to mend this")),
        }
    }
}

/// Every kind of look at the cache.
const LOOKS: [fn(&Ward, &mut Vec<Finding>); 11] = [
    links::look,
    refs::look,
    snapshots::look,
    foreign::look,
    permissions::look,
    ownership::look,
    partials::look,
    filesystem::look,
    payloads::look,
    locks::look,
    deletions::look,
];

/// Refuses a path whose folder is not really in the cache. The folder above the cache is opened to others and nothing else.
fn check_inside(root: &Path, path: &Path, trouble: Trouble) -> Result<(), Fault> {
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| Fault::disk(format!("look up {}", path.display()), error));
    let above = trouble == Trouble::Permissions && Some(path) == root.parent();
    let folder = if path == root { path } else { path.parent().unwrap_or(path) };
    if above || real(folder)?.starts_with(real(root)?) {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Conflict, format!("{} leads out of the cache", folder.display())).hint("remove the symbolic link by hand"))
}

#[cfg(test)]
mod tests;
