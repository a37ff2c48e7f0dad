//! The only place that writes to standard output and standard error.
//!
//! Data goes to standard output; everything else (hints, warnings, errors, progress, questions) to standard error. When the
//! reader of a pipe has gone, writing goes on into nothing and the program ends as if all had been read.

use std::ffi::OsString;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ColorChoice;

use super::format::Format;
use super::view::{Look, Style, View};
use crate::desk::{Fault, FaultKind, printable};

/// One of the two standard streams.
pub(super) struct Channel {
    pub(super) sink: Box<dyn Write + Send>,
    /// The terminal's width in columns at this moment; `None` where it is no terminal.
    pub(super) width: fn() -> Option<usize>,
    pub(super) color: bool,
}

impl Channel {
    fn look(&self) -> Look {
        Look { width: (self.width)(), color: self.color }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.sink.write_all(text.as_bytes())?;
        self.sink.flush()
    }
}

/// Reads a person's answer: one line.
pub(super) type Answer = Box<dyn FnOnce() -> io::Result<String> + Send>;

/// Where a verb's results, remarks and questions go.
pub struct Output {
    pub(super) stdout: Channel,
    pub(super) stderr: Channel,
    pub(super) format: Format,
    /// How to ask; `None` where nobody can answer.
    pub(super) answer: Option<Answer>,
    pub(super) reader_gone: bool,
    pub(super) line_open: bool,
    /// Whether something is being done that is not left half done.
    pub(super) committed: Arc<AtomicBool>,
}

impl Output {
    /// Whether the verb is at something that it does not leave half done.
    pub(super) fn committed(&self) -> Arc<AtomicBool> {
        self.committed.clone()
    }

    /// From here on an interruption waits until the verb is done.
    pub(super) fn commit(&self) {
        self.committed.store(true, Ordering::Relaxed);
    }

    /// This process's streams. `env` looks up `NO_COLOR` and `TERM`.
    pub fn stdio(format: Format, color: ColorChoice, env: impl Fn(&str) -> Option<OsString>) -> Self {
        let plain = env("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env("TERM").is_some_and(|term| term == "dumb");
        let colored = |terminal: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !plain && !dumb,
        };
        let stdout = Channel { sink: Box::new(io::stdout()), width: || columns(io::stdout()), color: colored(io::stdout().is_terminal()) };
        let stderr_width: fn() -> Option<usize> = if dumb { || None } else { || columns(io::stderr()) };
        let stderr = Channel { sink: Box::new(io::stderr()), width: stderr_width, color: colored(io::stderr().is_terminal()) };
        let can_ask = format == Format::Human && io::stdin().is_terminal() && io::stderr().is_terminal();
        let answer: Option<Answer> = if can_ask { Some(Box::new(read_line)) } else { None };
        Self { stdout, stderr, format, answer, reader_gone: false, line_open: false, committed: Arc::default() }
    }

    /// The same; where `wide`, its tables are as wide as what is in them, whatever the terminal has room for.
    #[must_use]
    pub fn wide(mut self, wide: bool) -> Self {
        if wide {
            self.stdout.width = || None;
        }
        self
    }

    /// Who reads the output.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether the reader of standard output has gone, so that nothing more need be made for it.
    pub fn reader_gone(&self) -> bool {
        self.reader_gone
    }

    /// Writes a value to standard output in the format asked for.
    pub fn show(&mut self, view: &dyn View) -> Result<(), Fault> {
        let text = match self.format {
            Format::Human => view.human(self.stdout.look()),
            Format::Json => format!("{}\n", view.json_text()),
            Format::Quiet => view.quiet().iter().flat_map(|id| [id, "\n"]).collect(),
        };
        self.data(&text)
    }

    /// Writes text to standard output as it is.
    pub fn data(&mut self, text: &str) -> Result<(), Fault> {
        self.clear_progress();
        if self.reader_gone {
            return Ok(());
        }
        match self.stdout.write(text) {
            Err(error) if is_gone(&error) => {
                self.reader_gone = true;
                Ok(())
            }
            written => written.map_err(|error| Fault::disk("write to standard output", error)),
        }
    }

    /// Tells what to do next; not in quiet format.
    pub fn hint(&mut self, text: &str) {
        if self.format != Format::Quiet {
            self.remark(Style::Aside, "Hint: ", text);
        }
    }

    /// Tells of something that needs watching.
    pub fn warning(&mut self, text: &str) {
        self.remark(Style::Careful, "Warning: ", text);
    }

    /// Tells of something that failed.
    pub(super) fn error(&mut self, text: &str) {
        self.remark(Style::Bad, "Error: ", text);
    }

    /// Tells something in passing.
    pub fn note(&mut self, text: &str) {
        self.remark(Style::Aside, "", text);
    }

    /// Whether standard error is a terminal on which a line can be redrawn, and how wide it is.
    pub(super) fn progress_width(&self) -> Option<usize> {
        (self.stderr.width)()
    }

    /// Draws a line that the next one replaces. It must be narrower than the terminal.
    pub(super) fn progress(&mut self, line: &str) {
        let _ = self.stderr.write(&format!("\r{}\u{1b}[K", printable(line)));
        self.line_open = true;
    }

    /// Takes the progress line away.
    pub(super) fn clear_progress(&mut self) {
        if std::mem::take(&mut self.line_open) {
            let _ = self.stderr.write("\r\u{1b}[K");
        }
    }

    /// Fails where nobody can answer a question, for verbs that work long before they ask one.
    pub(super) fn must_be_able_to_ask(&self) -> Result<(), Fault> {
        self.answer.as_ref().map(drop).ok_or_else(nobody_answers)
    }

    /// Asks a yes-or-no question, where somebody can answer it. Anything but `y` or `yes` means no.
    ///
    /// The answer is read on a thread of its own, so that an interruption need not wait for it.
    pub(super) async fn confirm(&mut self, question: &str) -> Result<bool, Fault> {
        let read = self.answer.take().ok_or_else(nobody_answers)?;
        self.clear_progress();
        let _ = self.stderr.write(&format!("{} [y/N] ", printable(question)));
        let (send, receive) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || send.send(read()));
        let line = receive.await.map_err(|_| Fault::internal("the question was lost"))?;
        let line = line.map_err(|error| Fault::disk("read the answer", error))?;
        Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Writes a line to standard error. One that cannot be written is lost: there is nowhere else to say so.
    fn remark(&mut self, style: Style, prefix: &str, text: &str) {
        self.clear_progress();
        let prefix = if prefix.is_empty() { String::new() } else { self.stderr.look().paint(style, prefix) };
        let _ = self.stderr.write(&format!("{prefix}{}\n", printable(text)));
    }
}

fn nobody_answers() -> Fault {
    Fault::new(FaultKind::Usage, "nobody can be asked here. Use --yes to skip confirmation.")
}

/// Whether nobody reads any more: the other end of the pipe was closed, or the terminal went away.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

/// The width in columns of the terminal behind a stream, if it is one.
fn columns(stream: impl AsFd + IsTerminal) -> Option<usize> {
    let size = stream.is_terminal().then(|| rustix::termios::tcgetwinsize(stream).ok()).flatten()?;
    Some(if size.ws_col == 0 { 80 } else { usize::from(size.ws_col) })
}

fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::cell::Cell;
    use crate::cli::fake::Console;
    use crate::cli::record::Record;

    /// A pipe whose reader has gone, or a disk that is full.
    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn broken(kind: ErrorKind) -> Output {
        let mut out = Console::new(Format::Human).out;
        out.stdout.sink = Box::new(Broken(kind));
        out
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_output_quietly() {
        let mut out = broken(ErrorKind::BrokenPipe);
        assert_eq!(out.data("first\n"), Ok(()));
        assert!(out.reader_gone());
        assert_eq!(out.show(&Record::about("second")), Ok(()));
    }

    #[test]
    fn output_that_is_lost_otherwise_is_a_fault() {
        let fault = broken(ErrorKind::StorageFull).data("first\n").unwrap_err();
        assert_eq!(fault.kind, FaultKind::DiskFull);
    }

    #[test]
    fn a_progress_line_is_gone_before_anything_else_is_written() {
        let mut console = Console::terminal(Format::Human);
        console.out.progress("43 %");
        console.out.warning("slow");
        console.out.hint("wait");
        assert_eq!(console.stderr(), "\r43 %\u{1b}[K\r\u{1b}[KWarning: slow\nHint: wait\n");
    }

    #[test]
    fn nothing_written_can_steer_the_terminal() {
        let mut console = Console::terminal(Format::Human);
        console.out.note("a\u{1b}]0;x\u{7}");
        console.out.show(&Record::about("a\u{1b}[2J").field("b", Cell::text("\u{9b}"))).unwrap();
        assert!(!console.stderr().contains('\u{1b}') && !console.stdout().contains(['\u{1b}', '\u{9b}']));
    }

    #[test]
    fn colour_follows_the_flag_then_the_environment() {
        let colored = |color, name: &'static str, value: &'static str| {
            Output::stdio(Format::Human, color, |asked| (asked == name).then(|| value.into())).stdout.color
        };
        assert!(colored(ColorChoice::Always, "NO_COLOR", "1"));
        assert!(!colored(ColorChoice::Never, "TERM", "xterm"));
        assert!(!colored(ColorChoice::Auto, "NO_COLOR", "1"));
        assert!(!colored(ColorChoice::Auto, "TERM", "dumb"));
    }
}
