//! The friendly view: a folder of plain names that leads to the newest files of everything in the cache, laid out as HFDesk's
//! (`models/<owner>/<name>/…`, `datasets/<owner>/<name>/…`).

use std::path::Path;

use super::super::Cache;
use super::ledger::Ledger;
use super::within::Within;
use super::{Wish, standing, view};
use crate::desk::{CachedFile, Fault, LinkPlan, RepoKey, RepoKind};

/// The names of everything in the cache that is a model or a dataset.
pub(super) fn wanted(cache: &Cache) -> Result<Wish, Fault> {
    let mut wish = Wish::default();
    for repo in cache.scan()?.repos.iter().filter(|repo| matches!(repo.key.kind, RepoKind::Model | RepoKind::Dataset)) {
        match of_repo(cache, &repo.key) {
            Ok(found) => {
                wish.names.extend(found.names);
                wish.obstacles.extend(found.obstacles);
            }
            Err(fault) => wish.obstacles.push(fault.message),
        }
    }
    Ok(wish)
}

fn of_repo(cache: &Cache, repo: &RepoKey) -> Result<Wish, Fault> {
    let inside = cache.inside(repo)?;
    let newest = view::newest(&inside).unwrap_or_default().to_owned();
    let files = inside.snapshots.iter().find(|(commit, _)| *commit == newest).map(|(_, files)| files.iter());
    let files: Vec<&CachedFile> = files.into_iter().flatten().collect();
    Ok(view::wish(cache, repo, &newest, &files, |path| format!("{}/{}/{path}", repo.kind.plural(), repo.id.as_str())))
}

/// The plan with the removal of what was made here and is not wanted any more.
pub(super) fn with_orphans(mut plan: LinkPlan) -> Result<LinkPlan, Fault> {
    let mut made = Ledger::of(&plan.folder)?.names;
    for name in &plan.names {
        let relative = name.path.strip_prefix(&plan.folder).ok().and_then(Path::to_str);
        relative.and_then(|relative| made.remove(relative));
    }
    let within = Within::new(&plan.folder);
    for (relative, made) in made {
        standing::remove(&mut plan, &within, &relative, made);
    }
    plan.names.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(plan)
}
