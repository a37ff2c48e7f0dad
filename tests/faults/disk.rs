//! Disks that are full or may not be written. They need a filesystem of their own: where this user may mount none, the tests are
//! skipped, or fail if `HFDESK_REQUIRE_MOUNT=1`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::row::{Started, until};
use super::*;

/// A filesystem in memory. Dropping it takes it away.
struct Mount(PathBuf);

impl Mount {
    /// Mounts one of so many bytes; without the right to, the test is skipped loudly, or fails where it is required.
    fn new(at: &Path, size: u64) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        if mount(at, &format!("size={size}")) {
            return Some(Self(at.to_path_buf()));
        }
        assert_ne!(std::env::var("HFDESK_REQUIRE_MOUNT").as_deref(), Ok("1"), "this user may not mount a tmpfs");
        #[allow(clippy::print_stderr)] // a skipped check must be seen
        {
            eprintln!("SKIPPED: this user may not mount a tmpfs");
        }
        None
    }

    fn allow_writing(&self, allow: bool) {
        assert!(mount(&self.0, if allow { "remount,rw" } else { "remount,ro" }));
    }

    /// Leaves so many bytes free; what takes the others can be removed.
    fn fill_up_to(&self, left: u64) -> PathBuf {
        let filler = self.0.join("filler");
        let free = hfdesk_tui::engine::host::space(&self.0).unwrap().free;
        // A download that runs beside may take the last of it first, which is as good.
        _ = fs::write(&filler, vec![1; usize::try_from(free.saturating_sub(left)).unwrap()]);
        filler
    }
}

fn mount(at: &Path, options: &str) -> bool {
    let output = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
    output.is_ok_and(|output| output.status.success())
}

impl Drop for Mount {
    fn drop(&mut self) {
        _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_too_small_is_told_before_the_first_byte() {
    let row = Row::new(6 * MIB);
    let Some(mount) = Mount::new(&row.machine.cache(), 4 * MIB) else { return };
    row.download().failed_with(6, "disk_full", "6 MiB needed and 4 MiB free", "free 2 MiB");
    assert_eq!(row.hub.stats().cdn_requests, 0);
    row.assert_clean();
    drop(mount);
    row.heals();
}

#[test]
fn a_disk_that_fills_up_on_the_way_keeps_what_came_and_takes_the_rest_when_there_is_room() {
    let row = Row::with(10 * MIB, |config| config.rate = Some(6 * MIB));
    let Some(mount) = Mount::new(&row.machine.cache(), 14 * MIB) else { return };
    let running = row.start();
    row.until_sent(3 * MIB);
    let filler = mount.fill_up_to(0);
    let waits = |job: &Value| job["state"] == "queued" && job["fault"]["kind"] == "disk_full";
    until(|| row.jobs().into_iter().find(waits), || "the job waits for room".to_owned());
    row.assert_nothing_placed();
    assert!(row.held() >= MIB, "what came before the disk was full is kept: {} of {}", row.held(), row.sent());
    fs::remove_file(filler).unwrap();
    let ending = running.end();
    assert!(ending.status == 0 && ending.stderr.contains("no room for"), "it says what it waited for: {ending:?}");
    row.assert_placed();
}

#[test]
fn a_folder_that_may_not_be_written_is_told_before_the_first_byte() {
    let row = Row::new(MIB);
    let Some(mount) = Mount::new(&row.machine.cache(), 4 * MIB) else { return };
    mount.allow_writing(false);
    row.download().failed_with(1, "disk", "create the folder", "choose another with --cache-dir");
    assert_eq!(row.hub.stats().cdn_requests, 0);
    mount.allow_writing(true);
    row.heals();
}

#[test]
fn a_disk_that_turns_read_only_on_the_way_ends_the_job_and_keeps_what_came() {
    let row = Row::new(4 * MIB);
    let Some(mount) = Mount::new(&row.machine.cache(), 8 * MIB) else { return };
    row.come_to(MIB);
    mount.allow_writing(false);
    row.download().failed(1, "disk");
    assert_eq!(row.held(), MIB);
    mount.allow_writing(true);
    row.heals();
}

#[test]
fn more_files_than_may_be_open_by_default_come_all_the_same() {
    const FILES: u32 = 300;
    let row = Row::new(MIB);
    (0..FILES).for_each(|at| row.machine.put("bench/many", &format!("{at}.json"), &at.to_le_bytes()));
    let program = row.program("download bench/many --quiet");
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -S -n 40 && exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    limited.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Started::new(&mut limited).end().succeeded();
    assert_eq!(fs::read(row.machine.snapshot_file("bench/many", "299.json")).unwrap(), 299_u32.to_le_bytes());
}
