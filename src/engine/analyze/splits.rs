//! Datasets: one variant for each split of each configuration, from paths.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::sets::{extension, file_name, folder, unsharded};
use super::variant;
use crate::desk::{RepoFile, Variant};

/// Splits by the names people give them, in the order in which they are shown.
const SPLITS: [(&str, &[&str]); 3] =
    [("train", &["train", "training"]), ("validation", &["validation", "valid", "val", "dev"]), ("test", &["test", "testing", "eval"])];
/// Extensions of data.
const DATA: [&str; 16] =
    ["parquet", "jsonl", "ndjson", "json", "csv", "tsv", "arrow", "txt", "zip", "tar", "gz", "zst", "bz2", "xz", "h5", "tfrecord"];
/// Folders that say nothing about what is in them.
const PLAIN_FOLDERS: [&str; 3] = ["data", "default", "."];
/// Files that describe a dataset.
const DESCRIPTIONS: [&str; 4] = ["dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json"];

/// The most descriptions that come along with a split.
const MOST_DESCRIPTIONS: usize = 64;

/// One variant for each configuration and split; empty where no path tells of any.
pub(super) fn variants(files: &[RepoFile]) -> Vec<Variant> {
    let mut groups: BTreeMap<(String, usize), Vec<&RepoFile>> = BTreeMap::new();
    for file in files.iter().filter(|file| is_data(&file.path)) {
        groups.entry(place(&file.path)).or_default().push(file);
    }
    let mut descriptions: HashMap<&str, Vec<&str>> = HashMap::new();
    for path in files.iter().map(|file| file.path.as_str()).filter(|path| describes(path)) {
        descriptions.entry(folder(path)).or_default().push(path);
    }
    let told = groups.keys().any(|(config, split)| !config.is_empty() || *split < SPLITS.len());
    let groups = groups.into_iter().filter(|_| told);
    let variant = |config: &str, split, files: &[&RepoFile]| Variant {
        companions: companions(files, &descriptions),
        ..split_variant(config, split, files)
    };
    groups.map(|((config, split), files)| variant(&config, split, &files)).collect()
}

/// What describes these files: beside them or in a folder around them.
fn companions(files: &[&RepoFile], descriptions: &HashMap<&str, Vec<&str>>) -> Vec<String> {
    let mut around: BTreeSet<&str> = BTreeSet::from([""]);
    for file in files {
        let mut inner = folder(&file.path);
        while around.insert(inner) {
            inner = folder(inner);
        }
    }
    let found = around.iter().filter_map(|folder| descriptions.get(folder));
    let mut paths: Vec<String> = found.flatten().take(MOST_DESCRIPTIONS).map(|path| (*path).to_owned()).collect();
    paths.sort();
    paths
}

fn split_variant(config: &str, split: usize, files: &[&RepoFile]) -> Variant {
    let split = SPLITS.get(split).map(|(name, _)| *name);
    let label = match (config, split) {
        ("", split) => split.unwrap_or("other").to_owned(),
        (config, Some(split)) => format!("{config}/{split}"),
        (config, None) => config.to_owned(),
    };
    variant(&label, &label, "split", files.iter().map(|file| file.path.clone()).collect(), files.iter().map(|file| file.size).sum())
}

/// The configuration and the split's place in [`SPLITS`] (its length where no part of the path names one).
fn place(path: &str) -> (String, usize) {
    let name = unsharded(file_name(path)).to_ascii_lowercase();
    let folders: Vec<&str> = folder(path).split('/').filter(|folder| !folder.is_empty()).collect();
    let in_name = split_in(&name);
    let in_folder = folders.iter().rposition(|folder| split_in(folder).is_some());
    let split = in_name.or_else(|| split_in(folders[in_folder?])).unwrap_or(SPLITS.len());
    let names_split = |at: usize| in_name.is_none() && Some(at) == in_folder;
    let config = folders.iter().enumerate().filter(|(at, folder)| !names_split(*at) && !PLAIN_FOLDERS.contains(folder));
    (config.map(|(_, folder)| *folder).collect::<Vec<_>>().join("/"), split)
}

/// The split that a word of a name means.
fn split_in(name: &str) -> Option<usize> {
    let lower = name.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(|word| SPLITS.iter().position(|(_, names)| names.contains(&word)))
}

fn is_data(path: &str) -> bool {
    DATA.contains(&extension(path).as_str()) && !describes(path) && !file_name(path).starts_with(['.', '_'])
}

fn describes(path: &str) -> bool {
    DESCRIPTIONS.contains(&file_name(path)) || (!path.contains('/') && extension(path) == "py")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(paths: &[&str]) -> Vec<String> {
        let file = |path: &&str| RepoFile { path: (*path).to_owned(), size: 1, digest: None, xet_hash: None };
        let files: Vec<RepoFile> = paths.iter().map(file).collect();
        variants(&files).into_iter().map(|variant| format!("{}={}", variant.id, variant.files.len())).collect()
    }

    #[test]
    fn splits_and_configurations_are_read_from_paths() {
        assert_eq!(
            told(&[
                "data/test-00000-of-00001.parquet",
                "data/train-00000-of-00002.parquet",
                "data/train-00001-of-00002.parquet",
                "README.md"
            ]),
            ["train=2", "test=1"]
        );
        assert_eq!(told(&["train.jsonl", "dev.jsonl"]), ["train=1", "validation=1"]);
        assert_eq!(
            told(&["en/c4-train.00000-of-01024.json.gz", "en/c4-validation.00000-of-00008.json.gz", "de/c4-train.00000-of-00002.json.gz"]),
            ["de/train=1", "en/train=1", "en/validation=1"]
        );
        assert_eq!(told(&["plain_text/train/0000.parquet", "plain_text/test/0000.parquet"]), ["plain_text/train=1", "plain_text/test=1"]);
        assert_eq!(told(&["sample/10BT/000.parquet", "data/CC-MAIN-2024/000.parquet"]), ["CC-MAIN-2024=1", "sample/10BT=1"]);
    }

    #[test]
    fn a_dataset_that_tells_nothing_has_no_splits() {
        assert!(told(&["README.md", "everything.csv"]).is_empty());
    }

    #[test]
    fn a_description_goes_with_the_data_below_it() {
        let paths = ["dataset_dict.json", "de/train/data.arrow", "de/train/state.json", "en/train/data.arrow", "en/train/state.json"];
        let files = paths.map(|path| RepoFile { path: path.into(), size: 1, digest: None, xet_hash: None });
        assert_eq!(variants(&files)[1].companions, ["dataset_dict.json", "en/train/state.json"]);
    }

    #[test]
    fn loading_code_comes_along() {
        let files = ["train.csv", "loader.py", "dataset_infos.json"].map(|path| RepoFile {
            path: path.into(),
            size: 1,
            digest: None,
            xet_hash: None,
        });
        assert_eq!(variants(&files)[0].companions, ["dataset_infos.json", "loader.py"]);
    }
}
