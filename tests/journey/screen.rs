//! The screen at any size, and the help.

use crate::scene::Scene;
use crate::terminal::Terminal;
use crate::{app, app_that_downloads};

#[test]
fn the_screen_follows_the_terminals_size() {
    let scene = Scene::new(|_| {});
    let mut app = app_that_downloads(&scene);
    for (size, shows) in [((1, 1), ""), ((19, 4), "B/s"), ((20, 5), "running"), ((120, 40), "Repository"), ((80, 24), "Jobs (1)")] {
        app.resize(size);
        app.sees_that(&format!("{shows} at {size:?}"), |screen| !screen.trim().is_empty() && screen.contains(shows));
    }
    assert!(app.runs());
}

#[test]
fn a_garbled_screen_is_drawn_anew() {
    let scene = Scene::new(|_| {});
    let mut app = app(&scene);
    app.garble("Broadcast message from root");
    app.keys("ctrl-l");
    app.sees(&["most downloaded", "lumen-research/Lumen-3B-Base", "no token", "? help"]);
    app.sees_that("no message", |screen| !screen.contains("Broadcast"));
}

#[test]
fn the_smallest_terminal_is_enough_to_start_in() {
    let scene = Scene::new(|_| {});
    let mut app = Terminal::start(&scene.command(""), (1, 1));
    app.sees_that("something", |screen| !screen.trim().is_empty());
    app.resize((80, 24));
    app.sees(&["most downloaded"]);
    app.keys("q");
    assert_eq!(app.ends(), 0);
}

#[test]
fn a_key_pressed_while_the_terminals_size_changes_is_not_lost() {
    let scene = Scene::new(|_| {});
    let mut app = app(&scene);
    app.keys("/");
    let mut typed = String::from("›\u{20}");
    for letter in "abcdefghijklmnopqrstuvwxyz".chars() {
        app.resize(if typed.len() % 2 == 0 { (100, 30) } else { (80, 24) });
        app.keys(&letter.to_string());
        typed.push(letter);
        app.sees(&[&typed]);
    }
}

#[test]
fn a_card_is_read_to_its_end_and_put_away() {
    let scene = Scene::new(|_| {});
    let mut app = app(&scene);
    app.keys("/ a u r o r a");
    app.sees(&["› aurora", "1/7", "aurora-labs/Auro"]);
    app.keys("enter enter");
    app.sees(&["d takes "]);
    app.keys("c");
    app.sees(&["made from  aurora-labs/Aurora-8B-Instruct", "Aurora 8B Instruct, GGUF", "lines 1 to ", "Esc variants"]);
    app.resize((60, 20));
    app.keys("G");
    app.sees_that("the end", |screen| !screen.contains("lines 1 to ") && screen.contains("lines "));
    app.keys("esc");
    app.sees(&["d takes "]);
}

#[test]
fn the_help_lists_keys_and_closes() {
    let scene = Scene::new(|_| {});
    let mut app = app(&scene);
    app.keys("?");
    app.sees(&["Show what the repository offers", "Ask the Hub again"]);
    app.keys("esc");
    app.sees_that("the help is gone", |screen| !screen.contains("Ask the Hub again"));
}
