//! Which names the files of a cached repository get for another program.

use std::collections::HashSet;
use std::path::Path;

use super::super::Cache;
use super::super::entries::size_of;
use super::super::inside::Inside;
use super::super::layout::{SNAPSHOTS, repo_folder};
use super::{Wanted, Wish};
use crate::desk::{CachedFile, Fault, FaultKind, LinkFor, RepoId, RepoKey, printable, safe_path};

/// The names that these files of a repository, or all, get for a program.
pub(super) fn wanted(cache: &Cache, repo: &RepoKey, commit: Option<&str>, files: &[String], program: LinkFor) -> Result<Wish, Fault> {
    let inside = cache.inside(repo)?;
    let commit = commit.or_else(|| newest(&inside)).ok_or_else(|| nothing(repo, "has no snapshot in the cache"))?.to_owned();
    let there = inside.snapshots.iter().find(|(known, _)| *known == commit).map(|(_, files)| files.as_slice());
    let there = there.ok_or_else(|| nothing(repo, &format!("has no snapshot of {commit} in the cache")))?;
    let (named, known): (HashSet<&String>, HashSet<&String>) = (files.iter().collect(), there.iter().map(|file| &file.path).collect());
    if let Some(missing) = named.difference(&known).min() {
        return Err(nothing(repo, &format!("has no file “{missing}” at {commit}")));
    }
    let is_meant = |file: &&CachedFile| (named.is_empty() || named.contains(&file.path)) && is_for(program, &file.path);
    let meant: Vec<&CachedFile> = there.iter().filter(is_meant).collect();
    if meant.is_empty() {
        return Err(nothing(repo, "has no such files in the cache that the program can use"));
    }
    Ok(wish(cache, repo, &commit, &meant, |path| name(program, &repo.id, path)))
}

/// The names for files of one commit, by what each is to be called.
pub(super) fn wish(cache: &Cache, repo: &RepoKey, commit: &str, files: &[&CachedFile], name: impl Fn(&str) -> String) -> Wish {
    let snapshot = cache.root.join(repo_folder(repo.kind, &repo.id)).join(SNAPSHOTS).join(commit);
    let mut wish = Wish::default();
    for file in files {
        let source = snapshot.join(&file.path);
        match size_of(&source).filter(|_| file.blob.is_some() && safe_path(&file.path)) {
            Some(size) => wish.names.push(Wanted { relative: name(&file.path), source, size, repo: repo.clone() }),
            None => wish.obstacles.push(format!("{} of {repo} is not whole in the cache, or its name is not safe", printable(&file.path))),
        }
    }
    wish
}

/// The commit of `main` or, where that is not here, the newest.
pub(super) fn newest(inside: &Inside) -> Option<&str> {
    let revisions = &inside.repo.revisions;
    let main = revisions.iter().find(|revision| revision.refs.iter().any(|name| name == "main"));
    main.or(revisions.first()).map(|revision| revision.commit.as_str())
}

/// Whether a program can use a file.
fn is_for(program: LinkFor, path: &str) -> bool {
    let is_gguf = || Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    program != LinkFor::LlamaCpp || is_gguf()
}

/// What a file is called in a program's folder. A repository without an owner is its own, for programs that want one.
fn name(program: LinkFor, id: &RepoId, path: &str) -> String {
    match program {
        LinkFor::LmStudio => format!("{}/{}/{path}", id.owner().unwrap_or(id.name()), id.name()),
        LinkFor::LlamaCpp => path.rsplit('/').next().unwrap_or(path).to_owned(),
        LinkFor::Folder => path.to_owned(),
    }
}

fn nothing(repo: &RepoKey, what: &str) -> Fault {
    Fault::new(FaultKind::NothingMatches, format!("{repo} {what}"))
        .hint(format!("see what it has with: hfdesk-tui cache show {repo} --files"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_has_its_names() {
        let name = |program, id: &str| super::name(program, &id.parse().unwrap(), "q4/m.gguf");
        assert_eq!(name(LinkFor::LmStudio, "org/m"), "org/m/q4/m.gguf");
        assert_eq!(name(LinkFor::LmStudio, "gpt2"), "gpt2/gpt2/q4/m.gguf");
        assert_eq!(name(LinkFor::LlamaCpp, "org/m"), "m.gguf");
        assert_eq!(name(LinkFor::Folder, "org/m"), "q4/m.gguf");
    }

    #[test]
    fn llama_cpp_is_given_what_it_can_load() {
        assert!(
            is_for(LinkFor::LlamaCpp, "q4/m.GGUF") && !is_for(LinkFor::LlamaCpp, "README.md") && is_for(LinkFor::LmStudio, "README.md")
        );
    }
}
