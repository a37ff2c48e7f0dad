//! What a Hub gives to those who may read a file over Xet: the content store's address and a token for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderValue;
use serde::Deserialize;
use url::Url;

use super::XetAddress;
use crate::desk::{Fault, FaultKind};
use crate::engine::transfer::reply;
use crate::engine::transfer::run::Run;

/// A Hub's answer takes some hundred bytes; no more than this is read of it.
const LONGEST_ANSWER: usize = 64 << 10;
/// A token is renewed so long before it ends, so that a stream that has begun does not outlive it.
const EARLY: Duration = Duration::from_secs(60);

/// The content store's address and the token for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pass {
    /// The store's base URL, without a trailing slash.
    pub store: String,
    /// What the store wants as a bearer token.
    pub token: String,
    ends: SystemTime,
}

/// The answer as it stands in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    cas_url: String,
    exp: u64,
    access_token: String,
}

impl Pass {
    /// Whether the token is good for another stream.
    pub fn is_good(&self, now: SystemTime) -> bool {
        now + EARLY < self.ends
    }

    /// Asks the Hub for a pass.
    pub async fn ask(run: &Run, address: &XetAddress) -> Result<Self, Fault> {
        let mut request = run.common.client.get(address.refresh_url.clone());
        if let Some(token) = &address.bearer {
            request = request.bearer_auth(token);
        }
        let mut response = run.unless_stalled(request.send()).await?;
        if !response.status().is_success() {
            return Err(reply::failed(response.status(), response.headers(), &run.name));
        }
        let mut text = Vec::new();
        while let Some(bytes) = run.unless_stalled(response.chunk()).await? {
            text.extend_from_slice(&bytes);
            if text.len() > LONGEST_ANSWER {
                return Err(bad("it is too long"));
            }
        }
        Self::read(&text, &address.refresh_url)
    }

    /// Reads a Hub's answer. What follows goes to the address in it, so the address may be neither local nor less safe than the Hub's.
    fn read(text: &[u8], asked: &Url) -> Result<Self, Fault> {
        let answer: Answer = serde_json::from_slice(text).map_err(|error| bad("it is not what was asked for").because(error))?;
        let store = Url::parse(&answer.cas_url).map_err(|error| bad("its address is none").because(error))?;
        let safe = store.scheme() == "https" || (store.scheme() == "http" && asked.scheme() == "http");
        if !safe || !store.has_host() || !store.username().is_empty() || store.password().is_some() {
            return Err(bad("its address must not be followed"));
        }
        HeaderValue::from_str(&answer.access_token).map_err(|error| bad("its token cannot be sent").because(error))?;
        let ends = UNIX_EPOCH.checked_add(Duration::from_secs(answer.exp)).ok_or_else(|| bad("its token ends at no time"))?;
        Ok(Self { store: store.as_str().trim_end_matches('/').to_owned(), token: answer.access_token, ends })
    }
}

fn bad(why: &str) -> Fault {
    Fault::new(FaultKind::BadReply, format!("the Hub's answer about its Xet store cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, asked: &str) -> Result<Pass, FaultKind> {
        Pass::read(text.as_bytes(), &asked.parse().unwrap()).map_err(|fault| fault.kind)
    }

    #[test]
    fn a_pass_names_a_store_and_ends_early() {
        let pass = read(r#"{"casUrl":"https://cas.example/","exp":1000,"accessToken":"t"}"#, "https://hub.example").unwrap();
        assert_eq!((pass.store.as_str(), pass.token.as_str()), ("https://cas.example", "t"));
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(pass.is_good(at(939)) && !pass.is_good(at(940)) && !pass.is_good(at(2000)));
    }

    #[test]
    fn a_plain_store_is_fine_for_a_plain_hub_alone() {
        let text = r#"{"casUrl":"http://127.0.0.1:9","exp":1,"accessToken":"t"}"#;
        assert!(read(text, "http://127.0.0.1:8/x").is_ok());
        assert_eq!(read(text, "https://hub.example/x").err(), Some(FaultKind::BadReply));
    }

    #[test]
    fn addresses_and_tokens_that_could_do_harm_are_refused() {
        for store in
            ["local:///etc", "local://host/etc", "memory://", "file:///etc", "https:///", "https://u:p@cas.example", "cas.example", ""]
        {
            let text = format!(r#"{{"casUrl":"{store}","exp":1,"accessToken":"t"}}"#);
            assert_eq!(read(&text, "http://hub.example").err(), Some(FaultKind::BadReply), "{store}");
        }
        for text in [r#"{"casUrl":"https://c","exp":1,"accessToken":"a\nb"}"#, r#"{"casUrl":"https://c","exp":-1,"accessToken":"t"}"#] {
            assert_eq!(read(text, "https://hub.example").err(), Some(FaultKind::BadReply), "{text}");
        }
        let never = format!(r#"{{"casUrl":"https://c","exp":{},"accessToken":"t"}}"#, u64::MAX);
        assert_eq!(read(&never, "https://hub.example").err(), Some(FaultKind::BadReply));
        assert_eq!(read("[]", "https://hub.example").err(), Some(FaultKind::BadReply));
    }
}
