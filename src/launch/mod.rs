//! Puts a face and an engine together: the one place that knows all of them.
//!
//! Owns the process: the runtime, signals, the log file and the exit status. Every decision about work is the engine's and every
//! decision about looks a face's.

mod demo;
mod journey;
mod log;
mod serve;
mod signals;

use std::cell::Cell;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::ColorChoice;

use crate::api;
use crate::cli::{self, Cli, Command, DeskCommand, GlobalArgs, Output};
use crate::desk::{About, Desk, Fault, FaultKind};
use crate::engine::Engine;
use crate::engine::config::{Environment, Flags, ProcessEnvironment, Settings};
use crate::engine::host::SystemClock;
use crate::tui::{self, TuiOptions, term::Ended};
use futures::StreamExt;

/// How long the end waits for threads that still sit in a system call.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(2);

/// Runs the program with this process's arguments and answers with its exit status.
pub fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(cli::explain(&error)),
    };
    let mut out = Output::stdio(cli.format(), cli.global.color, |name| std::env::var_os(name));
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
        None => app(&cli.global, out).await,
        Some(Command::Desk(command)) => verb(&cli.global, command, out).await,
        Some(Command::Demo(args)) => demo::run(&args, &cli.global, out).await,
        Some(Command::Hub(args)) => serve::run(args, out).await,
        Some(Command::Completions(args)) => cli::completions(&args, out),
    }
}

/// The terminal app.
async fn app(global: &GlobalArgs, out: &mut Output) -> Result<(), Fault> {
    must_be_a_terminal()?;
    let settings = settings(global, None, out)?;
    let (desk, server) = desk_with_queue(&settings).await?;
    let ended = tui::run(Arc::clone(&desk), options(global)).await;
    if matches!(ended, Ok(Ended::HungUp)) {
        until_the_queue_is_over(&*desk).await;
    }
    close(&*desk, server).await.and(ended.map(drop))
}

/// Goes on with what runs here, without a screen, until all of it is over or the process is told to end.
///
/// Meanwhile the next `hfdesk-tui` attaches to this process.
async fn until_the_queue_is_over(desk: &dyn Desk) {
    if desk.about().attached {
        return;
    }
    let mut idle = desk.board().skip_while(|board| std::future::ready(board.live() > 0)).boxed();
    tokio::select! {
        _ = idle.next() => {}
        () = signals::told_to_end() => {}
    }
}

/// One verb of the command line, and the queue that it runs meanwhile. Whatever ends it, the queue is left in order.
async fn verb(global: &GlobalArgs, command: DeskCommand, out: &mut Output) -> Result<(), Fault> {
    let settings = settings(global, command.max_speed(), out)?;
    let (desk, server) =
        if command.needs_queue() { desk_with_queue(&settings).await? } else { (Arc::new(Engine::open(&settings)?) as Arc<dyn Desk>, None) };
    let interrupted = Cell::new(false);
    let asked_to_end = async {
        signals::asked_to_end().await;
        interrupted.set(true);
    };
    let result = cli::run(Arc::clone(&desk), command, out, asked_to_end).await;
    if !interrupted.get() {
        rest_of_the_queue(&*desk, out).await;
    }
    close(&*desk, server).await.and(result)
}

/// Ends the work in order, and lets attached processes read how it ended.
async fn close(desk: &dyn Desk, server: Option<api::Server>) -> Result<(), Fault> {
    let closed = desk.close().await;
    if let Some(server) = server {
        server.stop().await;
    }
    closed
}

/// Goes on with what this process still runs when its own verb is done: jobs that it resumed, or that other processes have queued here.
async fn rest_of_the_queue(desk: &dyn Desk, out: &mut Output) {
    let runs = !desk.about().attached && desk.board().next().await.is_some_and(|board| board.live() > 0);
    if runs {
        out.note("Going on with the queue until it is over; Ctrl-C pauses it");
        until_the_queue_is_over(desk).await;
    }
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

/// A desk with the queue: this process's own engine, served to later processes, or the one that another process serves.
async fn desk_with_queue(settings: &Settings) -> Result<(Arc<dyn Desk>, Option<api::Server>), Fault> {
    let socket = settings.state_dir.join("engine.sock");
    let mut engine = Engine::open(settings)?;
    match engine.run_queue(settings, Arc::new(SystemClock)).await {
        Ok(()) => {
            let desk: Arc<dyn Desk> = Arc::new(engine);
            let server = api::serve(Arc::clone(&desk), &socket)?;
            Ok((desk, Some(server)))
        }
        Err(fault) if fault.kind == FaultKind::Busy => attach(&engine.about(), &socket).await.map(|desk| (desk, None)),
        Err(fault) => Err(fault),
    }
}

/// The other process's desk, as long as it works for the same Hub and cache as this one was asked to.
async fn attach(wanted: &About, socket: &Path) -> Result<Arc<dyn Desk>, Fault> {
    let desk = api::attach(socket).await?;
    let theirs = desk.about();
    if (&theirs.endpoint, &theirs.cache_dir) == (&wanted.endpoint, &wanted.cache_dir) {
        return Ok(desk);
    }
    let message = format!("another hfdesk-tui runs the queue, for {} and {}", theirs.endpoint, theirs.cache_dir.display());
    Err(Fault::new(FaultKind::Busy, message).hint("end it, or give this one a state folder of its own with XDG_STATE_HOME"))
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
