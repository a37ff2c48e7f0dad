//! What the Hub says of a content store beside it.

use hfdesk_tui::hubserver::XetStore;

use super::*;

const STORE: &str = "http://127.0.0.1:9";
const REFRESH: &str = "/xet-read-token/main";

async fn beside_a_store(sha256: &str) -> Served {
    let hashes = [(sha256.to_owned(), "ab".repeat(32))].into();
    let store = XetStore { url: STORE.into(), token: "cas".into(), hashes };
    Served::start(hub::samples(), move |config| config.cas = Some(store)).await
}

#[tokio::test]
async fn files_of_the_store_have_their_xet_hash_and_a_token_is_to_be_had() {
    let alone = samples().await;
    let tree = format!("/api/models/{AURORA}/tree/main");
    let sha256 = file(&get_json(&alone, &tree).await, Q4)["lfs"]["oid"].as_str().unwrap().to_owned();
    assert_eq!(get(&alone, &format!("/api/models/{AURORA}{REFRESH}")).await.status(), StatusCode::NOT_FOUND);

    let hub = beside_a_store(&sha256).await;
    let entries = get_json(&hub, &tree).await;
    assert_eq!(file(&entries, Q4)["xetHash"], json!("ab".repeat(32)));
    assert_eq!(entries.as_array().unwrap().iter().filter(|entry| entry.get("xetHash").is_some()).count(), 1);
    let resolved = get(&hub, &format!("/{AURORA}/resolve/main/{Q4}")).await;
    assert_eq!(header(&resolved, "x-xet-hash"), "ab".repeat(32));
    let link = header(&resolved, "link").strip_prefix('<').unwrap().strip_suffix(">; rel=\"xet-auth\"").unwrap();

    let granted = ask(link, &[]).await;
    assert_eq!((header(&granted, "x-xet-cas-url"), header(&granted, "x-xet-access-token")), (STORE, "cas"));
    let ends = header(&granted, "x-xet-token-expiration").parse::<u64>().unwrap();
    assert_eq!(granted.json::<Value>().await.unwrap(), json!({ "casUrl": STORE, "exp": ends, "accessToken": "cas" }));
    let gated = get(&hub, &format!("/api/models/{HELIOS}{REFRESH}")).await;
    assert_eq!(gated.status(), StatusCode::UNAUTHORIZED, "who may not download gets no token");
}

fn file<'a>(tree: &'a Value, path: &str) -> &'a Value {
    tree.as_array().unwrap().iter().find(|entry| entry["path"] == path).unwrap()
}
