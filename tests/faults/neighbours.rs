//! Others who work in the same cache, and a person who interrupts or cleans up.

use hfdesk_tui::engine::host::FileLock;
use rustix::process::Signal;

use super::*;

#[test]
fn two_processes_that_want_the_same_file_fetch_it_once() {
    let row = Row::with(6 * MIB, |config| config.rate = Some(8 * MIB));
    let start = |state: &str| row::Started::new(row.command().env("XDG_STATE_HOME", row.machine.path().join(state)));
    for started in [start("one"), start("two")] {
        started.end().succeeded();
    }
    row.assert_placed();
    assert_eq!(row.sent(), row.size());
}

/// The official client's lock on the file, taken by somebody else.
fn lock(row: &Row) -> FileLock {
    let folder = row.machine.repo_folder(REPO);
    let name = folder.file_name().unwrap();
    let path = row.machine.cache().join(".locks").join(name).join(format!("{}.lock", row.digest));
    FileLock::try_acquire(&path, 0o664).unwrap().unwrap()
}

/// Waits until the job runs, and sees that it leaves the file alone.
fn waits(row: &Row) {
    // Not before the download has made itself the queue's engine: who lists the jobs would be it for that moment.
    let socket = row.machine.path().join("home/.local/state/hfdesk/engine.sock");
    until(|| socket.exists().then_some(()), || "an engine".to_owned());
    let running = || row.jobs().first().is_some_and(|job| job["state"] == "running");
    until(|| running().then_some(()), || format!("a running job: {:?}", row.jobs()));
    std::thread::sleep(Duration::from_millis(300)); // that nothing happens can only be seen by letting time pass
    assert_eq!(row.hub.stats().cdn_requests, 0);
    row.assert_clean();
}

#[test]
fn a_file_that_the_official_client_has_locked_is_waited_for() {
    let row = Row::new(MIB);
    let held = lock(&row);
    let mut started = row.start();
    waits(&row);
    assert!(started.runs());
    drop(held);
    started.end().succeeded();
    row.assert_placed();
}

#[test]
fn a_file_that_the_official_client_brings_meanwhile_is_not_fetched() {
    let row = Row::new(MIB);
    let held = lock(&row);
    let started = row.start();
    waits(&row);
    fs::write(row.blob(), &row.content).unwrap();
    drop(held);
    started.end().succeeded();
    row.assert_placed();
    assert_eq!(row.sent(), 0);
}

/// A download that a person interrupts in its middle.
fn interrupted() -> Row {
    let row = Row::with(4 * MIB, |config| config.rate = Some(4 * MIB));
    let started = row.start();
    row.until_sent(MIB);
    started.signal(Signal::INT);
    started.end().failed_with(130, "interrupted", "paused; run the same command to go on", "");
    row.assert_nothing_placed();
    assert!(row.held() >= MIB - 300_000, "{} of {}", row.held(), row.sent());
    row.hub.set_rate(None);
    row
}

#[test]
fn an_interruption_keeps_what_came() {
    let row = interrupted();
    assert_eq!(row.jobs()[0]["state"], "paused");
    row.heals();
}

#[test]
fn what_came_outlives_the_queue() {
    let row = interrupted();
    fs::remove_dir_all(row.machine.path().join("home/.local/state/hfdesk")).unwrap();
    assert!(row.jobs().is_empty());
    row.heals();
}
