//! `demo`: the product on sample repositories, served by an embedded Hub over loopback HTTP, with a throwaway cache.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::{journey, options, signals};
use crate::cli::{DemoArgs, GlobalArgs, Output};
use crate::desk::{Desk, Fault, FaultKind};
use crate::engine::Engine;
use crate::engine::config::{Environment, Flags, Settings};
use crate::engine::host::{SystemClock, blocking, create_dir};
use crate::hubserver::{HubConfig, HubServer, samples};
use crate::tui::{self, TuiOptions};

/// Bytes a second that the sample Hub gives in all, unless told: slow enough that a download can be watched and paused.
const DEFAULT_RATE: u64 = 12 << 20;

/// Runs the demo: the app at a terminal, the same journey as text elsewhere. However it ends, its folder is removed or named.
pub(super) async fn run(args: &DemoArgs, global: &GlobalArgs, out: &mut Output) -> Result<(), Fault> {
    let stage = Stage::new(args)?;
    let asked_to_end = tokio::spawn(signals::asked_to_end());
    let played = play(&stage, args, global, out, asked_to_end).await;
    stage.leave(out);
    played
}

async fn play(stage: &Stage, args: &DemoArgs, global: &GlobalArgs, out: &mut Output, asked_to_end: JoinHandle<()>) -> Result<(), Fault> {
    out.note("Preparing sample repositories…");
    let hub = stage.path().join("hub");
    let generated = hub.clone();
    blocking(move || samples::generate(&generated, samples::Scale::Full)).await?;
    if asked_to_end.is_finished() {
        return Err(interrupted());
    }
    let server = HubServer::start(HubConfig { rate: Some(args.rate.unwrap_or(DEFAULT_RATE)), ..HubConfig::new(hub) }).await?;
    let desk: Arc<dyn Desk> = Arc::new(open(stage, &server).await?);
    let result = if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        tui::run(Arc::clone(&desk), TuiOptions { scenario: args.scenario.scenario()?, ..options(global) }).await.map(drop)
    } else {
        tokio::select! {
            result = journey::play(Arc::clone(&desk), out) => result,
            _ = asked_to_end => Err(interrupted()),
        }
    };
    let closed = desk.close().await;
    server.stop().await;
    result.and(closed)
}

fn interrupted() -> Fault {
    Fault::new(FaultKind::Interrupted, "the demo was interrupted")
}

/// An engine that sees nothing of this machine's own settings, login, cache or queue.
async fn open(stage: &Stage, server: &HubServer) -> Result<Engine, Fault> {
    let flags = Flags { endpoint: Some(server.endpoint()), ..Flags::default() };
    let settings = Settings::load(&flags, &Home(stage.path().to_path_buf()))?;
    let mut engine = Engine::open(&settings)?;
    engine.run_queue(&settings, Arc::new(SystemClock)).await?;
    Ok(engine)
}

/// An environment in which only a home folder is known.
struct Home(PathBuf);

impl Environment for Home {
    fn get(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| self.0.to_string_lossy().into_owned())
    }
}

/// The folder that everything of the demo lies in.
enum Stage {
    Throwaway(TempDir),
    Kept(PathBuf),
}

impl Stage {
    fn new(args: &DemoArgs) -> Result<Self, Fault> {
        if let Some(dir) = &args.dir {
            create_dir(dir)?;
            return Ok(Self::Kept(dir.clone()));
        }
        let made = tempfile::Builder::new().prefix("hfdesk-demo-").tempdir();
        let dir = made.map_err(|error| Fault::disk("create a temporary folder for the demo", error))?;
        Ok(if args.keep { Self::Kept(dir.keep()) } else { Self::Throwaway(dir) })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Throwaway(dir) => dir.path(),
            Self::Kept(dir) => dir,
        }
    }

    /// Removes a throwaway folder, or says where the kept one is.
    fn leave(self, out: &mut Output) {
        match self {
            Self::Throwaway(dir) => {
                if let Err(error) = dir.close() {
                    out.warning(&format!("the demo's folder could not be removed: {error}"));
                }
            }
            Self::Kept(dir) => out.note(&format!("The demo's folder is {}", dir.display())),
        }
    }
}
