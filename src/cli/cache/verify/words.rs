//! What the words of a command line mean: repositories of the cache, and files of them.

use super::VerifyArgs;
use crate::cli::cache::target::{CacheTarget, cache_target};
use crate::desk::{CacheListing, Fault, FaultKind, RepoKey, RepoSpec, VerifyTarget};

impl VerifyArgs {
    /// What to verify: nothing named is the whole cache. `None` where there is no repository of the type asked for.
    pub(super) fn targets(&self, cache: &CacheListing) -> Result<Option<Vec<VerifyTarget>>, Fault> {
        if self.words.is_empty() {
            return Ok(self.all_of_kind(cache));
        }
        let mut targets: Vec<VerifyTarget> = Vec::new();
        for word in &self.words {
            match (self.named(word, cache), targets.last_mut()) {
                (Ok(target), _) => targets.push(target),
                (Err(fault), Some(last)) if is_file(word, &fault) => last.files.push(word.clone()),
                (Err(fault), _) => return Err(fault),
            }
        }
        Ok(Some(targets))
    }

    fn all_of_kind(&self, cache: &CacheListing) -> Option<Vec<VerifyTarget>> {
        let Some(kind) = self.kind else { return Some(Vec::new()) };
        let keys = cache.repos.iter().filter(|repo| repo.key.kind == kind).map(|repo| repo.key.clone());
        let targets: Vec<VerifyTarget> = keys.map(VerifyTarget::whole).collect();
        (!targets.is_empty()).then_some(targets)
    }

    /// The repository of the cache that a word names, with the revision and the file that stand in a URI.
    fn named(&self, word: &str, cache: &CacheListing) -> Result<VerifyTarget, Fault> {
        if !word.contains("://") {
            let (target, revision) = word.split_once('@').map_or((word, None), |(target, revision)| (target, Some(revision)));
            let target = cache_target(target).map_err(|message| Fault::new(FaultKind::Usage, message))?;
            let revision = revision.map(str::parse).transpose()?.or_else(|| self.revision.clone());
            return Ok(VerifyTarget { revision, ..VerifyTarget::whole(self.find(target, cache)?) });
        }
        let spec: RepoSpec = word.parse()?;
        let repo = self.find(CacheTarget::new(spec.kind, spec.id), cache)?;
        let slash = if spec.is_folder { "/" } else { "" };
        let files = spec.file.into_iter().map(|file| file + slash).collect();
        Ok(VerifyTarget { repo, revision: spec.revision.or_else(|| self.revision.clone()), files })
    }

    fn find(&self, target: CacheTarget, cache: &CacheListing) -> Result<RepoKey, Fault> {
        target.or_of(self.kind).find(cache).map(|repo| repo.key.clone())
    }
}

/// Whether a word that names no repository of the cache is meant as a file of the one before it.
fn is_file(word: &str, fault: &Fault) -> bool {
    !word.contains("://") && (fault.kind == FaultKind::NotFound || cache_target(word).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fake;
    use crate::cli::{Command, parse};

    fn targets(line: &str) -> Result<Vec<String>, Fault> {
        let cli = parse(format!("hfdesk-tui cache verify {line}").split_whitespace()).unwrap_or_else(|error| panic!("{error}"));
        let Some(Command::Desk(crate::cli::DeskCommand::Cache(cache))) = cli.command else { panic!("{line}") };
        let crate::cli::CacheCommand::Verify(args) = cache.command else { panic!("{line}") };
        let shown = |target: VerifyTarget| {
            let revision = target.revision.map_or_else(String::new, |revision| format!("@{revision}"));
            format!("{}{revision} {}", target.repo, target.files.join("+")).trim().to_owned()
        };
        args.targets(&fake::cache()).map(|targets| targets.unwrap_or_default().into_iter().map(shown).collect())
    }

    #[test]
    fn words_are_repositories_and_files_of_them() {
        for (line, meant) in [
            ("", vec![]),
            ("gpt2", vec!["model/gpt2"]),
            ("gpt2 Qwen/Qwen3-8B-GGUF", vec!["model/gpt2", "model/Qwen/Qwen3-8B-GGUF"]),
            ("gpt2 config.json onnx/model.onnx", vec!["model/gpt2 config.json+onnx/model.onnx"]),
            ("gpt2 a.bin dataset/org/twin b c:d", vec!["model/gpt2 a.bin", "dataset/org/twin b+c:d"]),
            ("gpt2 --revision v2", vec!["model/gpt2@v2"]),
            ("gpt2@v3 a@b.bin", vec!["model/gpt2@v3 a@b.bin"]),
            ("org/twin --type dataset", vec!["dataset/org/twin"]),
            ("model/org/twin --type dataset", vec!["model/org/twin"]),
            ("--type dataset", vec!["dataset/org/twin"]),
            ("https://huggingface.co/gpt2/tree/main/onnx", vec!["model/gpt2@main onnx/"]),
            ("gpt2 onnx/", vec!["model/gpt2 onnx/"]),
            ("hf://datasets/org/twin@main/data/t.csv", vec!["dataset/org/twin@main data/t.csv"]),
        ] {
            assert_eq!(targets(line).unwrap(), meant, "{line}");
        }
    }

    #[test]
    fn the_first_word_must_be_a_repository_of_the_cache() {
        for (line, kind) in [
            ("org/none", FaultKind::NotFound),
            ("org/twin", FaultKind::Usage),
            ("a..b x", FaultKind::Usage),
            ("hf://models/org/none", FaultKind::NotFound),
            ("gpt2 hf://models/org/none", FaultKind::NotFound),
            ("gpt2 org/twin", FaultKind::Usage),
        ] {
            assert_eq!(targets(line).unwrap_err().kind, kind, "{line}");
        }
    }
}
