//! Payloads of the shared store that no repository uses any more.

use super::super::Cache;
use super::super::layout::BLOBS;
use super::ward::{Ward, finding};
use crate::desk::{DeletionTarget, Disposal, Fault, FaultKind, Finding, OrphanPayload, Severity, Trouble, bytes};

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    let orphans = ward.cache.orphans();
    if orphans.is_empty() {
        return;
    }
    let mend = format!("removes them and frees {}", bytes(sum(&orphans)));
    let found = finding(Trouble::OrphanPayload, Severity::Warning, &ward.root().join(BLOBS), message(&orphans));
    findings.push(Finding { mend: Some(mend), ..found });
}

/// How many they are and what they take: by that a finding is known again.
fn message(orphans: &[OrphanPayload]) -> String {
    let (count, size) = (orphans.len(), sum(orphans));
    format!("no repository uses {count} payloads of the shared store, which take {} ({size} bytes)", bytes(size))
}

fn sum(orphans: &[OrphanPayload]) -> u64 {
    orphans.iter().map(|orphan| orphan.size).sum()
}

/// Deletes the unused payloads that were found, each of which is looked at again under its lock, as somebody may link to it right now.
/// Where there are others by now, nothing is deleted.
pub(super) fn mend(cache: &Cache, found: &Finding) -> Result<bool, Fault> {
    let orphans = cache.orphans();
    if orphans.is_empty() || message(&orphans) != found.message {
        return Ok(false);
    }
    let targets: Vec<DeletionTarget> = orphans.into_iter().map(|orphan| DeletionTarget::Payload(orphan.hash)).collect();
    let report = cache.delete(&cache.plan_deletion(&targets)?, Disposal::Forever)?;
    match &report.failures[..] {
        [] => Ok(true),
        failures => Err(Fault::new(FaultKind::Disk, failures.join("; "))),
    }
}
