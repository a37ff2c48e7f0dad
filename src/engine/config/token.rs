//! The token: where a login keeps it, and a wrapper that never shows it.

use std::fmt;
use std::path::PathBuf;

use super::{Environment, Origin, Setting};
use crate::desk::{Fault, FaultKind};

/// A secret that opens a Hub. Its text is never shown, logged or serialized.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token in a text from a flag, a variable or a file: without white space around it; `None` where nothing is left, as the
    /// official client has it.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text itself, for an `Authorization` header and nothing else.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// A usage fault where the text cannot stand in a header.
    pub fn check(&self) -> Result<(), Fault> {
        if self.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(());
        }
        Err(Fault::new(FaultKind::Usage, "the token contains characters that no token has")
            .hint("copy it again from the Hub's settings page (Access Tokens); it starts with hf_"))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(…)")
    }
}

/// The token in force: `--token`, `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, then the login's file (`HF_TOKEN_PATH`, else `$HF_HOME/token`).
///
/// `HF_HUB_DISABLE_IMPLICIT_TOKEN` leaves only the flag, as in the official client.
pub fn find_token(flag: Option<&str>, environment: &dyn Environment, home: &Setting<PathBuf>) -> Result<Option<Setting<Token>>, Fault> {
    let setting = |value, origin| Some(Setting { value, origin });
    if let Some(value) = flag.and_then(Token::new) {
        return Ok(setting(value, Origin::Flag("token")));
    }
    if environment.switch("HF_HUB_DISABLE_IMPLICIT_TOKEN") == Some(true) {
        return Ok(None);
    }
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        if let Some(value) = environment.get(name).as_deref().and_then(Token::new) {
            return Ok(setting(value, Origin::Environment(name)));
        }
    }
    let path = environment.path("HF_TOKEN_PATH").unwrap_or_else(|| home.value.join("token"));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Token::new(&text).and_then(|value| setting(value, Origin::File(path)))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::disk(format!("read the login's token {}", path.display()), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::environment::fixed;
    use super::*;

    #[test]
    fn the_strongest_source_wins_and_nothing_shows_the_token() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), "hf_file\n").unwrap();
        let home = Setting { value: dir.path().to_path_buf(), origin: Origin::Default };
        let find = |flag, variables: &[(&'static str, &str)]| {
            find_token(flag, &fixed(variables), &home).unwrap().map(|token| (token.value.secret().to_owned(), token.origin.to_string()))
        };
        assert_eq!(find(Some("hf_flag"), &[("HF_TOKEN", "hf_env")]).unwrap().0, "hf_flag");
        assert_eq!(find(None, &[("HF_TOKEN", " hf_env\r\n")]), Some(("hf_env".into(), "HF_TOKEN".into())));
        assert_eq!(find(None, &[]).unwrap().0, "hf_file");
        assert_eq!(find(None, &[("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]), None);
        assert_eq!(find(None, &[("HF_TOKEN_PATH", "/nowhere/token")]), None);
        assert!(!format!("{:?}", Token::new("hf_x")).contains("hf_x"));
    }

    #[test]
    fn a_token_with_a_line_break_inside_is_refused() {
        assert!(Token::new("hf_a\nX-Evil: 1").unwrap().check().is_err());
        assert!(Token::new("hf_abc-1.2_3").unwrap().check().is_ok());
    }
}
