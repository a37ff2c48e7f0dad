//! Damaged caches, what is found in them, and what is left of them when they are mended.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::super::Cache;
use super::super::layout::blob_link;
use super::super::record::Record;
use super::super::testkit::{self, COMMIT, HASH, add, key, plan, share};
use super::super::trash::way;
use crate::desk::{Disposal, Finding, Severity, Trouble};
use crate::engine::host::FileLock;

const FILES: &[(&str, &[u8])] = &[("b.json", b"{}"), ("sub/x.bin", b"payload")];

/// A cache with one sound repository, and its folder.
fn scene() -> (TempDir, Cache, PathBuf) {
    let (dir, cache) = testkit::cache();
    add(&cache, "org/m", FILES);
    let repo = cache.root().join("models--org--m");
    fs::create_dir_all(cache.root().join(".locks/models--org--m")).unwrap();
    (dir, cache, repo)
}

fn now() -> Timestamp {
    Timestamp::now()
}

fn etag(path: &str) -> String {
    plan("org/m", FILES).files.iter().find(|file| file.path == path).unwrap().digest.hex().to_owned()
}

/// The only thing that is wrong.
fn only(cache: &Cache) -> Finding {
    let mut found = cache.diagnose(now()).unwrap();
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

/// Mends the only thing that is wrong, after which nothing is.
fn mend(cache: &Cache) -> Finding {
    let found = only(cache);
    let report = cache.mend(std::slice::from_ref(&found), now());
    assert_eq!((&report.mended[..], &report.failures[..]), (&[found.clone()][..], &[][..]));
    assert_eq!(cache.diagnose(now()).unwrap(), []);
    assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
    found
}

/// What mending a finding fails with.
fn refused(cache: &Cache, found: &Finding) -> String {
    let report = cache.mend(std::slice::from_ref(found), now());
    assert_eq!(report.mended, []);
    report.failures.concat()
}

fn age(path: &Path) {
    let old = std::time::SystemTime::from(now() - SignedDuration::from_hours(25));
    File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
}

/// A folder and everything below it but links.
fn real_entries(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut at) = (vec![folder.to_path_buf()], 0);
    while let Some(path) = found.get(at).cloned() {
        at += 1;
        let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        found.extend(entries.filter(|path| !path.is_symlink()));
    }
    found
}

#[test]
fn a_ref_that_says_nothing_is_pointed_at_the_only_commit() {
    let (_dir, cache, repo) = scene();
    for content in ["", "nonsense", "\u{0}"] {
        fs::write(repo.join("refs/main"), content).unwrap();
        let found = mend(&cache);
        assert!(found.mend.is_some_and(|mend| mend.contains("the only commit that is here")), "{content:?}");
        assert_eq!(fs::read_to_string(repo.join("refs/main")).unwrap(), testkit::COMMIT);
    }
    fs::create_dir(repo.join("snapshots").join("f".repeat(40))).unwrap();
    fs::write(repo.join("refs/main"), "").unwrap();
    assert_eq!(mend(&cache).mend.as_deref(), Some("removes the ref"), "with two of them nobody knows");
}

#[test]
fn a_sound_cache_has_nothing_wrong() {
    let (_dir, cache, _) = scene();
    share(&cache, "org/m", &etag("sub/x.bin"), HASH, b"payload");
    assert_eq!(cache.diagnose(now()).unwrap(), []);
    assert_eq!(testkit::cache().1.diagnose(now()).unwrap(), []);
}

#[test]
fn a_broken_link_goes_and_the_rest_stays() {
    let (_dir, cache, repo) = scene();
    fs::remove_file(repo.join("blobs").join(etag("sub/x.bin"))).unwrap();
    let found = mend(&cache);
    assert_eq!((found.trouble, found.severity), (Trouble::BrokenLink, Severity::Error));
    assert_eq!(found.path, repo.join("snapshots").join(COMMIT).join("sub/x.bin"));
    assert!(found.mend.unwrap().ends_with("hfdesk-tui download org/m sub/x.bin --revision main"));
    assert_eq!(cache.scan().unwrap().repos[0].files, 1);
}

#[test]
fn a_link_whose_payload_is_gone_is_broken_too() {
    let (_dir, cache, repo) = scene();
    share(&cache, "org/m", &etag("sub/x.bin"), HASH, b"payload");
    fs::remove_file(cache.root().join("blobs/c6").join(HASH)).unwrap();
    assert_eq!(mend(&cache).path, repo.join("snapshots").join(COMMIT).join("sub/x.bin"));
}

#[test]
fn links_to_a_disk_that_is_not_mounted_stay() {
    let (_dir, cache, repo) = scene();
    fs::rename(repo.join("blobs"), repo.join("elsewhere")).unwrap();
    symlink("not-mounted/blobs", repo.join("blobs")).unwrap();
    let found = cache.diagnose(now()).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|found| found.mend.is_none() && found.advice.as_ref().unwrap().contains("mount")), "{found:#?}");
    assert!(refused(&cache, &found[0]).contains("mount"));
    assert!(found[0].path.is_symlink());
}

#[test]
fn a_link_stays_while_its_blob_is_downloaded() {
    let (_dir, cache, repo) = scene();
    fs::remove_file(repo.join("blobs").join(etag("b.json"))).unwrap();
    let found = only(&cache);
    let lock = FileLock::try_acquire(&cache.root().join(format!(".locks/models--org--m/{}.lock", etag("b.json"))), 0o664).unwrap();
    assert!(refused(&cache, &found).contains("is locked"));
    assert!(found.path.is_symlink());
    drop(lock);
    mend(&cache);
}

#[test]
fn a_finding_that_is_not_so_touches_nothing() {
    let (dir, cache, repo) = scene();
    let mine = dir.path().join("mine");
    fs::write(&mine, "mine").unwrap();
    let snapshot = repo.join("snapshots").join(COMMIT);
    for (trouble, path) in [
        (Trouble::BrokenLink, snapshot.join("b.json")),
        (Trouble::DanglingRef, repo.join("refs/main")),
        (Trouble::NoSnapshots, repo.clone()),
        (Trouble::StalePartial, repo.join("blobs").join(etag("b.json"))),
        (Trouble::StalePartial, mine.clone()),
        (Trouble::StaleLocks, repo.clone()),
    ] {
        let forged = super::ward::finding(trouble, Severity::Error, &path, "");
        let forged = Finding { mend: Some(String::new()), ..forged };
        assert!(refused(&cache, &forged).contains("not so any more"), "{path:?}");
    }
    assert_eq!((fs::read(mine).unwrap(), cache.scan().unwrap().repos[0].files), (b"mine".to_vec(), 2));
}

#[test]
fn nothing_is_removed_behind_a_link_out_of_the_cache() {
    let (dir, cache, repo) = scene();
    let far = dir.path().join("far");
    fs::create_dir(&far).unwrap();
    symlink("nowhere", far.join("broken")).unwrap();
    symlink(&far, repo.join("snapshots").join(COMMIT).join("door")).unwrap();
    assert!(cache.diagnose(now()).unwrap().iter().all(|found| found.trouble != Trouble::BrokenLink));
    let forged = super::ward::finding(Trouble::BrokenLink, Severity::Error, &far.join("broken"), "");
    refused(&cache, &forged);
    assert!(far.join("broken").is_symlink());
    assert!(super::check_inside(cache.root(), &repo.join("snapshots").join(COMMIT).join("door/broken"), Trouble::BrokenLink).is_err());
}

#[test]
fn a_dangling_ref_goes() {
    let (_dir, cache, repo) = scene();
    fs::create_dir_all(repo.join("refs/refs/pr")).unwrap();
    fs::write(repo.join("refs/refs/pr/1"), "f".repeat(40)).unwrap();
    let found = mend(&cache);
    assert_eq!((found.trouble, found.path), (Trouble::DanglingRef, repo.join("refs/refs/pr/1")));
    assert!(found.mend.unwrap().ends_with("--revision refs/pr/1"));
    assert_eq!(cache.scan().unwrap().repos[0].revisions[0].refs, ["main"]);
}

#[test]
fn a_ref_with_a_line_break_is_written_anew() {
    let (_dir, cache, repo) = scene();
    let main = repo.join("refs/main");
    fs::write(&main, format!("{COMMIT}\n")).unwrap();
    fs::set_permissions(&main, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(mend(&cache).trouble, Trouble::MalformedRef);
    assert_eq!((fs::read_to_string(&main).unwrap(), fs::metadata(&main).unwrap().mode() & 0o777), (COMMIT.to_owned(), 0o640));
}

#[test]
fn a_ref_that_names_nothing_goes() {
    for content in [&b"main"[..], b"", b"\xff\xfe", &[b'a'; 5000]] {
        let (_dir, cache, repo) = scene();
        fs::write(repo.join("refs/odd"), content).unwrap();
        assert_eq!(mend(&cache).trouble, Trouble::MalformedRef);
        assert!(!repo.join("refs/odd").exists());
    }
}

#[test]
fn a_repository_of_refs_alone_goes() {
    let (_dir, cache, _) = scene();
    let bare = cache.root().join("models--org--bare");
    fs::create_dir_all(bare.join("refs")).unwrap();
    fs::create_dir_all(bare.join("blobs")).unwrap();
    fs::write(bare.join("refs/main"), COMMIT).unwrap();
    fs::create_dir_all(bare.join(".no_exist").join(COMMIT)).unwrap();
    fs::write(bare.join(".no_exist").join(COMMIT).join("x.json"), "").unwrap();
    assert_eq!(mend(&cache).path, bare);
    assert!(!bare.exists());
}

#[test]
fn a_repository_without_snapshots_but_with_blobs_is_left() {
    let (_dir, cache, _) = scene();
    let bare = cache.root().join("models--org--bare");
    fs::create_dir_all(bare.join("blobs")).unwrap();
    fs::write(bare.join("blobs").join("a".repeat(64)), vec![1; 8192]).unwrap();
    let found = only(&cache);
    assert_eq!(found.mend, None);
    assert!(found.advice.as_ref().unwrap().ends_with("hfdesk-tui cache rm model/org/bare"), "{found:?}");
    assert!(refused(&cache, &found).contains("cache rm"));
    assert!(bare.exists());
}

#[test]
fn what_does_not_belong_is_told_and_left() {
    let (_dir, cache, repo) = scene();
    fs::write(cache.root().join("it's\u{1b}[2J"), "").unwrap();
    fs::create_dir(cache.root().join("blobs")).unwrap();
    fs::write(repo.join("snapshots/file"), "").unwrap();
    fs::create_dir(repo.join("snapshots/folder")).unwrap();
    let found = cache.diagnose(now()).unwrap();
    let severities: Vec<Severity> = found.iter().map(|found| found.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Warning, Severity::Warning, Severity::Note]);
    assert!(found.iter().all(|found| found.trouble == Trouble::ForeignEntry && found.mend.is_none()));
    assert!(found[2].advice.as_ref().unwrap().contains(r"it'\''s"), "{found:#?}");
    assert!(!format!("{}{}", found[2].message, found[2].advice.as_ref().unwrap()).contains('\u{1b}'));
    cache.mend(&found, now());
    assert!(repo.join("snapshots/file").exists());
}

#[test]
fn a_repository_that_no_hub_can_have_is_told_with_its_size_and_a_way_to_delete_it() {
    let (_dir, cache, _) = scene();
    for (folder, name) in [("models--a--b--c", "model/a/b/c"), ("datasets--ünï--näme", "dataset/ünï/näme")] {
        let path = cache.root().join(folder);
        let snapshot = path.join("snapshots").join(COMMIT);
        fs::create_dir_all(&snapshot).unwrap();
        fs::create_dir_all(path.join("blobs")).unwrap();
        fs::write(path.join("blobs/ab"), [1; 3000]).unwrap();
        symlink("../../blobs/ab", snapshot.join("f")).unwrap();
        let found = only(&cache);
        assert_eq!((found.trouble, found.severity, &found.path), (Trouble::ForeignEntry, Severity::Warning, &path));
        assert!(found.message.contains(name) && found.message.contains("2.9 KiB"), "{}", found.message);
        let advice = found.advice.as_ref().unwrap();
        assert!(advice.contains("rm -r ") && advice.contains(folder), "{advice}");
        let warnings = cache.scan().unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].contains("no repository of a Hub can have"), "{warnings:?}");
        assert!(refused(&cache, &found).contains("cannot be mended from here") && path.exists());
        fs::remove_dir_all(path).unwrap();
    }
    // What merely has such a name is told as before.
    fs::create_dir(cache.root().join("models--a--b--c")).unwrap();
    assert!(only(&cache).message.contains("belongs to no repository"));
}

#[test]
fn a_shared_cache_is_opened_to_its_group() {
    let (dir, cache, repo) = scene();
    let chmod = |path: &PathBuf, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().mode() & 0o7777;
    for path in real_entries(cache.root()) {
        chmod(&path, if path.is_dir() { 0o2770 } else { 0o660 });
    }
    chmod(&dir.path().to_path_buf(), 0o700);
    let (listing, blob) = (repo.join(format!("trees/{COMMIT}.json")), repo.join("blobs").join(etag("b.json")));
    chmod(&listing, 0o600);
    chmod(&blob, 0o400);
    chmod(&repo.join("snapshots"), 0o700);
    let found = cache.diagnose(now()).unwrap();
    let paths: Vec<_> = found.iter().map(|found| (found.trouble, &*found.path, found.mend.is_some())).collect();
    assert_eq!(paths, [(Trouble::Permissions, dir.path(), true), (Trouble::Permissions, &*repo, true)]);
    assert!(found[1].mend.as_ref().unwrap().contains("opens 3 "), "{found:#?}");
    assert_eq!(cache.mend(&found, now()).mended.len(), 2);
    assert_eq!((mode(&listing), mode(&blob), mode(&repo.join("snapshots"))), (0o640, 0o440, 0o770));
    assert_eq!(mode(&dir.path().to_path_buf()), 0o710);
    assert_eq!(cache.diagnose(now()).unwrap(), []);
}

#[test]
fn a_cache_of_ones_own_may_be_closed() {
    let (_dir, cache, repo) = scene();
    fs::set_permissions(cache.root(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(repo.join(format!("trees/{COMMIT}.json")), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(cache.diagnose(now()).unwrap(), []);
}

#[test]
fn old_partials_of_others_go() {
    let (_dir, cache, repo) = scene();
    let partial = repo.join("blobs").join(format!("{}.1a2b3c4d.incomplete", "a".repeat(64)));
    fs::write(&partial, vec![1; 8192]).unwrap();
    assert_eq!(cache.diagnose(now()).unwrap(), []);
    age(&partial);
    let found = only(&cache);
    assert_eq!((found.trouble, found.severity), (Trouble::StalePartial, Severity::Note));
    assert!(found.message.contains("8 KiB"), "{}", found.message);
    let lock = FileLock::try_acquire(&cache.root().join(format!(".locks/models--org--m/{}.lock", "a".repeat(64))), 0o664).unwrap();
    assert!(refused(&cache, &found).contains("is locked"));
    drop(lock);
    mend(&cache);
    assert!(!partial.exists());
}

#[test]
fn our_own_partials_stay() {
    let (_dir, cache, _) = scene();
    let other = plan("org/m", &[("y.bin", b"y")]);
    let partial = cache.place(&other).unwrap().partial(&other.files[0]);
    fs::write(&partial.data, "y").unwrap();
    fs::write(&partial.journal, "{}").unwrap();
    age(&partial.data);
    assert_eq!(cache.diagnose(now()).unwrap(), []);
}

#[test]
fn a_partial_of_full_length_goes_unless_it_is_right() {
    let (_dir, cache, repo) = scene();
    let hex = etag("sub/x.bin");
    let partial = repo.join("blobs").join(format!("{hex}.incomplete"));
    fs::write(&partial, b"paylo").unwrap();
    assert_eq!(cache.diagnose(now()).unwrap(), []);
    fs::write(&partial, b"payload").unwrap();
    let found = only(&cache);
    assert_eq!((found.trouble, found.severity), (Trouble::FullLengthPartial, Severity::Warning));
    assert!(refused(&cache, &found).contains("content is right"));
    assert!(partial.exists());
    fs::write(&partial, b"damaged").unwrap();
    mend(&cache);
    assert!(!partial.exists() && repo.join("blobs").join(hex).exists());
}

#[test]
fn a_partial_with_holes_need_not_be_of_full_length() {
    let (_dir, cache, repo) = scene();
    let partial = repo.join("blobs").join(format!("{}.incomplete", "a".repeat(64)));
    File::create(&partial).unwrap().set_len(4 << 20).unwrap();
    assert_eq!(cache.diagnose(now()).unwrap(), []); // nobody knows how long it is to be, and somebody may be writing it
    age(&partial);
    assert_eq!(mend(&cache).trouble, Trouble::StalePartial);
}

#[test]
fn unused_payloads_go_and_used_ones_stay() {
    let (_dir, cache, _) = scene();
    share(&cache, "org/m", &etag("sub/x.bin"), HASH, b"payload");
    let orphan = cache.root().join("blobs/aa").join("a".repeat(64));
    fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    fs::write(&orphan, vec![1; 2048]).unwrap();
    assert_eq!(only(&cache).trouble, Trouble::UnlistedPayload); // without a manifest nobody knows
    fs::write(orphan.with_file_name(format!("{}.refs", "a".repeat(64))), "models--org--gone/blobs/x\n").unwrap();
    let shown = only(&cache);
    let other = cache.root().join("blobs/bb").join("b".repeat(64));
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::write(&other, "came since").unwrap();
    fs::write(other.with_file_name(format!("{}.refs", "b".repeat(64))), "models--org--gone/blobs/x\n").unwrap();
    assert!(refused(&cache, &shown).contains("not so any more") && other.exists() && orphan.exists());
    fs::remove_dir_all(other.parent().unwrap()).unwrap();
    let found = mend(&cache);
    assert_eq!((found.trouble, found.path), (Trouble::OrphanPayload, cache.root().join("blobs")));
    assert!(found.message.contains("2 KiB") && !orphan.exists() && cache.root().join("blobs/c6").join(HASH).exists());
}

#[test]
fn a_payload_without_a_manifest_is_told_and_left() {
    let (_dir, cache, repo) = scene();
    share(&cache, "org/m", &etag("sub/x.bin"), HASH, b"payload");
    let payload = cache.root().join("blobs/c6").join(HASH);
    fs::remove_file(payload.with_file_name(format!("{HASH}.refs"))).unwrap();
    let used = only(&cache);
    assert_eq!((used.trouble, used.severity, &used.path), (Trouble::UnlistedPayload, Severity::Note, &payload));
    assert!(used.message.contains("it stays when the repositories") && !used.advice.unwrap().contains("rm "));
    fs::remove_dir_all(&repo).unwrap();
    fs::remove_dir_all(cache.root().join(".locks")).unwrap();
    let unused = only(&cache);
    assert!(unused.message.contains("no repository of this cache links to it") && unused.message.contains("(7 bytes)"), "{unused:?}");
    assert!(unused.advice.as_ref().unwrap().starts_with("remove it by hand: rm /"));
    assert!(refused(&cache, &unused).contains("cannot be mended from here") && payload.exists());
}

#[test]
fn locks_of_repositories_that_are_gone_go_unless_held() {
    let (_dir, cache, _) = scene();
    let lock = cache.root().join(".locks/models--org--gone/x.lock");
    let held = FileLock::try_acquire(&lock, 0o664).unwrap();
    let found = only(&cache);
    assert_eq!((found.trouble, found.severity), (Trouble::StaleLocks, Severity::Note));
    assert!(refused(&cache, &found).contains("not empty"));
    assert!(lock.exists());
    drop(held);
    mend(&cache);
    assert!(!lock.parent().unwrap().exists() && cache.root().join(".locks/models--org--m").exists());
}

#[test]
fn a_deletion_that_was_interrupted_is_finished() {
    let (_dir, cache, repo) = scene();
    let plan = cache.plan_deletion(&[testkit::whole("org/m")]).unwrap();
    cache.delete(&plan, Disposal::Trash).unwrap();
    assert_eq!(cache.diagnose(now()).unwrap(), []);
    // As it is between the last move and the end.
    fs::remove_dir(cache.root().join(".locks/models--org--m")).unwrap();
    let folder = cache.root().join(".locks/.hfdesk-trash").join(&cache.trash()[0].id.0);
    fs::rename(folder.join("kept.json"), folder.join("moving.json")).unwrap();
    assert_eq!(cache.trash().len(), 0);
    let busy = FileLock::try_acquire(&folder.with_file_name("lock"), 0o664).unwrap();
    assert_eq!(cache.diagnose(now()).unwrap(), []);
    drop(busy);
    let found = mend(&cache);
    assert_eq!((found.trouble, found.path), (Trouble::InterruptedDeletion, folder));
    assert_eq!((cache.trash().len(), repo.exists()), (1, false));
}

/// Everything in the cache by name, links as they are.
fn names(cache: &Cache) -> Vec<PathBuf> {
    real_entries(cache.root())
}

#[test]
fn half_a_repository_is_told_as_it_lies_and_put_back_before_it_is_taken_for_a_damaged_one() {
    for moves in 1..4 {
        let (_dir, cache, repo) = scene();
        let before = cache.scan().unwrap();
        let planned = cache.plan_now(&[testkit::whole("org/m")]).unwrap();
        let record = Record::new(&planned, Disposal::Forever, cache.trash_kept());
        let trash = cache.open_trash().unwrap();
        let entry = trash.begin(record).unwrap();
        cache.make_moves(&entry.record, way(&entry), moves);
        drop(trash);
        let halfway = names(&cache);
        let found = cache.diagnose(now()).unwrap();
        assert_eq!(names(&cache), halfway, "a look changes nothing");
        assert!(found.iter().any(|finding| finding.trouble == Trouble::InterruptedDeletion && finding.mend.is_some()), "{found:#?}");
        // Whichever of them is mended, what was interrupted comes first.
        let mendable: Vec<Finding> = found.into_iter().filter(|finding| finding.mend.is_some()).collect();
        let report = cache.mend(&mendable, now());
        assert_eq!((report.mended, report.failures), (mendable, vec![]));
        assert_eq!(cache.diagnose(now()).unwrap(), [], "after {moves} moves");
        if repo.exists() {
            assert_eq!(cache.scan().unwrap().repos, before.repos);
        }
    }
}

#[test]
fn a_deletion_whose_record_cannot_be_read_is_left() {
    let (_dir, cache, _) = scene();
    let folder = cache.root().join(".locks/.hfdesk-trash/1");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("moving.json"), "{").unwrap();
    let found = only(&cache);
    assert!(found.mend.is_none() && found.message.contains("another version") && found.advice.unwrap().contains("rm -r"));
    assert!(refused(&cache, &only(&cache)).contains("cannot be mended from here"));
    assert!(folder.join("moving.json").exists());
}

#[test]
fn the_filesystem_is_tried_without_a_trace() {
    let (_dir, cache, _) = scene();
    cache.diagnose(now()).unwrap();
    assert_eq!(fs::read_dir(cache.root().join(".locks")).unwrap().count(), 1);
}

#[test]
fn everything_is_mended_at_once() {
    let (_dir, cache, repo) = scene();
    add(&cache, "datasets/org/set", &[("t.csv", b"1,2")]);
    fs::remove_file(repo.join("blobs").join(etag("sub/x.bin"))).unwrap();
    symlink(blob_link("more", &"e".repeat(64)), repo.join("snapshots").join(COMMIT).join("more")).unwrap();
    fs::write(repo.join("refs/gone"), "f".repeat(40)).unwrap();
    fs::write(repo.join("refs/v1"), format!("{COMMIT}\n")).unwrap();
    fs::create_dir_all(cache.root().join("spaces--org--s/refs")).unwrap();
    let found = cache.diagnose(now()).unwrap();
    assert_eq!(found.len(), 5);
    assert!(found.is_sorted_by(|a, b| a.severity >= b.severity));
    let report = cache.mend(&found, now());
    assert_eq!((report.mended.len(), report.failures), (5, vec![]));
    let listing = cache.scan().unwrap();
    assert_eq!(listing.warnings, Vec::<String>::new());
    assert_eq!(listing.find(&key("org/m")).unwrap().files, 1);
}
