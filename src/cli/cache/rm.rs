//! `cache rm`: delete repositories, revisions, variants or files, after showing what comes free.

use clap::Args;

use super::aim::{Aim, aim};
use super::deletion::{self, HowArgs};
use crate::cli::output::Output;
use crate::desk::{CacheListing, DeletionTarget, Desk, Fault};

/// Flags of `cache rm`.
#[derive(Args, Debug)]
#[command(after_help = "\
A TARGET is
  [model/]owner/name                a repository with all it has
  owner/name@REV                    one revision: a branch, a tag or a commit
  COMMIT                            the same, by its 40 digits alone
  owner/name:q4_k_m                 a variant, in every revision
  owner/name/path/to/file           a file, in every revision
  owner/name/folder/                all files below a folder
  'owner/name/*.gguf'               all files that a pattern matches
  hf://models/owner/name[/file]     the same as a link; so is a page's URL, also that of a folder
With owner/name@REV, variants and files are those of that revision alone. What another revision
or repository uses stays. A revision goes with every name that it has, which the preview tells.

Examples:
  hfdesk-tui cache rm Qwen/Qwen3-8B-GGUF dataset/org/set --dry-run
  hfdesk-tui cache rm Qwen/Qwen3-8B-GGUF:q6_k --trash
  hfdesk-tui cache rm hf://models/Qwen/Qwen3-8B-GGUF --yes")]
pub struct RmArgs {
    /// What to delete; see below
    #[arg(value_name = "TARGET", value_parser = aim, required = true)]
    targets: Vec<Aim>,
    #[command(flatten)]
    how: HowArgs,
}

impl RmArgs {
    /// Whether anything is to be changed.
    pub(super) fn changes(&self) -> bool {
        self.how.changes()
    }
}

pub(super) async fn run(desk: &dyn Desk, args: &RmArgs, out: &mut Output) -> Result<(), Fault> {
    let cache = desk.cache().await?;
    let plan = desk.plan_deletion(targets(desk, &cache, &args.targets).await?).await?;
    deletion::carry_out(desk, &cache, plan, &args.how, out).await
}

/// Everything that is meant, each thing once, and nothing by itself that goes with a whole repository.
async fn targets(desk: &dyn Desk, cache: &CacheListing, aims: &[Aim]) -> Result<Vec<DeletionTarget>, Fault> {
    let mut targets: Vec<DeletionTarget> = Vec::new();
    for aim in aims {
        for target in aim.find(cache)?.targets(desk).await? {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
    }
    let whole: Vec<DeletionTarget> = targets.iter().filter(|target| matches!(target, DeletionTarget::Repo(_))).cloned().collect();
    targets.retain(|target| whole.contains(target) || !whole.iter().any(|repo| repo.repo() == target.repo()));
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cli::fake::{Console, FakeDesk, three_ways};
    use crate::cli::format::Format;
    use crate::desk::FaultKind;

    const DELETED: &str = "delete Forever [\"model/gpt2\"]";

    fn desk() -> Arc<FakeDesk> {
        Arc::new(FakeDesk::new())
    }

    /// What a command line deletes, or why it does not.
    fn deleted(line: &str) -> Result<Vec<String>, String> {
        let desk = desk();
        let done = Console::new(Format::Human).run(&desk, &format!("cache rm {line} --yes"));
        done.map(|()| desk.asked()).map_err(|fault| format!("{fault}; {}", fault.hint.as_deref().unwrap_or_default()))
    }

    #[test]
    fn a_deletion_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&desk(), "cache rm gpt2 dataset/org/twin --yes"));
    }

    #[test]
    fn a_dry_run_names_what_would_go_and_deletes_nothing() {
        let desk = desk();
        insta::assert_snapshot!(three_ways(&desk, "cache rm gpt2 model/gpt2 Qwen/Qwen3-8B-GGUF@fedcba9 --dry-run"));
        assert!(desk.asked().is_empty());
    }

    #[test]
    fn the_trash_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&desk(), "cache rm Qwen/Qwen3-8B-GGUF:q6_k --trash --yes"));
    }

    #[test]
    fn every_kind_of_target_is_understood() {
        const QWEN: &str = "model/Qwen/Qwen3-8B-GGUF";
        let other = "fedcba9876543210fedcba9876543210fedcba98";
        for (line, wanted) in [
            (other.to_owned(), format!("{QWEN}@fedcba987654")),
            ("Qwen/Qwen3-8B-GGUF@main".to_owned(), format!("{QWEN}@0123456789ab")),
            (format!("Qwen/Qwen3-8B-GGUF@{other}"), format!("{QWEN}@fedcba987654")),
            ("Qwen/Qwen3-8B-GGUF@refs/pr/1".to_owned(), format!("{QWEN}@0123456789ab")),
            ("Qwen/Qwen3-8B-GGUF:q4-K-m".to_owned(), format!("{QWEN}/q4.gguf")),
            ("Qwen/Qwen3-8B-GGUF@refs/pr/1:Q6_K".to_owned(), format!("2 files of {QWEN}@0123456789ab")),
            ("model/Qwen/Qwen3-8B-GGUF:q6_k".to_owned(), format!("2 files of {QWEN}")),
            ("Qwen/Qwen3-8B-GGUF/README.md".to_owned(), format!("{QWEN}/README.md")),
            ("Qwen/Qwen3-8B-GGUF@refs/pr/1/README.md".to_owned(), format!("{QWEN}@0123456789ab/README.md")),
            ("Qwen/Qwen3-8B-GGUF/q6/".to_owned(), format!("2 files of {QWEN}")),
            ("Qwen/Qwen3-8B-GGUF/*-1.gguf".to_owned(), format!("{QWEN}/q6/m-1.gguf")),
            ("hf://models/Qwen/Qwen3-8B-GGUF/q6/m-2.gguf".to_owned(), format!("{QWEN}/q6/m-2.gguf")),
            ("hf://Qwen/Qwen3-8B-GGUF/q6/".to_owned(), format!("2 files of {QWEN}")),
            ("https://huggingface.co/Qwen/Qwen3-8B-GGUF/tree/main/q6".to_owned(), format!("2 files of {QWEN}@0123456789ab")),
            ("https://huggingface.co/Qwen/Qwen3-8B-GGUF/tree/main".to_owned(), format!("{QWEN}@0123456789ab")),
            ("https://huggingface.co/Qwen/Qwen3-8B-GGUF/blob/main/q4.gguf".to_owned(), format!("{QWEN}@0123456789ab/q4.gguf")),
            ("gpt2/README.md".to_owned(), "model/gpt2/README.md".to_owned()),
            ("hf://models/gpt2/README.md".to_owned(), "model/gpt2/README.md".to_owned()),
            ("gpt2 gpt2/README.md model/gpt2@main".to_owned(), "model/gpt2".to_owned()),
        ] {
            assert_eq!(deleted(&line), Ok(vec![format!("delete Forever [{wanted:?}]")]), "{line}");
        }
    }

    #[test]
    fn what_is_not_there_or_not_clear_is_refused_with_what_there_is() {
        for (line, wanted) in [
            ("Qwen/Qwen3-8B-GGUF@v9", "has no revision “v9” in the cache; it has main, refs/pr/1; see its commits with"),
            ("Qwen/Qwen3-8B-GGUF@0123", "has no revision “0123”"),
            ("Qwen/Qwen3-8B-GGUF:q8_0", "has no variant “q8_0” in the cache; it has Q4_K_M, Q6_K, other files"),
            ("Qwen/Qwen3-8B-GGUF:k", "several variants of model/Qwen/Qwen3-8B-GGUF in the cache; name one of Q4_K_M, Q6_K"),
            ("Qwen/Qwen3-8B-GGUF/q6", "q6 is a folder; write q6/ for all below it"),
            ("Qwen/Qwen3-8B-GGUF/none.bin", "has no file “none.bin”"),
            ("ffffffffffffffffffffffffffffffffffffffff", "has the commit ffff"),
            ("0123456789abcdef0123456789abcdef01234567", "name one of model/Qwen/Qwen3-8B-GGUF@0123"),
            ("org/twin/README.md", "name one of model/org/twin, dataset/org/twin"),
        ] {
            let told = deleted(line).unwrap_err();
            assert!(told.contains(wanted), "{line}: {told}");
        }
    }

    #[test]
    fn a_commit_that_has_other_names_is_told_with_them() {
        let told = |line: &str| {
            let mut console = Console::new(Format::Human);
            console.run(&desk(), &format!("cache rm {line} --dry-run")).unwrap();
            console.stdout()
        };
        assert!(told("Qwen/Qwen3-8B-GGUF@refs/pr/1").contains("@0123456789ab, also main, refs/pr/1\n"));
        assert!(told("Qwen/Qwen3-8B-GGUF@main/README.md").contains("/README.md, also main, refs/pr/1\n"));
        assert!(!told("Qwen/Qwen3-8B-GGUF@fedcba9").contains("also"));
    }

    #[test]
    fn a_person_is_asked() {
        let desk = desk();
        let mut console = Console::terminal(Format::Human).answering("y\n");
        console.run(&desk, "cache rm gpt2").unwrap();
        assert!(console.stderr().ends_with("Delete 1 repository and free 5 GiB? [y/N] "), "{}", console.stderr());
        assert!(console.stderr().contains("paths: model/gpt2"), "{}", console.stderr());
        assert_eq!(desk.asked(), [DELETED]);
    }

    #[test]
    fn a_person_is_told_when_the_bytes_of_the_trash_come_free() {
        let mut console = Console::terminal(Format::Human).answering("y\n");
        console.run(&desk(), "cache rm gpt2 --trash").unwrap();
        assert!(console.stderr().contains("Move 1 repository to the trash? 5 GiB come free when it is emptied. [y/N] "));
        assert!(console.stderr().contains("bring it back with: hfdesk-tui cache restore t2"), "{}", console.stderr());
    }

    #[test]
    fn anything_but_yes_means_no() {
        for answer in ["n\n", "\n", "", "yesterday\n"] {
            let desk = desk();
            let fault = Console::terminal(Format::Human).answering(answer).run(&desk, "cache rm gpt2").unwrap_err();
            assert_eq!((fault.kind, fault.kind.exit_status(), fault.message.as_str()), (FaultKind::Declined, 1, "nothing was deleted"));
            assert!(desk.asked().is_empty());
        }
    }

    #[test]
    fn where_nobody_can_be_asked_yes_must_be_said() {
        let desk = desk();
        for format in [Format::Human, Format::Json, Format::Quiet] {
            let fault = Console::new(format).run(&desk, "cache rm gpt2").unwrap_err();
            assert!(fault.kind.exit_status() == 2 && fault.message.ends_with("Use --yes to skip confirmation."), "{fault}");
        }
        assert!(desk.asked().is_empty());
        Console::new(Format::Json).run(&desk, "cache rm gpt2 -y").unwrap();
        assert_eq!(desk.asked(), [DELETED]);
    }

    #[test]
    fn what_is_spoiled_in_the_trash_is_told_also_where_nobody_is_asked() {
        for (how, wanted) in [("--yes", "could not be undone any more: t1"), ("--yes --trash", "could be undone only after this one: t1")] {
            let mut console = Console::new(Format::Quiet);
            console.run(&desk(), &format!("cache rm Qwen/Qwen3-8B-GGUF@main {how}")).unwrap();
            assert!(console.stderr().contains(&format!("Warning: 1 deletion in the trash {wanted}")), "{}", console.stderr());
        }
    }

    #[test]
    fn what_stays_behind_makes_the_verb_fail() {
        let desk = Arc::new(FakeDesk { deletion_failures: vec!["cannot remove /cache/x".to_owned()], ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        let fault = console.run(&desk, "cache rm gpt2 --yes").unwrap_err();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Disk, "1 thing could not be deleted"));
        assert!(console.stderr().contains("Warning: cannot remove /cache/x"));
    }

    #[test]
    fn one_target_that_is_not_there_stops_all() {
        let desk = desk();
        for wrong in ["org/none", "gpt2:q4", "gpt2@v1"] {
            let fault = Console::new(Format::Human).run(&desk, &format!("cache rm gpt2 {wrong} --yes")).unwrap_err();
            assert_eq!(fault.kind.exit_status(), 4, "{wrong}");
        }
        assert!(desk.asked().is_empty());
    }
}
