//! Another revision of a repository.

use crate::scene::Scene;
use crate::{app, app_that_downloads};

#[test]
fn a_tag_is_chosen_and_its_files_are_seen() {
    let scene = Scene::new(|_| {});
    let mut app = app(&scene);
    app.paste("lumen-research/Lumen-3B-Base");
    app.sees(&["Lumen-3B-Base  model @ main", "d takes "]);
    app.keys("v");
    app.sees(&["now @ main", "long-context", "v1.1", "v1.0", "Release 1.0", "1/7"]);
    app.keys("j j j");
    app.sees(&["4/7"]);
    app.keys("enter");
    app.sees(&["Lumen-3B-Base  model @ v1.0", "in 8 files", "d takes "]);
    app.keys("v");
    app.sees(&["now @ v1.0", "4/6", "Describe what is to come"]);
    app.keys("k k enter");
    app.sees(&["model @ long-context", "in 3 files"]);
}

#[test]
fn a_revision_that_is_not_there_leads_to_those_that_are() {
    let scene = Scene::new(|_| {});
    let mut app = app(&scene);
    app.paste("lumen-research/Lumen-3B-Base@v9");
    app.sees(&["model @ v9", "has no revision v9"]);
    app.keys("v");
    app.sees(&["now @ v9", "long-context", "v1.0", "1/4"]);
    app.keys("enter");
    app.sees(&["model @ main", "d takes "]);
}

#[test]
fn a_second_app_lists_revisions_through_the_first() {
    let scene = Scene::new(|_| {});
    let _first = app_that_downloads(&scene);
    let mut second = app(&scene);
    second.sees(&["attached"]);
    second.paste("lumen-research/Lumen-3B-Base");
    second.sees(&["d takes "]);
    second.keys("v");
    second.sees(&["long-context", "Release 1.0", "1/7"]);
}

#[test]
fn a_revision_can_be_pasted_with_the_repository() {
    let scene = Scene::new(|_| {});
    let mut app = app(&scene);
    app.paste("lumen-research/Lumen-3B-Base@v1.0");
    app.sees(&["model @ v1.0", "in 8 files"]);
    app.paste("https://hub.example/lumen-research/Lumen-3B-Base");
    app.sees(&["the link leads to https://hub.example"]);
}
