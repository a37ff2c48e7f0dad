//! What a filter such as `q4_k_m` means.
//!
//! It names variants if it can: wholly, or by segments of their label (`q6_k` also means `Q6_K_L`, unless it is exact). Else it is
//! looked for in paths. Case makes no difference, nor does `-` for `_`. In a GGUF repository nothing but the matches is meant, and the
//! projectors of what is named; elsewhere the files that they need come along.
//!
//! An exact filter that names no variant means, as in HFDesk: with a slash at its end, what is in folders of that name; with a dot at its
//! beginning, files that end so; with another slash, the file of that path; else files with that segment in their path.

use std::collections::HashSet;
use std::slice::from_ref;

use super::choice::whole;
use super::{Paths, offer};
use crate::desk::{Analysis, Fault, Variant, alike};

/// The paths that filters mean, together. One that means nothing is a fault, even beside others that do.
pub(super) fn paths<'a>(analysis: &'a Analysis, filters: &[String], exact: bool) -> Result<Paths<'a>, Fault> {
    let mut paths = Paths::new();
    for filter in filters {
        let meant = meant(analysis, filter.trim(), exact);
        if meant.is_empty() {
            return Err(offer::no_variant(analysis, &format!("nothing matches “{filter}”"), from_ref(filter)));
        }
        paths.extend(meant);
    }
    if paths.is_empty() {
        return Err(offer::no_variant(analysis, "no filter was given: nothing matches", filters));
    }
    Ok(paths)
}

fn meant<'a>(analysis: &'a Analysis, filter: &str, exact: bool) -> Paths<'a> {
    if filter.is_empty() {
        return Paths::new();
    }
    let variants = analysis.named(filter, exact);
    if !variants.is_empty() {
        return variants.into_iter().flat_map(whole).collect();
    }
    let matches = |path: &str| if exact { is_exact(path, filter) } else { alike(path).contains(&alike(filter)) };
    let found: Paths = analysis.files.iter().map(|file| file.path.as_str()).filter(|path| matches(path)).collect();
    with_companions(analysis, found)
}

/// Whether a path is one that an exact filter means, by the filter's form.
fn is_exact(path: &str, filter: &str) -> bool {
    let (path, filter) = (path.to_ascii_lowercase(), filter.to_ascii_lowercase());
    if filter.ends_with('/') {
        format!("/{path}").contains(&format!("/{filter}"))
    } else if filter.starts_with('.') {
        path.ends_with(&filter)
    } else if filter.contains('/') {
        path == filter
    } else {
        has_segment(&path, &filter)
    }
}

/// Whether a path has a filter between separators: `-`, `.`, a space or a slash. An underscore separates nothing: `q6_k` is not in `q6_k_l`.
fn has_segment(path: &str, filter: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| matches!(c, '-' | '.' | ' ' | '/'));
    path.match_indices(filter).any(|(at, _)| edge(path[..at].chars().next_back()) && edge(path[at + filter.len()..].chars().next()))
}

/// What was found, with the companions of the variants that it has weights of.
///
/// A variant of which only a part was found does not bring along what is a variant, too: a projector, or a pipeline's other weights.
fn with_companions<'a>(analysis: &'a Analysis, found: Paths<'a>) -> Paths<'a> {
    let own: HashSet<&str> = analysis.variants.iter().flat_map(|variant| &variant.files).map(String::as_str).collect();
    let companions = |variant: &'a Variant| variant.companions.iter().map(String::as_str);
    let supports: HashSet<&str> = analysis.variants.iter().flat_map(companions).filter(|path| !own.contains(path)).collect();
    let brought = |variant: &'a Variant| {
        let hits = variant.files.iter().filter(|path| found.contains(path.as_str())).count();
        let (hit, whole) = (hits > 0, hits == variant.files.len());
        companions(variant).filter(|path| hit && (whole || supports.contains(path))).collect::<Vec<_>>()
    };
    let brought: Paths = analysis.variants.iter().flat_map(brought).collect();
    found.into_iter().chain(brought).collect()
}
