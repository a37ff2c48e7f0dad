//! What the person does, in the app's words.

use crossterm::event::{Event as Raw, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures::stream::BoxStream;
use futures::{StreamExt, future, stream};

use super::{Ended, Event};
use crate::tui::app::{Code, Key, Msg};

/// Keys, pastes and sizes, until the terminal is gone.
pub(super) fn events() -> BoxStream<'static, Event> {
    let read =
        EventStream::new().map(|event| event.map_or_else(|_| Some(Event::Ended(Ended::HungUp)), |event| message(event).map(Event::Msg)));
    read.filter_map(future::ready).chain(stream::once(future::ready(Event::Ended(Ended::HungUp)))).boxed()
}

/// What a terminal event means to the app, if anything.
fn message(event: Raw) -> Option<Msg> {
    match event {
        Raw::Key(event) if event.kind != KeyEventKind::Release => key(event).map(Msg::Key),
        Raw::Paste(text) => Some(Msg::Paste(text)),
        Raw::Resize(columns, rows) => Some(Msg::Resize(columns, rows)),
        _ => None,
    }
}

/// The key, unless it has modifiers or a name that no action uses.
fn key(event: KeyEvent) -> Option<Key> {
    if event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META) {
        return None;
    }
    let code = match event.code {
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        _ => return None,
    };
    Some(Key { code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::{ch, ctrl};

    #[test]
    fn keys_are_translated() {
        let pressed = |code, modifiers| message(Raw::Key(KeyEvent::new(code, modifiers)));
        assert_eq!(pressed(KeyCode::Char('G'), KeyModifiers::SHIFT), Some(Msg::Key(ch('G'))));
        assert_eq!(pressed(KeyCode::Char('d'), KeyModifiers::CONTROL), Some(Msg::Key(ctrl('d'))));
        assert_eq!(pressed(KeyCode::Char('d'), KeyModifiers::ALT), None);
        assert_eq!(pressed(KeyCode::F(5), KeyModifiers::NONE), None);
        let released = KeyEvent::new_with_kind(KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(message(Raw::Key(released)), None);
        assert_eq!(message(Raw::FocusGained), None);
    }
}
