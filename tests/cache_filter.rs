//! Filters of the cache mean what the official client (`huggingface_hub`) means by them: both read the same expressions and choose
//! among the same repositories and revisions.
//!
//! It is looked for at `HFDESK_HF` (the path of `hf`; its Python beside it), else as `hf` on the `PATH`. Without it the test is skipped
//! loudly, or fails where `HFDESK_REQUIRE_HF=1`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // what a test that is not inside a `#[test]` function may do as well

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use hfdesk_tui::desk::{CacheFilter, CachedRepo, CachedRevision, RepoKey, RepoKind};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Seconds since the epoch at which everything is judged.
const NOW: i64 = 1_780_000_000;

/// Reads expressions and repositories as JSON, and writes for each expression which rows it takes, or null where it is refused.
const OFFICIAL: &str = r#"
import json, sys
from types import SimpleNamespace
from huggingface_hub.cli.cache import compile_cache_filter
asked = json.loads(sys.argv[1])
class Revision(SimpleNamespace):
    __hash__ = object.__hash__
class Repo(SimpleNamespace):
    __hash__ = object.__hash__
repos = []
for told in asked["repos"]:
    told["revisions"] = [Revision(**revision) for revision in told["revisions"]]
    repos.append(Repo(**told))
refs = {repo: frozenset(ref for revision in repo.revisions for ref in revision.refs) for repo in repos}
rows = [(repo, None) for repo in repos] + [(repo, revision) for repo in repos for revision in repo.revisions]
def taken(expression):
    try:
        takes = compile_cache_filter(expression, refs)
    except ValueError:
        return None
    return [takes(repo, revision, asked["now"]) for repo, revision in rows]
print(json.dumps([taken(expression) for expression in asked["expressions"]]))
"#;

/// Expressions that both have to read alike, or refuse alike. Besides, there are words of ours, several conditions in one expression and
/// fractions; numbers below 0, which are true or false of everything, are refused here.
fn expressions() -> Vec<String> {
    let mut all = Vec::new();
    for operator in ["=", "!=", ">", "<", ">=", "<=", "==", "=>", "!", " > ", ">  ", " <="] {
        for value in ["0", "1000", "1k", "1kb", "1KB", "2m", "1g", "1Gb", "3T", "1p", "12x", "1.2.3", ""] {
            all.push(format!("size{operator}{value}"));
        }
        for value in ["0", "60", "90s", "2m", "1h", "30d", "1w", "4W", "2mo", "1y", "5q", "d"] {
            all.push(format!("accessed{operator}{value}"));
            all.push(format!("MODIFIED{operator}{value}"));
        }
    }
    for whole in ["type=model", "type = Dataset", "type>model", "refs=main", "refs=MAIN", "refs=refs/pr/1", "refs=mai", "refs<main"] {
        all.push(whole.to_owned());
    }
    all.extend(["colour=red", ">1", "=", "type=", "refs=", "a b=c"].map(str::to_owned));
    all
}

fn moment(seconds_ago: i64) -> Timestamp {
    Timestamp::from_second(NOW - seconds_ago).unwrap()
}

fn repos() -> Vec<CachedRepo> {
    let revision = |commit: &str, refs: &[&str], size, ago| CachedRevision {
        commit: commit.repeat(40),
        refs: refs.iter().map(ToString::to_string).collect(),
        files: 1,
        size,
        last_modified: Some(moment(ago)),
    };
    let repo = |kind, id: &str, size, accessed: Option<i64>, modified, revisions| CachedRepo {
        key: RepoKey { kind, id: id.parse().unwrap() },
        path: PathBuf::from("/cache"),
        lies_in: None,
        size,
        files: 1,
        revisions,
        leftovers: Vec::new(),
        detached: 0,
        damaged: false,
        last_accessed: accessed.map(moment),
        last_modified: Some(moment(modified)),
    };
    vec![
        repo(RepoKind::Model, "a/small", 1_000, Some(60), 90, vec![revision("a", &["main"], 1_000, 90)]),
        repo(
            RepoKind::Dataset,
            "a/large",
            3_000_000_000_000,
            Some(86_400 * 30),
            86_400 * 60,
            vec![revision("b", &["Main", "refs/pr/1"], 2_000_000, 3_600), revision("c", &[], 1_000_000_000, 86_400 * 365)],
        ),
        repo(RepoKind::Space, "a/unread", 0, None, 604_800, vec![]),
    ]
}

/// A repository as the official client's filters ask it.
fn told(repo: &CachedRepo) -> Value {
    let revision = |revision: &CachedRevision| json!({"refs": revision.refs, "size_on_disk": revision.size, "last_modified": revision.last_modified.map(Timestamp::as_second)});
    json!({
        "repo_type": repo.key.kind.name(),
        "size_on_disk": repo.size,
        "last_accessed": repo.last_accessed.map(Timestamp::as_second),
        "last_modified": repo.last_modified.map(Timestamp::as_second),
        "revisions": repo.revisions.iter().map(revision).collect::<Vec<_>>(),
    })
}

/// Which rows an expression takes; `null` where it is refused.
fn ours(expression: &str, repos: &[CachedRepo]) -> Value {
    let Ok(filter) = expression.parse::<CacheFilter>() else { return Value::Null };
    let now = moment(0);
    let whole = repos.iter().map(|repo| filter.takes(repo, false, now));
    let revisions = repos.iter().flat_map(|repo| repo.revisions.iter().map(|revision| filter.takes_revision(repo, revision, false, now)));
    whole.chain(revisions).collect::<Vec<_>>().into()
}

/// The official client's Python, or `None` where there is none.
fn python() -> Option<PathBuf> {
    let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join("hf")).find(|hf| hf.is_file());
    match std::env::var_os("HFDESK_HF").map(PathBuf::from).or_else(on_path) {
        Some(hf) => Some(fs::canonicalize(hf).unwrap().with_file_name("python")),
        None if std::env::var("HFDESK_REQUIRE_HF").is_ok_and(|value| value == "1") => panic!("no hf: set HFDESK_HF to its path"),
        None => {
            eprintln!("SKIPPED: the official client is not installed; set HFDESK_HF to the path of hf");
            None
        }
    }
}

#[test]
fn expressions_mean_what_they_mean_to_the_official_client() {
    let Some(python) = python() else { return };
    let (repos, expressions) = (repos(), expressions());
    let asked = json!({"now": NOW, "expressions": expressions, "repos": repos.iter().map(told).collect::<Vec<_>>()});
    let output = Command::new(python).args(["-c", OFFICIAL, &asked.to_string()]).env("HF_HUB_OFFLINE", "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let official: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let wrong: Vec<String> = expressions
        .iter()
        .zip(&official)
        .filter(|(expression, official)| ours(expression, &repos) != **official)
        .map(|(expression, official)| format!("{expression:?}: {official} there, {} here", ours(expression, &repos)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), expressions.len(), wrong.join("\n"));
    assert!(official.iter().filter(|taken| taken.is_null()).count() > 40 && official.iter().filter(|taken| !taken.is_null()).count() > 100);
}
