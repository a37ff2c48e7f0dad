//! Cards as an engine reads them from a Hub, and as another process is told them.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop at the first surprise

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use hfdesk_tui::api;
use hfdesk_tui::desk::{Card, Desk, FaultKind, RepoRef};
use hfdesk_tui::engine::Engine;
use hfdesk_tui::engine::config::{Environment, Flags, Settings};
use hfdesk_tui::hubserver::{HubConfig, HubServer};

/// An environment in which only a home folder is known.
struct Home(PathBuf);

impl Environment for Home {
    fn get(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| self.0.to_string_lossy().into_owned())
    }
}

#[tokio::test]
async fn cards_are_read_bounded_and_told_to_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let readme = "---\nlicense: mit\nlanguage: [en, de]\n---\n# Title\n";
    let huge = "word ".repeat(2 << 20);
    for (path, content) in [("org/with/README.md", readme), ("org/without/config.json", "{}"), ("org/huge/README.md", huge.as_str())] {
        let path = dir.path().join("hub/models").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let hub = HubServer::start(HubConfig::new(dir.path().join("hub"))).await.unwrap();
    let mut settings = Settings::load(&Flags::default(), &Home(dir.path().join("home"))).unwrap();
    settings.endpoint.value = hub.endpoint();
    let engine = Arc::new(Engine::open(&settings).unwrap());
    let socket = dir.path().join("desk.sock");
    let server = api::serve(engine.clone(), &socket).unwrap();
    let desks: [Arc<dyn Desk>; 2] = [engine, api::attach(&socket).await.unwrap()];
    for desk in desks {
        let card = |name: &str| desk.card(RepoRef::model(name.parse().unwrap()));
        assert_eq!(card("org/with").await.unwrap(), Some(Card::read(readme)));
        assert_eq!(card("org/without").await.unwrap(), None);
        let too_large = card("org/huge").await.unwrap_err();
        assert_eq!(too_large.kind, FaultKind::BadReply, "{too_large}");
        assert_eq!(card("org/none").await.unwrap_err().kind, FaultKind::RepoNotFound);
    }
    server.stop().await;
}
