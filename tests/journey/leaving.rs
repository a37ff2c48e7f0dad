//! However the app ends, the terminal is given back and no byte is lost.

use rustix::process::Signal;

use crate::scene::{AURORA, Q4, Scene};
use crate::terminal::Terminal;
use crate::{app, app_that_downloads};

#[test]
fn quitting_asks_while_a_job_runs_and_the_next_start_goes_on() {
    let scene = Scene::new(|_| {});
    let mut first = app_that_downloads(&scene);
    first.keys("q");
    first.sees(&["A job has not finished", "q  pause every job and quit", "keep working"]);
    first.keys("enter");
    first.sees_that("the question is gone", |screen| !screen.contains("keep working"));
    first.keys("q");
    first.sees(&["keep working"]);
    first.keys("q");
    assert_eq!(first.ends(), 0);
    first.is_given_back();
    scene.sends_nothing();
    let mut next = app(&scene);
    next.keys("3");
    next.sees(&["◌ paused"]);
    next.keys("p");
    next.sees(&["✓ completed"]);
    scene.has_the_file();
    next.keys("q");
    assert_eq!(next.ends(), 0);
}

#[test]
fn control_c_twice_ends_at_once() {
    let scene = Scene::new(|_| {});
    let mut app = app_that_downloads(&scene);
    app.keys("ctrl-c");
    app.sees(&["A job has not finished"]);
    app.keys("ctrl-c");
    assert_eq!(app.ends(), 0);
    app.is_given_back();
    assert_eq!(scene.state(), "paused");
}

#[test]
fn a_termination_gives_the_terminal_back_and_leaves_the_queue_paused() {
    let scene = Scene::new(|_| {});
    let mut app = app_that_downloads(&scene);
    app.signal(Signal::TERM);
    assert_eq!(app.ends(), 0);
    app.is_given_back();
    assert_eq!(scene.state(), "paused");
    assert!(!scene.socket().exists());
}

#[test]
fn a_dropped_connection_does_not_stop_a_download() {
    let scene = Scene::new(|_| {});
    let mut app = app_that_downloads(&scene);
    app.hang_up();
    scene.sends_a_part();
    assert!(app.runs());
    assert_eq!(scene.state(), "running", "another process attaches and sees it");
    scene.hub.set_rate(None);
    assert_eq!(app.ends(), 0, "it ends by itself once nothing is left to do");
    scene.has_the_file();
    assert_eq!(scene.state(), "completed");
}

#[test]
fn a_dropped_connection_does_not_stop_a_download_from_the_command_line() {
    let scene = Scene::new(|_| {});
    let line = format!("download {AURORA} {Q4}");
    let mut download = Terminal::start(&scene.command(&line), (80, 24));
    download.sees(&["downloading"]);
    download.hang_up();
    scene.sends_a_part();
    scene.hub.set_rate(None);
    assert_eq!(download.ends(), 0);
    scene.has_the_file();
}
