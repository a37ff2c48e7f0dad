//! A second app on the queue of the first.

use rustix::process::Signal;

use crate::scene::Scene;
use crate::{app, app_that_downloads};

#[test]
fn leaving_a_second_app_leaves_the_work_alone() {
    let scene = Scene::new(|_| {});
    let mut first = app_that_downloads(&scene);
    for key in ["q", "ctrl-c"] {
        let mut second = app(&scene);
        second.sees(&["attached"]);
        second.keys("3");
        second.sees(&["● running"]);
        second.keys(key);
        assert_eq!(second.ends(), 0);
        second.is_given_back();
    }
    assert!(first.runs() && !first.text().contains("attached"));
    assert_eq!(scene.state(), "running");
}

#[test]
fn a_second_app_reads_cards_through_the_first() {
    let scene = Scene::new(|_| {});
    let _first = app_that_downloads(&scene);
    let mut second = app(&scene);
    second.sees(&["attached"]);
    second.keys("/ a u r o r a");
    second.sees(&["› aurora", "1/7", "aurora-labs/Auro"]);
    second.keys("enter enter");
    second.keys("c");
    second.sees(&["Aurora 8B Instruct, GGUF", "lines 1 to "]);
}

#[test]
fn a_second_app_says_when_the_first_has_ended() {
    let scene = Scene::new(|_| {});
    let mut first = app_that_downloads(&scene);
    let mut second = app(&scene);
    second.keys("3");
    second.sees(&["● running"]);
    first.signal(Signal::KILL);
    first.ends();
    second.sees(&["the hfdesk-tui that runs the queue has ended", "quit and start again"]);
    second.keys("k j");
    second.keys("q");
    assert_eq!(second.ends(), 0);
    assert_eq!(scene.state(), "paused", "the next process takes the queue over, whatever the first left behind");
}
