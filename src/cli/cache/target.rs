//! Naming a repository of the cache.

use super::near;
use crate::desk::{CacheListing, CachedRepo, Fault, FaultKind, RepoId, RepoKey, RepoKind, RepoSpec};

/// What a `TARGET` argument names: a repository of any kind, where none is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheTarget {
    kind: Option<RepoKind>,
    id: RepoId,
}

/// Reads `model/owner/name`, `owner/name`, `hf://models/owner/name` or the URL of any of its pages. A command line's value parser, so the
/// error is one sentence.
pub fn cache_target(text: &str) -> Result<CacheTarget, String> {
    let told = |fault: Fault| fault.message;
    let not_whole = || Err("a whole repository is meant here, not a revision, a variant or a file".to_owned());
    if text.contains("://") {
        let spec: RepoSpec = text.parse().map_err(told)?;
        // Whoever pastes the address of a page means the repository that it is a page of.
        return match (spec.revision, spec.file) {
            (None, None) => Ok(CacheTarget { kind: spec.kind, id: spec.id }),
            _ if !text.trim().starts_with("hf://") => Ok(CacheTarget { kind: spec.kind, id: spec.id }),
            _ => not_whole(),
        };
    }
    if text.contains(['@', ':']) {
        return not_whole();
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
        let hint = match (unlisted(cache, self.kind, self.id.as_str()), &self.alike(cache)[..]) {
            (Some(warning), _) => warning.clone(),
            (None, []) => "list what there is with: hfdesk-tui cache ls".to_owned(),
            (None, alike) => format!("perhaps {}", alike.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")),
        };
        Fault::new(FaultKind::NotFound, message).hint(hint)
    }

    /// What may have been meant: the same name of another owner or kind, else what is called much like it.
    fn alike<'a>(&self, cache: &'a CacheListing) -> Vec<&'a RepoKey> {
        let keys = || cache.repos.iter().map(|repo| &repo.key);
        let same: Vec<&RepoKey> = keys().filter(|key| key.id.name().eq_ignore_ascii_case(self.id.name())).take(3).collect();
        if !same.is_empty() {
            return same;
        }
        let names = near::nearest(self.id.as_str(), keys().map(|key| key.id.as_str()));
        names.into_iter().filter_map(|name| keys().find(|key| key.id.as_str() == name)).collect()
    }
}

/// Why what the official client may list under this path is not listed here, where the cache warns of it.
pub(super) fn unlisted<'c>(cache: &'c CacheListing, kind: Option<RepoKind>, path: &str) -> Option<&'c String> {
    let folder = format!("{}--{}", kind.unwrap_or_default().plural(), path.replace('/', "--"));
    cache.warnings.iter().find(|warning| warning.strip_prefix(&folder).is_some_and(|rest| rest.starts_with(' ')))
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
        for text in ["gpt2@main", "org/m:q4_k_m"] {
            assert!(cache_target(text).unwrap_err().starts_with("a whole repository is meant here"), "{text}");
        }
    }

    #[test]
    fn any_page_of_a_repository_means_it() {
        for page in ["", "/tree/main", "/tree/main/q6", "/blob/main/q4.gguf", "/discussions/3"] {
            let found = cache_target(&format!("https://huggingface.co/Qwen/Qwen3-8B-GGUF{page}")).unwrap();
            assert!(found.find(&fake::cache()).is_ok(), "{page}");
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
        let hint = |text: &str| cache_target(text).unwrap().find(&fake::cache()).unwrap_err().hint.unwrap();
        assert_eq!(hint("gtp2"), "perhaps model/gpt2");
        assert_eq!(hint("Qwen/Qwen3-8B-GUF"), "perhaps model/Qwen/Qwen3-8B-GGUF");
        assert_eq!(hint("else/twin"), "perhaps model/org/twin or dataset/org/twin");
        assert_eq!(hint("nothing/alike"), "list what there is with: hfdesk-tui cache ls");
    }
}
