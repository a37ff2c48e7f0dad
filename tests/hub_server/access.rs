//! Refusals, tokens and gates.

use super::*;

#[tokio::test]
async fn every_refusal_has_its_code() {
    let hub = Served::start(hub::samples(), |config| config.tokens = tokens()).await;
    let cases = [
        ("/api/models/no/where", "", 401, "RepoNotFound"),
        ("/api/models/no/where", "good", 404, "RepoNotFound"),
        ("/no/where/resolve/main/x", "good", 404, "RepoNotFound"),
        (&format!("/api/models/{LUMEN}/revision/refs%2Fpr%2F1"), "", 404, "RevisionNotFound"),
        (&format!("/{LUMEN}/resolve/nope/README.md"), "", 404, "RevisionNotFound"),
        (&format!("/{LUMEN}/resolve/main/nope"), "", 404, "EntryNotFound"),
        (&format!("/api/models/{LUMEN}/tree/main/nope"), "", 404, "EntryNotFound"),
        (&format!("/{HELIOS}/resolve/main/config.json"), "", 401, "GatedRepo"),
        (&format!("/{HELIOS}/resolve/main/config.json"), "plain", 403, "GatedRepo"),
    ];
    for (path, token, status, code) in cases {
        let bearer = format!("Bearer {token}");
        let headers = [(AUTHORIZATION.as_str(), bearer.as_str())];
        let response = ask(&format!("{}{path}", hub.endpoint()), if token.is_empty() { &[] } else { &headers }).await;
        assert_eq!((response.status().as_u16(), header(&response, "x-error-code")), (status, code), "{path} {token}");
        assert!(header(&response, "ratelimit").contains(";r="));
        let message = header(&response, "x-error-message").to_owned();
        assert_eq!(response.json::<Value>().await.unwrap(), json!({ "error": message }));
    }
    let entry = get(&hub, &format!("/{LUMEN}/resolve/main/nope")).await;
    assert_eq!(header(&entry, "x-repo-commit").len(), 40);
}

#[tokio::test]
async fn tokens_open_what_they_are_granted() {
    let root = own_root(&[("models/o/secret/.hub.toml", "private = true\n"), ("models/o/secret/x.txt", "x"), ("models/o/open/x.txt", "x")]);
    let hub = Served::start(root, |config| config.tokens = tokens()).await;
    let visible = async |token: &str| {
        let response = ask(&format!("{}/api/models", hub.endpoint()), &[(AUTHORIZATION.as_str(), token)]).await;
        let list: Value = response.json().await.unwrap();
        ids(&list).len()
    };
    assert_eq!((visible("Bearer plain").await, visible("Bearer good").await), (1, 2));
    let whoami = format!("{}/api/whoami-v2", hub.endpoint());
    assert_eq!(ask(&whoami, &[]).await.status(), StatusCode::UNAUTHORIZED);
    let user: Value = ask(&whoami, &[(AUTHORIZATION.as_str(), "Bearer good")]).await.json().await.unwrap();
    assert_eq!((&user["name"], &user["auth"]["accessToken"]["role"]), (&json!("grace"), &json!("read")));
    let wrong = ask(&format!("{}/api/models", hub.endpoint()), &[(AUTHORIZATION.as_str(), "Bearer wrong")]).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(&wrong, "x-error-message"), "Invalid credentials in Authorization header");

    let gated = Served::start(hub::samples(), |config| config.tokens = tokens()).await;
    let url = format!("{}/{HELIOS}/resolve/main/config.json", gated.endpoint());
    assert_eq!(ask(&url, &[(AUTHORIZATION.as_str(), "Bearer good")]).await.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(get_json(&gated, &format!("/api/models/{HELIOS}")).await["gated"], "manual");
}

/// What a token of this standing is answered about a gated repository's path.
async fn answered(grant: Grant, path: &str) -> Response {
    let token = AcceptedToken { token: "t".to_owned(), user: "ada".to_owned(), grant };
    let hub = Served::start(hub::samples(), |config| config.tokens = vec![token]).await;
    ask(&format!("{}{path}", hub.endpoint()), &[(AUTHORIZATION.as_str(), "Bearer t")]).await
}

#[tokio::test]
async fn a_gate_says_why_it_stays_shut() {
    for (grant, code, words) in [
        (Grant::NotAsked, Some("GatedRepo"), "is restricted and you are not in the authorized list. Visit http://127.0.0.1:"),
        (Grant::Pending, Some("GatedRepo"), "is awaiting a review from the repo authors."),
        (Grant::Rejected, Some("GatedRepo"), "has been rejected by the repo's authors."),
        (Grant::Reset, Some("GatedRepo"), "to submit a new request."),
        (Grant::NoScope, None, "Please enable access to public gated repositories in your fine-grained token settings"),
    ] {
        let response = answered(grant, &format!("/{HELIOS}/resolve/main/no-such-file")).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{grant:?}");
        assert_eq!(response.headers().get("x-error-code").map(|code| code.to_str().unwrap()), code, "{grant:?}");
        assert!(header(&response, "x-error-message").contains(words), "{}", header(&response, "x-error-message"));
    }
    let user: Value = answered(Grant::NoScope, "/api/whoami-v2").await.json().await.unwrap();
    assert_eq!(user["auth"]["accessToken"]["fineGrained"]["canReadGatedRepos"], json!(false));
}

#[tokio::test]
async fn the_card_is_open_and_what_names_the_content_is_masked() {
    for (path, status) in [("resolve/main/README.md", 307), ("raw/main/README.md", 403), ("resolve/main/config.json", 403)] {
        assert_eq!(answered(Grant::Pending, &format!("/{HELIOS}/{path}")).await.status().as_u16(), status, "{path}");
    }
    let digest = async |grant| {
        let tree: Value = answered(grant, &format!("/api/models/{HELIOS}/tree/main")).await.json().await.unwrap();
        let weights = tree.as_array().unwrap().iter().find(|entry| entry["path"] == "model.safetensors").unwrap();
        weights["lfs"]["oid"].as_str().unwrap().to_owned()
    };
    assert_eq!(digest(Grant::Pending).await, "*".repeat(64));
    assert!(digest(Grant::Granted).await.bytes().all(|byte| byte.is_ascii_hexdigit()));
}
