//! Names in the cache, as the official client gives them: repository folders, blobs, links. Pure.

use std::path::{Component, Path, PathBuf};

use crate::desk::{RepoId, RepoKey, RepoKind};

/// The folder of a repository's blobs, and of the shared blob store at the cache's root.
pub(super) const BLOBS: &str = "blobs";
/// The folder of a repository's commits.
pub(super) const SNAPSHOTS: &str = "snapshots";
/// The folder of a repository's branches and tags.
pub(super) const REFS: &str = "refs";
/// The folder of locks at the cache's root.
pub(super) const LOCKS: &str = ".locks";
/// The end of a partial file's name. Never `.incomplete`: other tools delete or trust those.
pub(super) const PARTIAL: &str = "hfdesk.part";
/// The end of a partial file's journal's name.
pub(super) const JOURNAL: &str = "hfdesk.json";
/// The beginning of every temporary name in a repository's folder, where the official client ignores what it does not know.
pub(super) const TEMPORARY: &str = ".hfdesk-";
/// Files that operating systems leave behind and the official client skips.
const SYSTEM_FILES: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// Whether a name is one that an operating system leaves behind.
pub(super) fn is_system_file(name: &std::ffi::OsStr) -> bool {
    SYSTEM_FILES.iter().any(|known| name == *known)
}

/// The folder of a repository: `models--owner--name`.
pub(super) fn repo_folder(kind: RepoKind, id: &RepoId) -> String {
    format!("{}--{}", kind.plural(), id.as_str().replace('/', "--"))
}

/// The repository a folder is for, or `None` where it is not one of ours.
pub(super) fn parse_repo_folder(name: &str) -> Option<RepoKey> {
    let (plural, id) = name.split_once("--")?;
    let kind = RepoKind::ALL.into_iter().find(|kind| kind.plural() == plural)?;
    Some(RepoKey { kind, id: id.replace("--", "/").parse().ok()? })
}

/// What a snapshot's link to a blob says, for a file at this path in the repository: `../../blobs/<etag>`, with one more `../` per folder.
pub(super) fn blob_link(path: &str, etag: &str) -> PathBuf {
    let up = "../".repeat(2 + path.matches('/').count());
    PathBuf::from(format!("{up}{BLOBS}/{etag}"))
}

/// Where a symbolic link leads, by its text alone: a path relative to `root`, or `None` where it leaves it.
///
/// `folder` holds the link and is relative to `root`. Links along the way are not followed, as the official client does.
pub(super) fn resolve(root: &Path, folder: &Path, link: &Path) -> Option<PathBuf> {
    let (mut place, rest) = match link.strip_prefix(root) {
        Ok(inside) => (PathBuf::new(), inside),
        Err(_) => (folder.to_path_buf(), link),
    };
    for part in rest.components() {
        match part {
            Component::Normal(name) => place.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !place.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(place)
}

/// Whether a text is this many lower-case hexadecimal digits.
pub(super) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_repositories_name_each_other() {
        for name in ["models--gpt2", "datasets--org--set", "spaces--a--b.c", "kernels--org--k"] {
            let key = parse_repo_folder(name).unwrap();
            assert_eq!(repo_folder(key.kind, &key.id), name);
        }
        for name in ["gpt2", "models--a--b--c", "models--", "models--..--x", "blobs"] {
            assert_eq!(parse_repo_folder(name), None, "{name}");
        }
    }

    #[test]
    fn links_climb_out_of_their_folders() {
        assert_eq!(blob_link("w.gguf", "ab"), Path::new("../../blobs/ab"));
        assert_eq!(blob_link("a/b/w.gguf", "ab"), Path::new("../../../../blobs/ab"));
    }

    #[test]
    fn links_resolve_inside_the_root_only() {
        let root = Path::new("/cache");
        let resolve = |link: &str| super::resolve(root, Path::new("m/snapshots/c"), Path::new(link));
        assert_eq!(resolve("../../blobs/ab").unwrap(), Path::new("m/blobs/ab"));
        assert_eq!(resolve("/cache/m/blobs/ab").unwrap(), Path::new("m/blobs/ab"));
        assert_eq!(resolve("./x").unwrap(), Path::new("m/snapshots/c/x"));
        assert_eq!(resolve("../../../../etc/passwd"), None);
        assert_eq!(resolve("/etc/passwd"), None);
        assert_eq!(resolve("/cache/../etc/passwd"), None);
    }
}
