//! One large file over loopback HTTP into memory: `hfdesk-tui download`, which verifies, against `curl`, which does not.
//!
//! `cargo bench --bench download [-- SIZE]` runs the two in turn, five times after a warm-up, against the embedded Hub, and prints each
//! one's times and the ratios of the medians and of the fastest runs. SIZE is a byte count such as `1G` (the default). Needs `curl` and room for three
//! times SIZE in `/dev/shm`.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hfdesk_tui::desk::{bytes, parse_bytes};
use hfdesk_tui::hubserver::{HubConfig, HubServer};

const RUNS: usize = 5;
const REPO: &str = "bench/large";
const FILE: &str = "model.gguf";

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let size = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or("1G".into());
    let size = parse_bytes(&size)?;
    let stage = tempfile::Builder::new().prefix("hfdesk-bench-").tempdir_in("/dev/shm")?;
    write_file(&stage.path().join("hub/models").join(REPO).join(FILE), size)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let hub = runtime.block_on(HubServer::start(HubConfig::new(stage.path().join("hub"))))?;
    let (mut ours, mut curls) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let pair = (curl(&hub.endpoint(), stage.path())?, download(&hub.endpoint(), stage.path())?);
        if run > 0 {
            curls.push(pair.0);
            ours.push(pair.1);
        }
    }
    runtime.block_on(hub.stop());
    report(size, &mut curls, &mut ours);
    Ok(())
}

/// Incompressible, and quickly made: a counter through a multiplicative hash.
fn write_file(path: &Path, size: u64) -> Outcome<()> {
    fs::create_dir_all(path.parent().ok_or("a file has a folder")?)?;
    let mut file = std::io::BufWriter::with_capacity(1 << 20, File::create(path)?);
    for word in 0..size / 8 {
        file.write_all(&(word.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes())?;
    }
    Ok(file.flush()?)
}

fn curl(endpoint: &str, stage: &Path) -> Outcome<Duration> {
    let target = stage.join("curl.out");
    let url = format!("{endpoint}/{REPO}/resolve/main/{FILE}");
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--location", "--output"]).arg(&target).arg(url);
    let time = timed(&mut command)?;
    fs::remove_file(target)?;
    Ok(time)
}

fn download(endpoint: &str, stage: &Path) -> Outcome<Duration> {
    let home: PathBuf = stage.join("home");
    fs::create_dir_all(&home)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_hfdesk-tui"));
    command.args(["download", REPO, FILE, "--quiet", "--endpoint", endpoint]).env_clear().env("HOME", &home);
    let time = timed(&mut command)?;
    fs::remove_dir_all(home)?;
    Ok(time)
}

fn timed(command: &mut Command) -> Outcome<Duration> {
    let start = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    let time = start.elapsed();
    if status.success() { Ok(time) } else { Err(format!("{command:?} ended with {status}").into()) }
}

#[allow(clippy::print_stdout)] // a bench's result is its output
fn report(size: u64, curls: &mut [Duration], ours: &mut [Duration]) {
    let (curl, our) = (median(curls), median(ours));
    println!("{} over loopback HTTP into memory, medians of {RUNS}", bytes(size));
    println!("curl (verifies nothing)        {curl:>8.2?}   {curls:.2?}");
    println!("hfdesk-tui download (verified) {our:>8.2?}   {ours:.2?}");
    println!("ratio of the medians {:.2}, of the fastest {:.2}", ratio(our, curl), ratio(ours[0], curls[0]));
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}

/// Sorts the times, the fastest first, and answers with the middle one.
fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
