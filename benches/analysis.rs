//! Large repositories, from the request to the first screen that shows them: the Hub's pages over loopback, the analysis, and the drawing.
//!
//! `cargo bench --bench analysis` serves folders of empty files from the embedded Hub and prints a row for each: medians in milliseconds.
//! Nothing leaves the loopback interface.

#![allow(clippy::print_stdout)] // a bench's result is its output

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hfdesk_tui::desk::{Analysis, Desk, RepoKind, RepoRef, Revision};
use hfdesk_tui::engine::Engine;
use hfdesk_tui::engine::config::{Environment, Flags, Settings};
use hfdesk_tui::hubserver::{HubConfig, HubServer};
use hfdesk_tui::{api, tui};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tui::app::{App, Effect, Msg, ch, update};
use tui::ui::{Depth, Glyphs, Theme, view};

type Outcome<T> = Result<T, Box<dyn Error>>;

const RUNS: usize = 5;

/// A repository: what it is called, what it is, its id, and the paths of its files.
struct Case {
    name: &'static str,
    kind: RepoKind,
    id: &'static str,
    paths: Vec<String>,
}

fn cases() -> Vec<Case> {
    let one_folder = (0..5_000).map(|number| format!("shards/model-{number:05}-of-05000.safetensors"));
    let folders = (0..5_000).map(|number| format!("step-{number:05}/model-Q4_K_M.gguf"));
    let checkpoints = (0..2_500)
        .flat_map(|number| ["adapter_model.safetensors", "adapter_config.json"].map(|name| format!("run/checkpoint-{number:05}/{name}")));
    let splits = (0..70_000).map(|number| format!("{:03}/train-{:03}-of-01000.jsonl", number / 1_000, number % 1_000));
    let described = (0..2_500).flat_map(|number| ["data.arrow", "state.json"].map(|name| format!("config-{number:05}/train/{name}")));
    let case = |name, kind, id, paths| Case { name, kind, id, paths };
    vec![
        case("5,000 files in a folder", RepoKind::Model, "bench/folder", one_folder.chain(["config.json".to_owned()]).collect()),
        case("5,000 GGUF variants in folders", RepoKind::Model, "bench/variants", folders.collect()),
        case(
            "2,500 adapters with a config each",
            RepoKind::Model,
            "bench/adapters",
            checkpoints.chain(["config.json".to_owned()]).collect(),
        ),
        case("2,500 described configurations", RepoKind::Dataset, "bench/described", described.collect()),
        case("70,000 files of a dataset", RepoKind::Dataset, "bench/dataset", splits.collect()),
    ]
}

#[derive(Default)]
struct Times {
    analyzed: Vec<Duration>,
    attached: Vec<Duration>,
    shown: Vec<Duration>,
    key: Vec<Duration>,
}

/// An environment in which only a home folder is known.
struct Home<'a>(&'a Path);

impl Environment for Home<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| self.0.to_string_lossy().into_owned())
    }
}

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
    let runtime = tokio::runtime::Runtime::new()?;
    println!("| repository | variants | requests | analysed, ms | over the socket, ms | drawn, ms | key with all marked, ms |");
    println!("|---|---|---|---|---|---|---|");
    for case in cases() {
        make(folder.path(), &case)?;
    }
    let hub = runtime.block_on(HubServer::start(HubConfig::new(folder.path().join("hub"))))?;
    let mut settings = Settings::load(&Flags::default(), &Home(folder.path()))?;
    settings.endpoint.value = hub.endpoint();
    let engine: Arc<dyn Desk> = Arc::new(Engine::open(&settings)?);
    let socket = folder.path().join("desk.sock");
    let (_server, remote) =
        runtime.block_on(async { Ok::<_, Box<dyn Error>>((api::serve(engine.clone(), &socket)?, api::attach(&socket).await?)) })?;
    for case in cases() {
        let (mut times, mut found, mut requests) = (Times::default(), None, 0);
        for _ in 0..=RUNS {
            let before = hub.stats().api_requests;
            let analysis = timed(&mut times.analyzed, || runtime.block_on(engine.analyze(case.repo()?)).map_err(Box::from))?;
            requests = hub.stats().api_requests - before;
            timed(&mut times.attached, || runtime.block_on(remote.analyze(case.repo()?)).map_err(Box::from))?;
            found = Some(draw(engine.as_ref(), &case, analysis, &mut times)?);
        }
        println!(
            "| {} | {} | {requests} | {} | {} | {} | {} |",
            case.name,
            found.unwrap_or_default(),
            median(&times.analyzed),
            median(&times.attached),
            median(&times.shown),
            median(&times.key)
        );
    }
    runtime.block_on(hub.stop());
    Ok(())
}

impl Case {
    fn repo(&self) -> Outcome<RepoRef> {
        Ok(RepoRef { kind: self.kind, id: self.id.parse()?, revision: Revision::default() })
    }
}

/// Takes an analysis in and draws it; then marks everything and draws that. Returns how many variants there are.
fn draw(desk: &dyn Desk, case: &Case, analysis: Analysis, times: &mut Times) -> Outcome<usize> {
    let variants = analysis.variants.len();
    let theme = Theme::builtin(Depth::True, Glyphs::UNICODE)?;
    let mut terminal = Terminal::new(TestBackend::new(120, 40))?;
    let mut app = App::new(desk.about(), Timestamp::now(), (120, 40));
    let effects = update(&mut app, Msg::Paste(format!("hf://{}{}", case.kind.url_prefix(), case.id)));
    let Some(Effect::Analyze(seq, _)) = effects.into_iter().find(|effect| matches!(effect, Effect::Analyze(..))) else {
        return Err("a pasted link opens a repository".into());
    };
    timed(&mut times.shown, || {
        update(&mut app, Msg::Analyzed(seq, Ok(Arc::new(analysis))));
        terminal.draw(|frame| _ = view(&app, &theme, frame)).map(drop).map_err(Box::from)
    })?;
    timed(&mut times.key, || {
        update(&mut app, Msg::Key(ch('a')));
        terminal.draw(|frame| _ = view(&app, &theme, frame)).map(drop).map_err(Box::from)
    })?;
    Ok(variants)
}

/// Makes a repository's files, all of them empty.
fn make(folder: &Path, case: &Case) -> Outcome<()> {
    let repo = folder.join("hub").join(case.kind.plural()).join(case.id);
    for path in &case.paths {
        let path = repo.join(path);
        fs::create_dir_all(path.parent().ok_or("a file has a folder")?)?;
        File::create(path)?;
    }
    Ok(())
}

fn timed<T>(times: &mut Vec<Duration>, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let begun = Instant::now();
    let done = work()?;
    times.push(begun.elapsed());
    Ok(done)
}

/// In milliseconds, without the first: it also makes the Hub hash the files.
fn median(times: &[Duration]) -> String {
    let mut later: Vec<Duration> = times.iter().skip(1).copied().collect();
    later.sort();
    later.get(later.len() / 2).map_or(String::new(), |time| format!("{:.1}", time.as_secs_f64() * 1000.0))
}
