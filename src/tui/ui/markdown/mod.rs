//! Markdown as lines of a terminal: pure, bounded, and never wider than its room.
//!
//! It knows CommonMark with tables, strikethrough and task lists. HTML is shown as its text, images as their alternative text;
//! footnotes are left out.

mod flow;
mod html;
mod page;
mod table;

use pulldown_cmark::{Options, Parser};
use ratatui::text::Line;

use super::theme::Theme;
use crate::desk::beginning;
use page::Page;

/// The most that is read of a text, in bytes.
const LONGEST: usize = 256 << 10;
/// The most lines that are made of a text, the last of which says so.
const MOST_LINES: usize = 5_000;

/// The text laid out for `width` columns; at least one column is taken for granted.
pub(super) fn lines(markdown: &str, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let read = beginning(markdown, LONGEST);
    let mut page = Page::new(usize::from(width.max(1)), theme);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
    for event in Parser::new_ext(read, options) {
        page.take(event);
        if page.len() >= MOST_LINES {
            break;
        }
    }
    page.finish(MOST_LINES, read.len() < markdown.len())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use ratatui::style::Modifier;

    use super::*;
    use crate::tui::ui::depth::Depth;
    use crate::tui::ui::glyphs::Glyphs;
    use crate::tui::ui::roles::Role;

    fn theme() -> Theme {
        Theme::builtin(Depth::True, Glyphs::UNICODE).unwrap()
    }

    fn text(line: &Line) -> String {
        line.spans.iter().map(|span| span.content.as_ref()).collect::<String>().trim_end().to_owned()
    }

    fn shown(markdown: &str, width: u16) -> Vec<String> {
        lines(markdown, width, &theme()).iter().map(text).collect()
    }

    #[test]
    fn blocks_stand_apart_and_text_wraps() {
        assert_eq!(
            shown("# One\ntwo three\nfour\n\n***\nfive  \nsix", 9),
            ["One", "", "two three", "four", "", "─────────", "", "five", "six"]
        );
        assert_eq!(shown("模型模型模型 abc", 5), ["模型", "模型", "模型", "abc"]);
        assert_eq!(shown("ab模", 1), ["a", "b", "…"]);
    }

    #[test]
    fn lists_nest() {
        let markdown = "- one\n  two\n  - three\n    1. four\n- five\n\n9. nine\n10. ten";
        assert_eq!(shown(markdown, 40), ["· one two", "  · three", "    1. four", "· five", "", "9. nine", "10. ten"]);
        assert_eq!(shown("- [x] done\n- [ ] open\n-\n- long words here", 16), ["■ done", "□ open", "·", "· long words", "  here"]);
    }

    #[test]
    fn quotes_keep_their_bar() {
        assert_eq!(shown("> one two three\n>\n> - four\n\nfive", 14), ["│ one two", "│ three", "│", "│ · four", "", "five"]);
    }

    #[test]
    fn code_is_cut_and_not_wrapped() {
        assert_eq!(shown("```sh\n\ta --long --option\nb\tc\n\n```", 14), ["      a --lon…", "  b   c", ""]);
        assert_eq!(shown("text `a  b`", 14), ["text a b"]);
    }

    #[test]
    fn tables_shrink_and_then_are_told_row_by_row() {
        let table = "| Name | Score |\n|---|--:|\n| Q4_K_M with notes | 9.5 |\n| Q8 | |";
        assert_eq!(shown(table, 40), ["Name               Score", "Q4_K_M with notes    9.5", "Q8"]);
        assert_eq!(shown(table, 16), ["Name       Score", "Q4_K_M w…    9.5", "Q8"]);
        assert_eq!(shown(table, 9), ["Name:", "Q4_K_M", "with", "notes", "Score:", "9.5", "", "Name: Q8"]);
    }

    #[test]
    fn an_address_is_told_once() {
        let markdown = "[a](https://x.org/y), [b](https://x.org/y), <https://z.org>, [c](#part), [![badge](b.svg)](https://w.org)";
        assert_eq!(shown(markdown, 90), ["a (https://x.org/y), b, https://z.org, c, badge (https://w.org)"]);
    }

    #[test]
    fn only_the_text_of_html_shows() {
        assert_eq!(
            shown("<div>\n<b>one</b><br>two <!-- no -->\n</div>\n\nthree<br/>four <sub>five</sub>[^1]\n\n[^1]: no", 40),
            ["one", "two", "", "three", "four five"]
        );
    }

    #[test]
    fn looks_are_those_of_the_theme() {
        let theme = theme();
        let line = &lines("a **b** *c* ~~d~~ `e`", 40, &theme)[0];
        let looks: Vec<_> = line.spans.iter().filter(|span| !span.content.trim().is_empty()).map(|span| span.style).collect();
        let plain = theme.style(Role::Text);
        let expected = [
            plain,
            theme.style(Role::Strong),
            plain.add_modifier(Modifier::ITALIC),
            plain.add_modifier(Modifier::CROSSED_OUT),
            theme.style(Role::Number),
        ];
        assert_eq!(looks, expected);
    }

    #[test]
    fn what_a_terminal_obeys_is_removed() {
        assert_eq!(
            shown("a\u{1b}[2Jb\u{202e}c\u{9b} `d\u{7}`\n\n```\ne\u{1b}f\n```\n<p>g\u{1b}</p>", 40),
            ["a[2Jbc d", "", "  ef", "", "g"]
        );
    }

    #[test]
    fn long_texts_end_and_say_so() {
        let many = shown(&"a\n\n".repeat(10_000), 40);
        assert_eq!((many.len(), many.last().map(String::as_str)), (MOST_LINES, Some("The text goes on; it is cut here.")));
        let long = shown(&"word ".repeat(60_000), 200);
        assert!(long.len() < MOST_LINES && long.last().is_some_and(|line| line.ends_with("cut here.")));
        assert!(!shown("short", 40).iter().any(|line| line.contains("cut here")));
        assert!(shown(&"a\n\n".repeat(10_000), 8).last().is_some_and(|line| line == "The tex…"));
    }

    #[test]
    fn hostile_texts_end_soon() {
        let pieces = [
            "> ", "- ", "[", "![", "*a_", "`", "<", "<a ", "<!--", "|a", "|-", "1. ", "\\", "&", "[^", "***", "\u{301}", "</", "[a](",
            "- > ", "\t",
        ];
        let begun = Instant::now();
        for piece in pieces {
            lines(&piece.repeat(LONGEST / 4 / piece.len()), 80, &theme());
            lines(&format!("{piece}\n").repeat(LONGEST / 4 / (piece.len() + 1)), 80, &theme());
            lines(&format!("|a|b|\n|-|-|\n{}", format!("|{piece}|x|\n").repeat(4_000)), 80, &theme());
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }

    #[test]
    fn wide_and_long_tables_end() {
        let wide = format!("|{}\n|{}\n{}", "a|".repeat(20_000), "-|".repeat(20_000), "|b\n".repeat(20_000));
        assert!(lines(&wide, 80, &theme()).len() <= MOST_LINES);
        let long = shown(&format!("|a|b|\n|-|-|\n{}|last|row|\n", "|x|y|\n".repeat(3_000)), 80);
        assert_eq!(long.last().map(String::as_str), Some("last  row"));
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[ a-z模é]{0,12}".prop_map(String::from),
            4 => prop::sample::select(vec![
                "\n", "\n\n", "# ", "> ", "- ", "  - ", "1. ", "- [x] ", "**", "*", "`", "```\n", "~~", "|", "|a|b|\n|-|-|\n", "---\n", "[x](y)",
                "[x](https://example.org/long/address)", "![alt](z)", "<b>", "<div>\n", "</div>", "<!--", "\t", "\u{200d}", "👩‍👩‍👧‍👦", "e\u{301}",
                "لا", "\u{202e}", "\u{1b}", "\u{fe0f}", "1\u{fe0f}\u{20e3}", "한국어", "ꓤꓽ", "    ", "\r\n", "&lt;", "[^1]", "[^1]: ", "🇩🇪🇫🇷", "ก็",
            ])
            .prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_its_room(markdown in pieces(), width in 1_u16..50) {
            for line in lines(&markdown, width, &theme()) {
                prop_assert!(line.width() <= usize::from(width), "{} > {width}: {:?}", line.width(), text(&line));
            }
        }
    }
}
