//! One row of the matrix: a Hub with one file and troubles, a machine that downloads it, and what must hold afterwards.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use hfdesk_tui::desk::Digest;
use hfdesk_tui::engine::transfer::Partial;
use hfdesk_tui::hubserver::{Effect, FaultPlan, FaultRule, HubConfig, HubServer, Side};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::ALWAYS;
use crate::machine::{Machine, noise, sha256};

pub const REPO: &str = "bench/faults";
pub const FILE: &str = "model.gguf";

/// How long a download may take before it counts as one that never ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits as in a world where everything happens fast, but for those that a busy machine may need.
const SETTINGS: &str = "keep_free = '0'\nstall_seconds = 10\nretry_seconds = 0.02\n";

/// The same where stalls are what a test is about.
const IMPATIENT: &str = "keep_free = '0'\nstall_seconds = 0.5\nretry_seconds = 0.02\n";

/// The most that a server counts as sent after a client has hung up: what sockets hold.
const IN_FLIGHT: u64 = 1 << 20;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A Hub, a machine, and the file that is to be downloaded.
pub struct Row {
    pub machine: Machine,
    pub hub: HubServer,
    pub content: Vec<u8>,
    pub digest: Digest,
    faults: FaultPlan,
}

impl Row {
    /// A Hub with a file of so many bytes (a multiple of eight) and no limits.
    pub fn new(size: u64) -> Self {
        Self::with(size, |_| {})
    }

    /// A Hub with a file of so many bytes, configured further.
    pub fn with(size: u64, configure: impl FnOnce(&mut HubConfig)) -> Self {
        let machine = Machine::new();
        let content = noise(usize::try_from(size).unwrap());
        machine.put(REPO, FILE, &content);
        fs::write(settings(&machine), SETTINGS).unwrap();
        let mut config = HubConfig::new(machine.hub());
        configure(&mut config);
        let faults = config.faults.clone();
        let hub = RUNTIME.block_on(HubServer::start(config)).unwrap();
        Self { digest: Digest::Sha256(sha256(&content)), machine, hub, content, faults }
    }

    /// Half a second without a byte is a stall from now on.
    pub fn grow_impatient(&self) {
        fs::write(settings(&self.machine), IMPATIENT).unwrap();
    }

    /// Stops the Hub, and starts another one without limits, at another address, over the same files.
    pub fn restart_hub(&mut self) {
        let config = HubConfig { faults: self.faults.clone(), ..HubConfig::new(self.machine.hub()) };
        let started = RUNTIME.block_on(HubServer::start(config)).unwrap();
        RUNTIME.block_on(std::mem::replace(&mut self.hub, started).stop());
    }

    /// Trouble for the next requests for the file, whose turn comes when earlier trouble of its kind is over.
    pub fn inject(&self, side: Side, times: u32, effect: Effect) {
        self.inject_at(FILE, side, times, effect);
    }

    /// Trouble for the next requests whose path contains this.
    pub fn inject_at(&self, path: &str, side: Side, times: u32, effect: Effect) {
        self.faults.inject(FaultRule { side, path_contains: path.to_owned(), times, effect });
    }

    /// The program with this Hub and short waits.
    pub fn program(&self, line: &str) -> Command {
        let mut command = self.machine.command(&self.hub.endpoint());
        command.env("HFDESK_CONFIG", settings(&self.machine)).args(line.split_whitespace());
        command
    }

    /// The download of the file, told as JSON.
    pub fn command(&self) -> Command {
        self.program(&format!("download {REPO} {FILE} --json"))
    }

    /// Starts the download.
    pub fn start(&self) -> Started {
        Started::new(&mut self.command())
    }

    /// Downloads the file, or tries to.
    pub fn download(&self) -> Ending {
        self.start().end()
    }

    /// The jobs as a process of its own lists them.
    pub fn jobs(&self) -> Vec<Value> {
        let ending = Started::new(&mut self.program("jobs ls --json")).end();
        assert_eq!(ending.status, 0, "{ending:?}");
        serde_json::from_str(&ending.stdout).unwrap()
    }

    /// Bytes that the Hub has sent of the file.
    pub fn sent(&self) -> u64 {
        self.hub.stats().cdn_bytes
    }

    /// Waits until the Hub has sent so many bytes of the file.
    pub fn until_sent(&self, bytes: u64) {
        until(|| (self.sent() >= bytes).then_some(()), || format!("{bytes} bytes sent: {:?}", self.hub.stats()));
    }

    /// Bytes that the next download need not fetch.
    pub fn held(&self) -> u64 {
        self.partial().held(self.size(), &self.digest)
    }

    pub fn size(&self) -> u64 {
        self.content.len() as u64
    }

    pub fn partial(&self) -> Partial {
        self.machine.partial(REPO, &self.digest)
    }

    pub fn blob(&self) -> PathBuf {
        self.machine.repo_folder(REPO).join("blobs").join(self.digest.hex())
    }

    /// Lets a download come so far and then fail. What came is on the disk.
    pub fn come_to(&self, bytes: u64) {
        self.inject(Side::Cdn, 1, Effect::CutAfter(bytes));
        self.inject(Side::Cdn, ALWAYS, Effect::CutAfter(0));
        self.download().failed(5, "network");
        self.faults.clear();
        assert_eq!(self.held(), bytes, "what came is kept");
        self.assert_nothing_placed();
    }

    /// Asserts that the snapshot has the file, right, and that nothing else is left of the download.
    pub fn assert_placed(&self) {
        let placed = self.machine.snapshot_file(REPO, FILE);
        assert!(fs::read(&placed).unwrap() == self.content, "the placed file differs");
        assert_eq!(placed.canonicalize().unwrap(), self.blob().canonicalize().unwrap());
        assert_eq!(names(self.blob().parent().unwrap()), [self.digest.hex()]);
    }

    /// Asserts that neither a blob nor an entry of a snapshot is there: at most a partial and its journal.
    pub fn assert_nothing_placed(&self) {
        let repo = self.machine.repo_folder(REPO);
        let partial = |name: &OsString| name.to_string_lossy().contains(".hfdesk.");
        let blobs = names(&repo.join("blobs"));
        assert!(blobs.iter().all(partial), "{blobs:?}");
        for commit in names(&repo.join("snapshots")) {
            assert_eq!(names(&repo.join("snapshots").join(commit)), [""; 0]);
        }
    }

    /// Asserts that nothing is left of the download at all.
    pub fn assert_clean(&self) {
        self.assert_nothing_placed();
        assert_eq!(names(self.blob().parent().unwrap()), [""; 0]);
    }

    /// Ends all trouble, and asserts that the next run ends well and fetches no more than what was missing.
    pub fn heals(&self) {
        self.faults.clear();
        let (held, sent) = (self.held(), self.sent());
        self.download().succeeded();
        self.assert_placed();
        let (again, missing) = (self.sent() - sent, self.size() - held);
        // What the server had on the way when an earlier run hung up may be counted only now.
        assert!((missing..=missing + IN_FLIGHT).contains(&again), "{again} fetched again where {missing} were missing");
    }
}

/// The program's settings file.
fn settings(machine: &Machine) -> PathBuf {
    machine.path().join("config.toml")
}

/// The names in a folder, in order; none where there is no folder.
fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

/// A program under way. Dropping it kills it.
pub struct Started(Child);

impl Started {
    /// Starts a program.
    pub fn new(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    pub fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits for its end. One that does not come is a failure of the test.
    pub fn end(mut self) -> Ending {
        let begun = Instant::now();
        let status = until(|| self.0.try_wait().unwrap(), || "the program ends".to_owned());
        let mut ending = Ending { status: status.code().unwrap_or(-1), took: begun.elapsed(), ..Ending::default() };
        self.0.stdout.take().unwrap().read_to_string(&mut ending.stdout).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut ending.stderr).unwrap();
        ending
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// How a program ended.
#[derive(Debug, Default)]
pub struct Ending {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Ending {
    pub fn succeeded(&self) {
        assert_eq!((self.status, self.stderr.as_str()), (0, ""), "{self:?}");
    }

    /// Asserts the exit status and the kind of the fault that was told as JSON; answers its message and its hint.
    pub fn failed(&self, status: i32, kind: &str) -> (String, String) {
        let told: Value = self.stderr.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        let text = |key: &str| told["error"][key].as_str().unwrap_or_default().to_owned();
        assert_eq!((self.status, text("kind").as_str()), (status, kind), "{self:?}");
        assert!(!text("message").is_empty() && self.stdout.is_empty(), "{self:?}");
        (text("message"), text("hint"))
    }

    /// Asserts how it failed, and that message and hint say this.
    pub fn failed_with(&self, status: i32, kind: &str, message: &str, hint: &str) {
        let (told, advice) = self.failed(status, kind);
        assert!(told.contains(message) && advice.contains(hint), "{told} / {advice}");
    }
}

/// Looks until there is something to see, and panics with what the description says when that takes too long.
pub fn until<T>(mut look: impl FnMut() -> Option<T>, description: impl Fn() -> String) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain: {}", description());
        std::thread::sleep(Duration::from_millis(2)); // what is waited for is another process's and only there to be looked at
    }
}
