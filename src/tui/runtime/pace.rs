//! When progress is drawn.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Spreads frames that show progress; frames that answer a key do not wait.
pub(super) struct Pace {
    interval: Duration,
    last: Instant,
    due: Option<Instant>,
}

impl Pace {
    /// At most this many frames a second.
    pub(super) fn new(frames_per_second: u32) -> Self {
        Self { interval: Duration::from_secs(1) / frames_per_second.max(1), last: Instant::now(), due: None }
    }

    /// There is something new to show.
    pub(super) fn wanted(&mut self) {
        self.due.get_or_insert(self.last + self.interval);
    }

    /// Everything has been shown.
    pub(super) fn drawn(&mut self) {
        self.last = Instant::now();
        self.due = None;
    }

    /// Waits until a frame is due; forever while there is nothing new.
    pub(super) async fn due(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_frame_is_due_only_when_one_is_wanted() {
        let mut pace = Pace::new(1);
        assert!(pace.due.is_none() && pace.due().now_or_never().is_none());
        pace.wanted();
        let due = pace.due;
        assert_eq!(due, Some(pace.last + Duration::from_secs(1)));
        pace.wanted();
        assert_eq!(pace.due, due, "a second wish does not postpone the first");
        pace.drawn();
        assert!(pace.due.is_none());
    }
}
