//! Payloads of the shared store that no repository uses any more.

use super::super::Cache;
use super::super::layout::BLOBS;
use super::ward::{Ward, finding};
use crate::desk::{DeletionTarget, Disposal, Fault, FaultKind, Finding, Severity, Trouble, bytes};

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    let orphans = ward.cache.orphans();
    if orphans.is_empty() {
        return;
    }
    let (count, size) = (orphans.len(), bytes(orphans.iter().map(|orphan| orphan.size).sum()));
    let message = format!("no repository uses {count} payloads of the shared store, which take {size}");
    let mend = format!("removes them and frees {size}");
    let found = finding(Trouble::OrphanPayload, Severity::Warning, &ward.root().join(BLOBS), message);
    findings.push(Finding { mend: Some(mend), ..found });
}

/// Deletes unused payloads, each of which is looked at again under its lock, as somebody may link to it right now.
pub(super) fn mend(cache: &Cache) -> Result<bool, Fault> {
    let targets: Vec<DeletionTarget> = cache.orphans().into_iter().map(|orphan| DeletionTarget::Payload(orphan.hash)).collect();
    if targets.is_empty() {
        return Ok(false);
    }
    let report = cache.delete(&cache.plan_deletion(&targets)?, Disposal::Forever)?;
    match &report.failures[..] {
        [] => Ok(true),
        failures => Err(Fault::new(FaultKind::Disk, failures.join("; "))),
    }
}
