//! The repositories below a root: what can be said of each without reading its files.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::card::Card;
use super::facts::Facts;
use super::history::History;
use super::library::Shelf;
use super::walk;
use crate::desk::{Fault, RepoId, RepoKind};

/// A repository as a list shows it.
pub struct Repo {
    /// Which namespace.
    pub kind: RepoKind,
    /// Its id.
    pub id: RepoId,
    /// Its folder.
    pub folder: PathBuf,
    /// What `.hub.toml` says.
    pub facts: Facts,
    /// The front matter of its README.
    pub card: Card,
    /// Its tags, as the Hub derives them.
    pub tags: Vec<String>,
    /// When it last changed.
    pub last_modified: Timestamp,
    /// Its commits, once somebody asked for one.
    pub(super) history: Shelf<History>,
}

impl Repo {
    /// When it was created.
    pub fn created_at(&self) -> Timestamp {
        self.facts.created_at.unwrap_or(self.last_modified)
    }

    fn read(kind: RepoKind, id: RepoId, folder: PathBuf, history: Shelf<History>) -> Result<Self, Fault> {
        let facts = Facts::read(&folder)?;
        let readme = folder.join("README.md");
        let card = Card::parse(&fs::read_to_string(&readme).unwrap_or_default());
        let names: Vec<String> = walk::entries(&folder)?.into_iter().map(|(name, _)| name).collect();
        let last_modified = facts.last_modified.unwrap_or_else(|| changed(&folder).max(changed(&readme)));
        Ok(Self { kind, tags: card.tags(&names), id, folder, facts, card, last_modified, history })
    }
}

fn changed(path: &Path) -> Timestamp {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    modified.and_then(|time| Timestamp::try_from(time).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Every repository, by kind and id.
#[derive(Default)]
pub struct Catalog {
    repos: BTreeMap<(RepoKind, RepoId), Arc<Repo>>,
}

impl Catalog {
    /// Reads the root's folders; commits that `before` knows are kept. A repository that cannot be read is left out and logged.
    pub(super) fn scan(root: &Path, before: &Self) -> Result<Self, Fault> {
        let mut catalog = Self::default();
        for kind in RepoKind::SEARCHED {
            for (name, folder) in folders(root, &root.join(kind.plural()))? {
                if is_repo(&folder) {
                    catalog.add(before, kind, &name, folder);
                } else {
                    for (inner, folder) in folders(root, &folder)? {
                        catalog.add(before, kind, &format!("{name}/{inner}"), folder);
                    }
                }
            }
        }
        Ok(catalog)
    }

    fn add(&mut self, before: &Self, kind: RepoKind, id: &str, folder: PathBuf) {
        let repo = id.parse().and_then(|id| {
            let history = before.get(kind, &id).map(|repo| repo.history.clone()).unwrap_or_default();
            Repo::read(kind, id, folder, history)
        });
        match repo {
            Ok(repo) => drop(self.repos.insert((kind, repo.id.clone()), Arc::new(repo))),
            Err(fault) => tracing::warn!(%fault, id, "a repository is not served"),
        }
    }

    /// The repository of this kind and id.
    pub fn get(&self, kind: RepoKind, id: &RepoId) -> Option<&Arc<Repo>> {
        self.repos.get(&(kind, id.clone()))
    }

    /// The repositories of a kind, by id.
    pub fn of_kind(&self, kind: RepoKind) -> impl Iterator<Item = &Arc<Repo>> {
        self.repos.values().filter(move |repo| repo.kind == kind)
    }
}

/// The folders in a folder, links that stay inside the root included; none where it is missing.
fn folders(root: &Path, parent: &Path) -> Result<Vec<(String, PathBuf)>, Fault> {
    if !parent.is_dir() {
        return Ok(Vec::new());
    }
    let entries = walk::entries(parent)?.into_iter().map(|(name, entry)| (name, entry.path()));
    Ok(entries.filter(|(_, path)| walk::metadata_inside(root, path).as_ref().is_some_and(Metadata::is_dir)).collect())
}

/// Whether a folder directly below a kind is a repository itself (`models/gpt2`) and not an owner.
fn is_repo(folder: &Path) -> bool {
    ["README.md", "config.json", ".hub.toml"].iter().any(|name| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_and_bare_names_are_told_apart_and_slips_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for (path, text) in [
            ("models/gpt2/config.json", "{}"),
            ("models/org/a/README.md", "---\nlicense: mit\n---\n"),
            ("models/org/broken/.hub.toml", "oops"),
            ("models/org/no--id/x", ""),
            ("datasets/org/a/x.csv", ""),
            ("loose/org/a/x", ""),
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
        let catalog = Catalog::scan(root, &Catalog::default()).unwrap();
        let ids: Vec<&str> = catalog.of_kind(RepoKind::Model).map(|repo| repo.id.as_str()).collect();
        assert_eq!(ids, ["gpt2", "org/a"]);
        assert_eq!(catalog.get(RepoKind::Model, &"org/a".parse().unwrap()).unwrap().tags, ["license:mit"]);
        assert_eq!(catalog.of_kind(RepoKind::Dataset).count(), 1);
        assert_eq!(catalog.of_kind(RepoKind::Space).count(), 0);
    }
}
