//! Which resource a path names. Segments arrive percent-encoded, so that a revision or a folder can hold slashes (`refs%2Fpr%2F1`).

use percent_encoding::percent_decode_str;

use crate::desk::{RepoId, RepoKind};

/// A resource of the Hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/api/whoami-v2`.
    WhoAmI,
    /// `/api/{kind}s`.
    List(RepoKind),
    /// `/api/{kind}s-tags-by-type`.
    Tags(RepoKind),
    /// `/api/{kind}s/{id}` and what lies below.
    Repo(RepoKind, RepoId, Aspect),
    /// `/api/resolve-cache/{kind}s/{id}/{commit}/{path}`, where `resolve` sends those who want a small file.
    Cached { kind: RepoKind, id: RepoId, commit: String, path: String },
    /// `/{prefix}{id}/resolve/{revision}/{path}`, or `raw`.
    File { kind: RepoKind, id: RepoId, raw: bool, revision: String, path: String },
}

/// What is asked of a repository through the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// Its description, at a revision.
    Info(String),
    /// The files in a folder, at a revision. The root is the empty path.
    Tree(String, String),
    /// Some files, at a revision.
    PathsInfo(String),
    /// Its branches and tags.
    Refs,
    /// Its history, from a revision.
    Commits(String),
    /// A token for reading a revision's files over Xet.
    XetToken(String),
}

impl Route {
    /// The resource with this path, as it stands in a request.
    pub fn parse(path: &str) -> Option<Self> {
        let segments: Option<Vec<String>> = path.strip_prefix('/')?.split('/').map(decode).collect();
        let segments = segments?;
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["api", "whoami-v2"] => Some(Self::WhoAmI),
            ["api", "resolve-cache", kind, rest @ ..] => Self::cached(plural(kind)?, rest),
            ["api", list] => plural(list).map(Self::List).or_else(|| plural(list.strip_suffix("-tags-by-type")?).map(Self::Tags)),
            ["api", kind, rest @ ..] => Self::repo(plural(kind)?, rest),
            ["datasets", rest @ ..] => Self::file(RepoKind::Dataset, rest),
            ["spaces", rest @ ..] => Self::file(RepoKind::Space, rest),
            rest => Self::file(RepoKind::Model, rest),
        }
    }

    fn repo(kind: RepoKind, rest: &[&str]) -> Option<Self> {
        split_id(rest).find_map(|(id, rest)| Some(Self::Repo(kind, id, Aspect::parse(rest)?)))
    }

    fn cached(kind: RepoKind, rest: &[&str]) -> Option<Self> {
        split_id(rest).find_map(|(id, rest)| match rest {
            [commit, path @ ..] if is_commit(commit) && !path.is_empty() => {
                Some(Self::Cached { kind, id, commit: (*commit).to_owned(), path: path.join("/") })
            }
            _ => None,
        })
    }

    fn file(kind: RepoKind, rest: &[&str]) -> Option<Self> {
        split_id(rest).find_map(|(id, rest)| match rest {
            [verb @ ("resolve" | "raw"), revision, path @ ..] if !path.is_empty() => {
                Some(Self::File { kind, id, raw: *verb == "raw", revision: (*revision).to_owned(), path: path.join("/") })
            }
            _ => None,
        })
    }
}

impl Aspect {
    fn parse(rest: &[&str]) -> Option<Self> {
        match rest {
            [] => Some(Self::Info("main".to_owned())),
            ["refs"] => Some(Self::Refs),
            ["revision", revision] => Some(Self::Info((*revision).to_owned())),
            ["paths-info", revision] => Some(Self::PathsInfo((*revision).to_owned())),
            ["xet-read-token", revision] => Some(Self::XetToken((*revision).to_owned())),
            ["commits", revision] => Some(Self::Commits((*revision).to_owned())),
            ["tree", revision, path @ ..] => Some(Self::Tree((*revision).to_owned(), path.join("/"))),
            _ => None,
        }
    }
}

/// The ways to read a repository's id at the start of a path: `owner/name` first, then a bare `name`.
fn split_id<'a>(parts: &'a [&'a str]) -> impl Iterator<Item = (RepoId, &'a [&'a str])> {
    [2, 1].into_iter().filter_map(move |count| {
        let (id, rest) = parts.split_at_checked(count)?;
        Some((id.join("/").parse().ok()?, rest))
    })
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn plural(name: &str) -> Option<RepoKind> {
    RepoKind::SEARCHED.into_iter().find(|kind| kind.plural() == name)
}

fn decode(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RepoId {
        text.parse().unwrap()
    }

    #[test]
    fn api_routes() {
        let main = || "main".to_owned();
        let cases = [
            ("/api/whoami-v2", Route::WhoAmI),
            ("/api/datasets", Route::List(RepoKind::Dataset)),
            ("/api/models-tags-by-type", Route::Tags(RepoKind::Model)),
            ("/api/models/gpt2", Route::Repo(RepoKind::Model, id("gpt2"), Aspect::Info(main()))),
            ("/api/models/a/b", Route::Repo(RepoKind::Model, id("a/b"), Aspect::Info(main()))),
            ("/api/models/gpt2/tree/main", Route::Repo(RepoKind::Model, id("gpt2"), Aspect::Tree(main(), String::new()))),
            ("/api/models/a/b/xet-read-token/r%2F1", Route::Repo(RepoKind::Model, id("a/b"), Aspect::XetToken("r/1".to_owned()))),
            ("/api/spaces/a/b/refs", Route::Repo(RepoKind::Space, id("a/b"), Aspect::Refs)),
            ("/api/models/a/b/revision/refs%2Fpr%2F1", Route::Repo(RepoKind::Model, id("a/b"), Aspect::Info("refs/pr/1".to_owned()))),
            ("/api/datasets/a/b/tree/main/x%2Fy%20z", Route::Repo(RepoKind::Dataset, id("a/b"), Aspect::Tree(main(), "x/y z".to_owned()))),
        ];
        for (path, route) in cases {
            assert_eq!(Route::parse(path), Some(route), "{path}");
        }
    }

    #[test]
    fn file_routes() {
        let file = |kind, name: &str, raw, revision: &str, path: &str| {
            Some(Route::File { kind, id: id(name), raw, revision: revision.to_owned(), path: path.to_owned() })
        };
        assert_eq!(Route::parse("/a/b/resolve/main/x/y.gguf"), file(RepoKind::Model, "a/b", false, "main", "x/y.gguf"));
        assert_eq!(Route::parse("/gpt2/raw/main/README.md"), file(RepoKind::Model, "gpt2", true, "main", "README.md"));
        assert_eq!(Route::parse("/datasets/a/b/resolve/r%2F1/x%2Fy"), file(RepoKind::Dataset, "a/b", false, "r/1", "x/y"));
    }

    #[test]
    fn cached_files() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let cached = |name: &str, path: &str| {
            Some(Route::Cached { kind: RepoKind::Model, id: id(name), commit: commit.to_owned(), path: path.to_owned() })
        };
        assert_eq!(Route::parse(&format!("/api/resolve-cache/models/a/b/{commit}/x/y.json")), cached("a/b", "x/y.json"));
        assert_eq!(Route::parse(&format!("/api/resolve-cache/models/gpt2/{commit}/y%20z")), cached("gpt2", "y z"));
        for path in ["/api/resolve-cache/models/a/b/main/x", &format!("/api/resolve-cache/models/a/b/{commit}"), "/api/resolve-cache"] {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }

    #[test]
    fn other_paths_are_nothing() {
        for path in ["", "/", "/api", "/api/cats", "/api/models/a/b/c/d", "/a/b/resolve/main", "/a/../resolve/main/x", "/a/b/resolve/%ff/x"]
        {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }
}
