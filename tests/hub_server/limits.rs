//! Quotas, rates, trouble on purpose, and the end.

use super::*;

#[tokio::test]
async fn quotas_are_told_and_enforced() {
    let quota = Quota { api: 2, resolvers: 9, window: Duration::from_secs(300) };
    let hub = Served::start(hub::samples(), |config| config.quota = quota).await;
    let first = get(&hub, "/api/models?limit=1").await;
    assert!(header(&first, "ratelimit").starts_with("\"api\";r=1;t="));
    assert_eq!(header(&first, "ratelimit-policy"), "\"fixed window\";\"api\";q=2;w=300");
    assert_eq!(get(&hub, "/api/models?limit=1").await.status(), StatusCode::OK);
    let third = get(&hub, "/api/models?limit=1").await;
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(header(&third, "ratelimit").starts_with("\"api\";r=0;t="));
    assert!((1..=300).contains(&header(&third, "retry-after").parse::<u64>().unwrap()));
    assert_eq!(get(&hub, &format!("/{LUMEN}/resolve/main/README.md")).await.status(), StatusCode::TEMPORARY_REDIRECT);
}

#[tokio::test]
async fn the_cdn_keeps_to_its_rate_and_the_rate_can_change() {
    let rate = 100_000;
    let hub = Served::start(hub::samples(), |config| config.rate = Some(rate)).await;
    let url = cdn_url(&hub, &format!("/{AURORA}/resolve/main/BF16/Aurora-8B-Instruct-BF16-00001-of-00002.gguf")).await;
    let started = Instant::now();
    let mut bodies = [ask(&url, &[]).await.bytes_stream(), ask(&url, &[]).await.bytes_stream()];
    let mut received = [0_u64; 2];
    while received.iter().sum::<u64>() < 50_000 {
        for (body, received) in bodies.iter_mut().zip(&mut received) {
            *received += body.next().await.unwrap().unwrap().len() as u64;
        }
        let allowed = started.elapsed().as_secs_f64() * 100_000.0 + 5_000.0;
        assert!((hub.stats().cdn_bytes as f64) <= allowed, "{:?} of {allowed}", hub.stats());
    }
    assert!(received.iter().all(|received| *received > 0), "both make progress: {received:?}");
    hub.set_rate(None);
    for (body, received) in bodies.into_iter().zip(&mut received) {
        *received += body.fold(0, async |sum, chunk| sum + chunk.unwrap().len() as u64).await;
    }
    assert_eq!(received[0], received[1]);
    let at_the_old_rate = Duration::from_secs(2 * received[0] / rate);
    assert!(started.elapsed() < at_the_old_rate / 2, "{:?}", started.elapsed());
}

fn trouble(side: Side, path: &str, effect: Effect) -> FaultRule {
    FaultRule { side, path_contains: path.to_owned(), times: 1, effect }
}

#[tokio::test]
async fn trouble_comes_on_purpose_and_passes() {
    let mut plan = None;
    let hub = Served::start(hub::samples(), |config| plan = Some(config.faults.clone())).await;
    let plan = plan.unwrap();
    let content = fs::read(hub.root.path().join("models").join(AURORA).join(Q4)).unwrap();
    let url = cdn_url(&hub, &format!("/{AURORA}/resolve/main/{Q4}")).await;

    plan.inject(trouble(Side::Hub, "/api/models", Effect::Status(503, vec![("Retry-After".to_owned(), "7".to_owned())])));
    let refused = get(&hub, "/api/models?limit=1").await;
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (503, "7"));
    assert_eq!(get(&hub, "/api/models?limit=1").await.status(), StatusCode::OK);

    plan.inject(trouble(Side::Cdn, "Q4_K_M", Effect::CutAfter(100_000)));
    let mut cut = ask(&url, &[]).await.bytes_stream();
    let (mut received, mut broke) = (Vec::new(), false);
    while let Some(chunk) = cut.next().await {
        chunk.map_or_else(|_| broke = true, |chunk| received.extend(chunk));
    }
    assert!(broke && received == content[..100_000], "{}", received.len());

    plan.inject(trouble(Side::Cdn, "Q4_K_M", Effect::Flip(5000)));
    assert_eq!(ask(&url, &[(RANGE.as_str(), "bytes=0-9")]).await.bytes().await.unwrap(), content[..10]);
    let flipped = ask(&url, &[(RANGE.as_str(), "bytes=4990-")]).await.bytes().await.unwrap();
    assert_eq!((flipped[9], flipped[10], flipped[11]), (content[4999], !content[5000], content[5001]));

    plan.inject(trouble(Side::Cdn, "", Effect::IgnoreRange));
    let whole = ask(&url, &[(RANGE.as_str(), "bytes=10-19")]).await;
    assert_eq!((whole.status(), whole.bytes().await.unwrap().len()), (StatusCode::OK, content.len()));
    assert_eq!(ask(&url, &[]).await.bytes().await.unwrap(), content);
}

#[tokio::test]
async fn a_file_pretends_to_be_another_on_purpose() {
    let mut plan = None;
    let hub = Served::start(hub::samples(), |config| plan = Some(config.faults.clone())).await;
    let plan = plan.unwrap();
    let content = fs::read(hub.root.path().join("models").join(AURORA).join(Q4)).unwrap();
    let url = cdn_url(&hub, &format!("/{AURORA}/resolve/main/{Q4}")).await;
    let etag = header(&ask(&url, &[(RANGE.as_str(), "bytes=0-0")]).await, "etag").to_owned();
    let part = [(RANGE.as_str(), "bytes=100-199"), ("if-range", &etag)];

    plan.inject(trouble(Side::Cdn, "", Effect::Replace));
    let replaced = ask(&url, &part).await;
    assert_eq!((replaced.status(), header(&replaced, "etag") == etag), (StatusCode::OK, false));
    assert_eq!(replaced.bytes().await.unwrap()[9], !content[9]);

    plan.inject(trouble(Side::Cdn, "", Effect::Resize(150)));
    let shrunk = ask(&url, &part).await;
    assert_eq!((header(&shrunk, "content-range"), header(&shrunk, "content-length")), ("bytes 100-149/150", "50"));

    plan.inject(trouble(Side::Cdn, "", Effect::Announce(40)));
    let short = ask(&url, &part).await;
    assert_eq!(header(&short, "content-range"), format!("bytes 100-199/{}", content.len()));
    assert_eq!(short.bytes().await.unwrap(), content[100..140]);
    plan.inject(trouble(Side::Cdn, "", Effect::Announce(140)));
    assert!(ask(&url, &part).await.bytes().await.is_err());

    plan.inject(trouble(Side::Cdn, "", Effect::EndAfter(30)));
    let unsized_body = ask(&url, &part).await;
    assert_eq!(unsized_body.content_length(), None);
    assert_eq!(unsized_body.bytes().await.unwrap(), content[100..130]);
    assert_eq!(ask(&url, &part).await.bytes().await.unwrap(), content[100..200]);
}

#[tokio::test]
async fn a_server_stops_in_time_even_with_a_stalled_transfer() {
    let samples = hub::samples();
    let config = hfdesk_tui::hubserver::HubConfig::new(samples.path());
    config.faults.inject(trouble(Side::Cdn, "", Effect::StallAfter(10)));
    let server = HubServer::start(config).await.unwrap();
    let url = cdn_url(&server, &format!("/{AURORA}/resolve/main/{Q4}")).await;
    let mut stalled = ask(&url, &[]).await.bytes_stream();
    assert_eq!(stalled.next().await.unwrap().unwrap().len(), 10);
    let endpoint = server.endpoint();
    let started = Instant::now();
    server.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(stalled.next().await.unwrap().is_err());
    assert!(client().get(format!("{endpoint}/api/models")).send().await.is_err());
}
