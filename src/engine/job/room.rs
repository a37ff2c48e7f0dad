//! Whether the disk has room for what the queue still needs.

use super::runner::Held;
use crate::desk::{Fault, FaultKind, bytes};

/// Refuses when a plan, together with what was promised before it on the same filesystem, needs more than is free.
pub(super) fn check(title: &str, wanted: &Held, promised: &[Held]) -> Result<(), Fault> {
    let before: u64 = promised.iter().filter(|held| held.device == wanted.device).map(|held| held.needs).sum();
    let needed = before.saturating_add(wanted.needs);
    if wanted.needs == 0 || needed <= wanted.free {
        return Ok(());
    }
    let others = if before > 0 { format!(", and other jobs need {} before it", bytes(before)) } else { String::new() };
    let message = format!("{title} needs {} of disk and {} are free{others}", bytes(wanted.needs), bytes(wanted.free));
    Err(Fault::new(FaultKind::DiskFull, message).hint(format!("free {} more, then try again", bytes(needed - wanted.free))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(needs: u64, device: u64) -> Held {
        Held { needs, device, free: 100, ..Held::default() }
    }

    #[test]
    fn the_whole_queue_counts_on_the_same_filesystem_only() {
        assert!(check("a", &held(100, 1), &[]).is_ok());
        assert!(check("a", &held(60, 1), &[held(60, 2)]).is_ok());
        let fault = check("a", &held(60, 1), &[held(50, 1)]).unwrap_err();
        assert_eq!(fault.kind, FaultKind::DiskFull);
        assert!(fault.hint.unwrap().contains("10 B"));
    }

    #[test]
    fn a_plan_that_needs_nothing_always_fits() {
        assert!(check("a", &held(0, 1), &[held(500, 1)]).is_ok());
    }
}
