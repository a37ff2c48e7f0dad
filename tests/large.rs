//! Repositories with very many files.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use futures::StreamExt;
use hfdesk_tui::desk::{AnalyzeStep, Desk, RepoKind, RepoRef, Revision};
use hfdesk_tui::engine::Engine;
use hfdesk_tui::engine::config::{Environment, Flags, Settings};
use hfdesk_tui::hubserver::{HubConfig, HubServer, Quota};

/// An environment in which only a home folder is known.
struct Home(PathBuf);

impl Environment for Home {
    fn get(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| self.0.to_string_lossy().into_owned())
    }
}

/// A hundred configurations of seven hundred files each, all of them empty.
fn make_dataset(root: &Path) {
    for config in 0..100 {
        let folder = root.join(format!("datasets/org/many/config-{config:02}"));
        fs::create_dir_all(&folder).unwrap();
        for shard in 0..700 {
            File::create(folder.join(format!("train-{shard:05}-of-00700.jsonl"))).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn seventy_thousand_files_are_analysed_within_the_hubs_rate_limit() {
    let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap(); // some disks take a minute for so many files
    make_dataset(root.path());
    let home = tempfile::tempdir().unwrap();
    let served = HubServer::start(HubConfig { quota: Quota::ANONYMOUS, ..HubConfig::new(root.path()) }).await.unwrap();
    let mut settings = Settings::load(&Flags::default(), &Home(home.path().to_owned())).unwrap();
    settings.endpoint.value = served.endpoint();
    let engine = Engine::open(&settings).unwrap();
    let repo = RepoRef { kind: RepoKind::Dataset, id: "org/many".parse().unwrap(), revision: Revision::default() };

    let steps: Vec<AnalyzeStep> = engine.analyze_in_steps(repo).collect().await;
    let Some((AnalyzeStep::Done(analysis), listed)) = steps.split_last() else { panic!("{:?}", steps.last()) };
    let listed: Vec<usize> = listed.iter().map(|step| if let AnalyzeStep::Listed(files) = step { *files } else { 0 }).collect();
    assert!(listed.len() > 5 && listed.is_sorted(), "{listed:?}");
    assert_eq!(analysis.files.len(), 70_000);
    assert_eq!(analysis.variants.len(), 100);
    assert!(analysis.variants.iter().all(|variant| variant.files.len() == 700 && variant.files.is_sorted()));
    assert!(analysis.rest.is_empty());
    // A description, and pages of 1,000 files and folders.
    assert_eq!(served.stats().api_requests, 1 + 71);
    assert_eq!(served.stats().resolve_requests, 0);
    assert!(served.stats().api_requests < Quota::ANONYMOUS.api / 5, "there must be room for other questions in the same five minutes");
}
