//! Bytes that are not those of the file: damaged ones, another file's, and a repository that moves on.

use super::*;

#[test]
fn a_damaged_file_is_refused_and_removed() {
    each([1, ALWAYS], |times| {
        let row = Row::new(2 * MIB);
        row.inject(Side::Cdn, times, Effect::Flip(MIB + 7));
        row.download().failed_with(7, "corrupt", "model.gguf arrived damaged", "what was received has been removed");
        row.assert_clean();
        if times == ALWAYS {
            row.download().failed(7, "corrupt");
            row.assert_clean();
        }
        row.heals();
    });
}

#[test]
fn a_small_file_is_verified_too() {
    let row = Row::new(MIB);
    row.machine.put(REPO, "config.json", b"{\"model_type\": \"test\"}");
    let whole = || row::Started::new(&mut row.program(&format!("download {REPO} config.json --json"))).end();
    row.inject_at("config.json", Side::Hub, 1, Effect::Flip(4));
    whole().failed_with(7, "corrupt", "config.json arrived damaged", "run the same command");
    row.assert_clean();
    whole().succeeded();
    assert_eq!(fs::read(row.machine.snapshot_file(REPO, "config.json")).unwrap(), b"{\"model_type\": \"test\"}");
}

#[test]
fn a_person_reads_what_happened_and_what_to_do() {
    let row = Row::new(MIB);
    row.inject(Side::Cdn, 1, Effect::Flip(7));
    let ending = row::Started::new(&mut row.program(&format!("download {REPO} {FILE}"))).end();
    assert_eq!((ending.status, ending.stdout.as_str()), (7, ""));
    for words in ["Error: model.gguf arrived damaged: its digest is ", "Hint: what was received has been removed", "run the same command"] {
        assert!(ending.stderr.contains(words), "{}", ending.stderr);
    }
}

#[test]
fn damage_in_the_second_half_of_an_interrupted_download_is_found() {
    let row = Row::new(2 * MIB);
    row.come_to(MIB);
    row.inject(Side::Cdn, 1, Effect::Flip(MIB + 7));
    row.download().failed(7, "corrupt");
    row.assert_clean();
    row.heals();
}

/// Other content of the same size comes in the middle of a run, or between two.
fn replaced_in_the_middle(between_runs: bool) -> Row {
    let row = Row::new(4 * MIB);
    if between_runs {
        row.come_to(MIB);
    } else {
        row.inject(Side::Cdn, 1, Effect::CutAfter(MIB));
    }
    row.inject(Side::Cdn, ALWAYS, Effect::Replace);
    let ending = row.download();
    assert!(matches!(ending.status, 1 | 5 | 7), "{ending:?}");
    row.assert_nothing_placed();
    row
}

#[test]
fn two_contents_are_never_mixed() {
    each([false, true], |between_runs| {
        let row = replaced_in_the_middle(between_runs);
        row.heals();
    });
}

#[test]
fn content_that_changes_within_a_run_is_told_and_costs_nothing_that_was_right() {
    let row = replaced_in_the_middle(false);
    assert_eq!(row.held(), MIB);
    row.heals();
}

#[test]
fn a_file_of_another_size_is_another_file() {
    each([0, MIB / 2, 2 * MIB + 8], |size| {
        let row = Row::new(2 * MIB);
        row.inject(Side::Cdn, ALWAYS, Effect::Resize(size));
        row.download().failed_with(1, "bad_reply", "model.gguf is not what the repository's listing says", "look at the repository again");
        row.assert_clean();
        row.heals();
    });
}

#[test]
fn a_file_that_shrinks_or_grows_in_the_middle_leaves_what_came() {
    each([MIB / 2, 3 * MIB / 2, 2 * MIB + 8], |size| {
        let row = Row::new(2 * MIB);
        row.come_to(MIB);
        row.inject(Side::Cdn, ALWAYS, Effect::Resize(size));
        row.download().failed(1, "bad_reply");
        row.assert_nothing_placed();
        assert_eq!(row.held(), MIB);
        row.heals();
    });
}

#[test]
fn a_repository_that_moves_on_ends_the_job_and_the_next_one_brings_its_new_content() {
    let mut row = Row::with(3 * MIB, |config| config.rate = Some(2 * MIB));
    row.inject(Side::Cdn, ALWAYS, Effect::CutAfter(MIB + 8));
    let running = row.start();
    row.until_sent(MIB / 2);
    row.content.reverse();
    row.machine.put(REPO, FILE, &row.content);
    running.end().failed_with(4, "entry_not_found", FILE, "run the same command");
    row.assert_nothing_placed();
    row.download().succeeded();
    assert!(fs::read(row.machine.snapshot_file(REPO, FILE)).unwrap() == row.content);
}
