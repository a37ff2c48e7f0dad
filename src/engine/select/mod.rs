//! From a choice to a plan: exactly which files it means. Pure; knows nothing of HTTP or the disk.

mod choice;
mod filter;
mod globs;
mod title;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::desk::{Analysis, Fault, FaultKind, Plan, PlannedFile, RepoFile, Selection, bytes};

/// The most names listed in a hint.
const MOST_NAMES: usize = 12;

/// What a selection means in an analysed repository.
///
/// What only the disk knows is left to the caller: [`PlannedFile::held`] is 0, [`Plan::destination`] empty and
/// [`Plan::disk_free`] unknown. Excludes win over every choice. A choice that means no file is a `NothingMatches` fault that lists what there is.
pub fn plan(analysis: &Analysis, selection: &Selection) -> Result<Plan, Fault> {
    let mut chosen = choice::paths(analysis, &selection.choice)?;
    let excluded = globs::matcher(&selection.excludes)?;
    chosen.retain(|path| !excluded.is_match(path));
    if chosen.is_empty() {
        return Err(nothing("no file is left to download", analysis));
    }
    let (files, left): (Vec<&RepoFile>, Vec<&RepoFile>) = analysis.files.iter().partition(|file| chosen.contains(file.path.as_str()));
    Ok(Plan {
        repo: selection.repo.clone(),
        commit: analysis.commit.clone(),
        title: title::title(analysis, &chosen),
        files: planned(&files)?,
        left_files: left.len(),
        left_bytes: left.iter().map(|file| file.size).sum(),
        local_dir: selection.local_dir.clone(),
        destination: PathBuf::new(),
        disk_free: None,
    })
}

/// A set of paths of one analysis.
type Paths<'a> = BTreeSet<&'a str>;

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

/// A fault that says what could have been chosen.
fn nothing(message: &str, analysis: &Analysis) -> Fault {
    let choices = analysis.variants.iter().map(|variant| format!("{} ({})", variant.id, bytes(variant.size)));
    let hint = if analysis.files.is_empty() { "the repository is empty".to_owned() } else { format!("there is {}", listed(choices)) };
    Fault::new(FaultKind::NothingMatches, format!("{message} in {}", analysis.repo.id)).hint(hint)
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
