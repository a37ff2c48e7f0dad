//! What went wrong below HTTP, as far as the HTTP client's chain of errors tells, and what to do about it.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use url::Url;

use super::trust::TrustsNobody;
use super::{Gate, host};
use crate::desk::{Fault, FaultKind};

/// What to do about a certificate from an unknown authority.
const UNKNOWN_ISSUER: &str = "where a company inspects connections, name its certificate: ca_file in config.toml, or SSL_CERT_FILE; \
                              otherwise somebody may be listening";

/// What went wrong between us and a server.
#[derive(Clone, Debug)]
enum Trouble {
    Name,
    Refused,
    Timeout,
    Certificate(CertificateError),
    Handshake,
    Unreachable,
    Broken,
    /// Redirected more often than anybody follows.
    Circles,
    /// The proxy wants a login, or another one.
    Login,
    /// The proxy does not connect us with the server, and says why where it does.
    NoPassage(Option<String>),
}

/// The fault of a request or of a body's stream; `gate` is the proxy that it went through.
pub(super) fn fault(error: reqwest::Error, url: Option<&Url>, gate: Option<Gate<'_>>) -> Fault {
    let trouble = trouble(&error);
    let host = url.map_or_else(|| "the server".to_owned(), host);
    let before = gate.filter(|_| error.is_connect() && is_before_the_server(&error, url));
    let told = match (trouble, before, gate) {
        (Trouble::Login, _, Some(gate)) => gate.login(),
        (Trouble::NoPassage(reason), _, Some(gate)) => gate.no_passage(&host, reason),
        (Trouble::Timeout, _, Some(gate)) if error.is_connect() => gate.silence(&host),
        (trouble, Some(gate), _) => trouble.at_the_proxy(gate),
        (trouble, ..) => trouble.told(&host),
    };
    told.because(error.without_url())
}

/// The fault of an answer 407. `proxy` says which one, as “the proxy gate.example:3128”.
pub fn login_wanted(proxy: &str) -> Fault {
    Fault::new(FaultKind::NetworkSetup, format!("{proxy} wants a login"))
        .hint("write it into the proxy's address, http://USER:PASSWORD@HOST:PORT: proxy in config.toml, or HTTPS_PROXY")
}

impl Trouble {
    fn told(&self, host: &str) -> Fault {
        let (message, hint) = match self {
            Self::Certificate(error) => return distrust(error, host),
            Self::Circles => return Fault::new(FaultKind::BadReply, format!("{host} redirects in circles")),
            Self::Name => (format!("the name of {host} cannot be resolved"), "check the spelling of the address and this machine's DNS"),
            Self::Refused => (format!("{host} refuses the connection"), "check the port, and that the server runs"),
            Self::Timeout => (format!("{host} does not answer in time"), "check the network, then try again"),
            Self::Handshake => (format!("no secure connection to {host} comes about"), "check that the server speaks https on this port"),
            Self::Broken => (format!("the connection to {host} broke"), "check the network, then try again"),
            Self::Unreachable | Self::Login | Self::NoPassage(_) => {
                (format!("{host} cannot be reached"), "check the network, and HTTPS_PROXY where a proxy is needed")
            }
        };
        Fault::new(FaultKind::Network, message).hint(hint)
    }

    /// The same, where it befell the way to the proxy.
    fn at_the_proxy(&self, gate: Gate<'_>) -> Fault {
        let told = self.told(&gate.to_string());
        match self {
            Self::Certificate(_) => told,
            _ => told.hint(format!("check the proxy's address ({}), and that the proxy runs", gate.origin)),
        }
    }
}

impl Gate<'_> {
    fn login(self) -> Fault {
        if !self.proxy.has_login() {
            return login_wanted(&self.to_string());
        }
        let message = format!("{self} does not accept our login");
        Fault::new(FaultKind::NetworkSetup, message)
            .hint(format!("check the user and the password in the proxy's address ({})", self.origin))
    }

    fn no_passage(self, host: &str, reason: Option<String>) -> Fault {
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let hint = "ask who runs the proxy, or name the server in NO_PROXY where it can be reached without";
        Fault::new(FaultKind::Network, format!("{self} does not connect us with {host}{reason}")).hint(hint)
    }

    fn silence(self, host: &str) -> Fault {
        let hint = format!("check the network and the proxy ({}), then try again", self.origin);
        Fault::new(FaultKind::Network, format!("{host} does not answer in time through {self}")).hint(hint)
    }
}

/// As a message names it.
impl std::fmt::Display for Gate<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the proxy {}", host(self.proxy.url()))
    }
}

/// The fault of a certificate that is not accepted.
fn distrust(error: &CertificateError, host: &str) -> Fault {
    use CertificateError as E;
    let (message, hint) = match error {
        E::Other(other) if other.0.is::<TrustsNobody>() => (
            "secure connections cannot be set up: this system seems to trust no certificates".to_owned(),
            "install its package of certificates (ca-certificates), or name a file of them: ca_file in config.toml",
        ),
        E::UnknownIssuer => (format!("the certificate of {host} comes from an authority that is not trusted here"), UNKNOWN_ISSUER),
        E::Expired | E::ExpiredContext { .. } => {
            (format!("the certificate of {host} has expired"), "check this machine's clock, then tell who runs the server")
        }
        E::NotValidYet | E::NotValidYetContext { .. } => {
            (format!("the certificate of {host} is not valid yet"), "check this machine's clock")
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => (
            format!("the certificate of {host} is for another name{}", names(error)),
            "check the address; in a guest network, a login page may stand in between",
        ),
        other => (format!("the certificate of {host} is not accepted: {other}"), "tell who runs the server"),
    };
    Fault::new(FaultKind::NetworkSetup, message).hint(hint)
}

/// The first names that a certificate is for, in brackets.
fn names(error: &CertificateError) -> String {
    let CertificateError::NotValidForNameContext { presented, .. } = error else { return String::new() };
    let names: Vec<&str> = presented.iter().take(3).map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

fn trouble(error: &reqwest::Error) -> Trouble {
    let tls = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
    let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    if let Some(trouble) = causes(error).find_map(refusal_of_a_proxy) {
        trouble
    } else if let Some(rustls::Error::InvalidCertificate(error)) = tls {
        Trouble::Certificate(error.clone())
    } else if error.is_redirect() {
        Trouble::Circles
    } else if error.is_timeout() || io == Some(io::ErrorKind::TimedOut) {
        Trouble::Timeout
    } else if says(error, "dns error") {
        Trouble::Name
    } else if io == Some(io::ErrorKind::ConnectionRefused) {
        Trouble::Refused
    } else if !error.is_connect() {
        Trouble::Broken
    } else if tls.is_some() || says(error, "tls handshake") {
        Trouble::Handshake
    } else {
        Trouble::Unreachable
    }
}

/// What a proxy that was reached answered. Its errors' types have no names outside the HTTP client; their texts are all there is.
fn refusal_of_a_proxy(cause: &(dyn Error + 'static)) -> Option<Trouble> {
    const LOGIN: [&str; 4] = [
        "tunnel error: proxy authorization required",
        "SOCKS error: server does not support user/pass authentication", // said of “no acceptable method”
        "SOCKS error: server implements authentication incorrectly",
        "SOCKS error: credentials not accepted",
    ];
    let text = cause.to_string();
    if LOGIN.contains(&text.as_str()) {
        return Some(Trouble::Login);
    }
    let (kind, reason) = text.split_once(" error: ")?;
    match (kind, reason) {
        ("tunnel" | "SOCKS", "failed to create underlying connection") => None,
        ("tunnel", _) => Some(Trouble::NoPassage(None)),
        ("SOCKS", "io error during SOCKS handshake" | "failed parsing server response") => {
            Some(Trouble::NoPassage(Some("it does not speak SOCKS as it should".to_owned())))
        }
        ("SOCKS", reason) => Some(Trouble::NoPassage(Some(reason.to_owned()))),
        _ => None,
    }
}

/// Whether a connection failed on its way to the proxy, and not behind it.
fn is_before_the_server(error: &reqwest::Error, url: Option<&Url>) -> bool {
    let resolved_here = says(error, "error resolving for socks proxy");
    !resolved_here && (url.is_some_and(|url| url.scheme() == "http") || says(error, "failed to create underlying connection"))
}

fn says(error: &reqwest::Error, words: &str) -> bool {
    causes(error).any(|cause| cause.to_string().contains(words))
}

/// Everything beneath an error, also what an I/O error was made of, which is not its source.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => cause.source(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;

    #[test]
    fn a_system_that_trusts_nobody_is_told_apart_from_a_bad_certificate() {
        let nobody = TrustsNobody(rustls::Error::General("none were loaded".into()));
        let fault = distrust(&CertificateError::Other(OtherError(Arc::new(nobody))), "hub.test");
        assert_eq!(fault.kind, FaultKind::NetworkSetup);
        assert!(fault.message.contains("trust no certificates") && fault.hint.unwrap().contains("ca-certificates"), "{}", fault.message);
    }
}
