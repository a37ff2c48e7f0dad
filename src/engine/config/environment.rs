//! The environment as an argument, and the folders it names.

use std::path::PathBuf;

use super::{Origin, Setting};
use crate::desk::{Fault, FaultKind};

/// A process's environment variables.
pub trait Environment {
    /// A variable's value; an empty one counts as unset.
    fn get(&self, name: &str) -> Option<String>;

    /// A variable that names a path, with a leading `~` replaced by the home folder.
    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.expand(&self.get(name)?))
    }

    /// A folder that belongs to the machine rather than to a user; `None` in an environment that is not a real process's.
    fn of_machine(&self, _path: &str) -> Option<PathBuf> {
        None
    }

    /// A path as a person writes it, with a leading `~` replaced by the home folder.
    fn expand(&self, text: &str) -> PathBuf {
        match (text.strip_prefix('~'), self.get("HOME")) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => PathBuf::from(home + rest),
            _ => PathBuf::from(text),
        }
    }

    /// A variable that is a switch: on for `1`, `ON`, `YES` and `TRUE` as the official client has it, off for anything else.
    fn switch(&self, name: &str) -> Option<bool> {
        let text = self.get(name)?.to_ascii_uppercase();
        Some(matches!(text.as_str(), "1" | "ON" | "YES" | "TRUE"))
    }
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn of_machine(&self, path: &str) -> Option<PathBuf> {
        Some(PathBuf::from(path))
    }
}

/// `$HF_HOME`, else `$XDG_CACHE_HOME/huggingface`, else `~/.cache/huggingface`.
pub(super) fn hf_home(environment: &dyn Environment) -> Result<Setting<PathBuf>, Fault> {
    if let Some(value) = environment.path("HF_HOME") {
        return Ok(Setting { value, origin: Origin::Environment("HF_HOME") });
    }
    let value = xdg(environment, "XDG_CACHE_HOME", ".cache")?.join("huggingface");
    Ok(Setting { value, origin: Origin::Default })
}

/// `$XDG_STATE_HOME/hfdesk`, else `~/.local/state/hfdesk`.
pub(super) fn state_dir(environment: &dyn Environment) -> Result<PathBuf, Fault> {
    Ok(xdg(environment, "XDG_STATE_HOME", ".local/state")?.join("hfdesk"))
}

/// A base folder of the XDG specification, or its place under the home folder.
pub(super) fn xdg(environment: &dyn Environment, variable: &str, under_home: &str) -> Result<PathBuf, Fault> {
    if let Some(path) = environment.path(variable) {
        return Ok(path);
    }
    let no_home = || {
        Fault::new(FaultKind::Usage, "there is no home folder: HOME is not set")
            .hint("set HOME, or HF_HUB_CACHE, XDG_STATE_HOME and XDG_CONFIG_HOME")
    };
    Ok(environment.path("HOME").or_else(dirs::home_dir).ok_or_else(no_home)?.join(under_home))
}

/// An environment with these variables and no others.
#[cfg(test)]
pub(super) fn fixed(variables: &[(&'static str, &str)]) -> impl Environment + use<> {
    struct Fixed(Vec<(&'static str, String)>);
    impl Environment for Fixed {
        fn get(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        }
    }
    Fixed(variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_have_the_official_clients_meaning() {
        let environment = fixed(&[("A", "yes"), ("B", "0"), ("C", "")]);
        assert_eq!((environment.switch("A"), environment.switch("B"), environment.switch("C")), (Some(true), Some(false), None));
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        let environment = fixed(&[("HOME", "/h"), ("A", "~/x"), ("B", "~user"), ("C", "~")]);
        let paths = ["A", "B", "C"].map(|name| environment.path(name).unwrap());
        assert_eq!(paths, [PathBuf::from("/h/x"), PathBuf::from("~user"), PathBuf::from("/h")]);
    }
}
