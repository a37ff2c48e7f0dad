//! Files, small and large, and paths that lead nowhere.

use super::*;

#[tokio::test]
async fn small_files_come_after_a_redirect_whole_or_in_part() {
    let hub = samples().await;
    let redirect = get(&hub, &format!("/{LUMEN}/resolve/main/README.md")).await;
    assert_eq!((redirect.status(), header(&redirect, "x-repo-commit").len()), (StatusCode::TEMPORARY_REDIRECT, 40));
    let location = header(&redirect, "location");
    let (commit, tag) = (header(&redirect, "x-repo-commit"), header(&redirect, "etag").trim_matches('"'));
    let asked = LUMEN.replace('/', "%2F").replace('-', "%2D");
    assert_eq!(
        location,
        format!("/api/resolve-cache/models/{LUMEN}/{commit}/README.md?%2F{asked}%2Fresolve%2Fmain%2FREADME%2Emd=&etag=%22{tag}%22")
    );
    let url = format!("{}{location}", hub.endpoint());
    let content = fs::read(hub.root.path().join("models").join(LUMEN).join("README.md")).unwrap();
    let whole = ask(&url, &[]).await;
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!((header(&whole, "accept-ranges"), header(&whole, "x-repo-commit").len(), header(&whole, "etag").len()), ("bytes", 40, 42));
    assert_eq!(whole.bytes().await.unwrap(), content);
    let part = ask(&url, &[("range", "bytes=5-9")]).await;
    assert_eq!((part.status(), header(&part, "content-range")), (StatusCode::PARTIAL_CONTENT, &*format!("bytes 5-9/{}", content.len())));
    assert_eq!(part.bytes().await.unwrap(), content[5..10]);
    let tail = ask(&url, &[("range", "bytes=-7")]).await;
    assert_eq!(tail.bytes().await.unwrap(), content[content.len() - 7..]);
    let beyond = ask(&url, &[("range", "bytes=999999-")]).await;
    assert_eq!(
        (beyond.status(), header(&beyond, "content-range")),
        (StatusCode::RANGE_NOT_SATISFIABLE, &*format!("bytes */{}", content.len()))
    );
    let head = client().head(&url).send().await.unwrap();
    assert_eq!(header(&head, "content-length"), content.len().to_string());
    assert_eq!(get(&hub, &format!("/{LUMEN}/raw/main/README.md")).await.bytes().await.unwrap(), content);
    let stats = hub.stats();
    assert_eq!(stats.hub_bytes, 2 * content.len() as u64 + 5 + 7);
    assert_eq!((stats.api_requests, stats.resolve_requests, stats.cached_requests), (0, 2, 5));
}

#[tokio::test]
async fn large_files_come_from_the_cdn() {
    let hub = samples().await;
    let content = fs::read(hub.root.path().join("models").join(AURORA).join(Q4)).unwrap();
    let redirect = get(&hub, &format!("/{AURORA}/resolve/main/{Q4}")).await;
    assert_eq!(redirect.status(), StatusCode::FOUND);
    let sha256 = hex::encode(sha2::Sha256::digest(&content));
    assert_eq!(header(&redirect, "x-linked-etag"), format!("\"{sha256}\""));
    assert_eq!(header(&redirect, "x-linked-size"), content.len().to_string());
    assert_eq!(header(&redirect, "x-repo-commit").len(), 40);
    let location = header(&redirect, "location");
    assert!(location.starts_with(&hub.cdn_endpoint()) && hub.cdn_endpoint() != hub.endpoint());

    let whole = ask(location, &[]).await;
    assert!(!header(&whole, "etag").contains(&sha256));
    assert_eq!(whole.bytes().await.unwrap(), content);
    let part = ask(location, &[("range", "bytes=100-299")]).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), content[100..300]);
    assert_eq!(ask(location, &[("range", "bytes=99999999-")]).await.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(ask(&location.replace("Q4_K_M", "Q4_K_S"), &[]).await.status(), StatusCode::FORBIDDEN);
    let stats = hub.stats();
    assert_eq!((stats.resolve_requests, stats.cdn_requests, stats.cdn_bytes), (1, 4, content.len() as u64 + 200));
    let pointer = get(&hub, &format!("/{AURORA}/raw/main/{Q4}")).await.text().await.unwrap();
    assert!(pointer.contains(&sha256), "{pointer}");
}

#[tokio::test]
async fn signed_urls_expire() {
    let hub = Served::start(hub::samples(), |config| config.url_ttl = Duration::ZERO).await;
    let url = cdn_url(&hub, &format!("/{AURORA}/resolve/main/{Q4}")).await;
    assert_eq!(ask(&url, &[]).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_commit_survives_a_restart_and_changes_with_the_content() {
    let root = own_root(&[("models/o/m/a.txt", "one"), ("models/o/m/w.gguf", "weights")]);
    let first = Served::start(Arc::clone(&root), |_| {}).await;
    let sha = get_json(&first, "/api/models/o/m").await["sha"].clone();
    drop(first);
    assert!(root.path().join(".hub-digests.json").exists());
    let second = Served::start(Arc::clone(&root), |_| {}).await;
    assert_eq!(get_json(&second, "/api/models/o/m").await["sha"], sha);
    fs::write(root.path().join("models/o/m/a.txt"), "another").unwrap();
    let changed = get(&second, "/o/m/raw/main/a.txt").await;
    assert_eq!((changed.status(), header(&changed, "retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    let served = get(&second, "/o/m/raw/main/a.txt").await;
    assert_ne!(header(&served, "x-repo-commit"), sha.as_str().unwrap());
    assert_eq!(served.text().await.unwrap(), "another");
}

#[tokio::test]
async fn repositories_without_an_owner_are_served() {
    let hub = Served::start(own_root(&[("models/gpt2/config.json", "{}")]), |_| {}).await;
    let tree = get_json(&hub, "/api/models/gpt2/tree/main").await;
    assert_eq!(tree[0]["path"], "config.json");
    assert_eq!(get(&hub, "/gpt2/raw/main/config.json").await.text().await.unwrap(), "{}");
}

/// The status of a request whose path no client library would send as it is.
async fn raw_status(hub: &HubServer, path: &str) -> String {
    let address = hub.endpoint().trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    String::from_utf8_lossy(&reply).split(' ').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn hostile_paths_reach_nothing() {
    let outside = own_root(&[("secret.txt", "secret")]);
    let root = own_root(&[("models/o/m/a.txt", "a"), ("models/o/m/.git/config", "g"), ("models/o/m/.hub.toml", "likes = 1\n")]);
    symlink(outside.path().join("secret.txt"), root.path().join("models/o/m/link.txt")).unwrap();
    symlink(outside.path(), root.path().join("models/o/linked")).unwrap();
    let hub = Served::start(root, |_| {}).await;
    assert_eq!(raw_status(&hub, "/o/m/resolve/main/a.txt").await, "307");
    let paths = [
        "/o/m/resolve/main/../m/a.txt",
        "/o/m/resolve/main/%2e%2e/m/a.txt",
        "/o/m/resolve/main/..%2Fm%2Fa.txt",
        "/o/m/resolve/main//etc/passwd",
        "/o/m/resolve/main/%2Fetc%2Fpasswd",
        "/o/m/resolve/main/.git/config",
        "/o/m/resolve/main/.hub.toml",
        "/o/m/resolve/main/link.txt",
        "/o/m/resolve/main/a.txt%00",
        "/o/m/resolve/main/%ff",
        "/o/linked/resolve/main/secret.txt",
        "/../o/m/resolve/main/a.txt",
        "/api/models/../../x",
        "/api/models/o%2Fm%2Fx",
        "/.hub-digests.json",
        "/o/m/resolve/..%2F..%2F/a.txt",
        "/",
        "//",
        "/%",
    ];
    for path in paths {
        let status = raw_status(&hub, path).await;
        assert!(matches!(status.as_str(), "400" | "401" | "404"), "{path}: {status}");
    }
    let hostile_host = ask(&format!("{}/api/models", hub.endpoint()), &[("host", "evil.example/\"><x")]).await;
    assert!(hostile_host.status().is_success() || hostile_host.status() == StatusCode::BAD_REQUEST);
}
