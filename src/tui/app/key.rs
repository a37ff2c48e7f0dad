//! A key as the app knows it, independent of the terminal that sent it.

use std::fmt;

/// Which key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// A character, upper case when Shift was held.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
}

/// A key with its modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// Whether Control was held.
    pub ctrl: bool,
}

/// A key without Control.
pub const fn plain(code: Code) -> Key {
    Key { code, ctrl: false }
}

/// The key that types a character.
pub const fn ch(c: char) -> Key {
    plain(Code::Char(c))
}

/// A character with Control.
pub const fn ctrl(c: char) -> Key {
    Key { code: Code::Char(c), ctrl: true }
}

impl fmt::Display for Key {
    /// As help shows it: `j`, `Ctrl-d`, `Space`, `PgDn`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            out.write_str("Ctrl-")?;
        }
        let name = match self.code {
            Code::Char(' ') => "Space",
            Code::Char(c) => return write!(out, "{c}"),
            Code::Enter => "Enter",
            Code::Esc => "Esc",
            Code::Tab => "Tab",
            Code::BackTab => "S-Tab",
            Code::Backspace => "Backspace",
            Code::Delete => "Del",
            Code::Up => "Up",
            Code::Down => "Down",
            Code::Left => "Left",
            Code::Right => "Right",
            Code::Home => "Home",
            Code::End => "End",
            Code::PageUp => "PgUp",
            Code::PageDown => "PgDn",
        };
        out.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_people_know_them() {
        let shown = [ch('g'), ctrl('d'), ch(' '), plain(Code::PageDown)].map(|key| key.to_string());
        assert_eq!(shown, ["g", "Ctrl-d", "Space", "PgDn"]);
    }
}
