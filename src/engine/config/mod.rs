//! Settings: defaults < file < environment < flags, and where each value came from.
//!
//! Everything here is a function of its arguments: the environment and the files' contents are handed in, so that every
//! rule can be tested by value. Knows no face.

mod environment;
mod file;
mod neighbours;
mod network;
mod token;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use environment::{Environment, ProcessEnvironment};
pub use file::FileSettings;
pub use neighbours::Neighbours;
pub use network::{NetworkSettings, Proxy};
pub use token::{Token, find_token};

use crate::desk::{Fault, FaultKind, Schedule, parse_bytes};

/// The public Hub, which the official client talks to by default.
pub const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// How many jobs run at once unless set: as many as keep a fast link busy without starving each other.
const DEFAULT_MAX_ACTIVE: usize = 3;

/// Connections to each file's server unless set.
const DEFAULT_CONNECTIONS: usize = 32;

/// How long a transfer waits for a connection, for its next byte, and at most between two tries, unless set; in seconds.
const DEFAULT_WAITS: [f64; 3] = [10.0, 30.0, 30.0];

/// Connections to all servers together unless set: as many as four large files use.
const DEFAULT_TOTAL_CONNECTIONS: usize = 32;

/// Bytes of the disk that downloads leave free unless set: enough for logs, shells and databases to go on, little beside a model.
const DEFAULT_KEEP_FREE: u64 = 1 << 30;

/// Days for which what was deleted can be brought back unless set: time enough to miss it, at the price of its room on the disk.
const DEFAULT_TRASH_DAYS: u32 = 7;

/// Where a value came from, from weakest to strongest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// The settings file.
    File(PathBuf),
    /// This environment variable.
    Environment(&'static str),
    /// This flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File(path) => write!(out, "{}", path.display()),
            Self::Environment(name) => out.write_str(name),
            Self::Flag(name) => write!(out, "--{name}"),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

/// What the command line says, where it says anything.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--endpoint`
    pub endpoint: Option<String>,
    /// `--token`
    pub token: Option<String>,
    /// `--cache-dir`
    pub cache_dir: Option<PathBuf>,
    /// `--offline`
    pub offline: bool,
    /// `--max-speed`, in bytes a second
    pub max_speed: Option<u64>,
    /// `--config`
    pub config_file: Option<PathBuf>,
}

/// Every setting in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Hub's base URL without a trailing slash.
    pub endpoint: Setting<String>,
    /// The token sent to that Hub and nowhere else.
    pub token: Option<Setting<Token>>,
    /// The Hugging Face cache (`$HF_HUB_CACHE`).
    pub cache_dir: Setting<PathBuf>,
    /// Folders of models that others keep, such as `~/.lmstudio/models`; content is copied from there instead of downloaded.
    pub local_roots: Setting<Vec<PathBuf>>,
    /// Folders in which other programs may keep models.
    pub neighbours: Neighbours,
    /// Whether the network is left alone.
    pub offline: Setting<bool>,
    /// Jobs that run at once.
    pub max_active: Setting<usize>,
    /// Connections for each file.
    pub connections: Setting<usize>,
    /// Connections for all files together.
    pub total_connections: Setting<usize>,
    /// The speed limit for all transfers together, by the time of day.
    pub schedule: Setting<Schedule>,
    /// Bytes of the disk that downloads leave free.
    pub keep_free: Setting<u64>,
    /// How long what was deleted can be brought back.
    pub trash_kept: Setting<Duration>,
    /// Proxies, and certificates to trust.
    pub network: NetworkSettings,
    /// How long a transfer waits for a connection.
    pub connect_timeout: Setting<Duration>,
    /// How long a transfer waits for its next byte before it tries another connection.
    pub stall_timeout: Setting<Duration>,
    /// The longest wait between two tries of a transfer; the first ones are shorter.
    pub longest_retry: Setting<Duration>,
    /// Whether files come over Xet where the Hub offers it.
    pub xet: Setting<bool>,
    /// The folder of the queue and its history.
    pub state_dir: PathBuf,
    /// What was odd but not fatal: unknown keys and the like, one sentence each.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads the settings file and the login, and resolves every setting.
    pub fn load(flags: &Flags, environment: &dyn Environment) -> Result<Self, Fault> {
        let path = config_path(flags, environment)?;
        let file = FileSettings::read(&path, flags.config_file.is_some())?;
        Self::resolve(flags, environment, &file, &path)
    }

    /// Resolves every setting from what was handed in; reads only the login's token file.
    fn resolve(flags: &Flags, environment: &dyn Environment, file: &FileSettings, path: &Path) -> Result<Self, Fault> {
        let from_file = || Origin::File(path.to_path_buf());
        let home = environment::hf_home(environment)?;
        let mut warnings = file.warnings.clone();
        let [connect, stall, retry] = DEFAULT_WAITS;
        Ok(Self {
            endpoint: endpoint(flags, environment, file, from_file())?,
            token: find_token(flags.token.as_deref(), environment, &home)?,
            cache_dir: cache_dir(flags, environment, file, from_file(), &home)?,
            local_roots: local_roots(environment, file, from_file())?,
            neighbours: Neighbours::of(environment, &home.value),
            offline: offline(flags, environment, file, from_file()),
            max_active: count("max_active", file.max_active, DEFAULT_MAX_ACTIVE, 64, from_file())?,
            connections: count("connections", file.connections, DEFAULT_CONNECTIONS, 64, from_file())?,
            total_connections: count("total_connections", file.total_connections, DEFAULT_TOTAL_CONNECTIONS, 256, from_file())?,
            schedule: schedule(flags, file, from_file())?,
            keep_free: keep_free(file, from_file())?,
            trash_kept: trash_kept(file, from_file())?,
            network: NetworkSettings::resolve(environment, file, &from_file(), &mut warnings)?,
            connect_timeout: seconds("connect_seconds", file.connect_seconds, connect, from_file())?,
            stall_timeout: seconds("stall_seconds", file.stall_seconds, stall, from_file())?,
            longest_retry: seconds("retry_seconds", file.retry_seconds, retry, from_file())?,
            xet: xet(environment, file, from_file())?,
            state_dir: environment::state_dir(environment)?,
            warnings,
        })
    }
}

/// The settings file in force: `--config`, `$HFDESK_CONFIG`, else `$XDG_CONFIG_HOME/hfdesk/config.toml`.
pub fn config_path(flags: &Flags, environment: &dyn Environment) -> Result<PathBuf, Fault> {
    match flags.config_file.clone().or_else(|| environment.path("HFDESK_CONFIG")) {
        Some(path) => Ok(path),
        None => Ok(environment::xdg(environment, "XDG_CONFIG_HOME", ".config")?.join("hfdesk/config.toml")),
    }
}

/// The strongest of flag, environment and file, or the default.
fn strongest<T>(candidates: impl IntoIterator<Item = (Option<T>, Origin)>, default: T) -> Setting<T> {
    let found = candidates.into_iter().find_map(|(value, origin)| value.map(|value| Setting { value, origin }));
    found.unwrap_or(Setting { value: default, origin: Origin::Default })
}

fn endpoint(flags: &Flags, environment: &dyn Environment, file: &FileSettings, origin: Origin) -> Result<Setting<String>, Fault> {
    let candidates = [
        (flags.endpoint.clone(), Origin::Flag("endpoint")),
        (environment.get("HF_ENDPOINT"), Origin::Environment("HF_ENDPOINT")),
        (file.endpoint.clone(), origin),
    ];
    let chosen = strongest(candidates, DEFAULT_ENDPOINT.to_owned());
    let setting = Setting { value: chosen.value.trim().trim_end_matches('/').to_owned(), origin: chosen.origin };
    match url::Url::parse(&setting.value) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(setting),
        _ => Err(Fault::new(FaultKind::Usage, format!("the endpoint “{}” ({}) is not a web address", setting.value, setting.origin))
            .hint("write the Hub's base address, for example https://huggingface.co")),
    }
}

fn cache_dir(
    flags: &Flags,
    environment: &dyn Environment,
    file: &FileSettings,
    origin: Origin,
    home: &Setting<PathBuf>,
) -> Result<Setting<PathBuf>, Fault> {
    let candidates = [
        (flags.cache_dir.clone(), Origin::Flag("cache-dir")),
        (environment.path("HF_HUB_CACHE"), Origin::Environment("HF_HUB_CACHE")),
        (environment.path("HUGGINGFACE_HUB_CACHE"), Origin::Environment("HUGGINGFACE_HUB_CACHE")),
        (file.cache_dir.as_deref().map(|path| environment.expand(path)), origin),
    ];
    let mut setting = strongest(candidates, home.value.join("hub"));
    if setting.origin == Origin::Default {
        setting.origin = home.origin.clone();
    }
    setting.value = std::path::absolute(&setting.value).map_err(|error| Fault::disk("find the current folder", error))?;
    Ok(setting)
}

fn local_roots(environment: &dyn Environment, file: &FileSettings, origin: Origin) -> Result<Setting<Vec<PathBuf>>, Fault> {
    let absolute = |root: &String| std::path::absolute(environment.expand(root));
    let roots = file.local_roots.as_ref().map(|roots| roots.iter().map(absolute).collect::<Result<_, _>>()).transpose();
    let roots = roots.map_err(|error| Fault::disk("find the folders of local_roots", error))?;
    Ok(strongest([(roots, origin)], Vec::new()))
}

fn offline(flags: &Flags, environment: &dyn Environment, file: &FileSettings, origin: Origin) -> Setting<bool> {
    let candidates = [
        (flags.offline.then_some(true), Origin::Flag("offline")),
        (environment.switch("HF_HUB_OFFLINE"), Origin::Environment("HF_HUB_OFFLINE")),
        (environment.switch("TRANSFORMERS_OFFLINE"), Origin::Environment("TRANSFORMERS_OFFLINE")),
        (file.offline, origin),
    ];
    strongest(candidates, false)
}

fn count(name: &str, value: Option<usize>, default: usize, most: usize, origin: Origin) -> Result<Setting<usize>, Fault> {
    let setting = strongest([(value, origin)], default);
    if (1..=most).contains(&setting.value) {
        return Ok(setting);
    }
    let message = format!("{name} = {} ({}) is out of range", setting.value, setting.origin);
    Err(Fault::new(FaultKind::Usage, message).hint(format!("choose a number from 1 to {most}")))
}

fn seconds(name: &str, value: Option<f64>, default: f64, origin: Origin) -> Result<Setting<Duration>, Fault> {
    let Setting { value, origin } = strongest([(value, origin)], default);
    if (0.01..=3600.0).contains(&value) {
        return Ok(Setting { value: Duration::from_secs_f64(value), origin });
    }
    let message = format!("{name} = {value} ({origin}) is out of range");
    Err(Fault::new(FaultKind::Usage, message).hint("choose a number of seconds from 0.01 to 3600"))
}

/// A limit on the command line holds at any time of day.
fn schedule(flags: &Flags, file: &FileSettings, origin: Origin) -> Result<Setting<Schedule>, Fault> {
    let within = |key: &str| format!("{key} ({origin})");
    let max_speed = file.max_speed.as_deref().map(parse_bytes).transpose().map_err(|fault| fault.within(&within("max_speed")))?;
    let otherwise = max_speed.filter(|speed| *speed > 0);
    let by_time = file.schedule.as_deref().map(|text| Schedule::parse(text, otherwise)).transpose();
    let from_file = by_time.map_err(|fault| fault.within(&within("schedule")))?.or(max_speed.map(|_| Schedule::always(otherwise)));
    let flag = flags.max_speed.map(|speed| Schedule::always((speed > 0).then_some(speed)));
    Ok(strongest([(flag, Origin::Flag("max-speed")), (from_file, origin)], Schedule::default()))
}

fn keep_free(file: &FileSettings, origin: Origin) -> Result<Setting<u64>, Fault> {
    let from_file =
        file.keep_free.as_deref().map(parse_bytes).transpose().map_err(|fault| fault.within(&format!("keep_free ({origin})")))?;
    Ok(strongest([(from_file, origin)], DEFAULT_KEEP_FREE))
}

/// With 0 days it is emptied at the next occasion.
fn trash_kept(file: &FileSettings, origin: Origin) -> Result<Setting<Duration>, Fault> {
    let Setting { value, origin } = strongest([(file.trash_days, origin)], DEFAULT_TRASH_DAYS);
    if value <= 3650 {
        return Ok(Setting { value: Duration::from_secs(u64::from(value) * 24 * 60 * 60), origin });
    }
    Err(Fault::new(FaultKind::Usage, format!("trash_days = {value} ({origin}) is out of range")).hint("choose a number from 0 to 3650"))
}

fn xet(environment: &dyn Environment, file: &FileSettings, origin: Origin) -> Result<Setting<bool>, Fault> {
    let from_file = match file.xet.as_deref() {
        None => None,
        Some("auto") => Some(true),
        Some("off") => Some(false),
        Some(other) => {
            let fault = Fault::new(FaultKind::Usage, format!("xet = “{other}” ({origin}) is neither “auto” nor “off”"));
            return Err(fault.hint("“auto” takes files over Xet where the Hub offers it, “off” never does"));
        }
    };
    let disabled = environment.switch("HF_HUB_DISABLE_XET").map(|disabled| !disabled);
    Ok(strongest([(disabled, Origin::Environment("HF_HUB_DISABLE_XET")), (from_file, origin)], true))
}

#[cfg(test)]
mod tests {
    use super::environment::fixed;
    use super::*;

    fn resolve(flags: &Flags, environment: &[(&'static str, &str)], file: &str) -> Result<Settings, Fault> {
        let path = Path::new("/etc/hfdesk.toml");
        Settings::resolve(flags, &fixed(environment), &FileSettings::parse(file, path)?, path)
    }

    #[test]
    fn without_anything_the_official_clients_defaults_hold() {
        let settings = resolve(&Flags::default(), &[("HOME", "/home/ada")], "").unwrap();
        assert_eq!(settings.endpoint.value, DEFAULT_ENDPOINT);
        assert_eq!(settings.cache_dir.value, Path::new("/home/ada/.cache/huggingface/hub"));
        assert_eq!(settings.state_dir, Path::new("/home/ada/.local/state/hfdesk"));
        assert_eq!(settings.cache_dir.origin, Origin::Default);
        assert!(settings.token.is_none() && !settings.offline.value && settings.schedule.value == Schedule::default());
    }

    #[test]
    fn xet_is_used_unless_somebody_says_no() {
        let xet = |environment: &[(&'static str, &str)], file: &str| {
            let environment = [&[("HOME", "/h")], environment].concat();
            resolve(&Flags::default(), &environment, file).map(|settings| settings.xet.value).map_err(|fault| fault.kind)
        };
        assert_eq!((xet(&[], ""), xet(&[], "xet = 'auto'"), xet(&[], "xet = 'off'")), (Ok(true), Ok(true), Ok(false)));
        assert_eq!(xet(&[("HF_HUB_DISABLE_XET", "1")], "xet = 'auto'"), Ok(false));
        assert_eq!(xet(&[("HF_HUB_DISABLE_XET", "0")], "xet = 'off'"), Ok(true));
        assert_eq!(xet(&[], "xet = 'sometimes'"), Err(FaultKind::Usage));
    }

    #[test]
    fn flags_beat_the_environment_which_beats_the_file() {
        let file = "endpoint = 'https://file.example/'\ncache_dir = '/file'\nmax_active = 5";
        let environment = [("HOME", "/h"), ("HF_ENDPOINT", "https://env.example"), ("HF_HOME", "/hf"), ("HF_HUB_OFFLINE", "ON")];
        let flags = Flags { cache_dir: Some("/flag".into()), ..Flags::default() };
        let settings = resolve(&flags, &environment, file).unwrap();
        assert_eq!(
            (settings.endpoint.value.as_str(), settings.endpoint.origin.to_string().as_str()),
            ("https://env.example", "HF_ENDPOINT")
        );
        assert_eq!((settings.cache_dir.value.to_str().unwrap(), settings.cache_dir.origin), ("/flag", Origin::Flag("cache-dir")));
        assert_eq!((settings.max_active.value, settings.max_active.origin.to_string().as_str()), (5, "/etc/hfdesk.toml"));
        assert!(settings.offline.value);
        let plain = resolve(&Flags::default(), &environment, file).unwrap();
        assert_eq!(plain.cache_dir.value, Path::new("/file"));
        let tilde = resolve(&Flags::default(), &environment, "cache_dir = '~/models'").unwrap();
        assert_eq!(tilde.cache_dir.value, Path::new("/h/models"));
    }

    #[test]
    fn local_roots_begin_at_home() {
        let settings = resolve(&Flags::default(), &[("HOME", "/h")], "local_roots = ['~/.lmstudio/models', '/data']").unwrap();
        assert_eq!(settings.local_roots.value, [Path::new("/h/.lmstudio/models"), Path::new("/data")]);
        assert!(resolve(&Flags::default(), &[("HOME", "/h")], "").unwrap().local_roots.value.is_empty());
    }

    #[test]
    fn the_cache_follows_hf_home_unless_named() {
        let home = resolve(&Flags::default(), &[("HOME", "/h"), ("HF_HOME", "~/models")], "").unwrap();
        assert_eq!(home.cache_dir.value, Path::new("/h/models/hub"));
        assert_eq!(home.cache_dir.origin, Origin::Environment("HF_HOME"));
        let named = resolve(&Flags::default(), &[("HOME", "/h"), ("HF_HOME", "/x"), ("HF_HUB_CACHE", "/y")], "").unwrap();
        assert_eq!(named.cache_dir.value, Path::new("/y"));
    }

    #[test]
    fn waits_are_seconds_and_bounded() {
        let waits =
            |file: &str| resolve(&Flags::default(), &[("HOME", "/h")], file).map(|s| (s.stall_timeout.value, s.longest_retry.value));
        assert_eq!(waits(""), Ok((Duration::from_secs(30), Duration::from_secs(30))));
        assert_eq!(waits("stall_seconds = 5\nretry_seconds = 0.5"), Ok((Duration::from_secs(5), Duration::from_millis(500))));
        for value in ["0", "-1", "nan", "inf", "4000"] {
            assert_eq!(waits(&format!("stall_seconds = {value}")).unwrap_err().kind, FaultKind::Usage, "{value}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_origin() {
        let fault = resolve(&Flags::default(), &[("HOME", "/h"), ("HF_ENDPOINT", "hub.local")], "").unwrap_err();
        assert!(fault.message.contains("HF_ENDPOINT") && fault.kind == FaultKind::Usage, "{fault}");
        assert!(resolve(&Flags::default(), &[("HOME", "/h")], "connections = 0").is_err());
        let told = |file: &str| resolve(&Flags::default(), &[("HOME", "/h")], file).unwrap_err().message;
        assert_eq!(told("max_speed = 'fast'"), "max_speed (/etc/hfdesk.toml): “fast” is not a size");
        assert!(told("schedule = '1:00-2:00 full, else fast'").contains("“else fast” is no part of a schedule"));
        assert!(told("keep_free = 'some'").starts_with("keep_free (/etc/hfdesk.toml)"));
        assert_eq!(told("trash_days = 4000"), "trash_days = 4000 (/etc/hfdesk.toml) is out of range");
        assert!(told("total_connections = 257").contains("out of range"));
    }

    #[test]
    fn a_schedule_falls_back_to_the_files_limit_and_a_flag_holds_all_day() {
        let file = "max_speed = '2M'\nschedule = '1:00-2:00 full'";
        let schedule = |flags: &Flags, file: &str| resolve(flags, &[("HOME", "/h")], file).unwrap().schedule;
        let both = schedule(&Flags::default(), file);
        assert_eq!(
            (both.value, both.origin.to_string().as_str()),
            (Schedule::parse("1:00-2:00 full", Some(2 << 20)).unwrap(), "/etc/hfdesk.toml")
        );
        let flag = schedule(&Flags { max_speed: Some(5), ..Flags::default() }, file);
        assert_eq!((flag.value, flag.origin), (Schedule::always(Some(5)), Origin::Flag("max-speed")));
        assert_eq!(schedule(&Flags::default(), "max_speed = '0'").value, Schedule::default());
    }

    #[test]
    fn room_and_connections_can_be_set() {
        let set = resolve(&Flags::default(), &[("HOME", "/h")], "keep_free = '0'\ntotal_connections = 200").unwrap();
        assert_eq!((set.keep_free.value, set.total_connections.value), (0, 200));
        let days = |file: &str| resolve(&Flags::default(), &[("HOME", "/h")], file).unwrap().trash_kept.value.as_secs() / 86_400;
        assert_eq!((days(""), days("trash_days = 0"), days("trash_days = 30")), (7, 0, 30));
        assert_eq!(resolve(&Flags::default(), &[("HOME", "/h")], "").unwrap().keep_free.value, 1 << 30);
    }
}
