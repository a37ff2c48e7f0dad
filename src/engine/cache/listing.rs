//! What a whole cache holds.

use std::fs::{self, DirEntry};
use std::io::ErrorKind;
use std::sync::Arc;

use super::Cache;
use super::layout::{BLOBS, LOCKS, is_system_file, parse_repo_folder};
use super::reader::Reader;
use super::scan::RepoScan;
use super::store::Store;
use crate::desk::{CacheListing, CachedRepo, Fault, RepoKey};

/// What an entry at the cache's root is.
enum Entry {
    Repo(RepoKey),
    /// It belongs there and is no repository.
    Known,
    /// It does not belong there, or is not read: the end of a sentence that its name begins.
    Odd(&'static str),
}

impl Cache {
    /// What the cache holds. A cache that does not exist yet holds nothing.
    ///
    /// Damaged repositories are listed with what can be read of them, and a warning each.
    pub fn scan(&self) -> Result<CacheListing, Fault> {
        let mut listing = CacheListing { root: self.root.clone(), ..CacheListing::default() };
        let store = Store::open(&self.root);
        for entry in self.entries()? {
            let mut reader = Reader::new(&self.root);
            match classify(&entry, store.is_some()) {
                Entry::Repo(key) => {
                    let scan = RepoScan::read(&mut reader, store.as_ref(), &entry.path(), key);
                    listing.size += scan.own_size();
                    listing.repos.push(Arc::new(scan.listed()));
                }
                Entry::Odd(what) => reader.warn(&entry.path(), what),
                Entry::Known => {}
            }
            listing.warnings.append(&mut reader.into_warnings(&entry.path()));
        }
        listing.size += store.iter().flat_map(Store::payloads).map(|(_, size)| size).sum::<u64>();
        listing.repos.sort_by(largest_first);
        listing.warnings.sort();
        Ok(listing)
    }

    fn entries(&self) -> Result<Vec<DirEntry>, Fault> {
        match fs::read_dir(&self.root).and_then(Iterator::collect) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            entries => entries.map_err(|error| Fault::disk(format!("read {}", self.root.display()), error)),
        }
    }
}

fn largest_first(a: &Arc<CachedRepo>, b: &Arc<CachedRepo>) -> std::cmp::Ordering {
    b.size.cmp(&a.size).then_with(|| a.key.cmp(&b.key))
}

fn classify(entry: &DirEntry, has_store: bool) -> Entry {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    if matches!(&*name, LOCKS | "CACHEDIR.TAG") || is_system_file(&entry.file_name()) || (has_store && name == BLOBS) {
        return Entry::Known;
    }
    match (parse_repo_folder(&name), entry.file_type()) {
        (Some(key), Ok(kind)) if kind.is_dir() => Entry::Repo(key),
        (Some(_), Ok(kind)) if kind.is_symlink() => Entry::Odd("is a symbolic link, which is not followed"),
        _ => Entry::Odd("does not belong in a Hugging Face cache"),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::super::testkit::{self, COMMIT, HASH, add, fill, key, plan, share};
    use super::*;

    fn scan(cache: &Cache) -> CacheListing {
        cache.scan().unwrap()
    }

    fn warned(cache: &Cache, part: &str) {
        let warnings = scan(cache).warnings;
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{part}: {warnings:?}");
    }

    #[test]
    fn a_cache_that_is_not_there_is_empty() {
        let (_dir, cache) = testkit::cache();
        assert_eq!(scan(&cache), CacheListing { root: cache.root().into(), ..CacheListing::default() });
    }

    #[test]
    fn a_root_that_is_a_file_is_a_fault() {
        let (_dir, cache) = testkit::cache();
        std::fs::write(cache.root(), "").unwrap();
        assert!(cache.scan().is_err());
    }

    #[test]
    fn content_counts_once() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("a.bin", &[1; 3000]), ("same.bin", &[1; 3000]), ("b.json", b"{}")]);
        add(&cache, "datasets/org/set", &[("t.csv", b"1,2")]);
        let mut next = plan("org/m", &[("a.bin", &[1; 3000])]);
        next.commit = "f".repeat(40);
        next.repo.revision = "v2".parse().unwrap();
        let place = cache.place(&next).unwrap();
        place.prepare().unwrap();
        place.link(&[&next.files[0]]).unwrap();
        let listing = scan(&cache);
        assert_eq!(listing.warnings, Vec::<String>::new());
        assert_eq!(listing.repos.iter().map(|repo| repo.key.to_string()).collect::<Vec<_>>(), ["model/org/m", "dataset/org/set"]);
        let model = &listing.repos[0];
        assert_eq!((model.size, model.files, model.unused(), listing.size), (3002, 2, 0, 3005));
        let mut revisions: Vec<_> = model.revisions.iter().map(|r| (r.refs.concat(), r.files, r.size)).collect();
        revisions.sort();
        assert_eq!(revisions, [("main".to_owned(), 3, 3002), ("v2".to_owned(), 1, 3000)]);
        assert!(model.last_modified.is_some() && model.last_accessed.is_some());
    }

    #[test]
    fn unfinished_downloads_count_what_they_take() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", &[("b.json", b"{}")]);
        let other = plan("org/m", &[("w.bin", b"weights")]);
        let sparse = std::fs::File::create(place.partial(&other.files[0]).data).unwrap();
        sparse.set_len(1 << 30).unwrap();
        std::fs::write(cache.root().join("models--org--m/blobs/ab.12345678.incomplete"), vec![1; 8192]).unwrap();
        let repo = &scan(&cache).repos[0];
        assert_eq!(repo.size, 2);
        assert!((8192..1 << 20).contains(&repo.unused()), "{}", repo.unused());
    }

    #[test]
    fn a_shared_payload_counts_for_each_repository_and_once_in_all() {
        let (_dir, cache) = testkit::cache();
        for repo in ["org/a", "org/b"] {
            let place = add(&cache, repo, &[("x.bin", b"payload")]);
            let etag = place.partial(&plan(repo, &[("x.bin", b"payload")]).files[0]).data;
            let etag = etag.file_name().unwrap().to_str().unwrap().trim_end_matches(".hfdesk.part").to_owned();
            share(&cache, repo, &etag, HASH, b"payload");
        }
        std::fs::write(cache.root().join("blobs/c6").join("c6".repeat(32)), "nobody's").unwrap();
        let listing = scan(&cache);
        assert_eq!(listing.warnings, Vec::<String>::new());
        assert_eq!(listing.repos.iter().map(|repo| repo.size).collect::<Vec<_>>(), [7, 7]);
        assert_eq!(listing.size, 7 + 8);
        std::fs::remove_file(cache.root().join("blobs/.huggingface-shared-blobs")).unwrap();
        warned(&cache, "blobs does not belong");
        assert_eq!(scan(&cache).size, 0);
    }

    #[test]
    fn files_in_a_snapshot_are_their_own_blobs() {
        let (_dir, cache) = testkit::cache();
        let cache = cache.without_symlinks();
        add(&cache, "org/m", &[("a/x.bin", b"payload"), ("b", b"b")]);
        let listing = scan(&cache);
        assert_eq!((listing.size, listing.repos[0].size, listing.repos[0].files), (8, 8, 2));
        std::fs::remove_dir(cache.root().join("models--org--m/blobs")).unwrap();
        assert_eq!(scan(&cache).warnings, Vec::<String>::new());
    }

    #[test]
    fn what_belongs_at_the_root_is_not_warned_of() {
        let (_dir, cache) = testkit::cache();
        let plan = plan("org/m", &[("b", b"b")]);
        let place = fill(&cache, &plan, &[("b", b"b")]);
        drop(place.lock(&plan.files[0]).unwrap());
        std::fs::write(cache.root().join(".DS_Store"), "").unwrap();
        std::fs::write(cache.root().join("models--org--m/snapshots/.DS_Store"), "").unwrap();
        assert_eq!(scan(&cache).warnings, Vec::<String>::new());
    }

    #[test]
    fn odd_entries_at_the_root_are_warned_of() {
        let (dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("b", b"b")]);
        let root = cache.root();
        std::fs::write(root.join("version.txt"), "1").unwrap();
        std::fs::write(root.join("models--org--file"), "").unwrap();
        std::fs::create_dir(root.join(OsStr::from_bytes(b"models--org--\xff\x1b[2J"))).unwrap();
        symlink(dir.path(), root.join("models--org--linked")).unwrap();
        let listing = scan(&cache);
        assert_eq!(listing.repos.len(), 1);
        assert_eq!(listing.warnings.len(), 4, "{:?}", listing.warnings);
        assert!(!listing.warnings.concat().contains('\u{1b}'));
        for part in ["version.txt", "org--file", "models--org--linked is a symbolic link"] {
            warned(&cache, part);
        }
    }

    #[test]
    fn a_damaged_repository_is_listed_with_warnings() {
        let (dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", &[("b", b"b")]);
        let repo = cache.root().join("models--org--m");
        let snapshot = place.dir();
        let secret = dir.path().join("secret");
        std::fs::write(&secret, vec![1; 9000]).unwrap();
        symlink("../../blobs/gone", snapshot.join("dangling")).unwrap();
        warned(&cache, "dangling does not lead to a blob");
        symlink(&secret, snapshot.join("door")).unwrap();
        warned(&cache, "door does not lead to a blob");
        symlink(dir.path(), snapshot.join("folder")).unwrap();
        symlink("loop", snapshot.join("loop")).unwrap();
        symlink(&secret, repo.join("blobs/outside")).unwrap();
        symlink("../../blobs/outside", snapshot.join("through")).unwrap();
        std::fs::write(repo.join("refs/gone"), "f".repeat(40)).unwrap();
        std::fs::write(repo.join("refs/newline"), format!("{COMMIT}\n")).unwrap();
        warned(&cache, "models--org--m has 2 more problems");
        let listing = scan(&cache);
        assert_eq!((listing.repos[0].key.clone(), listing.repos[0].size, listing.size), (key("org/m"), 1, 1));
    }

    #[test]
    fn refs_that_lead_nowhere_are_named() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("b", b"b")]);
        let refs = cache.root().join("models--org--m/refs");
        std::fs::write(refs.join("newline"), format!("{COMMIT}\n")).unwrap();
        std::fs::write(refs.join("binary"), b"\xff").unwrap();
        std::fs::write(refs.join("huge"), vec![b'a'; 4096]).unwrap();
        for part in ["refs/newline does not name a commit", "refs/binary cannot be read", "refs/huge cannot be read"] {
            warned(&cache, part);
        }
        assert_eq!(scan(&cache).repos[0].revisions[0].refs, ["main"]);
    }

    #[test]
    fn files_and_folders_in_each_others_place_are_warned_of() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", &[("b", b"b")]);
        let repo = cache.root().join("models--org--m");
        std::fs::write(repo.join("snapshots/file"), "").unwrap();
        std::fs::create_dir(repo.join("snapshots/not-a-commit")).unwrap();
        std::fs::create_dir(repo.join("blobs/folder")).unwrap();
        std::fs::write(repo.join("snapshots").join(COMMIT).join(OsStr::from_bytes(b"\xff")), "name").unwrap();
        warned(&cache, "snapshots/file is not the folder of a commit");
        warned(&cache, "snapshots/not-a-commit is not");
        assert_eq!(scan(&cache).repos[0].size, 5);
        std::fs::remove_dir_all(repo.join("refs")).unwrap();
        std::fs::write(repo.join("refs"), "").unwrap();
        warned(&cache, "refs is not a folder");
        std::fs::remove_dir_all(repo.join("snapshots")).unwrap();
        warned(&cache, "snapshots is not a folder");
        symlink("/", repo.join("snapshots")).unwrap();
        warned(&cache, "snapshots is not a folder");
        assert!(Path::new("/").exists());
    }
}
