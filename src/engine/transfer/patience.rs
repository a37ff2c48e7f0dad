//! How often and how long after a failure to try again.

use std::time::Duration;

use crate::desk::{Fault, FaultKind};

/// A failed try that moved at least this many bytes is followed by the next at once: the path works, it just does not last.
const WORTH_GOING_ON: u64 = 1 << 20;

/// One connection's patience: failures in a row without progress use it up, progress restores it.
#[derive(Debug)]
pub struct Patience<'a> {
    waits: &'a [Duration],
    longest: Duration,
    failures: usize,
}

impl<'a> Patience<'a> {
    /// As many tries as there are waits. Nobody is obeyed who asks to wait more than `longest`.
    pub fn new(waits: &'a [Duration], longest: Duration) -> Self {
        Self { waits, longest, failures: 0 }
    }

    /// Restores it after a success.
    pub fn restore(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after a failure that came when the file had grown by `progress` bytes; the fault itself where it must end.
    pub fn after(&mut self, fault: Fault, progress: u64) -> Result<Duration, Fault> {
        if !fault.kind.is_transient() {
            return Err(fault);
        }
        self.failures = if progress > 0 { 1 } else { self.failures + 1 };
        let asked = fault.retry_after.unwrap_or_default();
        match self.waits.get(self.failures - 1) {
            Some(_) if asked > self.longest => Err(too_long(fault, asked)),
            Some(_) if progress >= WORTH_GOING_ON => Ok(asked),
            Some(wait) => Ok(asked.max(*wait)),
            None => Err(exhausted(fault, self.waits.len())),
        }
    }
}

fn exhausted(mut fault: Fault, tries: usize) -> Fault {
    let general = match fault.kind {
        FaultKind::RateLimited => "wait some minutes and resume, or log in for a higher limit",
        FaultKind::Unavailable => "try again later",
        _ => "check the network and resume",
    };
    let hint = format!("{}; what is on disk is kept", fault.hint.as_deref().unwrap_or(general));
    fault.message = format!("{} ({tries} more tries in a row moved nothing)", fault.message);
    fault.hint(hint)
}

fn too_long(mut fault: Fault, asked: Duration) -> Fault {
    fault.message = format!("{}, and asks to wait {} minutes", fault.message, asked.as_secs().div_ceil(60));
    if fault.hint.is_some() { fault } else { fault.hint("resume after that time; what is on disk is kept") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

    fn broken() -> Fault {
        Fault::new(FaultKind::Network, "the connection broke")
    }

    #[test]
    fn failures_in_a_row_wait_longer_and_then_end() {
        let mut patience = Patience::new(&WAITS, Duration::from_secs(300));
        for wait in WAITS {
            assert_eq!(patience.after(broken(), 0), Ok(wait));
        }
        let fault = patience.after(broken(), 0).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Network);
        assert!(fault.message.starts_with("the connection broke (3 more tries") && fault.hint.is_some(), "{fault}");
    }

    #[test]
    fn progress_restores_patience() {
        let mut patience = Patience::new(&WAITS, Duration::from_secs(300));
        for _ in 0..20 {
            assert_eq!(patience.after(broken(), 1), Ok(WAITS[0]));
            assert_eq!(patience.after(broken(), 0), Ok(WAITS[1]));
        }
        assert_eq!(patience.after(broken(), 5 << 20), Ok(Duration::ZERO));
    }

    #[test]
    fn a_server_may_ask_for_more_time_but_not_for_ever() {
        let mut patience = Patience::new(&WAITS, Duration::from_secs(300));
        let asks = |seconds| Fault::new(FaultKind::RateLimited, "slow down").retry_after(Some(Duration::from_secs(seconds)));
        assert_eq!(patience.after(asks(9), 0), Ok(Duration::from_secs(9)));
        assert_eq!(patience.after(asks(0), 0), Ok(WAITS[1]));
        let fault = patience.after(asks(301), 0).unwrap_err();
        assert_eq!((fault.message.as_str(), fault.retry_after), ("slow down, and asks to wait 6 minutes", Some(Duration::from_secs(301))));
        assert!(fault.hint.is_some());
    }

    #[test]
    fn other_faults_end_at_once() {
        let mut patience = Patience::new(&WAITS, Duration::from_secs(300));
        assert!(patience.after(Fault::new(FaultKind::EntryNotFound, "gone"), 10).is_err());
    }
}
