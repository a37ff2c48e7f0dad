//! What is in one cached repository: its files as the cache has them, grouped as the analysis groups those of the Hub, and what is
//! known of them from earlier verifications.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::analyze;
use super::cache::{Cache, Inside};
use super::verified::Record;
use crate::desk::{CacheContents, CachedFile, CachedSnapshot, CachedVariant, Fault, RepoFile, RepoKey, Variant};

/// What files are called that belong to no variant.
const OTHER: &str = "other files";

/// What is in one cached repository.
pub(super) fn contents(cache: &Cache, state_dir: &Path, key: &RepoKey) -> Result<CacheContents, Fault> {
    let mut inside = cache.inside(key)?;
    let record = Record::load(state_dir, cache.root(), key);
    for (blob, modified) in inside.blobs.iter_mut().zip(&inside.modified) {
        blob.verified = record.last_good(&blob.path, blob.size, *modified);
    }
    let snapshots = inside.snapshots.iter().map(|(commit, files)| snapshot(&inside, commit, files)).collect();
    Ok(CacheContents { snapshots, repo: inside.repo, blobs: inside.blobs })
}

fn snapshot(inside: &Inside, commit: &str, files: &[CachedFile]) -> CachedSnapshot {
    let size = |file: &CachedFile| file.blob.and_then(|at| inside.blobs.get(at)).map_or(0, |blob| blob.size);
    let named: Vec<RepoFile> =
        files.iter().map(|file| RepoFile { path: file.path.clone(), size: size(file), digest: None, xet_hash: None }).collect();
    let grouped = analyze::grouped(inside.repo.key.kind, &named);
    let (own, rest) = divided(&grouped, files);
    let groups = grouped.into_iter().zip(own).filter(|(_, own)| !own.is_empty());
    let mut variants: Vec<CachedVariant> = groups.map(|(group, own)| cached(inside, group, own)).collect();
    tell_apart(&mut variants);
    variants.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.id.cmp(&b.id)));
    if !rest.is_empty() {
        variants.push(of_files(inside, OTHER, rest));
    }
    CachedSnapshot { commit: commit.to_owned(), variants }
}

/// Each variant's files, and those of none. A file belongs to the first variant that names it.
fn divided(variants: &[Variant], files: &[CachedFile]) -> (Vec<Vec<CachedFile>>, Vec<CachedFile>) {
    let mut owner: HashMap<&str, usize> = HashMap::new();
    for (at, path) in variants.iter().enumerate().flat_map(|(at, variant)| variant.files.iter().map(move |path| (at, path))) {
        owner.entry(path).or_insert(at);
    }
    let mut own = vec![Vec::new(); variants.len()];
    let mut rest = Vec::new();
    for file in files {
        let group = owner.get(file.path.as_str()).and_then(|at| own.get_mut(*at));
        group.unwrap_or(&mut rest).push(file.clone());
    }
    (own, rest)
}

fn cached(inside: &Inside, variant: Variant, files: Vec<CachedFile>) -> CachedVariant {
    CachedVariant { of: variant.model, ..of_files(inside, &variant.label, files) }
}

fn of_files(inside: &Inside, label: &str, files: Vec<CachedFile>) -> CachedVariant {
    let blobs: HashSet<usize> = files.iter().filter_map(|file| file.blob).collect();
    let size = blobs.iter().filter_map(|at| inside.blobs.get(*at)).map(|blob| blob.size).sum();
    let id = files.first().map_or_else(|| label.to_owned(), |first| first.path.clone());
    CachedVariant { id, label: label.to_owned(), of: String::new(), files, size }
}

/// Says of what a variant is where others have its label, and only there.
fn tell_apart(variants: &mut [CachedVariant]) {
    let told: Vec<String> = variants.iter().map(|variant| of(variant, variants)).collect();
    for (variant, of) in variants.iter_mut().zip(told) {
        variant.of = of;
    }
}

fn of(variant: &CachedVariant, all: &[CachedVariant]) -> String {
    let namesakes = || all.iter().filter(|other| other.label.eq_ignore_ascii_case(&variant.label));
    let is_alone = |count: usize| count < 2;
    match &variant.files[..] {
        _ if is_alone(namesakes().count()) => String::new(),
        [first, ..] if variant.of.is_empty() || !is_alone(namesakes().filter(|other| other.of == variant.of).count()) => first.path.clone(),
        _ => variant.of.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{CachedRepo, RepoKind};

    /// `id: title: its files` of what a commit with these files has.
    fn told(kind: RepoKind, paths: &[&str]) -> Vec<String> {
        let key = RepoKey { kind, id: "org/name".parse().unwrap() };
        let repo = CachedRepo {
            key,
            path: "/cache".into(),
            lies_in: None,
            size: 0,
            files: 0,
            revisions: Vec::new(),
            leftovers: Vec::new(),
            detached: 0,
            damaged: false,
            last_accessed: None,
            last_modified: None,
        };
        let inside = Inside { repo, blobs: Vec::new(), snapshots: Vec::new(), modified: Vec::new() };
        let files: Vec<CachedFile> = paths.iter().map(|path| CachedFile { path: (*path).to_owned(), blob: None }).collect();
        let paths = |variant: &CachedVariant| variant.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>().join(" ");
        let line = |variant: &CachedVariant| format!("{}: {}: {}", variant.id, variant.title(), paths(variant));
        snapshot(&inside, "c", &files).variants.iter().map(line).collect()
    }

    #[test]
    fn variants_of_one_label_are_told_apart_by_model() {
        assert_eq!(
            told(RepoKind::Model, &["README.md", "x-Q4_K_M.gguf", "y-Q4_K_M.gguf", "y-Q6_K.gguf"]),
            [
                "x-Q4_K_M.gguf: Q4_K_M of x: x-Q4_K_M.gguf",
                "y-Q4_K_M.gguf: Q4_K_M of y: y-Q4_K_M.gguf",
                "y-Q6_K.gguf: Q6_K: y-Q6_K.gguf",
                "README.md: other files: README.md"
            ]
        );
        assert_eq!(told(RepoKind::Model, &["x-Q4_K_M.gguf", "x-Q6_K.gguf"])[0], "x-Q4_K_M.gguf: Q4_K_M: x-Q4_K_M.gguf");
    }

    #[test]
    fn where_models_do_not_tell_the_file_does() {
        let found = told(RepoKind::Model, &["a/m-Q4_K_M.gguf", "a/m-q4_k_m.gguf", "b/m-Q4_K_M.gguf"]);
        let titles: HashSet<&str> = found.iter().filter_map(|line| line.split(": ").nth(1)).collect();
        assert_eq!((found.len(), titles.len()), (3, 3), "{found:?}");
    }

    #[test]
    fn an_id_stays_when_another_model_comes() {
        let ids = |paths: &[&str]| -> Vec<String> {
            told(RepoKind::Model, paths).iter().filter_map(|line| line.split(": ").next()).map(str::to_owned).collect()
        };
        let (before, after) = (ids(&["x-Q4_K_M.gguf"]), ids(&["x-Q4_K_M.gguf", "y-Q4_K_M.gguf"]));
        assert!(after.contains(&before[0]), "{before:?} {after:?}");
    }

    #[test]
    fn a_hundred_thousand_files_are_divided_at_once() {
        let path = |number: usize| format!("data/part-{:03}/{number:06}.parquet", number / 1_000);
        let files: Vec<CachedFile> = (0..100_000).map(|number| CachedFile { path: path(number), blob: None }).collect();
        let variant = |at: usize| Variant {
            id: at.to_string(),
            label: String::new(),
            model: String::new(),
            category: String::new(),
            files: (at * 25_000..(at + 1) * 25_000).map(path).collect(),
            companions: Vec::new(),
            size: 0,
        };
        let (own, rest) = divided(&[variant(0), variant(1), variant(2)], &files);
        assert_eq!((own.iter().map(Vec::len).collect::<Vec<_>>(), rest.len()), (vec![25_000; 3], 25_000));
    }
}
