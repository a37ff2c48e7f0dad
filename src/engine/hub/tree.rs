//! Every file of a commit.

use std::collections::{BTreeMap, HashSet};

use futures::{StreamExt, TryStreamExt};
use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::endpoint::quoted;
use super::request::{Failure, Subject};
use super::{Hub, RepoInfo};
use crate::desk::{Digest, Fault, FaultKind, RepoFile, RepoRef, safe_path};

/// The most pages read for one listing: a million files at the Hub's 1,000 a page.
const MOST_PAGES: usize = 1000;
/// How many files are asked about at once where there is no listing.
const HEADS_IN_FLIGHT: usize = 8;

/// What pages told so far.
#[derive(Default)]
struct Listing {
    files: BTreeMap<String, RepoFile>,
    folders: Vec<String>,
    /// Addresses asked, so that a circle of pages ends.
    asked: HashSet<Url>,
}

impl Hub {
    /// Every file of the commit in `info`, in path order.
    ///
    /// One unsafe path, missing size or sum of sizes beyond 64 bits makes the whole listing a `BadReply`: a part of it would look like the whole. Where
    /// the Hub has no listing route, the names in `info` are asked about one by one. `tell` learns after each page how many files there are.
    pub async fn tree(&self, repo: &RepoRef, info: &RepoInfo, tell: &(dyn Fn(usize) + Sync)) -> Result<Vec<RepoFile>, Fault> {
        let files = match self.listed(repo, &info.commit, tell).await {
            Ok(files) => files,
            Err(failure) if no_such_route(&failure) => self.asked_one_by_one(repo, info).await?,
            Err(failure) => return Err(failure.fault),
        };
        let total = files.iter().try_fold(0_u64, |total, file| total.checked_add(file.size));
        total.map(|_| files).ok_or_else(|| bad(repo, "its files are larger together than a number can say"))
    }

    /// Walks the pages, then the folders of a Hub that does not list recursively: git has no empty folders.
    async fn listed(&self, repo: &RepoRef, commit: &str, tell: &(dyn Fn(usize) + Sync)) -> Result<Vec<RepoFile>, Failure> {
        let mut listing = Listing::default();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            self.list_folder(repo, commit, &folder, &mut listing, tell).await?;
            folders.extend(std::mem::take(&mut listing.folders).into_iter().filter(|folder| !listing.has_entries_in(folder)));
        }
        Ok(listing.files.into_values().collect())
    }

    async fn list_folder(
        &self,
        repo: &RepoRef,
        commit: &str,
        folder: &str,
        listing: &mut Listing,
        tell: &(dyn Fn(usize) + Sync),
    ) -> Result<(), Failure> {
        let below = if folder.is_empty() { String::new() } else { format!("/{}", quoted(folder)) };
        let mut next = Some(self.inner.endpoint.repo_api(repo, &format!("tree/{commit}{below}?recursive=true&expand=false"))?);
        while let Some(url) = next {
            listing.note(&url, repo)?;
            let (page, link) = self.json(&url, Subject::Repo(repo)).await?;
            listing.add(repo, &page)?;
            tell(listing.files.len());
            next = link;
        }
        Ok(())
    }

    async fn asked_one_by_one(&self, repo: &RepoRef, info: &RepoInfo) -> Result<Vec<RepoFile>, Fault> {
        if let Some(path) = info.siblings.iter().find(|path| !safe_path(path)) {
            return Err(unsafe_name(repo, path));
        }
        let mut names = info.siblings.clone();
        names.sort();
        names.dedup();
        let files = futures::stream::iter(names).map(|path| self.asked(repo, &info.commit, path));
        files.buffered(HEADS_IN_FLIGHT).try_collect().await
    }

    async fn asked(&self, repo: &RepoRef, commit: &str, path: String) -> Result<RepoFile, Fault> {
        let location = self.locate(repo, commit, &path).await?;
        let size = location.size.ok_or_else(|| bad(repo, &format!("it does not tell the size of {path}")))?;
        let digest = location.etag.and_then(|etag| etag.parse().ok());
        Ok(RepoFile { path, size, digest, xet_hash: None })
    }
}

/// Whether a refusal says that the route is unknown rather than the repository. `info` has just shown that the repository exists.
fn no_such_route(failure: &Failure) -> bool {
    let absent = [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST, StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
    failure.bare_status.is_some_and(|status| absent.contains(&status))
}

impl Listing {
    fn note(&mut self, url: &Url, repo: &RepoRef) -> Result<(), Fault> {
        if !self.asked.insert(url.clone()) {
            return Err(bad(repo, "its pages go round in a circle"));
        }
        if self.asked.len() > MOST_PAGES {
            return Err(bad(repo, &format!("it has more than {MOST_PAGES} pages")));
        }
        Ok(())
    }

    fn add(&mut self, repo: &RepoRef, page: &Value) -> Result<(), Fault> {
        let entries = page.as_array().ok_or_else(|| bad(repo, "it is not a list"))?;
        for entry in entries {
            let path = entry["path"].as_str().ok_or_else(|| bad(repo, "it has an entry without a path"))?;
            if !safe_path(path) {
                return Err(unsafe_name(repo, path));
            }
            match entry["type"].as_str() {
                Some("directory") => self.folders.push(path.to_owned()),
                _ => self.add_file(repo, path, entry)?,
            }
        }
        Ok(())
    }

    fn add_file(&mut self, repo: &RepoRef, path: &str, entry: &Value) -> Result<(), Fault> {
        let file = file(path, entry).ok_or_else(|| bad(repo, &format!("it does not tell the size of {path}")))?;
        match self.files.insert(path.to_owned(), file.clone()) {
            Some(other) if other != file => Err(bad(repo, &format!("it has two different files called {path}"))),
            _ => Ok(()),
        }
    }

    fn has_entries_in(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        self.files.range(prefix.clone()..).next().is_some_and(|(path, _)| path.starts_with(&prefix))
    }
}

/// A file of a listing; `None` without a size. The LFS object's size and digest go before those of its pointer.
fn file(path: &str, entry: &Value) -> Option<RepoFile> {
    let lfs = &entry["lfs"];
    let size = lfs["size"].as_u64().or_else(|| entry["size"].as_u64())?;
    let sha256 = lfs["oid"].as_str().or_else(|| lfs["sha256"].as_str());
    let named = if lfs.is_object() { sha256 } else { entry["oid"].as_str() };
    let digest = named.and_then(|oid| oid.parse::<Digest>().ok()).filter(|digest| digest.is_sha256() == lfs.is_object());
    Some(RepoFile {
        path: path.to_owned(),
        size,
        digest,
        xet_hash: entry["xetHash"].as_str().filter(|hash| is_xet_hash(hash)).map(str::to_owned),
    })
}

/// Whether a text is a Xet hash; to those who may not read the file, the Hub shows a masked one.
fn is_xet_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn bad(repo: &RepoRef, why: &str) -> Fault {
    Fault::new(FaultKind::BadReply, format!("the Hub's list of the files of {} cannot be used: {why}", repo.id))
        .hint("nothing was downloaded; tell the operator of the Hub, or use another endpoint")
}

fn unsafe_name(repo: &RepoRef, path: &str) -> Fault {
    bad(repo, &format!("“{}” is no safe file name", super::lenient::shown(path, 200)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{COMMIT, Server, model, reply};
    use super::*;
    use serde_json::json;

    const SHA256: &str = "12bb839b00000000000000000000000000000000000000000000000000000000";
    const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn an_lfs_file_has_its_own_size_and_digest_not_its_pointers() {
        let lfs = json!({"oid": SHA1, "size": 133, "lfs": {"oid": SHA256, "size": 20_000_000, "pointerSize": 133}, "xetHash": SHA256});
        let found = file("w.gguf", &lfs).unwrap();
        assert_eq!((found.size, found.digest), (20_000_000, Some(Digest::Sha256(SHA256.into()))));
        assert_eq!(found.xet_hash.as_deref(), Some(SHA256));
        let small = file("config.json", &json!({"oid": SHA1, "size": 9, "xetHash": "***"})).unwrap();
        assert_eq!((small.digest, small.xet_hash), (Some(Digest::GitSha1(SHA1.into())), None));
    }

    #[test]
    fn a_file_without_a_digest_is_kept_and_one_without_a_size_is_not() {
        assert_eq!(file("a", &json!({"size": 1, "oid": "masked"})).unwrap().digest, None);
        assert_eq!(
            file("a", &json!({"size": 1, "oid": SHA1, "lfs": {"size": 1}})).unwrap().digest,
            None,
            "a pointer's digest is not the file's"
        );
        for entry in [json!({"oid": SHA1}), json!({"size": -1}), json!({"size": "12"}), json!({"size": 1.5})] {
            assert_eq!(file("a", &entry), None);
        }
    }

    fn info() -> RepoInfo {
        RepoInfo { commit: COMMIT.into(), siblings: vec!["b.bin".into(), "a.json".into()], ..RepoInfo::default() }
    }

    fn entry(path: &str) -> Value {
        json!({"type": "file", "path": path, "size": 3, "oid": SHA1})
    }

    async fn listed(server: &Server) -> Result<Vec<String>, Fault> {
        let files = server.hub().tree(&model(), &info(), &|_| ()).await?;
        Ok(files.into_iter().map(|file| file.path).collect())
    }

    #[tokio::test]
    async fn every_page_is_read_and_files_come_in_path_order() {
        let server = Server::start(|line, _| {
            if line.contains("cursor") {
                reply(200, &[], json!([{"type": "directory", "path": "a"}, entry("a/c")]).to_string())
            } else {
                reply(200, &[("link", "</api/models/org/name/tree/x?cursor=2>; rel=\"next\"")], json!([entry("b")]).to_string())
            }
        })
        .await;
        assert_eq!(listed(&server).await.unwrap(), ["a/c", "b"]);
        assert_eq!(server.lines()[0], format!("GET /api/models/org/name/tree/{COMMIT}?recursive=true&expand=false"));
    }

    #[tokio::test]
    async fn folders_are_walked_where_recursion_is_ignored() {
        let server = Server::start(|line, _| {
            if line.contains("/sub%20x") {
                reply(200, &[], json!([entry("sub x/b")]).to_string())
            } else {
                reply(200, &[], json!([entry("a"), {"type": "directory", "path": "sub x"}]).to_string())
            }
        })
        .await;
        assert_eq!(listed(&server).await.unwrap(), ["a", "sub x/b"]);
    }

    #[tokio::test]
    async fn a_hub_without_a_listing_is_asked_file_by_file() {
        for status in [404, 405, 501] {
            let server =
                Server::start(
                    move |line, _| if line.starts_with("HEAD") { reply(200, &[("etag", SHA1)], "four") } else { reply(status, &[], "") },
                )
                .await;
            let files = server.hub().tree(&model(), &info(), &|_| ()).await.unwrap();
            assert_eq!(files.iter().map(|file| (file.path.as_str(), file.size)).collect::<Vec<_>>(), [("a.json", 4), ("b.bin", 4)]);
            assert_eq!(files[0].digest, Some(Digest::GitSha1(SHA1.into())));
        }
    }

    #[tokio::test]
    async fn a_hubs_own_refusal_is_no_missing_route() {
        let server = Server::start(|_, _| reply(404, &[("x-error-code", "RevisionNotFound")], "")).await;
        assert_eq!(listed(&server).await.unwrap_err().kind, FaultKind::RevisionNotFound);
        assert_eq!(server.lines().len(), 1);
    }

    #[tokio::test]
    async fn a_listing_that_cannot_be_trusted_fails_whole() {
        for page in [
            json!([entry("a"), entry("../../etc/passwd")]),
            json!([entry("a\u{1b}[2J")]),
            json!([{"type": "file", "path": "a"}]),
            json!([entry("a"), {"type": "file", "path": "a", "size": 4}]),
            json!([{"type": "file", "path": "a", "size": u64::MAX}, {"type": "file", "path": "b", "size": 1}]),
            json!([5]),
            json!({"error": "no"}),
        ] {
            let server = Server::start(move |_, _| reply(200, &[], page.to_string())).await;
            let fault = listed(&server).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::BadReply);
            assert!(!fault.message.contains('\u{1b}'));
        }
    }

    #[tokio::test]
    async fn pages_in_a_circle_end() {
        let server = Server::start(|_, _| reply(200, &[("link", "</api/models/again>; rel=\"next\"")], "[]")).await;
        assert!(listed(&server).await.unwrap_err().message.contains("circle"));
        assert_eq!(server.lines().len(), 2);
    }

    #[tokio::test]
    async fn hostile_names_are_refused_without_a_listing_too() {
        let server = Server::start(|_, _| reply(404, &[], "")).await;
        let info = RepoInfo { siblings: vec!["a".into(), "../x".into()], ..info() };
        assert_eq!(server.hub().tree(&model(), &info, &|_| ()).await.unwrap_err().kind, FaultKind::BadReply);
    }
}
