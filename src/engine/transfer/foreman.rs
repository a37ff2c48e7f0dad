//! Keeps the number of a file's connections right while they work.

use std::time::{Duration, Instant};

use super::crew::Crew;
use super::run::Run;
use crate::engine::host::processor_time;

/// How long one measurement takes.
const MEASURE: Duration = Duration::from_millis(100);
/// New connections that have brought nothing after so many measurements are measured all the same.
const LONGEST_START: u32 = 10;

/// Measures what the connections bring and says how many there should be, until the run has had enough.
pub async fn lead(run: &Run) {
    let mut crew = Crew::new(run.connections);
    let mut gauge = Gauge::new(run);
    let mut starting = 0;
    while run.unless_over(tokio::time::sleep(MEASURE)).await.is_ok() {
        if run.crew.take_complaint() {
            crew.refused();
        } else if run.crew.is_starting() && starting < LONGEST_START {
            starting += 1;
            gauge = Gauge::new(run);
            continue;
        } else if let Some(rate) = gauge.read(run).filter(|_| run.is_up_to_its_connections() && !gauge.is_full(run)) {
            crew.measured(rate);
        }
        if run.crew.want(crew.wanted()) {
            starting = 0;
        }
        gauge = Gauge::new(run);
    }
}

/// A program that takes this share of all processors gains nothing by more connections while every processor has a file.
const FULL: f64 = 0.5;

/// What has moved, and what it took, since a moment.
struct Gauge {
    since: Instant,
    moved: u64,
    worked: Duration,
}

impl Gauge {
    fn new(run: &Run) -> Self {
        Self { since: Instant::now(), moved: run.counter.moved(), worked: processor_time() }
    }

    /// Bytes a second since then.
    fn read(&self, run: &Run) -> Option<f64> {
        let seconds = self.since.elapsed().as_secs_f64();
        (seconds > 0.0).then(|| (run.counter.moved() - self.moved) as f64 / seconds)
    }

    /// Whether the processors are what limits the files since then, and not their connections.
    fn is_full(&self, run: &Run) -> bool {
        let worked = processor_time().saturating_sub(self.worked).as_secs_f64();
        run.common.is_busy() && worked >= FULL * self.since.elapsed().as_secs_f64() * run.settings().processors as f64
    }
}
