//! The terminal's modes, and giving them back whatever happens.

use std::io::{self, Write, stdout};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use tokio::sync::Notify;

/// Whether the terminal is ours: it is given back once, by whoever comes first.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Takes the terminal over.
pub(super) fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)
}

/// Whether the terminal is still ours to draw on: a panic gives it back before the loop hears of it.
pub(super) fn entered() -> bool {
    ENTERED.load(Ordering::SeqCst)
}

/// Gives the terminal back, if it is ours. A terminal that is gone cannot be told, which is no failure.
pub(super) fn leave() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        _ = execute!(stdout(), EndSynchronizedUpdate, DisableBracketedPaste, Show, LeaveAlternateScreen);
        _ = disable_raw_mode();
        _ = stdout().flush();
    }
}

/// Makes a panic anywhere give the terminal back before its message is printed, and tells the loop to end.
pub(super) fn restore_on_panic(panicked: &Arc<Notify>) {
    let panicked = panicked.clone();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        leave();
        before(info);
        panicked.notify_one();
    }));
}
