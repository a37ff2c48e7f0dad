//! Whole jobs against a Hub on loopback: what is fetched, what is not, and who waits for whom.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::super::Engine;
use super::super::config::{Environment, Flags, Origin, Setting, Settings};
use super::super::host::{FileLock, SystemClock};
use super::super::transfer;
use super::*;
use crate::desk::{
    Access, Board, Choice, Desk, FaultKind, FileProgress, Job, JobAction, JobId, JobState, Phase, RepoRef, Selection, Target,
};
use crate::hubserver::{AcceptedToken, Effect, FaultPlan, FaultRule, Grant, HubConfig, HubServer, Side};

const SIZE: usize = 3 << 20;

/// A Hub and an engine in one folder.
struct World {
    dir: TempDir,
    server: HubServer,
    engine: Engine,
    faults: FaultPlan,
}

impl World {
    /// A world in which the Hub's model repositories have these files.
    async fn new(files: &[(&str, &[u8])], configure: impl FnOnce(&mut HubConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in files {
            write(dir.path().join("hub/models").join(path), content);
        }
        let faults = FaultPlan::default();
        let mut config = HubConfig { faults: faults.clone(), ..HubConfig::new(dir.path().join("hub")) };
        configure(&mut config);
        let server = HubServer::start(config).await.unwrap();
        let settings = settings(&dir, server.endpoint());
        let mut engine = Engine::open(&settings).unwrap();
        engine.run_queue(&settings, Arc::new(SystemClock)).await.unwrap();
        Self { dir, server, engine, faults }
    }

    async fn plan(&self, repo: &str, local_dir: Option<&str>) -> Plan {
        let local_dir = local_dir.map(|name| self.dir.path().join(name));
        let selection = Selection { local_dir, ..Selection::new(RepoRef::model(repo.parse().unwrap()), Choice::Everything) };
        self.engine.plan(selection).await.unwrap()
    }

    async fn start(&self, repo: &str, local_dir: Option<&str>) -> JobId {
        self.engine.enqueue(self.plan(repo, local_dir).await).await.unwrap()
    }

    /// Downloads a whole repository; answers with its snapshot's folder.
    async fn download(&self, repo: &str) -> PathBuf {
        let plan = self.plan(repo, None).await;
        let id = self.engine.enqueue(plan.clone()).await.unwrap();
        self.until(&id, |job| job.state == JobState::Completed).await;
        plan.destination
    }

    /// The job once it is as wanted.
    async fn until(&self, id: &JobId, wanted: impl Fn(&Job) -> bool) -> Job {
        let fits = |board: Arc<Board>| std::future::ready(board.job(id).filter(|job| wanted(job)).cloned());
        let mut fitting = std::pin::pin!(self.engine.board().filter_map(fits));
        tokio::time::timeout(Duration::from_secs(20), fitting.next()).await.expect("the state comes").unwrap()
    }

    async fn control(&self, action: JobAction, id: &JobId) {
        self.engine.control(action, Target::Jobs(vec![id.clone()])).await.unwrap();
    }

    fn cache(&self, path: &str) -> PathBuf {
        self.dir.path().join("cache").join(path)
    }

    fn trouble(&self, side: Side, path: &str, times: u32, effect: Effect) {
        self.faults.inject(FaultRule { side, path_contains: path.to_owned(), times, effect });
    }
}

fn settings(dir: &TempDir, endpoint: String) -> Settings {
    struct Nothing;
    impl Environment for Nothing {
        fn get(&self, name: &str) -> Option<String> {
            (name == "HOME").then(|| "/nowhere".to_owned())
        }
    }
    let mut settings = Settings::load(&Flags::default(), &Nothing).unwrap();
    let set = |path: &str| dir.path().join(path);
    settings.endpoint.value = endpoint;
    settings.cache_dir.value = set("cache");
    settings.local_roots = Setting { value: vec![set("models")], origin: Origin::Default };
    settings.state_dir = set("state");
    settings
}

fn write(path: PathBuf, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Bytes that do not repeat.
fn noise(seed: u64) -> Vec<u8> {
    (0..SIZE as u64 / 8).flat_map(|word| (word + seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).to_le_bytes()).collect()
}

fn is_waiting(job: &Job, why: &str) -> bool {
    let waits = |file: &FileProgress| file.phase == Phase::Waiting && file.remark.as_deref().is_some_and(|remark| remark.contains(why));
    job.active.iter().any(waits)
}

#[tokio::test]
async fn a_file_costs_one_request_and_its_redirect() {
    let weights = noise(0);
    let world = World::new(&[("o/m/config.json", b"{}"), ("o/m/sub/a b.txt", b"text"), ("o/m/w.gguf", &weights)], |_| {}).await;
    let plan = world.plan("o/m", None).await;
    let before = world.server.stats().resolve_requests;
    let id = world.engine.enqueue(plan.clone()).await.unwrap();
    world.until(&id, |job| job.state == JobState::Completed).await;
    let stats = world.server.stats();
    assert_eq!((stats.resolve_requests - before, stats.cdn_requests), (3, 1));
    assert!(fs::read(plan.destination.join("w.gguf")).unwrap() == weights);
    assert_eq!(fs::read(plan.destination.join("sub/a b.txt")).unwrap(), b"text");
}

#[tokio::test]
async fn a_gate_is_named_whether_or_not_it_was_expected() {
    let token = AcceptedToken { token: "hf_x".to_owned(), user: "x".to_owned(), grant: Grant::Granted };
    let world = World::new(&[("o/m/config.json", b"{}")], |config| config.tokens = vec![token]).await;
    let plan = world.plan("o/m", None).await;
    write(world.dir.path().join("hub/models/o/m/README.md"), b"---\ngated: manual\n---\n");
    world.trouble(Side::Hub, "config.json", 9, Effect::Status(403, vec![("x-error-code".into(), "GatedRepo".into())]));
    let id = world.engine.enqueue(plan).await.unwrap();
    let fault = world.until(&id, |job| job.state == JobState::Failed).await.fault.unwrap();
    assert_eq!(fault.kind, FaultKind::Gated);
    assert!(fault.hint.unwrap().contains("/o/m"));
}

#[tokio::test]
async fn many_small_files_come_on_however_many_processors() {
    for processors in [1, 4] {
        let names: Vec<_> = (0..150).map(|number| format!("o/m/{number}.json")).collect();
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
        let world = World::new(&files, |_| {}).await;
        let plan = world.plan("o/m", None).await;
        let mover = Mover::new(transfer::Settings { processors, ..transfer::Settings::default() }).unwrap();
        let (hub, cache) = (world.engine.hub.clone(), world.engine.cache.clone());
        let downloader = Downloader { hub, cache, mover, turns: Turns::default(), xet: false };
        downloader.run(Arc::new(plan.clone()), Arc::default()).await.unwrap();
        for (name, content) in files {
            assert_eq!(fs::read(plan.destination.join(name.rsplit('/').next().unwrap())).unwrap(), content);
        }
        assert_eq!(world.server.stats().cdn_requests, 0);
    }
}

#[tokio::test]
async fn the_fault_that_stops_the_other_files_is_the_one_that_is_told() {
    let files: [(&str, &[u8]); 3] = [("o/m/refused.json", b"{}"), ("o/m/slow.json", b"[]"), ("o/m/slow.gguf", &noise(0))];
    let world = World::new(&files, |_| {}).await;
    let plan = world.plan("o/m", None).await;
    for _ in 0..8 {
        world.trouble(Side::Hub, "slow.", 2, Effect::Silence);
        world.trouble(Side::Hub, "refused.json", 1, Effect::Status(404, vec![("x-error-code".into(), "EntryNotFound".into())]));
        let id = world.engine.enqueue(plan.clone()).await.unwrap();
        let fault = world.until(&id, |job| job.state == JobState::Failed).await.fault.unwrap();
        assert_eq!(fault.kind, FaultKind::EntryNotFound, "{fault}");
        world.control(JobAction::Cancel, &id).await;
        world.faults.clear();
    }
}

#[tokio::test]
async fn a_gate_bars_what_is_behind_it_until_it_opens() {
    let files: [(&str, &[u8]); 3] = [("o/m/.hub.toml", b"gated = \"manual\"\n"), ("o/m/README.md", b"# M"), ("o/m/w.gguf", &noise(0))];
    let token = AcceptedToken { token: "hf_x".to_owned(), user: "x".to_owned(), grant: Grant::Granted };
    let World { dir, server, engine, .. } = World::new(&files, |config| config.tokens = vec![token]).await;
    let repo = RepoRef::model("o/m".parse().unwrap());
    let analysis = engine.analyze(repo.clone()).await.unwrap();
    let barrier = analysis.barrier.unwrap();
    assert!(analysis.access == Access::GatedManual && barrier.message.contains("no token is set"), "{barrier}");
    assert!(analysis.files.iter().any(|file| file.digest.is_none()), "the Hub masks what it does not give");

    let plan = async |choice| engine.plan(Selection::new(repo.clone(), choice)).await;
    let card = Choice::Files(vec!["README.md".to_owned()]);
    assert_eq!(plan(card).await.unwrap().files.len(), 1);
    assert_eq!(plan(Choice::Everything).await.unwrap_err(), barrier);

    let (root, bind) = (dir.path().join("hub"), server.endpoint().strip_prefix("http://").unwrap().parse().unwrap());
    server.stop().await;
    write(root.join("models/o/m/.hub.toml"), b"");
    let _server = HubServer::start(HubConfig { bind, ..HubConfig::new(root) }).await.unwrap();
    assert_eq!(plan(Choice::Everything).await.unwrap().files.len(), 2, "no older analysis stands in the way");
}

#[tokio::test]
async fn what_another_repository_has_is_linked() {
    let weights = noise(0);
    let world = World::new(&[("o/a/w.gguf", &weights), ("o/b/x.gguf", &weights), ("o/b/config.json", b"{}")], |_| {}).await;
    let first = world.download("o/a").await;
    let plan = world.plan("o/b", None).await;
    assert_eq!(plan.bytes_to_fetch(), 2, "the plan knows");
    let second = world.download("o/b").await;
    assert_eq!(world.server.stats().cdn_bytes, SIZE as u64, "fetched once");
    assert!(fs::read(second.join("x.gguf")).unwrap() == weights);
    let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(first.join("w.gguf")), inode(second.join("x.gguf")), "and stored once");
}

#[tokio::test]
async fn a_damaged_blob_elsewhere_is_not_used() {
    let weights = noise(0);
    let world = World::new(&[("o/b/x.gguf", &weights)], |_| {}).await;
    let digest = world.plan("o/b", None).await.files[0].digest.clone();
    let damaged = world.cache(&format!("models--o--a/blobs/{digest}"));
    write(damaged.clone(), &noise(1));
    let placed = world.download("o/b").await;
    assert!(fs::read(placed.join("x.gguf")).unwrap() == weights);
    assert!(fs::read(damaged).unwrap() == noise(1), "nor is it touched");
}

#[tokio::test]
async fn a_local_roots_file_is_copied_and_stays_its_owners() {
    let weights = noise(0);
    let world = World::new(&[("o/m/w.gguf", &weights)], |_| {}).await;
    let (own, like) = (world.dir.path().join("models/o/m/w.gguf"), world.dir.path().join("models/like/it/w.gguf"));
    write(own.clone(), &weights);
    write(like, &noise(1));
    let placed = world.download("o/m").await.join("w.gguf");
    assert_eq!(world.server.stats().cdn_bytes, 0);
    fs::write(&own, "edited").unwrap();
    assert!(fs::read(&placed).unwrap() == weights);
    assert!(fs::canonicalize(placed).unwrap().starts_with(fs::canonicalize(world.cache("")).unwrap()));
}

#[tokio::test]
async fn jobs_that_want_the_same_content_share_a_transfer() {
    let weights = noise(0);
    let world = World::new(&[("o/a/w.gguf", &weights), ("o/b/w.gguf", &weights)], |_| {}).await;
    world.trouble(Side::Cdn, "w.gguf", 1, Effect::Status(503, vec![("retry-after".into(), "1".into())]));
    let first = world.start("o/a", Some("plain")).await;
    world.until(&first, |job| !job.active.is_empty()).await;
    let second = world.start("o/b", None).await;
    world.until(&second, |job| is_waiting(job, "another download of the same content")).await;
    for id in [first, second] {
        world.until(&id, |job| job.state == JobState::Completed).await;
    }
    assert_eq!(world.server.stats().cdn_bytes, SIZE as u64);
    assert!(fs::read(world.dir.path().join("plain/w.gguf")).unwrap() == weights);
}

#[tokio::test]
async fn when_the_first_of_two_jobs_stops_the_second_takes_over() {
    let weights = noise(0);
    let world = World::new(&[("o/a/w.gguf", &weights), ("o/b/w.gguf", &weights)], |_| {}).await;
    world.trouble(Side::Cdn, "w.gguf", 1, Effect::StallAfter(1 << 20));
    let first = world.start("o/a", None).await;
    world.until(&first, |job| job.progress.bytes_done > 0).await;
    let second = world.start("o/b", None).await;
    world.until(&second, |job| is_waiting(job, "another download of the same content")).await;
    world.control(JobAction::Pause, &first).await;
    world.until(&second, |job| job.state == JobState::Completed).await;
    let fetched = world.server.stats().cdn_bytes;
    world.control(JobAction::Resume, &first).await;
    world.until(&first, |job| job.state == JobState::Completed).await;
    assert_eq!(world.server.stats().cdn_bytes, fetched, "the first links what the second fetched");
}

#[tokio::test]
async fn another_processs_lock_is_waited_for_and_a_pause_ends_the_wait() {
    let weights = noise(0);
    let world = World::new(&[("o/a/w.gguf", &weights), ("o/b/w.gguf", &weights)], |_| {}).await;
    let digest = world.plan("o/a", None).await.files[0].digest.clone();
    let lock = |repo: &str| FileLock::try_acquire(&world.cache(&format!(".locks/{repo}/{digest}.lock")), 0o664).unwrap();
    let held = lock("models--o--a").unwrap();
    let first = world.start("o/a", None).await;
    world.until(&first, |job| is_waiting(job, "another process")).await;
    let second = world.start("o/b", None).await;
    world.until(&second, |job| job.state == JobState::Completed).await;
    world.control(JobAction::Pause, &first).await;
    world.control(JobAction::Resume, &first).await;
    world.until(&first, |job| is_waiting(job, "another process")).await;
    world.control(JobAction::Pause, &first).await;
    drop(held);
    assert!(lock("models--o--a").is_some(), "a paused job holds no lock");
    world.control(JobAction::Resume, &first).await;
    world.until(&first, |job| job.state == JobState::Completed).await;
}

#[tokio::test]
async fn what_another_process_brought_is_neither_fetched_nor_read_even_if_its_lock_is_gone() {
    let weights = noise(0);
    let world = World::new(&[("o/a/w.gguf", &weights)], |_| {}).await;
    let digest = world.plan("o/a", None).await.files[0].digest.clone();
    let path = world.cache(&format!(".locks/models--o--a/{digest}.lock"));
    let held = FileLock::try_acquire(&path, 0o664).unwrap().unwrap();
    let job = world.start("o/a", None).await;
    world.until(&job, |job| is_waiting(job, "another process")).await;

    let blob = world.cache(&format!("models--o--a/blobs/{}", digest.hex()));
    write(blob.clone(), &vec![7; weights.len()]); // whoever read it would not take it
    let inode = || fs::metadata(&blob).unwrap().ino();
    let before = inode();
    fs::remove_file(path).unwrap();
    drop(held);
    world.until(&job, |job| job.state == JobState::Completed).await;
    assert_eq!(inode(), before, "the blob that the other process brought is used");
}
