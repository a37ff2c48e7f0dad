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
