//! A cache of 10,000 repositories and 200,000 files: how long it takes to list, beside the official client, and how the screen feels meanwhile.
//!
//! `cargo bench --bench cache [-- --runs N]` lays the cache out in `/dev/shm` (or the temporary folder), runs whole programs over it in turns
//! and prints medians and ratios; then the app itself reads it while keys are pressed. `hf` is looked for at `HFDESK_HF`, else on the PATH.

#![allow(clippy::print_stdout)] // a bench's result is its output

#[path = "../transfer/program.rs"]
mod program;
mod screen;
mod tree;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use program::{Cost, is_here, run};

type Outcome<T> = Result<T, Box<dyn Error>>;

const RUNS: usize = 5;
/// What changed a moment ago is not remembered.
const SETTLED: Duration = Duration::from_secs(11);

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--screen") {
        let [cache, state] = [at + 1, at + 2].map(|at| arguments.get(at).map(PathBuf::from).unwrap_or_default());
        return screen::read(&cache, &state);
    }
    let runs = arguments.iter().position(|argument| argument == "--runs").and_then(|at| arguments.get(at + 1)?.parse().ok());
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
    let cache = folder.path().join("hub");
    std::fs::create_dir(&cache)?;
    tree::lay_out(&cache)?;
    std::thread::sleep(SETTLED);
    programs(&cache, folder.path(), runs.unwrap_or(RUNS))?;
    screens(&cache, folder.path())
}

/// Whole programs, in turns.
fn programs(cache: &Path, home: &Path, runs: usize) -> Outcome<()> {
    let hf = std::env::var_os("HFDESK_HF").map(PathBuf::from).or_else(|| is_here("hf").then(|| "hf".into()));
    let (mut theirs, mut find, mut full, mut again) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=runs {
        if let Some(hf) = &hf {
            let offline = ["HF_HUB_OFFLINE", "HF_HUB_DISABLE_UPDATE_CHECK", "HF_HUB_DISABLE_TELEMETRY"].map(|name| (name, "1"));
            theirs.push(run(Command::new(hf).args(["cache", "ls", "--format", "json"]).env("HF_HUB_CACHE", cache).envs(offline))?);
        }
        find.push(run(Command::new("find").arg(cache).args(["-printf", "%s"]))?);
        let state = tempfile::tempdir_in(home)?;
        full.push(run(&mut ours(cache, state.path()))?);
        again.push(run(&mut ours(cache, state.path()))?);
    }
    println!("{} repositories of {} files; medians of {runs} runs in turns after one to warm up.\n", tree::REPOS, tree::FILES);
    println!("| program | seconds | processor | peak MiB | times as fast as `hf` |");
    println!("|---|---|---|---|---|");
    let base = median(&theirs).wall;
    let rows = [
        ("`hf cache ls`", theirs),
        ("`find -printf %s`", find),
        ("`cache ls`, the first time", full),
        ("`cache ls`, nothing changed", again),
    ];
    for (name, costs) in rows.into_iter().filter(|(_, costs)| !costs.is_empty()) {
        let own = median(&costs);
        let ratio = base.as_secs_f64() / own.wall.as_secs_f64();
        println!("| {name} | {:.2} | {:.2} | {} | {ratio:.1} |", own.wall.as_secs_f64(), own.cpu.as_secs_f64(), own.peak >> 20);
    }
    Ok(())
}

fn ours(cache: &Path, state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hfdesk-tui"));
    command.args(["cache", "ls", "--format", "json", "--cache-dir"]).arg(cache);
    command.env("XDG_STATE_HOME", state).env("XDG_CONFIG_HOME", state).env("HOME", state);
    command
}

/// The medians of each figure, without the run that warmed up.
fn median(costs: &[Cost]) -> Cost {
    let middle = |mut values: Vec<u128>| {
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let of = |figure: fn(&Cost) -> u128| middle(costs.iter().skip(1).map(figure).collect());
    let time = |figure| Duration::from_nanos(u64::try_from(of(figure)).unwrap_or_default());
    Cost {
        wall: time(|cost| cost.wall.as_nanos()),
        cpu: time(|cost| cost.cpu.as_nanos()),
        peak: u64::try_from(of(|cost| u128::from(cost.peak))).unwrap_or_default(),
    }
}

/// The app, each time in a process of its own: memory is measured.
fn screens(cache: &Path, home: &Path) -> Outcome<()> {
    println!("\n| the app reads it | first rows, ms | all, ms | slowest key with its frame, ms | memory over the base, bytes a file |");
    println!("|---|---|---|---|---|");
    let state = tempfile::tempdir_in(home)?;
    for name in ["the first time", "nothing changed"] {
        let output = Command::new(std::env::current_exe()?).arg("--screen").arg(cache).arg(state.path()).output()?;
        println!("| {name} | {} |", String::from_utf8(output.stdout)?.trim());
    }
    Ok(())
}
