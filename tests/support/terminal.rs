//! A person at a terminal: the program in a pseudo-terminal, keys typed into it, and what its screen shows.

#![allow(dead_code, clippy::unwrap_used, clippy::panic)] // each test uses a part of it, and may stop at the first surprise

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use vt100::Parser;

/// How long a state may take to come before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a program writes to ask where the cursor is.
const ASKS: &[u8] = b"\x1b[6n";

/// Looks until there is something to see, and panics with what the description says when that takes too long.
pub fn until<T>(mut look: impl FnMut() -> Option<T>, description: impl Fn() -> String) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain: {}", description());
        std::thread::sleep(Duration::from_millis(5)); // what is waited for is another process's and only there to be looked at
    }
}

/// The program in a terminal. Dropping it kills the program.
pub struct Terminal {
    line: Option<Line>,
    glass: Glass,
    child: Box<dyn Child + Send + Sync>,
    /// The line discipline's flags before the program started.
    flags_before: String,
}

/// The terminal's end of the line.
struct Line {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
}

/// What the terminal shows; `None` once it is gone.
type Glass = Arc<Mutex<Option<Parser>>>;

impl Terminal {
    /// Starts a command in a terminal of this many columns and rows.
    pub fn start(command: &Command, size: (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(pty_size(size)).unwrap();
        let line = Line { keyboard: pair.master.take_writer().unwrap(), master: pair.master };
        let flags_before = flags(&*line.master);
        let child = pair.slave.spawn_command(in_terminal(command)).unwrap();
        let glass = Arc::new(Mutex::new(Some(Parser::new(cells(size.1), cells(size.0), 0))));
        let (output, shown) = (line.master.try_clone_reader().unwrap(), Arc::clone(&glass));
        std::thread::spawn(move || show(output, &shown));
        Self { line: Some(line), glass, child, flags_before }
    }

    /// Presses keys, separated by spaces: characters, and `enter`, `esc`, `space`, `tab`, `ctrl-c`, `ctrl-l`.
    pub fn keys(&mut self, keys: &str) {
        keys.split_whitespace().for_each(|name| self.type_text(key(name)));
    }

    /// Types text as it is.
    pub fn type_text(&mut self, text: &str) {
        let keyboard = &mut self.line.as_mut().unwrap().keyboard;
        keyboard.write_all(text.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// Pastes text, in the brackets that the program asked for.
    pub fn paste(&mut self, text: &str) {
        assert!(self.look(vt100::Screen::bracketed_paste));
        self.type_text(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Waits until the screen shows every one of these texts.
    pub fn sees(&self, texts: &[&str]) {
        self.sees_that(&format!("{texts:?}"), |screen| texts.iter().all(|text| screen.contains(text)));
    }

    /// Waits until the screen's text satisfies a condition.
    pub fn sees_that(&self, what: &str, condition: impl Fn(&str) -> bool) {
        until(|| condition(&self.text()).then_some(()), || format!("{what} on\n{}", self.text()));
    }

    /// The screen's text.
    pub fn text(&self) -> String {
        self.look(vt100::Screen::contents)
    }

    /// The row that shows a text, from 0.
    pub fn row(&self, text: &str) -> usize {
        let screen = self.text();
        screen.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text} on\n{screen}"))
    }

    fn look<T>(&self, seen: impl FnOnce(&vt100::Screen) -> T) -> T {
        seen(lock(&self.glass).as_ref().unwrap().screen())
    }

    /// Overwrites the screen, as a message of another program does.
    pub fn garble(&mut self, text: &str) {
        lock(&self.glass).as_mut().unwrap().process(format!("\x1b[2J\x1b[H{text}").as_bytes());
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, size: (u16, u16)) {
        lock(&self.glass).as_mut().unwrap().screen_mut().set_size(cells(size.1), cells(size.0));
        self.line.as_ref().unwrap().master.resize(pty_size(size)).unwrap();
    }

    /// Drops the connection: the terminal is gone, and the kernel tells the program so.
    pub fn hang_up(&mut self) {
        *lock(&self.glass) = None;
        self.line = None;
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.process_id().unwrap().try_into().unwrap()).unwrap()
    }

    /// Waits until the program has ended, and answers with its exit status.
    pub fn ends(&mut self) -> u32 {
        let glass = Arc::clone(&self.glass);
        let shown = || lock(&glass).as_ref().map(|parser| parser.screen().contents()).unwrap_or_default();
        until(|| self.child.try_wait().unwrap(), || format!("the end, on\n{}", shown())).exit_code()
    }

    /// Whether the program still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until the program, which has ended, has given the terminal back as it was.
    pub fn is_given_back(&self) {
        let modes = |screen: &vt100::Screen| (screen.alternate_screen(), screen.hide_cursor(), screen.bracketed_paste());
        let given_back = || (self.look(modes) == (false, false, false)).then_some(());
        until(given_back, || format!("the modes (alternate screen, cursor hidden, bracketed paste): {:?}", self.look(modes)));
        assert_eq!(flags(&*self.line.as_ref().unwrap().master), self.flags_before, "the line's flags");
    }

    /// Checks that the program has taken the terminal over.
    pub fn is_taken_over(&self) {
        assert!(self.look(|screen| screen.alternate_screen() && screen.bracketed_paste()));
        assert_ne!(flags(&*self.line.as_ref().unwrap().master), self.flags_before, "raw mode");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            _ = kill_process(self.pid(), Signal::KILL);
            _ = self.child.wait();
        }
    }
}

/// Shows what the program writes until it ends or the terminal is gone.
fn show(mut output: Box<dyn Read + Send>, glass: &Glass) {
    let mut bytes = [0; 1 << 12];
    while let Ok(count @ 1..) = output.read(&mut bytes) {
        let mut shown = lock(glass);
        let Some(parser) = shown.as_mut() else { return };
        // Panicking with the lock held fails the test that looks next.
        assert!(!bytes[..count].windows(ASKS.len()).any(|part| part == ASKS), "it waits for an answer that this terminal never gives");
        parser.process(&bytes[..count]);
    }
}

fn lock(glass: &Glass) -> MutexGuard<'_, Option<Parser>> {
    glass.lock().unwrap()
}

fn flags(master: &(dyn MasterPty + Send)) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, ..PtySize::default() }
}

/// The command with its environment, in a terminal that knows colours and UTF-8.
fn in_terminal(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env_clear();
    for (name, value) in command.get_envs() {
        builder.env(name, value.unwrap());
    }
    builder.env("TERM", "xterm-256color");
    builder.env("LANG", "C.UTF-8");
    builder
}

/// What a terminal sends for a key.
fn key(name: &str) -> &str {
    match name {
        "enter" => "\r",
        "esc" => "\x1b",
        "space" => " ",
        "tab" => "\t",
        "ctrl-c" => "\x03",
        "ctrl-l" => "\x0c",
        _ => {
            assert_eq!(name.chars().count(), 1, "no key is called {name}");
            name
        }
    }
}
