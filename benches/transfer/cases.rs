//! What is downloaded, how, and by whom.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Cost, is_here, run};
use crate::stage::{self, Link, Stage};
use crate::{Outcome, report};

const MIB: u64 = 1 << 20;
const REPO: &str = "bench/files";

/// One thing to download.
pub struct Case {
    /// Names it on the command line and in the table.
    pub name: &'static str,
    link: Link,
    files: Vec<(String, u64)>,
    /// Whether what arrives goes to a disk and is synced; else it goes to memory.
    to_disk: bool,
}

/// Every case.
pub fn all() -> Vec<Case> {
    let one = |name, link, to_disk| Case { name, link, files: vec![("model.gguf".into(), 4096 * MIB)], to_disk };
    let shards = (1..=8).map(|number| (format!("model-{number:05}-of-00008.safetensors"), 512 * MIB)).collect();
    let small = (0..2000).map(|number| (format!("data/{:02}/{number:04}.json", number % 20), 4096 + number * 7919 % 61_440)).collect();
    vec![
        one("4 GiB", Link::Http, false),
        one("4 GiB, HTTPS", Link::Https, false),
        one("4 GiB, disk", Link::Http, true),
        Case { name: "8 x 512 MiB", link: Link::Http, files: shards, to_disk: false },
        Case { name: "2,000 small", link: Link::Http, files: small, to_disk: false },
        Case { name: "512 MiB, far", link: Link::Far, files: vec![("model.gguf".into(), 512 * MIB)], to_disk: false },
    ]
}

type Program = fn(&Case, &Stage, &Path) -> Vec<Command>;

impl Case {
    /// Runs the programs in turn and prints the case's rows.
    pub fn run(&self, stage: &Stage, runs: usize) -> Outcome<()> {
        self.set_up(stage)?;
        let mut results: Vec<(&str, Vec<Cost>)> = self.programs().iter().map(|(name, _)| (*name, Vec::new())).collect();
        for round in 0..=runs {
            for ((_, costs), (_, program)) in results.iter_mut().zip(self.programs()) {
                let cost = self.run_once(program, stage)?;
                if round > 0 {
                    costs.push(cost);
                }
            }
        }
        report::rows(self.name, &results);
        Ok(fs::remove_dir_all(stage.hub_folder().join("models").join(REPO))?)
    }

    fn set_up(&self, stage: &Stage) -> Outcome<()> {
        let mut files = self.files.iter().zip(0..);
        files.try_for_each(|((name, size), seed)| stage.write_file(REPO, name, *size, seed))
    }

    fn programs(&self) -> Vec<(&'static str, Program)> {
        let mut programs: Vec<(_, Program)> = vec![("curl", curl), ("hfdesk-tui", ours), ("curl, then openssl", curl_and_openssl)];
        if is_here("aria2c") && self.link != Link::Https {
            programs.push(("aria2c", aria2c));
        }
        if is_here("hf") && self.link != Link::Https {
            programs.push(("hf", hf));
        }
        programs
    }

    /// Runs one program's commands, one after the other, in an empty folder.
    fn run_once(&self, program: Program, stage: &Stage) -> Outcome<Cost> {
        let disk = tempfile::Builder::new().prefix("hfdesk-bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let target = if self.to_disk { disk.path().join("target") } else { stage.folder().join("target") };
        fs::create_dir_all(&target)?;
        stage::warm()?;
        let mut total = Cost::default();
        for mut command in program(self, stage, &target) {
            let cost = run(&mut command)?;
            total = Cost { wall: total.wall + cost.wall, cpu: total.cpu + cost.cpu, peak: total.peak.max(cost.peak) };
        }
        fs::remove_dir_all(&target)?;
        Ok(total)
    }

    /// Each file's URL, as somebody who knows it already asks for it, and where it goes.
    fn urls<'a>(&'a self, stage: &'a Stage, target: &'a Path) -> impl Iterator<Item = (String, PathBuf)> {
        let base = match self.files.len() {
            1..100 => format!("{}/models/{REPO}", stage.base(self.link)),
            _ => format!("{}/{REPO}/resolve/main", stage.endpoint(self.link)), // small files come from the Hub itself
        };
        self.files.iter().map(move |(name, _)| (format!("{base}/{name}"), target.join(name)))
    }

    fn sync(&self, target: &Path) -> Option<Command> {
        let mut command = Command::new("sync");
        command.args(self.files.iter().map(|(name, _)| target.join(name)));
        self.to_disk.then_some(command)
    }
}

fn ours(case: &Case, stage: &Stage, target: &Path) -> Vec<Command> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hfdesk-tui"));
    command.args(["download", REPO, "--quiet", "--endpoint", &stage.endpoint(case.link)]).env_clear();
    command.env("HOME", target);
    if case.link == Link::Https {
        command.env("SSL_CERT_FILE", stage.authority());
    }
    vec![command]
}

fn curl(case: &Case, stage: &Stage, target: &Path) -> Vec<Command> {
    let list = stage.folder().join("curl.txt");
    let entry = |(url, path): (String, PathBuf)| format!("url = \"{url}\"\noutput = \"{}\"\n", path.display());
    let _ = fs::write(&list, case.urls(stage, target).map(entry).collect::<Vec<_>>().concat());
    let mut command = Command::new("curl");
    command.args(["--silent", "--no-progress-meter", "--fail", "--location", "--create-dirs", "--cacert"]).arg(stage.authority());
    if case.files.len() > 1 {
        command.args(["--parallel", "--parallel-immediate", "--parallel-max", "8"]);
    }
    command.arg("--config").arg(list);
    std::iter::once(command).chain(case.sync(target)).collect()
}

fn curl_and_openssl(case: &Case, stage: &Stage, target: &Path) -> Vec<Command> {
    let mut digest = Command::new("openssl");
    digest.args(["dgst", "-sha256"]).args(case.files.iter().map(|(name, _)| target.join(name)));
    curl(case, stage, target).into_iter().chain(std::iter::once(digest)).collect()
}

fn aria2c(case: &Case, stage: &Stage, target: &Path) -> Vec<Command> {
    let list = stage.folder().join("aria2.txt");
    let entry = |(url, path): (String, PathBuf)| {
        let out = path.strip_prefix(target).map(|path| path.display().to_string()).unwrap_or_default();
        format!("{url}\n  out={out}\n")
    };
    let _ = fs::write(&list, case.urls(stage, target).map(entry).collect::<Vec<_>>().concat());
    let mut command = Command::new("aria2c");
    command.args(["-x16", "-s16", "-j8", "--quiet", "--file-allocation=none", "--dir"]).arg(target).arg("-i").arg(list);
    std::iter::once(command).chain(case.sync(target)).collect()
}

fn hf(case: &Case, stage: &Stage, target: &Path) -> Vec<Command> {
    let mut command = Command::new("hf");
    command.args(["download", REPO, "--quiet"]).env("HF_ENDPOINT", stage.endpoint(case.link));
    command.env("HF_HOME", target).env("HF_HUB_DISABLE_XET", "1").env("HF_HUB_DISABLE_TELEMETRY", "1");
    let mut sync = Command::new("sync");
    sync.arg("-f").arg(target);
    std::iter::once(command).chain(case.to_disk.then_some(sync)).collect()
}
