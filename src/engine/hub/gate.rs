//! Gated repositories: whether the token opens one, and what bars the way if it does not.

use super::endpoint::Endpoint;
use super::request::{Abroad, Subject, Wanted};
use super::{Hub, RepoInfo};
use crate::desk::{Access, Fault, FaultKind, RepoRef, safe_path};

/// What huggingface.co gives to everybody even where a gate stands: the card and the licence, spelt so and at the root.
const UNGATED: [&str; 4] = ["README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"];

/// Whether a file of a gated repository stands behind its gate. The card and the licence at the root do not.
pub fn is_behind_gate(path: &str) -> bool {
    !UNGATED.contains(&path)
}

impl Hub {
    /// Whether this token may download the commit's files now, and what bars the way if it may not.
    ///
    /// A Hub describes and lists a gated repository to everybody, so one of its files is asked about, once. Trouble on the way bars
    /// nothing: then the access is what `info` says.
    pub async fn access(&self, repo: &RepoRef, info: &RepoInfo) -> (Access, Option<Fault>) {
        let gated = |path: &&String| info.access != Access::Open && is_behind_gate(path) && safe_path(path);
        let Some(path) = info.siblings.iter().find(gated) else { return (info.access, None) };
        match self.opens(repo, &info.commit, path).await {
            Ok(()) => (Access::Granted, None),
            Err(fault) if matches!(fault.kind, FaultKind::Gated | FaultKind::Forbidden | FaultKind::Unauthorized) => {
                (info.access, Some(fault))
            }
            Err(fault) => {
                tracing::debug!("whether {} opens is not known: {fault}", repo.id);
                (info.access, None)
            }
        }
    }

    async fn opens(&self, repo: &RepoRef, commit: &str, path: &str) -> Result<(), Fault> {
        let url = self.inner.endpoint.resolve(repo, commit, path)?;
        let arrival = self.follow(&Wanted::Headers, &url, Subject::File(repo, path), Abroad::Stop).await;
        arrival.map(drop).map_err(|failure| failure.fault)
    }
}

/// Why a gate stays shut. The states of a request for access are those of <https://huggingface.co/docs/hub/models-gated>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    NoToken,
    NotAsked,
    Pending,
    Rejected,
    Reset,
    Scope,
    /// The Hub does not know the token that was sent.
    Stranger,
    Untold,
}

/// What the official Hub's words hold, by what they mean. A fine-grained token comes first: its account may have access all the same.
const WORDS: [(&str, Cause); 6] = [
    ("fine-grained", Cause::Scope),
    ("authorized list", Cause::NotAsked),
    ("await", Cause::Pending),
    ("reject", Cause::Rejected),
    ("reset", Cause::Reset),
    ("log in", Cause::Stranger),
];

/// Whether a refusal is about a fine-grained token that may not read gated repositories. The Hub gives it no error code.
pub(super) fn is_about_scope(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("fine-grained") && text.contains("gated")
}

/// A gate that stays shut, as a fault: `said` is what the Hub says about it.
pub(super) fn shut(endpoint: &Endpoint, repo: &RepoRef, token_sent: bool, said: Option<&str>) -> Fault {
    let cause = if token_sent { told(repo, said.unwrap_or_default()) } else { Cause::NoToken };
    let because = match cause {
        Cause::NoToken => "and no token is set",
        Cause::NotAsked => "and the token's account has not asked for access",
        Cause::Pending => "and the request for access waits for its owner's review",
        Cause::Rejected => "and its owner has rejected the request for access",
        Cause::Reset => "and its owner has reset the request for access",
        Cause::Scope => "and the token may not read gated repositories",
        Cause::Stranger => "and the Hub does not know the token",
        Cause::Untold => "and access has not been granted",
    };
    let said = said.filter(|_| cause == Cause::Untold).map(|said| format!(": {said}")).unwrap_or_default();
    Fault::new(FaultKind::Gated, format!("{} is gated, {because}{said}", repo.id)).hint(way_in(cause, endpoint, repo))
}

/// What to do next, with the page where it is done.
fn way_in(cause: Cause, endpoint: &Endpoint, repo: &RepoRef) -> String {
    let page = endpoint.page(repo);
    match cause {
        Cause::NoToken => format!("accept the terms at {page}, then log in with hf auth login or HF_TOKEN"),
        Cause::Pending => format!("wait for the answer; it will show at {page}"),
        Cause::Rejected => format!("the Hub takes no second request; ask the owner at {page}, or choose another repository"),
        Cause::Reset => format!("ask again: accept the terms at {page}"),
        Cause::Scope => format!("allow the token to read public gated repositories at {}", endpoint.token_page()),
        Cause::Stranger => {
            format!("log in again with hf auth login, or set HF_TOKEN to a token of an account that has accepted the terms at {page}")
        }
        Cause::NotAsked | Cause::Untold => format!("accept the terms at {page} with the account that the token belongs to"),
    }
}

/// The cause that the Hub's words tell; the repository's own name is none of them.
fn told(repo: &RepoRef, said: &str) -> Cause {
    let said = said.replace(repo.id.as_str(), "").to_ascii_lowercase();
    WORDS.into_iter().find(|(words, _)| said.contains(words)).map_or(Cause::Untold, |(_, cause)| cause)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{COMMIT, Server, model, reply};
    use super::*;

    /// The fault for what huggingface.co says, or another server in its place.
    fn fault(id: &str, token_sent: bool, said: &str) -> Fault {
        let endpoint = Endpoint::parse("https://mirror.test/hf").unwrap();
        shut(&endpoint, &RepoRef::model(id.parse().unwrap()), token_sent, Some(said))
    }

    #[test]
    fn each_cause_has_its_own_message_and_way_in() {
        let page = "https://mirror.test/hf/o/n";
        for (token_sent, said, because, hint) in [
            (
                false,
                "Access to model o/n is restricted. You must have access to it and be authenticated to access it. Please log in.",
                "no token is set",
                format!("accept the terms at {page}, then log in"),
            ),
            (
                true,
                "Access to model o/n is restricted. You must have access to it and be authenticated to access it. Please log in.",
                "the Hub does not know the token",
                "log in again with hf auth login".to_owned(),
            ),
            (
                true,
                "Access to model o/n is restricted and you are not in the authorized list. Visit https://huggingface.co/o/n to ask for access.",
                "has not asked for access",
                format!("accept the terms at {page} with the account"),
            ),
            (
                true,
                "Your request to access model o/n is awaiting a review from the repo authors.",
                "waits for its owner's review",
                format!("it will show at {page}"),
            ),
            (
                true,
                "Your request to access model o/n has been rejected by the repo's authors.",
                "has rejected the request",
                format!("ask the owner at {page}"),
            ),
            (
                true,
                "Your request to access model o/n has been reset by the repo's authors. Visit https://huggingface.co/o/n to submit a new request.",
                "has reset the request",
                format!("ask again: accept the terms at {page}"),
            ),
            (
                true,
                "Please enable access to public gated repositories in your fine-grained token settings to view this repository.",
                "the token may not read gated repositories",
                "https://mirror.test/hf/settings/tokens".to_owned(),
            ),
        ] {
            let fault = fault("o/n", token_sent, said);
            assert_eq!(fault.kind, FaultKind::Gated);
            assert!(fault.message.starts_with("o/n is gated, and ") && fault.message.contains(because), "{fault}");
            assert!(fault.hint.as_ref().unwrap().contains(&hint), "{said}: {:?}", fault.hint);
        }
    }

    #[test]
    fn other_words_are_repeated_and_a_name_is_no_cause() {
        let odd = fault("o/n", true, "Members only");
        assert_eq!(odd.message, "o/n is gated, and access has not been granted: Members only");
        let said = "Your request to access model o/awaiting has been rejected by the repo's authors.";
        assert!(fault("o/awaiting", true, said).message.contains("has rejected"));
        let endpoint = Endpoint::parse("https://hub.test").unwrap();
        assert!(shut(&endpoint, &model(), true, None).message.ends_with("access has not been granted"));
    }

    fn info(access: Access, siblings: &[&str]) -> RepoInfo {
        let siblings = siblings.iter().map(|path| (*path).to_owned()).collect();
        RepoInfo { commit: COMMIT.into(), access, siblings, ..RepoInfo::default() }
    }

    #[tokio::test]
    async fn one_gated_file_is_asked_about_once() {
        let server = Server::start(|_, _| reply(302, &[("location", "https://cdn.test/x")], "")).await;
        let asked = info(Access::GatedManual, &["../x", "LICENSE", "README.md", "sub/README.md", "w.gguf"]);
        assert_eq!(server.hub().access(&model(), &asked).await, (Access::Granted, None));
        assert_eq!(server.lines(), [format!("HEAD /org/name/resolve/{COMMIT}/sub/README.md")]);
    }

    #[tokio::test]
    async fn nothing_is_asked_where_no_gate_stands_before_a_file() {
        let server = Server::start(|_, _| reply(403, &[], "")).await;
        for nothing in [info(Access::Open, &["w.gguf"]), info(Access::Gated, &["LICENSE.txt", "README.md"])] {
            assert_eq!(server.hub().access(&model(), &nothing).await, (nothing.access, None));
        }
        assert!(server.lines().is_empty());
    }

    #[tokio::test]
    async fn a_refusal_bars_the_way_and_trouble_does_not() {
        for (status, bars) in [(403, true), (429, false), (500, false), (404, false)] {
            let server = Server::start(move |_, _| reply(status, &[], "")).await;
            let (access, barrier) = server.hub().access(&model(), &info(Access::Gated, &["w.gguf"])).await;
            assert_eq!((access, barrier.is_some(), server.lines().len()), (Access::Gated, bars, 1), "{status}");
        }
        let scope = [("x-error-message", "Please enable access to public gated repositories in your fine-grained token settings")];
        let server = Server::start(move |_, _| reply(403, &scope, "")).await;
        let barrier = server.hub().access(&model(), &info(Access::Gated, &["w.gguf"])).await.1.unwrap();
        assert!(barrier.kind == FaultKind::Gated && barrier.message.contains("the token may not read"), "{barrier}");
    }
}
