use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::desk::{
    About, Board, CachedFile, CachedRevision, CachedSnapshot, CachedVariant, DeletionPlan, DeletionReport, Disposal, Finding, JobId,
    Leftover, LeftoverKind, MendReport, Notice, NoticeLevel, OrphanPayload, RestoreReport, Severity, TrashId, Trouble,
};
use crate::tui::app::{App, Code, Msg, Pane, Question, Reach, ch, plain, update};

thread_local! {
    /// How often rows were worked out.
    pub(super) static LAID: Cell<usize> = const { Cell::new(0) };
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn key(name: &str) -> RepoKey {
    RepoKey { kind: RepoKind::Model, id: name.parse().unwrap() }
}

fn commit(number: usize) -> String {
    format!("{number:040x}")
}

/// A repository of so many revisions, of which only the first has a ref.
fn repo(name: &str, size: u64, revisions: usize, days: i64) -> CachedRepo {
    let at = Some(now() - SignedDuration::from_hours(24 * days));
    let revision = |number: usize| CachedRevision {
        commit: commit(number),
        refs: if number == 0 { vec!["main".to_owned()] } else { Vec::new() },
        files: 3,
        size: size / 2,
        last_modified: at,
    };
    CachedRepo {
        path: format!("/cache/{name}").into(),
        lies_in: None,
        key: key(name),
        size,
        files: 3,
        revisions: (0..revisions).map(revision).collect(),
        leftovers: Vec::new(),
        detached: 0,
        damaged: false,
        last_accessed: at,
        last_modified: at,
    }
}

fn with_leftover(mut repo: CachedRepo) -> CachedRepo {
    let leftover = |name: &str, kind| Leftover { name: name.to_owned(), kind, size: 9, on_disk: 5, last_modified: None };
    repo.leftovers = vec![leftover("x.hfdesk.part", LeftoverKind::Partial), leftover("strange", LeftoverKind::Other)];
    repo
}

fn listing(repos: Vec<CachedRepo>) -> CacheListing {
    let orphans = ["p1", "p2"].map(|hash| OrphanPayload { hash: hash.to_owned(), size: 7 }).to_vec();
    CacheListing { repos: repos.into_iter().map(Arc::new).collect(), orphans, ..CacheListing::default() }
}

/// Variants of two files in every revision.
fn contents(repo: &CachedRepo) -> CacheContents {
    let file = |path: &str| CachedFile { path: path.to_owned(), blob: None };
    let variant = |label: &str, paths: &[&str]| CachedVariant {
        id: paths[0].to_owned(),
        label: label.to_owned(),
        of: String::new(),
        files: paths.iter().map(|path| file(path)).collect(),
        size: 1,
    };
    let variants = vec![variant("Q4", &["a", "b"]), variant("Q8", &["c", "d"])];
    let snapshots = repo.revisions.iter().map(|revision| CachedSnapshot { commit: revision.commit.clone(), variants: variants.clone() });
    CacheContents { repo: repo.clone(), blobs: Vec::new(), snapshots: snapshots.collect() }
}

fn app(listing: CacheListing) -> App {
    let about = About { endpoint: String::new(), cache_dir: "/cache".into(), has_token: false, offline: false, attached: false };
    let mut app = App::new(about, now(), (80, 24));
    press(&mut app, "4");
    update(&mut app, Msg::CacheLoaded(1, Ok(listing)));
    app
}

/// Presses keys and answers every question for contents.
fn press(app: &mut App, keys: &str) -> Effects {
    let mut left = Effects::new();
    for name in keys.chars() {
        let key = if name == '.' { plain(Code::Esc) } else { ch(name) };
        for effect in update(app, Msg::Key(key)) {
            match effect {
                Effect::ReadContents(seq, key) => {
                    let read = contents(app.cache.held(key.kind, &key.id).unwrap());
                    update(app, Msg::ContentsRead(seq, key, Ok(Arc::new(read))));
                }
                effect => left.push(effect),
            }
        }
    }
    left
}

fn under(app: &App) -> String {
    if let Some(Subject::Variant(_, _, variant)) = app.cache.current() {
        return variant.title();
    }
    match app.cache.current().map(Subject::id) {
        Some(Id::In(key, Place::Whole)) => key.id.to_string(),
        Some(Id::In(_, Place::Leftover(name))) => name,
        Some(Id::In(_, Place::Within { commit, variant, file })) => file.or(variant).unwrap_or(commit),
        Some(Id::Payload(hash)) => hash,
        other => format!("{other:?}"),
    }
}

fn targets(app: &App) -> Vec<DeletionTarget> {
    app.cache.targets()
}

fn files(name: &str, paths: &[&str]) -> DeletionTarget {
    DeletionTarget::Files { repo: key(name), commit: Some(commit(0)), files: paths.iter().map(|path| (*path).to_owned()).collect() }
}

fn of(app: &App, place: &Place) -> Marked {
    app.cache.marks.within(app.cache.shape(&key("o/one")).unwrap(), place)
}

#[test]
fn a_tree_opens_level_by_level() {
    let mut app = app(listing(vec![with_leftover(repo("o/one", 9, 1, 0)), repo("o/two", 8, 2, 0)]));
    assert_eq!(app.cache.tree.rows.len(), 3, "two repositories and the payloads");
    press(&mut app, "l");
    let nodes: Vec<Node> = app.cache.tree.rows.iter().map(|row| row.node).take(5).collect();
    assert_eq!(nodes, [Node::Repo(0), Node::Variant(0, 0, 0), Node::Variant(0, 0, 1), Node::Leftover(0, 0), Node::Leftover(0, 1)]);
    press(&mut app, "ll");
    assert_eq!(under(&app), "Q4", "what is open is gone into, and what is in it opened");
    press(&mut app, "l");
    assert_eq!(under(&app), "a");
    press(&mut app, "lhh");
    assert_eq!((under(&app).as_str(), app.cache.tree.rows.len()), ("Q4", 7), "a file opens nothing; its variant was closed");
    press(&mut app, "hh");
    assert_eq!((under(&app).as_str(), app.cache.tree.rows.len()), ("o/one", 3));
    press(&mut app, "jll");
    assert_eq!((under(&app), app.cache.tree.rows.len()), (commit(0), 5), "several revisions are a level of their own");
}

#[test]
fn contents_that_are_not_known_are_a_row() {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0)]));
    let effects = update(&mut app, Msg::Key(ch('l')));
    assert_eq!(effects, [Effect::ReadContents(1, key("o/one"))]);
    assert_eq!(app.cache.tree.rows[1].node, Node::Reading(0));
    assert!(press(&mut app, "hl").is_empty(), "asked once");
    update(&mut app, Msg::ContentsRead(0, key("o/one"), Err(Fault::internal("stale"))));
    assert!(app.cache.tree.held[&key("o/one")].fault.is_none());
    update(&mut app, Msg::ContentsRead(1, key("o/one"), Err(Fault::internal("gone"))));
    assert!(matches!(app.cache.tree.at(1), Some(Subject::Reading(_, Some(_)))));
    assert_eq!(update(&mut app, Msg::Key(ch('h'))), []);
    assert_eq!(update(&mut app, Msg::Key(ch('l'))), [Effect::ReadContents(1, key("o/one"))], "and again after trouble");
}

#[test]
fn the_cursor_stays_on_its_repository_while_others_come() {
    let mut app = app(CacheListing::default());
    assert_eq!(press(&mut app, "r"), [Effect::LoadCache(2)]);
    let found = |app: &mut App, repos: Vec<CachedRepo>| {
        app.now += SignedDuration::from_secs(1);
        update(app, Msg::CacheFound(2, repos.into_iter().map(Arc::new).collect()))
    };
    found(&mut app, vec![repo("o/small", 1, 1, 0), repo("o/middle", 5, 1, 0)]);
    found(&mut app, vec![repo("o/large", 9, 1, 0)]);
    assert_eq!(under(&app), "o/large", "nobody has been here: the top is the top");
    press(&mut app, "j");
    found(&mut app, vec![repo("o/larger", 10, 1, 0), repo("o/middle", 6, 1, 0)]);
    assert_eq!((under(&app).as_str(), app.cache.cursor, app.cache.repos().len()), ("o/middle", 2, 4));
    update(&mut app, Msg::CacheFound(1, vec![Arc::new(repo("o/stale", 99, 1, 0))]));
    assert_eq!(app.cache.repos().len(), 4, "an older reading is dropped");
    update(&mut app, Msg::CacheLoaded(2, Ok(listing(vec![repo("o/small", 1, 1, 0), repo("o/larger", 10, 1, 0)]))));
    assert_eq!(under(&app), "o/small", "what comes after it takes its place");
}

#[test]
fn orders_go_round_from_the_top() {
    let mut app = app(listing(vec![repo("o/a", 1, 1, 5), repo("o/b", 3, 1, 1), repo("o/c", 2, 1, 9)]));
    let order = |app: &App| app.cache.repos().iter().map(|repo| repo.key.id.name().to_owned()).collect::<String>();
    assert_eq!(order(&app), "bca");
    let seen = ["s", "s", "s", "s"].map(|keys| {
        press(&mut app, keys);
        order(&app)
    });
    assert_eq!(seen, ["cab", "cab", "abc", "bca"]);
    press(&mut app, "js");
    assert_eq!(app.cache.cursor, 0);
}

#[test]
fn marks_reach_across_levels() {
    let mut app = app(listing(vec![with_leftover(repo("o/one", 9, 1, 0))]));
    press(&mut app, "ljl ");
    assert_eq!((under(&app).as_str(), targets(&app)), ("a", vec![files("o/one", &["a", "b"])]), "Space goes down");
    let (q4, a) = (Place::variant(&commit(0), "a"), Place::file(&commit(0), "a", "a"));
    assert_eq!([&Place::Whole, &q4, &a].map(|place| of(&app, place)), [Marked::Partly, Marked::Yes, Marked::Yes]);
    press(&mut app, " ");
    assert_eq!(targets(&app), [files("o/one", &["b"])], "a file of what is marked is taken out");
    assert_eq!([&q4, &a].map(|place| of(&app, place)), [Marked::Partly, Marked::No]);
    press(&mut app, "k ");
    assert_eq!(targets(&app), [files("o/one", &["a", "b"])]);
    assert_eq!((app.cache.marks.len(), of(&app, &q4)), (2, Marked::Yes), "all files show as their variant");
    press(&mut app, "j   ");
    assert_eq!(of(&app, &Place::Whole), Marked::Yes, "all that a repository has shows as the repository");
    assert!(!targets(&app).contains(&DeletionTarget::Repo(key("o/one"))), "what comes later is not marked: {:?}", targets(&app));
    press(&mut app, "kkk ");
    assert_eq!(app.cache.marks.len(), 4, "the rest stays marked: two files, two leftovers");
    press(&mut app, "gg ");
    assert_eq!((under(&app).as_str(), targets(&app)), ("Q4", vec![DeletionTarget::Repo(key("o/one"))]), "the row itself is the repository");
    press(&mut app, ".");
    assert!(app.cache.marks.is_empty() && app.focus == Pane::Cache);
}

#[test]
fn variants_of_one_label_are_two_things() {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0)]));
    press(&mut app, "l");
    let mut twins = contents(app.cache.held(RepoKind::Model, &"o/one".parse().unwrap()).unwrap());
    for (variant, of) in twins.snapshots[0].variants.iter_mut().zip(["x", "y"]) {
        (variant.label, variant.of) = ("Q4_K_M".to_owned(), of.to_owned());
    }
    app.cache.tree.held.get_mut(&key("o/one")).unwrap().contents = Some(Arc::new(twins));
    press(&mut app, "jjl");
    assert_eq!(under(&app), "Q4_K_M of y");
    assert_eq!(app.cache.tree.rows.len(), 6, "one of them is open");
    press(&mut app, " ");
    assert_eq!(targets(&app), [files("o/one", &["c", "d"])]);
    let of = |of: &str| app.cache.marks.of(&key("o/one"), &Place::variant(&commit(0), of));
    assert_eq!((of("a"), of("c")), (Marked::No, Marked::Yes));
}

#[test]
fn single_files_of_a_commit_go_together() {
    let mut app = app(listing(vec![repo("o/one", 9, 2, 0)]));
    press(&mut app, "ljlj");
    assert_eq!(under(&app), "Q4");
    press(&mut app, "ljj lj ");
    assert_eq!(targets(&app), [files("o/one", &["b", "c"])]);
    press(&mut app, ".Gk ");
    assert_eq!(targets(&app), [DeletionTarget::Revision { repo: key("o/one"), commit: commit(1) }]);
}

#[test]
fn marks_of_what_has_gone_are_forgotten() {
    let mut app = app(listing(vec![with_leftover(repo("o/one", 9, 1, 0)), repo("o/two", 8, 2, 0)]));
    press(&mut app, "lj jj j ");
    press(&mut app, "Gk ");
    assert_eq!(app.cache.marks.len(), 5, "{:?}", app.cache.marks);
    press(&mut app, "r");
    let mut gone = repo("o/one", 9, 1, 0);
    gone.files = 2;
    let effects = update(&mut app, Msg::CacheLoaded(2, Ok(CacheListing { orphans: Vec::new(), ..listing(vec![gone.clone()]) })));
    assert_eq!((targets(&app), effects.len()), (vec![files("o/one", &["a", "b"])], 1), "what changed is read again");
    assert!(matches!(&effects[..], [Effect::ReadContents(2, _)]), "the question on its way comes first: {effects:?}");
    let mut fewer = contents(&gone);
    fewer.snapshots[0].variants.remove(0);
    update(&mut app, Msg::ContentsRead(2, gone.key.clone(), Ok(Arc::new(fewer))));
    assert!(app.cache.marks.is_empty());
}

#[test]
fn kinds_of_things_are_marked_by_one_key() {
    let mut app = app(listing(vec![with_leftover(repo("o/one", 9, 1, 40)), repo("o/two", 8, 3, 10)]));
    press(&mut app, "d");
    let detached = |number| DeletionTarget::Revision { repo: key("o/two"), commit: commit(number) };
    assert_eq!(targets(&app), [detached(1), detached(2)]);
    press(&mut app, "di");
    let leftover = DeletionTarget::Leftover { repo: key("o/one"), name: "x.hfdesk.part".to_owned() };
    assert_eq!(targets(&app), [leftover], "a file that nobody knows is left alone");
    press(&mut app, "ib");
    assert_eq!(targets(&app), ["p1", "p2"].map(|hash| DeletionTarget::Payload(hash.to_owned())));
    press(&mut app, "b");
    assert!(app.cache.marks.is_empty(), "the same key takes the marks away");
    press(&mut app, "n");
    update(&mut app, Msg::Key(plain(Code::Enter)));
    assert_eq!(targets(&app), [DeletionTarget::Repo(key("o/one"))], "30 days are proposed");
    press(&mut app, ".n9");
    update(&mut app, Msg::Key(plain(Code::Enter)));
    assert_eq!(targets(&app).len(), 2);
    press(&mut app, ".n99");
    update(&mut app, Msg::Key(plain(Code::Enter)));
    assert!(app.cache.marks.is_empty() && app.message.as_ref().is_some_and(|message| message.text.contains("99 days")));
}

#[test]
fn all_that_is_shown_is_marked_and_none_of_what_is_pinned() {
    let pins = BTreeSet::from([key("o/one")]);
    let mut app = app(CacheListing { pins, ..listing(vec![repo("o/one", 9, 1, 0), repo("o/two", 8, 1, 0), repo("x/three", 7, 1, 0)]) });
    press(&mut app, " ");
    assert!(app.cache.marks.is_empty() && app.message.as_ref().is_some_and(|message| message.text.contains("pinned")));
    press(&mut app, "a");
    assert_eq!(targets(&app), ["o/two", "x/three"].map(|name| DeletionTarget::Repo(key(name))));
    press(&mut app, "a");
    assert!(app.cache.marks.is_empty());
    press(&mut app, "fo/");
    update(&mut app, Msg::Key(plain(Code::Enter)));
    press(&mut app, "a");
    assert_eq!((app.cache.tree.rows.len(), targets(&app)), (2, vec![DeletionTarget::Repo(key("o/two"))]));
    assert_eq!(press(&mut app, "k"), []);
    press(&mut app, ".");
    assert!(app.cache.marks.is_empty() && app.cache.filter.is_on(), "one step back");
    press(&mut app, ".");
    assert_eq!((app.cache.tree.rows.len(), app.focus), (4, Pane::Cache), "and another");
}

#[test]
fn pinning_takes_the_marks_away() {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0)]));
    press(&mut app, " k");
    assert_eq!(press(&mut app, "p"), [Effect::Pin(key("o/one"), true)]);
    update(&mut app, Msg::Pinned(key("o/one"), true, Ok(())));
    assert!(app.cache.is_pinned(&key("o/one")) && app.cache.marks.is_empty());
    assert_eq!(press(&mut app, "p"), [Effect::Pin(key("o/one"), false)]);
}

#[test]
fn the_filter_is_applied_while_it_is_typed() {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0), repo("o/two", 8, 1, 0)]));
    press(&mut app, "jftw");
    assert_eq!((app.cache.tree.rows.len(), under(&app).as_str()), (1, "o/two"), "the cursor stays on what is still shown");
    update(&mut app, Msg::Paste("o\n".to_owned()));
    assert_eq!(app.cache.filter.input.value(), "two");
    press(&mut app, "q");
    assert!(app.cache.tree.rows.is_empty() && app.focus == Pane::Cache, "keys are typed");
    press(&mut app, ".");
    assert_eq!(app.cache.tree.rows.len(), 3);
}

#[test]
fn sections_are_only_shown_or_have_their_own_keys() {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0)]));
    press(&mut app, "G ");
    assert_eq!(targets(&app).len(), 2, "a mark on the heading is one on all payloads");
    press(&mut app, ".Gljj ");
    assert_eq!(targets(&app), [DeletionTarget::Payload("p2".to_owned())]);
    press(&mut app, ".u");
    assert!(app.message.as_ref().is_some_and(|message| message.text.contains("nothing to bring back")), "{:?}", app.message);
    press(&mut app, "E");
    assert!(app.dialog.is_none());
}

#[test]
fn ten_thousand_repositories_are_laid_out_when_they_change_only() {
    let repos = (0..10_000).map(|number| repo(&format!("org-{}/model-{number}", number % 97), number, 2, 1)).collect();
    let mut app = app(listing(repos));
    app.board = Arc::new(Board::default());
    let before = LAID.get();
    press(&mut app, "jjj kjGgg");
    assert_eq!(LAID.get(), before, "moving and marking lay nothing out");
    press(&mut app, "a");
    assert_eq!((LAID.get(), app.cache.marks.len()), (before, 10_000));
    press(&mut app, "l");
    assert_eq!(LAID.get(), before + 2, "once for what opens, once for its contents");
    press(&mut app, "s");
    assert_eq!(LAID.get(), before + 3);
}

#[test]
fn one_reading_at_a_time_and_another_after_it() {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0)]));
    let notice = Notice { at: now(), level: NoticeLevel::Info, text: "done".into(), job: Some(JobId("1".into())), fault: None };
    let heard = |app: &mut App| update(app, Msg::Notice(notice.clone()));
    assert_eq!(heard(&mut app), [Effect::LoadCache(2)]);
    assert_eq!((heard(&mut app), heard(&mut app), press(&mut app, "r")), (vec![], vec![], vec![]));
    let read = |app: &mut App, seq, name| update(app, Msg::CacheLoaded(seq, Ok(listing(vec![repo(name, 9, 1, 0)]))));
    assert_eq!(read(&mut app, 2, "o/two"), [Effect::LoadCache(3)], "once more, however often that was wanted");
    assert_eq!(under(&app), "o/two");
    assert_eq!(read(&mut app, 3, "o/three"), []);
    heard(&mut app);
    update(&mut app, Msg::Restored(Err(Fault::internal("no"))));
    assert_eq!((read(&mut app, 4, "o/old"), under(&app).as_str()), (vec![], "o/three"), "one from before our own change is dropped");
    assert_eq!((read(&mut app, 5, "o/new"), under(&app).as_str()), (vec![], "o/new"));
}

#[test]
fn a_download_that_ends_during_the_first_reading_is_not_missed() {
    let mut app = App::new(app(CacheListing::default()).about, now(), (80, 24));
    press(&mut app, "4");
    let notice = Notice { at: now(), level: NoticeLevel::Info, text: "done".into(), job: Some(JobId("1".into())), fault: None };
    assert!(update(&mut app, Msg::Notice(notice)).is_empty());
    assert_eq!(update(&mut app, Msg::CacheLoaded(1, Ok(CacheListing::default()))), [Effect::LoadCache(2)]);
}

fn trashed(id: &str, name: &str) -> TrashEntry {
    let targets = vec![DeletionTarget::Repo(key(name))];
    TrashEntry { id: TrashId(id.to_owned()), targets, frees: 1, size: 1, deleted_at: now(), kept_until: now() }
}

#[test]
fn what_was_deleted_last_is_brought_back_first_and_once() {
    let mut app = app(CacheListing { trash: vec![trashed("old", "o/old")], ..listing(vec![repo("o/one", 9, 1, 0)]) });
    let report = DeletionReport { trashed: Some(trashed("new", "o/one")), ..DeletionReport::default() };
    update(&mut app, Msg::Deleted(vec![DeletionTarget::Repo(key("o/one"))], Ok(report)));
    assert_eq!(press(&mut app, "u"), [Effect::Restore(TrashId("new".to_owned()))], "before the disk has been read again");
    assert!(press(&mut app, "uED").is_empty() && app.dialog.is_none(), "one thing at a time");
    assert!(app.message.as_ref().is_some_and(|message| message.text.contains("that comes first")));
    let report = RestoreReport { restored: trashed("new", "o/one"), moved_on: Vec::new(), failures: Vec::new(), kept: None };
    update(&mut app, Msg::Restored(Ok(report)));
    assert_eq!(press(&mut app, "u"), [Effect::Restore(TrashId("old".to_owned()))], "it is not brought back twice");
    update(&mut app, Msg::TrashEmptied(vec![TrashId("old".to_owned())], Ok(1)));
    assert!(app.cache.tree.listing.trash.is_empty());
}

#[test]
fn what_comes_back_in_part_is_told_and_the_rest_can_be_brought_back_later() {
    let mut app = app(CacheListing { trash: vec![trashed("new", "o/one"), trashed("old", "o/old")], ..listing(Vec::new()) });
    let report = RestoreReport {
        restored: trashed("new", "o/one"),
        moved_on: vec!["refs/main points at another commit now and stays so".to_owned()],
        failures: vec!["o/two is in the way".to_owned()],
        kept: Some(trashed("new", "o/two")),
    };
    update(&mut app, Msg::Restored(Ok(report)));
    let told = app.message.as_ref().unwrap().text.clone();
    for part in ["brought back 1 repository", "refs/main points at another", "still in the trash: o/two is in the way"] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(app.cache.tree.listing.trash, [trashed("new", "o/two"), trashed("old", "o/old")]);
}

#[test]
fn a_trash_that_is_switched_off_is_not_offered() {
    for (days, deletes) in [(0, false), (7, true)] {
        let kept = std::time::Duration::from_secs(days * 86_400);
        let mut app = app(CacheListing { trash_kept: kept, ..listing(vec![repo("o/one", 9, 1, 0)]) });
        let plan = asking(&mut app);
        update(&mut app, plan);
        app.now += SignedDuration::from_secs(1);
        assert_eq!(!press(&mut app, "t").is_empty(), deletes, "{days} days");
        assert_eq!(app.dialog.is_none(), deletes);
    }
}

fn plan(targets: &[DeletionTarget]) -> DeletionPlan {
    DeletionPlan { targets: targets.to_vec(), ..DeletionPlan::nothing("/cache".into()) }
}

/// What `D` asks for on the first of two repositories, the answer not there yet.
fn asking(app: &mut App) -> Msg {
    match &press(app, "D")[..] {
        [Effect::PlanDeletion(seq, targets)] => Msg::DeletionPlanned(*seq, Ok(plan(targets))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dialog_that_is_waited_for_does_not_come_up_elsewhere() {
    for keys in ["/", "f", "1", "3", "fx", "1/y", "34", "4/."] {
        let mut app = app(listing(vec![repo("o/one", 9, 1, 0), repo("o/two", 8, 1, 0)]));
        let plan = asking(&mut app);
        press(&mut app, keys);
        update(&mut app, plan);
        assert!(app.dialog.is_none(), "after {keys}");
    }
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0)]));
    let plan = asking(&mut app);
    press(&mut app, "j");
    update(&mut app, plan);
    assert!(app.dialog.is_some(), "moving is no other thing to do");
}

#[test]
fn a_key_that_was_typed_before_the_dialog_could_be_read_deletes_nothing() {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0)]));
    let plan = asking(&mut app);
    update(&mut app, plan);
    assert!(press(&mut app, "yt").is_empty() && app.dialog.is_some());
    app.now += SignedDuration::from_secs(1);
    assert!(matches!(&press(&mut app, "y")[..], [Effect::Delete(_, Disposal::Forever)]));
}

#[test]
fn only_the_marks_of_what_was_deleted_go() {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0), repo("o/two", 8, 1, 0)]));
    press(&mut app, "l j ");
    press(&mut app, "G ");
    assert_eq!(app.cache.marks.len(), 3);
    let mut deleted = vec![DeletionTarget::Repo(key("o/two")), DeletionTarget::Payload("p2".to_owned())];
    update(&mut app, Msg::Deleted(deleted.clone(), Ok(DeletionReport::default())));
    assert_eq!(app.cache.marks.len(), 2, "the repository, and a payload that was not deleted: {:?}", app.cache.marks);
    press(&mut app, ".ggj  ");
    let both = [files("o/one", &["a", "b", "c", "d"])];
    assert_eq!(targets(&app), [files("o/one", &["a", "b"]), files("o/one", &["c", "d"])]);
    deleted = vec![files("o/one", &["a", "c", "d"])];
    update(&mut app, Msg::Deleted(deleted, Ok(DeletionReport::default())));
    assert_eq!(targets(&app), [files("o/one", &["a", "b"])], "a variant of which a file is left stays marked");
    update(&mut app, Msg::Deleted(both.to_vec(), Ok(DeletionReport::default())));
    assert!(app.cache.marks.is_empty());
}

fn finding(mend: Option<&str>) -> Finding {
    Finding {
        trouble: Trouble::StaleLocks,
        severity: Severity::Note,
        path: "/cache".into(),
        message: "locks".into(),
        mend: mend.map(str::to_owned),
        advice: None,
    }
}

/// An app that shows these findings.
fn checked(findings: Vec<Finding>) -> App {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0)]));
    let [Effect::Diagnose(seq)] = press(&mut app, "!")[..] else { panic!("a check") };
    update(&mut app, Msg::Diagnosed(seq, Ok(Arc::new(findings))));
    app
}

#[test]
fn nothing_is_mended_unasked() {
    for no in ["n", "."] {
        let mut app = checked(vec![finding(Some("removes them")), finding(None)]);
        assert!(press(&mut app, "m").is_empty());
        assert!(matches!(&app.dialog.as_ref().unwrap().question, Question::Mend(_)));
        assert!(press(&mut app, "m").is_empty(), "it needs its own letter");
        assert!(press(&mut app, no).is_empty());
        assert!(matches!(&app.dialog.as_ref().unwrap().question, Question::Findings(shown) if shown.list().len() == 2), "back to them");
        assert_eq!(press(&mut app, "my"), [Effect::Mend(1, vec![finding(Some("removes them"))])], "what cannot be mended is not sent");
        assert!(press(&mut app, "my").is_empty(), "once");
    }
    let mut app = checked(vec![finding(None)]);
    assert!(press(&mut app, "my").is_empty(), "there is nothing to ask");
}

#[test]
fn marks_that_the_filter_hides_are_told_apart() {
    let mut app = app(listing(vec![with_leftover(repo("o/one", 9, 3, 0)), repo("o/two", 8, 2, 0)]));
    press(&mut app, " ljll j ");
    press(&mut app, "Gk ");
    press(&mut app, "G ");
    let hidden = |app: &App| (app.cache.marks.len(), app.cache.hidden_marks(app.now));
    let before = hidden(&app);
    assert_eq!(before.1, 0, "{:?}", app.cache.marks);
    press(&mut app, "fo/tw");
    update(&mut app, Msg::Key(plain(Code::Enter)));
    assert_eq!(hidden(&app).0, before.0, "nothing is unmarked");
    let shown = app.cache.marks.count(|of, _| *of == key("o/two"), false);
    assert_eq!(hidden(&app).1, before.0 - shown, "what is of another repository is hidden, and every payload: {:?}", app.cache.marks);
    let [Effect::PlanDeletion(..)] = press(&mut app, "D")[..] else {
        let plan = plan(&targets(&app));
        let deletion = Deletion::new(&app.cache, plan, app.now);
        assert_eq!((deletion.marked, deletion.hidden), hidden(&app));
        assert!(deletion.lines.iter().any(|line| line.hidden) && deletion.lines.iter().any(|line| !line.hidden), "{:?}", deletion.lines);
        return;
    };
    panic!("the marks were asked about already");
}

#[test]
fn revisions_that_the_filter_hides_are_hidden_marks() {
    let mut app = app(listing(vec![repo("o/one", 9, 3, 0)]));
    press(&mut app, "lj j ");
    assert_eq!(targets(&app).len(), 2);
    press(&mut app, "frefs=main");
    update(&mut app, Msg::Key(plain(Code::Enter)));
    assert_eq!((app.cache.filter.mistake.clone(), app.cache.hidden_marks(app.now)), (None, 1), "{:?}", app.cache.marks);
}

#[test]
fn what_goes_is_named_as_people_know_it() {
    let mut app = app(listing(vec![with_leftover(repo("o/one", 20, 2, 0)), repo("o/two", 8, 1, 0)]));
    press(&mut app, "ljl");
    let targets = [
        DeletionTarget::Revision { repo: key("o/one"), commit: commit(1) },
        files("o/one", &["a", "b", "c"]),
        DeletionTarget::Leftover { repo: key("o/one"), name: "x.hfdesk.part".to_owned() },
        DeletionTarget::Repo(key("o/two")),
        DeletionTarget::Payload("p1".to_owned()),
    ];
    let along = DeletionPlan { repos: vec![key("o/one"), key("o/two")], ..plan(&targets) };
    let deletion = Deletion::new(&app.cache, along, app.now);
    let told: Vec<_> = deletion.lines.iter().map(|line| (line.is_part, line.name.as_str(), line.about.as_str(), line.size)).collect();
    let at = "of 000000000000, main";
    let revision = "revision 000000000000, no branch or tag";
    let expected = [
        (false, "model/o/one", "", None),
        (true, revision, "", Some(10)),
        (true, "Q4", &format!("2 files {at}"), Some(1)),
        (true, "c", at, None),
        (true, "unfinished x.hfdesk.par", "", Some(5)),
        (false, "model/o/two", "whole, 1 revision", Some(8)),
        (false, "shared payload p1", "nothing uses it", Some(7)),
    ];
    assert_eq!(told, expected);
    assert_eq!((deletion.along, deletion.hidden), (vec![key("o/one")], 0), "what was not named and goes whole");
}

#[test]
fn the_end_of_ten_thousand_rows_is_where_scrolling_stops() {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0)]));
    let plan = DeletionPlan { paths: (0..10_000).map(|number| format!("/cache/{number}").into()).collect(), ..plan(&[]) };
    app.dialog = Some(Question::Delete(Deletion::new(&app.cache, plan, app.now)).into());
    let scroll = |app: &App| app.dialog.as_ref().unwrap().scroll;
    press(&mut app, "G");
    assert_eq!(scroll(&app), 0, "nothing is drawn yet");
    update(&mut app, Msg::Drawn(Reach { rows: 10_002, shown: 12 }));
    press(&mut app, "G");
    assert_eq!(scroll(&app), 9_990);
    press(&mut app, "k");
    assert_eq!(scroll(&app), 9_989, "one row up is one row up");
    update(&mut app, Msg::Drawn(Reach { rows: 10_002, shown: 20 }));
    assert_eq!(scroll(&app), 9_982, "a larger window shows more");
    press(&mut app, "g");
    update(&mut app, Msg::Key(plain(Code::PageDown)));
    assert_eq!(scroll(&app), 19, "the row under the count of those below comes first");
}

#[test]
fn what_was_mended_is_told_where_its_dialog_was_closed() {
    let mut app = app(listing(vec![repo("o/one", 9, 1, 0)]));
    let finding = finding(Some("removes them"));
    let check = |app: &mut App| {
        let [Effect::Diagnose(seq)] = press(app, "!")[..] else { panic!("a check") };
        update(app, Msg::Diagnosed(seq, Ok(Arc::new(vec![finding.clone()]))));
    };
    check(&mut app);
    let [Effect::Mend(seq, _)] = press(&mut app, "my")[..] else { panic!("mending") };
    press(&mut app, ".");
    check(&mut app);
    let report = MendReport { mended: vec![finding.clone()], failures: vec!["o/one is in use".to_owned()] };
    assert_eq!(update(&mut app, Msg::Mended(seq, Ok(report))), [Effect::LoadCache(2)], "the later check is left as it is");
    assert!(app.message.as_ref().is_some_and(|message| message.text == "1 finding mended; 1 could not be: o/one is in use"));
}

#[test]
fn ten_thousand_repositories_that_are_found_by_and_by_are_ordered_a_few_times() {
    let mut app = app(CacheListing::default());
    press(&mut app, "r");
    let before = LAID.get();
    let found = |app: &mut App, from: usize| {
        let repos = (from..from + 64).map(|number| Arc::new(repo(&format!("o/model-{number}"), number as u64, 1, 1)));
        update(app, Msg::CacheFound(2, repos.collect()));
    };
    found(&mut app, 0);
    assert_eq!(app.cache.repos().len(), 64, "the first ones show at once");
    (1..156).for_each(|batch| found(&mut app, batch * 64));
    assert!(LAID.get() - before <= 9, "{} times", LAID.get() - before);
    app.now += SignedDuration::from_secs(1);
    found(&mut app, 156 * 64);
    assert_eq!(app.cache.repos().len(), 157 * 64, "the rest when there has been time");
}
