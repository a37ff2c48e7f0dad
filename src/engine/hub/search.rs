//! Looking for repositories.

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::Hub;
use super::info::access;
use super::lenient::{count, text, texts, time};
use super::request::{Failure, Subject};
use crate::desk::{Access, Fault, FaultKind, Hit, PageToken, RepoKind, SearchPage, SearchQuery};

impl Hub {
    /// One page of the repositories that a query means. A hit that cannot be read is left out.
    pub async fn search(&self, query: &SearchQuery, page: Option<&PageToken>) -> Result<SearchPage, Fault> {
        let found = match page {
            Some(page) => self.json(&self.page_address(page)?, Subject::Listing).await,
            None => self.first_page(query).await,
        };
        let (value, next) = found.map_err(|failure| failure.fault)?;
        let Some(items) = value.as_array() else {
            return Err(
                Fault::new(FaultKind::BadReply, "the Hub's answer is not a list of repositories").hint("check that the endpoint is a Hub")
            );
        };
        Ok(SearchPage {
            hits: items.iter().filter_map(|item| hit(query.kind, item)).collect(),
            next: next.map(|url| PageToken(url.into())),
        })
    }

    /// Asks for just the fields that are shown; a Hub that does not know one of them is asked for all.
    async fn first_page(&self, query: &SearchQuery) -> Result<(Value, Option<Url>), Failure> {
        let mut url = self.inner.endpoint.api(query.kind.plural())?;
        url.query_pairs_mut().extend_pairs(criteria(query));
        let mut brief = url.clone();
        brief.query_pairs_mut().extend_pairs(fields(query.kind).iter().map(|field| ("expand", field)));
        match self.json(&brief, Subject::Listing).await {
            Err(failure) if failure.bare_status == Some(StatusCode::BAD_REQUEST) => {
                url.query_pairs_mut().append_pair("full", "true");
                self.json(&url, Subject::Listing).await
            }
            answer => answer,
        }
    }

    /// The address in a page token, which must lie at the endpoint: the token would go there.
    fn page_address(&self, page: &PageToken) -> Result<Url, Fault> {
        let url = Url::parse(&page.0).ok().filter(|url| self.inner.endpoint.owns(url));
        url.ok_or_else(|| Fault::new(FaultKind::Usage, "the page token does not come from this Hub").hint("begin the search again"))
    }
}

fn criteria(query: &SearchQuery) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    if !query.text.trim().is_empty() {
        pairs.push(("search", query.text.trim().to_owned()));
    }
    pairs.extend(query.author.iter().map(|author| ("author", author.clone())));
    pairs.extend(query.filters.iter().map(|filter| ("filter", filter.clone())));
    pairs.push(("sort", query.sort.wire_name().to_owned()));
    if query.limit > 0 {
        pairs.push(("limit", query.limit.to_string()));
    }
    pairs
}

/// The fields to ask for: the Hub refuses a whole request for one that a kind does not have.
fn fields(kind: RepoKind) -> &'static [&'static str] {
    match kind {
        RepoKind::Model => &["downloads", "likes", "lastModified", "gated", "private", "tags", "pipeline_tag", "library_name"],
        RepoKind::Dataset => &["downloads", "likes", "lastModified", "gated", "private", "tags"],
        RepoKind::Space | RepoKind::Kernel => &["likes", "lastModified", "private", "tags"],
    }
}

fn hit(kind: RepoKind, item: &Value) -> Option<Hit> {
    let id = item["id"].as_str().or_else(|| item["modelId"].as_str())?;
    Some(Hit {
        kind,
        id: id.parse().ok()?,
        downloads: count(item, "downloads"),
        likes: count(item, "likes"),
        last_modified: time(item, "lastModified"),
        gated: access(&item["gated"]) != Access::Open,
        private: item["private"].as_bool().unwrap_or(false),
        task: text(item, "pipeline_tag"),
        library: text(item, "library_name"),
        tags: texts(item, "tags"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Server, reply};
    use super::*;
    use crate::desk::Sort;
    use serde_json::json;

    #[tokio::test]
    async fn pages_are_followed_and_broken_hits_left_out() {
        let first = json!([{"id": "org/a", "downloads": 7, "gated": "auto", "tags": ["x\u{1b}"], "pipeline_tag": "text-generation"}, {"id": "../etc"}, 5]);
        let server = Server::start(move |line, _| {
            if line.contains("cursor") {
                reply(200, &[], json!([{"modelId": "gpt2"}]).to_string())
            } else {
                reply(200, &[("link", "</api/models?cursor=2>; rel=\"next\"")], first.to_string())
            }
        })
        .await;
        let hub = server.hub();
        let query = SearchQuery {
            text: " a b ".into(),
            author: Some("org".into()),
            filters: vec!["gguf".into()],
            sort: Sort::Likes,
            limit: 2,
            ..Default::default()
        };
        let page = hub.search(&query, None).await.unwrap();
        assert_eq!(page.hits.len(), 1);
        assert_eq!((page.hits[0].id.as_str(), page.hits[0].downloads, page.hits[0].gated), ("org/a", 7, true));
        assert_eq!(page.hits[0].tags, ["x\u{fffd}"]);
        let last = hub.search(&query, page.next.as_ref()).await.unwrap();
        assert_eq!((last.hits[0].id.as_str(), last.next), ("gpt2", None));
        assert!(server.lines()[0].starts_with("GET /api/models?search=a+b&author=org&filter=gguf&sort=likes&limit=2&expand=downloads"));
    }

    #[tokio::test]
    async fn a_hub_that_does_not_know_a_field_is_asked_for_all() {
        let server = Server::start(|line, _| if line.contains("expand") { reply(400, &[], "{}") } else { reply(200, &[], "[]") }).await;
        assert_eq!(server.hub().search(&SearchQuery::default(), None).await.unwrap(), SearchPage::default());
        assert_eq!(server.lines()[1], "GET /api/models?sort=downloads&full=true");
    }

    #[tokio::test]
    async fn the_token_goes_to_no_page_elsewhere() {
        let server = Server::start(|_, _| reply(200, &[("link", "<http://127.0.0.1:1/api/models>; rel=\"next\"")], "[]")).await;
        let hub = server.hub();
        let page = PageToken("http://127.0.0.1:1/api/models".into());
        assert_eq!(hub.search(&SearchQuery::default(), Some(&page)).await.unwrap_err().kind, FaultKind::Usage);
        assert_eq!(hub.search(&SearchQuery::default(), None).await.unwrap_err().kind, FaultKind::BadReply);
    }

    #[tokio::test]
    async fn an_answer_of_another_shape_is_no_empty_list() {
        let server = Server::start(|_, _| reply(200, &[], "{}")).await;
        assert_eq!(server.hub().search(&SearchQuery::default(), None).await.unwrap_err().kind, FaultKind::BadReply);
    }
}
