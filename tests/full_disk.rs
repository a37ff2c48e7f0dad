//! A disk that fills up in the middle of a download: the job waits, says why, and goes on by itself when there is room. And one that is
//! full: things can be deleted from it all the same.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // a test may stop at the first surprise

#[path = "support/hub.rs"]
mod hub;
#[path = "support/machine.rs"]
mod machine;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/terminal.rs"]
mod terminal;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hfdesk_tui::desk::{DeletionTarget, Disposal, FaultKind, RepoKey, RepoKind};
use hfdesk_tui::engine::cache::Cache;
use scene::{AURORA, Q4, Scene};
use terminal::until;

/// A filesystem of its own in memory. Dropping it unmounts it.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Nothing where this user may not mount.
    fn mount(at: PathBuf, bytes: u64) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let options = format!("size={bytes}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&at).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut file = fs::File::create(&ballast).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A verb that runs beside the test. Dropping it kills it.
struct Beside(Child);

impl Drop for Beside {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn a_download_waits_for_room_and_goes_on_by_itself() {
    let scene = Scene::new(|_| {});
    let size = scene.named_by_the_hub().0;
    let Some(disk) = SmallDisk::mount(scene.machine.path().join("small"), size + (256 << 10)) else {
        eprintln!("not tested: this user may not mount");
        return;
    };
    let settings = scene.machine.path().join("home/.config/hfdesk/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(settings, "keep_free = '0'").unwrap();

    let line = format!("download {AURORA} {Q4} --cache-dir {}", disk.path().display());
    let mut download = Beside(scene.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    scene.sends_a_part();
    let ballast = disk.fill();
    let waiting = until(
        || scene.jobs().into_iter().find(|job| job["state"] == "queued" && job["fault"]["kind"] == "disk_full"),
        || format!("a job that waits for room: {:?}", scene.jobs()),
    );
    assert!(waiting["remark"].as_str().unwrap().contains("free"), "{waiting}");
    assert!(download.0.try_wait().unwrap().is_none());
    let before = scene.sent();

    fs::remove_file(ballast).unwrap();
    scene.hub.set_rate(None);
    assert!(until(|| download.0.try_wait().unwrap(), || "the download ends".to_owned()).success());
    assert!(scene.sent() - before < size, "what was on the disk was kept");
    assert_eq!(scene.state(), "completed");
}

const OLD: &str = "0123456789abcdef0123456789abcdef01234567";
const NEW: &str = "89abcdef0123456789abcdef0123456789abcdef";

fn key() -> RepoKey {
    RepoKey { kind: RepoKind::Model, id: "org/m".parse().unwrap() }
}

/// A repository with two commits of one blob each, 64 KiB.
fn repository(root: &Path) -> PathBuf {
    let repo = root.join("models--org--m");
    for folder in ["blobs", "refs"] {
        fs::create_dir_all(repo.join(folder)).unwrap();
    }
    for (commit, branch, etag) in [(OLD, "main", "a".repeat(64)), (NEW, "v2", "b".repeat(64))] {
        let snapshot = repo.join("snapshots").join(commit);
        fs::create_dir_all(&snapshot).unwrap();
        fs::write(repo.join("blobs").join(&etag), vec![1; 64 << 10]).unwrap();
        fs::write(repo.join("refs").join(branch), commit).unwrap();
        std::os::unix::fs::symlink(format!("../../blobs/{etag}"), snapshot.join("x")).unwrap();
    }
    repo
}

#[test]
fn a_full_disk_can_be_deleted_from() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(dir.path().join("small"), 512 << 10) else {
        eprintln!("not tested: this user may not mount");
        return;
    };
    repository(disk.path());
    disk.fill();
    let cache = Cache::new(disk.path().to_path_buf());
    let targets = [DeletionTarget::Revision { repo: key(), commit: NEW.into() }];
    let planned = cache.plan_deletion(&targets).unwrap();
    assert_eq!((planned.frees, planned.disk_free), (64 << 10, Some(0)));
    let fault = cache.delete(&planned, Disposal::Trash).unwrap_err();
    assert_eq!(fault.kind, FaultKind::DiskFull, "{fault}");
    assert!(fault.message.contains("cannot be kept in the trash"), "{fault}");
    assert!(fault.hint.unwrap().contains("for good"));
    assert_eq!(cache.scan().unwrap().repos[0].revisions.len(), 2);
    let report = cache.delete(&planned, Disposal::Forever).unwrap();
    assert_eq!((report.freed, report.failures), (64 << 10, vec![]));
    assert!(cache.plan_deletion(&[DeletionTarget::Repo(key())]).unwrap().disk_free >= Some(64 << 10));
    assert_eq!(cache.delete(&cache.plan_deletion(&[DeletionTarget::Repo(key())]).unwrap(), Disposal::Forever).unwrap().freed, 64 << 10);
}

#[test]
fn what_lies_on_another_disk_is_removed_there_and_never_kept() {
    let dir = tempfile::tempdir().unwrap();
    let repo = repository(&dir.path().join("hub"));
    let blobs = repo.join("blobs");
    fs::rename(&blobs, repo.join("aside")).unwrap();
    let Some(disk) = SmallDisk::mount(blobs.clone(), 512 << 10) else {
        eprintln!("not tested: this user may not mount");
        return;
    };
    for name in ["a", "b"].map(|letter| letter.repeat(64)) {
        fs::copy(repo.join("aside").join(&name), disk.path().join(&name)).unwrap();
    }
    let cache = Cache::new(dir.path().join("hub"));
    let before = cache.scan().unwrap();
    let planned = cache.plan_deletion(&[DeletionTarget::Revision { repo: key(), commit: NEW.into() }]).unwrap();
    let fault = cache.delete(&planned, Disposal::Trash).unwrap_err();
    assert!(fault.message.contains("cannot be kept in the trash"), "{fault}");
    assert_eq!((cache.scan().unwrap().repos, cache.trash()), (before.repos, vec![]));
    let report = cache.delete(&planned, Disposal::Forever).unwrap();
    assert_eq!((report.freed, report.failures), (64 << 10, vec![]));
    assert!(!blobs.join("b".repeat(64)).exists() && blobs.join("a".repeat(64)).exists());
}

#[test]
fn what_cannot_be_moved_stops_its_repository_in_a_state_that_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let repo = repository(&dir.path().join("hub"));
    let snapshot = repo.join("snapshots").join(NEW);
    fs::remove_file(snapshot.join("x")).unwrap();
    let Some(disk) = SmallDisk::mount(snapshot.clone(), 64 << 10) else {
        eprintln!("not tested: this user may not mount");
        return;
    };
    std::os::unix::fs::symlink(format!("../../blobs/{}", "b".repeat(64)), disk.path().join("x")).unwrap();
    let cache = Cache::new(dir.path().join("hub"));
    let targets = [DeletionTarget::Revision { repo: key(), commit: NEW.into() }];
    let planned = cache.plan_deletion(&targets).unwrap();
    let report = cache.delete(&planned, Disposal::Forever).unwrap();
    assert_eq!((report.freed, report.failures.len()), (0, 1), "{report:?}");
    assert!(report.failures[0].contains(NEW), "{report:?}");
    let rest = cache.scan().unwrap();
    assert_eq!((rest.repos[0].revisions.len(), rest.size, rest.warnings), (2, 128 << 10, vec![]));
    drop(disk);
    let again = cache.delete(&cache.plan_deletion(&targets).unwrap(), Disposal::Forever).unwrap();
    assert_eq!(again.failures, Vec::<String>::new());
    assert_eq!(cache.scan().unwrap().repos[0].revisions.len(), 1);
}
