//! A disk that fills up in the middle of a download: the job waits, says why, and goes on by itself when there is room.

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
