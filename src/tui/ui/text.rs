//! Text that fits: cutting, wrapping, and numbers and times as people read them.

use jiff::Timestamp;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// A number of columns as the terminal counts them.
pub(super) fn columns(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// The text, cut at its end to fit.
pub(super) fn cut_end(text: &str, room: usize, ellipsis: &str) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mark = if room == 0 { "" } else { ellipsis };
    format!("{}{mark}", beginning(text, room.saturating_sub(width(mark))))
}

/// The text, cut in its middle to fit: the end of an id or a path names the quantization.
pub(super) fn cut_middle(text: &str, room: usize, ellipsis: &str) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    if room < 5 {
        return cut_end(text, room, ellipsis);
    }
    let kept = room - width(ellipsis);
    format!("{}{ellipsis}{}", beginning(text, kept / 2), ending(text, kept - kept / 2))
}

fn beginning(text: &str, room: usize) -> String {
    fitting(text.graphemes(true), room).concat()
}

fn ending(text: &str, room: usize) -> String {
    let mut parts = fitting(text.graphemes(true).rev(), room);
    parts.reverse();
    parts.concat()
}

fn fitting<'a>(parts: impl Iterator<Item = &'a str>, room: usize) -> Vec<&'a str> {
    let mut used = 0;
    parts
        .take_while(|part| {
            used += width(part);
            used <= room
        })
        .collect()
}

/// The text in lines of at most `room` columns, broken between words; a longer word is broken where it must be.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace().flat_map(|word| pieces(word, room.max(1))) {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(&word);
        } else if width(line) + 1 + width(&word) <= room {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

fn pieces(word: &str, room: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for part in word.graphemes(true) {
        used += width(part);
        if used > room && used > width(part) {
            pieces.push(String::new());
            used = width(part);
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push_str(part);
        }
    }
    pieces
}

/// A count in at most five columns: `987`, `12.3k`, `4.5M`.
pub(super) fn count(number: u64) -> String {
    let scaled = |unit: f64, name: &str| {
        let value = number as f64 / unit;
        if value < 99.95 { format!("{value:.1}{name}") } else { format!("{value:.0}{name}") }
    };
    match number {
        0..=999 => number.to_string(),
        1_000..=999_499 => scaled(1e3, "k"),
        999_500..=999_499_999 => scaled(1e6, "M"),
        _ => scaled(1e9, "G"),
    }
}

/// How long ago something was, in at most six columns: `now`, `5 min`, `3 h`, `12 d`, `7 mo`, `2 y`.
pub(super) fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.as_second() - then.as_second();
    match seconds {
        ..60 => "now".to_owned(),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        86_400..5_184_000 => format!("{} d", seconds / 86_400),
        5_184_000..63_072_000 => format!("{} mo", seconds / 2_592_000),
        _ => format!("{} y", seconds / 31_536_000),
    }
}

/// An age, or a dash where the time is not known.
pub(super) fn age_of(now: Timestamp, then: Option<Timestamp>) -> String {
    then.map_or_else(|| "-".to_owned(), |then| age(now, then))
}

/// A duration in at most seven columns: `42 s`, `3m 20s`, `2h 05m`, `4 d`.
pub(super) fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..172_800 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_id_stays_visible() {
        assert_eq!(cut_middle("unsloth/Qwen3-235B-A22B-GGUF-Q4_K_M", 20, "…"), "unsloth/Q…GUF-Q4_K_M");
        assert_eq!(cut_middle("short", 20, "…"), "short");
        assert_eq!(cut_middle("abcdef", 4, "…"), "abc…");
    }

    #[test]
    fn no_cut_is_wider_than_its_room() {
        let texts = ["模型模型模型模型", "a模b型c", "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", "plain words here"];
        for text in texts {
            for room in 0..20 {
                assert!(width(&cut_middle(text, room, "…")) <= room, "{text} {room}");
                assert!(width(&cut_end(text, room, "…")) <= room, "{text} {room}");
                assert!(wrap(text, room).iter().all(|line| width(line) <= room.max(2)), "{text} {room}");
            }
        }
    }

    #[test]
    fn words_wrap() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn numbers_and_times_are_short() {
        assert_eq!(
            [0, 999, 1_234, 99_960, 999_600, 4_500_000, 12_000_000_000].map(count),
            ["0", "999", "1.2k", "100k", "1.0M", "4.5M", "12.0G"]
        );
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let ago = |seconds: i64| age(now, Timestamp::from_second(1_000_000_000 - seconds).unwrap());
        assert_eq!(
            [-5, 59, 60, 7_200, 86_400 * 30, 86_400 * 90, 86_400 * 900].map(ago),
            ["now", "now", "1 min", "2 h", "30 d", "3 mo", "2 y"]
        );
        assert_eq!([5, 200, 7_500, 400_000].map(duration), ["5 s", "3m 20s", "2h 05m", "4 d"]);
    }
}
