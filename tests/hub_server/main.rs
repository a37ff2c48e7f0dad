//! The Hub server over real connections on loopback: shapes, pages, files, access, limits and trouble on purpose.

#![allow(clippy::unwrap_used, clippy::panic)] // a test's helpers fail as loudly as the test itself

mod access;
mod api;
mod files;
#[path = "../support/hub.rs"]
mod hub;
mod limits;
mod revisions;
mod xet;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use futures::StreamExt;
use hfdesk_tui::hubserver::{AcceptedToken, Effect, FaultRule, Grant, HubServer, Quota, Side};
use hub::Served;
use reqwest::header::{AUTHORIZATION, RANGE};
use reqwest::{Response, StatusCode, redirect};
use serde_json::{Value, json};
use sha2::Digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const AURORA: &str = "aurora-labs/Aurora-8B-Instruct-GGUF";
const Q4: &str = "Aurora-8B-Instruct-Q4_K_M.gguf";
const LUMEN: &str = "lumen-research/Lumen-3B-Base";
const HELIOS: &str = "helios-systems/Helios-7B-Instruct";

async fn samples() -> Served {
    Served::start(hub::samples(), |_| {}).await
}

/// A client that follows no redirects. Every test has its own runtime, so connections are not kept for the next request.
fn client() -> &'static reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        reqwest::Client::builder().redirect(redirect::Policy::none()).pool_max_idle_per_host(0).no_proxy().build().unwrap()
    });
    &CLIENT
}

async fn ask(url: &str, headers: &[(&str, &str)]) -> Response {
    headers.iter().fold(client().get(url), |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

async fn get(hub: &HubServer, path: &str) -> Response {
    ask(&format!("{}{path}", hub.endpoint()), &[]).await
}

async fn get_json(hub: &HubServer, path: &str) -> Value {
    let response = get(hub, path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.json().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// Every page of a list, following `Link` to the end.
async fn all_pages(hub: &HubServer, path: &str) -> Vec<Value> {
    let (mut items, mut next) = (Vec::new(), Some(format!("{}{path}", hub.endpoint())));
    while let Some(url) = next {
        let response = ask(&url, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        next = link.map(|link| link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned());
        items.extend(response.json::<Vec<Value>>().await.unwrap());
    }
    items
}

fn tokens() -> Vec<AcceptedToken> {
    [("good", "grace", Grant::Granted), ("plain", "paul", Grant::NotAsked)]
        .map(|(token, user, grant)| AcceptedToken { token: token.to_owned(), user: user.to_owned(), grant })
        .to_vec()
}

/// The URL on the CDN that a file is redirected to.
async fn cdn_url(hub: &HubServer, path: &str) -> String {
    let response = get(hub, path).await;
    assert_eq!(response.status(), StatusCode::FOUND, "{path}");
    header(&response, "location").to_owned()
}

fn own_root(files: &[(&str, &str)]) -> Arc<tempfile::TempDir> {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    Arc::new(root)
}
