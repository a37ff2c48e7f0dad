//! The text of HTML: tags, comments, scripts and styles go; what separates blocks becomes a line break.

/// Elements whose content is no text.
const SILENT: [&str; 3] = ["script", "style", "svg"];
/// Elements that stand within a line.
const INLINE: [&str; 22] = [
    "a", "abbr", "b", "big", "center", "cite", "code", "del", "em", "font", "i", "kbd", "mark", "s", "small", "span", "strong", "sub",
    "sup", "tt", "u", "picture",
];
/// The entities that people write by hand.
const ENTITIES: [(&str, &str); 6] = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];

/// The text of a piece of HTML.
pub(super) fn text(html: &str) -> String {
    let mut told = String::new();
    let mut rest = html;
    while let Some((before, from)) = split_at(rest, '<') {
        told.push_str(before);
        rest = tag(from, &mut told);
    }
    told.push_str(rest);
    ENTITIES.iter().fold(told, |text, (entity, meant)| text.replace(entity, meant))
}

fn split_at(text: &str, mark: char) -> Option<(&str, &str)> {
    text.find(mark).map(|at| text.split_at(at))
}

/// Reads what begins with `<`, tells what it says, and returns what follows it.
fn tag<'a>(html: &'a str, told: &mut String) -> &'a str {
    if let Some(comment) = html.strip_prefix("<!--") {
        return comment.split_once("-->").map_or("", |(_, rest)| rest);
    }
    let body = html.get(1..).unwrap_or_default();
    if !body.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        told.push('<');
        return body;
    }
    let (inside, rest) = body.split_once('>').unwrap_or((body, ""));
    let name = name(inside);
    match name.as_str() {
        "img" => told.push_str(alternative(inside)),
        "td" | "th" => told.push(' '),
        name if SILENT.contains(&name) => return after(rest, name),
        name if INLINE.contains(&name) => {}
        _ => told.push('\n'),
    }
    rest
}

fn name(inside: &str) -> String {
    let letters = inside.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric);
    letters.take(16).collect::<String>().to_ascii_lowercase()
}

/// What an image shows to those who do not see it.
fn alternative(inside: &str) -> &str {
    let after = inside.split_once("alt=").map_or("", |(_, after)| after);
    let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    quote.and_then(|quote| after.get(1..)?.split_once(quote)).map_or("", |(alt, _)| alt)
}

/// What follows the end of a silent element.
fn after<'a>(html: &'a str, name: &str) -> &'a str {
    let end = html.match_indices("</").find(|(at, _)| {
        let closing = html.get(at + 2..at + 2 + name.len());
        closing.is_some_and(|closing| closing.eq_ignore_ascii_case(name))
    });
    end.and_then(|(at, _)| html.get(at..)?.split_once('>')).map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_stays() {
        let told = |html| text(html).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            told("<p align=\"center\">\n<img src=x alt=\"A logo\" width=400>\n<b>Bold</b> &amp; <a href='x'>linked</a></p>"),
            "A logo Bold & linked"
        );
        assert_eq!(
            told("one<br>two<!-- never\n<b> --> three <style>p { x }</style>four<SCRIPT>alert()</Script >five"),
            "one two three fourfive"
        );
        assert_eq!(told("1 < 2 <- 3 &lt;b&gt; &amp;lt;"), "1 < 2 <- 3 <b> &lt;");
    }

    #[test]
    fn broken_html_ends() {
        for html in ["<", "<a", "<!--", "<script>", "<style>x</sty", "</", "<img alt=", "<img alt=\"", "<é>", "<script></é"] {
            text(html);
        }
        assert_eq!(text(&"<".repeat(100_000)).len(), 100_000);
    }
}
