//! What there is, for whoever asks for what there is not: in the order to show it or, where that is much, what comes nearest first.

use std::cmp::Reverse;
use std::slice::from_ref;

use crate::desk::{Analysis, Fault, FaultKind, alike, bytes};

/// The most variants that a hint names.
const MOST_VARIANTS: usize = 12;
/// The most files that a hint names: their paths are long.
const MOST_FILES: usize = 5;

/// A fault that says which variants there are; where they are only all files together, which files.
pub(super) fn no_variant(analysis: &Analysis, message: &str, wanted: &[String]) -> Fault {
    let fault = Fault::new(FaultKind::NothingMatches, format!("{message} in {}", analysis.repo.id));
    match &analysis.variants[..] {
        [only] if only.files.len() == analysis.files.len() => fault.hint(files(analysis, wanted)),
        variants => fault.hint(told(variants.iter().map(|variant| (variant.id.as_str(), variant.size)).collect(), wanted, MOST_VARIANTS)),
    }
}

/// A fault that says which files there are instead of one that is not.
pub(super) fn no_file(analysis: &Analysis, name: &String) -> Fault {
    let message = format!("there is no file {name} in {}", analysis.repo.id);
    Fault::new(FaultKind::EntryNotFound, message).hint(files(analysis, from_ref(name)))
}

fn files(analysis: &Analysis, wanted: &[String]) -> String {
    told(analysis.files.iter().map(|file| (file.path.as_str(), file.size)).collect(), wanted, MOST_FILES)
}

fn told(mut offered: Vec<(&str, u64)>, wanted: &[String], most: usize) -> String {
    let more = offered.len().saturating_sub(most);
    if more > 0 {
        let likeness = |name: &str| wanted.iter().map(|wanted| likeness(name, wanted)).max();
        offered.sort_by_cached_key(|(name, _)| Reverse(likeness(name)));
    }
    let names: Vec<String> = offered.iter().take(most).map(|(name, size)| format!("{name} ({})", bytes(*size))).collect();
    match (names.join(", "), more) {
        (names, _) if names.is_empty() => "the repository is empty".to_owned(),
        (names, 0) => format!("there is {names}"),
        (names, more) => format!("there is {names} and {more} more"),
    }
}

/// How many characters two names share at their beginning and end; file names count, folders may differ.
fn likeness(one: &str, other: &str) -> usize {
    let name = |text: &str| alike(text.rsplit('/').next().unwrap_or_default()).into_bytes();
    let (one, other) = (name(one), name(other));
    let start = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let ends = one.iter().skip(start).rev().zip(other.iter().skip(start).rev());
    start + ends.take_while(|(one, other)| one == other).count()
}
