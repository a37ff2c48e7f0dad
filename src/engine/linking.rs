//! One set of files for all programs: where their folders are, and what a repository's listing says of files to adopt.

use std::path::{Path, PathBuf};

use super::analyze::{self, Configs};
use super::cache::{Cache, Places};
use super::hub::RepoInfo;
use super::select;
use crate::desk::{Fault, FaultKind, LinkFor, LinkRequest, Plan, Selection};

/// The same request with the usual folder filled in, where none is named and there is one.
pub(super) fn in_usual_folder(request: LinkRequest, cache: &Cache, places: &Places) -> LinkRequest {
    let usual =
        |program, into: Option<PathBuf>| into.or_else(|| if program == LinkFor::LmStudio { existing(&places.local_roots) } else { None });
    match request {
        LinkRequest::View { repo, commit, files, program, into, how } => {
            LinkRequest::View { repo, commit, files, program, into: usual(program, into), how }
        }
        LinkRequest::Remove { repo, program, into } => LinkRequest::Remove { repo, program, into: usual(program, into) },
        LinkRequest::Friendly { into, clean } => LinkRequest::Friendly { into: into.or_else(|| friendly(cache.root())), clean },
        adopt @ LinkRequest::Adopt { .. } => adopt,
    }
}

/// Where files to adopt may lie: in the folder named, else wherever other programs keep models.
pub(super) fn sources(from: Option<&Path>, local_roots: &[PathBuf], places: &Places) -> Vec<PathBuf> {
    match from {
        Some(folder) => vec![folder.to_path_buf()],
        None => [local_roots, &places.local_roots, &places.llama_cpp, &places.ollama].concat(),
    }
}

/// Whether the Hub could not be asked.
pub(super) fn is_out_of_reach(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Offline | FaultKind::Network | FaultKind::Unavailable)
}

/// A plan by the listing that the cache has of a commit; `None` where it has none.
pub(super) fn plan_from_cache(cache: &Cache, selection: &Selection) -> Option<Result<Plan, Fault>> {
    let (commit, files) = cache.listed(&selection.repo)?;
    let info = RepoInfo { commit, ..RepoInfo::default() };
    Some(select::plan(&analyze::analyze(&selection.repo, &info, files, &Configs::new()), selection))
}

fn existing(folders: &[PathBuf]) -> Option<PathBuf> {
    folders.iter().find(|folder| folder.is_dir()).cloned()
}

/// The folder beside the cache that has a friendly view already: HFDesk's has its cache in `hub` below it.
fn friendly(cache: &Path) -> Option<PathBuf> {
    cache.parent().filter(|folder| folder.join("models").is_dir()).map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_that_is_there_is_usual() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, root) = (Cache::new(dir.path().join("hub")), dir.path().join("lms"));
        let places = Places { local_roots: vec![dir.path().join("none"), root.clone()], ..Places::default() };
        let view = |program| {
            let repo = crate::desk::RepoKey { kind: crate::desk::RepoKind::Model, id: "org/m".parse().unwrap() };
            match in_usual_folder(LinkRequest::Remove { repo, program, into: None }, &cache, &places) {
                LinkRequest::Remove { into, .. } => into,
                _ => None,
            }
        };
        let friendly = || match in_usual_folder(LinkRequest::Friendly { into: None, clean: false }, &cache, &places) {
            LinkRequest::Friendly { into, .. } => into,
            _ => None,
        };
        assert_eq!((view(LinkFor::LmStudio), friendly()), (None, None));
        std::fs::create_dir_all(&root).unwrap();
        std::fs::create_dir_all(dir.path().join("models")).unwrap();
        assert_eq!((view(LinkFor::LmStudio), view(LinkFor::LlamaCpp)), (Some(root), None));
        assert_eq!(friendly().as_deref(), Some(dir.path()));
    }
}
