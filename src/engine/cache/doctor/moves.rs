//! Moves of repositories to another disk that were interrupted.

use std::path::Path;

use super::super::Cache;
use super::ward::{Ward, finding};
use crate::desk::{Fault, FaultKind, Finding, Severity, Trouble};

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    for path in ward.cache.unfinished_moves() {
        let message = format!("{} is of a move to another disk or back that was interrupted, and takes its room", ward.name(&path));
        let mend = "ends it: the repository stays where the cache has it now, and what is there twice is removed".to_owned();
        findings.push(Finding { mend: Some(mend), ..finding(Trouble::InterruptedMove, Severity::Warning, &path, message) });
    }
}

/// Ends the moves that were interrupted; `false` where there is none any more.
pub(super) fn mend(cache: &Cache, path: &Path) -> Result<bool, Fault> {
    let is_there = || cache.unfinished_moves().iter().any(|other| other == path);
    if !is_there() {
        return Ok(false);
    }
    cache.finish_relocations();
    if is_there() {
        return Err(Fault::new(FaultKind::Busy, "it could not be ended").hint("try again when no repository is being moved"));
    }
    Ok(true)
}
