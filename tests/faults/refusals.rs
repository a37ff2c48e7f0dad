//! Servers that refuse: for a moment, for a while, or for good.

use hfdesk_tui::hubserver::{AcceptedToken, Grant};

use super::*;

fn status(status: u16) -> Effect {
    Effect::Status(status, Vec::new())
}

fn asks_to_wait(status: u16, name: &str, value: &str) -> Effect {
    Effect::Status(status, vec![(name.to_owned(), value.to_owned())])
}

#[test]
fn a_hub_that_is_down_for_a_moment_is_tried_again() {
    let row = Row::new(MIB);
    row.inject_at("/api/models/bench/faults/revision", Side::Hub, 1, status(500));
    row.inject_at("/tree/", Side::Hub, 1, status(502));
    row.inject(Side::Hub, 1, status(503));
    for code in [500, 502, 503, 504] {
        row.inject(Side::Cdn, 1, status(code));
    }
    row.download().succeeded();
    row.assert_placed();
    assert_eq!((row.sent(), row.hub.stats().cdn_requests), (row.size(), 5));
}

#[test]
fn a_hub_that_stays_down_is_told_and_nothing_is_queued() {
    let row = Row::new(MIB);
    row.inject_at("/api/", Side::Hub, ALWAYS, asks_to_wait(503, "retry-after", "0"));
    row.download().failed_with(5, "unavailable", "cannot serve now (503", "try again later");
    row.assert_clean();
    assert!(row.jobs().is_empty());
    row.heals();
}

#[test]
fn a_file_server_that_stays_down_ends_the_job_and_what_came_is_kept() {
    each([500, 502, 503], |code| {
        let row = Row::new(2 * MIB);
        row.come_to(MIB);
        row.inject(Side::Cdn, ALWAYS, status(code));
        row.download().failed_with(5, "unavailable", &code.to_string(), "try again later");
        row.assert_nothing_placed();
        assert_eq!(row.held(), MIB);
        row.heals();
    });
}

#[test]
fn who_asks_to_wait_is_waited_for() {
    let limit = || asks_to_wait(429, "ratelimit", "\"resolvers\";r=0;t=1");
    let rows = [
        ("/api/models", Side::Hub, asks_to_wait(429, "retry-after", "1")),
        (FILE, Side::Hub, limit()),
        (FILE, Side::Cdn, limit()),
        (FILE, Side::Cdn, asks_to_wait(429, "retry-after", "1")),
    ];
    each(rows, |(path, side, effect)| {
        let row = Row::new(MIB);
        row.inject_at(path, side, 1, effect);
        let ending = row.download();
        ending.succeeded();
        row.assert_placed();
        assert!(ending.took >= Duration::from_secs(1), "{:?}", ending.took);
        assert_eq!(row.sent(), row.size());
    });
}

#[test]
fn who_asks_for_too_long_a_wait_is_not_waited_for() {
    each([("/api/models", Side::Hub), (FILE, Side::Hub), (FILE, Side::Cdn)], |(path, side)| {
        let row = Row::new(MIB);
        row.inject_at(path, side, ALWAYS, asks_to_wait(429, "retry-after", "4000"));
        let (message, hint) = row.download().failed(5, "rate_limited");
        assert!(message.contains("to wait") && (hint.contains("later") || hint.contains("after that time")), "{message} / {hint}");
        row.assert_nothing_placed();
        row.heals();
    });
}

#[test]
fn a_file_server_that_refuses_for_good_ends_the_job() {
    each([(400, 3, "forbidden"), (401, 3, "unauthorized"), (403, 3, "forbidden"), (404, 4, "entry_not_found")], |(code, exit, kind)| {
        let row = Row::new(2 * MIB);
        row.come_to(MIB);
        row.inject(Side::Cdn, ALWAYS, status(code));
        let (message, hint) = row.download().failed(exit, kind);
        assert!(
            message.contains(FILE) && hint.contains("; then run the same command"),
            "what to do before trying again: {message} / {hint}"
        );
        row.assert_nothing_placed();
        assert_eq!(row.held(), MIB);
        row.heals();
    });
}

#[test]
fn a_hub_that_refuses_the_file_ends_the_job() {
    each([(401, 4, "repo_not_found"), (403, 3, "forbidden"), (404, 4, "entry_not_found")], |(code, exit, kind)| {
        let row = Row::new(MIB);
        row.inject(Side::Hub, ALWAYS, status(code));
        let (_, hint) = row.download().failed(exit, kind);
        assert!(hint.contains("; then run the same command"), "what to do before trying again: {hint}");
        row.assert_clean();
        row.heals();
    });
}

/// What a download is answered when a Hub with accounts knows this token, and the repository is gated.
fn gated(token: Option<&str>) -> (Row, Ending) {
    let accept = |token: &str, grant| AcceptedToken { token: token.to_owned(), user: "ada".to_owned(), grant };
    let row = Row::with(MIB, |config| config.tokens = vec![accept("granted", Grant::Granted), accept("plain", Grant::NotAsked)]);
    row.machine.put(REPO, ".hub.toml", b"gated = \"manual\"\n");
    let ending = row::Started::new(row.command().envs(token.map(|token| ("HF_TOKEN", token)))).end();
    (row, ending)
}

#[test]
fn who_may_not_have_the_file_is_told_how_to_get_it() {
    for (token, kind, hint) in
        [(None, "gated", "then log in"), (Some("plain"), "gated", "accept the terms"), (Some("wrong"), "unauthorized", "HF_TOKEN")]
    {
        let (row, ending) = gated(token);
        let (_, told) = ending.failed(3, kind);
        assert!(told.contains(hint), "{told}");
        row.assert_clean();
        assert_eq!(row.sent(), 0);
    }
    let (row, ending) = gated(Some("granted"));
    ending.succeeded();
    row.assert_placed();
}

#[test]
fn what_is_not_there_is_told_before_anything_is_queued() {
    let row = Row::new(MIB);
    for (line, kind) in [
        ("download bench/other --json", "repo_not_found"),
        ("download bench/faults --revision v9 --json", "revision_not_found"),
        ("download bench/faults other.gguf --json", "entry_not_found"),
    ] {
        let (_, hint) = row::Started::new(&mut row.program(line)).end().failed(4, kind);
        assert!(!hint.is_empty(), "{line}");
    }
    row.assert_clean();
    assert!(row.jobs().is_empty());
}
