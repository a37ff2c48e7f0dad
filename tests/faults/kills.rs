//! kill -9 at random instants.

use std::thread;

use rustix::process::Signal;

use super::random::Random;
use super::*;

/// Machines that are killed again and again, beside each other: they mostly wait for their Hubs.
const MACHINES: u64 = 8;
/// Kills of each.
const KILLS: u64 = 25;
/// Bytes a second of each Hub.
const RATE: u64 = 2 * MIB;
/// The longest life, in milliseconds: long enough that the journal, written once a second, matters.
const LONGEST_LIFE: u64 = 2500;

/// A machine whose downloads are killed; bytes fetched twice over all kills.
fn suffer(mut random: Random) -> u64 {
    // Half of the machines fetch over one connection and half over several.
    let size = if random.below(2) == 0 { 6 * MIB } else { 18 * MIB };
    let row = Row::with(size, |config| config.rate = Some(RATE));
    let mut twice = 0;
    for _ in 0..KILLS {
        let (held, sent) = (row.held(), row.sent());
        let started = row.start();
        thread::sleep(Duration::from_millis(random.below(LONGEST_LIFE)));
        started.signal(Signal::KILL);
        let ending = started.end();
        assert!(ending.status == 0 || ending.stderr.is_empty(), "{ending:?}");
        if row.blob().exists() {
            row.download().succeeded();
            row.assert_placed();
            fs::remove_dir_all(row.machine.cache()).unwrap();
            continue;
        }
        row.assert_nothing_placed();
        let lost = (row.sent() - sent).saturating_sub(row.held().saturating_sub(held));
        assert!(row.held() >= held, "what was vouched for got lost: {held} then {}", row.held());
        // The journal is a second old at most and the writer keeps a quarter of one; the rest is for a machine busy with eight of these.
        assert!(lost <= 2 * RATE, "{lost} bytes are lost by one kill");
        twice += lost;
    }
    row.hub.set_rate(None);
    row.download().succeeded();
    row.assert_placed();
    twice
}

#[test]
fn two_hundred_kills_at_random_instants_lose_a_second_each_at_most() {
    let mut seeds = Random::new();
    let lives: Vec<_> = (0..MACHINES).map(|_| Random::of(seeds.below(u64::MAX))).collect();
    let machines: Vec<_> = lives.into_iter().map(|random| thread::spawn(|| suffer(random))).collect();
    let twice: u64 = machines.into_iter().map(|machine| machine.join().unwrap()).sum();
    assert!(twice <= MACHINES * KILLS * RATE, "{twice} bytes were fetched twice");
}

/// A repository of small files, how many it has, and how many bytes each.
const MANY: &str = "bench/many";
const FILES: u64 = 200;
const SMALL: u64 = 4096;
/// Kills of its download.
const KILLS_AMONG_FILES: u64 = 20;

fn small(at: u64) -> Vec<u8> {
    let mut content = machine::noise(SMALL.try_into().unwrap());
    content[..8].copy_from_slice(&at.to_le_bytes());
    content
}

/// How many small files are in their place; asserts that each is right.
fn placed(row: &Row) -> usize {
    let commits = fs::read_dir(row.machine.repo_folder(MANY).join("snapshots")).into_iter().flatten();
    let Some(snapshot) = commits.last().map(|commit| commit.unwrap().path()) else { return 0 };
    let found = (0..FILES).filter_map(|at| Some((at, fs::read(snapshot.join(format!("{at}.json"))).ok()?)));
    found.inspect(|(at, content)| assert!(*content == small(*at), "{at}.json differs")).count()
}

#[test]
fn kills_among_many_small_files_cost_those_in_flight() {
    let (mut random, row) = (Random::new(), Row::new(MIB));
    (0..FILES).for_each(|at| row.machine.put(MANY, &format!("{at}.json"), &small(at)));
    let download = || row::Started::new(&mut row.program(&format!("download {MANY} --quiet")));
    let mut before = 0;
    for _ in 0..KILLS_AMONG_FILES {
        let started = download();
        thread::sleep(Duration::from_millis(random.below(900)));
        started.signal(Signal::KILL);
        started.end();
        let now = placed(&row);
        assert!(now >= before, "what was placed stays");
        before = now;
    }
    download().end().succeeded();
    assert_eq!(placed(&row) as u64, FILES);
    assert_eq!(fs::read_dir(row.machine.repo_folder(MANY).join("blobs")).unwrap().count() as u64, FILES, "nothing else is left");
    let (bytes, in_flight) = (FILES * SMALL, KILLS_AMONG_FILES * 8 * SMALL);
    assert!(row.hub.stats().hub_bytes <= bytes + in_flight, "{} of {bytes} bytes", row.hub.stats().hub_bytes);
}
