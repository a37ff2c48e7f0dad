//! Deletions that were interrupted.

use std::path::{Path, PathBuf};

use super::super::Cache;
use super::super::layout::LOCKS;
use super::super::lock::{BLOB_LOCK, try_lock};
use super::super::record::Entry;
use super::super::seen::{Kind, Seen};
use super::locks::folders;
use super::ward::{Ward, finding, quoted_path};
use crate::desk::{Fault, FaultKind, Finding, Severity, Trouble};

/// The folder of deletions, among the locks.
const TRASH: &str = ".hfdesk-trash";
/// Who changes the trash holds this lock in it.
const LOCK: &str = "lock";
/// A deletion with this record is complete, and kept.
const KEPT: &str = "kept.json";

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    let trash = ward.root().join(LOCKS).join(TRASH);
    if is_busy(&trash) {
        return;
    }
    let (own, others): (Vec<_>, Vec<_>) = folders(&trash).into_iter().partition(|folder| is_own(folder));
    for folder in others {
        let message = format!("{} is a deletion of another user, or of another version of this program", ward.name(&folder));
        let advice = format!("leave it to them; where nobody wants it back, remove it by hand: rm -r {}", quoted_path(&folder));
        findings.push(Finding { advice: Some(advice), ..finding(Trouble::InterruptedDeletion, Severity::Note, &folder, message) });
    }
    for folder in own.into_iter().filter(|folder| !is_file(&folder.join(KEPT))) {
        let message = format!("{} is a deletion that was interrupted; what it had moved still takes its room", ward.name(&folder));
        let mend = "ends it: what had gone only half is put back, and what was to be deleted for good is removed".to_owned();
        findings.push(Finding { mend: Some(mend), ..finding(Trouble::InterruptedDeletion, Severity::Warning, &folder, message) });
    }
}

impl Cache {
    /// Whether a deletion of one's own was interrupted.
    pub(super) fn is_halfway(&self) -> bool {
        let halfway = |folder: &PathBuf| is_own(folder) && !is_file(&folder.join(KEPT));
        folders(&self.root.join(LOCKS).join(TRASH)).iter().any(halfway)
    }
}

/// Whether a deletion is one's own to finish.
fn is_own(folder: &Path) -> bool {
    Entry::read(folder).is_some() || !Entry::has_record(folder)
}

/// Whether somebody deletes right now.
fn is_busy(trash: &Path) -> bool {
    let lock = trash.join(LOCK);
    is_file(&lock) && matches!(try_lock(&lock, BLOB_LOCK), Ok(None))
}

fn is_file(path: &Path) -> bool {
    Seen::at(path).is_some_and(|seen| seen.kind == Kind::File)
}

/// Why a deletion that was to be finished is still there.
pub(super) fn unfinished() -> Fault {
    Fault::new(FaultKind::Disk, "the deletion could not be finished; see what is in its folder")
}
