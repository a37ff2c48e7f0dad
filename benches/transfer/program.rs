//! One program, run once: how long it took, and what it cost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

use crate::Outcome;

/// What one run cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// From the command to its end.
    pub wall: Duration,
    /// Processor time, its children's included.
    pub cpu: Duration,
    /// The most memory that was resident at once, in bytes.
    pub peak: u64,
}

/// Runs a command to its end; one that fails ends the bench.
pub fn run(command: &mut Command) -> Outcome<Cost> {
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let ended = child.wait4()?;
    let wall = begun.elapsed();
    if !ended.status.success() {
        return Err(format!("{command:?} ended with {}", ended.status).into());
    }
    Ok(Cost { wall, cpu: ended.rusage.utime + ended.rusage.stime, peak: ended.rusage.maxrss })
}

/// Whether a program of this name is on the PATH.
pub fn is_here(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
