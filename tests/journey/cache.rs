//! Making room: what is on the disk, marked, deleted, and brought back.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use hfdesk_tui::desk::bytes;
use sha2::{Digest, Sha256};

use crate::app;
use crate::scene::Scene;
use crate::terminal::Terminal;
use crate::tree::tree;

const NEW: &str = "7c41481f57cb95916b40956ab2f0b139b296d974";
const OLD: &str = "2a1f0e0dc0ffee0123456789abcdef0123456789";

/// Sizes in bytes: of the first shard that all quantizations share, of the second ones, and of one that only the old commit has.
const SHARED: usize = 50_000;
const Q4: usize = 400_000;
const Q6: usize = 600_000;
const Q8: usize = 800_000;
const OLD_Q8: usize = 700_000;

/// A repository with three quantizations whose first shard is the same blob, and an older commit without a branch.
struct Repository {
    folder: PathBuf,
}

impl Repository {
    fn new(scene: &Scene) -> Self {
        let own = Self { folder: scene.machine.cache().join("models--org--lumen-GGUF") };
        for (label, size) in [("Q4_K_M", Q4), ("Q6_K", Q6), ("Q8_0", Q8)] {
            own.put(NEW, label, 1, SHARED);
            own.put(NEW, label, 2, size);
        }
        own.put(OLD, "Q8_0", 1, SHARED);
        own.put(OLD, "Q8_0", 2, OLD_Q8);
        fs::create_dir_all(own.folder.join("refs")).unwrap();
        fs::write(own.folder.join("refs/main"), NEW).unwrap();
        own
    }

    /// Puts a shard into a commit; shards of one size are one blob.
    fn put(&self, commit: &str, label: &str, shard: usize, size: usize) {
        let blob = self.blob(size);
        fs::create_dir_all(blob.parent().unwrap()).unwrap();
        if !blob.exists() {
            fs::write(&blob, content(size)).unwrap();
            let days = if commit == NEW { 2 } else { 200 };
            let then = SystemTime::now() - Duration::from_secs(days * 86_400);
            fs::File::options().write(true).open(&blob).unwrap().set_modified(then).unwrap();
        }
        let entry = self.folder.join("snapshots").join(commit).join(format!("{label}/lumen-{label}-{shard:05}-of-00002.gguf"));
        fs::create_dir_all(entry.parent().unwrap()).unwrap();
        symlink(format!("../../../blobs/{}", blob.file_name().unwrap().display()), entry).unwrap();
    }

    fn blob(&self, size: usize) -> PathBuf {
        self.folder.join("blobs").join(hex::encode(Sha256::digest(content(size))))
    }

    fn has(&self, size: usize) -> bool {
        self.blob(size).exists()
    }
}

/// Content that tells one size from another.
fn content(size: usize) -> Vec<u8> {
    size.to_le_bytes().repeat(size / 8)
}

/// The app with the old commit and one quantization of the new one marked.
fn app_with_marks(scene: &Scene) -> Terminal {
    let mut app = app(scene);
    app.keys("4");
    app.sees(&["model/org/lumen-GGUF", "of detached revisions"]);
    app.keys("d");
    app.sees(&["1 marked:", &format!("{} come free", bytes(OLD_Q8 as u64))]);
    app.keys("l");
    app.sees(&["main"]);
    app.keys("j l");
    app.sees(&["Q8_0", "Q6_K", "Q4_K_M"]);
    app.keys("j j j space");
    app.sees(&["2 marked:", &format!("{} come free", freed()), "stay because others share them"]);
    app
}

/// What the marks free: both quantizations, without the shard that others still use.
fn freed() -> String {
    bytes((OLD_Q8 + Q4) as u64)
}

#[test]
fn room_is_made_by_marking_what_is_detached_and_one_of_three_quantizations() {
    let scene = Scene::new(|_| {});
    let repository = Repository::new(&scene);
    let mut app = app_with_marks(&scene);
    app.keys("D");
    app.sees(&["Delete ", &format!("{} come free", freed()), "y delete for good"]);
    assert!(repository.has(Q4), "nothing goes before it is confirmed");
    app.keys("y");
    app.sees(&[&format!("freed {}", freed())]);
    assert!(!repository.has(Q4) && !repository.has(OLD_Q8));
    assert!(repository.has(SHARED) && repository.has(Q6) && repository.has(Q8), "what the others use stays");
    assert!(!repository.folder.join("snapshots").join(OLD).exists());
    app.sees_that("no marks", |screen| !screen.contains("marked:") && !screen.contains("Q4_K_M"));
    app.keys("q");
    assert_eq!(app.ends(), 0);
}

#[test]
fn what_went_to_the_trash_is_brought_back() {
    let scene = Scene::new(|_| {});
    let repository = Repository::new(&scene);
    let before = tree(&scene.machine.cache());
    let mut app = app_with_marks(&scene);
    app.keys("D");
    app.sees(&["to the trash"]);
    app.keys("t");
    app.sees_that("the trash", |screen| screen.contains("trash") && !screen.contains("Q4_K_M"));
    assert!(!repository.has(Q4) && !repository.has(OLD_Q8));
    app.keys("u");
    app.sees(&["brought back", "Q4_K_M"]);
    assert_eq!(tree(&scene.machine.cache()), before);
    app.sees_that("no trash", |screen| !screen.contains("▸ trash"));
}

#[test]
fn a_plan_that_does_not_hold_any_more_is_refused_with_the_difference() {
    let scene = Scene::new(|_| {});
    let repository = Repository::new(&scene);
    let mut app = app_with_marks(&scene);
    app.keys("D");
    app.sees(&["y delete for good"]);
    // Meanwhile another program gives the old commit a branch and a file that was to go.
    let entry = repository.folder.join("snapshots").join(NEW).join("lumen-old-Q8_0.gguf");
    symlink(format!("../../blobs/{}", repository.blob(OLD_Q8).file_name().unwrap().display()), entry).unwrap();
    app.keys("y");
    app.sees(&["the cache has changed since this deletion was planned", "be removed now; it would free 390.6 KiB (400000 bytes)"]);
    assert!(repository.has(Q4) && repository.has(OLD_Q8) && repository.folder.join("snapshots").join(OLD).exists());
    app.keys("esc");
    app.sees(&["2 marked:", &format!("{} come free", bytes(Q4 as u64))]);
    app.keys("D y");
    app.sees(&[&format!("freed {}", bytes(Q4 as u64))]);
    assert!(!repository.has(Q4) && repository.has(OLD_Q8));
}

#[test]
fn a_pinned_repository_stays_and_a_filter_finds_the_rest() {
    let scene = Scene::new(|_| {});
    let repository = Repository::new(&scene);
    let mut app = app(&scene);
    app.keys("4");
    app.sees(&["model/org/lumen-GGUF"]);
    app.keys("p");
    app.sees(&["◈", "is pinned: nothing of it is deleted"]);
    app.keys("D");
    app.sees(&["is pinned, so nothing of it is deleted"]);
    assert!(repository.has(Q8));
    app.keys("esc"); // with the next key at its heels it would be Alt and that key
    app.sees_that("no failure", |screen| !screen.contains("so nothing of it is deleted"));
    app.keys("p");
    app.sees_that("no pin", |screen| !screen.contains("◈"));
    app.keys("f");
    app.type_text("size>1GB");
    app.sees(&["Nothing in the cache meets these conditions"]);
    app.keys("esc");
    app.sees_that("all again", |screen| !screen.contains("filter ›") && screen.contains("model/org/lumen-GGUF"));
}

#[test]
fn what_is_wrong_is_mended_after_asking_only() {
    let scene = Scene::new(|_| {});
    let repository = Repository::new(&scene);
    let broken = repository.folder.join("refs/broken");
    fs::write(&broken, "1".repeat(40)).unwrap();
    let mut app = app(&scene);
    app.keys("4");
    app.sees(&["model/org/lumen-GGUF"]);
    app.keys("!");
    app.sees(&["1 finding, 1 can be mended", "refs/broken"]);
    app.keys("m");
    app.sees(&["Mend what can be mended?", "removes the ref", "1 finding is mended", "y mend them"]);
    app.keys("n");
    app.sees(&["1 finding, 1 can be mended"]);
    assert!(broken.exists(), "nothing is mended unasked");
    app.keys("m");
    app.sees(&["y mend them"]);
    app.keys("y");
    app.sees(&["1 finding mended", "Nothing is wrong"]);
    assert!(!broken.exists());
}

#[test]
fn marks_that_a_filter_hides_are_told_before_they_go() {
    let scene = Scene::new(|_| {});
    let repository = Repository::new(&scene);
    let mut app = app(&scene);
    app.keys("4");
    app.sees(&["model/org/lumen-GGUF"]);
    app.keys("space");
    app.sees(&["1 marked:"]);
    app.keys("f");
    app.type_text("elsewhere");
    app.sees(&["Nothing in the cache meets these conditions"]);
    app.keys("enter D");
    app.sees(&["Delete 1 repository", "model/org/lumen-GGUF", "hidden, whole, 2 revisions", "what is marked is hidden by the filter"]);
    assert!(repository.has(Q8));
}
