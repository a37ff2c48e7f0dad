//! What people, programs and pipes are told, and what is done on their behalf.

use std::sync::Arc;

use crate::cli::fake::{self, Console, FakeDesk, three_ways};
use crate::cli::format::Format;
use crate::desk::{Board, Fault, FaultKind, Update, UpdateStep};

/// A desk whose downloads are over at once.
fn desk() -> Arc<FakeDesk> {
    FakeDesk::downloading(vec![fake::completed()])
}

/// The same, which tells this of one repository.
fn telling(change: impl FnOnce(&mut Update)) -> Arc<FakeDesk> {
    let UpdateStep::Checked { repo, mut updates } = fake::updates().remove(1) else { panic!("a repository") };
    updates.truncate(1);
    change(&mut updates[0]);
    let boards = desk().boards.clone();
    Arc::new(FakeDesk { boards, updates: vec![UpdateStep::Checked { repo, updates }, UpdateStep::Done], ..FakeDesk::new() })
}

#[test]
fn updates_read_three_ways() {
    insta::assert_snapshot!(three_ways(&desk(), "cache updates"));
}

#[test]
fn taking_updates_reads_three_ways() {
    insta::assert_snapshot!(three_ways(&desk(), "cache updates --fetch --prune-old --yes"));
}

#[test]
fn only_what_is_newer_is_fetched_and_only_what_nothing_leads_to_is_deleted() {
    let desk = desk();
    let mut console = Console::new(Format::Human);
    console.run(&desk, "cache updates --fetch --prune-old --yes").unwrap();
    let fetched = ["enqueue Q4_K_M", "enqueue Q4_K_M"];
    assert_eq!(desk.asked()[..2], fetched);
    assert_eq!(desk.asked()[2..], ["delete Forever [\"model/Qwen/Qwen3-8B-GGUF@fedcba987654\"]"]);
    assert!(console.stderr().contains("is left: the repository is pinned"), "{}", console.stderr());
}

#[test]
fn nothing_is_fetched_or_deleted_unless_it_is_asked_for() {
    let desk = desk();
    Console::new(Format::Human).run(&desk, "cache updates").unwrap();
    assert!(desk.asked().is_empty());
    Console::new(Format::Human).run(&desk, "cache updates Qwen/Qwen3-8B-GGUF --fetch").unwrap();
    assert_eq!(desk.asked(), ["enqueue Q4_K_M"]);
}

#[test]
fn files_that_are_the_same_are_not_fetched_again() {
    let desk = telling(|update| update.files.truncate(1));
    let mut console = Console::new(Format::Human);
    console.run(&desk, "cache updates --fetch").unwrap();
    assert!(desk.asked().is_empty() && console.stderr().contains("at main stays"), "{}", console.stderr());
}

#[test]
fn a_revision_with_a_file_that_the_new_one_lacks_is_left() {
    let desk = telling(|update| update.files[0].now = None);
    let mut console = Console::new(Format::Human);
    console.run(&desk, "cache updates --fetch --prune-old --yes").unwrap();
    assert_eq!(desk.asked(), ["enqueue Q4_K_M"]);
    assert!(console.stderr().contains("is left: the new commit has no README.md"), "{}", console.stderr());
}

#[test]
fn a_revision_that_another_name_leads_to_is_left() {
    let desk = telling(|update| update.held = fake::COMMIT.to_owned());
    let mut console = Console::new(Format::Human);
    console.run(&desk, "cache updates --fetch --prune-old --yes").unwrap();
    assert_eq!(desk.asked(), ["enqueue Q4_K_M"]);
    assert!(console.stderr().contains("main, refs/pr/1 leads to it"), "{}", console.stderr());
}

#[test]
fn what_is_fetched_is_the_commit_that_was_told_of() {
    let desk = desk();
    Console::new(Format::Quiet).run(&desk, "cache updates Qwen/Qwen3-8B-GGUF --fetch").unwrap();
    let queued = desk.queued.lock().unwrap();
    let told: Vec<_> = queued.iter().map(|plan| (plan.commit.clone(), plan.repo.revision.as_str())).collect();
    assert_eq!(told, [("1".repeat(40), "main")]);
}

#[test]
fn a_person_is_asked_before_the_old_ones_are_deleted() {
    let desk = desk();
    let mut console = Console::terminal(Format::Human).answering("n\n");
    let fault = console.run(&desk, "cache updates --fetch --prune-old").unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Declined, "nothing was deleted"));
    assert!(console.stderr().contains("Delete 1 revision and free 5 GiB? [y/N]"), "{}", console.stderr());
    assert!(console.stdout().contains("Asked about 4 repositories"), "what was fetched is told: {}", console.stdout());
    assert!(!desk.asked().iter().any(|asked| asked.starts_with("delete")));
    let fault = Console::new(Format::Json).run(&desk, "cache updates --fetch --prune-old").unwrap_err();
    assert_eq!(fault.kind.exit_status(), 2);
}

#[test]
fn an_update_that_fails_deletes_nothing_and_is_the_exit_status() {
    let failed = fake::failed(Fault::new(FaultKind::Corrupt, "q4.gguf is corrupt"));
    let desk = FakeDesk::downloading(vec![failed]);
    let mut console = Console::new(Format::Human);
    let fault = console.run(&desk, "cache updates --fetch --prune-old --yes").unwrap_err();
    assert_eq!((fault.kind.exit_status(), fault.hint.as_deref()), (7, Some("go on with: hfdesk-tui jobs retry 3f2a00000001")));
    assert!(!desk.asked().iter().any(|asked| asked.starts_with("delete")));
    assert!(console.stderr().contains("model/Qwen/Qwen3-8B-GGUF@main was not updated: q4.gguf is corrupt"), "{}", console.stderr());
}

#[test]
fn an_interrupted_update_goes_on_as_a_job() {
    let desk = Arc::new(FakeDesk {
        boards: vec![Board { jobs: vec![fake::running(10, 1)], ..Board::default() }],
        stays_open: true,
        ..FakeDesk::new()
    });
    let soon = async { tokio::task::yield_now().await };
    let fault = Console::new(Format::Human).run_until(&desk, "cache updates --fetch", soon).unwrap_err();
    assert_eq!((fault.kind.exit_status(), fault.message.as_str()), (130, "paused; go on with: hfdesk-tui jobs resume --all"));
}

#[test]
fn a_hub_that_was_not_reached_at_all_is_the_exit_status() {
    let away = Fault::new(FaultKind::Network, "cannot reach hub.example");
    let desk = telling(|update| update.fault = Some(away.clone()));
    assert_eq!(Console::new(Format::Human).run(&desk, "cache updates").unwrap_err().kind.exit_status(), 5);
    let offline = Arc::new(FakeDesk { updates: vec![UpdateStep::Failed(away)], ..FakeDesk::new() });
    assert_eq!(Console::new(Format::Json).run(&offline, "cache updates").unwrap_err().kind.exit_status(), 5);
    let broken = Arc::new(FakeDesk { updates: Vec::new(), ..FakeDesk::new() });
    assert_eq!(Console::new(Format::Human).run(&broken, "cache updates").unwrap_err().kind, FaultKind::Interrupted);
}

#[test]
fn an_empty_cache_has_no_updates() {
    let desk = Arc::new(FakeDesk { updates: vec![UpdateStep::Done], ..FakeDesk::new() });
    let mut console = Console::new(Format::Human);
    console.run(&desk, "cache updates").unwrap();
    assert!(console.stdout().starts_with("Asked about 0 repositories; 0 with changes"), "{}", console.stdout());
}
