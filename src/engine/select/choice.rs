//! The files that a choice means, before excludes.

use std::collections::HashMap;
use std::slice::from_ref;

use super::{Paths, filter, listed, offer};
use crate::desk::{Analysis, Choice, Fault, Globs, Variant};

/// The paths that a choice means.
pub(super) fn paths<'a>(analysis: &'a Analysis, choice: &Choice) -> Result<Paths<'a>, Fault> {
    match choice {
        Choice::Everything => Ok(all(analysis).collect()),
        Choice::Variants(ids) => variants(analysis, ids),
        Choice::Filters { filters, exact } => filter::paths(analysis, filters, *exact),
        Choice::Files(names) => files(analysis, names),
        Choice::Globs(patterns) => matching(analysis, patterns),
    }
}

fn all(analysis: &Analysis) -> impl Iterator<Item = &str> {
    analysis.files.iter().map(|file| file.path.as_str())
}

/// A variant's own files and those that come along.
pub(super) fn whole(variant: &Variant) -> impl Iterator<Item = &str> {
    variant.files.iter().chain(&variant.companions).map(String::as_str)
}

fn variants<'a>(analysis: &'a Analysis, ids: &[String]) -> Result<Paths<'a>, Fault> {
    let known: HashMap<&str, &Variant> = analysis.variants.iter().map(|variant| (variant.id.as_str(), variant)).collect();
    let mut paths = Paths::new();
    for id in ids {
        let unknown = || offer::no_variant(analysis, &format!("there is no variant “{id}”"), from_ref(id));
        paths.extend(whole(known.get(id.as_str()).ok_or_else(unknown)?));
    }
    Ok(paths)
}

fn files<'a>(analysis: &'a Analysis, names: &[String]) -> Result<Paths<'a>, Fault> {
    let mut paths = Paths::new();
    for name in names {
        let inside = |path: &str| path.strip_prefix(name.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
        let meant: Vec<&str> = all(analysis).filter(|path| path == name || inside(path)).collect();
        if meant.is_empty() {
            return Err(offer::no_file(analysis, name));
        }
        paths.extend(meant);
    }
    Ok(paths)
}

fn matching<'a>(analysis: &'a Analysis, patterns: &[String]) -> Result<Paths<'a>, Fault> {
    let globs = Globs::new(patterns);
    let paths: Paths = all(analysis).filter(|path| globs.match_any(path)).collect();
    if paths.is_empty() {
        return Err(offer::no_variant(analysis, &format!("no file matches {}", listed(patterns)), patterns));
    }
    Ok(paths)
}
