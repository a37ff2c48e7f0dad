//! What fits, as an engine finds it out over a real Hub: what it costs, what is remembered, and what another process is told.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hfdesk_tui::api;
use hfdesk_tui::desk::{Assessment, CacheType, Desk, FitVerdict, Machine, RepoRef, Scenario};
use hfdesk_tui::engine::Engine;
use hfdesk_tui::engine::config::{Environment, Flags, Settings};
use hfdesk_tui::hubserver::{Effect, FaultRule, HubServer, Side};

#[path = "support/hub.rs"]
mod hub;

/// An environment in which only a home folder is known.
struct Home(PathBuf);

impl Environment for Home {
    fn get(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| self.0.to_string_lossy().into_owned())
    }
}

fn engine(hub: &HubServer, home: &Path) -> Arc<Engine> {
    let mut settings = Settings::load(&Flags::default(), &Home(home.to_path_buf())).unwrap();
    settings.endpoint.value = hub.endpoint();
    Arc::new(Engine::open(&settings).unwrap())
}

fn repo(id: &str) -> RepoRef {
    RepoRef::model(id.parse().unwrap())
}

const AURORA: &str = "aurora-labs/Aurora-8B-Instruct-GGUF";

fn on_a_card(context: u64) -> Scenario {
    Scenario { machine: Some(Machine::simulated(&[24 << 30], None)), context, ..Scenario::default() }
}

async fn assessed(desk: &dyn Desk, scenario: Scenario) -> Assessment {
    desk.assess(repo(AURORA), scenario).await.unwrap()
}

#[tokio::test]
async fn one_header_is_read_once_for_all_variants() {
    let hub = hub::Served::start(hub::samples(), |_| {}).await;
    let home = tempfile::tempdir().unwrap();
    let desk = engine(&hub, home.path());
    desk.analyze(repo(AURORA)).await.unwrap();
    let before = hub.stats();
    let first = assessed(&*desk, on_a_card(8192)).await;
    let after = hub.stats();
    assert!((1..=3).contains(&(after.cdn_requests - before.cdn_requests)), "{after:?}");
    assert!(after.cdn_bytes - before.cdn_bytes <= 2 << 20, "{after:?}");
    assert_eq!(after.api_requests, before.api_requests, "the analysis is still at hand");
    assert_eq!(first.model.architecture.as_deref(), Some("llama"));
    let sized = first.variants.iter().filter(|variant| variant.bits_per_weight.is_some());
    assert_eq!(sized.count(), first.variants.iter().filter(|variant| variant.fit.is_some()).count());
    let recommended = first.recommended.clone().unwrap();
    assert_eq!(recommended.variant, "Q8_0", "{}", recommended.reason);

    let longer = assessed(&*desk, on_a_card(16_384)).await;
    let cache = |assessment: &Assessment| assessment.of("Q4_K_M").unwrap().fit.as_ref().unwrap().cache;
    assert_eq!(cache(&longer), 2 * cache(&first));
    let quantized = assessed(&*desk, Scenario { cache_type: CacheType::Q8, ..on_a_card(8192) }).await;
    assert_eq!(cache(&quantized), cache(&first) * 34 / 64);
    assert_eq!(hub.stats(), after, "a header is read once");

    let another = engine(&hub, home.path());
    assert_eq!(assessed(&*another, on_a_card(8192)).await, first);
    assert_eq!(hub.stats().cdn_requests, after.cdn_requests, "and once for every process of this home");
}

#[tokio::test]
async fn another_process_is_told_the_same() {
    let hub = hub::Served::start(hub::samples(), |_| {}).await;
    let home = tempfile::tempdir().unwrap();
    let desk = engine(&hub, home.path());
    let socket = home.path().join("desk.sock");
    let server = api::serve(desk.clone(), &socket).unwrap();
    let remote = api::attach(&socket).await.unwrap();
    assert_eq!(assessed(&*remote, on_a_card(8192)).await, assessed(&*desk, on_a_card(8192)).await);
    server.stop().await;
}

#[tokio::test]
async fn without_a_header_the_size_must_do() {
    let gone = FaultRule { side: Side::Hub, path_contains: ".gguf".to_owned(), times: 1000, effect: Effect::Status(410, Vec::new()) };
    let hub = hub::Served::start(hub::samples(), |config| config.faults.inject(gone)).await;
    let home = tempfile::tempdir().unwrap();
    let found = assessed(&*engine(&hub, home.path()), on_a_card(8192)).await;
    let fit = found.of("Q4_K_M").unwrap().fit.clone().unwrap();
    assert_eq!(fit.verdict, FitVerdict::OneGpu);
    assert!(fit.reason.ends_with("both guessed from its size"), "{}", fit.reason);
    assert!(found.recommended.is_some());
}

#[tokio::test]
async fn of_shards_that_are_not_all_told_nothing_is_counted() {
    let gone = FaultRule { side: Side::Hub, path_contains: "00002-of".to_owned(), times: 1000, effect: Effect::Status(410, Vec::new()) };
    let hub = hub::Served::start(hub::samples(), |_| {}).await;
    let broken = hub::Served::start(hub::samples(), |config| config.faults.inject(gone)).await;
    let parameters = async |hub: &HubServer| {
        let home = tempfile::tempdir().unwrap();
        let desk = engine(hub, home.path());
        desk.assess(repo("lumen-research/Lumen-3B-Base"), on_a_card(8192)).await.unwrap().model.parameters
    };
    assert!(parameters(&hub).await.is_some_and(|count| count > 1000));
    assert_eq!(parameters(&broken).await, None);
}
