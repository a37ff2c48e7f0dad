//! Text from outside made safe to show, and paths from outside made safe to use.

/// The text with every control and direction-changing character replaced, so that it can be printed on a terminal.
///
/// Line breaks and tabs become spaces; other control characters (C0, DEL, C1) and the Unicode marks that reorder text become `�`.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if matches!(c, '\n' | '\t' | '\r') {
                ' '
            } else if is_unprintable(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// As much of a text as fits in this many bytes.
pub fn beginning(text: &str, bytes: usize) -> &str {
    (0..=bytes).rev().find_map(|end| text.get(..end.min(text.len()))).unwrap_or_default()
}

fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Whether a file's path as a server names it stays inside its repository on every system, and can be shown.
///
/// Refused, as by the official client: empty or `.`/`..` segments, absolute paths, backslashes, drive letters; and
/// control characters, which no repository needs and a terminal obeys.
pub fn safe_path(path: &str) -> bool {
    let segment = |part: &str| !part.is_empty() && part != "." && part != ".." && part.len() <= 255;
    let drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    !path.is_empty()
        && path.len() <= 1024
        && !drive
        && !path.contains('\\')
        && !path.chars().any(is_unprintable)
        && path.split('/').all(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_defused() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d\u{9b}"), "a\u{fffd}[2Jb c\u{fffd}d\u{fffd}");
        assert_eq!(printable("Qwen — 模型"), "Qwen — 模型");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(["", "a", "a模", "a模b"].map(|text| beginning(text, 3)), ["", "a", "a", "a"]);
        assert_eq!(beginning("a模b", 4), "a模");
    }

    #[test]
    fn hostile_paths_are_refused() {
        for path in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/./b", "a\\b", "C:/x", "a\u{1b}[m", "a/", "a\u{202e}b"] {
            assert!(!safe_path(path), "{path:?}");
        }
        for path in ["a", "a/b.gguf", "..a/b..", "data/train-00000-of-00002.parquet", "模型.gguf", ".gitattributes"] {
            assert!(safe_path(path), "{path:?}");
        }
    }
}
