//! What messages do to the state, by value.

use std::sync::Arc;

use hfdesk_tui::desk::{
    Assessment, Board, CacheType, Choice, Disposal, Fault, FaultKind, JobAction, JobId, JobState, MendReport, Notice, NoticeLevel,
    RepoKind, RepoRef, Revision, Scenario, SearchPage, Target,
};
use hfdesk_tui::tui::app::{
    App, CardState, Deletion, Effect, Effects, Loading, Msg, Pane, Question, Reach, RevisionChooser, RevisionsState, ctrl, update,
};

use crate::fake_desk::{self, GIB, QUANTS, about, job, now, page, plan, repo};
use crate::network_down;
use crate::stage::{Stage, key};

fn app() -> App {
    App::new(about(), now(), (80, 24))
}

fn press(app: &mut App, keys: &str) -> Effects {
    keys.split_whitespace().flat_map(|name| update(app, Msg::Key(key(name)))).collect()
}

/// An app with one page of results. Its search had the number 1.
fn searched() -> App {
    let mut app = app();
    update(&mut app, Msg::Started);
    update(&mut app, Msg::Searched(1, Ok(page())));
    app
}

/// An app with an open repository.
fn opened() -> App {
    let mut app = searched();
    press(&mut app, "enter");
    update(&mut app, Msg::Analyzed(1, Ok(Arc::new(fake_desk::analysis(repo("Qwen/Qwen3-8B-GGUF"))))));
    app
}

fn with_jobs(states: &[JobState]) -> App {
    let mut app = app();
    let jobs = states.iter().enumerate().map(|(i, state)| job(&format!("{i:012}"), "gpt2", "Q2_K", *state, 500)).collect();
    update(&mut app, Msg::Board(Arc::new(Board { jobs, ..Board::default() })));
    press(&mut app, "3");
    app
}

fn card(app: &App) -> Option<&CardState> {
    app.repository.card.as_ref().map(|card| &card.state)
}

fn question(app: &App) -> Option<&Question> {
    app.dialog.as_ref().map(|dialog| &dialog.question)
}

#[test]
fn nothing_is_asked_before_the_first_frame() {
    let mut app = app();
    assert!(app.search.hits.is_empty() && app.search.loading.is_none());
    let effects = update(&mut app, Msg::Started);
    assert!(matches!(&effects[..], [Effect::Search(1, query, None)] if query.text.is_empty() && query.kind == RepoKind::Model));
}

#[test]
fn typing_asks_once_it_pauses_and_enter_asks_at_once() {
    let mut app = searched();
    let effects = press(&mut app, "/ q w");
    assert_eq!(effects, [Effect::SearchSoon(2), Effect::SearchSoon(3)]);
    assert!(update(&mut app, Msg::SearchDue(2)).is_empty(), "more was typed");
    assert!(matches!(&update(&mut app, Msg::SearchDue(3))[..], [Effect::Search(3, query, None)] if query.text == "qw"));
    assert!(matches!(&press(&mut app, "enter")[..], [Effect::Search(4, query, None)] if query.text == "qw"));
    assert!(!app.search.editing);
}

#[test]
fn stale_results_are_dropped_and_old_rows_stay() {
    let mut app = searched();
    press(&mut app, "/ q");
    update(&mut app, Msg::Searched(1, Ok(SearchPage::default())));
    assert_eq!((app.search.hits.len(), app.search.loading), (50, Some(Loading::First)));
    update(&mut app, Msg::Searched(2, Ok(SearchPage::default())));
    assert_eq!((app.search.hits.len(), app.search.loading), (0, None));
}

#[test]
fn the_next_page_comes_near_the_end_and_only_once() {
    let mut app = searched();
    assert!(press(&mut app, "j pgdn").is_empty());
    assert!(matches!(&press(&mut app, "G")[..], [Effect::Search(1, _, Some(token))] if token.0 == "2"));
    assert!(press(&mut app, "k j").is_empty(), "one request at a time");
    update(&mut app, Msg::Searched(1, Ok(SearchPage { next: None, ..page() })));
    assert_eq!((app.search.hits.len(), app.search.cursor), (100, 49));
    assert!(press(&mut app, "G").is_empty(), "that was all");
}

#[test]
fn a_failing_hub_is_told_and_can_be_asked_again() {
    let mut app = searched();
    press(&mut app, "s");
    update(&mut app, Msg::Searched(2, Err(network_down())));
    assert_eq!(app.search.fault.as_ref().map(|fault| fault.kind), Some(FaultKind::Network));
    assert_eq!(app.search.hits.len(), 50);
    assert!(press(&mut app, "G").is_empty(), "a failed search is not repeated unasked");
    assert!(matches!(&press(&mut app, "r")[..], [Effect::Search(3, _, None)]));
    update(&mut app, Msg::Searched(3, Ok(page())));
    assert!(app.search.fault.is_none());
}

#[test]
fn kind_and_order_go_round() {
    let mut app = searched();
    assert!(matches!(&press(&mut app, "t")[..], [Effect::Search(2, query, None)] if query.kind == RepoKind::Dataset));
    press(&mut app, "t t s s s s s");
    assert_eq!((app.search.kind, app.search.sort), (RepoKind::Model, hfdesk_tui::desk::Sort::Downloads));
}

#[test]
fn a_stale_analysis_is_dropped() {
    let mut app = searched();
    press(&mut app, "enter 1 j enter");
    update(&mut app, Msg::Analyzed(1, Ok(Arc::new(fake_desk::analysis(repo("Qwen/Qwen3-8B-GGUF"))))));
    assert!(app.repository.analysis.is_none() && app.repository.loading);
    update(&mut app, Msg::Analyzed(2, Err(network_down())));
    assert!(app.repository.fault.is_some() && !app.repository.loading);
}

#[test]
fn how_far_a_listing_is_shows_until_it_is_there() {
    let mut stage = Stage::new((80, 24));
    stage.app = searched();
    press(&mut stage.app, "enter");
    update(&mut stage.app, Msg::Listed(1, 12_000));
    assert!(stage.text((80, 24)).contains("reading, 12000 files so far"), "{}", stage.text((80, 24)));
    update(&mut stage.app, Msg::Listed(0, 99));
    assert_eq!(stage.app.repository.listed, 12_000, "a stale number is dropped");
    press(&mut stage.app, "r");
    assert_eq!(stage.app.repository.listed, 0);
}

/// The assessment that belongs to the open repository.
fn assessment(scenario: &Scenario) -> Arc<Assessment> {
    Arc::new(fake_desk::assessment(repo("Qwen/Qwen3-8B-GGUF"), scenario))
}

#[test]
fn what_fits_is_asked_for_and_the_cursor_goes_to_what_to_take() {
    let mut app = searched();
    press(&mut app, "enter");
    let analysis = Arc::new(fake_desk::analysis(repo("Qwen/Qwen3-8B-GGUF")));
    let effects = update(&mut app, Msg::Analyzed(1, Ok(Arc::clone(&analysis))));
    let [Effect::Assess(seq, asked, scenario)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((asked, scenario), (&analysis.repo, &Scenario::default()));
    update(&mut app, Msg::Assessed(seq - 1, Ok(assessment(scenario))));
    assert!(app.repository.assessment.is_none(), "a stale reply is dropped");
    update(&mut app, Msg::Assessed(*seq, Ok(assessment(scenario))));
    assert_eq!(app.repository.chosen()[0].id, "Q8_0");
    assert_eq!(app.repository.recommended().unwrap().0.id, "Q8_0");
}

#[test]
fn a_cursor_that_was_moved_stays() {
    let mut app = opened();
    press(&mut app, "j");
    update(&mut app, Msg::Assessed(2, Ok(assessment(&Scenario::default()))));
    assert!(app.repository.assessment.is_some());
    assert_eq!(app.repository.chosen()[0].id, QUANTS[1].0);
}

/// Presses a key, and takes in the assessment that it leads to.
fn judge(app: &mut App, key: &str) -> Option<(u64, CacheType)> {
    let effects = press(app, key);
    let [Effect::Assess(seq, _, scenario)] = &effects[..] else { return None };
    update(app, Msg::Assessed(*seq, Ok(assessment(scenario))));
    Some((scenario.context, scenario.cache_type))
}

#[test]
fn context_and_cache_type_are_judged_anew() {
    let mut app = opened();
    assert_eq!(judge(&mut app, "+"), None, "nothing is known of the model yet");
    update(&mut app, Msg::Assessed(2, Ok(assessment(&Scenario::default()))));
    assert_eq!(judge(&mut app, "+"), Some((16_384, CacheType::F16)));
    assert_eq!(judge(&mut app, "z"), Some((16_384, CacheType::Q8)));
    press(&mut app, "- -");
    assert_eq!(judge(&mut app, "+"), Some((8192, CacheType::Q8)), "keys are quicker than answers");
    assert_eq!(judge(&mut app, "+"), Some((16_384, CacheType::Q8)));
    assert_eq!((judge(&mut app, "+").unwrap().0, judge(&mut app, "+").unwrap().0), (32_768, 40_960), "the model was trained for no more");
    assert_eq!(judge(&mut app, "+"), None);
    assert!(app.message.as_ref().unwrap().text.contains("40960 tokens is the longest"), "{:?}", app.message);
    let shorter: Vec<u64> = std::iter::from_fn(|| judge(&mut app, "-")).map(|(context, _)| context).collect();
    assert_eq!(shorter, [32_768, 16_384, 8192, 4096, 2048]);
    press(&mut app, "1 j enter");
    assert_eq!(app.repository.scenario.context, 2048, "another repository is judged by the same");
}

#[test]
fn a_message_about_one_repository_goes_when_another_is_opened() {
    let mut app = opened();
    update(&mut app, Msg::Paste("not an id at all".to_owned()));
    assert!(app.message.is_some());
    update(&mut app, Msg::Paste("Qwen/Qwen3-8B-GGUF".to_owned()));
    assert!(app.message.is_none());
}

#[test]
fn trouble_with_an_assessment_leaves_the_choice() {
    let mut app = opened();
    update(&mut app, Msg::Assessed(2, Err(network_down())));
    assert!(app.message.as_ref().unwrap().text.contains("what fits is not known"), "{:?}", app.message);
    assert_eq!(app.repository.chosen()[0].id, QUANTS[0].0);
}

#[test]
fn a_card_is_asked_for_and_put_away() {
    let mut app = opened();
    assert_eq!(press(&mut app, "c"), [Effect::Card(1, repo("Qwen/Qwen3-8B-GGUF"))]);
    assert_eq!(card(&app), Some(&CardState::Loading));
    update(&mut app, Msg::CardRead(1, Ok(None)));
    assert_eq!(card(&app), Some(&CardState::Missing));
    assert!(press(&mut app, "space a").is_empty() && app.repository.marks.is_empty(), "nobody marks what does not show");
    press(&mut app, "esc");
    assert!(card(&app).is_none() && app.focus == Pane::Repository);
    press(&mut app, "c c");
    assert!(card(&app).is_none());
    assert!(press(&mut self::app(), "2 c").is_empty());
}

#[test]
fn a_stale_card_is_dropped() {
    let mut app = opened();
    press(&mut app, "c esc");
    update(&mut app, Msg::CardRead(1, Ok(None)));
    assert!(card(&app).is_none(), "nobody waits for it");
    assert!(matches!(&press(&mut app, "c r")[..], [Effect::Card(1, _), Effect::Analyze(2, _), Effect::Card(2, _)]));
    update(&mut app, Msg::CardRead(1, Ok(None)));
    assert_eq!(card(&app), Some(&CardState::Loading));
    update(&mut app, Msg::CardRead(2, Err(network_down())));
    assert_eq!(card(&app), Some(&CardState::Failed(network_down())));
    press(&mut app, "1 j enter");
    assert!(card(&app).is_none(), "another repository shows its variants first");
}

#[test]
fn a_card_scrolls_as_far_as_it_was_drawn() {
    let mut app = opened();
    press(&mut app, "c j");
    let scroll = |app: &App| app.repository.card.as_ref().map(|card| card.scroll);
    assert_eq!(scroll(&app), Some(0), "nothing is drawn yet");
    update(&mut app, Msg::Drawn(Reach { rows: 30, shown: 10 }));
    press(&mut app, "j pgdn");
    assert_eq!((scroll(&app), app.repository.cursor), (Some(11), 0));
    press(&mut app, "G k");
    assert_eq!(scroll(&app), Some(19));
    update(&mut app, Msg::Drawn(Reach { rows: 20, shown: 15 }));
    assert_eq!(scroll(&app), Some(5), "a larger window shows more");
}

/// An app in which the revisions of an open repository have been asked for.
fn choosing() -> App {
    let mut app = opened();
    assert_eq!(press(&mut app, "v"), [Effect::Revisions(1, repo("Qwen/Qwen3-8B-GGUF"))]);
    app
}

fn chooser(app: &App) -> Option<&RevisionChooser> {
    match question(app) {
        Some(Question::Revisions(chooser)) => Some(chooser),
        _ => None,
    }
}

#[test]
fn a_revision_is_chosen_and_opened() {
    let mut app = choosing();
    assert!(press(&mut app, "j enter").is_empty(), "there is nothing to open yet");
    update(&mut app, Msg::RevisionsListed(1, Ok(Arc::new(fake_desk::revisions()))));
    assert_eq!(chooser(&app).and_then(RevisionChooser::chosen).map(Revision::as_str), Some("main"));
    let tag = RepoRef { revision: "v1.0".parse().unwrap(), ..repo("Qwen/Qwen3-8B-GGUF") };
    assert!(matches!(&press(&mut app, "j j j enter")[..], [Effect::Analyze(2, repo), ..] if *repo == tag));
    assert!(app.dialog.is_none() && app.repository.repo == Some(tag.clone()) && app.repository.analysis.is_none());
    assert_eq!(press(&mut app, "v"), [Effect::Revisions(2, tag)]);
    update(&mut app, Msg::RevisionsListed(2, Ok(Arc::new(fake_desk::revisions()))));
    assert_eq!(chooser(&app).map(|chooser| chooser.cursor), Some(3), "the cursor is on what is open");
    assert!(press(&mut app, "enter").is_empty() && app.dialog.is_none(), "it is open already");
}

#[test]
fn a_commit_is_opened_by_its_full_name() {
    let mut app = choosing();
    update(&mut app, Msg::RevisionsListed(1, Ok(Arc::new(fake_desk::revisions()))));
    let effects = press(&mut app, "G enter");
    assert!(matches!(&effects[..], [Effect::Analyze(2, repo), ..] if repo.revision.is_commit()), "{effects:?}");
}

#[test]
fn stale_revisions_are_dropped() {
    let mut app = choosing();
    assert!(press(&mut app, "esc").is_empty() && app.dialog.is_none());
    update(&mut app, Msg::RevisionsListed(1, Ok(Arc::default())));
    assert!(app.dialog.is_none(), "nobody waits for them");
    press(&mut app, "1 j enter v");
    update(&mut app, Msg::RevisionsListed(1, Ok(Arc::new(fake_desk::revisions()))));
    assert_eq!(chooser(&app).map(|chooser| &chooser.state), Some(&RevisionsState::Loading));
    update(&mut app, Msg::RevisionsListed(2, Err(network_down())));
    assert_eq!(chooser(&app).map(|chooser| &chooser.state), Some(&RevisionsState::Failed(network_down())));
    assert!(press(&mut app, "enter j G").is_empty() && chooser(&app).is_some());
    assert!(matches!(&press(&mut app, "r")[..], [Effect::Revisions(2, _)]));
    assert_eq!(chooser(&app).map(|chooser| &chooser.state), Some(&RevisionsState::Loading));
    assert!(press(&mut self::app(), "2 v").is_empty());
}

#[test]
fn marks_become_a_plan() {
    let mut app = opened();
    assert!(
        matches!(&press(&mut app, "d")[..], [Effect::Plan(1, selection)] if selection.choice == Choice::Variants(vec!["Q2_K".to_owned()]))
    );
    let effects = press(&mut app, "j j j space k k k space d");
    let in_their_order = Choice::Variants(["Q3_K_M", "Q4_K_M"].map(str::to_owned).to_vec());
    assert!(matches!(&effects[..], [Effect::Plan(1, selection)] if selection.choice == in_their_order), "{effects:?}");
    press(&mut app, "a");
    assert_eq!(app.repository.marks.len(), QUANTS.len() + 1);
    press(&mut app, "a");
    assert!(app.repository.marks.is_empty());
}

#[test]
fn a_plan_is_confirmed_before_it_is_queued() {
    let mut app = opened();
    press(&mut app, "d");
    let wanted = plan(repo("Qwen/Qwen3-8B-GGUF"), &["Q2_K".to_owned()], 200 * GIB);
    update(&mut app, Msg::Planned(1, Ok(wanted.clone())));
    assert_eq!(question(&app), Some(&Question::Download(wanted.clone())));
    assert_eq!(press(&mut app, "enter"), [Effect::Enqueue(wanted)]);
    assert!(app.dialog.is_none());
}

#[test]
fn a_plan_that_does_not_fit_is_refused() {
    let mut app = opened();
    press(&mut app, "d");
    update(&mut app, Msg::Planned(1, Ok(plan(repo("Qwen/Qwen3-8B-GGUF"), &["F32".to_owned()], GIB))));
    assert!(press(&mut app, "enter y").is_empty() && app.dialog.is_some());
    assert!(press(&mut app, "esc").is_empty() && app.dialog.is_none());
}

#[test]
fn a_plan_nobody_waits_for_is_dropped() {
    let mut app = opened();
    press(&mut app, "d esc");
    update(&mut app, Msg::Planned(1, Ok(plan(repo("gpt2"), &["Q2_K".to_owned()], 200 * GIB))));
    assert!(app.dialog.is_none());
    press(&mut app, "d ?");
    update(&mut app, Msg::Planned(1, Ok(plan(repo("gpt2"), &["Q2_K".to_owned()], 200 * GIB))));
    assert_eq!(question(&app), Some(&Question::Help));
}

#[test]
fn pasted_links_open_repositories() {
    let mut app = searched();
    let paste = |app: &mut App, text: &str| update(app, Msg::Paste(text.to_owned()));
    let effects = paste(&mut app, "\n https://huggingface.co/datasets/org/set/tree/v2\r\n");
    assert!(
        matches!(&effects[..], [Effect::Analyze(1, repo), Effect::LoadCache(1)] if repo.kind == RepoKind::Dataset && repo.revision.as_str() == "v2")
    );
    assert!(matches!(&paste(&mut app, "Qwen/Qwen3-8B-GGUF:q4_k_m")[..], [Effect::Analyze(2, _)]));
    update(&mut app, Msg::Analyzed(2, Ok(Arc::new(fake_desk::analysis(repo("Qwen/Qwen3-8B-GGUF"))))));
    assert!(app.repository.marks.contains("Q4_K_M") && app.repository.marks.len() == 1);
    assert!(app.message.is_none());
    paste(&mut app, "Qwen/Qwen3-8B-GGUF:q9_z");
    update(&mut app, Msg::Analyzed(3, Ok(Arc::new(fake_desk::analysis(repo("Qwen/Qwen3-8B-GGUF"))))));
    assert!(app.repository.marks.is_empty() && app.message.as_ref().is_some_and(|message| message.text.contains("q9_z")));
    assert!(paste(&mut app, "rm -rf /").is_empty());
    assert_eq!(app.message.as_ref().map(|message| message.level), Some(NoticeLevel::Error));
}

#[test]
fn text_pasted_into_the_prompt_is_defused() {
    let mut app = searched();
    press(&mut app, "/");
    assert_eq!(update(&mut app, Msg::Paste("qw\u{1b}en\nrm".to_owned())), [Effect::SearchSoon(2)]);
    assert_eq!(app.search.prompt.value(), "qw\u{fffd}en");
}

#[test]
fn job_keys_ask_for_what_fits() {
    let mut app = with_jobs(&[JobState::Running, JobState::Paused, JobState::Failed, JobState::Completed]);
    let first = |action| Effect::Control(action, Target::Jobs(vec![JobId("000000000000".to_owned())]));
    assert_eq!(press(&mut app, "p J"), [first(JobAction::Pause), first(JobAction::Down)]);
    assert!(press(&mut app, "r D").is_empty(), "neither fits a running job");
    assert!(app.message.as_ref().is_some_and(|message| message.text.contains("running")));
    assert!(matches!(&press(&mut app, "j p")[..], [Effect::Control(JobAction::Resume, _)]));
    assert!(matches!(&press(&mut app, "j r")[..], [Effect::Control(JobAction::Retry, _)]));
    assert!(matches!(&press(&mut app, "j D")[..], [Effect::Control(JobAction::Dismiss, _)]));
    assert_eq!(press(&mut app, "P"), [Effect::Control(JobAction::Pause, Target::All)]);
    assert_eq!(press(&mut app, "C"), [Effect::Control(JobAction::Dismiss, Target::Jobs(vec![JobId("000000000003".to_owned())]))]);
}

#[test]
fn everything_resumes_when_nothing_runs() {
    let mut app = with_jobs(&[JobState::Paused]);
    assert_eq!(press(&mut app, "P"), [Effect::Control(JobAction::Resume, Target::All)]);
}

#[test]
fn cancelling_needs_its_own_letter() {
    let mut app = with_jobs(&[JobState::Running]);
    assert!(press(&mut app, "x enter").is_empty() && app.dialog.is_none());
    assert!(matches!(&press(&mut app, "x y")[..], [Effect::Control(JobAction::Cancel, _)]));
}

#[test]
fn the_cursor_stays_on_its_job() {
    let mut app = with_jobs(&[JobState::Running, JobState::Queued]);
    press(&mut app, "j");
    let mut jobs = app.board.jobs.clone();
    jobs.reverse();
    update(&mut app, Msg::Board(Arc::new(Board { jobs, ..Board::default() })));
    assert_eq!(app.jobs.cursor, 0);
    update(&mut app, Msg::Board(Arc::default()));
    assert_eq!(app.jobs.cursor, 0);
}

#[test]
fn deleting_needs_its_own_letter() {
    let mut stage = Stage::started((80, 24)).keys("4 space space D");
    let Some(Question::Delete(Deletion { plan, .. })) = question(&stage.app).cloned() else { panic!("a question") };
    assert_eq!(plan.repos.len(), 2);
    assert!(press(&mut stage.app, "enter").is_empty() && stage.app.dialog.is_none());
    let mut stage = stage.keys("D");
    assert_eq!(press(&mut stage.app, "y"), [Effect::Delete(plan, Disposal::Forever)]);
}

/// The stage at the cache, its replies to what follows not taken in.
fn cache() -> Stage {
    Stage::started((80, 24)).keys("4")
}

#[test]
fn a_deletion_goes_to_the_trash_and_comes_back() {
    let mut stage = cache().keys("space D");
    let Some(Question::Delete(Deletion { plan, .. })) = question(&stage.app).cloned() else { panic!("a question") };
    assert_eq!(press(&mut stage.app, "t"), [Effect::Delete(plan, Disposal::Trash)]);
    assert!(press(&mut stage.app, "D").is_empty() && stage.app.dialog.is_none(), "one deletion at a time");
    let mut stage = cache().keys("space D t");
    let told = &stage.app.message.as_ref().unwrap().text;
    assert!(told.starts_with("moved 1 repository to the trash") && told.ends_with("u brings it back"), "{told}");
    assert!(stage.app.cache.marks.is_empty() && stage.app.cache.working.is_none());
    let newest = fake_desk::listing().trash[0].id.clone();
    assert_eq!(press(&mut stage.app, "u"), [Effect::Restore(newest)]);
    let stage = cache().keys("G k l j j u");
    assert!(stage.app.message.as_ref().is_some_and(|message| message.text.contains("brought back")));
    let entry = fake_desk::listing().trash[1].id.clone();
    assert_eq!(stage.desk.asked.lock().unwrap().last(), Some(&format!("restore {entry}")));
    let mut stage = cache().keys("G k l j j");
    assert!(press(&mut stage.app, "D enter").is_empty() && stage.app.dialog.is_none());
    assert_eq!(press(&mut stage.app, "D y"), [Effect::EmptyTrash(vec![entry])]);
    let stage = cache().keys("E y");
    assert!(stage.app.message.as_ref().is_some_and(|message| message.text.contains("freed 27.5 GiB")), "{:?}", stage.app.message);
}

#[test]
fn a_plan_that_does_not_hold_any_more_is_told_and_the_disk_read_again() {
    let mut stage = cache().keys("space");
    let fault = Fault::new(FaultKind::Conflict, "model/gpt2 has 2 files more than when this was planned");
    assert!(matches!(&update(&mut stage.app, Msg::Deleted(Vec::new(), Err(fault)))[..], [Effect::LoadCache(_)]));
    assert!(stage.app.message.as_ref().is_some_and(|message| message.text.contains("2 files more")));
    assert_eq!(stage.app.cache.marks.len(), 1, "what was marked stays marked");
}

#[test]
fn what_cannot_be_deleted_says_why() {
    let stage = cache().keys("i");
    assert_eq!(stage.app.cache.marks.len(), 1, "the partial of a job that is not done is left alone");
    let mut stage = cache().keys("j j l G k k k k k k space");
    assert!(stage.text((80, 24)).contains("cancel the job first"), "{}", stage.text((80, 24)));
    let stage = stage.keys("D");
    assert!(stage.app.dialog.is_none() && stage.app.message.as_ref().is_some_and(|message| message.text.contains("belongs to a job")));
    let stage = cache().keys("G l j D");
    assert!(stage.app.message.as_ref().is_some_and(|message| message.text.contains("Ollama keeps this")), "{:?}", stage.app.message);
}

#[test]
fn findings_are_shown_mended_and_looked_for_again() {
    let mut stage = cache().keys("!");
    let Some(Question::Findings(findings)) = question(&stage.app).cloned() else { panic!("findings") };
    assert_eq!((findings.list().len(), findings.mendable()), (3, 2));
    let effects = press(&mut stage.app, "m y");
    assert!(matches!(&effects[..], [Effect::Mend(1, findings)] if findings.len() == 2));
    assert!(press(&mut stage.app, "m y").is_empty(), "once at a time");
    let effects = update(&mut stage.app, Msg::Mended(1, Ok(MendReport { mended: Vec::new(), failures: vec!["no".to_owned()] })));
    assert!(matches!(&effects[..], [Effect::Diagnose(_), Effect::LoadCache(_)]), "{effects:?}");
    let mut stage = cache().keys("! m y");
    assert!(stage.text((120, 40)).contains("2 findings mended"), "{}", stage.text((120, 40)));
    assert!(stage.keys("esc").app.dialog.is_none());
}

#[test]
fn the_dialog_of_a_deletion_comes_with_its_plan_or_not_at_all() {
    let mut stage = cache();
    let effects = press(&mut stage.app, "D");
    let [Effect::PlanDeletion(seq, targets)] = &effects[..] else { panic!("{effects:?}") };
    assert!(press(&mut stage.app, "esc").is_empty(), "it is not wanted any more");
    update(&mut stage.app, Msg::DeletionPlanned(*seq, Ok(fake_desk::deletion(targets.clone()))));
    assert!(stage.app.dialog.is_none() && stage.app.focus == Pane::Cache);
    assert!(press(&mut stage.app, "D").is_empty() && question(&stage.app).is_some(), "it is known already");
}

#[test]
fn a_speed_limit_is_typed_and_checked() {
    let mut app = with_jobs(&[JobState::Running, JobState::Completed]);
    assert_eq!(press(&mut app, "s j 5 0 0 K enter"), []);
    assert!(matches!(question(&app), Some(Question::Limit(limit)) if limit.mistake.is_some()), "j is typed like any letter");
    let limited = |id: usize| Target::Jobs(vec![JobId(format!("{id:012}"))]);
    assert_eq!(press(&mut app, "backspace backspace backspace backspace backspace 2 M enter"), [Effect::Limit(limited(0), Some(2 << 20))]);
    assert!(app.dialog.is_none());
    assert_eq!(press(&mut app, "S n o n e enter"), [Effect::Limit(Target::All, None)]);
    assert_eq!(press(&mut app, "s 2 M esc"), []);
    assert!(app.dialog.is_none());
    assert_eq!(press(&mut app, "j s"), []);
    assert!(app.dialog.is_none() && app.message.as_ref().is_some_and(|message| message.text.contains("completed")));
}

#[test]
fn a_job_goes_to_either_end_of_the_queue() {
    let mut app = with_jobs(&[JobState::Running, JobState::Queued]);
    let second = |action| Effect::Control(action, Target::Jobs(vec![JobId(format!("{:012}", 1))]));
    assert_eq!(press(&mut app, "j < >"), [second(JobAction::First), second(JobAction::Last)]);
}

#[test]
fn quitting_asks_while_jobs_are_live() {
    let mut app = with_jobs(&[JobState::Running]);
    assert!(press(&mut app, "q").is_empty());
    assert_eq!(question(&app), Some(&Question::Quit));
    assert!(press(&mut app, "enter").is_empty() && app.dialog.is_none(), "Enter is the safe choice");
    assert_eq!(press(&mut app, "q q"), [Effect::Quit]);
    assert!(app.closing && press(&mut app, "j q").is_empty());
    let mut app = with_jobs(&[JobState::Completed]);
    assert_eq!(press(&mut app, "q"), [Effect::Quit]);
}

#[test]
fn an_attached_app_quits_at_once_and_pauses_nothing() {
    for key in ["q", "ctrl-c"] {
        let mut app = with_jobs(&[JobState::Running]);
        app.about.attached = true;
        assert_eq!(press(&mut app, key), [Effect::Quit]);
        assert!(app.dialog.is_none() && app.closing);
    }
}

#[test]
fn an_engine_that_ends_is_missed_unless_the_app_ended_it() {
    let mut app = with_jobs(&[JobState::Running]);
    update(&mut app, Msg::EngineEnded);
    press(&mut app, "j");
    assert!(app.message.as_ref().is_some_and(|message| message.level == NoticeLevel::Error && message.text.contains("has ended")));
    let mut app = with_jobs(&[]);
    press(&mut app, "q");
    update(&mut app, Msg::EngineEnded);
    assert!(app.message.is_none());
}

#[test]
fn control_c_asks_and_then_ends() {
    let mut app = searched();
    press(&mut app, "/");
    assert!(update(&mut app, Msg::Key(ctrl('c'))).is_empty());
    assert_eq!(question(&app), Some(&Question::Quit));
    assert_eq!(update(&mut app, Msg::Key(ctrl('c'))), [Effect::Abandon]);
}

#[test]
fn a_failure_stays_until_it_is_dismissed() {
    let mut app = opened();
    update(&mut app, Msg::Enqueued(Err(network_down())));
    let news = Notice { at: now(), level: NoticeLevel::Info, text: "done".to_owned(), job: None, fault: None };
    update(&mut app, Msg::Notice(news.clone()));
    press(&mut app, "j");
    assert_eq!(app.message.as_ref().map(|message| message.level), Some(NoticeLevel::Error));
    press(&mut app, "esc");
    assert!(app.message.is_none() && app.focus == Pane::Repository, "that was all Esc did");
    update(&mut app, Msg::Notice(news));
    press(&mut app, "j");
    assert!(app.message.is_none(), "news goes with the next key");
}

#[test]
fn esc_goes_back_step_by_step() {
    let mut app = opened();
    press(&mut app, "space esc");
    assert!(app.repository.marks.is_empty() && app.focus == Pane::Repository);
    press(&mut app, "esc");
    assert_eq!(app.focus, Pane::Search);
    press(&mut app, "/ x enter");
    assert!(matches!(&press(&mut app, "esc")[..], [Effect::Search(_, query, None)] if query.text.is_empty()));
}

#[test]
fn panes_are_reached_by_number_and_in_turn() {
    let mut app = searched();
    assert_eq!(press(&mut app, "s-tab"), [Effect::LoadCache(1)]);
    assert_eq!(app.focus, Pane::Cache);
    press(&mut app, "tab tab");
    assert_eq!(app.focus, Pane::Repository);
    press(&mut app, "3 ctrl-d g g");
    assert_eq!(app.focus, Pane::Jobs);
}
