//! Text measured in the terminal's columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns the text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `room` columns; what is cut off is marked with `…`.
pub fn clip(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < room
    };
    let kept: String = text.chars().take_while(fits).collect();
    if room == 0 { kept } else { kept + "…" }
}

/// The singular for 1, else the plural: `1 file`, `3 files`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_counts_columns_and_not_characters() {
        assert_eq!(clip("plain", 5), "plain");
        assert_eq!(clip("longer", 5), "long…");
        assert_eq!(clip("模型模型", 5), "模型…");
        assert_eq!(clip("模型", 2), "…");
        assert_eq!(clip("x", 0), "");
    }
}
