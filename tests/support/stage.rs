//! An app on a stage: keys go in, effects are answered by a fake desk, the screen comes out.

use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use hfdesk_tui::desk::{CacheStep, Desk, Fault, Reply};
use hfdesk_tui::tui::app::{App, Code, Effect, Key, Msg, ch, ctrl, plain, update};
use hfdesk_tui::tui::ui::{Depth, Glyphs, Theme, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use crate::fake_desk::{FakeDesk, about, board, now};

/// An app and the desk that answers it.
pub struct Stage {
    pub app: App,
    pub desk: FakeDesk,
}

impl Stage {
    /// An app before anything has happened.
    pub fn new(size: (u16, u16)) -> Self {
        Self { app: App::new(about(), now(), size), desk: FakeDesk::new(board()) }
    }

    /// An app that shows results and a queue.
    pub fn started(size: (u16, u16)) -> Self {
        let mut stage = Self::new(size);
        stage.send(Msg::Board(Arc::new(board())));
        stage.send(Msg::Started);
        stage
    }

    /// Takes a message in, and the replies to all it leads to.
    pub fn send(&mut self, msg: Msg) {
        for effect in update(&mut self.app, msg) {
            let replies = if let Effect::LoadCache(seq) = effect { self.cache(seq) } else { self.answer(effect).into_iter().collect() };
            for reply in replies {
                self.send(reply);
            }
        }
    }

    /// Presses keys, separated by spaces, and answers all they lead to.
    pub fn keys(mut self, keys: &str) -> Self {
        keys.split_whitespace().for_each(|name| self.send(Msg::Key(key(name))));
        self
    }

    fn cache(&self, seq: u64) -> Vec<Msg> {
        let steps: Vec<CacheStep> = self.desk.cache_in_steps().collect().now_or_never().expect("a fake desk answers at once");
        let told = |step| match step {
            CacheStep::Found(repos) => Msg::CacheFound(seq, repos),
            CacheStep::Done(listing) => Msg::CacheLoaded(seq, Ok(*listing)),
            CacheStep::Failed(fault) => Msg::CacheLoaded(seq, Err(fault)),
        };
        steps.into_iter().map(told).collect()
    }

    fn answer(&self, effect: Effect) -> Option<Msg> {
        let desk = &self.desk;
        Some(match effect {
            Effect::SearchSoon(seq) => Msg::SearchDue(seq),
            Effect::Search(seq, query, page) => Msg::Searched(seq, at_once(desk.search(query, page))),
            Effect::Analyze(seq, repo) => Msg::Analyzed(seq, at_once(desk.analyze(repo)).map(Arc::new)),
            Effect::Assess(seq, repo, scenario) => Msg::Assessed(seq, at_once(desk.assess(repo, scenario)).map(Arc::new)),
            Effect::Card(seq, repo) => Msg::CardRead(seq, at_once(desk.card(repo)).map(|card| card.map(Arc::new))),
            Effect::Revisions(seq, repo) => Msg::RevisionsListed(seq, at_once(desk.revisions(repo)).map(Arc::new)),
            Effect::Plan(seq, selection) => Msg::Planned(seq, at_once(desk.plan(selection))),
            Effect::Enqueue(plan) => Msg::Enqueued(at_once(desk.enqueue(plan))),
            Effect::Control(action, target) => Msg::Controlled(action, at_once(desk.control(action, target))),
            Effect::Limit(target, speed) => Msg::Limited(at_once(desk.limit(target, speed))),
            Effect::ReadContents(seq, key) => Msg::ContentsRead(seq, key.clone(), at_once(desk.contents(key)).map(Arc::new)),
            Effect::PlanDeletion(seq, targets) => Msg::DeletionPlanned(seq, at_once(desk.plan_deletion(targets))),
            Effect::Delete(plan, disposal) => Msg::Deleted(plan.targets.clone(), at_once(desk.delete(plan, disposal))),
            Effect::Restore(id) => Msg::Restored(at_once(desk.restore(id))),
            Effect::EmptyTrash(ids) => Msg::TrashEmptied(ids.clone(), at_once(desk.empty_trash(ids))),
            Effect::Pin(key, pinned) => Msg::Pinned(key.clone(), pinned, at_once(desk.pin(key, pinned))),
            Effect::Diagnose(seq) => Msg::Diagnosed(seq, at_once(desk.diagnose()).map(Arc::new)),
            Effect::Mend(seq, findings) => Msg::Mended(seq, at_once(desk.mend(findings))),
            Effect::LoadCache(_) | Effect::Redraw | Effect::Quit | Effect::Abandon => return None,
        })
    }

    /// The screen at a size.
    pub fn screen(&mut self, (width, height): (u16, u16), depth: Depth) -> Buffer {
        let theme = Theme::builtin(depth, Glyphs::UNICODE).unwrap();
        self.screen_in((width, height), &theme)
    }

    /// The screen at a size in a theme.
    pub fn screen_in(&mut self, (width, height): (u16, u16), theme: &Theme) -> Buffer {
        self.send(Msg::Resize(width, height));
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut reach = None;
        terminal.draw(|frame| reach = view(&self.app, theme, frame)).unwrap();
        if let Some(reach) = reach {
            self.send(Msg::Drawn(reach));
        }
        terminal.backend().buffer().clone()
    }

    /// The screen's text.
    pub fn text(&mut self, size: (u16, u16)) -> String {
        let buffer = self.screen(size, Depth::True);
        let row = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned() + "\n";
        (0..size.1).map(row).collect()
    }
}

fn at_once<T>(reply: Reply<T>) -> Result<T, Fault> {
    reply.now_or_never().expect("a fake desk answers at once")
}

/// The key with this name.
pub fn key(name: &str) -> Key {
    let code = match name {
        "enter" => Code::Enter,
        "esc" => Code::Esc,
        "tab" => Code::Tab,
        "s-tab" => Code::BackTab,
        "down" => Code::Down,
        "up" => Code::Up,
        "pgdn" => Code::PageDown,
        "backspace" => Code::Backspace,
        "space" => return ch(' '),
        "ctrl-c" => return ctrl('c'),
        "ctrl-d" => return ctrl('d'),
        _ => {
            let mut chars = name.chars();
            let first = chars.next().unwrap();
            assert!(chars.next().is_none(), "no key is called {name}");
            return ch(first);
        }
    };
    plain(code)
}
