//! Naming something in the cache: a repository, one of its revisions, its variants or its files.

mod inside;

use crate::desk::{
    CacheContents, CacheListing, CachedRepo, CachedRevision, DeletionTarget, Desk, Fault, FaultKind, RepoId, RepoKey, RepoKind, RepoSpec,
};

use super::near;
use super::target::{CacheTarget, unlisted};

/// The least digits that name a commit.
const SHORTEST_COMMIT: usize = 7;

/// What a `TARGET` argument says. What of it is an id, a revision and a file can be told only with the cache at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// A commit alone: 40 hexadecimal digits.
    Commit(String),
    /// Something in a repository.
    In {
        /// The kind, where it is said.
        kind: Option<RepoKind>,
        /// `owner/name` or `name`, with a file behind it or not.
        path: String,
        /// What stands behind `@`: a revision, with a file behind it or not.
        at: Option<String>,
        /// Variants, behind a colon.
        variants: Vec<String>,
    },
}

/// What an [`Aim`] means in a cache.
#[derive(Debug)]
pub struct Found<'a> {
    /// The repository.
    pub repo: &'a CachedRepo,
    /// The revision, where one is named.
    pub revision: Option<&'a CachedRevision>,
    /// A file, a folder with a slash at its end or a pattern, where one is named.
    file: Option<String>,
    variants: &'a [String],
}

/// Reads a `TARGET`. A command line's value parser, so the error is one sentence.
pub fn aim(text: &str) -> Result<Aim, String> {
    if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Aim::Commit(text.to_ascii_lowercase()));
    }
    if text.contains("://") { linked(text) } else { typed(text) }.map_err(|fault| fault.message)
}

/// An `hf://` URI or a page's URL.
fn linked(text: &str) -> Result<Aim, Fault> {
    let spec: RepoSpec = text.parse()?;
    if text.starts_with("hf://") && text.ends_with('/') && spec.file.is_none() {
        return Err(nothing_follows(text));
    }
    let slash = if spec.is_folder { "/" } else { "" };
    let file = spec.file.map(|file| format!("/{file}{slash}")).unwrap_or_default();
    let (path, at) = match spec.revision {
        Some(revision) => (spec.id.as_str().to_owned(), Some(format!("{revision}{file}"))),
        None => (format!("{}{file}", spec.id.as_str()), None),
    };
    Ok(Aim::In { kind: spec.kind, path, at, variants: Vec::new() })
}

/// `[model/]owner/name[/FILE]`, `…/name@REV[/FILE]` or `…/name[@REV]:VARIANT`.
fn typed(text: &str) -> Result<Aim, Fault> {
    let kind = text.split_once('/').and_then(|(kind, rest)| Some((RepoKind::from_name(kind)?, rest)));
    let (kind, rest) = kind.map_or((None, text), |(kind, rest)| (Some(kind), rest));
    let is_id = |head: &str| head.matches('/').count() < 2;
    let (path, at) = rest.split_once('@').filter(|(head, _)| is_id(head)).map_or((rest, None), |(path, at)| (path, Some(at)));
    let behind = at.unwrap_or(path).split_once(':').filter(|(head, _)| at.is_some() || is_id(head));
    let variants: Vec<String> = behind.iter().flat_map(|(_, names)| names.split(',')).map(|name| name.trim().to_owned()).collect();
    if behind.is_some() && variants.iter().any(String::is_empty) {
        return Err(Fault::new(FaultKind::Usage, "name a variant behind the colon, for example owner/name:q4_k_m"));
    }
    let head = |text: &str| text.split_once(':').filter(|_| behind.is_some()).map_or(text, |(head, _)| head).to_owned();
    let (path, at) = if at.is_some() { (path.to_owned(), at.map(head)) } else { (head(path), None) };
    if readings(&path).is_empty() {
        path.parse::<RepoId>()?;
    }
    Ok(Aim::In { kind, path, at, variants })
}

/// The ways to read a path: as `owner/name` or as a bare `name`, with a file behind it or not.
fn readings(path: &str) -> Vec<(RepoId, Option<String>)> {
    let mut readings = Vec::new();
    let mut add = |id: &str, file: &str| readings.extend(id.parse().ok().map(|id| (id, named(file))));
    match path.split_once('/') {
        None => add(path, ""),
        Some((first, rest)) => {
            // A slash that nothing follows is where a name was to be: `gpt2/$FILE` must not mean the whole repository.
            match rest.split_once('/') {
                Some((_, "")) => {}
                Some((name, file)) => add(&format!("{first}/{name}"), file),
                None => add(path, ""),
            }
            if !rest.is_empty() {
                add(first, rest);
            }
        }
    }
    readings
}

impl Aim {
    /// The whole repository that is named, whether or not it is in the cache: a model, where no kind is said.
    pub fn whole_repo(&self) -> Option<RepoKey> {
        match self {
            Self::In { kind, path, at: None, variants } if variants.is_empty() => {
                Some(RepoKey { kind: kind.unwrap_or_default(), id: path.parse().ok()? })
            }
            _ => None,
        }
    }

    /// The one thing in the cache that is meant.
    pub fn find<'a>(&'a self, cache: &'a CacheListing) -> Result<Found<'a>, Fault> {
        match self {
            Self::Commit(commit) => by_commit(cache, commit),
            Self::In { kind, path, at, variants } => {
                let (repo, file) = repo(cache, *kind, path)?;
                let Some(at) = at else { return Ok(Found { repo, revision: None, file, variants }) };
                if file.is_some() {
                    return Err(Fault::new(FaultKind::Usage, format!("a file stands before the revision in {path}@{at}"))
                        .hint(format!("write {}@REVISION/FILE", repo.key)));
                }
                let (revision, file) = revision(repo, at)?;
                Ok(Found { repo, revision: Some(revision), file, variants })
            }
        }
    }
}

impl Found<'_> {
    /// The same in one revision: that which is named, else that of `main` or, without such a ref, the newest.
    pub fn in_newest(self) -> Self {
        let revisions = &self.repo.revisions;
        let main = || revisions.iter().find(|revision| revision.refs.iter().any(|name| name == "main"));
        Self { revision: self.revision.or_else(main).or(revisions.first()), ..self }
    }

    /// The same, if it is a repository or a revision.
    pub fn whole(self) -> Result<Self, Fault> {
        if self.file.is_none() && self.variants.is_empty() {
            return Ok(self);
        }
        Err(Fault::new(FaultKind::Usage, "a repository or a revision is meant here, not files of it")
            .hint(format!("write {}", self.repo.key)))
    }

    /// What to delete: everything that is meant, or less.
    pub async fn targets(&self, desk: &dyn Desk) -> Result<Vec<DeletionTarget>, Fault> {
        let repo = self.repo.key.clone();
        let commit = self.revision.map(|revision| revision.commit.clone());
        if self.file.is_none() && self.variants.is_empty() {
            return Ok(vec![commit.map_or(DeletionTarget::Repo(repo.clone()), |commit| DeletionTarget::Revision { repo, commit })]);
        }
        let files = self.files(&desk.contents(repo.clone()).await?)?;
        Ok(files.into_iter().map(|files| DeletionTarget::Files { repo: repo.clone(), commit: commit.clone(), files }).collect())
    }

    /// The files of each part that is named; none where the whole is meant.
    pub fn files(&self, contents: &CacheContents) -> Result<Vec<Vec<String>>, Fault> {
        let commit = self.revision.map(|revision| revision.commit.as_str());
        let file = self.file.iter().map(|file| inside::files(contents, commit, file));
        file.chain(self.variants.iter().map(|variant| inside::variant(contents, commit, variant))).collect()
    }
}

/// The repository that a path begins with, and the file behind it.
fn repo<'a>(cache: &'a CacheListing, kind: Option<RepoKind>, path: &str) -> Result<(&'a CachedRepo, Option<String>), Fault> {
    let mut readings = readings(path);
    let is_cached = |id: &RepoId| cache.repos.iter().any(|repo| repo.key.id == *id && kind.is_none_or(|kind| repo.key.kind == kind));
    let at = readings.iter().position(|(id, _)| is_cached(id)).unwrap_or(0);
    if readings.is_empty() {
        return Err(path.parse::<RepoId>().err().unwrap_or_else(|| Fault::internal(format!("{path} was not read"))));
    }
    let (id, file) = readings.swap_remove(at);
    let found = CacheTarget::new(kind, id).find(cache).map(|repo| (repo, file));
    found.map_err(|fault| match unlisted(cache, kind, path) {
        Some(warning) => fault.hint(warning),
        None => fault,
    })
}

fn by_commit<'a>(cache: &'a CacheListing, commit: &str) -> Result<Found<'a>, Fault> {
    let of = |repo: &'a CachedRepo| repo.revisions.iter().find(|revision| revision.commit == *commit).map(|revision| (repo, revision));
    let found: Vec<_> = cache.repos.iter().filter_map(|repo| of(repo)).collect();
    match found[..] {
        [(repo, revision)] => Ok(Found { repo, revision: Some(revision), file: None, variants: &[] }),
        [] => Err(Fault::new(FaultKind::NotFound, format!("no repository of the cache {} has the commit {commit}", cache.root.display()))
            .hint("list what there is with: hfdesk-tui cache ls --revisions")),
        _ => {
            let names: Vec<String> = found.iter().map(|(repo, _)| format!("{}@{commit}", repo.key)).collect();
            Err(Fault::new(FaultKind::Usage, "several repositories have that commit").hint(format!("name one of {}", names.join(", "))))
        }
    }
}

/// The revision that a text begins with, and the file behind it. A name may have slashes; the longest that fits is meant.
fn revision<'a>(repo: &'a CachedRepo, text: &str) -> Result<(&'a CachedRevision, Option<String>), Fault> {
    let names = repo.revisions.iter().flat_map(|revision| revision.refs.iter().chain([&revision.commit]).map(move |name| (revision, name)));
    let fitting = names.filter_map(|(revision, name)| Some((revision, name, behind(text, name)?)));
    if let Some((revision, _, file)) = fitting.max_by_key(|(_, name, _)| name.len()) {
        if file.is_empty() && text.ends_with('/') {
            return Err(nothing_follows(text));
        }
        return Ok((revision, named(file)));
    }
    let (digits, file) = text.split_once('/').unwrap_or((text, ""));
    let begins = |revision: &&CachedRevision| revision.commit.starts_with(&digits.to_ascii_lowercase());
    let mut found = repo.revisions.iter().filter(begins).filter(|_| digits.len() >= SHORTEST_COMMIT);
    match (found.next(), found.next()) {
        (Some(_), None) if file.is_empty() && text.ends_with('/') => Err(nothing_follows(text)),
        (Some(revision), None) => Ok((revision, named(file))),
        _ => Err(no_revision(repo, text)),
    }
}

/// What stands behind a revision's name and a slash: nothing, or a file. `None` where the text does not begin with that name.
fn behind<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(name)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// Refuses a name that was cut off, as by a variable of a shell that is empty: the whole must not go for a file.
fn nothing_follows(text: &str) -> Fault {
    Fault::new(FaultKind::Usage, format!("“{text}” ends with a slash that nothing follows"))
        .hint("leave the slash out if all of it is meant")
}

/// A file, where it has a name.
fn named(file: &str) -> Option<String> {
    Some(file.to_owned()).filter(|file| !file.is_empty())
}

fn no_revision(repo: &CachedRepo, text: &str) -> Fault {
    let names = near::nearest_first(text, repo.revisions.iter().flat_map(|revision| &revision.refs).map(String::as_str));
    let has = if names.is_empty() { "no branch or tag".to_owned() } else { names[..names.len().min(8)].join(", ") };
    Fault::new(FaultKind::NotFound, format!("{} has no revision “{text}” in the cache", repo.key))
        .hint(format!("it has {has}; see its commits with: hfdesk-tui cache show {}", repo.key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fake;

    #[test]
    fn nor_does_it_mean_a_revision() {
        let cache = fake::cache();
        for text in ["gpt2@main/", "gpt2@0123456/", "hf://gpt2@main/"] {
            let found = aim(text).map(|aim| aim.find(&cache).map(drop));
            assert!(!matches!(found, Ok(Ok(()))), "{text}");
        }
        assert!(aim("hf://org/m/").is_err());
        assert!(aim("gpt2@main").unwrap().find(&cache).is_ok());
    }

    #[test]
    fn a_slash_that_nothing_follows_does_not_mean_a_repository() {
        let names = |text: &str| readings(text).into_iter().map(|(id, file)| (id.to_string(), file)).collect::<Vec<_>>();
        assert_eq!(names("gpt2/"), []);
        assert_eq!(names("org/m/"), [("org".to_owned(), Some("m/".to_owned()))]);
        assert_eq!(names("org/m")[0], ("org/m".to_owned(), None));
        assert_eq!(names("org/m/q4/")[0], ("org/m".to_owned(), Some("q4/".to_owned())));
        assert!(typed("gpt2/").is_err());
    }

    #[test]
    fn the_longest_revision_that_fits_is_meant() {
        let mut repo = (*fake::cache().repos[0]).clone();
        repo.revisions[0].refs = vec!["dev".to_owned(), "main".to_owned()];
        repo.revisions[1].refs = vec!["dev/fast".to_owned()];
        let meant = |text: &str| {
            let found = revision(&repo, text);
            found.map(|(revision, file)| (revision.refs.len(), file)).map_err(|fault| fault.kind)
        };
        assert_eq!(meant("dev"), Ok((2, None)));
        assert_eq!(meant("dev/fast"), Ok((1, None)));
        assert_eq!(meant("dev/fast/a.bin"), Ok((1, Some("a.bin".to_owned()))));
        assert_eq!(meant("dev/faster"), Ok((2, Some("faster".to_owned()))));
        assert_eq!(meant("FEDCBA9/a/b.bin"), Ok((1, Some("a/b.bin".to_owned()))));
        assert_eq!(meant("deva"), Err(FaultKind::NotFound));
    }

    #[test]
    fn a_variant_of_that_very_name_is_meant_before_those_with_it_in_theirs() {
        let mut contents = fake::contents(&fake::cache().repos[0].key);
        contents.snapshots[0].variants[1].label = "Q6_K_L".to_owned();
        assert_eq!(inside::variant(&contents, None, "q6_k").unwrap(), ["q6/m-1.gguf", "q6/m-2.gguf"]);
        assert_eq!(inside::variant(&contents, None, "l").unwrap(), ["q4.gguf"]);
        assert_eq!(inside::variant(&contents, None, "q6").unwrap_err().kind, FaultKind::Usage);
    }

    /// The same repository with quantizations of two models that have the same label.
    fn of_two_models() -> CacheContents {
        let mut contents = fake::contents(&fake::cache().repos[0].key);
        for (variant, of) in contents.snapshots[0].variants.iter_mut().zip(["x", "y"]) {
            (variant.label, variant.of) = ("Q4_K_M".to_owned(), of.to_owned());
        }
        contents
    }

    #[test]
    fn a_label_of_two_models_means_neither() {
        let contents = of_two_models();
        let fault = inside::variant(&contents, None, "q4_k_m").unwrap_err();
        assert_eq!(fault.kind, FaultKind::Usage);
        assert_eq!(fault.hint.as_deref(), Some("name one of x:Q4_K_M, y:Q4_K_M"));
        assert_eq!(inside::variant(&contents, None, "Y:q4_k_m").unwrap(), ["q4.gguf"], "the model and the label name one");
        assert_eq!(inside::variant(&contents, None, "x").unwrap().len(), 2, "so does a model that has one");
    }

    #[test]
    fn what_the_official_client_lists_and_no_hub_can_have_is_answered_with_a_way() {
        let warnings = vec!["models--a--b--c has a name that is odd; cache doctor tells more".to_owned()];
        let cache = CacheListing { warnings, ..fake::cache() };
        let hint = |text: &str| aim(text).unwrap().find(&cache).unwrap_err().hint.unwrap();
        assert!(hint("model/a/b/c").starts_with("models--a--b--c has a name") && hint("a/b/c").contains("cache doctor"));
        assert!(!hint("a/b/cc").contains("cache doctor") && !hint("dataset/a/b/c").contains("cache doctor"));
    }

    #[test]
    fn where_no_name_tells_variants_apart_a_file_does() {
        let mut contents = of_two_models();
        contents.snapshots[0].variants[0].of = "q6/m-1.gguf".to_owned();
        let hint = inside::variant(&contents, None, "q4_k_m").unwrap_err().hint.unwrap();
        assert!(hint.contains("/q6/m-1.gguf") && hint.contains("y:Q4_K_M"), "{hint}");
    }

    #[test]
    fn a_model_and_a_label_are_typed_as_they_are_told() {
        let Ok(Aim::In { path, variants, .. }) = aim("org/name:x:Q4_K_M") else { panic!("an aim") };
        assert_eq!((path.as_str(), variants), ("org/name", vec!["x:Q4_K_M".to_owned()]));
    }
}
