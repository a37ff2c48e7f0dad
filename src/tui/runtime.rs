//! The only loop: wait for something, update the state, start what it asks for, draw if needed.

mod effects;
mod pace;

use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use self::effects::Reply;
use self::pace::Pace;
use super::app::{App, Effect, Msg, update};
use super::term::{self, Ended, Event, Screen};
use super::ui::{Depth, Glyphs, Theme, view};
use crate::desk::{Desk, Fault, Scenario};

/// How many replies may wait for the loop.
const REPLIES: usize = 64;

/// What the terminal can show and what its line can bear.
#[derive(Clone, Debug)]
pub struct TuiOptions {
    /// How many colours it has.
    pub depth: Depth,
    /// The characters it has.
    pub glyphs: Glyphs,
    /// How often progress is drawn, in frames a second. Keys are drawn at once.
    pub frames_per_second: u32,
    /// What variants are judged by at first.
    pub scenario: Scenario,
}

impl TuiOptions {
    /// What the environment tells: `NO_COLOR`, `COLORTERM`, `TERM`, the locale, and `SSH_CONNECTION`, over which progress is drawn less often.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let remote = variable("SSH_CONNECTION").is_some_and(|value| !value.is_empty());
        let frames_per_second = if remote { 4 } else { 10 };
        Self { depth: Depth::detect(&variable), glyphs: Glyphs::detect(&variable), frames_per_second, scenario: Scenario::default() }
    }
}

/// Runs the app in this process's terminal until it ends, and gives the terminal back.
///
/// When the person quits, the desk has been closed. When a signal ends the app or the terminal goes away, the desk is left
/// as it is: the caller decides whether to close it or to go on without a screen.
pub async fn run(desk: Arc<dyn Desk>, options: TuiOptions) -> Result<Ended, Fault> {
    let (mut tty, events) = term::enter()?;
    serve(desk, &mut tty, events, options).await
}

/// The loop over any screen and any events; [`run`] gives it the real ones.
pub async fn serve(
    desk: Arc<dyn Desk>,
    screen: &mut impl Screen,
    events: impl Stream<Item = Event> + Unpin,
    options: TuiOptions,
) -> Result<Ended, Fault> {
    let theme = Theme::builtin(options.depth, options.glyphs)?;
    let (sender, mut replies) = mpsc::channel(REPLIES);
    let mut app = App { zone: TimeZone::system(), ..App::new(desk.about(), Timestamp::now(), screen.size()) };
    app.repository.scenario = options.scenario;
    let ended = stream::once(std::future::ready(Msg::EngineEnded));
    let mut boards = desk.board().map(Msg::Board).chain(ended).fuse();
    let mut notices = desk.notices().fuse();
    let mut session = Session { desk, app, theme, screen, sender, pace: Pace::new(options.frames_per_second), reading: None };
    let mut events = events.fuse();
    let mut done = session.draw().or_else(|| session.take(Msg::Started));
    while done.is_none() {
        done = tokio::select! {
            event = events.next() => match event {
                Some(Event::Msg(msg)) => session.take(msg),
                Some(Event::Ended(ended)) => Some(ended),
                Some(Event::Panicked) => return Err(Fault::internal("a task panicked; its message is above")),
                None => Some(Ended::HungUp),
            },
            Some(reply) = replies.recv() => match reply {
                Reply::Msg(found @ Msg::CacheFound(..)) => session.take_found(found),
                Reply::Msg(msg) => session.take(msg),
                Reply::Closed(closed) => closed.map(|()| Some(Ended::Quit))?,
            },
            Some(msg) = boards.next() => match msg {
                Msg::Board(board) => session.take_board(board),
                ended => session.take(ended),
            },
            Some(notice) = notices.next() => session.take(Msg::Notice(notice)),
            () = session.pace.due() => session.draw(),
        };
    }
    Ok(done.unwrap_or(Ended::Quit))
}

/// The state, and what it works with.
struct Session<'a, S> {
    desk: Arc<dyn Desk>,
    app: App,
    theme: Theme,
    screen: &'a mut S,
    sender: mpsc::Sender<Reply>,
    pace: Pace,
    /// The newest reading of the disk.
    reading: Option<AbortHandle>,
}

impl<S: Screen> Session<'_, S> {
    /// Takes one message in, starts what it leads to and draws at once. Returns how the app ended, if it did.
    fn take(&mut self, msg: Msg) -> Option<Ended> {
        self.app.now = Timestamp::now();
        for effect in update(&mut self.app, msg) {
            match effect {
                Effect::Redraw => _ = self.screen.clear(), // what fails here fails again when drawing
                Effect::Abandon => return Some(Ended::Abandoned),
                effect => self.start(effect),
            }
        }
        self.draw()
    }

    /// Starts an effect. A new reading of the disk ends the one before, whose replies nobody waits for any more.
    fn start(&mut self, effect: Effect) {
        let is_reading = matches!(effect, Effect::LoadCache(_));
        let started = effects::start(&self.desk, effect, self.sender.clone());
        if is_reading && let Some(older) = self.reading.replace(started) {
            older.abort();
        }
    }

    /// Takes repositories in as they are found. They are drawn when their turn comes.
    fn take_found(&mut self, msg: Msg) -> Option<Ended> {
        self.app.now = Timestamp::now();
        update(&mut self.app, msg); // asks for nothing
        self.pace.wanted();
        None
    }

    /// Takes the newest state of the queue in. It is drawn when its turn comes, and not at all if nothing changed.
    fn take_board(&mut self, board: Arc<crate::desk::Board>) -> Option<Ended> {
        if board != self.app.board {
            // A board asks for nothing.
            update(&mut self.app, Msg::Board(board));
            self.pace.wanted();
        }
        None
    }

    /// Draws the state. A terminal that cannot be drawn on has gone away; that may show here before any signal tells.
    fn draw(&mut self) -> Option<Ended> {
        self.pace.drawn();
        let (app, theme) = (&self.app, &self.theme);
        let mut reach = None;
        let drawn = self.screen.draw(|frame| reach = view(app, theme, frame));
        if let Some(reach) = reach {
            update(&mut self.app, Msg::Drawn(reach)); // asks for nothing
        }
        drawn.inspect_err(|fault| tracing::info!("{fault}")).err().map(|_| Ended::HungUp)
    }
}
