//! What a model was made from, and that, in turn.

use std::collections::HashSet;
use std::time::Duration;

use super::Hub;
use crate::desk::{RepoId, RepoRef};

/// The most steps that are followed.
const MOST_STEPS: usize = 4;

impl Hub {
    /// What a model was made from, step by step, beginning with the base models that it states itself.
    ///
    /// A step that names several models (a merge) is the last, and so is one that leads back. What the Hub does not tell within
    /// `patience` is left out.
    pub async fn lineage(&self, repo: &RepoRef, stated: Vec<String>, patience: Duration) -> Vec<Vec<String>> {
        let mut steps = Vec::new();
        // However far it came, that much is known.
        _ = tokio::time::timeout(patience, self.climb(repo, stated, &mut steps)).await;
        steps
    }

    async fn climb(&self, repo: &RepoRef, mut bases: Vec<String>, steps: &mut Vec<Vec<String>>) {
        let mut seen = HashSet::from([repo.id.to_string()]);
        while !bases.is_empty() && bases.iter().all(|base| !seen.contains(base)) {
            steps.push(bases.clone());
            let [base] = bases.as_slice() else { return };
            let Ok(id) = base.parse::<RepoId>() else { return };
            if steps.len() == MOST_STEPS {
                return;
            }
            seen.insert(base.clone());
            // Whatever the reason, the rest is not known.
            let Ok(info) = self.info(&RepoRef::model(id)).await else { return };
            bases = info.base_models;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{COMMIT, Server, model, reply};
    use super::*;
    use axum::response::Response;
    use serde_json::json;

    const LONG: Duration = Duration::from_secs(60);

    /// A Hub on which `o/<name>` was made from what `bases` says of it.
    async fn hub_with(bases: &'static [(&'static str, &'static [&'static str])]) -> Server {
        let answer = |line: &str| -> Option<Response> {
            let name = line.strip_prefix("GET /api/models/o/")?.strip_suffix("/revision/main")?;
            let (_, bases) = bases.iter().find(|(id, _)| *id == name)?;
            Some(reply(200, &[], json!({"sha": COMMIT, "cardData": {"base_model": bases}}).to_string()))
        };
        Server::start(move |line, _| answer(line).unwrap_or_else(|| reply(404, &[], "{}"))).await
    }

    async fn lineage(server: &Server, stated: &[&str], patience: Duration) -> Vec<Vec<String>> {
        server.hub().lineage(&model(), stated.iter().map(|base| (*base).to_owned()).collect(), patience).await
    }

    #[tokio::test]
    async fn a_chain_is_followed_to_its_end() {
        let server = hub_with(&[("b", &["o/c"]), ("c", &[])]).await;
        assert_eq!(lineage(&server, &["o/b"], LONG).await, [["o/b"], ["o/c"]]);
        assert_eq!(server.lines().len(), 2);
        assert!(lineage(&server, &[], LONG).await.is_empty());
    }

    #[tokio::test]
    async fn long_chains_and_circles_are_cut() {
        let server =
            hub_with(&[("a", &["o/b"]), ("b", &["o/c"]), ("c", &["o/d"]), ("d", &["o/e"]), ("x", &["o/y"]), ("y", &["o/x"])]).await;
        assert_eq!(lineage(&server, &["o/a"], LONG).await, [["o/a"], ["o/b"], ["o/c"], ["o/d"]]);
        assert_eq!(server.lines().len(), 3, "one question a step");
        assert_eq!(lineage(&server, &["o/x"], LONG).await, [["o/x"], ["o/y"]]);
        assert!(lineage(&server, &["org/name"], LONG).await.is_empty(), "nothing is made from itself");
    }

    #[tokio::test]
    async fn a_merge_is_listed_and_not_followed() {
        let server = hub_with(&[("a", &["o/b", "o/c"]), ("b", &["o/d"])]).await;
        assert_eq!(lineage(&server, &["o/a"], LONG).await, [vec!["o/a"], vec!["o/b", "o/c"]]);
        assert_eq!(server.lines().len(), 1);
    }

    #[tokio::test]
    async fn what_is_not_known_is_left_out() {
        let server = hub_with(&[("a", &["o/gone"])]).await;
        assert_eq!(lineage(&server, &["o/a"], LONG).await, [["o/a"], ["o/gone"]]);
        assert_eq!(lineage(&server, &["./my model\u{1b}"], LONG).await, [["./my model\u{1b}"]]);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_hub_that_does_not_answer() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = Hub::new(crate::engine::hub::HubSettings::new(format!("http://{}", silent.local_addr().unwrap()))).unwrap();
        assert_eq!(hub.lineage(&model(), vec!["o/a".to_owned()], Duration::from_millis(1)).await, [["o/a"]]);
    }
}
