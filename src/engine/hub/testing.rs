//! A server on loopback that answers as a test says and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;

use super::{Hub, HubSettings, Patience};
use crate::desk::RepoRef;
use crate::engine::config::Token;

/// A commit for replies.
pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// One request, as the server saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Method and target, such as `GET /api/models?limit=2`.
    pub line: String,
    pub authorization: Option<String>,
    pub encoding: Option<String>,
    pub range: Option<String>,
}

/// A running server; it ends with the value.
pub(super) struct Server {
    pub base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts a server; `answer` gets the request's line and how many came before.
    pub async fn start(answer: impl Fn(&str, usize) -> Response + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (seen.clone(), Arc::new(answer));
        let app = Router::new().fallback(move |request: Request| {
            let (log, answer) = (log.clone(), answer.clone());
            async move {
                let seen = note(&request);
                let before = log.lock().unwrap().len();
                log.lock().unwrap().push(seen.clone());
                answer(&seen.line, before)
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, seen, task }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests' lines.
    pub fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// A Hub with a token and hardly any patience.
    pub fn hub(&self) -> Hub {
        self.hub_with(|_| {})
    }

    pub fn hub_with(&self, change: impl FnOnce(&mut HubSettings)) -> Hub {
        let patience = Patience { second: Duration::from_micros(10), ..Patience::default() };
        let mut settings = HubSettings { token: Token::new("hf_test"), patience, ..HubSettings::new(&self.base) };
        change(&mut settings);
        Hub::new(settings).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn note(request: &Request) -> Seen {
    let header = |name: &str| Some(request.headers().get(name)?.to_str().unwrap().to_owned());
    Seen {
        line: format!("{} {}", request.method(), request.uri()),
        authorization: header("authorization"),
        encoding: header("accept-encoding"),
        range: header("range"),
    }
}

/// A response with these headers.
pub(super) fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

/// The model `org/name` at `main`.
pub(super) fn model() -> RepoRef {
    RepoRef::model("org/name".parse().unwrap())
}
