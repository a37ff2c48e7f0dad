use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::super::testkit::{self, COMMIT, HASH, add, add_revision, key, plan, share, tree, write_partial};
use super::*;
use crate::desk::Trouble;

const FILES: &[(&str, &[u8])] = &[("config.json", b"{}"), ("deep/er/w.bin", b"weights"), ("twin.bin", b"weights")];
const NEXT: &str = "ffffffffffffffffffffffffffffffffffffffff";

/// A cache with a repository of two revisions and another one, and a folder on another disk.
fn there_is() -> (TempDir, Cache, PathBuf) {
    let (dir, cache) = testkit::cache();
    add(&cache, "org/m", FILES);
    add_revision(&cache, "org/m", NEXT, "refs/pr/1", &[("config.json", b"{}"), ("new.bin", b"new")]);
    add(&cache, "org/other", FILES);
    let far = dir.path().join("far");
    (dir, cache, far)
}

fn place(cache: &Cache) -> PathBuf {
    cache.root().join("models--org--m")
}

fn out(cache: &Cache, far: &Path) -> Result<RelocationReport, Fault> {
    cache.relocate(&cache.plan_relocation(&key("org/m"), Some(far))?, &Gauge::default())
}

fn back(cache: &Cache) -> Result<RelocationReport, Fault> {
    cache.relocate(&cache.plan_relocation(&key("org/m"), None)?, &Gauge::default())
}

/// What the cache's user sees, wherever it lies: the repository's files as they are read through the cache.
fn seen(cache: &Cache) -> BTreeMap<String, String> {
    tree(&place(cache).canonicalize().unwrap())
}

/// Whether nothing of a move is left over.
fn tidy(cache: &Cache) -> bool {
    fs::read_dir(super::swap::folder_of_moves(cache)).map_or(true, |entries| entries.flatten().all(|entry| entry.file_name() == "lock"))
}

#[test]
fn a_repository_moves_to_another_disk_and_back() {
    let (_dir, cache, far) = there_is();
    let before = (tree(&place(&cache)), cache.scan().unwrap().size);
    let planned = cache.plan_relocation(&key("org/m"), Some(&far)).unwrap();
    assert_eq!((planned.to.clone(), planned.frees), (far.join("models--org--m"), 0), "it is the same disk here");
    assert!(planned.files >= 3 && planned.bytes > 12 && planned.disk_free.is_some() && !far.exists());
    let gauge = Gauge::default();
    assert_eq!(cache.relocate(&planned, &gauge).unwrap(), RelocationReport { plan: planned.clone(), left: vec![] });
    assert_eq!((gauge.now().bytes_done, gauge.now().files_done), (planned.bytes, planned.files));
    assert_eq!(fs::read_link(place(&cache)).unwrap(), planned.to);
    assert_eq!((seen(&cache), cache.scan().unwrap().size), before);
    assert_eq!((cache.scan().unwrap().warnings, tidy(&cache)), (vec![], true));
    assert_eq!(cache.scan().unwrap().find(&key("org/m")).unwrap().lies_in.as_ref(), Some(&planned.to));
    back(&cache).unwrap();
    assert!(fs::symlink_metadata(place(&cache)).unwrap().is_dir() && !planned.to.exists() && tidy(&cache));
    assert_eq!((seen(&cache), cache.scan().unwrap().size), before);
}

#[test]
fn what_people_have_set_stays_as_it_is() {
    let (_dir, cache, far) = there_is();
    let blob = place(&cache).join("blobs").join(plan("org/m", FILES).files[1].digest.hex());
    let used = SystemTime::UNIX_EPOCH + Duration::new(1_600_000_000, 7_000_000);
    File::open(&blob).unwrap().set_times(fs::FileTimes::new().set_accessed(used).set_modified(used + Duration::from_secs(1))).unwrap();
    fs::set_permissions(&blob, fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(place(&cache).join("snapshots"), fs::Permissions::from_mode(0o2770)).unwrap();
    out(&cache, &far).unwrap();
    let found = fs::metadata(&blob).unwrap();
    assert_eq!((found.modified().unwrap(), found.mode() & 0o7777), (used + Duration::from_secs(1), 0o640));
    assert_eq!(found.accessed().unwrap(), used);
    assert_eq!(fs::metadata(place(&cache).join("snapshots")).unwrap().mode() & 0o7777, 0o2770);
}

#[test]
fn an_unfinished_download_goes_along_without_taking_more_room() {
    let (_dir, cache, far) = there_is();
    let coming = plan("org/m", &[("big.bin", b"big")]);
    let partial = cache.place(&coming).unwrap().partial(&coming.files[0]);
    write_partial(&*cache.place(&coming).unwrap(), &coming.files[0], b"begin");
    File::options().write(true).open(&partial.data).unwrap().set_len(64 << 20).unwrap();
    out(&cache, &far).unwrap();
    let found = fs::metadata(&partial.data).unwrap();
    assert_eq!((found.len(), fs::read(&partial.data).unwrap()[..6].to_vec()), (64 << 20, b"begin\0".to_vec()));
    assert!(found.blocks() * 512 < 2 << 20, "{} blocks", found.blocks());
}

#[test]
fn a_shared_payload_is_copied_and_goes_when_nobody_else_uses_it() {
    for others in [false, true] {
        let (_dir, cache, far) = there_is();
        let etag = plan("org/m", FILES).files[1].digest.hex().to_owned();
        share(&cache, "org/m", &etag, HASH, b"weights");
        if others {
            share(&cache, "org/other", &etag, HASH, b"weights");
        }
        assert_eq!(out(&cache, &far).unwrap().left, Vec::<String>::new());
        let blob = far.join("models--org--m/blobs").join(&etag);
        assert!(fs::symlink_metadata(&blob).unwrap().is_file());
        let payload = cache.root().join("blobs/c6").join(HASH);
        assert_eq!(payload.exists(), others);
        assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new());
        back(&cache).unwrap();
        assert_eq!(fs::read(place(&cache).join("snapshots").join(COMMIT).join("deep/er/w.bin")).unwrap(), b"weights");
    }
}

#[test]
fn what_was_not_made_for_it_stays_and_nothing_is_moved() {
    let (dir, cache, far) = there_is();
    let there = far.join("models--org--m");
    let refused = |what: &str| {
        let fault = out(&cache, &far).unwrap_err();
        assert!(fault.kind == FaultKind::Conflict && fault.message.contains("in the way"), "{what}: {fault}");
        fs::remove_dir_all(&there).or_else(|_| fs::remove_file(&there)).unwrap();
    };
    let before = tree(cache.root());
    fs::create_dir_all(&there).unwrap();
    refused("an empty folder of somebody's");
    fs::create_dir_all(&there).unwrap();
    cache.tree(&key("org/m"), &place(&cache)).unwrap().copy_to(&there, &Gauge::default()).unwrap();
    refused("somebody's own copy");
    symlink(place(&cache), &there).unwrap();
    refused("a link to the original");
    fs::write(&there, "mine").unwrap();
    refused("a file");
    let mut now = tree(cache.root());
    now.retain(|path, _| !path.starts_with(".locks"));
    assert_eq!(now, before);
    // Another cache of the same name does not take what this one has moved.
    out(&cache, &far).unwrap();
    let second = Cache::new(dir.path().join("hub2"));
    add(&second, "org/m", FILES);
    assert!(out(&second, &far).unwrap_err().message.contains("in the way"));
}

#[test]
fn a_folder_that_is_no_other_place_is_refused() {
    let (dir, cache, far) = there_is();
    let refused = |to: Option<&Path>| cache.plan_relocation(&key("org/m"), to).unwrap_err();
    fs::write(dir.path().join("file"), "").unwrap();
    symlink(cache.root(), dir.path().join("alias")).unwrap();
    for to in [
        cache.root().to_path_buf(),
        cache.root().join("deep"),
        dir.path().to_path_buf(),
        dir.path().join("file"),
        dir.path().join("alias/x"),
    ] {
        assert_eq!(refused(Some(&to)).kind, FaultKind::Conflict, "{}", to.display());
    }
    let here = cache.plan_relocation(&key("org/m"), None).unwrap();
    assert!(here.is_done() && here.to == place(&cache) && cache.relocate(&here, &Gauge::default()).is_ok());
    assert_eq!(cache.plan_relocation(&key("org/none"), Some(&far)).unwrap_err().kind, FaultKind::NotFound);
    out(&cache, &far).unwrap();
    let there = cache.plan_relocation(&key("org/m"), Some(&far)).unwrap();
    assert!(there.is_done() && there.to == far.join("models--org--m"));
    assert!(refused(Some(&dir.path().join("third"))).hint.unwrap().contains("--back"));
}

#[test]
fn damage_is_not_copied() {
    let (_dir, cache, far) = there_is();
    let blob = place(&cache).join("blobs").join(plan("org/m", FILES).files[1].digest.hex());
    fs::write(&blob, "weighty").unwrap();
    assert_eq!(out(&cache, &far).unwrap_err().kind, FaultKind::Corrupt);
    assert!(fs::symlink_metadata(place(&cache)).unwrap().is_dir());
    fs::write(&blob, "weights").unwrap();
    symlink("/etc/hostname", place(&cache).join("snapshots").join(COMMIT).join("astray")).unwrap();
    assert!(out(&cache, &far).unwrap_err().message.contains("out of its repository"));
}

#[test]
fn what_is_downloaded_right_now_stays() {
    let (_dir, cache, far) = there_is();
    let files = plan("org/m", FILES);
    let held = cache.place(&files).unwrap().lock(&files.files[0]).unwrap();
    assert_eq!(out(&cache, &far).unwrap_err().kind, FaultKind::Busy);
    drop(held);
    out(&cache, &far).unwrap();
}

#[test]
fn a_stopped_copy_changes_nothing_and_is_gone_on_with() {
    let (_dir, cache, far) = there_is();
    let before = tree(&place(&cache));
    let planned = cache.plan_relocation(&key("org/m"), Some(&far)).unwrap();
    let stopped = || {
        let gauge = Gauge::default();
        gauge.stop();
        gauge
    };
    assert_eq!(cache.relocate(&planned, &stopped()).unwrap_err().kind, FaultKind::Interrupted);
    assert_eq!(tree(&place(&cache)), before);
    // One blob has arrived, the copy of another was killed, and a branch that was copied has gone since.
    let blob = planned.to.join("blobs").join(plan("org/m", FILES).files[1].digest.hex());
    fs::write(&blob, "weights").unwrap();
    fs::write(planned.to.join("blobs/.hfdesk-abc"), "we").unwrap();
    fs::write(planned.to.join("refs/gone"), NEXT).unwrap();
    let arrived = fs::metadata(&blob).unwrap().ino();
    cache.finish_interrupted().unwrap(); // whoever comes first leaves it
    cache.relocate(&cache.plan_relocation(&key("org/m"), Some(&far)).unwrap(), &Gauge::default()).unwrap();
    assert_eq!((seen(&cache), fs::metadata(&blob).unwrap().ino()), (before.clone(), arrived));
    // The same on the way back.
    let planned = cache.plan_relocation(&key("org/m"), None).unwrap();
    assert_eq!(cache.relocate(&planned, &stopped()).unwrap_err().kind, FaultKind::Interrupted);
    let copy = super::swap::folder_of_moves(&cache).join("models--org--m.new");
    fs::write(copy.join("blobs").join(blob.file_name().unwrap()), "weights").unwrap();
    let arrived = fs::metadata(copy.join("blobs").join(blob.file_name().unwrap())).unwrap().ino();
    cache.finish_interrupted().unwrap();
    back(&cache).unwrap();
    let came = place(&cache).join("blobs").join(blob.file_name().unwrap());
    assert_eq!((seen(&cache), fs::metadata(came).unwrap().ino(), tidy(&cache)), (before, arrived, true));
}

#[test]
fn a_folder_that_was_made_and_not_marked_is_gone_on_with() {
    let (_dir, cache, far) = there_is();
    for to in [Some(&*far), None] {
        let planned = cache.plan_relocation(&key("org/m"), to).unwrap();
        let copy = Workshop::open(&cache).unwrap().begin(&planned).unwrap();
        fs::rename(copy.join(".hfdesk-move"), copy.join("..hfdesk-move.123-0.tmp")).unwrap();
        cache.relocate(&planned, &Gauge::default()).unwrap();
        assert!(tidy(&cache) && !copy.join("..hfdesk-move.123-0.tmp").exists());
    }
}

#[test]
fn a_copy_that_may_be_all_there_is_stays() {
    let (_dir, cache, far) = there_is();
    let copy = partly(&cache, Some(&far), false);
    fs::remove_dir_all(place(&cache)).unwrap();
    let faults = cache.finish_relocations(true);
    assert!(faults.len() == 1 && faults[0].message.contains("may be all there is"), "{faults:?}");
    assert!(copy.join("snapshots").is_dir());
}

#[test]
fn another_move_waits_for_the_end_of_one_that_was_interrupted() {
    let (dir, cache, far) = there_is();
    let planned = cache.plan_relocation(&key("org/m"), Some(&far)).unwrap();
    let gauge = Gauge::default();
    gauge.stop();
    cache.relocate(&planned, &gauge).unwrap_err();
    let fault = out(&cache, &dir.path().join("third")).unwrap_err();
    assert!(fault.message.contains("was interrupted") && fault.hint.unwrap().contains("doctor --fix"));
    let found = cache.diagnose(jiff::Timestamp::now()).unwrap();
    assert_eq!(cache.mend(&found, jiff::Timestamp::now()).mended, found);
    assert!(!planned.to.exists() && tidy(&cache));
    out(&cache, &dir.path().join("third")).unwrap();
}

#[test]
fn a_download_in_the_last_instant_is_not_lost() {
    let (_dir, cache, far) = there_is();
    let planned = cache.plan_relocation(&key("org/m"), Some(&far)).unwrap();
    let workshop = Workshop::open(&cache).unwrap();
    let before = cache.tree(&key("org/m"), &planned.from).unwrap();
    let copy = workshop.begin(&planned).unwrap();
    before.copy_to(&copy, &Gauge::default()).unwrap();
    add_revision(&cache, "org/m", &"e".repeat(40), "v3", &[("late.bin", b"late")]);
    workshop.swap(&planned, &copy).unwrap();
    cache.check_swapped(&planned).unwrap();
    assert!(cache.check_unchanged(&planned, &workshop.came_out(&planned), &before).is_err());
    workshop.undo(&planned).unwrap();
    assert!(fs::symlink_metadata(place(&cache)).unwrap().is_dir());
    assert_eq!(cache.scan().unwrap().find(&key("org/m")).unwrap().revisions.len(), 3);
    drop(workshop);
    out(&cache, &far).unwrap();
    assert_eq!(cache.scan().unwrap().find(&key("org/m")).unwrap().revisions.len(), 3);
}

#[test]
fn nobody_does_what_a_stranger_has_left_among_the_moves() {
    let (dir, cache, far) = there_is();
    out(&cache, &far).unwrap();
    let victim = dir.path().join("victim");
    fs::create_dir_all(victim.join("snapshots")).unwrap();
    let moves = super::swap::folder_of_moves(&cache);
    for name in ["models--org--other", "models--org--other.new", "models--org--other.old", "models--org--m.old"] {
        symlink(&victim, moves.join(name)).unwrap();
    }
    fs::write(moves.join("models--org--other.json"), "{}").unwrap();
    assert_eq!(cache.finish_relocations(true), vec![]);
    assert!(victim.join("snapshots").is_dir());
}

#[test]
fn what_has_changed_since_is_not_moved() {
    let (_dir, cache, far) = there_is();
    let planned = cache.plan_relocation(&key("org/m"), Some(&far)).unwrap();
    add_revision(&cache, "org/m", &"e".repeat(40), "v3", &[("late.bin", b"late")]);
    assert_eq!(cache.relocate(&planned, &Gauge::default()).unwrap_err().kind, FaultKind::Conflict);
    let read = || cache.tree(&key("org/m"), &place(&cache)).unwrap();
    let before = read();
    assert_eq!(read().difference(&before), None);
    let changes: [&dyn Fn(); 4] = [
        &|| fs::write(place(&cache).join("refs/main"), NEXT).unwrap(),
        &|| fs::write(place(&cache).join("refs/other"), NEXT).unwrap(),
        &|| fs::remove_file(place(&cache).join("refs/v3")).unwrap(),
        &|| fs::remove_file(place(&cache).join("snapshots").join(NEXT).join("new.bin")).unwrap(),
    ];
    let mut before = before;
    for (number, change) in changes.iter().enumerate() {
        change();
        let now = read();
        assert!(now.difference(&before).is_some(), "{number}");
        before = now;
    }
}

#[test]
fn what_changes_while_it_is_copied_is_not_moved() {
    let (_dir, cache, far) = there_is();
    let coming = plan("org/m", &[("big.bin", b"big")]);
    let partial = cache.place(&coming).unwrap().partial(&coming.files[0]).data;
    File::create(&partial).unwrap().set_len(1 << 30).unwrap();
    let planned = cache.plan_relocation(&key("org/m"), Some(&far)).unwrap();
    let gauge = Gauge::default();
    let moved = std::thread::scope(|scope| {
        let moving = scope.spawn(|| cache.relocate(&planned, &gauge));
        while gauge.now().bytes_done == 0 && !moving.is_finished() {
            std::thread::yield_now();
        }
        fs::write(place(&cache).join("refs/main"), NEXT).unwrap();
        moving.join().unwrap()
    });
    let fault = moved.unwrap_err();
    assert!(fault.kind == FaultKind::Conflict && fault.message.contains("refs/main has changed"), "{fault}");
    assert_eq!(fs::read_to_string(place(&cache).join("refs/main")).unwrap(), NEXT);
    out(&cache, &far).unwrap();
    assert_eq!(fs::read_to_string(place(&cache).join("refs/main")).unwrap(), NEXT);
}

/// Something that is done with a cache and the folder on another disk, and what it is called.
type Named = (&'static str, fn(&Cache, &Path));

/// Begins a move and carries out the given steps of it.
fn partly(cache: &Cache, to: Option<&Path>, swaps: bool) -> PathBuf {
    let planned = cache.plan_relocation(&key("org/m"), to).unwrap();
    let workshop = Workshop::open(cache).unwrap();
    let copy = workshop.begin(&planned).unwrap();
    cache.tree(&key("org/m"), &planned.from).unwrap().copy_to(&copy, &Gauge::default()).unwrap();
    if swaps {
        workshop.swap(&planned, &copy).unwrap();
    }
    copy
}

fn at_moves(cache: &Cache, name: &str) -> PathBuf {
    super::swap::folder_of_moves(cache).join(name)
}

/// A process that dies at a point of a move.
const DEATHS: [Named; 7] = [
    ("the link is ready", |cache, far| {
        let copy = partly(cache, Some(far), false);
        symlink(copy, at_moves(cache, "models--org--m.new")).unwrap();
    }),
    ("it is a link", |cache, far| drop(partly(cache, Some(far), true))),
    ("the original is half gone", |cache, far| {
        partly(cache, Some(far), true);
        fs::remove_dir_all(at_moves(cache, "models--org--m.old/blobs")).unwrap();
    }),
    ("it is aside", |cache, far| {
        partly(cache, Some(far), false);
        fs::rename(place(cache), at_moves(cache, "models--org--m.old")).unwrap();
    }),
    ("a copy is on its way back", |cache, far| {
        out(cache, far).unwrap();
        let copy = partly(cache, None, false);
        fs::remove_dir_all(copy.join("snapshots")).unwrap();
    }),
    ("it is back", |cache, far| {
        out(cache, far).unwrap();
        partly(cache, None, true);
    }),
    ("it is back, and the copy half gone", |cache, far| {
        out(cache, far).unwrap();
        partly(cache, None, true);
        fs::remove_dir_all(far.join("models--org--m/snapshots")).unwrap();
    }),
];

/// What comes after it.
const AFTERWARDS: [Named; 3] = [
    ("tidied", |cache, _| cache.finish_interrupted().unwrap()),
    ("moved out again", |cache, far| drop(out(cache, far))),
    ("brought back again", |cache, _| drop(back(cache))),
];

/// The cache has the repository whenever somebody dies, and asking again, or anything else that tidies, leaves it once.
#[test]
fn whoever_dies_leaves_the_repository_and_at_most_a_second_copy() {
    for (point, die) in DEATHS {
        for (then, go_on) in AFTERWARDS {
            let (_dir, cache, far) = there_is();
            let before = tree(&place(&cache));
            die(&cache, &far);
            assert_eq!(cache.scan().unwrap().warnings, Vec::<String>::new(), "{point}, {then}");
            let found = cache.diagnose(jiff::Timestamp::now()).unwrap();
            assert!(
                found.iter().all(|finding| finding.trouble == Trouble::InterruptedMove && finding.mend.is_some()),
                "{point}: {found:#?}"
            );
            assert_eq!(found.len(), 1, "{point}");
            go_on(&cache, &far);
            assert_eq!(
                cache.mend(&found, jiff::Timestamp::now()).failures.iter().filter(|told| !told.contains("not so any more")).count(),
                0
            );
            cache.finish_interrupted().unwrap();
            assert_eq!(seen(&cache), before, "{point}, {then}");
            let copies = [fs::symlink_metadata(place(&cache)).unwrap().is_dir(), far.join("models--org--m").exists()];
            assert_eq!((copies.iter().filter(|there| **there).count(), tidy(&cache)), (1, true), "{point}, {then}: {copies:?}");
        }
    }
}
