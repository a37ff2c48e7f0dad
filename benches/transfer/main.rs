//! Whole downloads by whole programs, side by side: `hfdesk-tui download`, which verifies, against `curl` and others, most of which do not.
//!
//! `cargo bench --bench transfer [-- CASE… | --runs N]` runs each case's programs in turn, after one round to warm up, and prints
//! a table: medians of wall time and processor time relative to `curl`, and peak memory. Needs `curl`, `openssl` and `nginx`, and 14 GiB
//! of `/dev/shm`; `aria2c` and `hf` are measured beside them where they are on the PATH. Nothing leaves the loopback interface.

mod cases;
mod far;
mod program;
mod report;
mod stage;

use std::error::Error;

/// What most of a bench may end with.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

const DEFAULT_RUNS: usize = 5;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut names, mut runs) = (Vec::new(), DEFAULT_RUNS);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => runs = arguments.next().ok_or("--runs takes a number")?.parse()?,
            name => names.push(name.to_owned()),
        }
    }
    let stage = stage::Stage::set_up()?;
    report::heading(runs);
    for case in cases::all().iter().filter(|case| names.is_empty() || names.iter().any(|name| name == case.name)) {
        case.run(&stage, runs)?;
    }
    stage.tear_down();
    Ok(())
}
