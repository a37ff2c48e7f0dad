//! Naming variants and files of one repository.

use std::collections::BTreeSet;

use crate::cli::cache::near;
use crate::desk::{CacheContents, CachedSnapshot, CachedVariant, Fault, FaultKind, Globs, RepoKey};

/// The most names listed in a message.
const MOST_NAMES: usize = 12;

/// The files that a path, a folder with a slash at its end or a pattern means in a commit, or in all.
pub(super) fn files(contents: &CacheContents, commit: Option<&str>, wanted: &str) -> Result<Vec<String>, Fault> {
    let there: BTreeSet<&String> = variants(contents, commit).flat_map(|variant| &variant.files).map(|file| &file.path).collect();
    if there.contains(&wanted.to_owned()) {
        return Ok(vec![wanted.to_owned()]);
    }
    let globs = Globs::new(&[wanted.to_owned()]);
    let found: Vec<String> = there.iter().filter(|path| globs.match_any(path)).map(ToString::to_string).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let folder = format!("{wanted}/");
    let hint = if there.iter().any(|path| path.starts_with(&folder)) {
        format!("{wanted} is a folder; write {folder} for all below it")
    } else {
        let perhaps = near::nearest(wanted, there.iter().map(|path| path.as_str())).join(", ");
        let perhaps = if perhaps.is_empty() { perhaps } else { format!("perhaps {perhaps}; ") };
        format!("{perhaps}list its files with: hfdesk-tui cache show --files {}", contents.repo.key)
    };
    Err(Fault::new(FaultKind::EntryNotFound, format!("{} has no file “{wanted}” in the cache", contents.repo.key)).hint(hint))
}

/// The files of the variant with this name in a commit, or in all: the one of that very name, else the only one whose name has it as a part.
pub(super) fn variant(contents: &CacheContents, commit: Option<&str>, name: &str) -> Result<Vec<String>, Fault> {
    let named = |exact| snapshots(contents, commit).map(move |snapshot| of_name(snapshot, name, exact)).collect::<Vec<_>>();
    let exact = named(true);
    let found = if exact.iter().all(Vec::is_empty) { named(false) } else { exact };
    // In each commit one variant is meant, and in all of them what is called the same.
    let several = found.iter().any(|of_one| of_one.len() > 1);
    let found: Vec<&CachedVariant> = found.into_iter().flatten().collect();
    let labels: BTreeSet<&String> = found.iter().map(|variant| &variant.label).collect();
    match labels.len() {
        0 => Err(no_variant(contents, commit, name)),
        1 if !several => Ok(paths(found)),
        _ => Err(ambiguous(contents, name, &found)),
    }
}

fn of_name<'a>(snapshot: &'a CachedSnapshot, name: &str, exact: bool) -> Vec<&'a CachedVariant> {
    snapshot.variants.iter().filter(|variant| variant.is_named(name, exact)).collect()
}

/// Lists what to write instead.
fn ambiguous(contents: &CacheContents, name: &str, found: &[&CachedVariant]) -> Fault {
    let key = &contents.repo.key;
    let names: BTreeSet<String> = found.iter().map(|variant| instead(key, variant, name)).collect();
    Fault::new(FaultKind::Usage, format!("“{name}” means several variants of {key} in the cache"))
        .hint(format!("name one of {}", listed(names.iter().collect())))
}

/// The name of a variant, or its first file where the name is no other than what was written or no model tells it apart.
fn instead(key: &RepoKey, variant: &CachedVariant, written: &str) -> String {
    let is_another = if variant.of.is_empty() { !variant.is_named(written, true) } else { variant.of != variant.id };
    if is_another { variant.name() } else { format!("{key}/{}", variant.id) }
}

fn no_variant(contents: &CacheContents, commit: Option<&str>, name: &str) -> Fault {
    let names: BTreeSet<String> = variants(contents, commit).map(CachedVariant::name).collect();
    Fault::new(FaultKind::NothingMatches, format!("{} has no variant “{name}” in the cache", contents.repo.key))
        .hint(format!("it has {}", listed(names.iter().collect())))
}

fn snapshots<'a>(contents: &'a CacheContents, commit: Option<&str>) -> impl Iterator<Item = &'a CachedSnapshot> {
    contents.snapshots.iter().filter(move |snapshot| commit.is_none_or(|commit| snapshot.commit == commit))
}

fn variants<'a>(contents: &'a CacheContents, commit: Option<&str>) -> impl Iterator<Item = &'a CachedVariant> {
    snapshots(contents, commit).flat_map(|snapshot| &snapshot.variants)
}

fn paths(variants: Vec<&CachedVariant>) -> Vec<String> {
    let paths: BTreeSet<&String> = variants.into_iter().flat_map(|variant| &variant.files).map(|file| &file.path).collect();
    paths.into_iter().cloned().collect()
}

fn listed(labels: BTreeSet<&String>) -> String {
    let more = labels.len().saturating_sub(MOST_NAMES);
    let names: Vec<&str> = labels.into_iter().take(MOST_NAMES).map(String::as_str).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    if more > 0 { format!("{names} and {more} more") } else { names }
}
