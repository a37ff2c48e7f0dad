//! What the loop draws on.

use std::io::{BufWriter, Stdout, Write, stdout};
use std::mem::ManuallyDrop;

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

use super::modes;
use crate::desk::Fault;

/// What the loop draws on.
pub trait Screen {
    /// Columns and rows.
    fn size(&self) -> (u16, u16);

    /// Draws a frame; what did not change is not sent.
    fn draw(&mut self, paint: impl FnOnce(&mut Frame)) -> Result<(), Fault>;

    /// Forgets what is on the screen, so that the next frame is sent whole.
    fn clear(&mut self) -> Result<(), Fault>;
}

/// The terminal this process runs in. Dropping it gives the terminal back.
pub struct Tty {
    // Never dropped: its drop shows the cursor, which `modes` has done, and panics where the terminal is gone.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Tty {
    /// The terminal, once its modes are set. One that cannot be drawn on is given back.
    pub(super) fn new() -> Result<Self, Fault> {
        // One frame is one write: a line-buffered stdout would send it in pieces.
        let backend = CrosstermBackend::new(BufWriter::with_capacity(64 << 10, stdout()));
        let terminal = Terminal::new(backend).map_err(|error| {
            modes::leave();
            Fault::disk("draw on the terminal", error)
        })?;
        Ok(Self { terminal: ManuallyDrop::new(terminal) })
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        modes::leave();
    }
}

impl Screen for Tty {
    fn size(&self) -> (u16, u16) {
        self.terminal.size().map_or((80, 24), |size| (size.width, size.height))
    }

    /// Draws between the marks of a synchronized update (DEC mode 2026), so that no half frame shows.
    fn draw(&mut self, paint: impl FnOnce(&mut Frame)) -> Result<(), Fault> {
        if !modes::entered() {
            return Ok(());
        }
        let failed = |error| Fault::disk("draw on the terminal", error);
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate).map_err(failed)?;
        self.terminal.draw(paint).map_err(failed)?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate).map_err(failed)?;
        Write::flush(self.terminal.backend_mut()).map_err(failed)
    }

    fn clear(&mut self) -> Result<(), Fault> {
        // Not Terminal::clear: it asks the terminal where the cursor is and waits for the answer, which the input's reader may take.
        let cleared = self.terminal.size().and_then(|size| self.terminal.resize(size.into()));
        cleared.map_err(|error| Fault::disk("clear the terminal", error))
    }
}
