//! Stores of other programs as they lay them out, with every byte accounted for.

use std::os::unix::fs::symlink;

use super::super::testkit::{self, add};
use super::*;
use crate::desk::{OtherKind, OtherModel};

/// A folder for stores and a cache beside them.
fn scene() -> (tempfile::TempDir, Cache) {
    let (dir, cache) = testkit::cache();
    let dir_root = dir.path().to_path_buf();
    (dir, cache.with_local_roots(vec![dir_root.join("models")]))
}

fn write(path: PathBuf, content: &[u8]) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

/// The only store there is.
fn only(stores: Vec<OtherStore>) -> OtherStore {
    assert_eq!(stores.len(), 1, "{stores:?}");
    stores.into_iter().next().unwrap()
}

fn shown(store: &OtherStore) -> Vec<(&str, u64, u64, usize)> {
    store.models.iter().map(|OtherModel { name, size, linked, files, .. }| (&**name, *size, *linked, *files)).collect()
}

#[test]
fn nothing_is_nothing() {
    let (dir, cache) = scene();
    let nowhere = vec![dir.path().join("nowhere")];
    let places = Places { ollama: nowhere.clone(), llama_cpp: nowhere.clone(), xet: nowhere, ..Places::default() };
    assert_eq!(cache.others(&places), vec![]);
    fs::create_dir_all(dir.path().join("models/org/empty")).unwrap();
    assert_eq!(cache.others(&places), vec![]);
}

#[test]
fn a_model_is_a_folder_with_weights() {
    let (dir, cache) = scene();
    let root = dir.path().join("models");
    write(root.join("org/m/deep/er/model.GGUF"), &[1; 7000]);
    write(root.join("org/m/config.json"), b"{}");
    write(root.join("org/small/model.safetensors"), &[1; 10]);
    write(root.join("org/docs/README.md"), b"none");
    write(root.join("loose.gguf"), &[1; 99]);
    let store = only(cache.others(&Places::default()));
    assert_eq!((store.keeper, &store.root), (Keeper::LocalRoot, &fs::canonicalize(&root).unwrap()));
    assert_eq!(shown(&store), [("org/m", 7002, 0, 2), ("org/small", 10, 0, 1)]);
    assert_eq!((store.size, store.warnings.len()), (7012, 0));
    assert!(store.models[0].last_accessed.is_some() && store.models[0].path.ends_with("models/org/m"));
}

#[test]
fn content_with_several_names_counts_once_for_the_store() {
    let (dir, cache) = scene();
    let root = dir.path().join("models");
    let file = write(root.join("org/a/model.gguf"), &[1; 5000]);
    write(root.join("org/b/b.gguf"), &[1; 300]);
    fs::hard_link(&file, root.join("org/b/model.gguf")).unwrap();
    symlink("../a/model.gguf", root.join("org/b/same.gguf")).unwrap();
    let store = only(cache.others(&Places::default()));
    assert_eq!(shown(&store), [("org/b", 5300, 0, 3), ("org/a", 5000, 0, 1)]);
    assert_eq!(store.size, 5300);
}

#[test]
fn what_is_in_the_cache_too_takes_no_room() {
    let (dir, cache) = scene();
    let place = add(&cache, "org/m", &[("x.bin", &[7; 4000]), ("y.bin", &[8; 600])]);
    let root = dir.path().join("models");
    write(root.join("org/m/own.gguf"), &[1; 50]);
    symlink(place.dir().join("x.bin"), root.join("org/m/x.gguf")).unwrap();
    fs::hard_link(fs::canonicalize(place.dir().join("y.bin")).unwrap(), root.join("org/m/y.gguf")).unwrap();
    let store = only(cache.others(&Places::default()));
    assert_eq!(shown(&store), [("org/m", 4650, 4600, 3)]);
    assert_eq!(store.size, 50);
}

#[test]
fn holes_take_no_room() {
    let (dir, cache) = scene();
    let path = write(dir.path().join("models/org/m/model.gguf"), b"");
    fs::File::options().write(true).open(path).unwrap().set_len(1 << 30).unwrap();
    assert!(only(cache.others(&Places::default())).size < 1 << 20);
}

#[test]
fn roots_inside_others_count_their_own() {
    let (dir, cache) = scene();
    let root = dir.path().join("models");
    write(root.join("org/m/model.gguf"), &[1; 100]);
    write(root.join("org/inner/x/y/model.gguf"), &[1; 1000]);
    symlink("models", dir.path().join("again")).unwrap();
    let places =
        Places { local_roots: vec![root.join("org/inner"), dir.path().join("again"), cache.root().join("x")], ..Places::default() };
    let stores = cache.others(&places);
    let found: Vec<_> = stores.iter().flat_map(shown).collect();
    assert_eq!(found, [("x/y", 1000, 0, 1), ("org/m", 100, 0, 1)]);
    // The cache, which lies inside a root, is nobody else's.
    add(&cache, "org/m", &[("w.bin", b"weights")]);
    let places = Places { local_roots: vec![dir.path().to_path_buf()], llama_cpp: vec![cache.root().to_path_buf()], ..Places::default() };
    assert!(cache.others(&places).iter().all(|store| store.models.iter().all(|model| !model.path.starts_with(cache.root()))));
}

#[test]
fn links_to_folders_are_told_and_not_followed() {
    let (dir, cache) = scene();
    let root = dir.path().join("models");
    write(root.join("org/m/model.gguf"), &[1; 100]);
    write(dir.path().join("far/away/model.gguf"), &[1; 1000]);
    symlink(dir.path().join("far"), root.join("org/linked")).unwrap();
    symlink(dir.path().join("far"), root.join("org/m/linked")).unwrap();
    symlink("nowhere", root.join("org/m/broken.gguf")).unwrap();
    let store = only(cache.others(&Places::default()));
    assert_eq!(shown(&store), [("org/m", 100, 0, 1)]);
    assert_eq!(store.warnings.len(), 3, "{:?}", store.warnings);
}

#[test]
fn ollamas_models_are_named_and_share_layers() {
    let (dir, cache) = scene();
    let root = dir.path().join("ollama");
    let blob = |fill: char, size: usize| {
        let hex = fill.to_string().repeat(64);
        write(root.join(format!("blobs/sha256-{hex}")), &vec![1; size]);
        format!("{{\"digest\":\"sha256:{hex}\",\"size\":1}}")
    };
    let (config, weights, other) = (blob('a', 40), blob('b', 9000), blob('c', 500));
    blob('d', 77);
    write(root.join("blobs/sha256-eeee-partial-0"), &[1; 33]);
    let manifest = |path: &str, layer: &str| {
        write(root.join("manifests").join(path), format!("{{\"config\":{config},\"layers\":[{layer}]}}").as_bytes());
    };
    manifest("registry.ollama.ai/library/llama3.2/3b", &weights);
    manifest("registry.ollama.ai/library/llama3.2/latest", &weights);
    manifest("hf.co/org/name/Q4_K_M", &other);
    let places = Places { ollama: vec![root.clone(), root.clone()], ..Places::default() };
    let store = only(cache.others(&places));
    let expected = [
        ("llama3.2:3b", 9040, 0, 2),
        ("llama3.2:latest", 9040, 0, 2),
        ("hf.co/org/name:Q4_K_M", 540, 0, 2),
        ("unused blobs", 77, 0, 1),
        ("unfinished downloads", 33, 0, 1),
    ];
    assert_eq!(shown(&store), expected);
    assert_eq!((store.keeper, store.size, store.warnings.len()), (Keeper::Ollama, 40 + 9000 + 500 + 77 + 33, 0));
    let sums = [OtherKind::Model, OtherKind::Unused, OtherKind::Unfinished].map(|kind| store.sum(kind));
    assert_eq!(sums, [(3, 9040 + 9040 + 540), (1, 77), (1, 33)], "what no manifest uses is no model");
}

#[test]
fn hostile_manifests_are_told_and_harmless() {
    let (dir, cache) = scene();
    let root = dir.path().join("ollama");
    let secret = write(dir.path().join("secret"), &[1; 100]);
    write(root.join(format!("blobs/sha256-{}", "a".repeat(64))), &[1; 10]);
    let at = |name: &str| root.join("manifests/registry.ollama.ai/library/m").join(name);
    write(at("1"), b"not json");
    write(at("2"), "[".repeat(100_000).as_bytes());
    write(at("3"), br#"{"layers":[{"digest":"sha256:../../../secret"}]}"#);
    write(at("4"), format!("{{\"layers\":[{{\"digest\":\"sha256:{}\"}}]}}", "b".repeat(64)).as_bytes());
    write(at("5\u{1b}[2J"), format!("{{\"layers\":[{{\"digest\":\"sha256:{}\"}}]}}", "a".repeat(64)).as_bytes());
    symlink(secret, at("6")).unwrap();
    let long = write(at("7"), b"");
    fs::File::options().write(true).open(long).unwrap().set_len(1 << 40).unwrap();
    let store = only(cache.others(&Places { ollama: vec![root], ..Places::default() }));
    assert_eq!(shown(&store), [("m:5\u{fffd}[2J", 10, 0, 1)]);
    assert_eq!(store.warnings.len(), 6, "{:?}", store.warnings);
    assert!(store.warnings.iter().all(|warning| !warning.contains('\u{1b}')));
}

#[test]
fn blobs_are_not_called_unused_where_a_manifest_cannot_be_read() {
    let (dir, cache) = scene();
    let root = dir.path().join("ollama");
    write(root.join(format!("blobs/sha256-{}", "a".repeat(64))), &[1; 10]);
    write(root.join("manifests/registry.ollama.ai/library/m/1"), b"{");
    let store = only(cache.others(&Places { ollama: vec![root], ..Places::default() }));
    assert_eq!(shown(&store), [("blobs of unknown models", 10, 0, 1)]);
    assert_eq!(store.models[0].kind, OtherKind::Unknown);
}

#[test]
fn llama_cpps_files_are_grouped_by_model() {
    let (dir, cache) = scene();
    let root = dir.path().join("llama.cpp");
    for (name, size) in [("big-00001-of-00002.gguf", 3000), ("big-00002-of-00002.gguf", 2000), ("big-00001-of-00002.gguf.etag", 5)] {
        write(root.join(name), &vec![1; size]);
    }
    write(root.join("org_m_q4.gguf"), &[1; 700]);
    write(root.join("org_m_q4.gguf.json"), &[1; 20]);
    write(root.join("manifest=org=m=q4.json"), &[1; 20]);
    let store = only(cache.others(&Places { llama_cpp: vec![root], ..Places::default() }));
    assert_eq!(shown(&store), [("big", 5005, 0, 3), ("org_m_q4", 720, 0, 2)]);
    assert_eq!((store.keeper, store.size), (Keeper::LlamaCpp, 5725));
}

#[test]
fn the_xet_cache_is_shown_by_endpoint_and_kind() {
    let (dir, cache) = scene();
    let root = dir.path().join("xet");
    write(root.join("https___cas-abc/chunk-cache/a/b/c"), &[1; 6000]);
    write(root.join("https___cas-abc/shard-cache/x.mdb"), &[1; 400]);
    write(root.join("https___cas-abc/staging/session/y"), &[1; 30]);
    write(root.join("chunk-cache/old/z"), &[1; 8]);
    write(root.join("logs/xet.log"), &[1; 100]);
    let store = only(cache.others(&Places { xet: vec![root], ..Places::default() }));
    let expected = [
        ("https___cas-abc/chunk-cache", 6000, 0, 1),
        ("https___cas-abc/shard-cache", 400, 0, 1),
        ("logs", 100, 0, 1),
        ("https___cas-abc/staging", 30, 0, 1),
        ("chunk-cache", 8, 0, 1),
    ];
    assert_eq!(shown(&store), expected);
    assert_eq!((store.keeper, store.size), (Keeper::Xet, 6538));
    assert_eq!(store.sum(OtherKind::Model).0, 0);
}

#[test]
fn reading_is_bounded() {
    let (dir, cache) = scene();
    let root = dir.path().join("models");
    let mut deep = root.join("org/m");
    for _ in 0..20 {
        deep.push("d");
    }
    write(deep.join("model.gguf"), b"x");
    write(root.join("org/m/model.gguf"), b"x");
    for folder in 0..10 {
        fs::create_dir(root.join(format!("org/m/{folder}"))).unwrap();
        (0..100).for_each(|file| fs::write(root.join(format!("org/m/{folder}/{file}")), "").unwrap());
    }
    let store = only(cache.others(&Places::default()));
    assert_eq!((store.models[0].files, store.models[0].size), (1001, 1));
    assert!(store.warnings.iter().any(|warning| warning.contains("too deep")), "{:?}", store.warnings);
}
