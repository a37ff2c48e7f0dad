//! The terminal: entering and leaving it, its input, its signals. Does not know what is drawn.

mod input;
mod modes;
mod screen;
mod signals;

use std::io::{IsTerminal, stdin, stdout};
use std::sync::Arc;

use futures::Stream;
use tokio::sync::Notify;

pub use screen::{Screen, Tty};

use super::app::Msg;
use crate::desk::{Fault, FaultKind};

/// How the app ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The person quit; the desk has been closed.
    Quit,
    /// The person quit without waiting for the desk to be closed.
    Abandoned,
    /// A signal (SIGTERM, SIGINT) asks the process to end.
    Terminated,
    /// The terminal went away (SIGHUP, or its input ended). The desk can go on without it.
    HungUp,
}

/// What the terminal's side tells the loop.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // one at a time, and the large one is the usual one
pub enum Event {
    /// A key, a paste or another size.
    Msg(Msg),
    /// There is nothing more to come.
    Ended(Ended),
    /// A task panicked; the terminal is as it was before.
    Panicked,
}

/// Takes the terminal over: raw mode, the alternate screen, bracketed paste. Dropping the [`Tty`] gives it back; so does a panic.
///
/// Not being at a terminal is a [`FaultKind::Usage`] fault that names what to use instead.
pub fn enter() -> Result<(Tty, impl Stream<Item = Event> + Unpin), Fault> {
    if !stdin().is_terminal() || !stdout().is_terminal() || std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Err(not_a_terminal());
    }
    // Colours are decided by the theme alone: crossterm's own handling of NO_COLOR resets bold and reverse, which carry meaning there.
    crossterm::style::force_color_output(true);
    let panicked = Arc::new(Notify::new());
    let signals = signals::events()?;
    modes::restore_on_panic(&panicked);
    modes::enter().map_err(|error| Fault::disk("take over the terminal", error))?;
    let tty = Tty::new()?;
    Ok((tty, futures::stream::select_all([input::events(), signals, signals::panics(panicked)])))
}

fn not_a_terminal() -> Fault {
    Fault::new(FaultKind::Usage, "the terminal app needs a terminal for its input and output")
        .hint("use a verb instead, for example hfdesk-tui search, download, jobs or cache ls; --help lists them all")
}
