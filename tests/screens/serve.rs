//! The loop: it draws when something happened, carries effects out, and ends in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::channel::mpsc;
use hfdesk_tui::desk::{Board, Desk, Fault, Scenario};
use hfdesk_tui::tui::app::Msg;
use hfdesk_tui::tui::term::{Ended, Event, Screen};
use hfdesk_tui::tui::ui::{Depth, Glyphs};
use hfdesk_tui::tui::{TuiOptions, serve};
use ratatui::backend::TestBackend;
use ratatui::{Frame, Terminal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::fake_desk::{FakeDesk, board};
use crate::stage::key;

/// A screen in memory that counts its frames and shows the last one to the test.
struct Glass {
    terminal: Terminal<TestBackend>,
    shown: Arc<Shown>,
}

#[derive(Default)]
struct Shown {
    last: Mutex<(usize, String)>,
    changed: Notify,
    gone: AtomicBool,
}

impl Shown {
    fn frames(&self) -> usize {
        self.last.lock().unwrap().0
    }

    /// Waits until the screen shows a text.
    async fn until(&self, text: &str) {
        let seen = async {
            while !self.last.lock().unwrap().1.contains(text) {
                self.changed.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), seen)
            .await
            .unwrap_or_else(|_| panic!("no {text} in:\n{}", self.last.lock().unwrap().1));
    }
}

impl Screen for Glass {
    fn size(&self) -> (u16, u16) {
        (80, 24)
    }

    fn draw(&mut self, paint: impl FnOnce(&mut Frame)) -> Result<(), Fault> {
        if self.shown.gone.load(Ordering::Relaxed) {
            return Err(Fault::internal("the screen is gone"));
        }
        self.terminal.draw(paint).unwrap();
        *self.shown.last.lock().unwrap() = (self.shown.frames() + 1, self.terminal.backend().to_string());
        self.shown.changed.notify_one();
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Fault> {
        self.terminal.clear().unwrap();
        Ok(())
    }
}

/// A running app.
struct Running {
    desk: Arc<FakeDesk>,
    events: mpsc::UnboundedSender<Event>,
    shown: Arc<Shown>,
    app: JoinHandle<Result<Ended, Fault>>,
}

impl Running {
    fn start(board: Board) -> Self {
        Self::with(FakeDesk::new(board))
    }

    fn with(desk: FakeDesk) -> Self {
        let desk = Arc::new(desk);
        let shown = Arc::new(Shown::default());
        let mut glass = Glass { terminal: Terminal::new(TestBackend::new(80, 24)).unwrap(), shown: shown.clone() };
        let (events, received) = mpsc::unbounded();
        let options = TuiOptions { depth: Depth::True, glyphs: Glyphs::UNICODE, frames_per_second: 10, scenario: Scenario::default() };
        let face: Arc<dyn Desk> = desk.clone();
        let app = tokio::spawn(async move { serve(face, &mut glass, received, options).await });
        Self { desk, events, shown, app }
    }

    fn keys(&self, keys: &str) {
        keys.split_whitespace().for_each(|name| self.events.unbounded_send(Event::Msg(Msg::Key(key(name)))).unwrap());
    }

    async fn ended(self) -> (Result<Ended, Fault>, Vec<String>) {
        let ended = tokio::time::timeout(Duration::from_secs(10), self.app).await.unwrap().unwrap();
        let asked = self.desk.asked.lock().unwrap().clone();
        (ended, asked)
    }
}

#[tokio::test]
async fn from_a_key_to_the_queue_and_out() {
    let app = Running::start(Board::default());
    app.shown.until("Qwen/Qwen3-8B-GGUF").await;
    app.keys("enter");
    app.shown.until("apache-2.0").await;
    app.keys("d");
    app.shown.until("Enter download").await;
    app.keys("enter");
    app.shown.until("queued").await;
    app.keys("q");
    let (ended, asked) = app.ended().await;
    assert_eq!(ended.unwrap(), Ended::Quit);
    assert_eq!(asked, ["search model “”", "enqueue Q8_0", "close"]);
}

#[tokio::test(start_paused = true)]
async fn a_reading_of_the_cache_ends_the_one_before() {
    let readings = Arc::new(());
    let app = Running::with(FakeDesk::new(Board::default()).reading_for_ever(readings.clone()));
    app.shown.until("Qwen/Qwen3-8B-GGUF").await;
    app.keys("4 !");
    app.shown.until("m mend what can be mended").await;
    app.keys("m");
    app.shown.until("y mend them").await;
    app.keys("y");
    app.shown.until("2 findings mended").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Arc::strong_count(&readings), 3, "the test's, the desk's and the newest reading's");
    app.keys("ctrl-c ctrl-c");
    app.ended().await.0.unwrap();
}

#[tokio::test]
async fn quitting_while_jobs_run_closes_the_desk() {
    let app = Running::start(board());
    app.shown.until("43 %").await;
    app.keys("q q");
    let (ended, asked) = app.ended().await;
    assert_eq!(ended.unwrap(), Ended::Quit);
    assert_eq!(asked.last().map(String::as_str), Some("close"));
}

#[tokio::test]
async fn the_desk_stays_open_when_the_terminal_goes_away() {
    for (event, expected) in [(Event::Ended(Ended::HungUp), Ended::HungUp), (Event::Ended(Ended::Terminated), Ended::Terminated)] {
        let app = Running::start(board());
        app.events.unbounded_send(event).unwrap();
        let (ended, asked) = app.ended().await;
        assert_eq!(ended.unwrap(), expected);
        assert!(!asked.contains(&"close".to_owned()));
    }
}

#[tokio::test]
async fn the_end_of_the_engine_is_told() {
    let app = Running::start(board());
    app.shown.until("43 %").await;
    app.desk.ended.cancel();
    app.shown.until("has ended: quit and start again").await;
    app.keys("ctrl-c ctrl-c");
    assert_eq!(app.ended().await.0.unwrap(), Ended::Abandoned);
}

#[tokio::test]
async fn a_screen_that_cannot_be_drawn_on_has_gone_away() {
    let app = Running::start(board());
    app.shown.until("43 %").await;
    app.shown.gone.store(true, Ordering::Relaxed);
    app.keys("j");
    let (ended, asked) = app.ended().await;
    assert_eq!(ended.unwrap(), Ended::HungUp);
    assert!(!asked.contains(&"close".to_owned()));
}

#[tokio::test]
async fn control_c_twice_does_not_wait() {
    let app = Running::start(board());
    app.keys("ctrl-c ctrl-c");
    assert_eq!(app.ended().await.0.unwrap(), Ended::Abandoned);
}

#[tokio::test]
async fn a_panic_elsewhere_ends_the_app_as_a_failure() {
    let app = Running::start(Board::default());
    app.events.unbounded_send(Event::Panicked).unwrap();
    assert!(app.ended().await.0.is_err());
}

#[tokio::test(start_paused = true)]
async fn progress_is_paced_and_idling_draws_nothing() {
    let app = Running::start(board());
    app.shown.until("43 %").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = app.shown.frames();
    for i in 0..200_u64 {
        app.desk.publish(Board { bytes_per_second: i, ..board() });
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let busy = app.shown.frames() - before;
    assert!((8..=12).contains(&busy), "{busy} frames in a second of progress");
    app.desk.publish(Board { bytes_per_second: 199, ..board() });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(app.shown.frames() - before, busy, "the same state again is nothing to draw");
    app.keys("ctrl-c ctrl-c");
    app.ended().await.0.unwrap();
}
