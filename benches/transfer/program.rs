//! One program, run once: how long it took, and what it cost.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
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

/// Runs a command to its end, with its program in memory; one that fails ends the bench.
pub fn run(command: &mut Command) -> Outcome<Cost> {
    warm(command.get_program());
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let ended = child.wait4()?;
    let wall = begun.elapsed();
    if !ended.status.success() {
        return Err(format!("{command:?} ended with {}", ended.status).into());
    }
    Ok(Cost { wall, cpu: ended.rusage.utime + ended.rusage.stime, peak: ended.rusage.maxrss })
}

/// Reads a program and its libraries. A system may take an idle program's pages, and what it then takes to start, up to seconds, would
/// be told of whoever comes after a slow one. Of a script only its text is read.
pub fn warm(program: &OsStr) {
    let Some(path) = find(program) else { return };
    let told = Command::new("ldd").arg(&path).stderr(Stdio::null()).output().map(|ldd| ldd.stdout).unwrap_or_default();
    let told = String::from_utf8_lossy(&told);
    let libraries = told.split_whitespace().filter(|word| word.starts_with('/')).map(Path::new);
    libraries.chain([path.as_path()]).for_each(|file| drop(File::open(file).and_then(|mut file| io::copy(&mut file, &mut io::sink()))));
}

/// Whether a program of this name is on the PATH.
pub fn is_here(name: &str) -> bool {
    find(OsStr::new(name)).is_some()
}

/// Where a program is, named by its path or found on the PATH.
fn find(program: &OsStr) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
