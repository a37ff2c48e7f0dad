//! From a choice to exact files.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::repo::RepoRef;
use super::size::bytes;

/// The most variants that are named among what is left.
const MOST_LEFT: usize = 3;

/// Which files of a repository are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// All of them.
    #[default]
    Everything,
    /// Those of these variants, by id, with their companions: config, tokenizer, index, the projector of a model that sees.
    Variants(Vec<String>),
    /// What these filters mean (quantization labels or parts of names; `owner/name:FILTER`), with companions as for variants.
    Filters {
        /// The filters; a file or variant that matches any of them is wanted.
        filters: Vec<String>,
        /// Whether a filter must match a whole label or name segment, so that `q6_k` does not mean `Q6_K_L`.
        exact: bool,
    },
    /// These paths and no other; a folder's means everything in it, with or without a `/` at its end.
    Files(Vec<String>),
    /// Those that match any of these globs and no other, as the official client reads them: `*` also matches `/`, case counts, and a
    /// pattern with a `/` at its end means all that is in that folder.
    Globs(Vec<String>),
}

/// A request to download: what, and what not, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The repository.
    pub repo: RepoRef,
    /// What is wanted.
    pub choice: Choice,
    /// Globs of what is not wanted after all.
    pub excludes: Vec<String>,
    /// A plain folder to place files in, instead of the Hugging Face cache.
    pub local_dir: Option<PathBuf>,
}

impl Selection {
    /// Everything that `choice` means, into the cache.
    pub fn new(repo: RepoRef, choice: Choice) -> Self {
        Self { repo, choice, excludes: Vec::new(), local_dir: None }
    }
}

/// One file of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Path inside the repository.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// What the content must hash to.
    pub digest: Digest,
    /// The Xet hash, where the Hub has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xet_hash: Option<String>,
    /// How many of its bytes are on the disk already: all of them for a blob that is here, some for a partial.
    pub held: u64,
}

/// A file that a plan leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftFile {
    /// Path inside the repository.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// The id of the variant whose own file it is, where all of that variant is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Exactly what a download will do. A plan is a value: it is shown, printed, queued and answered as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The repository and the revision asked for.
    pub repo: RepoRef,
    /// The commit every byte comes from: 40 hexadecimal digits.
    pub commit: String,
    /// What people call the choice: `Q4_K_M`, `3 files`, `everything`.
    pub title: String,
    /// The files, in path order.
    pub files: Vec<PlannedFile>,
    /// How many files of the repository are left out.
    pub left_files: usize,
    /// Size in bytes of what is left out.
    pub left_bytes: u64,
    /// The files left out, in path order. Empty in the plan of a job, which keeps the sums only: a board with every name would be large.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<LeftFile>,
    /// The plain folder files go to; `None` for the Hugging Face cache.
    pub local_dir: Option<PathBuf>,
    /// The folder under which every file's path will be found: the commit's snapshot in the cache, or the plain folder. Absolute.
    pub destination: PathBuf,
    /// Bytes free on the destination's filesystem when the plan was made.
    pub disk_free: Option<u64>,
}

impl Plan {
    /// A plan of these files at a made-up commit.
    #[cfg(test)]
    pub(crate) fn for_tests(repo: RepoRef, files: Vec<PlannedFile>) -> Self {
        let commit = "c".repeat(40);
        let (title, destination) = ("test".to_owned(), PathBuf::from("/nowhere"));
        Self { repo, commit, title, files, left_files: 0, left_bytes: 0, left: Vec::new(), local_dir: None, destination, disk_free: None }
    }

    /// As a job carries it: without the names of what is left.
    #[must_use]
    pub fn for_a_job(self) -> Self {
        Self { left: Vec::new(), ..self }
    }

    /// What is left out, in words: `22 files, 120.0 GiB: BF16, Q8_0, Q6_K and 12 more`, with the largest variants that are left as a whole.
    pub fn left_out(&self) -> String {
        let files = if self.left_files == 1 { "file" } else { "files" };
        let sums = format!("{} {files}, {}", self.left_files, bytes(self.left_bytes));
        let variants = self.left_variants();
        let (largest, others) = variants.split_at(variants.len().min(MOST_LEFT));
        match (largest, others.len()) {
            ([], _) => sums,
            (_, 0) => format!("{sums}: {}", largest.join(", ")),
            (_, others) => format!("{sums}: {} and {others} more", largest.join(", ")),
        }
    }

    /// The variants that are left as a whole, largest first.
    fn left_variants(&self) -> Vec<&str> {
        let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
        for file in &self.left {
            if let Some(variant) = &file.variant {
                *sizes.entry(variant).or_default() += file.size;
            }
        }
        let mut names: Vec<(&str, u64)> = sizes.into_iter().collect();
        names.sort_by_key(|(_, size)| Reverse(*size));
        names.into_iter().map(|(name, _)| name).collect()
    }

    /// Size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Bytes that must still be fetched and stored; content that several files share counts once.
    pub fn bytes_to_fetch(&self) -> u64 {
        let mut seen = HashSet::new();
        self.files.iter().filter(|file| seen.insert(&file.digest)).map(|file| file.size.saturating_sub(file.held)).sum()
    }

    /// Bytes free on the destination once the plan is done; negative when there is too little.
    pub fn disk_after(&self) -> Option<i64> {
        let free = i64::try_from(self.disk_free?).ok()?;
        Some(free - i64::try_from(self.bytes_to_fetch()).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(path: &str, size: u64, variant: Option<&str>) -> LeftFile {
        LeftFile { path: path.to_owned(), size, variant: variant.map(str::to_owned) }
    }

    #[test]
    fn what_is_left_is_told_by_variant_largest_first() {
        let told = |left: Vec<LeftFile>| {
            let (left_files, left_bytes) = (left.len(), left.iter().map(|file| file.size).sum());
            let plan = Plan::for_tests(RepoRef::model("org/name".parse().unwrap()), Vec::new());
            Plan { left_files, left_bytes, left, ..plan }.left_out()
        };
        assert_eq!(told(Vec::new()), "0 files, 0 B");
        assert_eq!(told(vec![left("a", 9, None)]), "1 file, 9 B");
        let shards = [left("a1", 5, Some("BF16")), left("a2", 5, Some("BF16")), left("q8", 8, Some("Q8_0")), left("readme", 90, None)];
        assert_eq!(told(shards.to_vec()), "4 files, 108 B: BF16, Q8_0");
        let many = ["Q2_K", "Q3_K", "Q4_0", "Q5_0", "Q6_K"];
        let many = many.iter().zip(1..).map(|(name, size)| left(name, size, Some(name))).collect();
        assert_eq!(told(many), "5 files, 15 B: Q6_K, Q5_0, Q4_0 and 2 more");
    }

    #[test]
    fn a_job_keeps_only_the_sums_of_what_is_left() {
        let plan = Plan::for_tests(RepoRef::model("org/name".parse().unwrap()), Vec::new());
        let plan = Plan { left_files: 1, left_bytes: 9, left: vec![left("a", 9, Some("Q2_K"))], ..plan };
        let kept = plan.clone().for_a_job();
        assert_eq!((kept.left_files, kept.left_bytes, kept.left_out().as_str()), (1, 9, "1 file, 9 B"));
        let travelled: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        assert_eq!(travelled, plan);
        assert!(!serde_json::to_string(&kept).unwrap().contains(r#""left":"#));
    }
}
