//! What each action does to the state.

use super::actions::{self, Action};
use super::dialog::{self, Question};
use super::jobs;
use super::msg::{Effect, Effects};
use super::{App, LimitQuestion, Message, Pane, Step, cache};
use crate::desk::{Job, JobAction, RepoRef, RepoSpec, Revision, Target};

/// Carries an action out in the focused pane.
pub(super) fn perform(app: &mut App, action: Action) -> Effects {
    match action {
        Action::Help => ask(app, Question::Help),
        Action::Quit | Action::Interrupt if app.about.attached => dialog::quit(app), // the work goes on in the other process
        Action::Quit if app.board.live() == 0 => dialog::quit(app),
        Action::Quit | Action::Interrupt => ask(app, Question::Quit),
        Action::Prompt => {
            app.focus = Pane::Search;
            app.search.editing = true;
            Effects::new()
        }
        Action::Back => back(app),
        Action::NextPane => focus(app, app.focus.turned(1)),
        Action::PreviousPane => focus(app, app.focus.turned(Pane::ALL.len() - 1)),
        Action::Focus(pane) => focus(app, pane),
        Action::Redraw => vec![Effect::Redraw],
        Action::Move(step) => step_list(app, step),
        Action::Open => open(app),
        Action::Refresh => refresh(app),
        Action::NextKind => app.search.next_kind(),
        Action::NextSort => next_sort(app),
        Action::Mark | Action::MarkAll if app.focus != Pane::Cache => mark(app, action),
        Action::Card => card(app),
        Action::Revision => revision(app),
        Action::Download => download(app),
        Action::LongerContext | Action::ShorterContext | Action::NextCacheType => judge(app, action),
        _ if app.focus == Pane::Cache && actions::is_of(action, Pane::Cache) => cache::perform(app, action),
        _ => on_jobs(app, action),
    }
}

fn ask(app: &mut App, question: Question) -> Effects {
    app.dialog = Some(question.into());
    Effects::new()
}

/// Focuses a pane. The cache is read anew each time, as downloads and other programs change it.
pub(super) fn focus(app: &mut App, pane: Pane) -> Effects {
    let entered = pane == Pane::Cache && app.focus != pane;
    app.focus = pane;
    if entered { app.cache.refresh() } else { Effects::new() }
}

/// One step back: an unwanted plan, the card, the marks, the filter, then the pane the person came from, then the words of the search.
fn back(app: &mut App) -> Effects {
    match app.focus {
        Pane::Search => return app.search.clear().unwrap_or_default(),
        Pane::Repository if std::mem::take(&mut app.repository.planning) => {}
        Pane::Repository if app.repository.card.take().is_some() => {}
        Pane::Repository if !app.repository.marks.is_empty() => app.repository.marks.clear(),
        Pane::Cache => match app.cache.step_back(app.now) {
            Some(effects) => return effects,
            None => app.focus = Pane::Search,
        },
        Pane::Repository | Pane::Jobs => app.focus = Pane::Search,
    }
    Effects::new()
}

fn step_list(app: &mut App, step: Step) -> Effects {
    let page = app.page();
    match app.focus {
        Pane::Search => return app.search.step(step, page),
        Pane::Repository => app.repository.step(step, page),
        Pane::Jobs => app.jobs.step(step, page, &app.board),
        Pane::Cache => app.cache.step(step, page),
    }
    Effects::new()
}

fn open(app: &mut App) -> Effects {
    let repo = match app.focus {
        Pane::Search | Pane::Repository => app.search.current_repo(),
        Pane::Jobs => app.jobs.current(&app.board).map(|job| job.plan.repo.clone()),
        Pane::Cache => {
            let key = app.cache.current().and_then(cache::Subject::repo).map(|repo| &repo.key);
            key.map(|key| RepoRef { kind: key.kind, id: key.id.clone(), revision: Revision::default() })
        }
    };
    repo.map_or_else(Effects::new, |repo| open_repo(app, repo))
}

/// Shows a repository. One that is open already keeps its marks.
pub(super) fn open_repo(app: &mut App, repo: RepoRef) -> Effects {
    app.focus = Pane::Repository;
    if app.repository.repo.as_ref() == Some(&repo) && app.repository.fault.is_none() {
        return Effects::new();
    }
    app.message = None; // what went wrong with another one is of no more use
    let effects = app.repository.open(repo);
    [effects, app.cache.load()].concat()
}

/// Shows what a pasted link names, with what it points at marked.
pub(super) fn open_spec(app: &mut App, spec: RepoSpec) -> Effects {
    app.focus = Pane::Repository;
    app.message = None;
    let effects = app.repository.open_spec(spec, app.search.kind);
    [effects, app.cache.load()].concat()
}

fn refresh(app: &mut App) -> Effects {
    match app.focus {
        Pane::Search => app.search.submit(),
        Pane::Repository => app.repository.refresh(),
        Pane::Jobs => Effects::new(),
        Pane::Cache => app.cache.refresh(),
    }
}

fn next_sort(app: &mut App) -> Effects {
    if app.focus == Pane::Cache {
        app.cache.next_sort(app.now);
        return Effects::new();
    }
    app.search.next_sort()
}

fn mark(app: &mut App, action: Action) -> Effects {
    match action {
        Action::Mark => app.repository.mark(),
        _ => app.repository.mark_all(),
    }
    Effects::new()
}

/// Judges what fits by something else, where that makes a difference.
fn judge(app: &mut App, action: Action) -> Effects {
    let repository = &mut app.repository;
    let judged = match action {
        _ if !repository.keeps_context() => Err("nothing here keeps a context".to_owned()),
        Action::NextCacheType => Ok(repository.next_cache_type()),
        _ => repository.change_context(action == Action::LongerContext),
    };
    judged.unwrap_or_else(|why| {
        app.tell(Message::warning(why));
        Effects::new()
    })
}

fn card(app: &mut App) -> Effects {
    if app.repository.repo.is_none() {
        app.tell(Message::warning("open a repository first: there is no card yet"));
    }
    app.repository.toggle_card()
}

fn revision(app: &mut App) -> Effects {
    let Some(chooser) = app.repository.choose_revision() else {
        app.tell(Message::warning("open a repository first: there is no revision yet"));
        return Effects::new();
    };
    let asked = chooser.asked();
    ask(app, Question::Revisions(chooser));
    vec![asked]
}

fn download(app: &mut App) -> Effects {
    let effects = app.repository.plan();
    if effects.is_empty() {
        app.tell(Message::warning("open a repository first: there is nothing to download yet"));
    }
    effects
}

fn on_jobs(app: &mut App, action: Action) -> Effects {
    match action {
        Action::PauseAll if app.board.jobs.is_empty() => Effects::new(),
        Action::PauseAll => vec![Effect::Control(jobs::pause_or_resume_all(&app.board), Target::All)],
        Action::ClearFinished => match jobs::finished(&app.board) {
            Target::Jobs(ids) if ids.is_empty() => Effects::new(),
            target => vec![Effect::Control(JobAction::Dismiss, target)],
        },
        Action::LimitAll => {
            let now = app.board.limit.bytes_per_second;
            ask(app, Question::Limit(LimitQuestion::new(Target::All, "all jobs together".to_owned(), now)))
        }
        _ => match app.jobs.current(&app.board.clone()) {
            Some(job) => on_job(app, action, job),
            None => Effects::new(),
        },
    }
}

/// Asks how fast a job may be, unless it is over.
fn limit_job(app: &mut App, job: &Job) -> Effects {
    if job.state.is_over() {
        app.tell(Message::warning(format!("this job is {}: there is nothing to limit", job.state.name())));
        return Effects::new();
    }
    let title = format!("{} of {}", job.plan.title, job.plan.repo.id);
    ask(app, Question::Limit(LimitQuestion::new(Target::Jobs(vec![job.id.clone()]), title, job.limit)))
}

fn on_job(app: &mut App, action: Action, job: &Job) -> Effects {
    let wanted = match action {
        Action::Pause => jobs::pause_or_resume(job),
        Action::Cancel => JobAction::Cancel,
        Action::Retry => JobAction::Retry,
        Action::Earlier => JobAction::Up,
        Action::Later => JobAction::Down,
        Action::First => JobAction::First,
        Action::Last => JobAction::Last,
        Action::Limit => return limit_job(app, job),
        Action::Dismiss => JobAction::Dismiss,
        _ => return Effects::new(),
    };
    if !job.state.allows(wanted) {
        app.tell(Message::warning(format!("this job is {}: there is nothing to {}", job.state.name(), wanted.name())));
        return Effects::new();
    }
    app.jobs.select(job.id.clone(), &app.board);
    if wanted == JobAction::Cancel {
        return ask(app, Question::Cancel(job.id.clone(), format!("{} of {}", job.plan.title, job.plan.repo.id)));
    }
    vec![Effect::Control(wanted, Target::Jobs(vec![job.id.clone()]))]
}
