//! Moving a repository to another disk, and back.
//!
//! The folder is copied, every blob compared with its digest on the way, and then exchanged in the cache for a link to the copy, or the link
//! for the copy: at every instant one of the two is there and whole. Only then goes what is there twice. Whatever is interrupted goes on when it is
//! asked for again.

mod swap;
#[cfg(test)]
mod tests;
mod tree;

use std::path::{Path, PathBuf};

use super::deletion::folder;
use super::layout::LOCKS;
use super::links::real;
use super::moved::{Home, other_links};
use super::reader::Reader;
use super::store::Store;
use super::verify::Gauge;
use super::{Cache, going::What};
use crate::desk::{DeletionTarget, Disposal, Fault, FaultKind, RelocationPlan, RelocationReport, RepoKey, bytes};
use crate::engine::host::{nearest_existing, space};

use swap::Workshop;
use tree::Tree;

impl Cache {
    /// What moving a repository into a folder of this name in `to` would do, or bringing it back where there is none. Nothing is changed.
    pub fn plan_relocation(&self, repo: &RepoKey, to: Option<&Path>) -> Result<RelocationPlan, Fault> {
        let place = self.root.join(folder(repo));
        let (from, to) = match (Home::of(&self.root, &place), to) {
            (Home::Here, Some(to)) => (place, self.other_disk(to)?.join(folder(repo))),
            (Home::There(there), None) => (there, place),
            (Home::Here, None) => return Err(nothing_to_do(&format!("{repo} lies in the cache already"))),
            (Home::There(there), Some(to)) if real(to).join(folder(repo)) == there => {
                return Err(nothing_to_do(&format!("{repo} lies in {} already", there.display())));
            }
            (Home::There(there), Some(_)) => {
                return Err(Fault::new(FaultKind::Conflict, format!("{repo} lies in {}", there.display()))
                    .hint(format!("bring it back first with: hfdesk-tui cache move {} --back", repo.id)));
            }
            (Home::Astray(_) | Home::None, _) => return Err(self.missing(repo)),
        };
        let tree = self.tree(repo, &from)?;
        let frees = self.plan_now(&[DeletionTarget::Repo(repo.clone())])?.plan.frees;
        let disk_free = space(&nearest_existing(&to)).ok().map(|space| space.free);
        let (files, bytes) = (tree.files.len(), tree.bytes());
        Ok(RelocationPlan { root: self.root.clone(), repo: repo.clone(), from, to, files, bytes, frees, disk_free })
    }

    /// Carries out a plan, after checking that it still holds. Blocks until it is done or the gauge says stop; a copy that was begun is gone on
    /// with when the same is asked for again.
    pub fn relocate(&self, plan: &RelocationPlan, gauge: &Gauge) -> Result<RelocationReport, Fault> {
        let workshop = Workshop::open(self)?;
        workshop.finish(Some(plan));
        self.check_relocation(plan)?;
        let tree = self.tree(&plan.repo, &plan.from)?;
        let place = self.root.join(folder(&plan.repo));
        let comes_back = plan.to == place;
        let copy = if comes_back { workshop.bench(&plan.repo) } else { plan.to.clone() };
        tree.copy_to(&copy, gauge)?;
        let _locks = self.hold_locks(&plan.repo)?;
        if let Some(what) = self.tree(&plan.repo, &plan.from)?.difference(&tree) {
            return Err(changed(&plan.repo, &what));
        }
        if comes_back {
            workshop.bring_in(&plan.repo, &plan.from)?;
        } else {
            workshop.link_out(&plan.repo, &copy)?;
        }
        let mut left: Vec<String> = workshop.clear(&plan.repo).err().map(|fault| fault.message).into_iter().collect();
        left.extend(self.collect(&tree));
        Ok(RelocationReport { plan: plan.clone(), left })
    }

    /// What a move has left behind that was interrupted; nothing while one is under way.
    pub(super) fn unfinished_moves(&self) -> Vec<PathBuf> {
        let workshop = Workshop::is_there(self).then(|| Workshop::open(self).ok()).flatten();
        workshop.map(|workshop| workshop.holds()).unwrap_or_default()
    }

    /// Ends what moving a repository has left behind that was interrupted, unless one is under way.
    pub(super) fn finish_relocations(&self) {
        if Workshop::is_there(self)
            && let Ok(workshop) = Workshop::open(self)
        {
            workshop.finish(None);
        }
    }

    fn tree(&self, repo: &RepoKey, from: &Path) -> Result<Tree, Fault> {
        let store = Store::open(&self.root).filter(|_| from.starts_with(&self.root));
        Tree::read(from, &folder(repo), store.as_ref())
    }

    /// A folder that repositories can be moved to, without links on the way to it: what a link says must not depend on others.
    fn other_disk(&self, to: &Path) -> Result<PathBuf, Fault> {
        let refused = |why: &str| Fault::new(FaultKind::Conflict, format!("{} {why}", to.display()));
        let absolute = std::path::absolute(to).map_err(|error| Fault::disk(format!("look up {}", to.display()), error))?;
        let (there, home) = (real(&absolute), real(&self.root));
        if there.starts_with(&home) || home.starts_with(&there) {
            return Err(refused("is not outside the cache").hint("name a folder on another disk"));
        }
        if there.exists() && !there.is_dir() {
            return Err(refused("is no folder").hint("name a folder on another disk; it is made where it does not exist"));
        }
        Ok(there)
    }

    fn missing(&self, repo: &RepoKey) -> Fault {
        let scanned = self.scan_repo(&mut Reader::new(&self.root), None, repo);
        scanned.err().unwrap_or_else(|| Fault::new(FaultKind::Conflict, format!("{repo} changes right now")).hint("try again"))
    }

    /// Refuses a plan that does not hold any more, one for which there is no room, and one of what is in use.
    fn check_relocation(&self, plan: &RelocationPlan) -> Result<(), Fault> {
        let place = self.root.join(folder(&plan.repo));
        let to = if plan.to == place { None } else { plan.to.parent() };
        let now = self.plan_relocation(&plan.repo, to)?;
        if (RelocationPlan { disk_free: None, ..now.clone() }) != (RelocationPlan { disk_free: None, ..plan.clone() }) {
            return Err(changed(&plan.repo, "it is not as it was when this was planned"));
        }
        if let Some(other) = other_links(&self.root, &plan.from, &place).first().filter(|_| plan.to == place) {
            return Err(Fault::new(FaultKind::Conflict, format!("{} leads to {} too", other.display(), plan.from.display()))
                .hint("remove one of the two links by hand"));
        }
        let had = Tree::read(&plan.to, &folder(&plan.repo), None).ok().filter(|_| to.is_some()).map_or(0, |tree| tree.bytes());
        match now.disk_free.filter(|free| free.saturating_add(had) < plan.bytes) {
            Some(free) => Err(no_room(plan, free)),
            None => self.check_idle(&[super::going::Step { what: What::Repo, path: folder(&plan.repo) }]),
        }
    }

    /// Removes the shared payloads that the repository was the last to use, and answers with what could not be removed.
    fn collect(&self, tree: &Tree) -> Vec<String> {
        let delete = |hash: &String| {
            let plan = match self.plan_deletion(&[DeletionTarget::Payload(hash.clone())]) {
                Err(fault) if matches!(fault.kind, FaultKind::Conflict | FaultKind::NotFound) => return Ok(Vec::new()), // others use it
                planned => planned?,
            };
            Ok::<_, Fault>(self.delete(&plan, Disposal::Forever)?.failures)
        };
        tree.payloads().iter().flat_map(|hash| delete(hash).unwrap_or_else(|fault| vec![fault.message])).collect()
    }
}

/// The folder in which moves are made ready: among the locks, where the official client never looks.
fn workshop_of(cache: &Cache) -> PathBuf {
    cache.root.join(LOCKS).join(".hfdesk-moving")
}

fn nothing_to_do(message: &str) -> Fault {
    Fault::new(FaultKind::Conflict, message).hint("there is nothing to do")
}

fn changed(repo: &RepoKey, what: &str) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{repo} was not moved: {what}"))
        .hint("move it again when nothing downloads it; what is copied already is not copied twice")
}

fn no_room(plan: &RelocationPlan, free: u64) -> Fault {
    let message = format!("{} has {} free, and {} takes {}", plan.to.display(), bytes(free), plan.repo, bytes(plan.bytes));
    Fault::new(FaultKind::DiskFull, message).hint("make room there, or choose another disk; nothing was changed")
}
