//! The settings file, `config.toml`.

use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::desk::{Fault, FaultKind};

/// The keys that the file may have, for the warning about others.
const KEYS: [&str; 18] = [
    "endpoint",
    "cache_dir",
    "local_roots",
    "offline",
    "max_active",
    "connections",
    "total_connections",
    "max_speed",
    "schedule",
    "keep_free",
    "trash_days",
    "connect_seconds",
    "stall_seconds",
    "retry_seconds",
    "xet",
    "proxy",
    "no_proxy",
    "ca_file",
];

/// A text that may hold a password and is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Hidden(pub(super) String);

impl fmt::Debug for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Hidden(…)")
    }
}

/// What the settings file says. An unknown key is a warning, never a failure: the file may be from a newer version.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct FileSettings {
    /// The Hub's base URL.
    pub endpoint: Option<String>,
    /// The Hugging Face cache; a leading `~` is the home folder.
    pub cache_dir: Option<String>,
    /// Folders of models that others keep; a leading `~` is the home folder.
    pub local_roots: Option<Vec<String>>,
    /// Whether to leave the network alone.
    pub offline: Option<bool>,
    /// Jobs that run at once.
    pub max_active: Option<usize>,
    /// Connections for each file.
    pub connections: Option<usize>,
    /// Connections for all files together.
    pub total_connections: Option<usize>,
    /// A speed such as `20MiB`.
    pub max_speed: Option<String>,
    /// Speeds by the time of day, such as `22:00-07:00 full, else 2 MB/s`.
    pub schedule: Option<String>,
    /// A size such as `1GiB`.
    pub keep_free: Option<String>,
    /// Days for which what was deleted can be brought back.
    pub trash_days: Option<u32>,
    /// Seconds to wait for a connection to a file's server.
    pub connect_seconds: Option<f64>,
    /// Seconds to wait for a file's next byte.
    pub stall_seconds: Option<f64>,
    /// The most seconds between two tries of a transfer.
    pub retry_seconds: Option<f64>,
    /// A proxy for all addresses, such as `http://gate:3128` or `socks5h://localhost:1080`; an empty text is none.
    pub proxy: Option<Hidden>,
    /// Hosts that are reached without a proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// A PEM file with certificates to trust beside the system's; a leading `~` is the home folder.
    pub ca_file: Option<String>,
    /// `auto` or `off`.
    pub xet: Option<String>,
    /// What was odd, one sentence each.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

impl FileSettings {
    /// Reads the file. A missing one says nothing, unless it was asked for by name.
    pub fn read(path: &Path, must_exist: bool) -> Result<Self, Fault> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(Self::default()),
            Err(error) => Err(Fault::disk(format!("read the settings file {}", path.display()), error)),
        }
    }

    /// Reads the file's text; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Fault> {
        let malformed = |error: toml::de::Error| {
            Fault::new(FaultKind::Usage, format!("the settings file {} cannot be read: {}", path.display(), error.message()))
                .hint(error.span().map_or(String::new(), |span| format!("look at line {}", line_of(text, span.start))))
            // The error itself stays out: it repeats the file's text, which may hold a proxy's password.
        };
        let mut settings: Self = toml::from_str(text).map_err(malformed)?;
        let table: toml::Table = toml::from_str(text).map_err(malformed)?;
        settings.warnings = table.keys().filter(|key| !KEYS.contains(&key.as_str())).map(|key| unknown(key, path)).collect();
        Ok(settings)
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn unknown(key: &str, path: &Path) -> String {
    format!("{} has an unknown key “{key}”; the keys are {}", path.display(), KEYS.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_a_warning_and_a_wrong_type_names_its_line() {
        let path = Path::new("c.toml");
        let settings = FileSettings::parse("max_activ = 3\noffline = true", path).unwrap();
        assert!(settings.warnings[0].contains("max_activ") && settings.offline == Some(true));
        let fault = FileSettings::parse("offline = true\nconnections = 'many'", path).unwrap_err();
        assert_eq!(fault.hint.as_deref(), Some("look at line 2"));
    }

    #[test]
    fn a_proxys_password_is_never_shown() {
        let path = Path::new("c.toml");
        let settings = FileSettings::parse("proxy = 'http://ada:s3cret@gate'", path).unwrap();
        assert!(!format!("{settings:?}").contains("s3cret"));
        for text in ["proxy = 'http://ada:s3cret@gate", "proxy = ['http://ada:s3cret@gate']"] {
            let fault = FileSettings::parse(text, path).unwrap_err();
            assert!(!format!("{fault:?}").contains("s3cret"), "{fault:?}");
        }
    }

    #[test]
    fn a_missing_file_matters_only_when_it_was_named() {
        let path = Path::new("/nowhere/config.toml");
        assert_eq!(FileSettings::read(path, false).unwrap(), FileSettings::default());
        assert!(FileSettings::read(path, true).is_err());
    }
}
