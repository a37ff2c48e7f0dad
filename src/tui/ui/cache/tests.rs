use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::desk::{
    About, CacheContents, CacheListing, CachedBlob, CachedFile, CachedRepo, CachedRevision, CachedSnapshot, CachedVariant, DeletionPlan,
    DeletionTarget, RepoKey, RepoKind, TrashId,
};
use crate::tui::app::{App, Code, Deletion, Effect, Msg, Question, ch, plain, update};
use crate::tui::ui::{Depth, Glyphs, Theme, view};

fn repo(number: u64) -> CachedRepo {
    let at = Timestamp::from_second(1_700_000_000 + i64::try_from(number).unwrap()).ok();
    let revision =
        CachedRevision { commit: format!("{number:040x}"), refs: vec!["main".to_owned()], files: 20, size: number, last_modified: at };
    CachedRepo {
        key: RepoKey { kind: RepoKind::Model, id: format!("org-{}/model-{number}", number % 97).parse().unwrap() },
        path: format!("/cache/{number}").into(),
        lies_in: None,
        size: number << 20,
        files: 20,
        revisions: vec![revision],
        leftovers: Vec::new(),
        detached: 0,
        damaged: false,
        last_accessed: at,
        last_modified: at,
    }
}

fn contents(repo: &CachedRepo) -> CacheContents {
    let blob = |number: usize| CachedBlob {
        path: format!("blobs/{number}").into(),
        size: 9,
        digest: None,
        last_accessed: repo.last_accessed,
        last_modified: None,
        payload: None,
        names: 1,
        shared_with: Vec::new(),
        verified: None,
    };
    let file = |number: usize| CachedFile { path: format!("model-{number:05}.safetensors"), blob: Some(number) };
    let label = "other files".to_owned();
    let variant =
        CachedVariant { id: "model-00000.safetensors".to_owned(), label, of: String::new(), files: (0..20).map(file).collect(), size: 180 };
    let snapshot = CachedSnapshot { commit: repo.revisions[0].commit.clone(), variants: vec![variant] };
    CacheContents { repo: repo.clone(), blobs: (0..20).map(blob).collect(), snapshots: vec![snapshot] }
}

/// A terminal and an app with 10,000 repositories.
struct Large {
    app: App,
    terminal: Terminal<TestBackend>,
    theme: Theme,
}

impl Large {
    fn new() -> Self {
        let about = About { endpoint: String::new(), cache_dir: "/cache".into(), has_token: false, offline: false, attached: false };
        let app = App::new(about, "2026-03-01T12:00:00Z".parse().unwrap(), (200, 60));
        let theme = Theme::builtin(Depth::True, Glyphs::UNICODE).unwrap();
        Self { app, terminal: Terminal::new(TestBackend::new(200, 60)).unwrap(), theme }
    }

    /// Takes a message in and draws; how long that took.
    fn take(&mut self, msg: Msg) -> (Duration, Vec<Effect>) {
        let start = Instant::now();
        let effects = update(&mut self.app, msg);
        self.terminal.draw(|frame| _ = view(&self.app, &self.theme, frame)).unwrap();
        (start.elapsed(), effects)
    }
}

/// The screen on which a deletion is asked about, where the trash keeps things for so many days.
fn question(days: u64, plan: DeletionPlan) -> String {
    let mut large = Large::new();
    large.take(Msg::Key(ch('4')));
    let trash_kept = Duration::from_secs(days * 86_400);
    let listing = CacheListing { repos: vec![Arc::new(repo(1))], trash_kept, ..CacheListing::default() };
    large.take(Msg::CacheLoaded(1, Ok(listing)));
    large.take(Msg::Key(ch('D')));
    large.take(Msg::DeletionPlanned(1, Ok(plan)));
    large.terminal.backend().to_string()
}

#[test]
fn a_dialog_offers_the_trash_where_there_is_one() {
    let plan = || DeletionPlan::nothing("/cache".into());
    let kept = question(7, plan());
    assert!(kept.contains("t to the trash") && kept.contains("or after 7 days; u takes it back"), "{kept}");
    let off = question(0, plan());
    assert!(!off.contains("to the trash") && off.contains("y delete for good   Esc keep everything"), "{off}");
    assert!(off.contains("the trash is switched off (trash_days is 0): this cannot be taken back"), "{off}");
}

#[test]
fn a_dialog_tells_what_it_spoils_in_the_trash() {
    let spoils = |ids: &[&str]| ids.iter().map(|id| TrashId((*id).to_owned())).collect();
    let plan = |ids: &[&str]| DeletionPlan { spoils: spoils(ids), ..DeletionPlan::nothing("/cache".into()) };
    let told = question(7, plan(&["t2", "t1"]));
    assert!(told.contains("2 deletions in the trash could not be undone any more; with t, only after this one"), "{told}");
    let told = question(0, plan(&["t1"]));
    assert!(told.contains("1 deletion in the trash could not be undone any more ") && !told.contains("with t"), "{told}");
    assert!(!question(7, plan(&[])).contains("undone"));
}

/// `cargo test --release --lib -- --ignored --nocapture ten_thousand` prints what each key takes, drawing included.
#[test]
#[ignore = "a measurement"]
fn ten_thousand_repositories_and_their_files_are_quick() {
    let mut large = Large::new();
    large.take(Msg::Key(ch('4')));
    let mut slowest = Vec::new();
    for batch in 0..100_u64 {
        let repos = (0..100).map(|at| Arc::new(repo(at * 100 + batch))).collect();
        slowest.push(("a hundred found", large.take(Msg::CacheFound(1, repos)).0));
    }
    let repos: Vec<_> = (0..10_000).map(|number| Arc::new(repo(number))).collect();
    let listing = CacheListing { size: repos.iter().map(|repo| repo.size).sum(), repos: repos.clone(), ..CacheListing::default() };
    slowest.push(("all of it", large.take(Msg::CacheLoaded(1, Ok(listing))).0));
    // Every repository and its one variant open: 220,000 rows.
    for repo in &repos {
        let id = crate::tui::app::Id::repo(&repo.key);
        let place = crate::tui::app::Place::variant(&repo.revisions[0].commit, "model-00000.safetensors");
        large.app.cache.tree.open.extend([id, crate::tui::app::Id::In(repo.key.clone(), place)]);
        let held = large.app.cache.tree.held.entry(repo.key.clone()).or_default();
        held.contents = Some(Arc::new(contents(repo)));
    }
    slowest.push(("an order, all open", large.take(Msg::Key(ch('s'))).0));
    assert_eq!(large.app.cache.tree.rows.len(), 220_000);
    for name in "jjkGk hjl  aadinfmodel-77".chars() {
        if name == 'n' {
            continue;
        }
        slowest.push(("a key", large.take(Msg::Key(ch(name))).0));
        println!("{name}: {:?}", slowest.last().unwrap().1);
    }
    slowest.push(("Enter", large.take(Msg::Key(plain(Code::Enter))).0));
    large.take(Msg::Key(plain(Code::Esc)));
    let targets: Vec<_> = repos.iter().map(|repo| DeletionTarget::Repo(repo.key.clone())).collect();
    let (keys, paths) = (repos.iter().map(|repo| repo.key.clone()).collect(), repos.iter().map(|repo| repo.path.clone()).collect());
    let plan = DeletionPlan { targets, repos: keys, paths, ..DeletionPlan::nothing("/cache".into()) };
    let started = Instant::now();
    large.app.dialog = Some(Question::Delete(Deletion::new(&large.app.cache, plan, large.app.now)).into());
    slowest.push(("a question about all", started.elapsed()));
    for name in "jGkgGj".chars() {
        slowest.push(("a key in the question", large.take(Msg::Key(ch(name))).0));
    }
    for what in ["a hundred found", "all of it", "an order, all open", "a key", "Enter", "a question about all", "a key in the question"] {
        let worst = slowest.iter().filter(|(name, _)| *name == what).map(|(_, took)| *took).max();
        println!("{what}: at most {worst:?}");
    }
}
