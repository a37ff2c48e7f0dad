//! Naming a repository of the cache.

use crate::desk::{CacheListing, CachedRepo, Fault, FaultKind, RepoId, RepoKey, RepoKind, RepoSpec};

/// What a `TARGET` argument names: a repository of any kind, where none is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheTarget {
    kind: Option<RepoKind>,
    id: RepoId,
}

/// Reads `model/owner/name`, `owner/name`, `hf://models/owner/name` or a page's URL. A command line's value parser, so the
/// error is one sentence.
pub fn cache_target(text: &str) -> Result<CacheTarget, String> {
    let told = |fault: Fault| fault.message;
    if text.contains("://") {
        let spec: RepoSpec = text.parse().map_err(told)?;
        return match (spec.revision, spec.file) {
            (None, None) => Ok(CacheTarget { kind: spec.kind, id: spec.id }),
            _ => Err("a whole repository is meant here, not a revision or a file".to_owned()),
        };
    }
    let typed = text.split_once('/').and_then(|(kind, id)| Some((RepoKind::from_name(kind)?, id)));
    let (kind, id) = typed.map_or((None, text), |(kind, id)| (Some(kind), id));
    Ok(CacheTarget { kind, id: id.parse().map_err(told)? })
}

impl CacheTarget {
    /// A repository of this kind or, where none is said, of any.
    pub fn new(kind: Option<RepoKind>, id: RepoId) -> Self {
        Self { kind, id }
    }

    /// The same target; where it does not say the kind, it is this one.
    #[must_use]
    pub fn or_of(self, kind: Option<RepoKind>) -> Self {
        Self { kind: self.kind.or(kind), ..self }
    }

    /// Whether this repository may be meant.
    pub fn means(&self, key: &RepoKey) -> bool {
        key.id == self.id && self.kind.is_none_or(|kind| key.kind == kind)
    }

    /// The one cached repository that is meant.
    pub fn find<'a>(&self, cache: &'a CacheListing) -> Result<&'a CachedRepo, Fault> {
        let found: Vec<&CachedRepo> = cache.repos.iter().map(AsRef::as_ref).filter(|repo| self.means(&repo.key)).collect();
        match found[..] {
            [repo] => Ok(repo),
            [] => Err(self.missing(cache)),
            _ => {
                let names: Vec<String> = found.iter().map(|repo| repo.key.to_string()).collect();
                let message = format!("the cache holds several repositories named {}", self.id);
                Err(Fault::new(FaultKind::Usage, message).hint(format!("name one of {}", names.join(", "))))
            }
        }
    }

    fn missing(&self, cache: &CacheListing) -> Fault {
        let kind = self.kind.map_or("repository", RepoKind::name);
        let message = format!("no {kind} {} in the cache {}", self.id, cache.root.display());
        let close = |repo: &&CachedRepo| repo.key.id.name().eq_ignore_ascii_case(self.id.name()) || repo.key.id == self.id;
        let hint = match cache.repos.iter().map(AsRef::as_ref).find(close) {
            Some(repo) => format!("perhaps {}", repo.key),
            None => "list what there is with: hfdesk-tui cache ls".to_owned(),
        };
        Fault::new(FaultKind::NotFound, message).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fake;

    #[test]
    fn every_way_of_writing_a_target_is_understood() {
        let listing = fake::cache();
        for text in ["model/Qwen/Qwen3-8B-GGUF", "models/Qwen/Qwen3-8B-GGUF", "Qwen/Qwen3-8B-GGUF", "hf://models/Qwen/Qwen3-8B-GGUF"] {
            assert_eq!(cache_target(text).unwrap().find(&listing).unwrap().key.to_string(), "model/Qwen/Qwen3-8B-GGUF", "{text}");
        }
        assert_eq!(cache_target("gpt2").unwrap().find(&listing).unwrap().key.to_string(), "model/gpt2");
    }

    #[test]
    fn what_is_not_a_whole_repository_is_refused() {
        for text in ["hf://models/org/name@v1", "hf://org/name/file.bin", "a/b/c", "../x", ""] {
            assert!(cache_target(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_that_two_kinds_share_must_say_its_kind() {
        let listing = fake::cache();
        let fault = cache_target("org/twin").unwrap().find(&listing).unwrap_err();
        assert_eq!((fault.kind, fault.hint.as_deref()), (FaultKind::Usage, Some("name one of model/org/twin, dataset/org/twin")));
        assert!(cache_target("dataset/org/twin").unwrap().find(&listing).is_ok());
    }

    #[test]
    fn a_missing_target_suggests_one_like_it() {
        let fault = cache_target("qwen/qwen3-8b-gguf").unwrap().find(&fake::cache()).unwrap_err();
        assert_eq!((fault.kind, fault.hint.as_deref()), (FaultKind::NotFound, Some("perhaps model/Qwen/Qwen3-8B-GGUF")));
    }
}
