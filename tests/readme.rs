//! The README's table of keys is the registry's. `UPDATE_README=1` writes it anew.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop at the first surprise

use std::fmt::Write;
use std::path::Path;

use hfdesk_tui::tui::app::Pane;
use hfdesk_tui::tui::app::actions::{Context, Entry, entries, written};

const BEGIN: &str = "<!-- keys: written by tests/readme.rs -->\n";
const END: &str = "<!-- end of keys -->";

#[test]
fn the_table_of_keys_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the table begins");
    let (committed, after) = rest.split_once(END).expect("the table ends");
    let table = table();
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert!(committed == table, "the README's keys are stale: run this test with UPDATE_README=1");
}

fn table() -> String {
    let panes = Pane::ALL.into_iter().map(|pane| (format!("{pane:?}"), Context::In(pane)));
    let shared = [("every list".to_owned(), Context::List), ("everywhere".to_owned(), Context::Global)];
    let mut table = "| where | key | what it does |\n|---|---|---|\n".to_owned();
    for (place, context) in panes.chain(shared) {
        for (at, entry) in entries(context).enumerate() {
            let place = if at == 0 { place.as_str() } else { "" };
            writeln!(table, "| {place} | {} | {} |", keys(entry), entry.doc).unwrap();
        }
    }
    table
}

fn keys(entry: &Entry) -> String {
    entry.keys.iter().map(|keys| format!("`{}`", written(keys))).collect::<Vec<_>>().join(", ")
}
