//! The listing of a commit that the official client keeps beside its snapshots (`trees/<commit>.json`).
//!
//! It lets that client tell a whole snapshot from an interrupted one without a network, and skip requests with one.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Cache;
use super::layout::{REFS, is_hex, repo_folder};
use crate::desk::{Digest, Fault, Plan, PlannedFile, RepoFile, RepoRef, safe_path};
use crate::engine::digest::git_sha1;
use crate::engine::host::write_atomically;

const FORMAT_VERSION: u64 = 1;

/// The longest listing that is read, in bytes.
const LONGEST: u64 = 256 << 20;
/// The longest ref that is read, in bytes: a commit, and whatever whitespace somebody left behind it.
const LONGEST_REF: u64 = 1 << 10;

/// Writes the listing of a plan that covers a whole repository below `folder`; a partial plan has none.
///
/// A commit never changes, so a listing with at least as many files stays as it is.
pub(super) fn write_listing(folder: &Path, plan: &Plan) -> Result<(), Fault> {
    let path = folder.join("trees").join(format!("{}.json", plan.commit));
    if plan.left_files > 0 || known_files(&path).is_some_and(|known| known >= plan.files.len()) {
        return Ok(());
    }
    write_atomically(&path, listing(&plan.files).to_string().as_bytes(), 0o644)
}

/// How many files a listing names, or `None` where there is none that can be read.
fn known_files(path: &Path) -> Option<usize> {
    fs::metadata(path).ok().filter(|found| found.is_file() && found.len() <= LONGEST)?;
    let listing: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (listing.get("format_version")? == FORMAT_VERSION).then_some(())?;
    Some(listing.get("files")?.as_object()?.len())
}

#[derive(Deserialize)]
struct Listing {
    format_version: u64,
    files: HashMap<String, Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    size: u64,
    blob_id: String,
    lfs_sha256: Option<String>,
    lfs_size: Option<u64>,
    xet_hash: Option<String>,
}

impl Listed {
    fn digest(&self) -> Option<Digest> {
        self.lfs_sha256.as_ref().unwrap_or(&self.blob_id).parse().ok()
    }
}

impl Cache {
    /// The commit that a revision means, and its files, as far as the cache knows without a network; `None` where it has no listing of it.
    pub fn listed(&self, repo: &RepoRef) -> Option<(String, Vec<RepoFile>)> {
        let folder = self.root.join(repo_folder(repo.kind, &repo.id));
        let commit = match &repo.revision {
            revision if revision.is_commit() => revision.as_str().to_owned(),
            revision => text(&folder.join(REFS).join(revision.as_str()), LONGEST_REF)?.trim().to_owned(),
        };
        is_hex(&commit, 40).then_some(())?;
        let file = |(path, listed): (String, Listed)| {
            let size = listed.lfs_size.unwrap_or(listed.size);
            safe_path(&path).then(|| RepoFile { path, size, digest: listed.digest(), xet_hash: listed.xet_hash })
        };
        let mut files: Vec<RepoFile> = read_listing(&folder, &commit)?.files.into_iter().filter_map(file).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Some((commit, files))
    }
}

/// What the files of a commit should hash to, by path, as far as the listing below `folder` says; nothing where there is none that can be read.
pub(super) fn listed_digests(folder: &Path, commit: &str) -> HashMap<String, Digest> {
    let files = read_listing(folder, commit).map_or_else(HashMap::new, |listing| listing.files);
    files.into_iter().filter_map(|(path, listed)| Some((path, listed.digest()?))).collect()
}

fn read_listing(folder: &Path, commit: &str) -> Option<Listing> {
    let text = text(&folder.join("trees").join(format!("{commit}.json")), LONGEST)?;
    serde_json::from_str::<Listing>(&text).ok().filter(|listing| listing.format_version == FORMAT_VERSION)
}

/// The text of a regular file that is not longer than this many bytes.
fn text(path: &Path, longest: u64) -> Option<String> {
    fs::symlink_metadata(path).ok().filter(|found| found.is_file() && found.len() <= longest)?;
    fs::read_to_string(path).ok()
}

fn listing(files: &[PlannedFile]) -> Value {
    let mut sorted: Vec<&PlannedFile> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let files: Map<String, Value> = sorted.into_iter().map(|file| (file.path.clone(), entry(file))).collect();
    json!({ "format_version": FORMAT_VERSION, "files": files })
}

fn entry(file: &PlannedFile) -> Value {
    let mut entry = Map::new();
    entry.insert("size".into(), file.size.into());
    entry.insert("blob_id".into(), blob_id(file).into());
    if let Digest::Sha256(sha256) = &file.digest {
        entry.insert("lfs_sha256".into(), sha256.as_str().into());
        entry.insert("lfs_size".into(), file.size.into());
    }
    // One malformed hash makes the official client reject the whole listing.
    if let Some(hash) = file.xet_hash.as_deref().filter(|hash| is_hex(hash, 64)) {
        entry.insert("xet_hash".into(), hash.into());
    }
    entry.into()
}

/// Git's name for what the repository holds: the content itself or, for an LFS file, the pointer to it
/// (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
fn blob_id(file: &PlannedFile) -> String {
    match &file.digest {
        Digest::GitSha1(sha1) => sha1.clone(),
        Digest::Sha256(sha256) => {
            let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {}\n", file.size);
            git_sha1(pointer.as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{self, COMMIT};
    use super::*;

    fn read(folder: &Path) -> Value {
        serde_json::from_slice(&fs::read(folder.join(format!("trees/{COMMIT}.json"))).unwrap()).unwrap()
    }

    #[test]
    fn a_whole_plan_is_listed_in_path_order() {
        let dir = tempfile::tempdir().unwrap();
        let mut plan = testkit::plan("org/m", &[("z.bin", b"weights"), ("a.txt", b"hello\n")]);
        plan.files[0].xet_hash = Some("c6".repeat(32));
        plan.files[1].xet_hash = Some("masked".into());
        write_listing(dir.path(), &plan).unwrap();
        let listing = read(dir.path());
        let files = listing["files"].as_object().unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a.txt", "z.bin"]);
        assert_eq!(files["a.txt"], json!({ "size": 6, "blob_id": "ce013625030ba8dba906f756967f9e9ca394464a" }));
        assert_eq!(files["z.bin"]["lfs_size"], 7);
        assert_eq!(files["z.bin"]["xet_hash"], "c6".repeat(32));
    }

    #[test]
    fn a_listing_says_what_files_should_hash_to() {
        let dir = tempfile::tempdir().unwrap();
        let plan = testkit::plan("org/m", &[("z.bin", b"weights"), ("a.txt", b"hello\n")]);
        write_listing(dir.path(), &plan).unwrap();
        let digests = listed_digests(dir.path(), COMMIT);
        assert_eq!(
            plan.files.iter().map(|file| digests.get(&file.path)).collect::<Vec<_>>(),
            plan.files.iter().map(|file| Some(&file.digest)).collect::<Vec<_>>()
        );
        let path = dir.path().join(format!("trees/{COMMIT}.json"));
        fs::write(&path, r#"{"format_version":1,"files":{"a":{"blob_id":"../../x"}}}"#).unwrap();
        assert!(listed_digests(dir.path(), COMMIT).is_empty());
        fs::write(&path, "[").unwrap();
        assert!(listed_digests(dir.path(), COMMIT).is_empty() && listed_digests(dir.path(), "none").is_empty());
    }

    #[test]
    fn an_lfs_file_is_named_by_its_pointer() {
        let digest = "98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4".parse().unwrap();
        let file = PlannedFile { path: "x".into(), size: 1_048_576, digest, xet_hash: None, held: 0 };
        // `printf 'version …\noid sha256:98ea…\nsize 1048576\n' | git hash-object --stdin`
        assert_eq!(blob_id(&file), "6507c9441816da03e5dc4330755622ba1ff0e4d1");
    }

    #[test]
    fn a_partial_plan_has_no_listing_and_a_smaller_one_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut plan = testkit::plan("org/m", &[("a", b"1"), ("b", b"2")]);
        plan.left_files = 1;
        write_listing(dir.path(), &plan).unwrap();
        assert!(!dir.path().join("trees").exists());
        plan.left_files = 0;
        write_listing(dir.path(), &plan).unwrap();
        plan.files.pop();
        write_listing(dir.path(), &plan).unwrap();
        assert_eq!(read(dir.path())["files"].as_object().unwrap().len(), 2);
    }

    #[test]
    fn a_damaged_listing_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let plan = testkit::plan("org/m", &[("a", b"1")]);
        for damaged in ["", "{\"format_version\":1", "{\"format_version\":9,\"files\":{\"a\":1,\"b\":2}}", "[]"] {
            write_atomically(&dir.path().join(format!("trees/{COMMIT}.json")), damaged.as_bytes(), 0o644).unwrap();
            write_listing(dir.path(), &plan).unwrap();
            assert_eq!(read(dir.path())["files"].as_object().unwrap().len(), 1, "{damaged}");
        }
    }
}
