//! Whether the disk has room for what the queue still needs.

use std::collections::HashMap;
use std::sync::Arc;

use super::runner::{Held, Runner};
use crate::desk::{Fault, FaultKind, JobId, Plan, bytes};

/// Refuses when a plan, together with what was promised before it on the same filesystem, needs more than is free beyond `keep_free`.
pub(super) fn check(title: &str, wanted: &Held, promised: &[Held], keep_free: u64) -> Result<(), Fault> {
    let before: u64 = promised.iter().filter(|held| held.device == wanted.device).map(|held| held.needs).sum();
    let needed = before.saturating_add(wanted.needs).saturating_add(keep_free);
    if wanted.needs == 0 || needed <= wanted.free {
        return Ok(());
    }
    let kept = if keep_free > 0 { format!(", of which {} stay free", bytes(keep_free)) } else { String::new() };
    let others = if before > 0 { format!(", and other jobs need {} before it", bytes(before)) } else { String::new() };
    let message = format!("{title} needs {} of disk and {} are free{kept}{others}", bytes(wanted.needs), bytes(wanted.free));
    Err(Fault::new(FaultKind::DiskFull, message).hint(format!("free {} more, then try again", bytes(needed - wanted.free))))
}

/// A running job and the most that it may still take of the disk.
pub(super) struct Claim {
    pub id: JobId,
    pub plan: Arc<Plan>,
    pub left: u64,
}

/// The running jobs, given in the queue's order, for which the disk has no room any more beside those before them. Reads the disk.
///
/// Free space is read at little cost; what preallocated partials still take is not, so it is counted only where it may matter.
pub(super) fn outgrown(runner: &dyn Runner, claims: &[Claim], keep_free: u64) -> Vec<(JobId, Fault)> {
    if has_plenty(runner, claims, keep_free) {
        return Vec::new();
    }
    let (mut promised, mut outgrown) = (Vec::new(), Vec::new());
    let mut free = HashMap::new();
    for claim in claims {
        // What cannot be read fails where it is written.
        let Ok(held) = runner.held(&claim.plan) else { continue };
        // What a job takes while the others are counted must not count twice.
        let held = Held { free: *free.entry(held.device).or_insert(held.free), ..held };
        match check(&claim.plan.title, &held, &promised, keep_free) {
            Ok(()) => promised.push(held),
            Err(fault) => outgrown.push((claim.id.clone(), fault)),
        }
    }
    outgrown
}

/// Whether every filesystem has room for all bytes that are missing, whatever is preallocated.
fn has_plenty(runner: &dyn Runner, claims: &[Claim], keep_free: u64) -> bool {
    let mut rest: HashMap<u64, u64> = HashMap::new();
    claims.iter().all(|claim| {
        let Ok(space) = runner.space(&claim.plan) else { return false };
        let rest = rest.entry(space.device).or_insert_with(|| space.free.saturating_sub(keep_free));
        let fits = claim.left <= *rest;
        *rest = rest.saturating_sub(claim.left);
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(needs: u64, device: u64) -> Held {
        Held { needs, device, free: 100, ..Held::default() }
    }

    #[test]
    fn the_whole_queue_counts_on_the_same_filesystem_only() {
        assert!(check("a", &held(100, 1), &[], 0).is_ok());
        assert!(check("a", &held(60, 1), &[held(60, 2)], 0).is_ok());
        let fault = check("a", &held(60, 1), &[held(50, 1)], 0).unwrap_err();
        assert_eq!(fault.kind, FaultKind::DiskFull);
        assert!(fault.hint.unwrap().contains("10 B"));
    }

    #[test]
    fn some_room_stays_free() {
        assert!(check("a", &held(70, 1), &[], 30).is_ok());
        let fault = check("a", &held(71, 1), &[], 30).unwrap_err();
        assert_eq!(fault.message, "a needs 71 B of disk and 100 B are free, of which 30 B stay free");
        assert_eq!(fault.hint.as_deref(), Some("free 1 B more, then try again"));
    }

    #[test]
    fn a_plan_that_needs_nothing_always_fits() {
        assert!(check("a", &held(0, 1), &[held(500, 1)], 200).is_ok());
    }
}
