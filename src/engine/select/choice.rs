//! The files that a choice means, before excludes.

use super::{Paths, filter, globs, listed, nothing};
use crate::desk::{Analysis, Choice, Fault, FaultKind, Variant};

/// The most names suggested for one that does not exist.
const SUGGESTIONS: usize = 3;

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
    let mut paths = Paths::new();
    for id in ids {
        let variant = analysis.variant(id).ok_or_else(|| nothing(&format!("there is no variant “{id}”"), analysis))?;
        paths.extend(whole(variant));
    }
    Ok(paths)
}

fn files<'a>(analysis: &'a Analysis, names: &[String]) -> Result<Paths<'a>, Fault> {
    let mut paths = Paths::new();
    for name in names {
        let inside = |path: &str| path.strip_prefix(name.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
        let meant: Vec<&str> = all(analysis).filter(|path| path == name || inside(path)).collect();
        if meant.is_empty() {
            return Err(missing(analysis, name));
        }
        paths.extend(meant);
    }
    Ok(paths)
}

fn missing(analysis: &Analysis, name: &str) -> Fault {
    let mut near: Vec<(usize, &str)> =
        all(analysis).map(|path| (likeness(path, name), path)).filter(|(likeness, _)| *likeness > 0).collect();
    near.sort_by(|one, other| other.cmp(one));
    let fault = Fault::new(FaultKind::EntryNotFound, format!("{} has no file {name}", analysis.repo.id));
    let near: Vec<&str> = near.into_iter().take(SUGGESTIONS).map(|(_, path)| path).collect();
    if near.is_empty() {
        fault.hint("list its files with hfdesk-tui analyze")
    } else {
        fault.hint(format!("the nearest are {}", listed(near)))
    }
}

/// How many characters two paths share at their beginning and end; file names count, folders may differ.
fn likeness(path: &str, name: &str) -> usize {
    let lower = |text: &str| text.rsplit('/').next().unwrap_or_default().to_ascii_lowercase().into_bytes();
    let (path, name) = (lower(path), lower(name));
    let same = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(one, other)| one == other).count();
    let start = same(&mut path.iter().zip(&name));
    let (path, name) = (&path[start..], &name[start..]);
    start + same(&mut path.iter().rev().zip(name.iter().rev()))
}

fn matching<'a>(analysis: &'a Analysis, patterns: &[String]) -> Result<Paths<'a>, Fault> {
    let matcher = globs::matcher(patterns)?;
    let paths: Paths = all(analysis).filter(|path| matcher.is_match(path)).collect();
    if paths.is_empty() {
        return Err(nothing(&format!("no file matches {}", listed(patterns)), analysis));
    }
    Ok(paths)
}
