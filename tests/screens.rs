//! The terminal app: what it shows, what its keys do, and its loop, against a desk with canned answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "support/fake_desk.rs"]
mod fake_desk;
#[path = "screens/keys.rs"]
mod keys;
#[path = "screens/serve.rs"]
mod serve;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/svg.rs"]
mod svg;

use std::path::Path;
use std::sync::Arc;

use hfdesk_tui::desk::{
    Access, Analysis, Board, Card, DeletionTarget, Fault, FaultKind, Job, JobState, Machine, OpenFile, Phase, Progress, RepoKind,
    Revisions, SpeedLimit,
};
use hfdesk_tui::tui::app::{Deletion, Dialog, Effect, Msg, Pane, Question, actions, ch, update};
use hfdesk_tui::tui::ui::{Depth, Glyphs, Theme};
use ratatui::style::Modifier;

use fake_desk::{GIB, about, repo};
use stage::Stage;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Every pane and dialog, each in a state worth looking at.
fn scenes() -> Vec<(&'static str, Stage)> {
    let stage = || Stage::started((80, 24));
    vec![
        ("first_frame", Stage::new((80, 24))),
        ("search", stage().keys("j j j")),
        ("search_prompt", stage().keys("/ q w e n")),
        ("search_failing", failing()),
        ("repository", stage().keys("enter")),
        ("repository_marked", stage().keys("enter g g j j space space")),
        ("repository_small_card", small_card(stage()).keys("enter")),
        ("card", stage().keys("enter c")),
        ("card_end", at_the_end()),
        ("card_missing", card(Ok(None))),
        ("card_failing", card(Err(network_down()))),
        ("repository_barred", gated(Some("Qwen/Qwen3-8B-GGUF is gated, and the request for access waits for its owner's review"))),
        ("repository_granted", gated(None)),
        ("revisions", stage().keys("enter v j j j")),
        ("revisions_loading", listing_revisions()),
        ("revisions_failing", revisions(Err(network_down()))),
        ("revisions_many", revisions(Ok(many_revisions())).keys("G k")),
        ("repository_closed", stage().keys("2")),
        ("jobs", stage().keys("3")),
        ("jobs_failed", stage().keys("3 j j j")),
        ("jobs_held_up", held_up()),
        ("ask_limit", held_up().keys("s 2 M")),
        ("ask_limit_mistake", held_up().keys("S f a s t enter")),
        ("jobs_empty", empty_queue().keys("3")),
        ("cache", stage().keys("4 space space")),
        ("cache_open", open_cache()),
        ("cache_revisions", stage().keys("4 l j l j l j j j l j space j space")),
        ("cache_rest", stage().keys("4 G l j l G k k k l j l")),
        ("cache_filter", stage().keys("4 f q w e n")),
        ("cache_easy", stage().keys("4 d b")),
        ("cache_refused", stage().keys("4 j j l G k k k k k k space")),
        ("cache_reading", reading_cache()),
        ("cache_unused", stage().keys("4 n 9")),
        ("cache_findings", stage().keys("4 ! j")),
        ("cache_mend", stage().keys("4 ! m")),
        ("cache_empty_trash", trash_of_many()),
        ("cache_hidden_marks", hidden_marks()),
        ("cache_moved", moved()),
        ("help", stage().keys("?")),
        ("which_key", stage().keys("g")),
        ("confirm_download", stage().keys("enter g g j j j space j j j space d")),
        ("confirm_download_disk_full", disk_full()),
        ("confirm_delete", stage().keys("4 space D")),
        ("confirm_delete_parts", dangerous()),
        ("confirm_delete_variants", stage().keys("4 j j l j j space space G k k space D")),
        ("confirm_delete_hidden", hidden_marks().keys("D")),
        ("confirm_delete_moved", moved().keys("D")),
        ("confirm_cancel", stage().keys("3 x")),
        ("quit", stage().keys("q")),
        ("quit_idle", empty_queue().keys("ctrl-c")),
        ("error", with_error()),
    ]
}

fn network_down() -> Fault {
    Fault::new(FaultKind::Network, "https://huggingface.co cannot be reached: the name does not resolve")
        .hint("check the network or a proxy, or name another Hub with HF_ENDPOINT")
}

/// A gated repository, opened to this token or not.
fn gated(shut: Option<&str>) -> Stage {
    let mut stage = Stage::started((80, 24)).keys("enter");
    let mut analysis = fake_desk::analysis(repo("Qwen/Qwen3-8B-GGUF"));
    let hint = "wait for the answer; it will show at https://huggingface.co/Qwen/Qwen3-8B-GGUF";
    analysis.barrier = shut.map(|message| Fault::new(FaultKind::Gated, message).hint(hint));
    analysis.access = if shut.is_some() { Access::GatedManual } else { Access::Granted };
    stage.app.repository.analysis = Some(Arc::new(analysis));
    stage
}

fn failing() -> Stage {
    let mut stage = Stage::new((80, 24));
    stage.app.about.offline = true;
    stage.app.about.has_token = false;
    stage.desk.search_fault = Some(network_down());
    stage.send(Msg::Started);
    stage
}

/// A card that was drawn and then scrolled to its end.
fn at_the_end() -> Stage {
    let mut stage = Stage::started((80, 24)).keys("enter c");
    stage.text((80, 24));
    stage.keys("G")
}

fn card(reply: Result<Option<Card>, Fault>) -> Stage {
    let mut stage = Stage::started((80, 24));
    stage.desk.card = reply;
    stage.keys("enter c")
}

fn revisions(reply: Result<Revisions, Fault>) -> Stage {
    let mut stage = Stage::started((80, 24));
    stage.desk.revisions = reply;
    stage.keys("enter v")
}

/// Revisions that have been asked for and have not come.
fn listing_revisions() -> Stage {
    let mut stage = Stage::started((80, 24)).keys("enter");
    update(&mut stage.app, Msg::Key(ch('v')));
    stage
}

/// More than fit on any screen, under names as long and titles as wide as they come.
fn many_revisions() -> Revisions {
    let (name, title) = ("模".repeat(80), "模型 e\u{301} ".repeat(20));
    let named = |space: &str| (0..300).map(|number| fake_desk::named(&format!("{space}/{name}/{number}"), number)).collect();
    let commits = (0..50).map(|number| fake_desk::commit(number, &title, 9)).collect();
    Revisions { branches: named("branch"), tags: named("tag"), commits }
}

fn empty_queue() -> Stage {
    let mut stage = Stage::started((80, 24));
    stage.send(Msg::Board(Arc::new(Board::default())));
    stage
}

fn disk_full() -> Stage {
    let mut stage = Stage::started((80, 24)).keys("enter g g j j j");
    let plan = fake_desk::plan(repo("Qwen/Qwen3-8B-GGUF"), &["F32".to_owned()], 3 * GIB);
    stage.app.dialog = Some(Dialog::from(Question::Download(plan)));
    stage
}

/// Jobs that wait: for another download, for a server, for a byte, for room.
fn held_up() -> Stage {
    let mut board = fake_desk::board();
    let rest = board.jobs.split_off(2);
    let held = |(job, (phase, remark)): (&Job, (Phase, Option<&str>))| {
        let mut job = job.clone();
        job.state = JobState::Running;
        job.phase = phase;
        job.limit = Some(2 << 20);
        job.progress = Progress { bytes_per_second: 0, eta_seconds: None, ..job.progress };
        job.active = fake_desk::job("x", "gpt2", "Q4_K_M", JobState::Running, 437).active;
        job.active.iter_mut().for_each(|file| (file.phase, file.remark) = (phase, remark.map(str::to_owned)));
        job
    };
    let phases = [
        (Phase::Waiting, Some("waiting for another download of the same content")),
        (Phase::Retrying, Some("trying again: no byte of Qwen3-8B-Q6_K.gguf came for 30 seconds")),
        (Phase::Stalled, None),
    ];
    let mut jobs: Vec<Job> = board.jobs.iter().chain(&board.jobs[..1]).zip(phases).map(held).collect();
    let full = Fault::new(FaultKind::DiskFull, "BF16 needs 16 GiB of disk and 3 GiB are free, of which 1 GiB stay free");
    let hint = "free some space; the job goes on by itself when there is room";
    jobs.push(Job { state: JobState::Queued, fault: Some(full.hint(hint)), ..rest[0].clone() });
    let mut stage = Stage::new((80, 24));
    let limit = SpeedLimit { bytes_per_second: Some(8 << 20), until: "2026-03-01T22:00:00Z".parse().ok() };
    stage.send(Msg::Board(Arc::new(Board { jobs, limit, bytes_per_second: 0, ..board })));
    stage.keys("3 j")
}

/// A cache with an open repository of which two quantizations are marked, the cursor on the projector that they share.
fn open_cache() -> Stage {
    Stage::started((80, 24)).keys("4 j j l j l j j space space l j")
}

/// A cache that is being read, of which the first repositories have come.
fn reading_cache() -> Stage {
    let mut stage = Stage::started((80, 24));
    update(&mut stage.app, Msg::Key(ch('4')));
    let repos = fake_desk::listing().repos.into_iter().skip(2).take(2).collect();
    update(&mut stage.app, Msg::CacheFound(1, repos));
    stage
}

/// A deletion of parts that takes more along than it names, of a file that a program has open.
fn dangerous() -> Stage {
    let mut stage = Stage::started((80, 24)).keys("4");
    let repo = fake_desk::key(RepoKind::Model, "bartowski/Llama-3.3-70B-Instruct-GGUF");
    let commits = fake_desk::listing().repos[0].revisions.iter().map(|revision| revision.commit.clone()).collect::<Vec<_>>();
    let targets = commits.into_iter().map(|commit| DeletionTarget::Revision { repo: repo.clone(), commit }).collect();
    let mut plan = fake_desk::deletion(targets);
    plan.open_files = vec![OpenFile { path: plan.paths[0].clone(), program: "llama-server".to_owned(), pid: 4711 }];
    plan.repos = vec![repo];
    let deletion = Deletion::new(&stage.app.cache, plan, stage.app.now);
    stage.app.dialog = Some(Dialog::from(Question::Delete(deletion)));
    stage
}

/// Everything is marked, and a filter shows one repository of it.
fn hidden_marks() -> Stage {
    Stage::started((80, 24)).keys("4 a f q w e n enter")
}

/// A repository that was moved to another disk, marked.
fn moved() -> Stage {
    let mut stage = Stage::started((80, 24)).keys("4");
    let mut listing = fake_desk::listing();
    let repo = Arc::make_mut(&mut listing.repos[0]);
    repo.lies_in = Some("/mnt/large/models--bartowski--Llama-3.3-70B-Instruct-GGUF".into());
    let key = repo.key.clone();
    stage.send(Msg::Key(ch('r')));
    stage.app.cache.tree.listing.repos[0] = listing.repos[0].clone();
    let mut plan = fake_desk::deletion(vec![DeletionTarget::Repo(key)]);
    plan.elsewhere = plan.frees;
    let seq = update(&mut stage.app, Msg::Key(ch(' '))).iter().find_map(|effect| match effect {
        Effect::PlanDeletion(seq, _) => Some(*seq),
        _ => None,
    });
    stage.send(Msg::DeletionPlanned(seq.unwrap(), Ok(plan)));
    stage.keys("k")
}

/// A trash in which one deletion was of several things.
fn trash_of_many() -> Stage {
    let mut stage = Stage::started((80, 24)).keys("4");
    let key = fake_desk::key(RepoKind::Model, "Qwen/Qwen3-8B-GGUF");
    let files = ["Qwen3-8B-Q4_0.gguf", "Qwen3-8B-Q5_K_M.gguf"].map(str::to_owned).to_vec();
    let commit = fake_desk::listing().repos[1].revisions[0].commit.clone();
    stage.app.cache.tree.listing.trash[1].targets = vec![
        DeletionTarget::Repo(fake_desk::key(RepoKind::Dataset, "squad")),
        DeletionTarget::Files { repo: key.clone(), commit: Some(commit.clone()), files },
        DeletionTarget::Revision { repo: key, commit },
    ];
    stage.keys("E")
}

fn with_error() -> Stage {
    let mut stage = Stage::started((80, 24));
    stage.send(Msg::Enqueued(Err(network_down())));
    stage
}

#[test]
fn every_screen_looks_as_agreed() {
    for (name, mut stage) in scenes() {
        let screens: Vec<String> = SIZES.iter().map(|size| format!("{}x{}\n{}", size.0, size.1, stage.text(*size))).collect();
        insta::assert_snapshot!(name, screens.join("\n"));
    }
}

#[test]
fn questions_of_the_cache_look_as_agreed_on_small_screens() {
    let names = ["confirm_delete_parts", "confirm_delete_variants", "confirm_delete_hidden", "cache_empty_trash", "cache_mend"];
    let rest = ["cache_findings", "cache_unused", "help"];
    for (name, mut stage) in scenes().into_iter().filter(|(name, _)| names.contains(name) || rest.contains(name)) {
        let screens = [(60, 15), (40, 10), (30, 8), (20, 5), (12, 2)].map(|size| format!("{}x{}\n{}", size.0, size.1, stage.text(size)));
        insta::assert_snapshot!(format!("small_{name}"), screens.join("\n"));
    }
}

#[test]
fn what_a_question_decides_by_shows_at_every_size() {
    let questions = [("confirm_delete", "78"), ("confirm_delete_parts", "10"), ("cache_empty_trash", "27.5"), ("cache_mend", "2")];
    for (name, mut stage) in scenes() {
        let Some((_, figure)) = questions.iter().find(|(question, _)| *question == name) else { continue };
        for width in (12..=60).chain([79, 120]) {
            for height in (2..=16).chain([24]) {
                let text = stage.text((width, height));
                assert!(text.contains(figure) && text.contains("Esc"), "{name} at {width}x{height}\n{text}");
            }
        }
    }
}

#[test]
fn the_jobs_that_use_a_file_are_told() {
    let mut stage = open_cache();
    assert!(!stage.text((120, 40)).contains("job "), "nothing wants the projector");
    let content = fake_desk::contents(&fake_desk::key(RepoKind::Model, "Qwen/Qwen3-8B-GGUF")).blobs[3].digest.clone().unwrap();
    let mut job = fake_desk::job("x", "google/gemma-3-27b-it", "Q2_K", JobState::Queued, 0);
    Arc::make_mut(&mut job.plan).files[0].digest = content;
    stage.send(Msg::Board(Arc::new(Board { jobs: vec![job], ..fake_desk::board() })));
    let text = stage.text((200, 60));
    assert!(text.contains("job         Q2_K of google/gemma-3-27b-it is queued"), "{text}");
    let text = stage.keys("h h h").text((200, 60));
    assert!(!text.contains("Q2_K of google"), "it does not use the whole repository:\n{text}");
}

#[test]
fn every_screen_draws_at_every_size() {
    let theme = Theme::builtin(Depth::True, Glyphs::UNICODE).unwrap();
    let sweep = |mut stage: Stage| {
        for width in (1..=60).chain([79, 119, 120, 300]) {
            for height in 1..=30 {
                stage.screen_in((width, height), &theme);
            }
        }
        stage.screen_in((500, 200), &theme);
    };
    std::thread::scope(|scope| scenes().into_iter().for_each(|(_, stage)| _ = scope.spawn(|| sweep(stage))));
}

#[test]
fn the_running_job_shows_on_every_pane() {
    for keys in ["1", "2", "3", "4"] {
        for size in [(40, 12), (80, 24), (120, 40)] {
            let text = Stage::started(size).keys(keys).text(size);
            assert!(text.contains("43 %"), "pane {keys} at {size:?}:\n{text}");
        }
    }
}

#[test]
fn every_path_of_a_deletion_can_be_read() {
    let mut stage = Stage::started((80, 16)).keys("4 a D");
    assert!(stage.text((80, 16)).contains("more below"));
    let mut seen = String::new();
    for _ in 0..24 {
        seen.push_str(&stage.text((80, 16)));
        stage = stage.keys("j");
    }
    let listing = fake_desk::listing();
    for repo in listing.repos.iter().filter(|repo| !listing.pins.contains(&repo.key)) {
        assert!(seen.contains(repo.path.file_name().unwrap().to_str().unwrap()), "{}", repo.path.display());
    }
}

#[test]
fn every_key_can_be_read_in_the_help() {
    for size in [(80, 24), (80, 12)] {
        let mut stage = Stage::started(size).keys("2 ?");
        let mut seen = String::new();
        for _ in 0..40 {
            seen.push_str(&stage.text(size));
            stage = stage.keys("j");
        }
        let entries = actions::contexts(Pane::Repository).into_iter().flat_map(actions::entries);
        entries.for_each(|entry| assert!(seen.contains(entry.doc), "“{}” at {size:?}", entry.doc));
    }
}

/// The stage on a machine where little fits.
fn small_card(mut stage: Stage) -> Stage {
    stage.app.repository.scenario.machine = Some(Machine::simulated(&[8 << 30], Some(24 << 30)));
    stage
}

#[test]
fn without_colours_the_cursor_is_reversed() {
    for (name, keys, at) in
        [("search", "j", "unsloth"), ("repository", "enter g g j", "Q3_K_M"), ("cache", "4 j", "google"), ("jobs", "3 j", "queued")]
    {
        let buffer = Stage::started((80, 24)).keys(keys).screen((80, 24), Depth::Mono);
        let row = |y: u16| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        let y = (0..24).find(|y| row(*y).contains(at)).unwrap_or_else(|| panic!("{name} shows {at}"));
        let reversed = |y: u16| buffer[(10, y)].modifier.contains(Modifier::REVERSED);
        assert!(reversed(y) && !reversed(y - 1), "{name}");
    }
}

#[test]
fn hostile_text_stays_in_its_place() {
    let mut stage = Stage::started((80, 24)).keys("enter");
    let long = "模型".repeat(200);
    stage.send(Msg::Analyzed(1, Ok(Arc::new(hostile(&long)))));
    let text = stage.text((80, 24));
    assert!(text.contains('模') && text.lines().all(|line| line.starts_with('│') == line.ends_with('│')), "{text}");
}

#[test]
fn a_card_cannot_draw_outside_its_place() {
    let mut stage = card(Ok(Some(Card::read(&"模\u{1b}[2J型\u{202e} | ".repeat(300)))));
    let text = stage.text((80, 24));
    assert!(text.contains('模') && text.lines().all(|line| line.starts_with('│') == line.ends_with('│')), "{text}");
}

#[test]
fn every_revision_can_be_read_and_none_draws_outside_its_place() {
    let mut stage = revisions(Ok(many_revisions()));
    for _ in 0..8 {
        let text = stage.text((80, 24));
        assert!(text.lines().all(|line| line.starts_with('│') == line.ends_with('│')), "{text}");
        stage = stage.keys("pgdn");
    }
    let mut stage = revisions(Ok(fake_desk::revisions()));
    let mut seen = String::new();
    for _ in 0..fake_desk::revisions().len() {
        seen.push_str(&stage.text((80, 10)));
        stage = stage.keys("j");
    }
    for text in ["branches", "feature/longer", "tags", "v1.0", "commits", "importance", "initial commit", "7/7"] {
        assert!(seen.contains(text), "{text}:\n{seen}");
    }
}

#[test]
fn every_line_of_a_card_can_be_read() {
    let mut stage = Stage::started((80, 24)).keys("enter c");
    let mut seen = stage.text((80, 24));
    for _ in 0..10 {
        stage = stage.keys("pgdn");
        seen.push_str(&stage.text((80, 24)));
    }
    for text in ["Qwen3 logo", "groundbreaking", "coding", "87.5", "--jinja", "QwenLM/Qwen3/issues"] {
        assert!(seen.contains(text), "{text}:\n{seen}");
    }
    let end = stage.text((80, 24));
    assert_ne!(stage.keys("k").text((80, 24)), end, "the end is where scrolling stops");
}

fn hostile(long: &str) -> Analysis {
    let mut analysis = fake_desk::analysis(repo("Qwen/Qwen3-8B-GGUF"));
    analysis.license = Some(long.to_owned());
    long.clone_into(&mut analysis.variants[0].label);
    long.clone_into(&mut analysis.variants[1].category);
    analysis
}

/// The pictures of the README, drawn by the same views. `UPDATE_SCREENSHOTS=1` writes them anew.
#[test]
fn screenshots_are_up_to_date() {
    let stage = || Stage::started((110, 32));
    let pictures = vec![
        ("overview", (140, 40), stage().keys("enter g g j j j space j j j space")),
        ("search", (110, 32), stage().keys("j")),
        ("repository", (110, 32), small_card(stage()).keys("enter")),
        ("repository-80x24", (80, 24), small_card(stage()).keys("enter")),
        ("repository-120x40", (120, 40), small_card(stage()).keys("enter")),
        ("repository-200x60", (200, 60), small_card(stage()).keys("enter")),
        ("confirm", (110, 32), stage().keys("enter g g j j j space j j j space d")),
        ("jobs", (110, 32), stage().keys("3 j j j")),
        ("cache", (110, 32), stage().keys("4 space j j space D")),
        ("cache-80x24", (80, 24), open_cache()),
        ("cache-120x40", (120, 40), open_cache()),
        ("cache-200x60", (200, 60), open_cache()),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    for (name, size, mut stage) in pictures {
        let picture = svg::picture(&stage.screen(size, Depth::True));
        let path = folder.join(format!("{name}.svg"));
        if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
            std::fs::write(&path, &picture).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == picture, "{} is stale: run the tests with UPDATE_SCREENSHOTS=1", path.display());
    }
}

#[test]
fn an_attached_app_says_so() {
    let mut stage = Stage::started((80, 24));
    assert!(!stage.text((80, 24)).contains("attached"));
    stage.app.about.attached = true;
    assert!(stage.text((80, 24)).contains("attached"));
}

#[test]
fn the_facts_of_the_desk_are_on_the_screen() {
    let text = Stage::started((80, 24)).text((80, 24));
    for fact in ["huggingface.co", "token", "212 GiB free", "84 MiB/s", "1 failed"] {
        assert!(text.contains(fact), "{fact}:\n{text}");
    }
    assert!(Stage::new((80, 24)).text((80, 24)).contains(&about().cache_dir.display().to_string()));
}
