//! Deletions from beginning to end: planned, carried out, interrupted after every move, and taken back.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use tempfile::TempDir;

use super::Cache;
use super::record::{Entry, Record, State};
use super::seen::Seen;
use super::testkit::{self, COMMIT, HASH, add, add_revision, key, plan, share, tree, whole};
use super::trash::way;
use crate::desk::{DeletionPlan, DeletionReport, DeletionTarget, Disposal, FaultKind, RestoreReport, TrashId};

const NEXT: &str = "89abcdef0123456789abcdef0123456789abcdef";
const A: &[u8] = &[1; 3000];
const B: &[u8] = &[2; 500];
const CARD: &[u8] = b"# Model";

/// The beginning of every blob's name here: the digest of its content.
fn etag(content: &[u8]) -> String {
    plan("org/m", &[("x.bin", content)]).files[0].digest.hex().to_owned()
}

/// `org/m` with two commits that share `a.bin` (and the first has it twice), leftovers of three kinds, and `org/b`, which shares a
/// payload with `datasets/org/set`; another payload is used by `org/b` alone, and one by nobody. It is made once and copied.
fn sample() -> (TempDir, Cache) {
    static MADE: LazyLock<(TempDir, Cache)> = LazyLock::new(make_sample);
    let (dir, cache) = testkit::cache();
    copy(MADE.1.root(), cache.root());
    (dir, cache)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&from, &to),
            kind if kind.is_symlink() => symlink(fs::read_link(from).unwrap(), to).unwrap(),
            _ => _ = fs::copy(from, to).unwrap(),
        }
    }
}

/// Where two trees differ.
fn differences(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<String> {
    let paths: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differs = paths.into_iter().filter(|path| a.get(*path) != b.get(*path));
    differs.map(|path| format!("{path}: {:?} and {:?}", a.get(path), b.get(path))).collect()
}

fn assert_same(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>, about: &str) {
    assert_eq!(differences(a, b), Vec::<String>::new(), "{about}");
}

fn make_sample() -> (TempDir, Cache) {
    let (dir, cache) = testkit::cache();
    add(&cache, "org/m", &[("a.bin", A), ("copy/a.bin", A), ("README.md", CARD)]);
    add_revision(&cache, "org/m", NEXT, "v2", &[("a.bin", A), ("q/b.bin", B)]);
    let blobs = cache.root().join("models--org--m/blobs");
    fs::write(blobs.join("ab.hfdesk.part"), vec![3; 9000]).unwrap();
    fs::write(blobs.join("ab.hfdesk.json"), "{}").unwrap();
    fs::write(blobs.join("cd.12345678.incomplete"), vec![3; 5000]).unwrap();
    fs::write(blobs.join("e".repeat(64)), vec![3; 100]).unwrap();
    for repo in ["org/b", "datasets/org/set"] {
        add(&cache, repo, &[("a.bin", A), ("b.bin", B)]);
        share(&cache, repo, &etag(A), HASH, A);
    }
    share(&cache, "org/b", &etag(B), &"d".repeat(64), B);
    let orphan = "e".repeat(64);
    share(&cache, "org/b", "gone", &orphan, b"orphan");
    fs::remove_file(cache.root().join("models--org--b/blobs/gone")).unwrap();
    let locks = cache.root().join(".locks/models--org--past");
    fs::create_dir_all(&locks).unwrap();
    fs::write(locks.join("ab.lock"), "").unwrap();
    assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
    (dir, cache)
}

fn revision(repo: &str, commit: &str) -> DeletionTarget {
    DeletionTarget::Revision { repo: key(repo), commit: commit.into() }
}

fn files(repo: &str, commit: Option<&str>, files: &[&str]) -> DeletionTarget {
    DeletionTarget::Files { repo: key(repo), commit: commit.map(Into::into), files: files.iter().map(|file| (*file).into()).collect() }
}

fn leftover(name: &str) -> DeletionTarget {
    DeletionTarget::Leftover { repo: key("org/m"), name: name.into() }
}

/// What can be deleted from the sample, and the bytes that come free and stay, leftovers apart.
fn cases() -> Vec<(Vec<DeletionTarget>, u64, u64)> {
    vec![
        (vec![whole("org/m")], 3507, 0),
        (vec![revision("org/m", COMMIT)], 7, 3000),
        (vec![revision("org/m", NEXT)], 500, 3000),
        (vec![revision("org/m", NEXT), revision("org/m", COMMIT)], 3507, 0),
        (vec![revision("org/m", COMMIT), files("org/m", None, &["a.bin"])], 3007, 0),
        (vec![files("org/m", None, &["a.bin"])], 0, 3000),
        (vec![files("org/m", None, &["copy/a.bin", "a.bin"])], 3000, 0),
        (vec![files("org/m", None, &["copy/a.bin"]), files("org/m", Some(NEXT), &["a.bin", "q/b.bin"])], 500, 3000),
        (vec![files("org/m", Some(COMMIT), &["README.md", "README.md"])], 7, 0),
        (vec![leftover("ab.hfdesk.part"), leftover("cd.12345678.incomplete"), leftover(&"e".repeat(64))], 0, 0),
        (vec![leftover("ab.hfdesk.part"), revision("org/m", NEXT)], 500, 3000),
        (vec![whole("org/b")], 500, 3000),
        (vec![whole("org/b"), whole("datasets/org/set"), whole("org/b")], 500 + 500 + 3000, 0),
        (vec![files("org/b", None, &["a.bin"]), revision("datasets/org/set", COMMIT)], 500 + 3000, 0),
        (vec![files("org/b", None, &["b.bin"])], 500, 0),
        (vec![DeletionTarget::Payload("e".repeat(64)), DeletionTarget::Locks(key("org/past"))], 6, 0),
        (vec![DeletionTarget::Payload(HASH.into()), files("org/b", None, &["a.bin"]), whole("datasets/org/set")], 3500, 0),
    ]
}

/// What a finished deletion says and leaves.
fn straight(targets: &[DeletionTarget], disposal: Disposal) -> (DeletionReport, BTreeMap<String, String>) {
    let (_dir, cache) = sample();
    let report = cache.delete(&cache.plan_deletion(targets).unwrap(), disposal).unwrap();
    (report, tree(cache.root()))
}

fn without_trash(report: &DeletionReport) -> DeletionReport {
    DeletionReport { trashed: None, ..report.clone() }
}

fn trashed(cache: &Cache) -> Vec<PathBuf> {
    let entries = fs::read_dir(cache.root().join(".locks/.hfdesk-trash")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// Begins a deletion, makes some of its moves and stops, as a process does that is killed.
fn killed(cache: &Cache, planned: &DeletionPlan, disposal: Disposal, moves: usize) -> usize {
    let now = cache.plan_now(&planned.targets).unwrap();
    let record = Record::new(&now, disposal, super::trash::KEPT);
    let trash = cache.open_trash().unwrap();
    let entry = trash.begin(record).unwrap();
    cache.make_moves(&entry.record, way(&entry), moves);
    entry.record.moves.len()
}

#[test]
fn every_level_frees_to_the_byte_what_was_planned() {
    for (targets, frees, keeps) in cases() {
        let (_dir, cache) = sample();
        let before = cache.scan().unwrap().size;
        let planned = cache.plan_deletion(&targets).unwrap();
        assert_eq!((planned.frees - planned.unused, planned.keeps), (frees, keeps), "{targets:?}");
        let report = cache.delete(&planned, Disposal::Forever).unwrap();
        let removed = planned.repos.clone();
        assert_eq!(report, DeletionReport { removed, freed: planned.frees, trashed: None, failures: vec![] }, "{targets:?}");
        let after = cache.scan().unwrap();
        assert_eq!((before - after.size, after.warnings), (frees, vec![]), "{targets:?}");
        assert!(planned.paths.iter().chain(&planned.payloads).all(|path| fs::symlink_metadata(path).is_err()), "{targets:?}");
        assert_eq!(trashed(&cache), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_plan_names_what_goes_in_the_order_in_which_it_goes() {
    let (_dir, cache) = sample();
    let targets = [revision("org/m", NEXT), files("org/m", Some(COMMIT), &["README.md"]), leftover("ab.hfdesk.part")];
    let planned = cache.plan_deletion(&targets).unwrap();
    let repo = cache.root().join("models--org--m");
    let mut blobs = vec![repo.join("blobs").join(etag(B)), repo.join("blobs/ab.hfdesk.json"), repo.join("blobs/ab.hfdesk.part")];
    blobs.push(repo.join("blobs").join(plan("org/m", &[("README.md", CARD)]).files[0].digest.hex()));
    blobs.sort();
    let entry = repo.join("snapshots").join(COMMIT).join("README.md");
    let order = [vec![repo.join("refs/v2"), repo.join("snapshots").join(NEXT), entry], blobs].concat();
    assert_eq!(planned.paths, order);
    assert_eq!((planned.revisions, planned.repos), (vec![(key("org/m"), NEXT.to_owned())], vec![]));
    let both = cache.plan_deletion(&[revision("org/m", NEXT), revision("org/m", COMMIT)]).unwrap();
    assert_eq!((both.repos, both.paths), (vec![key("org/m")], vec![repo]));
    assert_eq!(both.unused, cache.scan().unwrap().find(&key("org/m")).unwrap().unused());
}

#[test]
fn what_is_not_there_is_named() {
    let (_dir, cache) = sample();
    let used = DeletionTarget::Leftover { repo: key("org/m"), name: etag(A) };
    let cases = [
        (revision("org/m", &"f".repeat(40)), FaultKind::RevisionNotFound, "ffff"),
        (revision("org/m", "../../datasets--org--set"), FaultKind::RevisionNotFound, ".."),
        (files("org/m", None, &["a.bin", "gone.bin"]), FaultKind::EntryNotFound, "gone.bin"),
        (files("org/m", Some(NEXT), &["README.md"]), FaultKind::EntryNotFound, "README.md"),
        (files("org/m", Some("main"), &["a.bin"]), FaultKind::RevisionNotFound, "main"),
        (files("org/m", None, &["../../refs/main"]), FaultKind::EntryNotFound, "refs/main"),
        (leftover("ff.hfdesk.part"), FaultKind::NotFound, "ff.hfdesk.part"),
        (leftover("../refs/main"), FaultKind::NotFound, "refs/main"),
        (used, FaultKind::Conflict, "blobs/"),
        (DeletionTarget::Payload("f".repeat(64)), FaultKind::NotFound, "ffff"),
        (DeletionTarget::Payload("../x".into()), FaultKind::NotFound, "../x"),
        (DeletionTarget::Payload(HASH.into()), FaultKind::Conflict, "is used by"),
        (DeletionTarget::Locks(key("org/m")), FaultKind::Conflict, "is in the cache"),
        (DeletionTarget::Locks(key("org/never")), FaultKind::NotFound, "org/never"),
    ];
    let before = tree(cache.root());
    for (target, kind, part) in cases {
        let fault = cache.plan_deletion(&[whole("org/b"), target.clone()]).unwrap_err();
        assert_eq!(fault.kind, kind, "{target:?}: {fault}");
        assert!(fault.message.contains(part), "{fault}");
    }
    assert_eq!(tree(cache.root()), before);
}

#[test]
fn what_was_deleted_can_be_taken_back() {
    for (targets, ..) in cases() {
        let (_dir, cache) = sample();
        let before = tree(cache.root());
        let planned = cache.plan_deletion(&targets).unwrap();
        let report = cache.delete(&planned, Disposal::Trash).unwrap();
        assert_eq!((report.freed, report.failures.len()), (0, 0), "{targets:?}");
        let kept = report.trashed.unwrap();
        assert_same(&tree(cache.root()), &straight(&targets, Disposal::Forever).1, &format!("{targets:?}"));
        assert_eq!((cache.scan().unwrap().warnings, cache.trash()), (vec![], vec![kept.clone()]));
        assert_eq!(kept.frees, planned.frees, "{targets:?}");
        let report = cache.restore(&kept.id).unwrap();
        assert_eq!(report, RestoreReport { restored: kept, moved_on: vec![], failures: vec![], kept: None });
        assert_same(&sorted_manifests(tree(cache.root())), &sorted_manifests(before), &format!("{targets:?}"));
        assert_eq!((cache.trash(), trashed(&cache)), (vec![], vec![]));
        assert_eq!(cache.plan_deletion(&targets).unwrap().frees, planned.frees);
    }
}

/// The same tree with the lines of manifests in order, and no line of blobs that are gone; their order means nothing.
fn sorted_manifests(mut tree: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let paths: Vec<String> = tree.keys().cloned().collect();
    for (_, text) in tree.iter_mut().filter(|(path, _)| Path::new(path).extension().is_some_and(|end| end == "refs")) {
        let mut lines: Vec<&str> = text.lines().filter(|line| paths.iter().any(|path| path == line)).collect();
        lines.sort_unstable();
        lines.dedup();
        *text = lines.join("\n");
    }
    tree.retain(|path, _| Path::new(path).extension().is_none_or(|end| end != "lock"));
    tree
}

#[test]
fn the_trash_takes_the_bytes_until_it_is_emptied() {
    let (_dir, cache) = sample();
    let first = cache.delete(&cache.plan_deletion(&[revision("org/m", NEXT)]).unwrap(), Disposal::Trash).unwrap().trashed.unwrap();
    let second = cache.delete(&cache.plan_deletion(&[whole("org/m")]).unwrap(), Disposal::Trash).unwrap().trashed.unwrap();
    assert!(first.size >= 500 && second.size >= 3007 + 9000, "{first:?} {second:?}");
    assert!(first.frees == 500 && first.size > first.frees, "what was planned, and whole blocks: {first:?}");
    assert_eq!(first.kept_until, first.deleted_at + Duration::from_secs(7 * 86_400));
    assert_eq!(cache.trash(), [second.clone(), first.clone()]);
    let fault = cache.empty_trash(&[first.id.clone(), TrashId("../..".into())]).unwrap_err();
    assert_eq!((fault.kind, cache.trash().len()), (FaultKind::NotFound, 2));
    assert_eq!(cache.empty_trash(&[first.id]).unwrap(), first.frees);
    assert_eq!(cache.empty_expired().unwrap(), 0);
    let impatient = cache.clone().with_trash_kept(Duration::from_secs(1));
    let before = second.kept_until - Duration::from_secs(1);
    assert_eq!(impatient.empty_until(before).unwrap(), 0, "it is kept as long as was promised when it was deleted");
    assert_eq!(impatient.empty_until(second.kept_until).unwrap(), second.frees);
    assert_eq!((cache.trash(), cache.empty_trash(&[]).unwrap(), trashed(&cache)), (vec![], 0, vec![]));
}

#[test]
fn a_deletion_that_is_killed_after_any_move_is_finished_by_asking_again() {
    for disposal in [Disposal::Forever, Disposal::Trash] {
        for (targets, ..) in cases() {
            let (report, left) = straight(&targets, disposal);
            let mut moves = 0;
            loop {
                let (_dir, cache) = sample();
                let planned = cache.plan_deletion(&targets).unwrap();
                let all = killed(&cache, &planned, disposal, moves);
                assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new(), "{targets:?} after {moves}");
                let again = cache.delete(&planned, disposal).unwrap();
                assert_eq!(without_trash(&again), without_trash(&report), "{targets:?} after {moves}");
                assert_eq!(again.trashed.is_some(), disposal == Disposal::Trash);
                assert_same(&tree(cache.root()), &left, &format!("{targets:?} after {moves}"));
                assert_eq!(trashed(&cache).len(), usize::from(disposal == Disposal::Trash));
                if moves >= all {
                    break;
                }
                moves += 1;
            }
        }
    }
}

#[test]
fn a_restore_that_is_killed_after_any_move_is_finished() {
    for (targets, ..) in cases() {
        let (_dir, cache) = sample();
        let before = sorted_manifests(tree(cache.root()));
        for moves in 0..8 {
            cache.delete(&cache.plan_deletion(&targets).unwrap(), Disposal::Trash).unwrap();
            let mut entry = Entry::read(&trashed(&cache)[0]).unwrap();
            entry.turn(State::Restoring).unwrap();
            let (parts, mut left) = (cache.way_back(&entry).0, moves);
            for part in &parts {
                cache.move_some_back(&entry, part, left).unwrap();
                left = left.saturating_sub(part.moves.len());
            }
            assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new(), "{targets:?} after {moves}");
            cache.finish_interrupted().unwrap();
            assert_same(&sorted_manifests(tree(cache.root())), &before, &format!("{targets:?} after {moves}"));
            assert_eq!(trashed(&cache), Vec::<PathBuf>::new());
        }
    }
}

#[test]
fn what_a_new_download_needs_is_not_taken_by_finishing_an_old_deletion() {
    let (_dir, cache) = sample();
    let planned = cache.plan_deletion(&[revision("org/m", NEXT)]).unwrap();
    killed(&cache, &planned, Disposal::Forever, 2); // the ref and the snapshot
    add_revision(&cache, "org/m", &"c".repeat(40), "v3", &[("b.bin", B)]);
    let report = cache.delete(&planned, Disposal::Forever).unwrap();
    assert!(report.failures[0].contains("a snapshot uses it now"), "{report:?}");
    assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
    assert_eq!(cache.scan().unwrap().find(&key("org/m")).unwrap().revisions.len(), 2);

    let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
    killed(&cache, &planned, Disposal::Forever, 0);
    add_revision(&cache, "org/m", NEXT, "v2", &[("b.bin", B)]);
    cache.finish_interrupted().unwrap();
    assert_eq!(cache.scan().unwrap().find(&key("org/m")).unwrap().revisions.len(), 3);
}

#[test]
fn what_was_not_begun_is_not_deleted_later() {
    for disposal in [Disposal::Forever, Disposal::Trash] {
        let (_dir, cache) = sample();
        let planned = cache.plan_deletion(&[whole("org/m"), whole("org/b")]).unwrap();
        killed(&cache, &planned, disposal, 1); // org/b is the first
        let after = sorted_manifests(tree(cache.root()));
        assert!(!cache.root().join("models--org--b").exists() && cache.root().join("models--org--m").exists());
        cache.finish_interrupted().unwrap();
        let unused = format!("blobs/dd/{}", "d".repeat(64));
        let rest: Vec<String> = differences(&after, &sorted_manifests(tree(cache.root())));
        assert!(rest.iter().all(|path| path.starts_with(&unused)), "{rest:?}");
        assert_eq!(cache.trash().len(), usize::from(disposal == Disposal::Trash));
        assert!(cache.trash().iter().all(|entry| entry.targets == [whole("org/b")]));
        assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
    }
}

#[test]
fn what_had_gone_of_a_repository_is_put_back() {
    for disposal in [Disposal::Forever, Disposal::Trash] {
        for targets in [vec![revision("org/m", NEXT)], vec![files("org/b", None, &["a.bin", "b.bin"])], cases()[4].0.clone()] {
            for moves in 0.. {
                let (_dir, cache) = sample();
                let before = sorted_manifests(tree(cache.root()));
                let planned = cache.plan_deletion(&targets).unwrap();
                killed(&cache, &planned, disposal, moves);
                if moves >= planned.paths.len() {
                    break;
                }
                cache.finish_interrupted().unwrap();
                assert_same(&sorted_manifests(tree(cache.root())), &before, &format!("{targets:?} after {moves}"));
                assert_eq!((cache.trash(), trashed(&cache)), (vec![], vec![]));
            }
        }
    }
}

#[test]
fn what_came_since_stays_and_the_cache_can_be_read() {
    for disposal in [Disposal::Forever, Disposal::Trash] {
        let (_dir, cache) = sample();
        let planned = cache.plan_deletion(&[revision("org/m", NEXT)]).unwrap();
        for moves in 1..=planned.paths.len() {
            let (_dir, cache) = sample();
            killed(&cache, &planned_in(&cache, &planned), disposal, moves);
            let place = add_revision(&cache, "org/m", NEXT, "v2", &[("new.bin", b"new")]);
            cache.finish_interrupted().unwrap();
            assert_eq!(fs::read(place.dir().join("new.bin")).unwrap(), b"new");
            assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new(), "{disposal:?} after {moves}");
        }
    }
}

/// The same plan for another copy of the sample.
fn planned_in(cache: &Cache, planned: &DeletionPlan) -> DeletionPlan {
    cache.plan_deletion(&planned.targets).unwrap()
}

#[test]
fn what_has_come_into_a_repository_since_its_plan_keeps_it() {
    for (target, commit) in [(whole("org/m"), NEXT), (revision("org/m", NEXT), NEXT)] {
        let (_dir, cache) = sample();
        let planned = cache.plan_deletion(&[target]).unwrap();
        killed(&cache, &planned, Disposal::Forever, 0);
        let place = add_revision(&cache, "org/m", commit, "v2", &[("new.bin", b"new")]);
        let report = cache.delete(&planned, Disposal::Forever).unwrap();
        assert!(report.failures.iter().any(|failure| failure.contains("has come into it")), "{report:?}");
        assert_eq!(fs::read(place.dir().join("new.bin")).unwrap(), b"new");
    }
}

#[test]
fn a_trash_that_is_switched_off_takes_nothing() {
    let (_dir, cache) = sample();
    let cache = cache.with_trash_kept(Duration::ZERO);
    let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
    let fault = cache.delete(&planned, Disposal::Trash).unwrap_err();
    assert!(fault.kind == FaultKind::Conflict && fault.message.contains("switched off"), "{fault}");
    assert!(cache.root().join("models--org--m").exists());
    cache.delete(&planned, Disposal::Forever).unwrap();
}

#[test]
fn whoever_shares_a_cache_shares_its_trash() {
    let (_dir, cache) = sample();
    fs::set_permissions(cache.root(), Permissions::from_mode(0o2775)).unwrap();
    cache.delete(&cache.plan_deletion(&[whole("org/m")]).unwrap(), Disposal::Trash).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&cache.root().join(".locks/.hfdesk-trash")), mode(cache.root()));
}

#[test]
fn nothing_is_overwritten_by_what_comes_back() {
    let (_dir, cache) = sample();
    let delete =
        |targets: &[DeletionTarget]| cache.delete(&cache.plan_deletion(targets).unwrap(), Disposal::Trash).unwrap().trashed.unwrap().id;
    let refused = |id: &TrashId, part: &str| {
        let (before, kept) = (tree(cache.root()), cache.trash());
        let fault = cache.restore(id).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert!(fault.message.contains(part), "{fault}");
        assert_eq!((tree(cache.root()), cache.trash()), (before, kept));
    };
    let repo = delete(&[whole("datasets/org/set")]);
    add(&cache, "datasets/org/set", &[("new", b"new")]);
    refused(&repo, "datasets--org--set is in the way");
    fs::remove_dir_all(cache.root().join("datasets--org--set")).unwrap();
    cache.restore(&repo).unwrap();

    let old = delete(&[revision("org/m", NEXT)]);
    let fresh = cache.root().join("models--org--m/snapshots").join(NEXT);
    fs::create_dir(&fresh).unwrap();
    fs::write(fresh.join("a.bin"), "another").unwrap();
    refused(&old, &format!("snapshots/{NEXT} is in the way"));
    fs::remove_dir_all(fresh).unwrap();
    cache.restore(&old).unwrap();

    let file = delete(&[files("org/m", Some(NEXT), &["q/b.bin"])]);
    delete(&[revision("org/m", NEXT)]);
    refused(&file, "the folder it was in is not there any more");
    assert_eq!(cache.restore(&TrashId("../../x".into())).unwrap_err().kind, FaultKind::NotFound);
}

#[test]
fn a_branch_that_has_moved_on_stays_and_the_rest_comes_back() {
    let (_dir, cache) = sample();
    let planned = cache.plan_deletion(&[revision("org/m", NEXT)]).unwrap();
    let id = cache.delete(&planned, Disposal::Trash).unwrap().trashed.unwrap().id;
    let newer = "c".repeat(40);
    add_revision(&cache, "org/m", &newer, "v2", &[("b.bin", B)]); // with a blob that is in the trash
    let report = cache.restore(&id).unwrap();
    let told = format!("models--org--m/refs/v2 points at {newer} now and stays so");
    assert_eq!((report.moved_on, report.failures, report.kept), (vec![told], vec![], None));
    let listing = cache.scan().unwrap();
    assert_eq!((listing.warnings, cache.trash(), trashed(&cache)), (vec![], vec![], vec![]));
    let back = |commit: &str| listing.repos[0].revisions.iter().find(|revision| revision.commit == commit).unwrap().refs.clone();
    assert_eq!((back(NEXT), back(&newer)), (vec![], vec!["v2".to_owned()]));
}

#[test]
fn what_was_downloaded_again_is_not_in_the_way() {
    let (_dir, cache) = sample();
    let before = sorted_manifests(tree(cache.root()));
    let planned = cache.plan_deletion(&[revision("org/m", NEXT)]).unwrap();
    let id = cache.delete(&planned, Disposal::Trash).unwrap().trashed.unwrap().id;
    add_revision(&cache, "org/m", NEXT, "v2", &[("a.bin", A), ("q/b.bin", B)]);
    let report = cache.restore(&id).unwrap();
    assert_eq!((report.moved_on, report.failures, report.kept, trashed(&cache)), (vec![], vec![], None, vec![]));
    assert_same(&sorted_manifests(tree(cache.root())), &before, "the same again");
}

/// Three repositories deleted together, two of which share a payload; the first of them has been downloaded again.
fn blocked() -> (TempDir, Cache, TrashId) {
    let (dir, cache) = sample();
    let targets = [whole("org/b"), whole("datasets/org/set"), revision("org/m", NEXT)];
    let planned = cache.plan_deletion(&targets).unwrap();
    assert_eq!(planned.payloads.len(), 2);
    let id = cache.delete(&planned, Disposal::Trash).unwrap().trashed.unwrap().id;
    add(&cache, "org/b", &[("new.bin", b"new")]);
    (dir, cache, id)
}

#[test]
fn what_is_blocked_stays_in_the_trash_and_the_rest_comes_back() {
    let (_first_dir, first) = sample();
    let (_dir, cache, id) = blocked();
    let whole_entry = cache.trash()[0].clone();
    let report = cache.restore(&id).unwrap();
    let rest = report.kept.unwrap();
    assert_eq!((&report.restored.id, &rest.id, &rest.targets), (&id, &id, &vec![whole("org/b")]));
    assert_eq!(report.restored.targets, [whole("datasets/org/set"), revision("org/m", NEXT)]);
    assert!(report.failures.len() == 1 && report.failures[0].contains("models--org--b is in the way"), "{:?}", report.failures);
    // The payload that only org/b has stays with it; the shared one has come back.
    assert_eq!((report.restored.frees, rest.frees), (3000 + 500 + 500, 500));
    assert_eq!(report.restored.frees + rest.frees, whole_entry.frees);
    assert_eq!(cache.trash(), [rest]);
    let missing = differences(&sorted_manifests(tree(first.root())), &sorted_manifests(tree(cache.root())));
    let is_of_rest = |path: &String| path.starts_with("models--org--b") || path.starts_with("blobs/dd") || path.contains(HASH);
    assert!(missing.iter().all(is_of_rest), "{missing:?}");
    assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
    assert!(cache.orphans().iter().all(|orphan| orphan.hash == "e".repeat(64)));

    assert_eq!(cache.restore(&id).unwrap_err().kind, FaultKind::Conflict);
    fs::remove_dir_all(cache.root().join("models--org--b")).unwrap();
    cache.restore(&id).unwrap();
    assert_same(&sorted_manifests(tree(cache.root())), &sorted_manifests(tree(first.root())), "in two parts");
    assert_eq!((cache.trash(), trashed(&cache)), (vec![], vec![]));
}

#[test]
fn a_restore_in_parts_that_is_killed_after_any_move_is_finished() {
    let (_undisturbed_dir, undisturbed, id) = blocked();
    cache_restored(&undisturbed, &id);
    let last = sorted_manifests(tree(undisturbed.root()));
    for moves in 0..12 {
        let (_dir, cache, _) = blocked();
        let mut entry = Entry::read(&trashed(&cache)[0]).unwrap();
        entry.turn(State::Restoring).unwrap();
        let (parts, mut left) = (cache.way_back(&entry).0, moves);
        for part in &parts {
            cache.move_some_back(&entry, part, left).unwrap();
            left = left.saturating_sub(part.moves.len());
        }
        assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new(), "after {moves}");
        cache.finish_interrupted().unwrap();
        assert_same(&sorted_manifests(tree(cache.root())), &last, &format!("after {moves}"));
        assert_eq!(cache.trash()[0].targets, [whole("org/b")]);
    }
}

fn cache_restored(cache: &Cache, id: &TrashId) {
    assert!(cache.restore(id).unwrap().kept.is_some());
}

#[test]
fn what_would_lead_nowhere_does_not_come_back() {
    let (_dir, cache) = sample();
    let trash =
        |targets: &[DeletionTarget]| cache.delete(&cache.plan_deletion(targets).unwrap(), Disposal::Trash).unwrap().trashed.unwrap().id;
    let old = trash(&[revision("org/m", NEXT)]);
    let kept = trash(&[files("org/m", None, &["a.bin", "copy/a.bin"])]);
    let fault = cache.restore(&old).unwrap_err();
    assert!(fault.message.contains("cannot come back") && fault.message.contains(&etag(A)), "{fault}");
    cache.restore(&kept).unwrap();
    cache.restore(&old).unwrap();

    let user = trash(&[whole("org/b")]);
    cache.delete(&cache.plan_deletion(&[whole("datasets/org/set")]).unwrap(), Disposal::Forever).unwrap();
    fs::remove_file(cache.root().join("blobs/c6").join(HASH)).unwrap(); // by a program that knows of no trash
    let fault = cache.restore(&user).unwrap_err();
    assert!(fault.message.contains("the shared payload"), "{fault}");
    assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
}

#[test]
fn a_hard_link_kept_elsewhere_frees_nothing() {
    let (dir, cache) = sample();
    let blob = cache.root().join("models--org--m/blobs").join(etag(A));
    let elsewhere = dir.path().join("kept-by-another-program.gguf");
    fs::hard_link(&blob, &elsewhere).unwrap();
    let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
    assert_eq!((planned.frees - planned.unused, planned.keeps), (507, 3000));
    let size_in_trash = |cache: &Cache| {
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        cache.delete(&planned, Disposal::Trash).unwrap().trashed.unwrap().size
    };
    let on_disk = Seen::at(&elsewhere).unwrap().on_disk;
    let (_other_dir, other) = sample();
    assert_eq!(size_in_trash(&cache) + on_disk, size_in_trash(&other));
    cache.empty_trash(&[]).unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), A);

    let (_dir, cache) = sample();
    let inside = cache.root().join("models--org--m/snapshots").join(NEXT).join("linked.bin");
    fs::hard_link(cache.root().join("models--org--m/blobs").join(etag(A)), inside).unwrap();
    assert_eq!(cache.plan_deletion(&[revision("org/m", NEXT)]).unwrap().keeps, 3000);
    let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
    assert_eq!((planned.frees - planned.unused, planned.keeps), (3507, 0));
}

#[test]
fn a_cache_without_links_is_deleted_from_at_every_level() {
    let (_dir, cache) = testkit::cache();
    let cache = cache.without_symlinks();
    add(&cache, "org/m", &[("a.bin", A), ("deep/b.bin", B)]);
    add_revision(&cache, "org/m", NEXT, "v2", &[("a.bin", A)]);
    fs::create_dir(cache.root().join(".locks")).unwrap();
    let before = tree(cache.root());
    for (target, frees) in [(revision("org/m", NEXT), 3000), (files("org/m", None, &["a.bin"]), 6000), (whole("org/m"), 6500)] {
        let planned = cache.plan_deletion(std::slice::from_ref(&target)).unwrap();
        assert_eq!((planned.frees, planned.keeps), (frees, 0), "{target:?}");
        let id = cache.delete(&planned, Disposal::Trash).unwrap().trashed.unwrap().id;
        assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
        cache.restore(&id).unwrap();
        assert_eq!(tree(cache.root()), before);
    }
}

#[test]
fn a_plan_that_does_not_hold_any_more_says_what_differs() {
    let (_dir, cache) = sample();
    let planned = cache.plan_deletion(&[revision("org/m", NEXT)]).unwrap();
    let refused = |parts: &[&str]| {
        let before = tree(cache.root());
        let fault = cache.delete(&planned, Disposal::Forever).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert!(parts.iter().all(|part| fault.message.contains(part)), "{fault}");
        assert_eq!(tree(cache.root()), before);
    };
    fs::write(cache.root().join("models--org--m/refs/tag"), NEXT).unwrap();
    refused(&["refs/tag would be removed too"]);
    fs::remove_file(cache.root().join("models--org--m/refs/tag")).unwrap();
    let place = add_revision(&cache, "org/m", &"c".repeat(40), "v3", &[("b.bin", B)]);
    refused(&["would not be removed now", &etag(B), "500 bytes", "(0 bytes)"]);
    fs::remove_dir_all(place.dir()).unwrap();
    fs::remove_file(cache.root().join("models--org--m/refs/v3")).unwrap();
    fs::remove_dir_all(cache.root().join("models--org--m/snapshots").join(COMMIT)).unwrap();
    fs::remove_file(cache.root().join("models--org--m/refs/main")).unwrap();
    refused(&["models--org--m would be removed too"]);
    fs::remove_dir_all(cache.root().join("models--org--m")).unwrap();
    refused(&["is not in the cache"]);
}

#[test]
fn locks_of_what_goes_stop_a_deletion_and_others_do_not() {
    let (_dir, cache) = sample();
    let lock = |etag: &str| {
        let path = cache.root().join(format!(".locks/models--org--m/{etag}.lock"));
        super::lock::try_lock(&path, 0o664).unwrap().unwrap()
    };
    let other = lock("ff");
    let planned = cache.plan_deletion(&[revision("org/m", NEXT), leftover("ab.hfdesk.part")]).unwrap();
    for etag in [&etag(B), "ab"] {
        let _held = lock(etag);
        let fault = cache.delete(&planned, Disposal::Trash).unwrap_err();
        assert!(fault.kind == FaultKind::Busy && fault.message.contains(etag), "{fault}");
    }
    let all = cache.plan_deletion(&[whole("org/m")]).unwrap();
    assert_eq!(cache.delete(&all, Disposal::Trash).unwrap_err().kind, FaultKind::Busy);
    cache.delete(&planned, Disposal::Trash).unwrap();
    drop(other);
}

#[test]
fn links_on_the_way_are_not_followed() {
    let (dir, cache) = sample();
    let outside = dir.path().join("outside");
    fs::create_dir_all(outside.join("blobs")).unwrap();
    fs::write(outside.join("blobs").join(etag(B)), B).unwrap();
    fs::write(outside.join("v2"), NEXT).unwrap();
    let before = tree(&outside);
    let planned = cache.plan_deletion(&[revision("org/m", NEXT)]).unwrap();
    // Between the plan's moves, somebody puts a link in the way.
    let now = cache.plan_now(&planned.targets).unwrap();
    let record = Record::new(&now, Disposal::Forever, super::trash::KEPT);
    let trash = cache.open_trash().unwrap();
    let entry = trash.begin(record).unwrap();
    let refs = cache.root().join("models--org--m/refs");
    fs::rename(&refs, dir.path().join("refs")).unwrap();
    symlink(&outside, &refs).unwrap();
    let outcome = cache.make_moves(&entry.record, way(&entry), usize::MAX);
    assert!(outcome.failures[0].contains("is a link"), "{outcome:?}");
    assert!(outcome.gone.is_empty() && tree(&outside) == before);
    drop(trash);

    fs::remove_file(&refs).unwrap();
    fs::rename(dir.path().join("refs"), &refs).unwrap();
    symlink(outside.join("v2"), refs.join("linked")).unwrap();
    cache.finish_interrupted().unwrap();
    cache.delete(&cache.plan_deletion(&[whole("org/m")]).unwrap(), Disposal::Forever).unwrap();
    assert_eq!(tree(&outside), before);
}

#[test]
fn a_forged_record_reaches_nothing_outside() {
    let (dir, cache) = sample();
    fs::write(dir.path().join("mine"), "mine").unwrap();
    let trash = cache.root().join(".locks/.hfdesk-trash");
    for (from, to) in [("../mine", "0"), ("/etc/hostname", "0"), ("models--org--m/refs/main", "../../../../mine"), ("", "0")] {
        let planned = cache.plan_now(&[revision("org/m", NEXT)]).unwrap();
        let mut record = Record::new(&planned, Disposal::Forever, super::trash::KEPT);
        record.moves[0].from = from.into();
        record.moves[0].to = to.into();
        let folder = trash.join("forged");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("moving.json"), serde_json::to_vec(&record).unwrap()).unwrap();
        let before = tree(cache.root());
        cache.finish_interrupted().unwrap();
        assert_eq!(tree(cache.root()), before);
        assert_eq!(fs::read(dir.path().join("mine")).unwrap(), b"mine");
    }
    let forge: [fn(&mut Record); 3] = [
        |record| record.format += 1,
        |record| record.moves[0].from = "models--org--m/snapshots".into(),
        |record| record.moves[0].from = ".locks/.hfdesk-trash".into(),
    ];
    for forge in forge {
        let planned = cache.plan_now(&[revision("org/m", NEXT)]).unwrap();
        let mut record = Record::new(&planned, Disposal::Forever, super::trash::KEPT);
        forge(&mut record);
        let folder = trash.join("forged");
        fs::write(folder.join("moving.json"), serde_json::to_vec(&record).unwrap()).unwrap();
        assert!(Entry::read(&folder).is_none(), "{record:?}");
    }
    fs::remove_dir_all(&trash).unwrap();
    symlink(dir.path(), &trash).unwrap();
    let planned = cache.plan_deletion(&[whole("org/b")]).unwrap();
    assert!(cache.trash().is_empty());
    let fault = cache.delete(&planned, Disposal::Trash).unwrap_err();
    assert!(fault.message.contains("cannot be kept in the trash"), "{fault}");
    assert_eq!(cache.delete(&planned, Disposal::Forever).unwrap().freed, planned.frees);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn without_a_trash_things_go_at_once_and_in_the_same_order() {
    for (targets, ..) in cases() {
        let (report, left) = straight(&targets, Disposal::Forever);
        let (_dir, cache) = sample();
        fs::write(cache.root().join(".locks/.hfdesk-trash"), "in the way").unwrap();
        let planned = cache.plan_deletion(&targets).unwrap();
        assert!(cache.delete(&planned, Disposal::Trash).unwrap_err().hint.unwrap().contains("for good"));
        assert_eq!(cache.delete(&planned, Disposal::Forever).unwrap(), report, "{targets:?}");
        assert_eq!(tree(cache.root()), left, "{targets:?}");
    }
}

#[test]
fn several_threads_delete_at_once() {
    let (_dir, cache) = sample();
    let targets = [whole("org/m"), whole("org/b"), whole("datasets/org/set"), DeletionTarget::Payload("e".repeat(64))];
    let delete = |target: &DeletionTarget| loop {
        let planned = cache.plan_deletion(std::slice::from_ref(target)).unwrap();
        match cache.delete(&planned, Disposal::Forever) {
            Err(fault) if fault.kind == FaultKind::Conflict => {} // another freed the payload's other user: look again
            report => return report.unwrap(),
        }
    };
    let reports: Vec<DeletionReport> = std::thread::scope(|scope| {
        let threads: Vec<_> = targets.iter().map(|target| scope.spawn(move || delete(target))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(reports.iter().all(|report| report.failures.is_empty()), "{reports:?}");
    let listing = cache.scan().unwrap();
    assert_eq!((listing.repos.len(), listing.size, listing.warnings), (0, 0, vec![]));
}

#[test]
fn what_may_not_be_moved_is_told_and_the_rest_of_its_repository_stays() {
    testkit::as_nobody(told_what_may_not_be_moved);
}

fn told_what_may_not_be_moved() {
    let (_dir, cache) = make_sample();
    let refs = cache.root().join("models--org--m/refs");
    fs::set_permissions(&refs, Permissions::from_mode(0o555)).unwrap();
    let planned = cache.plan_deletion(&[revision("org/m", NEXT), whole("org/b")]).unwrap();
    let report = cache.delete(&planned, Disposal::Forever).unwrap();
    assert_eq!((report.removed, report.failures.len()), (vec![key("org/b")], 1));
    assert!(report.freed < planned.frees && report.failures[0].contains("refs/v2"));
    assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
    fs::set_permissions(&refs, Permissions::from_mode(0o755)).unwrap();
    cache.delete(&cache.plan_deletion(&[revision("org/m", NEXT)]).unwrap(), Disposal::Forever).unwrap();
    assert!(!Path::new(&refs.join("v2")).exists());
}

#[test]
fn an_open_file_is_told() {
    let (_dir, cache) = sample();
    let blob = cache.root().join("models--org--b/blobs").join(etag(A));
    let file = fs::File::open(&blob).unwrap(); // of a shared payload
    let mut holder = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(file).spawn().unwrap();
    let both = cache.plan_deletion(&[whole("org/b"), whole("datasets/org/set")]).unwrap();
    let one = cache.plan_deletion(&[whole("org/b")]).unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    let payload = cache.root().join("blobs/c6").join(HASH);
    assert_eq!(both.open_files.iter().map(|open| (&open.path, open.pid)).collect::<Vec<_>>(), [(&payload, holder.id())]);
    assert_eq!(one.open_files, []); // the payload stays
}
