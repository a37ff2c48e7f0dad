//! `cache link`: one set of files for all programs. Names for cached files where others look, or files of theirs for the cache.

mod told;

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::aim::{Aim, aim};
use crate::cli::output::Output;
use crate::cli::values;
use crate::desk::{
    CacheListing, Choice, DeletionTarget, Desk, Fault, FaultKind, LinkAction, LinkFor, LinkHow, LinkRequest, RepoKind, RepoSpec, Selection,
};

/// Flags of `cache link`.
#[derive(Args, Debug)]
#[command(after_help = "\
Names for cached files where another program looks:
  lmstudio   FOLDER/owner/name/file, all files; FOLDER is LM Studio's own where there is one
  llamacpp   FOLDER/file, the .gguf files alone
  folder     FOLDER/file, at their paths in the repository

How a name gets its content:
  symlink    it leads to the file (the default); once that is deleted from the cache, nowhere
  hard       one more name of the same bytes, which stay until both are gone; on one filesystem
  reflink    its own file in shared blocks, where the filesystem can do that
  copy       its own file, which takes its own room

Nothing is overwritten. What was made is noted in FOLDER/.hfdesk-links.json, and --remove takes
exactly that away: what has changed since stays. With --adopt, files that other programs have are
recognised by their digests and placed in the cache; what is missing, a download fetches.

Examples:
  hfdesk-tui cache link Qwen/Qwen3-8B-GGUF:q4_k_m --for lmstudio
  hfdesk-tui cache link Qwen/Qwen3-8B-GGUF --for llamacpp --into ~/gguf --how hard --dry-run
  hfdesk-tui cache link Qwen/Qwen3-8B-GGUF --for lmstudio --remove
  hfdesk-tui cache link --adopt Qwen/Qwen3-8B-GGUF:q4_k_m --from ~/models")]
pub struct LinkArgs {
    /// [model/]owner/name[@REV][:VARIANT], as for cache rm; without REV that of main, else the newest
    #[arg(value_name = "REPO", value_parser = aim, required_unless_present = "adopt")]
    repo: Option<Aim>,
    /// The program that is to find the files
    #[arg(long = "for", value_name = "PROGRAM", value_parser = program(), required_unless_present = "adopt")]
    program: Option<LinkFor>,
    /// The program's folder
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// How the names get their content
    #[arg(long, value_name = "HOW", value_parser = how(), conflicts_with = "remove")]
    how: Option<How>,
    /// Take away what was made for REPO
    #[arg(long)]
    remove: bool,
    /// Place files of this repository in the cache that other programs have
    #[arg(long, value_name = "REPO", value_parser = values::repo, conflicts_with_all = ["repo", "program", "into", "how", "remove"])]
    adopt: Option<RepoSpec>,
    /// Look for them in this folder alone
    #[arg(long, value_name = "FOLDER", requires = "adopt")]
    from: Option<PathBuf>,
    /// Share their bytes with the other program by hard link, where they lie on the cache's filesystem
    #[arg(long, requires = "adopt")]
    hard: bool,
    /// What the repository to adopt for is
    #[arg(long = "type", value_name = "TYPE", value_parser = values::kind(), default_value = "model", requires = "adopt")]
    kind: RepoKind,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Flags of `cache rebuild`.
#[derive(Args, Debug)]
#[command(after_help = "\
Makes and updates models/owner/name/… and datasets/owner/name/… with symbolic links to the files of
main or, without such a ref, of the newest revision of everything in the cache. Nothing that was
not made by this program is touched.

Examples:
  hfdesk-tui cache rebuild
  hfdesk-tui cache rebuild --clean --into ~/hf")]
pub struct RebuildArgs {
    /// The folder [default: that of the cache's parent, where it has a folder of models already]
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// Take away links that lead to nothing of the cache any more
    #[arg(long)]
    clean: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl LinkArgs {
    /// Whether anything is to be changed.
    pub(super) fn changes(&self) -> bool {
        !self.dry_run
    }
}

impl RebuildArgs {
    /// Whether anything is to be changed.
    pub(super) fn changes(&self) -> bool {
        !self.dry_run
    }
}

/// A way of linking, or the one that suits.
type How = Option<LinkHow>;

fn program() -> impl TypedValueParser<Value = LinkFor> {
    PossibleValuesParser::new(LinkFor::ALL.map(LinkFor::name))
        .try_map(|name| LinkFor::ALL.into_iter().find(|program| program.name() == name).ok_or("unknown"))
}

fn how() -> impl TypedValueParser<Value = How> {
    let names = std::iter::once("auto").chain(LinkHow::ALL.map(LinkHow::name));
    PossibleValuesParser::new(names).map(|name| LinkHow::ALL.into_iter().find(|how| how.name() == name))
}

pub(super) async fn run(desk: &dyn Desk, args: &LinkArgs, out: &mut Output) -> Result<(), Fault> {
    let request = match (&args.adopt, &args.repo, args.program) {
        (Some(repo), _, _) => adoption(desk, args, repo)?,
        (None, Some(aim), Some(program)) if args.remove => removal(desk, args, aim, program).await?,
        (None, Some(aim), Some(program)) => view(desk, args, aim, program).await?,
        _ => return Err(Fault::new(FaultKind::Usage, "name a repository, and the program with --for")),
    };
    carry_out(desk, request, args.dry_run, out).await
}

pub(super) async fn rebuild(desk: &dyn Desk, args: &RebuildArgs, out: &mut Output) -> Result<(), Fault> {
    let into = args.into.as_deref().map(absolute).transpose()?;
    carry_out(desk, LinkRequest::Friendly { into, clean: args.clean }, args.dry_run, out).await
}

async fn carry_out(desk: &dyn Desk, request: LinkRequest, dry_run: bool, out: &mut Output) -> Result<(), Fault> {
    let plan = desk.plan_links(request).await?;
    let report = if dry_run { None } else { Some(desk.link(plan.clone()).await?) };
    told::show(&plan, report.as_ref(), out)?;
    let failures = report.map_or(Vec::new(), |report| report.failures);
    for failure in &failures {
        out.warning(failure);
    }
    let wanted = plan.count(LinkAction::Remove) < plan.names.len() || plan.names.is_empty();
    match failures.len() + if wanted { plan.obstacles.len() } else { 0 } {
        0 => Ok(()),
        _ => Err(Fault::new(FaultKind::Disk, "not everything could be done").hint("see the warnings above")),
    }
}

fn adoption(desk: &dyn Desk, args: &LinkArgs, repo: &RepoSpec) -> Result<LinkRequest, Fault> {
    let filters = repo.filters.clone();
    let choice = match &repo.file {
        Some(file) => Choice::Files(vec![file.clone()]),
        None if filters.is_empty() => Choice::Everything,
        None => Choice::Filters { filters, exact: false },
    };
    let selection = Selection::new(repo.clone().on(&desk.about().endpoint)?.repo(args.kind), choice);
    Ok(LinkRequest::Adopt { selection, from: args.from.as_deref().map(absolute).transpose()?, hard: args.hard })
}

async fn view(desk: &dyn Desk, args: &LinkArgs, aim: &Aim, program: LinkFor) -> Result<LinkRequest, Fault> {
    let cache = desk.cache().await?;
    let found = aim.find(&cache)?.in_newest();
    let repo = found.repo.key.clone();
    let (mut commit, mut files) = (None, Vec::new());
    for target in found.targets(desk).await? {
        match target {
            DeletionTarget::Revision { commit: one, .. } => commit = Some(one),
            DeletionTarget::Files { commit: one, files: some, .. } => {
                commit = one;
                files.extend(some);
            }
            _ => {}
        }
    }
    let into = args.into.as_deref().map(absolute).transpose()?;
    Ok(LinkRequest::View { repo, commit, files, program, into, how: args.how.flatten() })
}

async fn removal(desk: &dyn Desk, args: &LinkArgs, aim: &Aim, program: LinkFor) -> Result<LinkRequest, Fault> {
    let cache: CacheListing = desk.cache().await?;
    let repo = match aim.find(&cache) {
        Ok(found) => found.whole()?.repo.key.clone(),
        Err(fault) => aim.whole_repo().ok_or(fault)?,
    };
    Ok(LinkRequest::Remove { repo, program, into: args.into.as_deref().map(absolute).transpose()? })
}

/// A path from the current folder, now: the desk may work in another.
fn absolute(path: &std::path::Path) -> Result<PathBuf, Fault> {
    std::path::absolute(path).map_err(|error| Fault::disk(format!("look up {}", path.display()), error))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cli::fake::{Console, FakeDesk, three_ways};
    use crate::cli::format::Format;

    fn desk() -> Arc<FakeDesk> {
        Arc::new(FakeDesk::new())
    }

    /// What a command line asks for, or why it does not.
    fn asked(line: &str) -> Result<String, String> {
        let desk = desk();
        let done = Console::new(Format::Human).run(&desk, line);
        done.map(|()| desk.asked().concat()).map_err(|fault| fault.message)
    }

    #[test]
    fn links_read_three_ways() {
        insta::assert_snapshot!(three_ways(&desk(), "cache link Qwen/Qwen3-8B-GGUF:q6_k --for lmstudio --how hard"));
    }

    #[test]
    fn what_would_be_linked_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&desk(), "cache link Qwen/Qwen3-8B-GGUF --for llamacpp --into /gguf --dry-run"));
    }

    #[test]
    fn a_friendly_view_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&desk(), "cache rebuild --clean --into /hf"));
    }

    #[test]
    fn every_flag_reaches_the_desk() {
        for (line, wanted) in [
            (
                "Qwen/Qwen3-8B-GGUF:q6_k --for folder --into /x --how copy",
                &["q6/m-1.gguf", "\"/x\"", "Some(Copy)", "Folder", "0123456789abcdef"][..],
            ),
            ("Qwen/Qwen3-8B-GGUF@fedcba9 --for llamacpp --how auto", &["fedcba9876543210", "files: []", "how: None"]),
            ("Qwen/Qwen3-8B-GGUF --for lmstudio --remove", &["Remove", "LmStudio", "Qwen/Qwen3-8B-GGUF"]),
            ("org/gone --for lmstudio --remove", &["Remove", "org/gone"]),
            ("--adopt org/m:q4 --from /models --hard", &["Adopt", "filters: [\"q4\"]", "Some(\"/models\")", "hard: true"]),
        ] {
            let told = asked(&format!("cache link {line}")).unwrap();
            assert!(wanted.iter().all(|part| told.contains(part)), "{line}: {told}");
        }
    }

    #[test]
    fn flags_that_do_not_belong_together_are_refused() {
        for line in [
            "org/m",
            "--for folder",
            "org/m --for none",
            "org/m --adopt org/m",
            "org/m --for folder --hard",
            "org/gone:q4 --for folder --remove",
        ] {
            let outcome = std::panic::catch_unwind(|| asked(&format!("cache link {line}")));
            assert!(outcome.is_err() || outcome.is_ok_and(|told| told.is_err()), "{line}");
        }
    }

    #[test]
    fn a_dry_run_changes_nothing_and_what_is_in_the_way_fails() {
        assert_eq!(asked("cache link gpt2 --for folder --into /x --dry-run").unwrap(), "");
        let desk = Arc::new(FakeDesk { obstacles: vec!["/x/config.json is there already".to_owned()], ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        let fault = console.run(&desk, "cache link gpt2 --for folder --into /x").unwrap_err();
        assert_eq!(fault.kind.exit_status(), 1);
        assert!(console.stderr().contains("Warning: /x/config.json is there already"), "{}", console.stderr());
        assert_eq!(desk.asked().len(), 1, "the rest is done");
    }
}
