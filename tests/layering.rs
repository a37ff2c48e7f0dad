//! Holds the house's layering: reads every import under `src/` and checks it against the table of what each wing may know.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder or file below `src/` with rules of its own; the longest name that fits a file is its wing.
struct Wing {
    name: &'static str,
    /// The wings it may import; `x/*` means every wing inside `x`.
    imports: &'static [&'static str],
    /// Crates and modules of `std` that it must not mention.
    ignorant_of: &'static [&'static str],
}

const fn wing(name: &'static str, imports: &'static [&'static str], ignorant_of: &'static [&'static str]) -> Wing {
    Wing { name, imports, ignorant_of }
}

const HOUSE: &[Wing] = &[
    wing("main", &["launch"], &["tokio", "reqwest", "ratatui", "axum"]),
    wing("launch", &["desk", "engine", "engine/*", "hubserver", "tui", "tui/*", "cli", "api"], &["ratatui", "reqwest", "axum"]),
    wing("desk", &[], &["tokio", "reqwest", "axum", "ratatui", "crossterm", "std::fs", "std::net", "std::process", "std::env"]),
    wing("engine", &["desk", "engine/*"], &["axum", "ratatui", "crossterm", "clap"]),
    wing("engine/config", &["desk"], &["tokio", "reqwest", "ratatui", "clap"]),
    wing("engine/digest", &["desk"], &["tokio", "reqwest", "std::fs", "std::net", "ratatui", "clap"]),
    wing("engine/host", &["desk"], &["reqwest", "axum", "ratatui", "clap"]),
    wing("engine/net", &["desk", "engine/config"], &["axum", "ratatui", "crossterm", "clap"]),
    wing("engine/hub", &["desk", "engine/config", "engine/net"], &["std::fs", "ratatui", "clap"]),
    wing("engine/analyze", &["desk", "engine/hub"], &["tokio", "reqwest", "std::fs", "std::net", "ratatui", "clap"]),
    wing("engine/select", &["desk"], &["tokio", "reqwest", "std::fs", "std::net", "ratatui", "clap"]),
    wing("engine/cache", &["desk", "engine/digest", "engine/host"], &["tokio", "reqwest", "std::net", "ratatui", "clap"]),
    wing("engine/transfer", &["desk", "engine/digest", "engine/host", "engine/net"], &["ratatui", "clap"]),
    wing("engine/job", &["desk", "engine/host"], &["reqwest", "std::net", "ratatui", "clap"]),
    wing("tui", &["desk", "tui/*"], &["reqwest", "axum", "clap", "std::net"]),
    wing("tui/app", &["desk"], &["tokio", "reqwest", "std::fs", "std::net", "std::env", "ratatui", "crossterm"]),
    wing("tui/ui", &["desk", "tui/app"], &["tokio", "reqwest", "std::fs", "std::net", "std::env"]),
    wing("tui/term", &["desk", "tui/app"], &["reqwest", "axum", "clap", "std::net"]),
    wing("api", &["desk"], &["ratatui", "clap"]),
    wing("cli", &["desk"], &["reqwest", "axum", "ratatui", "std::net::Tcp"]),
    wing("hubserver", &["desk"], &["reqwest", "ratatui", "clap"]),
];

#[test]
fn every_import_points_down() {
    let mut wrong = BTreeSet::new();
    for file in rust_files(Path::new("src")) {
        let module = module_of(&file);
        let Some(wing) = wing_of(&module) else {
            if module != "lib" {
                wrong.insert(format!("{} belongs to no wing of the table", file.display()));
            }
            continue;
        };
        let code = without_comments_and_strings(&fs::read_to_string(&file).unwrap());
        wrong.extend(imports_up(&module, wing, &code).map(|up| format!("{} ({}) imports {up}", file.display(), wing.name)));
        let forbidden = wing.ignorant_of.iter().filter(|name| mentions(&code, name));
        wrong.extend(forbidden.map(|name| format!("{} ({}) mentions {name}", file.display(), wing.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_check_sees_what_it_should() {
    let ups = |module: &str, code: &str| imports_up(module, wing_of(module).unwrap(), code).collect::<Vec<_>>();
    assert_eq!(ups("desk/job", "use crate::engine::host::Clock;"), ["engine/host"]);
    assert_eq!(ups("engine/cache/scan", "use crate::engine::{host::space, hub::Hub};"), ["engine/hub"]);
    assert_eq!(ups("engine/cache/scan", "use super::super::hub::Hub;"), ["engine/hub"]);
    assert_eq!(ups("tui/app/keys", "fn f(x: crate::tui::ui::Theme) {}"), ["tui/ui"]);
    assert!(ups("tui/runtime", "use super::{app::App, ui::view}; use crate::desk::Desk;").is_empty());
    assert_eq!(wing_of("engine/mod").unwrap().name, "engine");
    assert!(mentions("let x = tokio::spawn(y);", "tokio") && !mentions("use tokio_util::x;", "tokio"));
    let text = without_comments_and_strings("a // crate::x\n/* crate::y */ \"crate::z\" '\"' b");
    assert!(!text.contains("crate") && text.contains('b'));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.ends_with("tests.rs") {
            // A module of tests may bring in whatever it compares with.
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// A file's module path with `/`: `src/engine/hub/mod.rs` is `engine/hub`.
fn module_of(file: &Path) -> String {
    let path = file.strip_prefix("src").unwrap().with_extension("");
    path.to_str().unwrap().trim_end_matches("/mod").to_owned()
}

/// The row of the longest wing name that is the module or one of its ancestors.
fn wing_of(module: &str) -> Option<&'static Wing> {
    let inside = |name: &str| module == name || module.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
    HOUSE.iter().filter(|row| inside(row.name)).max_by_key(|row| row.name.len())
}

/// The wings that the code imports and its wing may not.
fn imports_up<'a>(module: &'a str, wing: &'static Wing, code: &'a str) -> impl Iterator<Item = String> + 'a {
    let (own, tests) = code.split_at(code.find("mod tests {").unwrap_or(code.len()));
    let in_tests = paths(tests).into_iter().filter_map(move |path| absolute(&format!("{module}/tests"), &path));
    let targets = paths(own).into_iter().filter_map(move |path| absolute(module, &path)).chain(in_tests);
    let others = targets.filter_map(|target| wing_of(&target).map(|row| row.name.to_owned())).filter(move |other| other != wing.name);
    others.filter(move |other| !wing.imports.iter().any(|allowed| allowed == other || is_child(allowed, other)))
}

/// Whether `allowed` is `parent/*` and `other` lies in that parent.
fn is_child(allowed: &str, other: &str) -> bool {
    allowed.strip_suffix('*').is_some_and(|parent| other.starts_with(parent))
}

/// Every path in the code that begins with `crate` or `super`, one for each leaf of a braced list.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for keyword in ["crate::", "super::"] {
        for (at, _) in code.match_indices(keyword) {
            let fresh = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if fresh {
                expand(&code[at..], "", &mut found);
            }
        }
    }
    found
}

/// Reads one path or braced tree of paths; answers how much of the text it took.
fn expand(text: &str, prefix: &str, found: &mut Vec<String>) -> usize {
    let mut at = 0;
    let mut path = prefix.to_owned();
    loop {
        let word: String = text[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        at += word.len();
        path.push_str(&word);
        if text[at..].starts_with("::") {
            at += 2;
            path.push('/');
            if text[at..].starts_with('{') {
                return at + expand_list(&text[at..], &path, found);
            }
        } else {
            found.push(path);
            return at;
        }
    }
}

fn expand_list(text: &str, prefix: &str, found: &mut Vec<String>) -> usize {
    let mut at = 1;
    while let Some(c) = text[at..].chars().next() {
        match c {
            '}' => return at + 1,
            c if c.is_alphanumeric() || c == '_' => at += expand(&text[at..], prefix, found),
            c => at += c.len_utf8(),
        }
    }
    at
}

/// The module that a `crate/…` or `super/…` path means, seen from a module.
fn absolute(module: &str, path: &str) -> Option<String> {
    let mut here: Vec<&str> = module.split('/').collect();
    let mut parts = path.split('/').peekable();
    if parts.next_if_eq(&"crate").is_some() {
        here.clear();
    }
    while parts.next_if_eq(&"super").is_some() {
        here.pop()?;
    }
    here.extend(parts);
    Some(here.join("/"))
}

/// Whether the code mentions a crate or module by path.
fn mentions(code: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let after = &code[at + name.len()..];
        !code[..at].ends_with(|c| word(c) || c == ':')
            && (after.starts_with("::") || (code[..at].ends_with("use ") && after.starts_with(';')))
    })
}

/// The code with comments, string and character literals blanked out.
fn without_comments_and_strings(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("'\"'") {
            3
        } else if c == '"' {
            string_length(rest)
        } else {
            code.push(c);
            c.len_utf8()
        };
        rest = &rest[skip..];
    }
    code
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}
