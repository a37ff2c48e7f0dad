//! From a verb to its code.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::args::DeskCommand;
use super::output::Output;
use super::{analyze, cache, download, jobs, plan, search};
use crate::desk::{Desk, Fault};

/// Carries out one verb.
///
/// When `interrupted` ends first, the verb is dropped where it stands and the answer is a fault of the kind
/// [`Interrupted`](crate::desk::FaultKind::Interrupted); one that deletes at that moment goes on to its end, so that what it did is told.
/// The desk is left open: closing it is the caller's.
pub async fn run(desk: Arc<dyn Desk>, command: &DeskCommand, out: &mut Output, interrupted: impl Future<Output = ()>) -> Result<(), Fault> {
    let interruption = command.interruption(&desk.about());
    let committed = out.committed();
    let mut verb = pin!(carry_out(&*desk, command, out));
    tokio::select! {
        biased; // what is done is done, interrupted or not
        done = &mut verb => return done,
        () = interrupted => {}
    }
    if committed.load(Ordering::Relaxed) { verb.await } else { Err(interruption) }
}

async fn carry_out(desk: &dyn Desk, command: &DeskCommand, out: &mut Output) -> Result<(), Fault> {
    match command {
        DeskCommand::Search(args) => search::run(desk, args, out).await,
        DeskCommand::Analyze(args) => analyze::run(desk, args, out).await,
        DeskCommand::Plan(args) => plan::run(desk, args, out).await,
        DeskCommand::Download(args) => download::run(desk, args, out).await,
        DeskCommand::Jobs(args) => jobs::run(desk, args, out).await,
        DeskCommand::Cache(args) => cache::run(desk, args, out).await,
    }
}
