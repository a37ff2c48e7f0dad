//! From a choice to a plan: exactly which files it means. Pure; knows nothing of HTTP or the disk.

mod choice;
mod filter;
mod offer;
mod title;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use crate::desk::{Analysis, Fault, FaultKind, Globs, LeftFile, Plan, PlannedFile, RepoFile, Selection};

/// The most names listed in a message.
const MOST_NAMES: usize = 12;

/// What a selection means in an analysed repository: which files it takes and, with the names, which it leaves.
///
/// What only the disk knows is left to the caller: [`PlannedFile::held`] is 0, [`Plan::destination`] empty and
/// [`Plan::disk_free`] unknown. Excludes win over every choice. A choice that means no file is a `NothingMatches` fault that lists what there is.
pub fn plan(analysis: &Analysis, selection: &Selection) -> Result<Plan, Fault> {
    let mut chosen = choice::paths(analysis, &selection.choice)?;
    if chosen.is_empty() {
        return Err(offer::no_variant(analysis, "nothing is chosen", &[]));
    }
    let excluded = Globs::new(&selection.excludes);
    chosen.retain(|path| !excluded.match_any(path));
    if chosen.is_empty() {
        return Err(Fault::new(FaultKind::NothingMatches, format!("the excludes leave nothing to download from {}", analysis.repo.id))
            .hint("leave out fewer files"));
    }
    let files: Vec<&RepoFile> = analysis.files.iter().filter(|file| chosen.contains(file.path.as_str())).collect();
    let left = left(analysis, &chosen);
    Ok(Plan {
        repo: selection.repo.clone(),
        commit: analysis.commit.clone(),
        title: title::title(analysis, &chosen),
        files: planned(&files)?,
        left_files: left.len(),
        left_bytes: left.iter().map(|file| file.size).sum(),
        left,
        local_dir: selection.local_dir.clone(),
        destination: PathBuf::new(),
        disk_free: None,
    })
}

/// A set of paths of one analysis.
type Paths<'a> = BTreeSet<&'a str>;

/// The files that were not chosen, with the variants that were not chosen at all.
fn left(analysis: &Analysis, chosen: &Paths) -> Vec<LeftFile> {
    let untouched = analysis.variants.iter().filter(|variant| !variant.files.iter().any(|path| chosen.contains(path.as_str())));
    let owners: HashMap<&str, &str> =
        untouched.flat_map(|variant| variant.files.iter().map(|path| (path.as_str(), variant.id.as_str()))).collect();
    let left = analysis.files.iter().filter(|file| !chosen.contains(file.path.as_str()));
    let variant = |path: &str| owners.get(path).map(|id| (*id).to_owned());
    left.map(|file| LeftFile { path: file.path.clone(), size: file.size, variant: variant(&file.path) }).collect()
}

fn planned(files: &[&RepoFile]) -> Result<Vec<PlannedFile>, Fault> {
    let unnamed: Vec<&str> = files.iter().filter(|file| file.digest.is_none()).map(|file| file.path.as_str()).collect();
    if !unnamed.is_empty() {
        return Err(Fault::new(FaultKind::BadReply, format!("the Hub does not tell the digest of {}", listed(unnamed)))
            .hint("these files could not be verified; leave them out with --exclude"));
    }
    let plan = |file: &&RepoFile| {
        let digest = file.digest.clone()?;
        Some(PlannedFile { path: file.path.clone(), size: file.size, digest, xet_hash: file.xet_hash.clone(), held: 0 })
    };
    Ok(files.iter().filter_map(plan).collect())
}

/// The first names, and how many more there are.
fn listed(names: impl IntoIterator<Item = impl Into<String>>) -> String {
    let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests;
