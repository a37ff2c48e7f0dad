//! The way to the network: proxies, who is reached without them, and certificates to trust beside the system's.
//!
//! Other programs' variables are obeyed as those programs have them, the lower-case one first. The settings file is this
//! program's alone, so what it says about them goes before variables that are meant for every program.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use super::file::FileSettings;
use super::{Environment, Origin, Setting};
use crate::desk::{Fault, FaultKind};

/// Files with certificates to trust, as OpenSSL, Python and curl have them.
const CA_VARIABLES: [&str; 3] = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

/// How servers are reached and whose certificates are trusted.
#[derive(Clone, Debug, Default)]
pub struct NetworkSettings {
    /// The proxy for `http://` addresses.
    pub http_proxy: Option<Setting<Proxy>>,
    /// The proxy for `https://` addresses.
    pub https_proxy: Option<Setting<Proxy>>,
    /// Hosts that are reached without a proxy: names with all below them, addresses, networks such as `10.0.0.0/8`, or `*`,
    /// separated by commas.
    pub no_proxy: Option<Setting<String>>,
    /// PEM files with certificates of authorities that are trusted beside the system's. One that a variable names may be missing.
    pub ca_files: Vec<Setting<PathBuf>>,
}

impl NetworkSettings {
    /// Resolves them; a variable that names a missing certificate file only adds a warning.
    pub(super) fn resolve(
        environment: &dyn Environment,
        file: &FileSettings,
        origin: &Origin,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            http_proxy: proxy(environment, file, origin, ["http_proxy", "HTTP_PROXY"])?,
            https_proxy: proxy(environment, file, origin, ["https_proxy", "HTTPS_PROXY"])?,
            no_proxy: text(file.no_proxy.as_ref(), origin).or_else(|| variable(environment, ["no_proxy", "NO_PROXY"])),
            ca_files: ca_files(environment, file, origin, warnings),
        })
    }
}

/// A proxy's address, which may hold a login. The login is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

impl Proxy {
    /// Reads `http://`, `https://`, `socks4://`, `socks4a://`, `socks5://` (names are resolved here) or `socks5h://` (at the proxy).
    /// Without a scheme it is `http://`; desktops write `socks://` for `socks5h://`. `None` where it is none of these.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = match text.split_once("://") {
            None => format!("http://{text}"),
            Some(("socks", rest)) => format!("socks5h://{rest}"),
            Some(_) => text.to_owned(),
        };
        let mut url = Url::parse(&text).ok().filter(Url::has_host)?;
        let is_socks = matches!(url.scheme(), "socks4" | "socks4a" | "socks5" | "socks5h");
        if is_socks && url.port().is_none() {
            url.set_port(Some(1080)).ok()?;
        }
        (is_socks || matches!(url.scheme(), "http" | "https")).then_some(Self(url))
    }

    /// The address with its login, for whoever connects and nobody else.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether the address holds a login.
    pub fn has_login(&self) -> bool {
        !self.0.username().is_empty() || self.0.password().is_some()
    }
}

/// The address without its login and without what follows the port.
impl fmt::Display for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(out, ":{port}"))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Proxy({self})")
    }
}

/// The file's proxy, else the variables' for this scheme, else theirs for every scheme. The file's empty text is none at all.
fn proxy(
    environment: &dyn Environment,
    file: &FileSettings,
    origin: &Origin,
    names: [&'static str; 2],
) -> Result<Option<Setting<Proxy>>, Fault> {
    let variables = || variable(environment, names).or_else(|| variable(environment, ["all_proxy", "ALL_PROXY"]));
    let chosen =
        text(file.proxy.as_ref().map(|proxy| &proxy.0), origin).or_else(variables).filter(|setting| !setting.value.trim().is_empty());
    let Some(Setting { value, origin }) = chosen else { return Ok(None) };
    match Proxy::parse(&value) {
        Some(value) => Ok(Some(Setting { value, origin })),
        None => Err(malformed(&origin)),
    }
}

/// The text stays out of it: it may hold a password.
fn malformed(origin: &Origin) -> Fault {
    Fault::new(FaultKind::Usage, format!("the proxy that {origin} names is not an address that can be used"))
        .hint("write http://HOST:PORT, https://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT, with USER:PASSWORD@ before the host where it wants a login")
}

fn text(value: Option<&String>, origin: &Origin) -> Option<Setting<String>> {
    value.map(|value| Setting { value: value.clone(), origin: origin.clone() })
}

fn variable(environment: &dyn Environment, names: [&'static str; 2]) -> Option<Setting<String>> {
    names.into_iter().find_map(|name| Some(Setting { value: environment.get(name)?, origin: Origin::Environment(name) }))
}

/// Every file that is named, each once. What the settings file names must exist, and whoever reads it says so.
fn ca_files(environment: &dyn Environment, file: &FileSettings, origin: &Origin, warnings: &mut Vec<String>) -> Vec<Setting<PathBuf>> {
    let own = file.ca_file.as_deref().map(|path| Setting { value: environment.expand(path), origin: origin.clone() });
    let mut files: Vec<_> = own.into_iter().collect();
    for name in CA_VARIABLES {
        let Some(value) = environment.path(name) else { continue };
        if !value.is_file() {
            warnings.push(format!("{name} names no certificate file: {}; going on with the system's certificates", value.display()));
        }
        if files.iter().all(|file| file.value != value) {
            files.push(Setting { value, origin: Origin::Environment(name) });
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::environment::fixed;
    use super::*;

    fn resolved(environment: &[(&'static str, &str)], file: &str) -> Result<NetworkSettings, Fault> {
        let path = Path::new("/etc/hfdesk.toml");
        let file = FileSettings::parse(file, path)?;
        NetworkSettings::resolve(&fixed(environment), &file, &Origin::File(path.to_path_buf()), &mut Vec::new())
    }

    fn shown(proxy: Option<Setting<Proxy>>) -> Option<(String, String)> {
        proxy.map(|proxy| (proxy.value.to_string(), proxy.origin.to_string()))
    }

    fn said(proxy: &str, origin: &str) -> (String, String) {
        (proxy.to_owned(), origin.to_owned())
    }

    #[test]
    fn each_scheme_has_its_variable_and_one_serves_all() {
        let all = [("all_proxy", "socks5h://gate"), ("HTTPS_PROXY", "gate.corp:3128"), ("https_proxy", "https://gate:8443/")];
        let settings = resolved(&all, "").unwrap();
        assert_eq!(shown(settings.http_proxy), Some(said("socks5h://gate:1080", "all_proxy")));
        assert_eq!(shown(settings.https_proxy), Some(said("https://gate:8443", "https_proxy")));
        let upper = resolved(&all[1..2], "").unwrap();
        assert_eq!((shown(upper.http_proxy), shown(upper.https_proxy)), (None, Some(said("http://gate.corp:3128", "HTTPS_PROXY"))));
    }

    #[test]
    fn the_settings_file_goes_before_the_variables_and_may_name_no_proxy() {
        let variables = [("HTTP_PROXY", "http://a:1"), ("HTTPS_PROXY", "http://b:2"), ("NO_PROXY", "x.test")];
        let settings = resolved(&variables, "proxy = 'socks://own:9'\nno_proxy = 'y.test'").unwrap();
        assert_eq!(shown(settings.http_proxy), Some(said("socks5h://own:9", "/etc/hfdesk.toml")));
        assert_eq!(shown(settings.https_proxy), Some(said("socks5h://own:9", "/etc/hfdesk.toml")));
        assert_eq!(settings.no_proxy.unwrap().value, "y.test");
        let direct = resolved(&variables, "proxy = ''").unwrap();
        assert!(direct.http_proxy.is_none() && direct.https_proxy.is_none());
        assert_eq!(direct.no_proxy.unwrap().origin, Origin::Environment("NO_PROXY"));
    }

    #[test]
    fn a_login_is_never_shown_not_even_of_a_malformed_proxy() {
        let settings = resolved(&[("HTTPS_PROXY", "http://ada:s3cret@gate:3128")], "").unwrap();
        assert!(!format!("{settings:?}").contains("s3cret"));
        let proxy = settings.https_proxy.unwrap().value;
        assert_eq!((proxy.to_string().as_str(), proxy.has_login()), ("http://gate:3128", true));
        for text in ["ftp://ada:s3cret@gate", "http://ada:s3cret@", "http://ada:s3cret@gate:port", "http://ada:s3cret@ga te", "://"] {
            let fault = resolved(&[("ALL_PROXY", text)], "").unwrap_err();
            assert!(fault.kind == FaultKind::Usage && fault.message.contains("ALL_PROXY"), "{fault}");
            assert!(!format!("{fault:?}").contains("s3cret"), "{fault:?}");
        }
    }

    #[test]
    fn every_file_of_certificates_counts_once_and_a_missing_one_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let there = dir.path().join("ca.pem");
        std::fs::write(&there, "").unwrap();
        let (there, mut warnings) = (there.to_str().unwrap(), Vec::new());
        let variables = [("HOME", "/h"), ("SSL_CERT_FILE", there), ("REQUESTS_CA_BUNDLE", "/gone.pem"), ("CURL_CA_BUNDLE", there)];
        let file = FileSettings { ca_file: Some("~/own.pem".into()), ..FileSettings::default() };
        let files = ca_files(&fixed(&variables), &file, &Origin::Default, &mut warnings);
        let named: Vec<_> = files.iter().map(|file| (file.value.to_str().unwrap(), file.origin.to_string())).collect();
        let all = [("/h/own.pem", "default"), (there, "SSL_CERT_FILE"), ("/gone.pem", "REQUESTS_CA_BUNDLE")];
        assert_eq!(named, all.map(|(path, origin)| (path, origin.to_owned())));
        assert!(warnings.len() == 1 && warnings[0].contains("/gone.pem"), "{warnings:?}");
    }
}
