//! Caches and plans for tests.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use sha2::Digest as _;
use tempfile::TempDir;

use super::{Cache, Place};
use crate::desk::{DeletionTarget, Plan, PlannedFile, RepoKey, RepoKind, RepoRef};
use crate::engine::digest::git_sha1;

/// The commit of every plan here.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The Xet hash of every shared payload here.
pub const HASH: &str = "c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8c6788ea8";

/// An empty cache in a folder of its own; its root does not exist yet.
pub fn cache() -> (TempDir, Cache) {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("hub"));
    (dir, cache)
}

/// A repository's key: `org/m`, or `datasets/org/set`.
pub fn key(text: &str) -> RepoKey {
    match text.strip_prefix("datasets/") {
        Some(id) => RepoKey { kind: RepoKind::Dataset, id: id.parse().unwrap() },
        None => RepoKey { kind: RepoKind::Model, id: text.parse().unwrap() },
    }
}

/// A whole repository to delete.
pub fn whole(text: &str) -> DeletionTarget {
    DeletionTarget::Repo(key(text))
}

/// A plan for all files of a repository; `.bin` files are LFS files.
pub fn plan(repo: &str, files: &[(&str, &[u8])]) -> Plan {
    let RepoKey { kind, id } = key(repo);
    let file = |(path, content): &(&str, &[u8])| {
        let is_lfs = Path::new(path).extension().is_some_and(|extension| extension == "bin");
        let digest = if is_lfs { hex::encode(sha2::Sha256::digest(content)) } else { git_sha1(content) };
        PlannedFile { path: (*path).to_owned(), size: content.len() as u64, digest: digest.parse().unwrap(), xet_hash: None, held: 0 }
    };
    Plan {
        repo: RepoRef { kind, id, revision: "main".parse().unwrap() },
        commit: COMMIT.to_owned(),
        title: "everything".to_owned(),
        files: files.iter().map(file).collect(),
        left_files: 0,
        left_bytes: 0,
        left: Vec::new(),
        local_dir: None,
        destination: "/nowhere".into(),
        disk_free: None,
    }
}

/// Writes a partial and its journal as a transfer leaves them.
pub fn write_partial(place: &dyn Place, file: &PlannedFile, content: &[u8]) {
    let partial = place.partial(file);
    fs::write(partial.data, content).unwrap();
    fs::write(partial.journal, "{}").unwrap();
}

/// Places all files of a plan.
pub fn fill(cache: &Cache, plan: &Plan, files: &[(&str, &[u8])]) -> Arc<dyn Place> {
    let place = cache.place(plan).unwrap();
    place.prepare().unwrap();
    for (file, (_, content)) in plan.files.iter().zip(files) {
        write_partial(&*place, file, content);
        place.place(&[file.into()]).unwrap();
    }
    place
}

/// Plans and places a repository of these files.
pub fn add(cache: &Cache, repo: &str, files: &[(&str, &[u8])]) -> Arc<dyn Place> {
    fill(cache, &plan(repo, files), files)
}

/// Makes a blob of `repo` a link to a shared payload, as the official client lays it out; the payload is made if it is not there.
pub fn share(cache: &Cache, repo: &str, etag: &str, hash: &str, content: &[u8]) {
    let key = key(repo);
    let folder = super::layout::repo_folder(key.kind, &key.id);
    let payload = cache.root().join("blobs").join(&hash[..2]).join(hash);
    fs::create_dir_all(payload.parent().unwrap()).unwrap();
    fs::write(cache.root().join("blobs/.huggingface-shared-blobs"), "1\n").unwrap();
    fs::write(&payload, content).unwrap();
    let manifest = payload.with_file_name(format!("{hash}.refs"));
    let lines = fs::read_to_string(&manifest).unwrap_or_default() + &format!("{folder}/blobs/{etag}\n");
    fs::write(manifest, lines).unwrap();
    let blob = cache.root().join(folder).join("blobs").join(etag);
    let _ = fs::remove_file(&blob);
    std::os::unix::fs::symlink(Path::new("../../blobs").join(&hash[..2]).join(hash), blob).unwrap();
}

/// Places another commit of a repository, with a branch of this name.
pub fn add_revision(cache: &Cache, repo: &str, commit: &str, branch: &str, files: &[(&str, &[u8])]) -> Arc<dyn Place> {
    let mut plan = plan(repo, files);
    plan.commit = commit.to_owned();
    plan.repo.revision = branch.parse().unwrap();
    fill(cache, &plan, files)
}

/// Everything below a folder by its path: a folder is `/`, a link what it says, a file its text, or the digest of a long one. The trash is left out.
pub fn tree(root: &Path) -> std::collections::BTreeMap<String, String> {
    let (mut tree, mut folders) = (std::collections::BTreeMap::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != ".hfdesk-trash") {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let what = match kind {
                kind if kind.is_dir() => "/".to_owned(),
                kind if kind.is_symlink() => format!("-> {}", fs::read_link(&path).unwrap().display()),
                _ => text_or_digest(&fs::read(&path).unwrap()),
            };
            if kind.is_dir() {
                folders.push(path.clone());
            }
            tree.insert(path.strip_prefix(root).unwrap().display().to_string(), what);
        }
    }
    tree
}

fn text_or_digest(content: &[u8]) -> String {
    if content.len() > 400 { hex::encode(sha2::Sha256::digest(content)) } else { String::from_utf8_lossy(content).into_owned() }
}

/// Runs a test as somebody who may not do everything: the administrator may remove whatever he likes.
pub fn as_nobody(test: impl FnOnce() + Send) {
    let run = || {
        become_nobody();
        test();
    };
    // A thread that has given its rights up does not get them back.
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap();
}

/// Gives up what the administrator may do, for this thread alone.
#[cfg(target_os = "linux")]
fn become_nobody() {
    let nobody = rustix::process::Uid::from_raw(65534);
    if rustix::process::geteuid().is_root() {
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
    }
}

#[cfg(not(target_os = "linux"))]
fn become_nobody() {
    assert!(!rustix::process::geteuid().is_root(), "run the tests as anybody but the administrator");
}
