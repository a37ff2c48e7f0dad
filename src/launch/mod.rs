//! Puts a face and an engine together: the one place that knows all of them.
//!
//! Owns the process: the runtime, signals, the log file and the exit status. Every decision about work is the engine's and every
//! decision about looks a face's.

mod demo;
mod journey;
mod log;
mod queue;
mod serve;
mod signals;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::ColorChoice;
use tokio_util::sync::CancellationToken;

use queue::QueueDesk;

use crate::cli::{self, Cli, Command, DeskCommand, GlobalArgs, Output};
use crate::desk::{Fault, FaultKind, Scenario};
use crate::engine::Engine;
use crate::engine::config::{Environment, Flags, ProcessEnvironment, Settings};
use crate::engine::host::allow_many_open_files;
use crate::tui::{self, TuiOptions, term::Ended};

/// How long the end waits for threads that still sit in a system call.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(2);

/// Runs the program with this process's arguments and answers with its exit status.
pub fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(cli::explain(&error)),
    };
    allow_many_open_files();
    let mut out = Output::stdio(cli.format(), cli.global.color, |name| std::env::var_os(name)).wide(cli.is_wide());
    match on_a_runtime(cli, &mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            cli::report(&fault, &mut out);
            ExitCode::from(fault.kind.exit_status())
        }
    }
}

fn on_a_runtime(cli: Cli, out: &mut Output) -> Result<(), Fault> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = built.map_err(|error| Fault::internal(format!("the runtime does not start: {error}")))?;
    let result = runtime.block_on(run(cli, out));
    runtime.shutdown_timeout(PATIENCE_AT_THE_END);
    result
}

async fn run(cli: Cli, out: &mut Output) -> Result<(), Fault> {
    match cli.command {
        None => app(&cli.global, cli.scenario.scenario()?, out).await,
        Some(Command::Desk(command)) => verb(&cli.global, command, out).await,
        Some(Command::Demo(args)) => demo::run(&args, &cli.global, out).await,
        Some(Command::Hub(args)) => serve::run(args, out).await,
        Some(Command::Completions(args)) => cli::completions(&args, out),
    }
}

/// The terminal app. When its terminal goes away, what it runs goes on without a screen.
async fn app(global: &GlobalArgs, scenario: Scenario, out: &mut Output) -> Result<(), Fault> {
    must_be_a_terminal()?;
    let settings = settings(global, None, out)?;
    // Deletions are planned by what the app shows: what was interrupted earlier is finished beside its start.
    let engine = Engine::open(&settings)?;
    tokio::spawn(async move { engine.tidy().await });
    let queue = QueueDesk::open(&settings, true).await?;
    let ended = tui::run(queue.desk(), TuiOptions { scenario, ..options(global) }).await;
    if matches!(ended, Ok(Ended::HungUp)) {
        queue.until_over().await;
    }
    queue.close().await.and(ended.map(drop))
}

/// One verb of the command line.
async fn verb(global: &GlobalArgs, command: DeskCommand, out: &mut Output) -> Result<(), Fault> {
    let settings = settings(global, command.max_speed(), out)?;
    if command.needs_queue() {
        return verb_with_queue(&settings, command, out).await;
    }
    let engine = own_engine(&settings, &command).await?;
    if command.deletes() {
        let queue = QueueDesk::open(&settings, false).await?;
        if queue.fills_cache_of(&settings) {
            return carry_out(queue, &command, out).await;
        }
    }
    cli::run(Arc::new(engine), &command, out, signals::asked_to_end()).await
}

/// An engine without a queue. Where the verb changes the cache, what was interrupted earlier comes first: what is half gone is not
/// listed as it was, so that nobody could ask for it again.
async fn own_engine(settings: &Settings, command: &DeskCommand) -> Result<Engine, Fault> {
    let engine = Engine::open(settings)?;
    if command.changes_cache() {
        engine.tidy().await;
    }
    Ok(engine)
}

/// A verb, and the queue that it runs meanwhile. Whatever ends it, the queue is left in order.
///
/// A connection that drops does not end it: the download goes on, as it does under the app. Nor does the end of the process that
/// ran the queue: this one takes it over.
async fn verb_with_queue(settings: &Settings, command: DeskCommand, out: &mut Output) -> Result<(), Fault> {
    signals::outlive_the_terminal();
    loop {
        let queue = QueueDesk::open(settings, command.places_files()).await?;
        let attached = queue.is_attached();
        match carry_out(queue, &command, out).await {
            Err(fault) if attached && command.places_files() && fault.kind == FaultKind::Busy => {
                out.note("The hfdesk-tui that ran the queue has ended; going on here");
            }
            result => return result,
        }
    }
}

async fn carry_out(queue: QueueDesk, command: &DeskCommand, out: &mut Output) -> Result<(), Fault> {
    let interrupted = CancellationToken::new();
    let told_to_end = async {
        signals::told_to_end().await;
        interrupted.cancel();
    };
    let result = cli::run(queue.desk(), command, out, told_to_end).await;
    if !interrupted.is_cancelled() && queue.is_busy().await {
        out.note("Going on with the queue until it is over; Ctrl-C pauses it");
        queue.until_over().await;
    }
    queue.close().await.and(result)
}

/// The settings in force, having said what is odd about them.
fn settings(global: &GlobalArgs, max_speed: Option<u64>, out: &mut Output) -> Result<Settings, Fault> {
    let flags = Flags {
        endpoint: global.endpoint.clone(),
        token: global.token.clone(),
        cache_dir: global.cache_dir.clone(),
        offline: global.offline,
        max_speed,
        config_file: global.config.clone(),
    };
    let settings = Settings::load(&flags, &ProcessEnvironment)?;
    settings.warnings.iter().for_each(|warning| out.warning(warning));
    log::start(global.log, &settings.state_dir)?;
    Ok(settings)
}

/// How the app should look and draw on this terminal.
fn options(global: &GlobalArgs) -> TuiOptions {
    TuiOptions::detect(|name| match (name, global.color) {
        ("NO_COLOR", ColorChoice::Never) => Some("1".to_owned()),
        ("NO_COLOR", ColorChoice::Always) => None,
        _ => ProcessEnvironment.get(name),
    })
}

/// The app draws on a terminal and reads its keys; without one, the same things have verbs.
fn must_be_a_terminal() -> Result<(), Fault> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Usage, "the terminal app needs a terminal, and this is a pipe or a file")
        .hint("use the verbs instead: search, analyze, plan, download, jobs, cache; see hfdesk-tui --help"))
}
