//! Addresses on one Hub.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Origin, Url};

use crate::desk::{Fault, FaultKind, RepoRef, printable};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the official Hub's own links begin.
const OFFICIAL: &str = "https://huggingface.co/";

/// A Hub's base URL.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    base: String,
    origin: Origin,
}

impl Endpoint {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let base = text.trim().trim_end_matches('/').to_owned();
        let wrong = || {
            Fault::new(FaultKind::Usage, format!("“{}” is not the address of a Hub", without_login(&base)))
                .hint("write a URL such as https://huggingface.co; a token goes into HF_TOKEN, not into the URL")
        };
        let url = Url::parse(&base).map_err(|error| wrong().because(error))?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        if !plain || url.host().is_none() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong());
        }
        Ok(Self { origin: url.origin(), base })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Whether a URL has the endpoint's scheme, host and port: where the token may go.
    pub(super) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.origin
    }

    /// A link that the Hub gave as an address at this endpoint, or `None` for one to another server.
    ///
    /// A mirror repeats links to the official Hub; they are meant for the mirror.
    pub(super) fn adopted(&self, link: &Url) -> Option<Url> {
        if self.owns(link) {
            return Some(link.clone());
        }
        let rest = link.as_str().strip_prefix(OFFICIAL)?;
        self.url(rest).ok()
    }

    /// `/api/<rest>`.
    pub(super) fn api(&self, rest: &str) -> Result<Url, Fault> {
        self.url(&format!("api/{rest}"))
    }

    /// `/api/models/<id>/<rest>`, and so on for the other kinds.
    pub(super) fn repo_api(&self, repo: &RepoRef, rest: &str) -> Result<Url, Fault> {
        self.api(&format!("{}/{}/{rest}", repo.kind.plural(), repo.id))
    }

    /// Where a commit's token for the Xet store is asked for.
    pub(super) fn xet_token(&self, repo: &RepoRef, commit: &str) -> Result<Url, Fault> {
        self.repo_api(repo, &format!("xet-read-token/{}", quoted(commit)))
    }

    /// Where a file's bytes are asked for.
    pub(super) fn resolve(&self, repo: &RepoRef, commit: &str, path: &str) -> Result<Url, Fault> {
        self.url(&format!("{}{}/resolve/{}/{}", repo.kind.url_prefix(), repo.id, quoted(commit), quoted_path(path)))
    }

    /// A repository's page, for people.
    pub(super) fn page(&self, repo: &RepoRef) -> String {
        format!("{}/{}{}", self.base, repo.kind.url_prefix(), repo.id)
    }

    /// Where people look after their tokens.
    pub(super) fn token_page(&self) -> String {
        format!("{}/settings/tokens", self.base)
    }

    fn url(&self, rest: &str) -> Result<Url, Fault> {
        let text = format!("{}/{rest}", self.base);
        Url::parse(&text).map_err(|error| Fault::internal(format!("{text} is not a URL")).because(error))
    }
}

/// A revision or another single path segment, slashes included.
pub(super) fn quoted(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A file's path; its slashes stay.
pub(super) fn quoted_path(path: &str) -> String {
    path.split('/').map(quoted).collect::<Vec<_>>().join("/")
}

/// The text of a malformed URL without what stands before its `@`, which may be a password.
fn without_login(text: &str) -> String {
    printable(text.rsplit_once('@').map_or(text, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::RepoKind;

    fn repo(kind: RepoKind, id: &str) -> RepoRef {
        RepoRef { kind, id: id.parse().unwrap(), revision: "refs/pr/1".parse().unwrap() }
    }

    #[test]
    fn addresses_are_escaped() {
        let hub = Endpoint::parse("https://hub.test/prefix/").unwrap();
        let model = repo(RepoKind::Model, "org/name");
        let file = hub.resolve(&model, "refs/pr/1", "a b/20%.gguf?x#模").unwrap();
        assert_eq!(file.as_str(), "https://hub.test/prefix/org/name/resolve/refs%2Fpr%2F1/a%20b/20%25.gguf%3Fx%23%E6%A8%A1");
        let dataset = repo(RepoKind::Dataset, "squad");
        assert_eq!(hub.page(&dataset), "https://hub.test/prefix/datasets/squad");
        assert_eq!(hub.repo_api(&dataset, "tree/x").unwrap().as_str(), "https://hub.test/prefix/api/datasets/squad/tree/x");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let hub = Endpoint::parse("https://hub.test").unwrap();
        for (url, own) in [
            ("https://hub.test:443/x", true),
            ("http://hub.test/x", false),
            ("https://hub.test:8443/x", false),
            ("https://cdn.hub.test/x", false),
            ("https://hub.test@evil.test/x", false),
        ] {
            assert_eq!(hub.owns(&Url::parse(url).unwrap()), own, "{url}");
        }
    }

    #[test]
    fn links_to_the_official_hub_are_meant_for_its_mirror() {
        let mirror = Endpoint::parse("https://mirror.test/hf").unwrap();
        let adopted = |link: &str| mirror.adopted(&Url::parse(link).unwrap()).map(String::from);
        assert_eq!(adopted("https://huggingface.co/api/models?cursor=x").as_deref(), Some("https://mirror.test/hf/api/models?cursor=x"));
        assert_eq!(adopted("https://mirror.test/hf/api/models").as_deref(), Some("https://mirror.test/hf/api/models"));
        assert_eq!(adopted("https://evil.test/api/models"), None);
    }

    #[test]
    fn a_malformed_endpoint_is_refused_without_showing_its_password() {
        for text in ["", "huggingface.co", "ftp://hub.test", "https://", "https://user:pw@hub.test", "https://hub.test/?x=1"] {
            let fault = Endpoint::parse(text).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Usage, "{text}");
            assert!(!fault.message.contains("pw"), "{fault}");
        }
    }
}
