//! Medians and ratios, as rows of a Markdown table.

#![allow(clippy::print_stdout)] // a bench's result is its output

use std::time::Duration;

use crate::program::Cost;

/// Prints the table's head.
pub fn heading(runs: usize) {
    println!("Medians of {runs} interleaved runs after one to warm up, relative to the first program of each case.\n");
    println!("| case | program | wall | fastest | processor | peak MiB | seconds |");
    println!("|---|---|---|---|---|---|---|");
}

/// Prints one case's rows. The first program is what the others are compared with.
pub fn rows(case: &str, programs: &[(&str, Vec<Cost>)]) {
    let Some((_, first)) = programs.first() else { return };
    let base = Summary::of(first);
    for (name, costs) in programs {
        let own = Summary::of(costs);
        let ratio = |own: Duration, base: Duration| own.as_secs_f64() / base.as_secs_f64();
        println!(
            "| {case} | {name} | {:.2} | {:.2} | {:.2} | {} | {:.2} |",
            ratio(own.wall, base.wall),
            ratio(own.fastest, base.fastest),
            ratio(own.cpu, base.cpu),
            own.peak >> 20,
            own.wall.as_secs_f64()
        );
    }
}

struct Summary {
    wall: Duration,
    fastest: Duration,
    cpu: Duration,
    peak: u64,
}

impl Summary {
    fn of(costs: &[Cost]) -> Self {
        Self {
            wall: median(costs.iter().map(|cost| cost.wall)),
            fastest: costs.iter().map(|cost| cost.wall).min().unwrap_or_default(),
            cpu: median(costs.iter().map(|cost| cost.cpu)),
            peak: costs.iter().map(|cost| cost.peak).max().unwrap_or_default(),
        }
    }
}

fn median(values: impl Iterator<Item = Duration>) -> Duration {
    let mut values: Vec<Duration> = values.collect();
    values.sort();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
