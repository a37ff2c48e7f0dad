//! What the API says of repositories.

use super::*;

#[tokio::test]
async fn pages_hold_every_repository_once_and_in_order() {
    let hub = samples().await;
    let items = all_pages(&hub, "/api/models?limit=37&sort=downloads").await;
    let names: BTreeSet<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!((items.len(), names.len()), (269, 269));
    let downloads: Vec<u64> = items.iter().map(|item| item["downloads"].as_u64().unwrap()).collect();
    assert!(downloads.is_sorted_by(|before, after| before >= after));
    assert_eq!(all_pages(&hub, "/api/datasets?limit=10").await.len(), 49);
    assert_eq!(get(&hub, "/api/models?cursor=zz").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn lists_search_and_filter() {
    let hub = samples().await;
    let list =
        get_json(&hub, "/api/models?search=aurora%20GGUF&author=aurora-labs&filter=gguf,license:apache-2.0&sort=trendingScore").await;
    let first = &list[0];
    assert_eq!(ids(&list)[0], AURORA);
    assert_eq!((&first["modelId"], &first["author"]), (&json!(AURORA), &json!("aurora-labs")));
    assert_eq!((&first["downloads"], &first["likes"], &first["gated"]), (&json!(184_213), &json!(912), &json!(false)));
    assert_eq!((&first["pipeline_tag"], &first["library_name"]), (&json!("text-generation"), &json!("gguf")));
    assert_eq!((&first["lastModified"], &first["createdAt"]), (&json!("2026-10-28T16:40:12.000Z"), &json!("2026-06-02T09:14:00.000Z")));
    assert!(first["tags"].as_array().unwrap().contains(&json!("base_model:quantized:aurora-labs/Aurora-8B-Instruct")));
    assert!(first.get("siblings").is_none());
    let gated = get_json(&hub, "/api/models?gated=true&filter=text-generation").await;
    assert_eq!(ids(&gated), [HELIOS, "meridian-models/Meridian-3B-Code-GGUF"]);
    assert_eq!(get_json(&hub, "/api/models?search=no-such-thing").await, json!([]));
    assert_eq!(ids(&get_json(&hub, "/api/spaces").await), ["aurora-labs/aurora-chat"]);
}

#[tokio::test]
async fn expand_reduces_and_refuses() {
    let hub = samples().await;
    let list = get_json(&hub, "/api/models?search=Lumen-3B&expand[]=likes&expand=siblings").await;
    let keys: Vec<&String> = list[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["_id", "id", "modelId", "likes", "siblings"]);
    let refused = get(&hub, "/api/models?expand=usedStorage").await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let error = refused.json::<Value>().await.unwrap()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("safetensors") && !error.contains("usedStorage"), "{error}");
    let one = get_json(&hub, &format!("/api/models/{LUMEN}?expand=usedStorage")).await;
    assert!(one["usedStorage"].as_u64().unwrap() > 100_000 && one.get("sha").is_none());
}

#[tokio::test]
async fn a_description_names_the_commit_and_the_files() {
    let hub = samples().await;
    let info = get_json(&hub, &format!("/api/models/{LUMEN}?blobs=true")).await;
    let sha = info["sha"].as_str().unwrap();
    assert_eq!(sha.len(), 40);
    assert_eq!(info["cardData"]["license"], "apache-2.0");
    assert_eq!(info["config"], json!({ "architectures": ["LlamaForCausalLM"], "model_type": "llama" }));
    let siblings = info["siblings"].as_array().unwrap();
    let shard = siblings.iter().find(|file| file["rfilename"] == "model-00001-of-00003.safetensors").unwrap();
    assert_eq!(shard["lfs"]["size"], shard["size"]);
    assert_eq!(shard["lfs"]["sha256"].as_str().unwrap().len(), 64);
    assert!(siblings.iter().all(|file| file["rfilename"] != ".hub.toml"));
    let same = get_json(&hub, &format!("/api/models/{LUMEN}/revision/{sha}")).await;
    assert_eq!(same["sha"], info["sha"]);
    let refs = get_json(&hub, &format!("/api/models/{LUMEN}/refs")).await;
    assert_eq!(refs["branches"][0], json!({ "name": "main", "ref": "refs/heads/main", "targetCommit": sha }));
    let commits = get_json(&hub, &format!("/api/models/{LUMEN}/commits/main")).await;
    assert_eq!((&commits[0]["id"], &commits[0]["authors"]), (&json!(sha), &json!([{ "user": "lumen-research" }])));
    let tags = get_json(&hub, "/api/models-tags-by-type").await;
    assert!(tags["license"].as_array().unwrap().contains(&json!({ "id": "license:mit", "label": "mit", "type": "license" })));
}

#[tokio::test]
async fn a_tree_has_the_digests_of_the_files() {
    let hub = samples().await;
    let base = hub.root.path().join("models").join(AURORA);
    let tree = get_json(&hub, &format!("/api/models/{AURORA}/tree/main?recursive=true")).await;
    let tree = tree.as_array().unwrap();
    assert_eq!(tree.len(), 20);
    for entry in tree.iter().filter(|entry| entry["type"] == "file") {
        let content = fs::read(base.join(entry["path"].as_str().unwrap())).unwrap();
        let blob = |content: &[u8]| hex::encode(sha1::Sha1::digest([format!("blob {}\0", content.len()).as_bytes(), content].concat()));
        assert_eq!(entry["size"], content.len());
        let Some(lfs) = entry.get("lfs") else {
            assert_eq!(entry["oid"], blob(&content), "{entry}");
            continue;
        };
        let sha256 = hex::encode(sha2::Sha256::digest(&content));
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {}\n", content.len());
        assert_eq!(*lfs, json!({ "oid": sha256, "size": content.len(), "pointerSize": pointer.len() }));
        assert_eq!(entry["oid"], blob(pointer.as_bytes()));
    }
    let top = get_json(&hub, &format!("/api/models/{AURORA}/tree/main")).await;
    assert_eq!((&top[0]["type"], &top[0]["path"], &top[0]["size"]), (&json!("directory"), &json!("BF16"), &json!(0)));
    assert_eq!(top.as_array().unwrap().len(), 18);
    let folder = get_json(&hub, &format!("/api/models/{AURORA}/tree/main/BF16")).await;
    assert_eq!(folder[1]["path"], "BF16/Aurora-8B-Instruct-BF16-00002-of-00002.gguf");
}

#[tokio::test]
async fn large_trees_come_in_pages() {
    let paths: Vec<String> = (0..120).map(|number| format!("datasets/o/many/deep/er/{number:03}.txt")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "x")).collect();
    let hub = Served::start(own_root(&files), |_| {}).await;
    let entries = all_pages(&hub, "/api/datasets/o/many/tree/main?recursive=true&expand=true").await;
    let unique: BTreeSet<&str> = entries.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    assert_eq!((entries.len(), unique.len()), (122, 122));
    assert_eq!(entries[0]["lastCommit"]["title"], "Upload files");
    assert_eq!(entries[2]["securityFileStatus"]["status"], "unscanned");
    assert_eq!(get_json(&hub, "/api/datasets/o/many/tree/main/deep%2Fer").await.as_array().unwrap().len(), 120);
}

#[tokio::test]
async fn paths_info_tells_of_what_there_is() {
    let hub = samples().await;
    let url = format!("{}/api/models/{AURORA}/paths-info/main", hub.endpoint());
    let form = [("paths", "README.md"), ("paths", "nope"), ("paths", "BF16"), ("expand", "false")];
    let found: Value = client().post(&url).form(&form).send().await.unwrap().json().await.unwrap();
    let kinds: Vec<(&Value, &Value)> = found.as_array().unwrap().iter().map(|entry| (&entry["type"], &entry["path"])).collect();
    assert_eq!(kinds, [(&json!("file"), &json!("README.md")), (&json!("directory"), &json!("BF16"))]);
    assert_eq!(ask(&url, &[]).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}
