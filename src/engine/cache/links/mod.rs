//! One set of files for all programs: names for cached files where other programs look, the friendly view, and files of other programs
//! that the cache takes over.
//!
//! Everything is a plan first. Nothing is overwritten; what was made is noted beside it ([`ledger`]), so that exactly that can be taken
//! away again.

mod adopt;
mod friendly;
mod ledger;
mod make;
mod standing;
#[cfg(test)]
mod tests;
mod view;
mod within;

use std::path::{Path, PathBuf};

use self::ledger::Ledger;
use super::Cache;
use super::layout::LOCKS;
use super::lock::{BLOB_LOCK, wait_for_lock};
use crate::desk::{Fault, FaultKind, LinkPlan, LinkReport, LinkRequest, RepoKey, bytes};
use crate::engine::host::{FileLock, nearest_existing, space};

/// The lock under which names are made and taken away, among the cache's.
const LOCK: &str = ".hfdesk-links.lock";

impl Cache {
    /// What linking would do; nothing is changed. The request must name its folder. Files to adopt are planned by [`Cache::plan_adoption`].
    pub fn plan_links(&self, request: &LinkRequest) -> Result<LinkPlan, Fault> {
        match request {
            LinkRequest::View { repo, commit, files, program, into, how } => {
                let wanted = view::wanted(self, repo, commit.as_deref(), files, *program)?;
                standing::plan(self, request, &self.outside(into.as_deref())?, wanted, *how)
            }
            LinkRequest::Remove { repo, into, .. } => standing::plan_removal(request, &self.outside(into.as_deref())?, repo),
            LinkRequest::Friendly { into, clean } => {
                let folder = self.outside(into.as_deref())?;
                let plan = standing::plan(self, request, &folder, friendly::wanted(self)?, None)?;
                if *clean { friendly::with_orphans(plan) } else { Ok(plan) }
            }
            LinkRequest::Adopt { .. } => Err(Fault::internal("files to adopt are planned with their repository's listing")),
        }
    }

    /// Carries out a plan of [`Cache::plan_links`] or [`Cache::plan_adoption`], unless something has changed since it was made.
    pub fn link(&self, plan: &LinkPlan) -> Result<LinkReport, Fault> {
        if plan.disk_free.is_some_and(|free| plan.cost > space(&plan.folder).map_or(free, |now| now.free)) {
            let message = format!("{} has too little room for {}", plan.folder.display(), bytes(plan.cost));
            return Err(Fault::new(FaultKind::DiskFull, message).hint("free some, or choose links, which take none"));
        }
        if plan.adopts.is_some() {
            return self.adopt(plan);
        }
        let _lock = self.linking()?;
        if self.plan_links(&plan.request)?.names != plan.names {
            return Err(Fault::new(FaultKind::Conflict, "something has changed since this was planned").hint("plan it again"));
        }
        make::carry_out(plan)
    }

    /// Keeps others from making links of this cache. One that may only be read has no locks; its readers have ledgers of their own.
    fn linking(&self) -> Result<Option<FileLock>, Fault> {
        match wait_for_lock(&self.root.join(LOCKS).join(LOCK), BLOB_LOCK) {
            Ok(None) => Err(Fault::new(FaultKind::Busy, "another program makes links of this cache").hint("try again when it is done")),
            taken => Ok(taken.ok().flatten()),
        }
    }

    /// A folder as an absolute path that does not lie in the cache, where names would be taken for what they are not.
    fn outside(&self, folder: Option<&Path>) -> Result<PathBuf, Fault> {
        let usage = |message: String| Fault::new(FaultKind::Usage, message).hint("name one with --into FOLDER");
        let folder = folder.ok_or_else(|| usage("there is no usual folder for this".to_owned()))?;
        let absolute = std::path::absolute(folder).map_err(|error| Fault::disk(format!("look up {}", folder.display()), error))?;
        let folder = real(&absolute);
        if folder.starts_with(real(&self.root)) {
            return Err(usage(format!("{} lies in the cache", folder.display())));
        }
        Ok(folder)
    }
}

/// A path without links on the way to it, as far as it exists.
pub(super) fn real(path: &Path) -> PathBuf {
    let known = nearest_existing(path);
    match (known.canonicalize(), path.strip_prefix(&known)) {
        (Ok(known), Ok(rest)) if rest.as_os_str().is_empty() => known,
        (Ok(known), Ok(rest)) => known.join(rest),
        _ => path.to_path_buf(),
    }
}

/// A name that is wanted.
struct Wanted {
    /// Below the folder, with `/` between its parts.
    relative: String,
    source: PathBuf,
    size: u64,
    repo: RepoKey,
}

/// What is wanted, and what of it cannot be had.
#[derive(Default)]
struct Wish {
    names: Vec<Wanted>,
    obstacles: Vec<String>,
}

impl Ledger {
    fn of(folder: &Path) -> Result<Self, Fault> {
        Self::load(&folder.join(ledger::FILE))
    }
}
