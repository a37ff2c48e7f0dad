//! Branches, tags and commits, each with files of its own.

use super::*;

/// The names and commits of the branches, or of the tags.
async fn names(hub: &HubServer, space: &str) -> Vec<(String, String)> {
    let refs = get_json(hub, &format!("/api/models/{LUMEN}/refs")).await;
    let text = |named: &Value, key: &str| named[key].as_str().unwrap().to_owned();
    refs[space].as_array().unwrap().iter().map(|named| (text(named, "name"), text(named, "targetCommit"))).collect()
}

async fn paths(hub: &HubServer, revision: &str) -> Vec<String> {
    let tree = get_json(hub, &format!("/api/models/{LUMEN}/tree/{revision}?recursive=true")).await;
    tree.as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_route_agrees_on_a_tag() {
    let hub = samples().await;
    let tags = names(&hub, "tags").await;
    let (_, commit) = tags.iter().find(|(name, _)| name == "v1.0").unwrap();
    let info = get_json(&hub, &format!("/api/models/{LUMEN}/revision/v1.0")).await;
    assert_eq!(info["sha"], **commit);
    let siblings: Vec<&str> = info["siblings"].as_array().unwrap().iter().map(|file| file["rfilename"].as_str().unwrap()).collect();
    let listed = paths(&hub, "v1.0").await;
    assert_eq!(siblings, listed);
    assert!(listed.contains(&"model-00002-of-00002.safetensors".to_owned()) && !listed.contains(&"generation_config.json".to_owned()));
    for revision in ["refs%2Ftags%2Fv1.0", commit] {
        assert_eq!(paths(&hub, revision).await, listed, "{revision}");
    }
    let readme = get(&hub, &format!("/{LUMEN}/raw/v1.0/README.md")).await;
    assert_eq!(header(&readme, "x-repo-commit"), commit);
    assert!(readme.text().await.unwrap().contains("first release"));
    let url = cdn_url(&hub, &format!("/{LUMEN}/resolve/v1.0/model-00001-of-00002.safetensors")).await;
    let folder = hub.root.path().join("models").join(LUMEN).join(".hub-revisions/v1.0");
    assert_eq!(ask(&url, &[]).await.bytes().await.unwrap(), fs::read(folder.join("model-00001-of-00002.safetensors")).unwrap());
}

#[tokio::test]
async fn branches_tags_and_commits_are_listed() {
    let hub = samples().await;
    let (branches, tags) = (names(&hub, "branches").await, names(&hub, "tags").await);
    let listed = |names: &[(String, String)]| names.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!((listed(&branches), listed(&tags)), (vec!["main".into(), "long-context".into()], vec!["v1.1".into(), "v1.0".into()]));
    assert_eq!(branches[0].1, tags[0].1);
    let titles = |commits: Value| commits.as_array().unwrap().iter().map(|commit| commit["title"].clone()).collect::<Vec<_>>();
    let main = titles(get_json(&hub, &format!("/api/models/{LUMEN}/commits/main")).await);
    assert_eq!(main, ["Train on 400 billion more tokens", "Release 1.0", "Describe what is to come"]);
    let branch = titles(get_json(&hub, &format!("/api/models/{LUMEN}/commits/long-context")).await);
    assert_eq!(branch[0], "Reach for 128k positions");
    assert_eq!(get(&hub, &format!("/api/models/{LUMEN}/commits/v9")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn other_commits_are_no_files() {
    let hub = samples().await;
    assert!(paths(&hub, "main").await.iter().all(|path| !path.starts_with('.') || path == ".gitattributes"));
    let hidden = get(&hub, &format!("/{LUMEN}/raw/main/.hub-revisions/v1.0/README.md")).await;
    assert_eq!(hidden.status(), StatusCode::NOT_FOUND);
}
