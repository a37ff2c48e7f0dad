//! What goes wrong is told with what to do, and can be tried again.

use hfdesk_tui::hubserver::{AcceptedToken, Effect, FaultPlan, FaultRule, Grant, HubConfig, HubServer, Side};
use tokio::runtime::Runtime;

use crate::machine::Machine;
use crate::scene::{AURORA, Q4, Scene};
use crate::terminal::{Terminal, until};
use crate::{app, ask_for_the_file, hub};

const GATED: &str = "helios-systems/Helios-7B-Instruct";

#[test]
fn a_gated_repository_says_how_to_get_access_before_anything_is_queued() {
    let scene = Scene::new(|_| {});
    let mut app = app(&scene);
    app.paste(GATED);
    app.sees(&["is gated, and no token is set", "read at the start)"]);
    app.keys("d");
    app.sees(&["HF_TOKEN", "Esc dismisses"]);
    assert_eq!(scene.jobs().len(), 0, "nothing was queued");
}

#[test]
fn a_gate_that_opens_is_seen_by_asking_again() {
    let faults = FaultPlan::default();
    let refusal = |words: &str| {
        let headers = [("x-error-code", "GatedRepo"), ("x-error-message", words)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        FaultRule {
            side: Side::Hub,
            path_contains: format!("{GATED}/resolve/"),
            times: 1000,
            effect: Effect::Status(403, headers.to_vec()),
        }
    };
    faults.inject(refusal(&format!("Your request to access model {GATED} is awaiting a review from the repo authors.")));
    let token = AcceptedToken { token: "hf_ada".to_owned(), user: "ada".to_owned(), grant: Grant::Granted };
    let scene = Scene::new(|config| (config.faults, config.tokens) = (faults.clone(), vec![token]));
    let mut app = Terminal::start(scene.command("").env("HF_TOKEN", "hf_ada"), (120, 40));
    app.sees(&["most downloaded", "updated"]);
    app.paste(GATED);
    app.sees(&["is gated, and the", "request for access waits for its owner's review (r", "it will show at"]);
    faults.clear();
    app.keys("r");
    app.sees(&["gated: access granted to this token"]);
    app.keys("d");
    app.sees(&["Enter download"]);
}

#[test]
fn keys_are_answered_while_a_listing_does_not_come() {
    let faults = FaultPlan::default();
    faults.inject(FaultRule { side: Side::Hub, path_contains: "/tree/".to_owned(), times: 1000, effect: Effect::Silence });
    let scene = Scene::new(|config| config.faults = faults.clone());
    let mut app = app(&scene);
    app.paste(AURORA);
    app.sees(&["Repository", "reading"]);
    app.keys("?");
    app.sees(&["Ask the Hub again"]);
    app.keys("esc");
    app.sees_that("the pane again", |screen| screen.contains("reading") && !screen.contains("Ask the Hub again"));
    app.keys("3");
    app.sees(&["The queue is empty"]);
    faults.clear();
    app.keys("2 r");
    app.sees(&["d takes "]);
}

#[test]
fn a_repository_or_variant_that_is_not_there_is_named() {
    let scene = Scene::new(|_| {});
    let mut app = app(&scene);
    app.paste("aurora-labs/no-such-model");
    app.sees(&["has no model aurora-labs/no-such-model", "check the spelling", "r tries again"]);
    app.paste(&format!("{AURORA}:q9_z"));
    app.sees(&["apache-2.0", "no variant here is called q9_z", "d takes "]);
}

#[test]
fn a_failed_download_stays_with_its_reason_until_it_is_tried_again() {
    let faults = FaultPlan::default();
    faults.inject(FaultRule { side: Side::Cdn, path_contains: Q4.to_owned(), times: 1000, effect: Effect::Status(410, Vec::new()) });
    let scene = Scene::new(|config| (config.faults, config.rate) = (faults.clone(), None));
    let mut app = app(&scene);
    ask_for_the_file(&mut app);
    app.sees(&["Enter download"]);
    app.keys("enter 3");
    app.sees(&["▲ failed", "the server answered 410 Gone", "look at the repository again", "1 failed", "Esc dismisses"]);
    faults.clear();
    app.keys("r");
    app.sees(&["✓ completed"]);
    scene.has_the_file();
}

#[test]
fn a_hub_that_comes_up_later_is_asked_again() {
    let (runtime, samples, machine) = (Runtime::new().unwrap(), hub::samples(), Machine::new());
    let start = |config| runtime.block_on(HubServer::start(config));
    // On an address of its own, where nobody takes the port meanwhile; other systems have no second one.
    let own = if cfg!(target_os = "linux") { "127.77.0.1:0" } else { "127.0.0.1:0" };
    let first = start(HubConfig { bind: own.parse().unwrap(), ..HubConfig::new(samples.path()) }).unwrap();
    let endpoint = first.endpoint();
    runtime.block_on(first.stop());
    let mut app = Terminal::start(&machine.command(&endpoint), (80, 24));
    app.sees(&[
        "refuses the connection",
        "check the port, and that the server runs",
        "r tries again",
        "What is in the cache works without a Hub",
    ]);
    let bind = endpoint.strip_prefix("http://").unwrap().parse().unwrap();
    let again = || start(HubConfig { bind, ..HubConfig::new(samples.path()) }).ok();
    let _hub = until(again, || format!("{endpoint} and the port after it are free"));
    app.keys("r");
    app.sees(&["lumen-research/Lumen-3B-Base"]);
}
