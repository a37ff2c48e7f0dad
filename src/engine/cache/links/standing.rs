//! What stands where names are wanted, and so what is to be done about each.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::super::Cache;
use super::ledger::{Ledger, Made};
use super::within::Within;
use super::{Wanted, Wish, make};
use crate::desk::{Fault, FaultKind, LinkAction, LinkHow, LinkName, LinkPlan, LinkRequest, RepoKey, printable, safe_path};
use crate::engine::host::{nearest_existing, space};

/// What making these names in a folder comes to.
pub(super) fn plan(cache: &Cache, request: &LinkRequest, folder: &Path, wish: Wish, how: Option<LinkHow>) -> Result<LinkPlan, Fault> {
    let (ledger, how) = (Ledger::of(folder)?, how.unwrap_or(LinkHow::Symlink));
    let mut plan = empty(request, folder);
    plan.obstacles = wish.obstacles;
    let (mut taken, within) = (HashSet::new(), Within::new(folder));
    for wanted in wish.names {
        let told = if taken.insert(wanted.relative.clone()) {
            stand(folder, &within, &ledger, &wanted, how)
        } else {
            Err(format!("{} is the name of several files; only the first gets it", printable(&wanted.relative)))
        };
        match told {
            Ok(action) => plan.names.push(named(folder, wanted, how, action)),
            Err(obstacle) => plan.obstacles.push(obstacle),
        }
    }
    plan.names.sort_by(|a, b| a.path.cmp(&b.path));
    check(cache, &plan, how)?;
    let is_new = |name: &&LinkName| matches!(name.action, LinkAction::Make | LinkAction::Update);
    plan.cost = if how == LinkHow::Copy { plan.names.iter().filter(is_new).map(|name| name.size).sum() } else { 0 };
    plan.cautions = cautions(request, how).filter(|_| plan.names.iter().any(|name| is_new(&name))).into_iter().collect();
    Ok(plan)
}

/// What taking away a repository's names comes to.
pub(super) fn plan_removal(request: &LinkRequest, folder: &Path, repo: &RepoKey) -> Result<LinkPlan, Fault> {
    let mut plan = empty(request, folder);
    let within = Within::new(folder);
    for (relative, made) in Ledger::of(folder)?.names {
        if made.repo == *repo {
            remove(&mut plan, &within, &relative, made);
        }
    }
    if plan.names.is_empty() && plan.obstacles.is_empty() {
        let message = format!("nothing was made for {repo} in {}", folder.display());
        return Err(Fault::new(FaultKind::NotFound, message).hint("name the folder it was made in with --into FOLDER"));
    }
    Ok(plan)
}

/// Adds the removal of a name that was made here, if it still is what was made.
pub(super) fn remove(plan: &mut LinkPlan, within: &Within, relative: &str, made: Made) {
    let path = plan.folder.join(relative);
    if !within.has(&path) || !made.is_still(&path) {
        if fs::symlink_metadata(&path).is_ok() {
            plan.obstacles.push(format!("{} has changed since it was made, and stays", path.display()));
        }
        return;
    }
    let size = fs::metadata(&path).map_or(0, |found| found.len());
    plan.names.push(LinkName { path, source: made.source, how: made.how, size, action: LinkAction::Remove, repo: made.repo });
}

fn empty(request: &LinkRequest, folder: &Path) -> LinkPlan {
    LinkPlan {
        request: request.clone(),
        folder: folder.to_path_buf(),
        names: Vec::new(),
        cost: 0,
        disk_free: space(folder).ok().map(|space| space.free),
        obstacles: Vec::new(),
        cautions: Vec::new(),
        adopts: None,
    }
}

fn named(folder: &Path, wanted: Wanted, how: LinkHow, action: LinkAction) -> LinkName {
    LinkName { path: folder.join(&wanted.relative), source: wanted.source, how, size: wanted.size, action, repo: wanted.repo }
}

/// What is to be done about one name, or what stands in its way.
fn stand(folder: &Path, within: &Within, ledger: &Ledger, wanted: &Wanted, how: LinkHow) -> Result<LinkAction, String> {
    let path = folder.join(&wanted.relative);
    let in_the_way = |what: &str| Err(format!("{} {what}", printable(&path.display().to_string())));
    if !safe_path(&wanted.relative) || !within.has(&path) {
        return in_the_way("leads out of its folder");
    }
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(LinkAction::Make),
        Err(error) => return in_the_way(&format!("cannot be made: {error}")),
        Ok(_) => {}
    }
    match ledger.names.get(&wanted.relative).filter(|made| made.is_still(&path)) {
        Some(made) if made.source == wanted.source && made.how == how => Ok(LinkAction::Keep),
        Some(_) => Ok(LinkAction::Update),
        None if is_same(&path, &wanted.source) => Ok(LinkAction::Keep),
        None => in_the_way("is there already, and was not made by this program"),
    }
}

/// Whether two paths lead to the same bytes.
fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    identity(one).is_some_and(|found| identity(other) == Some(found))
}

/// Refuses what the filesystem cannot do, before any of it is tried.
fn check(cache: &Cache, plan: &LinkPlan, how: LinkHow) -> Result<(), Fault> {
    let mut wanted = plan.names.iter().filter(|name| name.action != LinkAction::Keep);
    let Some(first) = wanted.next() else { return Ok(()) };
    let folder = nearest_existing(&plan.folder);
    let device = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
    let refused = |what: &str, hint: &str| {
        let message = format!("{what} between {} and {}", cache.root.display(), folder.display());
        Err(Fault::new(FaultKind::Usage, message).hint(hint))
    };
    match how {
        LinkHow::Hard if device(&first.source) != device(&folder) => {
            refused("a hard link cannot be made between filesystems, as it would have to be", "use --how symlink, or --how copy")
        }
        LinkHow::Reflink if !make::can_clone(&first.source, &folder) => {
            refused("blocks cannot be shared", "use --how symlink, or --how copy")
        }
        _ => Ok(()),
    }
}

/// What is good to know of names that are made in this way.
fn cautions(request: &LinkRequest, how: LinkHow) -> Option<String> {
    let undo = if matches!(request, LinkRequest::Friendly { .. }) { "cache rebuild --clean" } else { "--remove" };
    match how {
        LinkHow::Symlink => Some(format!("once the files are deleted from the cache these names lead nowhere; {undo} takes them away")),
        LinkHow::Hard => {
            let when = "the bytes come free only when they are deleted from the cache and these names are gone too";
            Some(format!("{when}; writing into one writes into both"))
        }
        LinkHow::Reflink | LinkHow::Copy => None,
    }
}
