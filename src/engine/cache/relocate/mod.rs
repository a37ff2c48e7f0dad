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

use super::Cache;
use super::deletion::folder;
use super::going::{Step, What};
use super::layout::SNAPSHOTS;
use super::links::real;
use super::moved::{Home, is_apart, other_links};
use super::reader::Reader;
use super::store::Store;
use super::verify::Gauge;
use crate::desk::{DeletionTarget, Disposal, Fault, FaultKind, RelocationPlan, RelocationReport, RepoKey, bytes};
use crate::engine::host::{nearest_existing, space};

use swap::{Workshop, is_begun};
use tree::Tree;

impl Cache {
    /// What moving a repository into a folder of this name in `to` would do, or bringing it back where there is none. Nothing is changed.
    pub fn plan_relocation(&self, repo: &RepoKey, to: Option<&Path>) -> Result<RelocationPlan, Fault> {
        let place = self.root.join(folder(repo));
        let (from, to) = match (Home::of(&self.root, &place), to) {
            (Home::Here, Some(to)) => (place, self.other_disk(to)?.join(folder(repo))),
            (Home::There(there), None) => (there, place),
            (Home::Here, None) => return Ok(self.nothing_to_move(repo, place)),
            (Home::There(there), Some(to)) if real(to).join(folder(repo)) == there => return Ok(self.nothing_to_move(repo, there)),
            (Home::There(there), Some(_)) => {
                return Err(Fault::new(FaultKind::Conflict, format!("{repo} lies in {}", there.display()))
                    .hint(format!("bring it back first with: hfdesk-tui cache move {} --back", repo.id)));
            }
            (Home::Astray(_) | Home::None, _) => return Err(self.missing(repo)),
        };
        if !from.join(SNAPSHOTS).is_dir() {
            return Err(damaged(repo));
        }
        if !to.starts_with(&self.root) && to.symlink_metadata().is_ok() && !is_begun(self, repo, &to) {
            return Err(in_the_way(&to));
        }
        let tree = self.tree(repo, &from)?;
        let outside = if to.starts_with(&self.root) { &from } else { &to };
        let frees = if is_apart(&self.root, outside) { self.plan_now(&[DeletionTarget::Repo(repo.clone())])?.plan.frees } else { 0 };
        let disk_free = space(&nearest_existing(&to)).ok().map(|space| space.free);
        let (files, bytes) = (tree.files.len(), tree.bytes());
        Ok(RelocationPlan { root: self.root.clone(), repo: repo.clone(), from, to, files, bytes, frees, disk_free })
    }

    /// Carries out a plan, after checking that it still holds. Blocks until it is done or the gauge says stop; a copy that was begun is gone on
    /// with when the same is asked for again.
    pub fn relocate(&self, plan: &RelocationPlan, gauge: &Gauge) -> Result<RelocationReport, Fault> {
        let workshop = Workshop::open(self)?;
        workshop.finish(false);
        if plan.is_done() {
            return Ok(RelocationReport { plan: plan.clone(), left: Vec::new() });
        }
        self.check_relocation(plan)?;
        let tree = self.tree(&plan.repo, &plan.from)?;
        let copy = workshop.begin(plan)?;
        tree.copy_to(&copy, gauge)?;
        let _locks = self.hold_locks(&plan.repo)?;
        self.check_unchanged(plan, &plan.from, &tree)?;
        workshop.swap(plan, &copy)?;
        // A download that had just begun may have gone to where nobody looks any more.
        let swapped = self.check_swapped(plan).and_then(|()| self.check_unchanged(plan, &workshop.came_out(plan), &tree));
        if let Err(fault) = swapped {
            workshop.undo(plan)?;
            return Err(fault);
        }
        let mut left: Vec<String> = workshop.clear(&plan.repo).err().map(|fault| fault.message).into_iter().collect();
        left.extend(self.collect(&tree));
        Ok(RelocationReport { plan: plan.clone(), left })
    }

    /// What says that a move was interrupted; nothing while one is under way.
    pub(super) fn unfinished_moves(&self) -> Vec<PathBuf> {
        let workshop = Workshop::if_idle(self);
        workshop.map(|workshop| workshop.notes().into_iter().map(|(path, _)| path).collect()).unwrap_or_default()
    }

    /// Ends what was interrupted after a repository had changed its place, unless a move is under way. With `give_up`, copies that were
    /// on their way go as well.
    pub(super) fn finish_relocations(&self, give_up: bool) -> Vec<Fault> {
        Workshop::if_idle(self).map(|workshop| workshop.finish(give_up)).unwrap_or_default()
    }

    /// Refuses where the copy is not what stands in the repository's place now.
    fn check_swapped(&self, plan: &RelocationPlan) -> Result<(), Fault> {
        let place = self.root.join(folder(&plan.repo));
        let wanted = if plan.to == place { Home::Here } else { Home::There(plan.to.clone()) };
        let found = Home::of(&self.root, &place);
        if found == wanted { Ok(()) } else { Err(changed(&plan.repo, "its place is not what it should be")) }
    }

    fn check_unchanged(&self, plan: &RelocationPlan, from: &Path, before: &Tree) -> Result<(), Fault> {
        let now = self.tree(&plan.repo, from)?;
        now.difference(before).map_or(Ok(()), |what| Err(changed(&plan.repo, &what)))
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

    /// A plan for what lies where it is to lie.
    fn nothing_to_move(&self, repo: &RepoKey, at: PathBuf) -> RelocationPlan {
        let root = self.root.clone();
        RelocationPlan { root, repo: repo.clone(), from: at.clone(), to: at, files: 0, bytes: 0, frees: 0, disk_free: None }
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
        // What comes free depends on others, too, and is told for information.
        let settled = |plan: &RelocationPlan| RelocationPlan { disk_free: None, frees: 0, ..plan.clone() };
        if settled(&now) != settled(plan) {
            return Err(changed(&plan.repo, "it is not as it was when this was planned"));
        }
        if let Some(other) = other_links(&self.root, &plan.from, &place).first().filter(|_| plan.to == place) {
            return Err(Fault::new(FaultKind::Conflict, format!("{} leads to {} too", other.display(), plan.from.display()))
                .hint("remove one of the two links by hand"));
        }
        let had = Tree::read(&plan.to, &folder(&plan.repo), None).ok().filter(|_| to.is_some()).map_or(0, |tree| tree.bytes());
        if let Some(free) = now.disk_free.filter(|free| free.saturating_add(had) < plan.bytes) {
            return Err(no_room(plan, free));
        }
        let step = [Step { what: What::Repo, path: folder(&plan.repo) }];
        self.check_rights(&step).and_then(|()| self.check_idle(&step))
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

fn changed(repo: &RepoKey, what: &str) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{repo} was not moved: {what}"))
        .hint("move it again when nothing downloads it; what is copied already is not copied twice")
}

/// Says that something stands where a repository is to go.
fn in_the_way(path: &Path) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{} is in the way", path.display()))
        .hint("move it away, or choose another folder; nothing was changed")
}

fn damaged(repo: &RepoKey) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{repo} has no snapshots, so that nothing could read it from another place"))
        .hint("find out more with: hfdesk-tui cache doctor")
}

fn no_room(plan: &RelocationPlan, free: u64) -> Fault {
    let message = format!("{} has {} free, and {} takes {}", plan.to.display(), bytes(free), plan.repo, bytes(plan.bytes));
    Fault::new(FaultKind::DiskFull, message).hint("make room there, or choose another disk; nothing was changed")
}
