//! Random caches and random deletions, judged by three versions of the official client: what we read is what it reads, what we say
//! comes free is what it says, and what is left after we delete is what is left after it deletes.
//!
//! The clients are looked for at `HFDESK_HF` (the newest), `HFDESK_HF_1_29` and `HFDESK_HF_1_17`. Without one its tests are skipped
//! loudly, or fail where `HFDESK_REQUIRE_HF=1`. Clients older than 1.32 do not know the blob store that repositories share, and
//! judge no cache that has one.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::print_stdout)] // a test's helpers fail as loudly as the test itself

#[path = "../support/machine.rs"]
mod machine;
#[path = "../support/official.rs"]
mod official;
#[path = "../support/random.rs"]
mod random;
mod selection;
mod shelf;
#[path = "../support/tree.rs"]
mod tree;
mod writing;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use hfdesk_tui::desk::{CacheListing, CachedFile, CachedRepo, DeletionPlan, Disposal};
use hfdesk_tui::engine::cache::{Cache, Gauge, Reading, read_all};
use official::{Manner, Version};
use random::Random;
use selection::{Files, Held, Prunes, What};
use serde_json::{Map, Value, json};
use shelf::Shelf;
use tempfile::TempDir;
use tree::{copy, quick_folder, tree};
use writing::{Clients, Writer, write};

/// Caches that each version judges; with three versions, 300.
const CACHES: u64 = 100;
/// Deletions in one cache, at most, one after the other.
const ROUNDS: u64 = 2;

/// The numbers of this run: the tests share the repositories, and so the seed.
static RANDOM: LazyLock<Random> = LazyLock::new(Random::new);

#[test]
fn the_newest_client_agrees() {
    let manners = [Manner::Links, Manner::Files, Manner::Shared];
    let prunes = Prunes { incomplete: true, payloads: true };
    agree(Version::Newest, &manners, prunes, &[What::Repos, What::Revisions, What::Detached, What::Files]);
}

#[test]
fn version_1_29_agrees() {
    let prunes = Prunes { incomplete: true, payloads: false };
    agree(Version::V1_29, &[Manner::Links, Manner::Files], prunes, &[What::Repos, What::Revisions, What::Detached]);
}

#[test]
fn version_1_17_agrees() {
    let prunes = Prunes { incomplete: false, payloads: false };
    agree(Version::V1_17, &[Manner::Links, Manner::Files], prunes, &[What::Repos, What::Revisions, What::Detached]);
}

/// Writes caches and deletes from them, with a version as the judge.
fn agree(version: Version, manners: &[Manner], prunes: Prunes, kinds: &[What]) {
    let Some(mut clients) = Clients::start(version, manners) else { return };
    RANDOM.tell();
    let shelf = Shelf::shared(&RANDOM);
    let mut tally = Tally::default();
    for caches in 0..CACHES {
        let mut random = RANDOM.at(caches ^ (version as u64) << 32);
        // Mostly one program writes a whole cache.
        let all = clients.writers();
        let writers = if random.percent(25) { all } else { vec![*random.pick(&all)] };
        println!("{version:?}, cache {caches} by {writers:?}");
        let case = Case::new(&shelf, &mut clients, &writers, &mut random);
        for _ in 0..=random.below(ROUNDS) {
            let what = *random.pick(kinds);
            if let Some(plan) = case.judge(&mut clients, what, prunes, &mut random) {
                tally.add(what, &plan);
            }
        }
    }
    println!("{version:?}: {CACHES} caches; {tally:?}");
    assert!(tally.judged as u64 >= CACHES, "most caches have something to delete");
    tally.assert_told_something(kinds);
}

/// What has been judged, so that nobody takes a run for a proof in which nothing happened.
#[derive(Debug, Default)]
struct Tally {
    judged: usize,
    kinds: BTreeMap<What, usize>,
    /// Deletions that took a payload of the shared store with them.
    with_payloads: usize,
    /// Deletions that left something because something else uses it.
    keeping: usize,
    /// Deletions with files that no snapshot used.
    with_unused: usize,
    bytes: u64,
}

impl Tally {
    fn add(&mut self, what: What, plan: &DeletionPlan) {
        self.judged += 1;
        *self.kinds.entry(what).or_default() += 1;
        self.with_payloads += usize::from(!plan.payloads.is_empty());
        self.keeping += usize::from(plan.keeps > 0);
        self.with_unused += usize::from(plan.unused > 0);
        self.bytes += plan.frees;
    }

    fn assert_told_something(&self, kinds: &[What]) {
        assert!(kinds.iter().all(|kind| self.kinds.get(kind).is_some_and(|count| *count > 0)), "every kind of deletion was judged");
        assert!(self.keeping > 0 && self.with_unused > 0 && self.bytes > 1 << 20, "{self:?}");
        assert!(self.with_payloads > 0 || !kinds.contains(&What::Files), "the newest judges the shared store");
    }
}

/// One cache on the disk.
struct Case {
    cache: Cache,
    dir: TempDir,
}

impl Case {
    fn new(shelf: &Arc<Shelf>, clients: &mut Clients, writers: &[Writer], random: &mut Random) -> Self {
        let dir = quick_folder();
        let cache = Cache::new(dir.path().join("hub"));
        write(shelf, clients, writers, cache.root(), random);
        Self { cache, dir }
    }

    /// Deletes something after both have said what comes free, and compares what is left; nothing where there is no such thing.
    fn judge(&self, clients: &mut Clients, what: What, prunes: Prunes, random: &mut Random) -> Option<DeletionPlan> {
        let root = self.cache.root();
        let listing = self.agreed(clients);
        let held = Held { files: self.files(&listing), listing, orphans: self.cache.orphans() };
        let chosen = held.select(what, prunes, random)?;
        let theirs = self.copied();
        let planned = self.cache.plan_deletion(&chosen.targets).unwrap();
        let expected = clients.judge().ask(&chosen.request("frees", root));
        assert_eq!(json!(planned.frees - planned.unused + chosen.incomplete), expected, "{chosen:#?} frees {planned:#?}");

        let report = self.cache.delete(&planned, Disposal::Forever).unwrap();
        assert_eq!((report.freed, report.failures), (planned.frees, vec![]), "{planned:#?}");
        clients.judge().ask(&chosen.request("delete", &theirs));
        assert_eq!(tree(root), tree(&theirs), "{chosen:#?}");
        self.agreed(clients);
        self.verified();
        std::fs::remove_dir_all(theirs).unwrap();
        Some(planned)
    }

    fn copied(&self) -> PathBuf {
        let copied = self.dir.path().join("theirs");
        copy(self.cache.root(), &copied);
        copied
    }

    /// What the cache holds, on which both agree without a warning.
    fn agreed(&self, clients: &mut Clients) -> CacheListing {
        let listing = self.cache.scan().unwrap();
        let repos: Map<String, Value> = listing.repos.iter().map(|repo| (repo.key.to_string(), self.told(repo))).collect();
        let ours = json!({ "size": listing.size, "warnings": listing.warnings, "repos": repos });
        assert_eq!(ours, clients.judge().scan(self.cache.root()));
        assert_eq!(listing.warnings, Vec::<String>::new());
        listing
    }

    /// A repository as we read it, in the client's shape.
    fn told(&self, repo: &CachedRepo) -> Value {
        let inside = self.cache.inside(&repo.key).unwrap();
        let file = |file: &CachedFile| {
            let blob = &inside.blobs[file.blob.unwrap()];
            (file.path.clone(), json!([blob.size, blob.path]))
        };
        let revision = |(at, (commit, files)): (usize, &(String, Vec<CachedFile>))| {
            let told = &repo.revisions[at];
            assert_eq!((&told.commit, told.files), (commit, files.len()));
            (commit.clone(), json!({ "refs": told.refs, "size": told.size, "files": files.iter().map(file).collect::<Map<_, _>>() }))
        };
        let revisions: Map<String, Value> = inside.snapshots.iter().enumerate().map(revision).collect();
        json!({ "size": repo.size, "files": repo.files, "revisions": revisions })
    }

    fn files(&self, listing: &CacheListing) -> Files {
        let of = |repo: &Arc<CachedRepo>| {
            let snapshots = self.cache.inside(&repo.key).unwrap().snapshots.into_iter();
            let paths = snapshots.map(|(commit, files)| (commit, files.into_iter().map(|file| file.path).collect()));
            (repo.key.clone(), paths.collect())
        };
        listing.repos.iter().map(of).collect()
    }

    /// Reads all that is left: whatever has a digest has it.
    fn verified(&self) {
        let survey = self.cache.survey(&[]).unwrap();
        let readings = read_all(self.cache.root(), &survey.contents, &Gauge::default());
        for (content, reading) in survey.contents.iter().zip(readings) {
            let expected = if content.digest.is_some() { Reading::Good } else { Reading::None };
            assert_eq!(reading, expected, "{content:?}");
        }
    }
}
