//! A request as the routes see it.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri};

use super::access::Viewer;
use super::files::Repo;
use super::reply::Refusal;

/// A request whose sender is known.
pub struct Ask {
    /// Who asks.
    pub viewer: Viewer,
    /// `GET`, `HEAD` or `POST`.
    pub method: Method,
    /// The path and query, as they came.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body of a `POST`.
    pub form: Bytes,
    /// The address under which the client reached this server: `host` or `host:port`.
    pub host: String,
}

impl Ask {
    /// Puts a request together; `address` stands in for a missing or strange `Host` header.
    pub fn new(viewer: Viewer, parts: Parts, form: Bytes, address: SocketAddr) -> Self {
        let plain = |host: &&str| host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'));
        let named = parts.headers.get("host").and_then(|host| host.to_str().ok()).filter(plain);
        let host = named.filter(|host| !host.is_empty()).map_or_else(|| address.to_string(), str::to_owned);
        Self { viewer, method: parts.method, uri: parts.uri, headers: parts.headers, form, host }
    }

    /// Refuses what stands behind a repository's gate to whom it has not been opened.
    pub fn may_read(&self, repo: &Repo) -> Result<(), Refusal> {
        let page = || format!("http://{}/{}{}", self.host, repo.kind.url_prefix(), repo.id);
        if self.viewer.may_read(repo) { Ok(()) } else { Err(self.viewer.shut_out(repo, &page())) }
    }

    /// Every parameter of the query, decoded, in order.
    pub fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        let query = self.uri.query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).into_owned()
    }

    /// The first value of a parameter, unless it is empty.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// Every value of a repeatable parameter, written `name=a&name=b`, `name[]=a` or `name=a,b`.
    pub fn values(&self, name: &str) -> Vec<String> {
        let named = self.parameters().filter(|(key, _)| key.strip_suffix("[]").unwrap_or(key) == name);
        let split = named.flat_map(|(_, value)| value.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>());
        split.filter(|value| !value.is_empty()).collect()
    }

    /// Whether a parameter is set to true.
    pub fn flag(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }

    /// The value of a `Link` header that leads to the next page: this request's URL with another cursor.
    pub fn next_link(&self, cursor: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.parameters().filter(|(key, _)| key != "cursor"));
        query.append_pair("cursor", cursor);
        format!("<http://{}{}?{}>; rel=\"next\"", self.host, self.uri.path(), query.finish())
    }

    /// The host's name or address without a port.
    pub fn host_name(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }
}
