//! What a download promises when something goes wrong, one test a trouble, with the real program against a real Hub on loopback:
//! what the person is told, what stays on the disk, and that a later run ends with the right digest without fetching twice what
//! was there.

#![allow(clippy::unwrap_used, clippy::panic)] // a test's helpers fail as loudly as the test itself

mod connections;
mod content;
mod disk;
mod kills;
#[path = "../support/machine.rs"]
mod machine;
mod neighbours;
#[path = "../support/random.rs"]
mod random;
mod refusals;
mod row;

use std::fs;
use std::process::Command;
use std::time::Duration;

use hfdesk_tui::hubserver::{Effect, Side};
use row::{Ending, FILE, REPO, Row, until};

/// As often as it takes.
const ALWAYS: u32 = u32::MAX;
const MIB: u64 = 1 << 20;

/// Tries something with each of these at once: rows mostly wait.
fn each<T: Send, const N: usize>(of: [T; N], work: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        let work = &work;
        let working = of.map(|one| scope.spawn(move || work(one)));
        for working in working {
            working.join().unwrap();
        }
    });
}
