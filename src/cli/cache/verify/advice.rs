//! Which commands fetch again what was set aside.

use std::collections::{BTreeMap, BTreeSet};

use crate::desk::{CacheListing, RepairReport, RepoKey, RepoKind, Verdict, VerifiedFile, VerifyReport};

/// A command line for each repository and revision that lost files, files named, so that nothing else is fetched.
pub(super) fn downloads(cache: &CacheListing, report: &VerifyReport, repair: &RepairReport) -> Vec<String> {
    let mut lost: BTreeMap<(&RepoKey, Option<String>), BTreeSet<&str>> = BTreeMap::new();
    for file in report.with(Verdict::Damaged).filter(|file| is_gone(file, report, repair)) {
        for commit in &file.commits {
            lost.entry((&file.repo, revision(cache, &file.repo, commit))).or_default().extend(file.files.iter().map(String::as_str));
        }
    }
    lost.into_iter().map(|((repo, revision), files)| command(repo, revision, &files)).collect()
}

/// Whether a file was set aside, by itself or with another that shared its content.
fn is_gone(file: &VerifiedFile, report: &VerifyReport, repair: &RepairReport) -> bool {
    let relative = file.path.strip_prefix(&report.root).unwrap_or(&file.path);
    repair.quarantined.iter().any(|aside| aside.file.path == file.path || aside.shared_with.iter().any(|shared| shared == relative))
}

/// What `--revision` has to say: nothing for `main`, else a ref that is at the commit, else the commit.
fn revision(cache: &CacheListing, repo: &RepoKey, commit: &str) -> Option<String> {
    let cached = cache.repos.iter().find(|cached| cached.key == *repo);
    let refs = cached.and_then(|cached| cached.revisions.iter().find(|revision| revision.commit == commit)).map(|revision| &revision.refs);
    match refs.map(Vec::as_slice) {
        Some(refs) if refs.iter().any(|name| name == "main") => None,
        Some([first, ..]) => Some(first.clone()),
        _ => Some(commit.to_owned()),
    }
}

fn command(repo: &RepoKey, revision: Option<String>, files: &BTreeSet<&str>) -> String {
    let mut words = vec!["hfdesk-tui".to_owned(), "download".to_owned(), repo.id.to_string()];
    words.extend(files.iter().map(|file| quoted(file)));
    if repo.kind != RepoKind::Model {
        words.extend(["--type".to_owned(), repo.kind.name().to_owned()]);
    }
    if let Some(revision) = revision {
        words.extend(["--revision".to_owned(), quoted(&revision)]);
    }
    words.join(" ")
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=@,".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fake::{cache, damaged_file};
    use crate::desk::Quarantined;

    fn advised(file: &VerifiedFile, aside: bool) -> Vec<String> {
        let report = VerifyReport { root: "/cache".into(), files: vec![file.clone()], ..VerifyReport::default() };
        let quarantined = Quarantined { file: file.clone(), partial: "/p".into(), vouched: 0, shared_with: Vec::new() };
        downloads(
            &cache(),
            &report,
            &RepairReport { quarantined: if aside { vec![quarantined] } else { vec![] }, ..RepairReport::default() },
        )
    }

    #[test]
    fn a_command_names_repository_files_and_revision() {
        let file = damaged_file(0);
        assert_eq!(advised(&file, true), ["hfdesk-tui download Qwen/Qwen3-8B-GGUF bad0.gguf"]);
        assert!(advised(&file, false).is_empty());
        let old = VerifiedFile { commits: vec!["f".repeat(40)], files: vec!["it's here".to_owned(), "-x".to_owned()], ..file };
        let command = format!(r"hfdesk-tui download Qwen/Qwen3-8B-GGUF '-x' 'it'\''s here' --revision {}", "f".repeat(40));
        assert_eq!(advised(&old, true), [command]);
        let dataset = VerifiedFile { repo: cache().repos[3].key.clone(), ..damaged_file(1) };
        assert_eq!(advised(&dataset, true), ["hfdesk-tui download org/twin bad1.gguf --type dataset"]);
    }
}
