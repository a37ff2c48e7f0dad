//! The flags by which `plan` and `download` choose files.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use super::scenario::ScenarioArgs;
use super::values;
use crate::desk::{Choice, Desk, Fault, FaultKind, FitVerdict, RepoKind, RepoSpec, Revision, Selection};

/// Which files of which repository, and where to.
#[derive(Args, Debug)]
pub struct SelectionArgs {
    /// owner/name, owner/name@REV, owner/name:FILTER[,FILTER], an hf:// URI or a Hub page's URL
    #[arg(value_parser = values::repo)]
    repo: RepoSpec,
    /// Only these files, or the files of these folders
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Only files that match this glob; can be repeated
    #[arg(long, value_name = "GLOB", conflicts_with = "files")]
    include: Vec<String>,
    /// Leave out files that match this glob; can be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Let a FILTER match whole labels only, so that q6_k does not mean Q6_K_L
    #[arg(long)]
    exact: bool,
    /// The one variant that analyze recommends for this machine, or for the one that --gpu and --ram describe
    #[arg(long, conflicts_with_all = ["files", "include", "exact"])]
    recommended: bool,
    /// A branch, a tag or a commit [default: main]
    #[arg(long, value_name = "REV", value_parser = values::revision)]
    revision: Option<Revision>,
    /// Place files in this plain folder instead of the Hugging Face cache
    #[arg(long, value_name = "DIR")]
    local_dir: Option<PathBuf>,
    /// What REPO is
    #[arg(long = "type", alias = "repo-type", value_name = "TYPE", value_parser = values::kind(), default_value = "model")]
    kind: RepoKind,
    #[command(flatten)]
    scenario: ScenarioArgs,
}

impl SelectionArgs {
    /// The request that these flags make; for `--recommended` the desk is asked which variant that is, and the person is told why.
    pub async fn selection(&self, desk: &dyn Desk, out: &mut Output) -> Result<Selection, Fault> {
        let named = self.named(&desk.about().endpoint)?;
        if !self.recommended {
            return Ok(named);
        }
        let assessment = desk.assess(named.repo.clone(), self.scenario.scenario()?).await?;
        let recommended = assessment.recommended.clone().ok_or_else(|| {
            Fault::new(FaultKind::NothingMatches, format!("nothing is recommended in {}", named.repo.id))
                .hint(format!("see what there is with hfdesk-tui analyze {}", named.repo.id))
        })?;
        if assessment.of(&recommended.variant).and_then(|one| one.fit.as_ref()).is_some_and(|fit| fit.verdict == FitVerdict::TooLarge) {
            out.warning(&format!("nothing here fits this machine: {}", recommended.reason));
        } else {
            out.note(&recommended.reason);
        }
        Ok(Selection { choice: Choice::Variants(vec![recommended.variant]), ..named })
    }

    /// The request of the Hub at this address, as far as the flags themselves tell.
    fn named(&self, endpoint: &str) -> Result<Selection, Fault> {
        Ok(Selection {
            repo: self.repo.clone().on(endpoint)?.at(self.revision.clone())?.repo(self.kind),
            choice: self.choice()?,
            excludes: self.exclude.clone(),
            local_dir: self.local_dir.as_deref().map(absolute).transpose()?,
        })
    }

    /// Files, globs or filters: one way of choosing, so that nothing named is silently ignored.
    fn choice(&self) -> Result<Choice, Fault> {
        let files: Vec<String> = self.repo.file.iter().chain(&self.files).cloned().collect();
        let filters = self.repo.filters.clone();
        let usage = |message: &str| Fault::new(FaultKind::Usage, message);
        if self.recommended && !(files.is_empty() && filters.is_empty()) {
            return Err(usage("--recommended chooses, and so does the rest of REPO").hint("keep one"));
        }
        if !self.recommended && self.scenario != ScenarioArgs::default() {
            return Err(usage("--gpu, --ram, --context and --cache-type are about --recommended").hint("add it, or leave them out"));
        }
        if self.exact && filters.is_empty() {
            return Err(usage("--exact is about filters, and there is none").hint("write the filter after a colon: owner/name:q4_k_m"));
        }
        match (files.is_empty(), self.include.is_empty(), filters.is_empty()) {
            (true, true, true) => Ok(Choice::Everything),
            (false, true, true) => Ok(Choice::Files(files)),
            (true, false, true) => Ok(Choice::Globs(self.include.clone())),
            (true, true, false) => Ok(Choice::Filters { filters, exact: self.exact }),
            _ => Err(usage("files are chosen by name, by --include or by a :FILTER, and here by two of them").hint("keep one")),
        }
    }
}

/// The folder in full: another process may carry the plan out, from another working directory.
fn absolute(dir: &std::path::Path) -> Result<PathBuf, Fault> {
    std::path::absolute(dir).map_err(|error| Fault::disk(format!("find the folder {}", dir.display()), error))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Format;
    use crate::cli::fake::{Console, FakeDesk};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        selection: SelectionArgs,
    }

    fn selection(line: &str) -> Result<Selection, Fault> {
        let args = Line::parse_from(line.split(' ')).selection;
        futures::executor::block_on(args.selection(&FakeDesk::new(), &mut Console::new(Format::Human).out))
    }

    #[test]
    fn each_way_of_choosing_is_understood() {
        assert_eq!(selection("plan org/model").unwrap().choice, Choice::Everything);
        let filters = Choice::Filters { filters: vec!["q4_k_m".to_owned(), "q6_k".to_owned()], exact: true };
        assert_eq!(selection("plan org/model:q4_k_m,q6_k --exact").unwrap().choice, filters);
        let files = Choice::Files(vec!["config.json".to_owned(), "unet/".to_owned()]);
        assert_eq!(selection("plan org/model config.json unet/").unwrap().choice, files);
        assert_eq!(selection("plan org/model --include *.json").unwrap().choice, Choice::Globs(vec!["*.json".to_owned()]));
        assert_eq!(selection("plan hf://org/model/w.gguf").unwrap().choice, Choice::Files(vec!["w.gguf".to_owned()]));
    }

    #[test]
    fn the_recommended_variant_is_exactly_one() {
        let chosen = |line| selection(line).unwrap().choice;
        assert_eq!(chosen("plan org/model --recommended"), Choice::Variants(vec!["Q4_K_M".to_owned()]));
        assert_eq!(chosen("plan org/model --recommended --gpu 24G --context 32k"), Choice::Variants(vec!["Q4_K_M".to_owned()]));
    }

    #[test]
    fn two_ways_of_choosing_at_once_are_refused() {
        for line in [
            "plan org/m:q4 --include *",
            "plan org/m:q4 file",
            "plan hf://org/m/file --include *",
            "plan org/m --exact",
            "plan org/m:q4 --recommended",
            "plan org/m --gpu 24G",
        ] {
            assert_eq!(selection(line).unwrap_err().kind, FaultKind::Usage, "{line}");
        }
    }

    #[test]
    fn a_revision_stands_behind_the_name_or_in_a_flag() {
        let repo = selection("plan hf://datasets/org/set --revision v2").unwrap().repo;
        assert_eq!((repo.kind, repo.revision.as_str()), (RepoKind::Dataset, "v2"));
        assert_eq!(selection("plan org/model@v1:q4_k_m").unwrap().repo.revision.as_str(), "v1");
        for line in ["plan org/model@v1 --revision v2", "plan hf://org/model@v1 --revision v2", "plan https://other.example/org/model"] {
            assert_eq!(selection(line).unwrap_err().kind, FaultKind::Usage, "{line}");
        }
    }

    #[test]
    fn a_local_dir_is_absolute() {
        assert!(selection("plan org/model --local-dir models").unwrap().local_dir.unwrap().is_absolute());
    }
}
