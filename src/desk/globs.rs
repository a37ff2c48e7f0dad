//! Patterns as the official client reads them: Python's `fnmatch.fnmatchcase`, where `*` and `?` also match `/`, and a pattern with a slash
//! at its end means all that is in that folder. See `filter_repo_objects` in
//! <https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/utils/_paths.py>.

/// Patterns of which any may match.
#[derive(Debug)]
pub struct Globs(Vec<Vec<Token>>);

impl Globs {
    /// Every text is a pattern: what is no wildcard stands for itself.
    pub fn new(patterns: &[String]) -> Self {
        Self(patterns.iter().map(|pattern| tokens(pattern)).collect())
    }

    /// Whether any of the patterns matches the whole path; none does where there are none.
    pub fn match_any(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        self.0.iter().any(|tokens| is_match(tokens, &path))
    }
}

#[derive(Debug)]
enum Token {
    /// `*`: any text.
    Text,
    /// `?`: any character.
    Any,
    /// A character itself.
    One(char),
    /// `[a-c]` and `[!a-c]`.
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Text => false,
            Self::Any => true,
            Self::One(one) => *one == c,
            Self::Class { negated, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated,
        }
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let pattern = pattern.replace('\\', "/"); // as the official client does for paths written on Windows
    let pattern = if pattern.ends_with('/') { pattern + "*" } else { pattern };
    let pattern: Vec<char> = pattern.chars().collect();
    let mut tokens = Vec::new();
    let mut rest = pattern.as_slice();
    while let [first, after @ ..] = rest {
        rest = after;
        tokens.push(match first {
            '*' => Token::Text,
            '?' => Token::Any,
            '[' => match class(after) {
                Some((class, after)) => {
                    rest = after;
                    class
                }
                None => Token::One('['),
            },
            one => Token::One(*one),
        });
    }
    tokens
}

/// A class behind its `[`, and what follows it; `None` where no `]` ends it. A `]` at its beginning is one of its characters.
fn class(text: &[char]) -> Option<(Token, &[char])> {
    let negated = text.first() == Some(&'!');
    let text = text.get(usize::from(negated)..)?;
    let end = 1 + text.iter().skip(1).position(|c| *c == ']')?;
    let (mut inside, after) = (text.get(..end)?, text.get(end + 1..)?);
    let mut ranges = Vec::new();
    loop {
        inside = match inside {
            [from, '-', to, rest @ ..] => {
                ranges.push((*from, *to));
                rest
            }
            [one, rest @ ..] => {
                ranges.push((*one, *one));
                rest
            }
            [] => return Some((Token::Class { negated, ranges }, after)),
        };
    }
}

/// Tries the text for the last `*` ever longer; an earlier one need not be tried again.
fn is_match(tokens: &[Token], path: &[char]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut last_text = None;
    while let Some(c) = path.get(at) {
        match (tokens.get(token), last_text) {
            (Some(Token::Text), _) => {
                token += 1;
                last_text = Some((token, at));
            }
            (Some(one), _) if one.takes(*c) => (token, at) = (token + 1, at + 1),
            (_, Some((after, from))) => {
                (token, at) = (after, from + 1);
                last_text = Some((token, at));
            }
            (_, None) => return false,
        }
    }
    tokens.iter().skip(token).all(|token| matches!(token, Token::Text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some paths, and which of them `filter_repo_objects` of `huggingface_hub` 2.4.0 lets each pattern choose.
    #[rustfmt::skip]
    const PATHS: [&str; 32] = ["README.md", "a", "b", "-", "]", "[a", "[ab]", "!a", "^a", "a/b.bin", "b.bin", "B.BIN", "x/y/z.json", "z.json", "BF16/m.gguf", "BF16", "xBF16/m.gguf", "m-Q4_K_M.gguf", "m-Q5_K_M.gguf", "m{a,b}", "ma", "a-c", "é.txt", "c", "d", "e", ".hidden", "a*b", "a]", " a", "a/", "m.Q4.gguf.part"];
    #[rustfmt::skip]
    const OFFICIAL: [(&str, &[&str]); 50] = [
        ("*.bin", &["a/b.bin", "b.bin"]),
        ("*.BIN", &["B.BIN"]),
        ("*.json", &["x/y/z.json", "z.json"]),
        ("**/*.json", &["x/y/z.json"]),
        ("x/*", &["x/y/z.json"]),
        ("x/*.json", &["x/y/z.json"]),
        ("BF16/", &["BF16/m.gguf"]),
        ("BF16", &["BF16"]),
        ("*BF16*", &["BF16/m.gguf", "BF16", "xBF16/m.gguf"]),
        ("BF16\\", &["BF16/m.gguf"]),
        ("?", &["a", "b", "-", "]", "c", "d", "e"]),
        ("??", &["[a", "!a", "^a", "ma", "a]", " a", "a/"]),
        ("[ab]", &["a", "b"]),
        ("[!ab]", &["-", "]", "c", "d", "e"]),
        ("[^a]", &["a"]),
        ("[^a]a", &["^a"]),
        ("[a", &["[a"]),
        ("[", &[]),
        ("[]", &[]),
        ("[]]", &["]"]),
        ("[!]]", &["a", "b", "-", "c", "d", "e"]),
        ("[!]", &[]),
        ("[a-c]", &["a", "b", "c"]),
        ("[c-a]", &[]),
        ("[a-]", &["a", "-"]),
        ("[-a]", &["a", "-"]),
        ("[--a]", &["a", "-", "]"]),
        ("[a-c-e]", &["a", "b", "-", "c", "e"]),
        ("m-Q[45]_K_M.gguf", &["m-Q4_K_M.gguf", "m-Q5_K_M.gguf"]),
        ("m-Q[!5]_K_M.gguf", &["m-Q4_K_M.gguf"]),
        ("m{a,b}", &["m{a,b}"]),
        ("a[*]b", &["a*b"]),
        ("a[]]", &["a]"]),
        ("*]", &["]", "[ab]", "a]"]),
        ("?a", &["[a", "!a", "^a", "ma", " a"]),
        ("*.gguf*", &["BF16/m.gguf", "xBF16/m.gguf", "m-Q4_K_M.gguf", "m-Q5_K_M.gguf", "m.Q4.gguf.part"]),
        ("é.*", &["é.txt"]),
        ("?.txt", &["é.txt"]),
        ("[a/]/b.bin", &["a/b.bin"]),
        ("a[/]b.bin", &["a/b.bin"]),
        ("a?b.bin", &["a/b.bin"]),
        ("[[]a*", &["[a", "[ab]"]),
        ("[!a-c]", &["-", "]", "d", "e"]),
        ("*a*b*", &["[ab]", "a/b.bin", "m{a,b}", "a*b"]),
        ("\\", &[]),
        ("a\\b.bin", &["a/b.bin"]),
        ("[b-a-c]", &["-", "c"]),
        ("[--]", &["-"]),
        ("[!-a]", &["b", "]", "c", "d", "e"]),
        ("[a-a-]", &["a", "-"]),
    ];

    #[test]
    fn patterns_choose_what_they_choose_with_the_official_client() {
        for (pattern, wanted) in OFFICIAL {
            let globs = Globs::new(&[pattern.to_owned()]);
            let chosen: Vec<&str> = PATHS.into_iter().filter(|path| globs.match_any(path)).collect();
            assert_eq!(chosen, wanted, "{pattern}");
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_few() {
        let globs = Globs::new(&[format!("{}b", "*a".repeat(200))]);
        assert!(!globs.match_any(&"a".repeat(1_000)));
        assert!(!Globs::new(&[]).match_any("a"));
    }
}
