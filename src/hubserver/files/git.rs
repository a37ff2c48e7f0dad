//! Git's object names, computed without git: blobs, trees, the commit that a folder amounts to, and LFS pointers.

use std::collections::BTreeMap;

use sha1::{Digest, Sha1};

/// The id of a blob with this content.
pub fn blob_id(content: &[u8]) -> String {
    object_id("blob", content)
}

/// The text that stands in git for an LFS file with this SHA-256 and size (git-lfs specification, version 1).
pub fn lfs_pointer(sha256: &str, size: u64) -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n")
}

/// The ids of a repository's folders, by path without slashes at the ends; the root is the empty path.
pub(super) fn tree_ids<'a>(blobs: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    let mut root = Folder::default();
    for (path, id) in blobs {
        root.insert(path, id);
    }
    let mut ids = BTreeMap::new();
    root.name_into("", &mut ids);
    ids
}

/// The id of a first commit of this tree by the server itself, at time zero: it depends on nothing but the content.
pub(super) fn commit_id(tree: &str) -> String {
    let who = "Hub <hub@localhost> 0 +0000";
    object_id("commit", format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nUpload files\n").as_bytes())
}

fn object_id(kind: &str, content: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(format!("{kind} {}\0", content.len()));
    hash.update(content);
    hex::encode(hash.finalize())
}

#[derive(Default)]
struct Folder<'a> {
    folders: BTreeMap<&'a str, Self>,
    blobs: BTreeMap<&'a str, &'a str>,
}

impl<'a> Folder<'a> {
    fn insert(&mut self, path: &'a str, id: &'a str) {
        match path.split_once('/') {
            Some((folder, rest)) => self.folders.entry(folder).or_default().insert(rest, id),
            None => drop(self.blobs.insert(path, id)),
        }
    }

    /// Names this folder and all below it, and answers with its own id.
    fn name_into(&self, path: &str, ids: &mut BTreeMap<String, String>) -> String {
        // Git orders a folder as if its name ended with a slash.
        let mut entries: BTreeMap<String, (&str, &str, String)> = BTreeMap::new();
        for (name, folder) in &self.folders {
            let below = if path.is_empty() { (*name).to_owned() } else { format!("{path}/{name}") };
            entries.insert(format!("{name}/"), ("40000", name, folder.name_into(&below, ids)));
        }
        for (name, id) in &self.blobs {
            entries.insert((*name).to_owned(), ("100644", name, (*id).to_owned()));
        }
        let id = object_id("tree", &tree_content(entries.values()));
        ids.insert(path.to_owned(), id.clone());
        id
    }
}

fn tree_content<'a>(entries: impl Iterator<Item = &'a (&'a str, &'a str, String)>) -> Vec<u8> {
    let mut content = Vec::new();
    for (mode, name, id) in entries {
        content.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        content.extend(hex::decode(id).unwrap_or_default());
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git() {
        // printf 'hello\n' | git hash-object --stdin
        let hello = blob_id(b"hello\n");
        assert_eq!(hello, "ce013625030ba8dba906f756967f9e9ca394464a");
        // The same blob as `a.txt`, `a/b` and `a0`, through `git write-tree`: the folder sorts between the two files.
        let ids = tree_ids([("a.txt", hello.as_str()), ("a/b", &hello), ("a0", &hello)]);
        assert_eq!(ids["a"], "f09792be40f18f537c28b624b7bc7771f25082e1");
        assert_eq!(ids[""], "39a5358fb566207617a0abec08342a390f1e215a");
    }

    #[test]
    fn an_empty_folder_is_the_empty_tree() {
        assert_eq!(tree_ids([])[""], "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }

    #[test]
    fn pointers_have_the_size_that_the_hub_reports() {
        assert_eq!(lfs_pointer(&"a".repeat(64), 20_000_000).len(), 133);
    }
}
