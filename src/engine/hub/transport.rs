//! Why a Hub could not be reached, as far as the HTTP client's chain of errors tells.

use std::error::Error;
use std::io;

use url::Url;

use super::endpoint::host;
use super::request::Failure;
use crate::desk::{Fault, FaultKind};

/// What went wrong between us and a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Name,
    Refused,
    Certificate,
    Tls,
    Proxy,
    Timeout,
    Unreachable,
    Broken,
}

/// The failure of a request or of a body's stream. The URL stays out of it: it may be signed.
pub(super) fn failure(error: reqwest::Error, url: &Url) -> Failure {
    let trouble = trouble(&error);
    let host = host(url);
    let (message, hint) = trouble.told(&host);
    let fault = Fault::new(FaultKind::Network, message).hint(hint).because(error.without_url());
    Failure { again: trouble.may_pass(), ..Failure::last(fault) }
}

impl Trouble {
    fn told(self, host: &str) -> (String, &'static str) {
        match self {
            Self::Name => (format!("the name of {host} cannot be resolved"), "check the spelling of the endpoint and this machine's DNS"),
            Self::Refused => (format!("{host} refuses the connection"), "check the endpoint's port, and that the server runs"),
            Self::Certificate => (
                format!("the certificate of {host} is not trusted"),
                "behind a company proxy, name its certificate in SSL_CERT_FILE; otherwise somebody may be listening",
            ),
            Self::Tls => (format!("no secure connection to {host} comes about"), "check that the endpoint speaks https on this port"),
            Self::Proxy => {
                (format!("the proxy before {host} does not let us through"), "check HTTPS_PROXY and NO_PROXY, and the proxy's login")
            }
            Self::Timeout => (format!("{host} does not answer in time"), "check the network, then try again"),
            Self::Unreachable => (format!("{host} cannot be reached"), "check the network, and HTTPS_PROXY where one is needed"),
            Self::Broken => (format!("the connection to {host} broke"), "check the network, then try again"),
        }
    }

    /// Whether a repetition at once may help. A connection that never came about is told to the person at once, who may have
    /// mistyped the endpoint or lost the network; transfers have a longer patience of their own.
    fn may_pass(self) -> bool {
        matches!(self, Self::Timeout | Self::Broken)
    }
}

fn trouble(error: &reqwest::Error) -> Trouble {
    let kind = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let text: String = chain(error).flat_map(|cause| [cause.to_string(), "\n".to_owned()]).collect::<String>().to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if error.is_timeout() || kind == Some(io::ErrorKind::TimedOut) {
        Trouble::Timeout
    } else if says(&["tunnel", "proxy", "socks"]) {
        Trouble::Proxy
    } else if says(&["dns error", "failed to lookup address"]) {
        Trouble::Name
    } else if says(&["certificate"]) {
        Trouble::Certificate
    } else if says(&["tls", "handshake", "invalidcontenttype", "corrupt message"]) {
        Trouble::Tls
    } else if kind == Some(io::ErrorKind::ConnectionRefused) {
        Trouble::Refused
    } else if error.is_connect() {
        Trouble::Unreachable
    } else {
        Trouble::Broken
    }
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn attempt(url: &str) -> Failure {
        let client = reqwest::Client::builder().read_timeout(Duration::from_millis(200)).no_proxy().build().unwrap();
        let url = Url::parse(url).unwrap();
        failure(client.get(url.clone()).send().await.unwrap_err(), &url)
    }

    #[tokio::test]
    async fn a_closed_port_is_a_refused_connection() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let failure = attempt(&format!("http://127.0.0.1:{port}/secret?signature=s3cret")).await;
        assert_eq!(failure.fault.message, format!("127.0.0.1:{port} refuses the connection"));
        let cause = format!("{:?}", failure.fault.source());
        assert!(!failure.again && failure.fault.source().is_some() && !cause.contains("s3cret"), "{cause}");
    }

    #[tokio::test]
    async fn plain_http_is_no_secure_connection() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        });
        let failure = attempt(&format!("https://{address}/")).await;
        assert!(failure.fault.message.starts_with("no secure connection"), "{:?}", failure.fault);
        assert!(!failure.again);
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_silent_server_is_a_timeout() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let failure = attempt(&format!("http://{}/", listener.local_addr().unwrap())).await;
        assert!(failure.fault.message.contains("in time") && failure.again, "{}", failure.fault);
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_is_a_broken_connection() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        let failure = attempt(&format!("http://{address}/")).await;
        assert!(failure.fault.message.contains("broke") && failure.again, "{}", failure.fault);
    }
}
