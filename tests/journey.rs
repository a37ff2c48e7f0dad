//! What a person does at a terminal, typed into the real program against a Hub on loopback.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop at the first surprise

#[path = "journey/attached.rs"]
mod attached;
#[path = "journey/cache.rs"]
mod cache;
#[path = "support/hub.rs"]
mod hub;
#[path = "journey/leaving.rs"]
mod leaving;
#[path = "support/machine.rs"]
mod machine;
#[path = "journey/revisions.rs"]
mod revisions;
#[path = "support/scene.rs"]
mod scene;
#[path = "journey/screen.rs"]
mod screen;
#[path = "support/terminal.rs"]
mod terminal;
#[path = "support/tree.rs"]
mod tree;
#[path = "journey/trouble.rs"]
mod trouble;

use hfdesk_tui::desk::Digest;
use scene::{AURORA, PROJECTOR, Q4, REST, Scene};
use terminal::Terminal;

/// The app at a terminal of the usual size.
fn app(scene: &Scene) -> Terminal {
    let app = Terminal::start(&scene.command(""), (80, 24));
    app.sees(&["most downloaded", "updated"]);
    app
}

/// Opens the repository with the file marked, and asks for the download.
fn ask_for_the_file(app: &mut Terminal) {
    app.paste(&format!("{AURORA}:q4_k_m"));
    app.sees(&["1 marked"]);
    app.keys("d");
}

/// An app that shows its jobs, the first of which has come a part of its way.
fn app_that_downloads(scene: &Scene) -> Terminal {
    let mut app = app(scene);
    ask_for_the_file(&mut app);
    app.sees(&["Enter download"]);
    app.keys("enter");
    app.sees(&["queued"]);
    app.keys("3");
    app.sees(&["● running", "downloading"]);
    scene.sends_a_part();
    app
}

#[test]
fn from_a_search_to_the_disk_and_back_at_80x24() {
    the_journey((80, 24));
}

#[test]
fn from_a_search_to_the_disk_and_back_at_120x40() {
    the_journey((120, 40));
}

fn the_journey(size: (u16, u16)) {
    let scene = Scene::new(|_| {});
    let mut app = Terminal::start(&scene.command(""), size);
    app.sees(&["lumen-research/Lumen-3B-Base", "no token"]);
    app.is_taken_over();
    choose(&mut app);
    app.keys("enter");
    app.sees(&["queued"]);
    app.keys("3");
    app.sees(&["● running", "KiB/s", "0 of 2 files in place"]);
    pause_and_resume(&scene, &mut app);
    app.sees(&["✓ completed", "complete and verified"]);
    scene.has_the_file();
    delete(&scene, &mut app);
    app.keys("q");
    assert_eq!(app.ends(), 0);
    app.is_given_back();
}

/// Finds the repository, opens it, marks a variant, and reads what the download would do.
fn choose(app: &mut Terminal) {
    app.keys("/ a u r o r a");
    app.sees(&["› aurora", "1/7", "aurora-labs/Auro"]);
    app.keys("enter enter");
    app.sees(&["apache-2.0", "d takes "]);
    let down = app.row(" Q4_K_M ") - app.row(" Q2_K ");
    app.keys(&"j ".repeat(down));
    app.keys("space");
    app.sees(&["1 marked, 1.1 MiB"]);
    app.keys("d");
    app.sees(&["1.1 MiB of 1.1 MiB in 2 files", Q4, PROJECTOR, "left out  17 files, ", "free, ", " after", "Enter download"]);
}

/// Pauses in the middle and goes on: nothing comes while it is paused, and nothing that was kept comes twice.
fn pause_and_resume(scene: &Scene, app: &mut Terminal) {
    scene.sends_a_part();
    app.keys("p");
    app.sees(&["◌ paused", "is paused"]);
    scene.sends_nothing();
    app.sees(&["◌ paused"]);
    let kept = [Q4, PROJECTOR].map(|path| kept(scene, path));
    let (size, held) = kept.into_iter().fold((0, 0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
    assert!(0 < held && held < size, "{held} of {size} bytes are kept");
    let before = scene.sent();
    app.keys("p");
    app.sees(&["✓ completed"]);
    let fetched = scene.sent() - before;
    assert!((size - held..size - held + REST).contains(&fetched), "{held} of {size} bytes were kept, {fetched} fetched");
}

/// Size of a file, and how much of it is kept in its partial.
fn kept(scene: &Scene, path: &str) -> (u64, u64) {
    let (size, oid) = scene.named(path);
    let digest: Digest = oid.parse().unwrap();
    (size, scene.machine.partial(AURORA, &digest).held(size, &digest))
}

/// Finds the repository in the cache and deletes it.
fn delete(scene: &Scene, app: &mut Terminal) {
    let folder = scene.machine.repo_folder(AURORA);
    app.keys("4");
    app.sees(&["1.1 MiB in 1 repository", "model/aurora"]);
    app.keys("D");
    app.sees(&["Delete 1 repository", "1.1 MiB come free", "models--aurora-labs--Aurora-8B-Instruct-GGUF"]);
    app.keys("enter");
    app.sees_that("the question is gone", |screen| !screen.contains("come free"));
    assert!(folder.exists(), "Enter is the safe answer");
    app.keys("D");
    app.sees(&["come free"]);
    app.keys("y");
    app.sees(&["deleted 1 repository, freed 1.1 MiB", "is empty"]);
    assert!(!folder.exists());
}
