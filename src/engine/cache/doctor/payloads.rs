//! Payloads of the shared store that no repository uses any more.

use std::path::PathBuf;

use super::super::Cache;
use super::super::layout::BLOBS;
use super::super::store::Store;
use super::ward::{Ward, finding};
use crate::desk::{Fault, Finding, Severity, Trouble, bytes};

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    let orphans = orphans(ward.cache);
    if orphans.is_empty() {
        return;
    }
    let (count, size) = (orphans.len(), bytes(orphans.iter().map(|(_, size)| size).sum()));
    let message = format!("{count} payloads of the shared store are used by no repository and take {size}");
    let mend = format!("removes them and frees {size}");
    findings.push(Finding { mend: Some(mend), ..finding(Trouble::OrphanPayload, Severity::Warning, &ward.root().join(BLOBS), message) });
}

/// The payloads that are known to be unused, relative to the cache's root, and their sizes.
fn orphans(cache: &Cache) -> Vec<(PathBuf, u64)> {
    let Some(store) = Store::open(&cache.root) else { return Vec::new() };
    store.payloads().filter(|(payload, _)| store.referrers(payload).is_some_and(|referrers| referrers.is_empty())).collect()
}

/// Removes unused payloads. Each is looked at again under its lock, as somebody may link to it right now.
pub(super) fn mend(cache: &Cache) -> Result<bool, Fault> {
    let Some(store) = Store::open(&cache.root) else { return Ok(false) };
    let orphans = orphans(cache);
    orphans.iter().try_for_each(|(payload, _)| store.collect(payload).map(drop))?;
    Ok(!orphans.is_empty())
}
