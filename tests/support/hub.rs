//! A Hub with the small samples on loopback, for tests.

use std::ops::Deref;
use std::sync::{Arc, Mutex, Weak};

use hfdesk_tui::hubserver::samples::{Scale, generate};
use hfdesk_tui::hubserver::{HubConfig, HubServer};
use tempfile::TempDir;

/// The samples in a temporary folder that running tests share and the last one removes. Nobody may change them.
pub fn samples() -> Arc<TempDir> {
    static SHARED: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    shared.upgrade().unwrap_or_else(|| {
        let made = Arc::new(tempfile::tempdir().unwrap());
        generate(made.path(), Scale::Tiny).unwrap();
        *shared = Arc::downgrade(&made);
        made
    })
}

/// A running Hub and the folder it serves.
pub struct Served {
    server: HubServer,
    /// The folder.
    #[allow(dead_code)] // not every test looks into it
    pub root: Arc<TempDir>,
}

impl Served {
    /// Serves a folder, configured further.
    pub async fn start(root: Arc<TempDir>, configure: impl FnOnce(&mut HubConfig)) -> Self {
        let mut config = HubConfig::new(root.path());
        configure(&mut config);
        Self { server: HubServer::start(config).await.unwrap(), root }
    }
}

impl Deref for Served {
    type Target = HubServer;

    fn deref(&self) -> &HubServer {
        &self.server
    }
}
