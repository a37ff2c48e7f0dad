//! Moves of repositories to another disk that were interrupted.

use std::path::Path;

use super::super::Cache;
use super::ward::{Ward, finding};
use crate::desk::{Fault, FaultKind, Finding, Severity, Trouble};

pub(super) fn look(ward: &Ward, findings: &mut Vec<Finding>) {
    for path in ward.cache.unfinished_moves() {
        let message = format!("{} is the note of a move to another disk or back that was interrupted", ward.name(&path));
        let mend =
            "gives it up: the repository stays where the cache has it, and what is there twice is removed; to go on instead, move it again";
        findings.push(Finding { mend: Some(mend.to_owned()), ..finding(Trouble::InterruptedMove, Severity::Warning, &path, message) });
    }
}

/// Ends the moves that were interrupted; `false` where there is none any more.
pub(super) fn mend(cache: &Cache, path: &Path) -> Result<bool, Fault> {
    let is_there = || cache.unfinished_moves().iter().any(|other| other == path);
    if !is_there() {
        return Ok(false);
    }
    match cache.finish_relocations(true).into_iter().next() {
        Some(fault) => Err(fault),
        None if is_there() => Err(Fault::new(FaultKind::Busy, "a repository is being moved").hint("try again when that is done")),
        None => Ok(true),
    }
}
