//! Branches, tags and commits.

use serde_json::Value;

use super::Hub;
use super::endpoint::quoted;
use super::info::is_commit;
use super::lenient::{shown, text, time};
use super::request::Subject;
use crate::desk::{Commit, Fault, FaultKind, NamedRevision, RepoRef, Revisions};

/// The most branches, and the most tags, that are kept: more than anybody reads through.
const MOST_NAMES: usize = 1000;
/// The most commits that are kept: the Hub's first page.
const MOST_COMMITS: usize = 50;
/// The most authors of a commit that are kept, and the longest name, in characters.
const MOST_AUTHORS: (usize, usize) = (10, 100);

impl Hub {
    /// The branches, the tags, and the commits that led to a repository's revision.
    ///
    /// Where the Hub names the branches and tags but has no history, or keeps it from us, there are no commits: the names of what it
    /// has are just what is wanted by somebody whose revision it does not know.
    pub async fn revisions(&self, repo: &RepoRef) -> Result<Revisions, Fault> {
        let (refs, commits) = futures::join!(self.refs(repo), self.commits(repo));
        let refs = refs?;
        match commits {
            Ok(commits) => Ok(Revisions { commits, ..refs }),
            Err(fault) if is_withheld(fault.kind) => Ok(refs),
            Err(fault) => Err(fault),
        }
    }

    /// The branches and tags of a repository; no commits. A name that could not be asked for again is left out.
    pub async fn refs(&self, repo: &RepoRef) -> Result<Revisions, Fault> {
        let url = self.inner.endpoint.repo_api(repo, "refs")?;
        let (value, _) = self.json(&url, Subject::Repo(repo)).await.map_err(|failure| failure.fault)?;
        if !value["branches"].is_array() {
            return Err(not_a_list(repo, "branches"));
        }
        Ok(Revisions { branches: names(&value["branches"]), tags: names(&value["tags"]), commits: Vec::new() })
    }

    /// The newest commits that led to a repository's revision, the newest first.
    pub async fn commits(&self, repo: &RepoRef) -> Result<Vec<Commit>, Fault> {
        let url = self.inner.endpoint.repo_api(repo, &format!("commits/{}", quoted(repo.revision.as_str())))?;
        let (value, _) = self.json(&url, Subject::Repo(repo)).await.map_err(|failure| failure.fault)?;
        let items = value.as_array().ok_or_else(|| not_a_list(repo, "commits"))?;
        Ok(items.iter().filter_map(commit).take(MOST_COMMITS).collect())
    }
}

fn is_withheld(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::RevisionNotFound | FaultKind::RepoNotFound | FaultKind::Gated | FaultKind::Forbidden)
}

fn names(list: &Value) -> Vec<NamedRevision> {
    list.as_array().into_iter().flatten().filter_map(named).take(MOST_NAMES).collect()
}

fn named(item: &Value) -> Option<NamedRevision> {
    let name = item["name"].as_str().filter(|name| shown(name, name.len()) == *name)?;
    let commit = item["targetCommit"].as_str().filter(|commit| is_commit(commit))?;
    Some(NamedRevision { name: name.parse().ok()?, commit: commit.to_owned() })
}

fn commit(item: &Value) -> Option<Commit> {
    let id = item["id"].as_str().filter(|id| is_commit(id))?;
    let authors = item["authors"].as_array().into_iter().flatten().filter_map(|author| author["user"].as_str());
    Some(Commit {
        commit: id.parse().ok()?,
        title: text(item, "title").unwrap_or_default(),
        authors: authors.take(MOST_AUTHORS.0).map(|name| shown(name, MOST_AUTHORS.1)).collect(),
        date: time(item, "date"),
    })
}

fn not_a_list(repo: &RepoRef, what: &str) -> Fault {
    Fault::new(FaultKind::BadReply, format!("the Hub's answer is not a list of the {what} of {}", repo.id))
        .hint("check that the endpoint is a Hub")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{COMMIT, Server, model, reply};
    use super::*;
    use crate::desk::Revision;
    use serde_json::json;

    #[tokio::test]
    async fn branches_and_tags_are_read_and_unusable_ones_left_out() {
        let refs = json!({
            "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": COMMIT}, {"name": "../up", "targetCommit": COMMIT},
                {"name": "a\u{1b}[2J", "targetCommit": COMMIT}, {"name": "a\u{202e}b", "targetCommit": COMMIT}, {"name": "x", "targetCommit": "y"}, 5],
            "converts": [], "tags": [{"name": "release/1", "targetCommit": COMMIT}],
        });
        let server = Server::start(move |_, _| reply(200, &[], refs.to_string())).await;
        let found = server.hub().refs(&model()).await.unwrap();
        assert_eq!(found.names().map(Revision::as_str).collect::<Vec<_>>(), ["main", "release/1"]);
        assert_eq!((found.branches[0].commit.as_str(), found.len()), (COMMIT, 2));
        assert_eq!(server.lines(), ["GET /api/models/org/name/refs"]);
    }

    #[tokio::test]
    async fn commits_are_read_printable_and_bounded() {
        let good = json!({"id": COMMIT, "title": "a\u{1b}b", "authors": [{"user": "ada"}, {"x": 1}], "date": "2026-11-20T00:00:00.000Z"});
        let mut items = vec![json!({"id": "main"}), json!({"id": COMMIT, "date": 5, "authors": "ada"}), json!(null)];
        items.extend(vec![good; 200]);
        let server = Server::start(move |_, _| reply(200, &[], json!(items).to_string())).await;
        let repo = RepoRef { revision: "refs/pr/1".parse().unwrap(), ..model() };
        let found = server.hub().commits(&repo).await.unwrap();
        assert_eq!((found.len(), found[0].title.as_str(), found[0].date), (MOST_COMMITS, "", None));
        assert_eq!((found[1].title.as_str(), found[1].authors.as_slice()), ("a\u{fffd}b", &["ada".to_owned()][..]));
        assert!(found[1].date.is_some());
        assert_eq!(server.lines(), ["GET /api/models/org/name/commits/refs%2Fpr%2F1"]);
    }

    #[tokio::test]
    async fn a_history_that_is_withheld_is_left_out_and_one_that_fails_is_told() {
        let refs = json!({"branches": [{"name": "main", "targetCommit": COMMIT}], "tags": []}).to_string();
        for (status, code, told) in
            [(404, "RevisionNotFound", None), (404, "", None), (403, "GatedRepo", None), (500, "", Some(FaultKind::Unavailable))]
        {
            let refs = refs.clone();
            let answer = move |line: &str, _| {
                if line.ends_with("/refs") { reply(200, &[], refs.clone()) } else { reply(status, &[("x-error-code", code)], "{}") }
            };
            let found = Server::start(answer).await.hub().revisions(&model()).await;
            assert_eq!(found.as_ref().err().map(|fault| fault.kind), told, "{status} {code}");
            assert!(found.is_ok_and(|found| found.len() == 1) || told.is_some());
        }
    }

    #[tokio::test]
    async fn an_answer_of_another_shape_is_no_empty_list() {
        let server = Server::start(|_, _| reply(200, &[], "\"nothing\"")).await;
        assert_eq!(server.hub().refs(&model()).await.unwrap_err().kind, FaultKind::BadReply);
        assert_eq!(server.hub().commits(&model()).await.unwrap_err().kind, FaultKind::BadReply);
    }
}
