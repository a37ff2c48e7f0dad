//! For tests: a desk that answers with samples, and streams that end in memory.

mod samples;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::future::ready;
use futures::stream::{self, BoxStream};

use crate::cli::output::{Answer, Channel, Output};
use crate::cli::{Command, Format, parse, run};
use crate::desk::*;

pub use samples::*;

/// An [`Output`] whose streams can be read.
pub struct Console {
    pub out: Output,
    stdout: Sink,
    stderr: Sink,
}

impl Console {
    /// Streams that are no terminal.
    pub fn new(format: Format) -> Self {
        Self::with(format, || None)
    }

    /// A terminal of 80 columns.
    pub fn terminal(format: Format) -> Self {
        Self::with(format, || Some(80))
    }

    fn with(format: Format, width: fn() -> Option<usize>) -> Self {
        let (stdout, stderr) = (Sink::default(), Sink::default());
        let channel = |sink: &Sink| Channel { sink: Box::new(sink.clone()), width, color: false };
        let out = Output {
            stdout: channel(&stdout),
            stderr: channel(&stderr),
            format,
            answer: None,
            reader_gone: false,
            line_open: false,
            committed: Arc::default(),
        };
        Self { out, stdout, stderr }
    }

    /// Somebody sits there and will answer this.
    pub fn answering(mut self, line: &'static str) -> Self {
        let answer: Answer = Box::new(move || Ok(line.to_owned()));
        self.out.answer = Some(answer);
        self
    }

    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Carries out a command line; the format is the console's.
    pub fn run(&mut self, desk: &Arc<FakeDesk>, line: &str) -> Result<(), Fault> {
        self.run_until(desk, line, futures::future::pending())
    }

    pub fn run_until(&mut self, desk: &Arc<FakeDesk>, line: &str, interrupted: impl Future<Output = ()>) -> Result<(), Fault> {
        let cli = parse(format!("hfdesk-tui {line}").split(' ')).unwrap_or_else(|error| panic!("{error}"));
        let Some(Command::Desk(command)) = cli.command else { panic!("{line} needs no desk") };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(desk.clone(), &command, &mut self.out, interrupted))
    }
}

/// What people, programs and pipes read of a command line, in one text.
pub fn three_ways(desk: &Arc<FakeDesk>, line: &str) -> String {
    let told = |format| {
        let mut console = Console::new(format);
        console.run(desk, line).unwrap();
        format!("## {format:?}\n{}## stderr\n{}", console.stdout(), console.stderr())
    };
    [Format::Human, Format::Json, Format::Quiet].map(told).join("\n")
}

/// A stream's end.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A desk that answers with samples and remembers what it was told to do.
pub struct FakeDesk {
    pub pages: Vec<SearchPage>,
    pub plan: Plan,
    pub boards: Vec<Board>,
    pub cache: CacheListing,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// What an unfinished job needs.
    pub needed: Vec<DeletionTarget>,
    /// What other programs have open.
    pub open_files: Vec<OpenFile>,
    /// What cannot be deleted, mended or set aside.
    pub deletion_failures: Vec<String>,
    /// What stands in the way of links.
    pub obstacles: Vec<String>,
    /// What a verification tells.
    pub steps: Vec<VerifyStep>,
    /// What asking for updates tells.
    pub updates: Vec<UpdateStep>,
    /// Whether the board goes on after the last of `boards`, without a change.
    pub stays_open: bool,
    /// Whether another process runs the queue.
    pub attached: bool,
    pub asked: Mutex<Vec<String>>,
    /// What was put into the queue.
    pub queued: Mutex<Vec<Plan>>,
}

impl FakeDesk {
    pub fn new() -> Self {
        Self {
            pages: vec![SearchPage { hits: vec![hit("Qwen/Qwen3-8B-GGUF"), hit("gpt2")], next: None }],
            plan: plan(),
            boards: vec![Board { jobs: jobs(), ..Board::default() }],
            cache: cache(),
            findings: findings(),
            needed: Vec::new(),
            open_files: Vec::new(),
            deletion_failures: Vec::new(),
            obstacles: Vec::new(),
            steps: Vec::new(),
            updates: updates(),
            stays_open: false,
            attached: false,
            asked: Mutex::new(Vec::new()),
            queued: Mutex::default(),
        }
    }

    /// One whose job runs through these states.
    pub fn downloading(states: Vec<Job>) -> Arc<Self> {
        let boards = states.into_iter().map(|job| Board { jobs: vec![job], ..Board::default() }).collect();
        Arc::new(Self { boards, ..Self::new() })
    }

    /// What was asked that changes something, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn note(&self, asked: String) {
        self.asked.lock().unwrap().push(asked);
    }
}

fn answer<T: Send + 'static>(value: T) -> Reply<T> {
    Box::pin(ready(Ok(value)))
}

/// The repositories that go whole.
fn whole(targets: &[DeletionTarget]) -> Vec<RepoKey> {
    let repo = |target: &DeletionTarget| matches!(target, DeletionTarget::Repo(_)).then(|| target.repo().cloned());
    targets.iter().filter_map(repo).flatten().collect()
}

/// The commits that go.
fn commits(targets: &[DeletionTarget]) -> Vec<(RepoKey, String)> {
    let commit = |target: &DeletionTarget| match target {
        DeletionTarget::Repo(repo) => Some((repo.clone(), COMMIT.to_owned())),
        DeletionTarget::Revision { repo, commit } => Some((repo.clone(), commit.clone())),
        _ => None,
    };
    targets.iter().filter_map(commit).collect()
}

/// Where a target is.
fn place(target: &DeletionTarget) -> Option<PathBuf> {
    let folder = PathBuf::from("/cache").join(target.repo()?.to_string());
    Some(match target {
        DeletionTarget::Revision { commit, .. } => folder.join("snapshots").join(commit),
        DeletionTarget::Files { files, .. } => folder.join("snapshots").join(COMMIT).join(&files[0]),
        DeletionTarget::Leftover { name, .. } => folder.join("blobs").join(name),
        _ => folder,
    })
}

impl Desk for FakeDesk {
    fn about(&self) -> About {
        About {
            endpoint: "https://hub.example".to_owned(),
            cache_dir: "/cache".into(),
            has_token: false,
            offline: false,
            attached: self.attached,
        }
    }

    fn search(&self, _: SearchQuery, page: Option<PageToken>) -> Reply<SearchPage> {
        let index = page.map_or(0, |page| page.0.parse().unwrap());
        answer(self.pages[index].clone())
    }

    fn analyze_in_steps(&self, repo: RepoRef) -> BoxStream<'static, AnalyzeStep> {
        stream::iter([AnalyzeStep::Listed(3), AnalyzeStep::done(analysis(repo))]).boxed()
    }

    fn assess(&self, _: RepoRef, scenario: Scenario) -> Reply<Assessment> {
        answer(assessment(&scenario))
    }

    fn card(&self, _: RepoRef) -> Reply<Option<Card>> {
        answer(None)
    }

    fn revisions(&self, _: RepoRef) -> Reply<Revisions> {
        answer(Revisions::default())
    }

    fn plan(&self, selection: Selection) -> Reply<Plan> {
        // As the Hub does: a commit is that commit, and any other name the newest.
        let commit = if selection.repo.revision.is_commit() { selection.repo.revision.to_string() } else { self.plan.commit.clone() };
        answer(Plan { repo: selection.repo, commit, ..self.plan.clone() })
    }

    fn enqueue(&self, plan: Plan) -> Reply<JobId> {
        self.note(format!("enqueue {}", plan.title));
        self.queued.lock().unwrap().push(plan);
        answer(JobId("3f2a00000001".to_owned()))
    }

    fn control(&self, action: JobAction, target: Target) -> Reply<Vec<JobId>> {
        self.note(format!("{} {target:?}", action.name()));
        answer(match target {
            Target::Jobs(ids) => ids,
            Target::All => self.boards[0].jobs.iter().filter(|job| job.state.allows(action)).map(|job| job.id.clone()).collect(),
        })
    }

    fn limit(&self, target: Target, bytes_per_second: Option<u64>) -> Reply<()> {
        self.note(format!("limit {target:?} {bytes_per_second:?}"));
        answer(())
    }

    fn cache_in_steps(&self) -> BoxStream<'static, CacheStep> {
        stream::iter([CacheStep::Done(Box::new(self.cache.clone()))]).boxed()
    }

    fn contents(&self, repo: RepoKey) -> Reply<CacheContents> {
        answer(contents(&repo))
    }

    fn plan_deletion(&self, targets: Vec<DeletionTarget>) -> Reply<DeletionPlan> {
        if let Some(needed) = targets.iter().find(|target| self.needed.contains(target)) {
            let fault = Fault::new(FaultKind::Conflict, "an unfinished job needs it").hint(needed.to_string());
            return Box::pin(ready(Err(fault)));
        }
        let (repos, revisions) = (whole(&targets), commits(&targets));
        let paths = targets.iter().filter_map(place).collect();
        let payload =
            |target: &DeletionTarget| matches!(target, DeletionTarget::Payload(_)).then(|| PathBuf::from("/cache/blobs/c6/payload"));
        let payloads = targets.iter().filter_map(payload).collect();
        let is_open = |file: &&OpenFile| targets.iter().filter_map(place).any(|path| file.path == path);
        let open_files = self.open_files.iter().filter(is_open).cloned().collect();
        let spoils_one = targets.iter().any(|target| matches!(target, DeletionTarget::Revision { .. }));
        let spoils = if spoils_one { vec![TrashId("t1".to_owned())] } else { Vec::new() };
        answer(DeletionPlan {
            root: "/cache".into(),
            targets,
            repos,
            revisions,
            paths,
            payloads,
            frees: 5 << 30,
            unused: 0,
            elsewhere: 0,
            keeps: 1 << 20,
            disk_free: Some(10 << 30),
            open_files,
            spoils,
        })
    }

    fn delete(&self, plan: DeletionPlan, disposal: Disposal) -> Reply<DeletionReport> {
        let targets: Vec<String> = plan.targets.iter().map(ToString::to_string).collect();
        self.note(format!("delete {disposal:?} {targets:?}"));
        let (freed, trashed) = match disposal {
            Disposal::Forever => (plan.frees, None),
            Disposal::Trash => (0, Some(trash().remove(0))),
        };
        answer(DeletionReport { removed: plan.repos, freed, trashed, failures: self.deletion_failures.clone() })
    }

    fn restore(&self, id: TrashId) -> Reply<RestoreReport> {
        self.note(format!("restore {id}"));
        let (mut restored, failures) = (trash().into_iter().find(|entry| entry.id == id).unwrap(), self.deletion_failures.clone());
        if failures.is_empty() {
            return answer(RestoreReport { restored, moved_on: Vec::new(), failures, kept: None });
        }
        let kept = Some(TrashEntry { targets: restored.targets.split_off(1), ..restored.clone() });
        answer(RestoreReport { restored, moved_on: vec!["refs/main points at another commit now".to_owned()], failures, kept })
    }

    fn empty_trash(&self, ids: Vec<TrashId>) -> Reply<u64> {
        self.note(format!("empty the trash {ids:?}"));
        answer(trash().iter().map(|entry| entry.frees).sum())
    }

    fn pin(&self, repo: RepoKey, pinned: bool) -> Reply<()> {
        self.note(format!("pin {repo} {pinned}"));
        answer(())
    }

    fn diagnose(&self) -> Reply<Vec<Finding>> {
        answer(self.findings.clone())
    }

    fn mend(&self, findings: Vec<Finding>) -> Reply<MendReport> {
        self.note(format!("mend {} findings", findings.len()));
        let mended = if self.deletion_failures.is_empty() { findings } else { Vec::new() };
        answer(MendReport { mended, failures: self.deletion_failures.clone() })
    }

    fn plan_links(&self, request: LinkRequest) -> Reply<LinkPlan> {
        answer(samples::links(request, self.obstacles.clone()))
    }

    fn link(&self, plan: LinkPlan) -> Reply<LinkReport> {
        self.note(format!("link {:?}", plan.request));
        answer(LinkReport {
            made: plan.count(LinkAction::Make),
            updated: plan.count(LinkAction::Update),
            kept: plan.count(LinkAction::Keep),
            removed: plan.count(LinkAction::Remove),
            failures: self.deletion_failures.clone(),
        })
    }

    fn plan_relocation(&self, repo: RepoKey, to: Option<PathBuf>) -> Reply<RelocationPlan> {
        let (home, name) = (PathBuf::from("/cache"), format!("{}--{}", repo.kind.plural(), repo.id.as_str().replace('/', "--")));
        let away = to.as_deref().unwrap_or(Path::new("/mnt/big")).join(&name);
        let (from, to) = if to.is_some() { (home.join(name), away) } else { (away, home.join(name)) };
        answer(RelocationPlan { root: home, repo, from, to, files: 12, bytes: 5 << 30, frees: 4 << 30, disk_free: Some(80 << 30) })
    }

    fn relocate(&self, plan: RelocationPlan) -> BoxStream<'static, RelocationStep> {
        self.note(format!("relocate {}", plan.repo));
        stream::iter([RelocationStep::Done(RelocationReport { plan, left: Vec::new() })]).boxed()
    }

    fn verify(&self, _: Vec<VerifyTarget>) -> BoxStream<'static, VerifyStep> {
        stream::iter(self.steps.clone()).boxed()
    }

    fn repair(&self, damaged: Vec<VerifiedFile>) -> Reply<RepairReport> {
        self.note(format!("repair {:?}", damaged.iter().map(|file| &file.path).collect::<Vec<_>>()));
        let aside = |file: VerifiedFile| Quarantined {
            file,
            partial: "/cache/blobs/bad.hfdesk.part".into(),
            vouched: 4 << 30,
            shared_with: vec![],
        };
        let quarantined = if self.deletion_failures.is_empty() { damaged.into_iter().map(aside).collect() } else { Vec::new() };
        answer(RepairReport { quarantined, mended: Vec::new(), failures: self.deletion_failures.clone() })
    }

    fn updates(&self, repos: Vec<RepoKey>) -> BoxStream<'static, UpdateStep> {
        let is_meant = move |step: &UpdateStep| match step {
            UpdateStep::Checked { repo, .. } => repos.is_empty() || repos.contains(repo),
            _ => true,
        };
        stream::iter(self.updates.clone().into_iter().filter(is_meant)).boxed()
    }

    fn board(&self) -> BoxStream<'static, Arc<Board>> {
        let told = stream::iter(self.boards.clone().into_iter().map(Arc::new));
        if self.stays_open { told.chain(stream::pending()).boxed() } else { told.boxed() }
    }

    fn notices(&self) -> BoxStream<'static, Notice> {
        stream::empty().boxed()
    }

    fn close(&self) -> Reply<()> {
        answer(())
    }
}
