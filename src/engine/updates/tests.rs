//! Branches that move on a Hub on loopback, and what is told of the files that are held.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::super::Engine;
use super::super::config::{Environment, Flags, Settings};
use super::super::host::SystemClock;
use super::super::hub::{HubSettings, Patience};
use super::*;
use crate::desk::{Choice, Desk, Digest, Disposal, FileChange, JobState, RepoKind, Selection, UpdateVerdict};
use crate::hubserver::{HubConfig, HubServer};

const SIZE: usize = 64 << 10;
const ALL: &[&str] = &["README.md", "config.json", "q4.gguf", "q8.gguf"];

/// What a Hub serves, a cache and a queue in one folder. Whoever changes what is served starts the Hub anew.
struct World(TempDir);

/// An engine and the Hub that it talks to.
struct Scene {
    hub: HubServer,
    engine: Engine,
}

impl World {
    /// A repository `o/m` of a README, a config and two quantizations.
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        for (path, content) in [("README.md", &b"one"[..]), ("config.json", b"{}"), ("q4.gguf", &weights(4)), ("q8.gguf", &weights(8))] {
            world.put("o/m", path, content);
        }
        world
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn put(&self, repo: &str, path: &str, content: &[u8]) {
        let path = self.path("hub/models").join(repo).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn settings(&self, endpoint: String) -> Settings {
        struct Nothing;
        impl Environment for Nothing {
            fn get(&self, name: &str) -> Option<String> {
                (name == "HOME").then(|| "/nowhere".to_owned())
            }
        }
        let mut settings = Settings::load(&Flags::default(), &Nothing).unwrap();
        settings.cache_dir.value = self.path("cache");
        // A queue of its own for each: a process that is just being started by another test may still hold the lock of the one before.
        settings.state_dir = self.path("state").join(endpoint.rsplit(':').next().unwrap());
        settings.endpoint.value = endpoint;
        settings
    }

    async fn open(&self) -> Scene {
        let hub = HubServer::start(HubConfig::new(self.path("hub"))).await.unwrap();
        let settings = self.settings(hub.endpoint());
        let mut engine = Engine::open(&settings).unwrap();
        engine.run_queue(&settings, Arc::new(SystemClock)).await.unwrap();
        Scene { hub, engine }
    }

    /// A scene in which these files of the repository were downloaded, at these revisions.
    async fn with(&self, files: &[&str], revisions: &[&str]) {
        let scene = self.open().await;
        for revision in revisions {
            let paths = files.iter().map(|path| (*path).to_owned()).collect();
            scene.take(Selection::new(repo(revision), Choice::Files(paths))).await;
        }
        scene.close().await;
    }
}

impl Scene {
    async fn close(self) {
        self.engine.close().await.unwrap();
        self.hub.stop().await;
    }

    async fn take(&self, selection: Selection) -> Plan {
        self.queue(self.engine.plan(selection).await.unwrap()).await
    }

    async fn take_update(&self, update: &Update) -> Plan {
        self.queue(update.moves(self.engine.plan(update.selection().unwrap()).await.unwrap())).await
    }

    async fn queue(&self, plan: Plan) -> Plan {
        let id = self.engine.enqueue(plan.clone()).await.unwrap();
        let over = |board: Arc<crate::desk::Board>| ready(board.job(&id).filter(|job| job.state.is_over()).cloned());
        let mut over = std::pin::pin!(self.engine.board().filter_map(over));
        let job = tokio::time::timeout(Duration::from_secs(20), over.next()).await.expect("the job ends").unwrap();
        assert_eq!(job.state, JobState::Completed, "{:?}", job.fault);
        plan
    }

    /// What is told of the repositories named.
    async fn updates(&self, repos: &[&str]) -> Vec<Update> {
        let steps: Vec<UpdateStep> = self.engine.updates(repos.iter().map(|id| key(id)).collect()).collect().await;
        found(&steps)
    }

    /// What is told of the one branch that is held.
    async fn update(&self) -> Update {
        let mut updates = self.updates(&[]).await;
        assert_eq!(updates.len(), 1, "{updates:?}");
        updates.remove(0)
    }
}

/// Every update of steps that come to their end.
fn found(steps: &[UpdateStep]) -> Vec<Update> {
    assert_eq!(steps.last(), Some(&UpdateStep::Done));
    let updates = |step: &UpdateStep| match step {
        UpdateStep::Checked { updates, .. } => updates.clone(),
        _ => Vec::new(),
    };
    steps.iter().flat_map(updates).collect()
}

fn key(id: &str) -> RepoKey {
    RepoKey { kind: RepoKind::Model, id: id.parse().unwrap() }
}

fn repo(revision: &str) -> RepoRef {
    RepoRef { revision: revision.parse().unwrap(), ..RepoRef::model("o/m".parse().unwrap()) }
}

fn weights(seed: u8) -> Vec<u8> {
    (0..SIZE).map(|at| u8::try_from(at % 251).unwrap().wrapping_mul(seed)).collect()
}

fn paths(update: &Update, change: FileChange) -> Vec<&str> {
    update.with(change).map(|file| file.path.as_str()).collect()
}

#[test]
fn files_are_compared_by_path_and_digest() {
    let content = |files: &[&str], digit: &str, size| Content {
        repo: key("o/m"),
        path: PathBuf::new(),
        bytes: PathBuf::new(),
        size,
        modified: 0,
        digest: Some(digit.repeat(40).parse().unwrap()),
        files: files.iter().map(|path| (*path).to_owned()).collect(),
        commits: std::collections::BTreeSet::new(),
    };
    let listed = |path: &str, digit: &str, size| RepoFile {
        path: path.to_owned(),
        size,
        digest: Some(digit.repeat(if size > 10 { 64 } else { 40 }).parse().unwrap()),
        xet_hash: None,
    };
    let held = [content(&["z", "twin"], "a", 5), content(&["b"], "b", 5), content(&["c"], "c", 5), content(&["d"], "d", 5)];
    let now = [listed("b", "f", 5), listed("c", "c", 5), listed("d", "d", 50), listed("other", "e", 5), listed("twin", "a", 5)];
    let files = beside(&held, &now);
    let told: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.change())).collect();
    let (same, changed, gone) = (FileChange::Same, FileChange::Changed, FileChange::Gone);
    assert_eq!(told, [("b", changed), ("c", same), ("d", changed), ("twin", same), ("z", gone)]);
    assert_eq!(files[2].now.as_ref().unwrap().size, 50, "a file that has moved to LFS");
    let plan = plan(repo("main"), "c".repeat(40), &files, now.to_vec());
    assert_eq!(plan.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["b", "c", "d", "twin"]);
}

#[tokio::test]
async fn a_branch_that_has_not_moved_costs_one_request() {
    let world = World::new();
    world.with(ALL, &["main"]).await;
    let scene = world.open().await;
    let update = scene.update().await;
    assert_eq!((update.verdict(), update.files.len(), update.selection()), (UpdateVerdict::Current, 0, None));
    assert_eq!(scene.hub.stats().api_requests, 1);
}

#[tokio::test]
async fn a_readme_that_is_not_held_changes_nothing() {
    let world = World::new();
    world.with(&["q4.gguf", "config.json"], &["main"]).await;
    world.put("o/m", "README.md", b"two");
    let scene = world.open().await;
    let update = scene.update().await;
    assert_eq!((update.verdict(), update.bytes_to_fetch), (UpdateVerdict::NewerSameFiles, 0));
    assert_eq!(paths(&update, FileChange::Same), ["config.json", "q4.gguf"]);
    assert_eq!(scene.hub.stats().api_requests, 2, "the revision and its listing");
    let plan = scene.take_update(&update).await;
    assert_eq!((Some(plan.commit), plan.files.len()), (update.now, 2));
    assert_eq!(scene.hub.stats().cdn_bytes, 0);
    assert_eq!(scene.update().await.verdict(), UpdateVerdict::Current);
}

#[tokio::test]
async fn a_quantization_costs_its_bytes_where_it_is_held() {
    let world = World::new();
    world.with(&["q4.gguf", "config.json"], &["main"]).await;
    world.put("o/m", "q8.gguf", &weights(9));
    world.put("o/m", "q4.gguf", &weights(5)[..1000]);
    fs::remove_file(world.path("hub/models/o/m/config.json")).unwrap();
    let update = world.open().await.update().await;
    assert_eq!((update.verdict(), update.bytes_to_fetch), (UpdateVerdict::Newer, 1000));
    assert_eq!((paths(&update, FileChange::Changed), paths(&update, FileChange::Gone)), (vec!["q4.gguf"], vec!["config.json"]));
    let (held, now) = (&update.files[1].held, update.files[1].now.as_ref().unwrap());
    assert_eq!((held.size, now.size), (SIZE as u64, 1000));
    assert!(held.digest.as_ref().is_some_and(Digest::is_sha256) && now.digest.is_some() && held.digest != now.digest);
    assert_eq!(update.selection().unwrap().choice, Choice::Files(vec!["q4.gguf".to_owned()]));
}

#[tokio::test]
async fn content_that_is_here_already_costs_nothing() {
    let world = World::new();
    world.with(&["q4.gguf", "q8.gguf"], &["main"]).await;
    world.put("o/m", "q4.gguf", &weights(8));
    let update = world.open().await.update().await;
    assert_eq!((update.verdict(), paths(&update, FileChange::Changed), update.bytes_to_fetch), (UpdateVerdict::Newer, vec!["q4.gguf"], 0));
}

#[tokio::test]
async fn digests_come_from_the_listing_in_a_cache_without_links() {
    let world = World::new();
    world.with(ALL, &["main"]).await;
    let snapshot = fs::read_dir(world.path("cache/models--o--m/snapshots")).unwrap().next().unwrap().unwrap().path();
    for path in ALL {
        fs::rename(fs::canonicalize(snapshot.join(path)).unwrap(), snapshot.join(path)).unwrap();
    }
    world.put("o/m", "q4.gguf", &weights(5));
    let update = world.open().await.update().await;
    assert_eq!((update.verdict(), paths(&update, FileChange::Changed)), (UpdateVerdict::Newer, vec!["q4.gguf"]));
    assert_eq!(update.bytes_to_fetch, update.files.iter().map(|file| file.held.size).sum::<u64>(), "there are no blobs to link to");
}

#[tokio::test]
async fn what_is_gone_and_what_is_barred_is_told_with_its_reason() {
    let world = World::new();
    world.put("o/m", ".hub.toml", b"tags = [\"v1\"]");
    world.with(&["q4.gguf"], &["main", "v1"]).await;
    world.put("o/m", ".hub.toml", b"gated = \"manual\"");
    world.put("o/m", "q4.gguf", &weights(5));
    let scene = world.open().await;
    let updates = scene.updates(&["o/m"]).await;
    let told = |name: &str| updates.iter().find(|update| update.revision.as_str() == name).unwrap();
    assert_eq!((told("v1").verdict(), told("v1").fault.as_ref().unwrap().kind), (UpdateVerdict::Gone, FaultKind::RevisionNotFound));
    let main = told("main");
    assert_eq!((main.verdict(), main.selection()), (UpdateVerdict::NoAccess, None));
    assert!(main.fault.as_ref().unwrap().message.contains("no token is set"), "{main:?}");
    assert_eq!(paths(main, FileChange::Changed), ["q4.gguf"], "what changed is told all the same");
    scene.close().await;
    fs::remove_dir_all(world.path("hub/models/o/m")).unwrap();
    let updates = world.open().await.updates(&[]).await;
    assert!(updates.len() == 2 && updates.iter().all(|update| update.verdict() == UpdateVerdict::Gone), "{updates:?}");
}

#[tokio::test]
async fn nobody_is_asked_offline_or_about_what_is_not_here() {
    let world = World::new();
    world.with(&["q4.gguf"], &["main"]).await;
    let mut settings = world.settings("http://127.0.0.1:9".to_owned());
    let steps = |settings: &Settings, repos| Engine::open(settings).unwrap().updates(repos).collect::<Vec<_>>();
    let failed = |steps: Vec<UpdateStep>| match &steps[..] {
        [UpdateStep::Failed(fault)] => fault.kind,
        _ => panic!("{steps:?}"),
    };
    assert_eq!(failed(steps(&settings, vec![key("o/none")]).await), FaultKind::NotFound);
    settings.offline.value = true;
    assert_eq!(failed(steps(&settings, Vec::new()).await), FaultKind::Offline);
}

#[tokio::test]
async fn a_hub_that_is_away_is_not_waited_for_by_every_repository() {
    let world = World::new();
    let (many, commit) = (12_usize, "c".repeat(40));
    for at in 0..many {
        let folder = world.path(&format!("cache/models--o--m{at}"));
        fs::create_dir_all(folder.join("refs")).unwrap();
        fs::create_dir_all(folder.join("snapshots").join(&commit)).unwrap();
        fs::write(folder.join("refs/main"), &commit).unwrap();
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (endpoint, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&asked);
    let away = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let patience = Patience { tries: 2, second: Duration::from_millis(1), ..Patience::default() };
    let hub = Hub::new(HubSettings { patience, ..HubSettings::new(endpoint) }).unwrap();
    let updates = Updates::new(hub, Cache::new(world.path("cache")), Arc::default());
    let updates = found(&updates.steps(Vec::new()).collect::<Vec<_>>().await);
    away.abort();
    assert_eq!(updates.len(), many);
    assert!(updates.iter().all(|update| update.verdict() == UpdateVerdict::Unknown && update.fault == updates[0].fault), "{updates:?}");
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked <= 3 * AT_ONCE, "{asked} connections");
}

#[tokio::test]
async fn an_update_is_planned_at_the_new_commit_whatever_was_looked_at_before() {
    let world = World::new();
    world.with(&["q4.gguf"], &["main"]).await;
    let Scene { hub, engine } = world.open().await;
    let seen = engine.analyze(repo("main")).await.unwrap();
    let address = hub.endpoint().trim_start_matches("http://").parse().unwrap();
    hub.stop().await;
    world.put("o/m", "q4.gguf", &weights(5));
    let hub = HubServer::start(HubConfig { bind: address, ..HubConfig::new(world.path("hub")) }).await.unwrap();
    let scene = Scene { hub, engine };
    let update = scene.update().await;
    let plan = scene.engine.plan(update.selection().unwrap()).await.unwrap();
    assert_eq!((&update.held, update.now.as_ref()), (&seen.commit, Some(&plan.commit)));
    assert_eq!(plan.bytes_to_fetch(), update.bytes_to_fetch);
    // The branch moves on: what was told of is planned, or nothing is.
    let Scene { hub, engine } = scene;
    hub.stop().await;
    world.put("o/m", "q4.gguf", &weights(6));
    let hub = HubServer::start(HubConfig { bind: address, ..HubConfig::new(world.path("hub")) }).await.unwrap();
    engine.analyze(repo("main")).await.unwrap();
    let again = engine.plan(update.selection().unwrap()).await.unwrap();
    assert_eq!((Some(&again.commit), update.moves(again.clone()).repo), (update.now.as_ref(), repo("main")));
    hub.stop().await;
}

#[tokio::test]
async fn an_update_is_taken_and_the_old_one_frees_exactly_what_changed() {
    let world = World::new();
    world.with(&["q4.gguf", "config.json"], &["main"]).await;
    let folder = world.path("cache/models--o--m");
    let old =
        fs::canonicalize(folder.join("snapshots").join(fs::read_to_string(folder.join("refs/main")).unwrap()).join("q4.gguf")).unwrap();
    world.put("o/m", "q4.gguf", &weights(5));
    world.put("o/m", "README.md", b"two");
    let scene = world.open().await;
    let update = scene.update().await;
    assert_eq!((update.verdict(), update.bytes_to_fetch), (UpdateVerdict::Newer, SIZE as u64));
    scene.take_update(&update).await;
    assert_eq!(scene.hub.stats().cdn_bytes, SIZE as u64);
    assert_eq!(fs::read_to_string(folder.join("refs/main")).ok(), update.now);
    let snapshot = folder.join("snapshots").join(update.now.as_ref().unwrap());
    assert!(fs::read(snapshot.join("q4.gguf")).unwrap() == weights(5) && fs::read(snapshot.join("config.json")).unwrap() == b"{}");
    assert!(!snapshot.join("README.md").exists(), "it was not held");
    let listing = scene.engine.cache().await.unwrap();
    let revisions = &listing.find(&key("o/m")).unwrap().revisions;
    assert!(revisions.len() == 2 && revisions.iter().any(|revision| revision.commit == update.held && revision.is_detached()));
    let plan = scene.engine.plan_deletion(vec![update.old_revision()]).await.unwrap();
    assert_eq!((plan.frees, old.exists()), (SIZE as u64, true));
    let report = scene.engine.delete(plan, Disposal::Forever).await.unwrap();
    assert_eq!((report.freed, old.exists()), (SIZE as u64, false));
    assert!(fs::read(snapshot.join("q4.gguf")).unwrap() == weights(5) && fs::read(snapshot.join("config.json")).unwrap() == b"{}");
    assert_eq!(scene.update().await.verdict(), UpdateVerdict::Current);
}
