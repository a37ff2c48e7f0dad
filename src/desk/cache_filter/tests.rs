use std::path::PathBuf;

use super::*;
use crate::desk::{Leftover, LeftoverKind, OtherKind, RepoKey, RepoKind};

fn now() -> Timestamp {
    "2026-07-01T00:00:00Z".parse().unwrap()
}

fn revision(commit: &str, refs: &[&str], size: u64) -> CachedRevision {
    CachedRevision {
        commit: commit.repeat(40),
        refs: refs.iter().map(ToString::to_string).collect(),
        files: 3,
        size,
        last_modified: Some("2026-06-30T00:00:00Z".parse().unwrap()),
    }
}

/// 2 GB, last read 31 days ago and changed 10 days ago, with one detached revision of two.
fn repo() -> CachedRepo {
    let leftover =
        Leftover { name: "x.incomplete".to_owned(), kind: LeftoverKind::Incomplete, size: 900, on_disk: 4096, last_modified: None };
    CachedRepo {
        key: RepoKey { kind: RepoKind::Model, id: "Qwen/Qwen3-8B-GGUF".parse().unwrap() },
        path: PathBuf::from("/cache/x"),
        lies_in: None,
        size: 2_000_000_000,
        files: 5,
        revisions: vec![revision("a", &["main", "V1"], 1_500_000_000), revision("b", &[], 600_000_000)],
        leftovers: vec![leftover],
        detached: 0,
        damaged: false,
        last_accessed: Some("2026-05-31T00:00:00Z".parse().unwrap()),
        last_modified: Some("2026-06-21T00:00:00Z".parse().unwrap()),
    }
}

fn takes(expression: &str) -> bool {
    expression.parse::<CacheFilter>().unwrap().takes(&repo(), true, now())
}

#[test]
fn conditions_hold_by_value() {
    for (yes, no) in [
        ("", "size>2GB"),
        ("size>=2GB", "size<2GB"),
        ("SIZE=2000000000", "size!=2g"),
        ("size>1.8GiB size<1.9gib", "size>1.9GiB"),
        ("size < 2001 mb", "size <1 MB"),
        ("accessed>30d", "accessed>31d"),
        ("accessed<=31d", "accessed<4w"),
        ("modified<2w", "modified>1mo"),
        ("type=model", "type=dataset"),
        ("type!=dataset", "type!=models"),
        ("refs=MAIN refs=v1", "refs=mai"),
        ("refs!=dev", "refs!=main"),
        ("owner=qwen", "owner!=Qwen"),
        ("files=5 revisions>1", "files>5"),
        ("unused>4kB", "unused>4KiB"),
        ("is:detached", "is:detached size>1TB"),
        ("is:pinned", "pinned!=true"),
        ("pinned=yes PINNED=True pinned!=false", "pinned=no"),
        ("qwen3 gguf", "qwen3 mistral"),
        ("model/qwen", "dataset/"),
    ] {
        assert!(takes(yes), "{yes}");
        assert!(!takes(no), "{no}");
    }
}

#[test]
fn a_revision_answers_for_itself() {
    let repo = repo();
    let both = |expression: &str| {
        let filter: CacheFilter = expression.parse().unwrap();
        [0, 1].map(|at| filter.takes_revision(&repo, &repo.revisions[at], false, now()))
    };
    assert_eq!(both("size>1GB"), [true, false]);
    assert_eq!(both("refs=main"), [true, false]);
    assert_eq!(both("is:detached"), [false, true]);
    assert_eq!(both("files=3 modified<25h accessed>30d revisions=2"), [true, true]);
}

#[test]
fn an_unknown_time_meets_no_condition() {
    let repo = CachedRepo { last_accessed: None, ..repo() };
    for operator in ["=", "!=", ">", "<", ">=", "<="] {
        let filter: CacheFilter = format!("accessed{operator}1d").parse().unwrap();
        assert!(!filter.takes(&repo, false, now()), "{operator}");
    }
}

#[test]
fn a_time_to_come_is_less_than_any_time_ago() {
    let repo = CachedRepo { last_accessed: Some(Timestamp::MAX), ..repo() };
    assert!("accessed<0s".parse::<CacheFilter>().unwrap().takes(&repo, false, now()));
    assert!(!"accessed>99999999999999999999y".parse::<CacheFilter>().unwrap().takes(&repo, false, now()));
}

#[test]
fn a_model_of_another_program_is_asked_what_is_known_of_it() {
    let model = OtherModel {
        name: "Llama3.2:3b".to_owned(),
        kind: OtherKind::Model,
        path: PathBuf::from("/ollama/x"),
        size: 2_000_000_000,
        linked: 0,
        files: 3,
        last_accessed: Some("2026-05-31T00:00:00Z".parse().unwrap()),
    };
    let takes = |text: &str| text.parse::<CacheFilter>().unwrap().takes_other(&model, now());
    assert!(takes("size>1GB files=3 accessed>30d llama").unwrap());
    for no in ["size>2GB", "files>3", "accessed<30d", "qwen"] {
        assert!(!takes(no).unwrap(), "{no}");
    }
    for (text, key) in [("is:detached", "is:detached"), ("refs=main", "refs"), ("qwen pinned=no", "pinned"), ("unused>1", "unused")] {
        let fault = takes(text).unwrap_err();
        assert!(fault.kind == FaultKind::Usage && fault.message.starts_with(&format!("“{key}”")), "{fault}");
    }
}

#[test]
fn a_mistake_names_the_word_and_what_is_allowed() {
    let told = |text: &str| {
        let fault = text.parse::<CacheFilter>().unwrap_err();
        assert_eq!(fault.kind, FaultKind::Usage);
        format!("{}; {}", fault.message, fault.hint.unwrap())
    };
    assert_eq!(told("qwen size>big"), "“size>big” names no size; write a number and a unit, for example 500MB, 1.5GB or 2GiB");
    assert_eq!(
        told("age>3d"),
        "“age>3d” has no key that is known; \
         write one of size, accessed, modified, type, refs, owner, files, revisions, unused and pinned before the operator"
    );
    assert_eq!(told("size>"), "“size>” has no value; write it behind the operator, for example size>1GB");
    for wrong in [
        "size==5",
        "size>>5",
        "size!5",
        "size=>5",
        "size>-5",
        "size>1XB",
        "size>.",
        "size>.5G",
        "size>1.2.3G",
        "size>1e3",
        ">5",
        "accessed>1x",
        "accessed>GB",
        "files>1k",
        "files>1.5",
        "revisions>-1",
        "type>model",
        "type=gadget",
        "refs>main",
        "owner<a",
        "is:big",
        "pinned=maybe",
        "pinned>true",
        "refs:main",
        "a=b",
    ] {
        assert!(wrong.parse::<CacheFilter>().is_err(), "{wrong}");
    }
}
