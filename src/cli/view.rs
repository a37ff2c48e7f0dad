//! What a verb answers, before anybody knows who reads it.

use serde_json::Value;

/// How text for people looks on its way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal; `None` where there is none and nothing is cut off.
    pub width: Option<usize>,
    /// Whether colours are written.
    pub color: bool,
}

impl Look {
    /// The text in this style, where colours are written.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.color { format!("\u{1b}[{}m{text}\u{1b}[0m", style.code()) } else { text.to_owned() }
    }
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Headings and column names.
    Heading,
    /// What succeeded.
    Good,
    /// What needs watching.
    Careful,
    /// What failed.
    Bad,
    /// What helps on.
    Aside,
}

impl Style {
    /// Its parameters of the terminal's SGR sequence: the sixteen basic colours, which a terminal's theme adapts.
    fn code(self) -> &'static str {
        match self {
            Self::Heading => "1",
            Self::Good => "32",
            Self::Careful => "33",
            Self::Bad => "1;31",
            Self::Aside => "36",
        }
    }
}

/// One value that can be written for people, for programs and for pipes.
pub trait View {
    /// Text for people, each line ended.
    fn human(&self, look: Look) -> String;

    /// One JSON document: sizes as integers in bytes, times in RFC 3339.
    fn json(&self) -> Value;

    /// The text of that document.
    fn json_text(&self) -> String {
        self.json().to_string()
    }

    /// Ids, to be written one per line.
    fn quiet(&self) -> Vec<String>;
}
