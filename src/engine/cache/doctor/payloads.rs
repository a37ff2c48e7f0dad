//! Payloads of the shared store that no repository uses any more, or of which nobody can tell.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::super::Cache;
use super::super::layout::BLOBS;
use super::super::store::Store;
use super::ward::{Ward, finding, quoted_path};
use crate::desk::{DeletionTarget, Disposal, Fault, FaultKind, Finding, OrphanPayload, Severity, Trouble, bytes};

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    findings.extend(unlisted(ward));
    let orphans = ward.cache.orphans();
    if orphans.is_empty() {
        return;
    }
    let mend = format!("removes them and frees {}", bytes(sum(&orphans)));
    let found = finding(Trouble::OrphanPayload, Severity::Warning, &ward.root().join(BLOBS), message(&orphans));
    findings.push(Finding { mend: Some(mend), ..found });
}

/// Payloads of which nobody can tell who uses them: the official client removes none of those, and neither does this program.
fn unlisted<'a>(ward: &'a Ward) -> impl Iterator<Item = Finding> + 'a {
    let store = Store::open(ward.root());
    let payloads: Vec<(PathBuf, u64)> =
        store.iter().flat_map(|store| store.payloads().filter(|(path, _)| store.referrers(path).is_none())).collect();
    let used = store.filter(|_| !payloads.is_empty()).map(|store| ward.cache.linked_payloads(&store, &BTreeSet::new())).unwrap_or_default();
    payloads.into_iter().map(move |(payload, size)| {
        let path = ward.root().join(&payload);
        let lacks = format!("{}, a payload of {} ({size} bytes), has no list of its users that can be read", ward.name(&path), bytes(size));
        let (follows, advice) = if used.contains(&payload) {
            (
                "it stays when the repositories that link to it are deleted",
                "leave it; when they are gone, it can be removed by hand".to_owned(),
            )
        } else {
            (
                "no repository of this cache links to it, and it is never removed by itself",
                format!("remove it by hand: rm {}", quoted_path(&path)),
            )
        };
        let found = finding(Trouble::UnlistedPayload, Severity::Note, &path, format!("{lacks}; {follows}"));
        Finding { advice: Some(advice), ..found }
    })
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
