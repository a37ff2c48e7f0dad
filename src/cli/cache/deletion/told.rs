//! What a deletion would do and what it did, as people and programs read it.

use std::path::Path;

use serde_json::{Value, json};

use super::tally::Tally;
use crate::cli::cell::Cell;
use crate::cli::record::Record;
use crate::cli::text::counted;
use crate::cli::view::{Look, Style, View};
use crate::desk::{self, CacheListing, DeletionPlan, DeletionReport, DeletionTarget, Disposal, OpenFile, RepoKey, printable};

/// The most lines of one list that people are shown.
const MOST_LINES: usize = 12;

/// What a deletion would do.
pub(super) struct Preview<'a> {
    pub plan: &'a DeletionPlan,
    pub cache: &'a CacheListing,
    pub tally: &'a Tally,
    pub disposal: Disposal,
}

/// What a deletion did.
pub(super) struct Outcome<'a> {
    pub plan: &'a DeletionPlan,
    pub cache: &'a CacheListing,
    pub tally: &'a Tally,
    pub disposal: Disposal,
    pub report: &'a DeletionReport,
}

impl View for Preview<'_> {
    fn human(&self, look: Look) -> String {
        let (would, frees) = match self.disposal {
            Disposal::Forever => (format!("Would delete {}", self.tally), ""),
            Disposal::Trash => (format!("Would move {} to the trash", self.tally), " when the trash is emptied"),
        };
        let plan = self.plan;
        let open = |file: &OpenFile| format!("{} ({}) has {} open", file.program, file.pid, relative(&file.path, &plan.root));
        let why = "is used by other revisions or repositories, or by hard links";
        let unused = if plan.unused == plan.frees && plan.frees > 0 {
            ", used by no snapshot".to_owned()
        } else if plan.unused > 0 {
            format!(", {} of it used by no snapshot", desk::bytes(plan.unused))
        } else {
            String::new()
        };
        let kept = (plan.keeps > 0).then(|| line("kept", &format!("{}, which {why}", desk::bytes(plan.keeps))));
        let free_after = plan.disk_free_after(plan.frees).map(|free| line("disk_free_after", &desk::bytes(free)));
        let spoils = spoils(plan, self.disposal).map(|spoils| line("spoils", &spoils));
        [
            format!("{}\n", look.paint(Style::Heading, &would)),
            line("cache", &plan.root.to_string_lossy()),
            list("what", &plan.targets.iter().map(|target| named(target, self.cache)).collect::<Vec<_>>()),
            list("paths", &self.paths()),
            line("freed", &format!("{}{frees}{unused}{}", desk::bytes(plan.frees), elsewhere(plan))),
            kept.unwrap_or_default(),
            free_after.unwrap_or_default(),
            list("open_files", &plan.open_files.iter().map(open).collect::<Vec<_>>()),
            spoils.unwrap_or_default(),
        ]
        .concat()
    }

    fn json(&self) -> Value {
        let freed = if self.disposal == Disposal::Forever { self.plan.frees } else { 0 };
        record(self.plan, self.cache, self.tally, true, self.disposal)
            .json_field("repos", repos(&self.plan.repos))
            .json_field("repos_deleted", Cell::len(self.tally.repos))
            .json_field("revisions_deleted", Cell::len(self.tally.revisions))
            .json_field("files_deleted", Cell::len(self.tally.files))
            .json_field("incomplete_deleted", Cell::len(self.tally.incomplete))
            .json_field("blobs_deleted", Cell::len(self.tally.blobs))
            .json_field("shared_blobs_deleted", Cell::len(self.tally.payloads))
            .json_field("locks_deleted", Cell::len(self.tally.locks))
            .json_field("freed", Cell::bytes(freed))
            .json_field("disk_free_after", free_after(self.plan, freed))
            .json()
    }

    fn quiet(&self) -> Vec<String> {
        self.plan.targets.iter().flat_map(spelled).collect()
    }
}

impl Preview<'_> {
    fn paths(&self) -> Vec<String> {
        self.plan.paths.iter().chain(&self.plan.payloads).map(|path| relative(path, &self.plan.root)).collect()
    }
}

impl Outcome<'_> {
    fn is_whole(&self) -> bool {
        self.report.failures.is_empty()
    }

    /// How many went; unknown where not all could.
    fn went(&self, count: usize) -> Cell {
        Cell::maybe(self.is_whole().then_some(count), Cell::len)
    }

    fn heading(&self) -> Record {
        let done = match self.disposal {
            Disposal::Forever => format!("Deleted {}", self.tally),
            Disposal::Trash => format!("Moved {} to the trash", self.tally),
        };
        if self.is_whole() { Record::done(done) } else { Record::about("Deleted a part of what was asked for") }
    }
}

impl View for Outcome<'_> {
    fn human(&self, look: Look) -> String {
        let mut record = self.heading().field("freed", Cell::bytes(self.report.freed));
        if let Some(entry) = &self.report.trashed {
            record = record.field("trashed", Cell::text(entry.id.to_string())).field("kept_until", Cell::time(entry.kept_until));
        }
        record.human(look)
    }

    fn json(&self) -> Value {
        let trashed = self.report.trashed.as_ref();
        record(self.plan, self.cache, self.tally, false, self.disposal)
            .json_field("repos", repos(&self.report.removed))
            .json_field("repos_deleted", Cell::len(self.report.removed.len()))
            .json_field("revisions_deleted", self.went(self.tally.revisions))
            .json_field("files_deleted", self.went(self.tally.files))
            .json_field("incomplete_deleted", self.went(self.tally.incomplete))
            .json_field("blobs_deleted", self.went(self.tally.blobs))
            .json_field("shared_blobs_deleted", self.went(self.tally.payloads))
            .json_field("locks_deleted", self.went(self.tally.locks))
            .json_field("freed", Cell::bytes(self.report.freed))
            .json_field("disk_free_after", free_after(self.plan, self.report.freed))
            .json_field("trashed", Cell::maybe(trashed, |entry| Cell::text(entry.id.to_string())))
            .json_field("kept_until", Cell::maybe(trashed, |entry| Cell::time(entry.kept_until)))
            .json_field("failures", Cell::list(&self.report.failures))
            .json()
    }

    fn quiet(&self) -> Vec<String> {
        match &self.report.trashed {
            Some(entry) => vec![printable(&entry.id.0)],
            None => self.plan.targets.iter().flat_map(spelled).collect(),
        }
    }
}

/// What a plan and its outcome say alike. `size` is what comes free at the latest when the trash is emptied.
fn record(plan: &DeletionPlan, cache: &CacheListing, tally: &Tally, dry_run: bool, disposal: Disposal) -> Record {
    let refs = plan.revisions.iter().flat_map(|(repo, commit)| refs(cache, repo, commit).iter().map(move |name| format!("{repo}@{name}")));
    Record::about(tally.to_string())
        .json_field("targets", Cell::list(plan.targets.iter().flat_map(spelled)))
        .json_field("dry_run", Cell::flag(dry_run))
        .json_field("trash", Cell::flag(disposal == Disposal::Trash))
        .json_field("size", Cell::bytes(plan.frees))
        .json_field("unused", Cell::bytes(plan.unused))
        .json_field("elsewhere", Cell::bytes(plan.elsewhere))
        .json_field("kept", Cell::bytes(plan.keeps))
        .json_field("revisions", Cell::list(plan.revisions.iter().map(|(repo, commit)| format!("{repo}@{commit}"))))
        .json_field("refs", Cell::list(refs))
        .json_field("paths", Cell::list(plan.paths.iter().map(|path| path.to_string_lossy())))
        .json_field("payloads", Cell::list(plan.payloads.iter().map(|path| path.to_string_lossy())))
        .json_field("open_files", open_files(&plan.open_files))
        .json_field("spoils", Cell::list(plan.spoils.iter().map(|id| &id.0)))
}

/// What of the trash is lost, or waits until this is brought back.
pub(super) fn spoils(plan: &DeletionPlan, disposal: Disposal) -> Option<String> {
    let ids: Vec<&str> = plan.spoils.iter().map(|id| id.0.as_str()).collect();
    let deletions = counted(ids.len(), "deletion", "deletions");
    let lost = match disposal {
        Disposal::Forever => "could not be undone any more",
        Disposal::Trash => "could be undone only after this one",
    };
    (!ids.is_empty()).then(|| format!("{deletions} in the trash {lost}: {}", ids.join(", ")))
}

/// What of it does not come free on the cache's own disk.
fn elsewhere(plan: &DeletionPlan) -> String {
    if plan.elsewhere > 0 { format!(", {} of it on another disk", desk::bytes(plan.elsewhere)) } else { String::new() }
}

/// The branches and tags of a commit.
fn refs<'a>(cache: &'a CacheListing, repo: &RepoKey, commit: &str) -> &'a [String] {
    let revision = cache.find(repo).and_then(|repo| repo.revisions.iter().find(|revision| revision.commit == commit));
    revision.map_or(&[], |revision| &revision.refs)
}

/// A target in words, with the branches and tags that lead to the same commit: it is not one of them alone that goes.
fn named(target: &DeletionTarget, cache: &CacheListing) -> String {
    let refs = match target {
        DeletionTarget::Revision { repo, commit } | DeletionTarget::Files { repo, commit: Some(commit), .. } => refs(cache, repo, commit),
        _ => &[],
    };
    if refs.is_empty() { target.to_string() } else { format!("{target}, also {}", refs.join(", ")) }
}

fn free_after(plan: &DeletionPlan, freed: u64) -> Cell {
    Cell::maybe(plan.disk_free_after(freed), Cell::bytes)
}

fn open_files(files: &[OpenFile]) -> Cell {
    let value = |file: &OpenFile| json!({"path": file.path.to_string_lossy(), "program": file.program, "pid": file.pid});
    Cell::new("", files.iter().map(value).collect::<Vec<Value>>())
}

fn repos(keys: &[RepoKey]) -> Cell {
    Cell::list(keys.iter().map(ToString::to_string))
}

/// A target as it can be typed again, where it can.
fn spelled(target: &DeletionTarget) -> Vec<String> {
    match target {
        DeletionTarget::Repo(repo) | DeletionTarget::Locks(repo) => vec![repo.to_string()],
        DeletionTarget::Revision { repo, commit } => vec![format!("{repo}@{commit}")],
        DeletionTarget::Files { repo, commit, files } => {
            let at = commit.as_deref().map_or_else(String::new, |commit| format!("@{commit}"));
            files.iter().map(|file| format!("{repo}{at}/{file}")).collect()
        }
        DeletionTarget::Leftover { repo, name } => vec![format!("{repo} blobs/{name}")],
        DeletionTarget::Payload(hash) => vec![hash.clone()],
    }
}

/// A path as it stands in the cache.
fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

fn line(label: &str, words: &str) -> String {
    format!("  {label}: {}\n", printable(words))
}

/// A fact of several lines; nothing where there are none.
fn list(label: &str, items: &[String]) -> String {
    let Some((first, rest)) = items.split_first() else { return String::new() };
    let indent = " ".repeat(label.len() + 4);
    let next = rest.iter().take(MOST_LINES - 1).map(|item| format!("{indent}{}\n", printable(item)));
    let more = items.len().saturating_sub(MOST_LINES);
    let more = (more > 0).then(|| format!("{indent}and {more} more; --json lists them all\n"));
    std::iter::once(line(label, first)).chain(next).chain(more).collect()
}
