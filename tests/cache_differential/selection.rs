//! Random selections of what a cache holds, in our words and in the official client's.

use std::collections::BTreeMap;
use std::path::Path;

use hfdesk_tui::desk::{CacheListing, DeletionTarget, LeftoverKind, OrphanPayload, RepoKey};
use serde_json::{Value, json};

use crate::random::Random;

/// What kind of a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Repos,
    Revisions,
    Detached,
    Files,
}

/// A selection.
#[derive(Debug)]
pub struct Selection {
    pub targets: Vec<DeletionTarget>,
    /// The official client's request, without what is to be done with it.
    pub theirs: Value,
    /// Lengths of the unfinished downloads that the official client counts, in bytes; we tell what they take on the disk, apart.
    pub incomplete: u64,
}

/// What a version of the official client prunes besides detached revisions.
#[derive(Clone, Copy, Debug)]
pub struct Prunes {
    pub incomplete: bool,
    pub payloads: bool,
}

/// What there is to choose from.
pub struct Held {
    pub listing: CacheListing,
    pub files: Files,
    pub orphans: Vec<OrphanPayload>,
}

impl Held {
    /// Some of what there is; `None` where there is nothing of that kind.
    pub fn select(&self, what: What, prunes: Prunes, random: &mut Random) -> Option<Selection> {
        match what {
            What::Repos => repos(&self.listing, random),
            What::Revisions => revisions(&self.listing, random),
            What::Detached => self.detached(prunes),
            What::Files => some_files(&self.files, random),
        }
    }

    /// Everything that `hf cache prune` removes.
    fn detached(&self, prunes: Prunes) -> Option<Selection> {
        let (mut targets, mut incomplete) = (Vec::new(), 0);
        for repo in &self.listing.repos {
            let detached = repo.revisions.iter().filter(|revision| revision.is_detached());
            targets.extend(detached.map(|revision| DeletionTarget::Revision { repo: repo.key.clone(), commit: revision.commit.clone() }));
            for leftover in repo.leftovers.iter().filter(|leftover| prunes.incomplete && leftover.kind == LeftoverKind::Incomplete) {
                targets.push(DeletionTarget::Leftover { repo: repo.key.clone(), name: leftover.name.clone() });
                incomplete += leftover.size;
            }
        }
        let orphans = self.orphans.iter().filter(|_| prunes.payloads);
        targets.extend(orphans.map(|orphan| DeletionTarget::Payload(orphan.hash.clone())));
        (!targets.is_empty()).then(|| Selection { targets, theirs: json!({ "what": "detached" }), incomplete })
    }
}

/// Whole ones. The official client knows a repository by its revisions, so one without any is none.
fn repos(listing: &CacheListing, random: &mut Random) -> Option<Selection> {
    let all: Vec<_> = listing.repos.iter().filter(|repo| !repo.revisions.is_empty()).cloned().collect();
    let chosen = random.some(&all, 40);
    let commits: Vec<&String> = chosen.iter().flat_map(|repo| repo.revisions.iter().map(|revision| &revision.commit)).collect();
    let theirs = json!({ "what": "revisions", "revisions": commits });
    let targets = chosen.iter().map(|repo| DeletionTarget::Repo(repo.key.clone())).collect();
    (!chosen.is_empty()).then_some(Selection { targets, theirs, incomplete: 0 })
}

fn revisions(listing: &CacheListing, random: &mut Random) -> Option<Selection> {
    let all: Vec<(RepoKey, String)> =
        listing.repos.iter().flat_map(|repo| repo.revisions.iter().map(|revision| (repo.key.clone(), revision.commit.clone()))).collect();
    let chosen = random.some(&all, 30);
    let commits: Vec<&String> = chosen.iter().map(|(_, commit)| commit).collect();
    let theirs = json!({ "what": "revisions", "revisions": commits });
    let targets = chosen.iter().map(|(repo, commit)| DeletionTarget::Revision { repo: repo.clone(), commit: commit.clone() }).collect();
    (!chosen.is_empty()).then_some(Selection { targets, theirs, incomplete: 0 })
}

/// The files of every repository by commit.
pub type Files = BTreeMap<RepoKey, BTreeMap<String, Vec<String>>>;

/// Some files of some repositories, each of one commit or of all.
fn some_files(files: &Files, random: &mut Random) -> Option<Selection> {
    let (mut targets, mut wanted) = (Vec::new(), Vec::new());
    for repo in random.some(&files.keys().collect::<Vec<_>>(), 40) {
        let commits: Vec<&String> = files[repo].iter().filter(|(_, files)| !files.is_empty()).map(|(commit, _)| commit).collect();
        let Some(from) = (!commits.is_empty()).then(|| (*random.pick(&commits)).clone()) else { continue };
        let chosen = random.some(&files[repo][&from], 35);
        let commit = Some(from).filter(|_| random.percent(40));
        wanted.extend(chosen.iter().map(|path| json!([repo.to_string(), commit, path])));
        targets.push(DeletionTarget::Files { repo: repo.clone(), commit, files: chosen });
    }
    (!targets.is_empty()).then(|| Selection { targets, theirs: json!({ "what": "files", "files": wanted }), incomplete: 0 })
}

impl Selection {
    /// The official client's request to do something with it.
    pub fn request(&self, act: &str, root: &Path) -> Value {
        let mut request = self.theirs.clone();
        request["do"] = json!(act);
        request["cache"] = json!(root);
        request
    }
}
