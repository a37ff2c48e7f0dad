//! A desk with canned answers: no network, no disk.

use std::sync::{Arc, Mutex};

use futures::future::ready;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use hfdesk_tui::desk::{
    About, Access, Analysis, AnalyzeStep, Assessment, Board, CacheContents, CacheListing, CacheStep, CachedRepo, CachedRevision, Card,
    Choice, Commit, DeletionPlan, DeletionReport, DeletionTarget, Desk, Digest, Disk, Disposal, Fault, FaultKind, FileProgress, Finding,
    Hit, Job, JobAction, JobId, JobState, LayerCache, LeftFile, Leftover, LeftoverKind, LinkPlan, LinkReport, LinkRequest, Machine,
    MendReport, ModelFacts, NamedRevision, Notice, PageToken, Phase, Plan, PlannedFile, Progress, RepairReport, Reply, RepoFile, RepoId,
    RepoKey, RepoKind, RepoRef, RepoType, Revisions, Scenario, SearchPage, SearchQuery, Selection, SpeedLimit, Target, TrashEntry, TrashId,
    Variant, VerifiedFile, VerifyStep, VerifyTarget,
};
use hfdesk_tui::engine::analyze::{Known, assess};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A card with a little of everything.
pub const CARD: &str = include_str!("card.md");

pub const GIB: u64 = 1 << 30;
pub const MIB: u64 = 1 << 20;

/// A moment that tests share.
pub fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

pub fn repo(id: &str) -> RepoRef {
    RepoRef::model(id.parse().unwrap())
}

pub fn about() -> About {
    About {
        endpoint: "https://huggingface.co".to_owned(),
        cache_dir: "/home/ada/.cache/huggingface/hub".into(),
        has_token: true,
        offline: false,
        attached: false,
    }
}

fn hit((id, downloads, likes, hours, gated, task): (&str, u64, u64, i64, bool, &str)) -> Hit {
    Hit {
        kind: RepoKind::Model,
        id: id.parse().unwrap(),
        downloads,
        likes,
        last_modified: Some(ago(hours)),
        gated,
        private: false,
        task: Some(task.to_owned()),
        library: None,
        tags: Vec::new(),
    }
}

/// A page of models, as a search for “qwen gguf” might give.
pub fn page() -> SearchPage {
    const CHAT: &str = "text-generation";
    let named = [
        ("Qwen/Qwen3-8B-GGUF", 1_284_331, 412, 90, false, CHAT),
        ("unsloth/Qwen3-30B-A3B-Instruct-2507-GGUF", 912_004, 388, 30, false, CHAT),
        ("bartowski/Llama-3.3-70B-Instruct-GGUF", 655_870, 245, 2_900, false, CHAT),
        ("meta-llama/Llama-3.1-8B-Instruct", 6_904_112, 5_021, 9_000, true, CHAT),
        ("google/gemma-3-27b-it", 1_540_662, 1_630, 4_100, true, "image-text-to-text"),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", 803_117, 512, 3_300, false, CHAT),
        ("openai/whisper-large-v3-turbo", 3_981_240, 2_410, 12_000, false, "automatic-speech-recognition"),
        ("black-forest-labs/FLUX.1-dev", 1_822_919, 11_032, 6_800, true, "text-to-image"),
        ("sentence-transformers/all-MiniLM-L6-v2", 98_456_210, 3_905, 5_000, false, "sentence-similarity"),
        ("gpt2", 11_204_563, 2_889, 17_000, false, CHAT),
    ];
    let more = (1..=40_u32).map(|i| {
        let id = format!("lab-{i:02}/tiny-model-{i:02}-Instruct-Q{}_K_M-GGUF", 2 + i % 7);
        hit((&id, 90_000 / u64::from(i), 200 / u64::from(i), 24 * i64::from(i), false, CHAT))
    });
    SearchPage { hits: named.into_iter().map(hit).chain(more).collect(), next: Some(PageToken("2".to_owned())) }
}

fn digest(seed: usize) -> Digest {
    format!("{seed:064x}").parse().unwrap()
}

fn file(path: &str, size: u64, seed: usize) -> RepoFile {
    RepoFile { path: path.to_owned(), size, digest: Some(digest(seed)), xet_hash: None }
}

pub const QUANTS: [(&str, u64, usize); 9] = [
    ("Q2_K", 3_283 * MIB, 1),
    ("Q3_K_M", 4_124 * MIB, 1),
    ("Q4_0", 4_774 * MIB, 1),
    ("Q4_K_M", 5_027 * MIB, 1),
    ("Q5_K_M", 5_852 * MIB, 1),
    ("Q6_K", 6_726 * MIB, 1),
    ("Q8_0", 8_709 * MIB, 1),
    ("BF16", 16_388 * MIB, 2),
    ("F32", 32_770 * MIB, 4),
];

fn shard(label: &str, index: usize, of: usize) -> String {
    if of == 1 { format!("Qwen3-8B-{label}.gguf") } else { format!("{label}/Qwen3-8B-{label}-{index:05}-of-{of:05}.gguf") }
}

/// A repository of quantizations.
pub fn analysis(repo: RepoRef) -> Analysis {
    let shards = |(label, size, of): (&str, u64, usize)| (1..=of).map(move |i| (shard(label, i, of), size / of as u64)).collect::<Vec<_>>();
    let mut files: Vec<RepoFile> =
        QUANTS.into_iter().flat_map(shards).enumerate().map(|(i, (path, size))| file(&path, size, i + 1)).collect();
    files.push(file("mmproj-Qwen3-8B-F16.gguf", 1_401 * MIB, 90));
    files.push(file("README.md", 12_288, 91));
    let quantization = |quant: (&str, u64, usize)| Variant {
        id: quant.0.to_owned(),
        label: quant.0.to_owned(),
        model: String::new(),
        category: "quantization".to_owned(),
        files: shards(quant).into_iter().map(|(path, _)| path).collect(),
        companions: Vec::new(),
        size: quant.1,
    };
    let projector = Variant {
        id: "mmproj-F16".to_owned(),
        label: "mmproj-F16".to_owned(),
        model: String::new(),
        category: "projector".to_owned(),
        files: vec!["mmproj-Qwen3-8B-F16.gguf".to_owned()],
        companions: Vec::new(),
        size: 1_401 * MIB,
    };
    Analysis {
        repo,
        commit: "7c41481f57cb95916b40956ab2f0b139b296d974".to_owned(),
        repo_type: RepoType::Gguf,
        access: Access::Open,
        barrier: None,
        files,
        variants: QUANTS.into_iter().map(quantization).chain([projector]).collect(),
        rest: vec!["README.md".to_owned()],
        downloads: 1_284_331,
        likes: 412,
        last_modified: Some(ago(90)),
        task: Some("text-generation".to_owned()),
        license: Some("apache-2.0".to_owned()),
        base_models: vec!["Qwen/Qwen3-8B".to_owned()],
        model: ModelFacts { parameters: Some(8_190_735_360), ..ModelFacts::default() },
    }
}

/// What the header of each of its quantizations says.
fn header() -> ModelFacts {
    ModelFacts {
        architecture: Some("qwen3".to_owned()),
        context_length: Some(40_960),
        embedding_length: Some(4096),
        vocabulary: Some(151_936),
        heads: Some(32),
        layers: vec![LayerCache { keys: 1024, values: 1024, window: None }; 36],
        chat_template: true,
        ..ModelFacts::default()
    }
}

/// A machine with a card of 24 GiB.
pub fn machine() -> Machine {
    let mut machine = Machine::simulated(&[24 * GIB], Some(64 * GIB));
    "NVIDIA GeForce RTX 4090".clone_into(&mut machine.gpus[0].name);
    machine
}

/// What of [`analysis`] fits in a scenario.
pub fn assessment(repo: RepoRef, scenario: &Scenario) -> Assessment {
    let machine = scenario.machine.clone().unwrap_or_else(machine);
    assess(&analysis(repo), &Known::from([(String::new(), header())]), machine, scenario)
}

/// A file that is left with the whole of its variant.
fn left(analysis: &Analysis, file: &RepoFile) -> LeftFile {
    let variant = analysis.variants.iter().find(|variant| variant.files.contains(&file.path));
    LeftFile { path: file.path.clone(), size: file.size, variant: variant.map(|variant| variant.id.clone()) }
}

/// The plan for some variants of [`analysis`], with a part already here.
pub fn plan(repo: RepoRef, ids: &[String], disk_free: u64) -> Plan {
    let analysis = analysis(repo.clone());
    let wanted = |file: &&RepoFile| analysis.variants.iter().any(|variant| ids.contains(&variant.id) && variant.files.contains(&file.path));
    let planned = |(i, file): (usize, &RepoFile)| PlannedFile {
        path: file.path.clone(),
        size: file.size,
        digest: file.digest.clone().unwrap(),
        xet_hash: None,
        held: if i == 0 { 700 * MIB } else { 0 },
    };
    let files: Vec<PlannedFile> = analysis.files.iter().filter(wanted).enumerate().map(planned).collect();
    let left: Vec<LeftFile> = analysis.files.iter().filter(|file| !wanted(file)).map(|file| left(&analysis, file)).collect();
    Plan {
        repo,
        commit: analysis.commit.clone(),
        title: ids.join(", "),
        left_files: left.len(),
        left_bytes: left.iter().map(|file| file.size).sum(),
        left,
        files,
        local_dir: None,
        destination: "/home/ada/.cache/huggingface/hub/models--aurora/snapshots/main".into(),
        disk_free: Some(disk_free),
    }
}

/// A job that has done so many thousandths of its bytes.
pub fn job(id: &str, repo_id: &str, quant: &str, state: JobState, thousandths: u64) -> Job {
    let plan = plan(repo(repo_id), &[quant.to_owned()], 200 * GIB);
    let total = plan.bytes();
    let running = state == JobState::Running;
    let files_done = if state == JobState::Completed { plan.files.len() } else { 0 };
    let bytes_done = total * thousandths / 1_000;
    let bytes_per_second = if running { 84 * MIB } else { 0 };
    let progress = Progress {
        files_total: plan.files.len(),
        files_done,
        bytes_total: total,
        bytes_done,
        bytes_per_second,
        eta_seconds: running.then(|| (total - bytes_done) / bytes_per_second),
    };
    let part = |file: &PlannedFile| FileProgress {
        path: file.path.clone(),
        size: file.size,
        done: file.size * thousandths / 1_000,
        phase: Phase::Downloading,
        remark: None,
    };
    Job {
        id: JobId(id.to_owned()),
        active: if running { plan.files.iter().map(part).collect() } else { Vec::new() },
        plan: Arc::new(plan),
        state,
        phase: if running { Phase::Downloading } else { Phase::Waiting },
        progress,
        limit: None,
        fault: None,
        created_at: now(),
        ended_at: state.is_over().then(now),
    }
}

/// Jobs in every state.
pub fn board() -> Board {
    let mut failed = job("d00000000004", "meta-llama/Llama-3.1-8B-Instruct", "Q8_0", JobState::Failed, 200);
    failed.fault = Some(
        Fault::new(FaultKind::Gated, "meta-llama/Llama-3.1-8B-Instruct is gated and this token has not been granted access to it")
            .hint("accept the agreement at https://huggingface.co/meta-llama/Llama-3.1-8B-Instruct, then press r"),
    );
    Board {
        jobs: vec![
            job("a00000000001", "Qwen/Qwen3-8B-GGUF", "Q4_K_M", JobState::Running, 437),
            job("b00000000002", "unsloth/Qwen3-30B-A3B-Instruct-2507-GGUF", "Q6_K", JobState::Queued, 0),
            job("c00000000003", "bartowski/Llama-3.3-70B-Instruct-GGUF", "BF16", JobState::Paused, 610),
            failed,
            job("e00000000005", "Qwen/Qwen3-8B-GGUF", "Q8_0", JobState::Completed, 1_000),
            job("f00000000006", "gpt2", "Q2_K", JobState::Cancelled, 100),
        ],
        bytes_per_second: 84 * MIB,
        disk: Some(Disk { free: 212 * GIB, total: 1_000 * GIB, promised: 16 * GIB }),
        limit: SpeedLimit::default(),
    }
}

/// Where the commits of the cache come from.
const DIGITS: &str = "7c41481f57cb95916b40956ab2f0b139b296d974e2a1c05d3f84";

fn cached(kind: RepoKind, id: &str, size: u64, files: usize, hours: i64, refs: &[&[&str]]) -> CachedRepo {
    let id: RepoId = id.parse().unwrap();
    let revision = |(i, refs): (usize, &&[&str])| CachedRevision {
        commit: DIGITS[i + files % 10..][..40].to_owned(),
        refs: refs.iter().map(|name| (*name).to_owned()).collect(),
        files,
        size: size / (i as u64 + 1),
        last_modified: Some(ago(hours)),
    };
    CachedRepo {
        path: format!("/home/ada/.cache/huggingface/hub/{}--{}", kind.plural(), id.as_str().replace('/', "--")).into(),
        key: RepoKey { kind, id },
        size,
        leftovers: Vec::new(),
        files,
        revisions: refs.iter().enumerate().map(revision).collect(),
        last_accessed: Some(ago(hours)),
        last_modified: Some(ago(hours)),
    }
}

/// A cache with a few large repositories.
pub fn listing() -> CacheListing {
    let mut half = cached(RepoKind::Model, "Qwen/Qwen3-8B-GGUF", 13_736 * MIB, 3, 2, &[&["main"]]);
    half.leftovers.push(Leftover {
        name: format!("{:064x}.hfdesk.part", 4),
        kind: LeftoverKind::Partial,
        size: 5_027 * MIB,
        on_disk: 2_196 * MIB,
        last_modified: Some(ago(2)),
    });
    let repos = vec![
        cached(RepoKind::Model, "bartowski/Llama-3.3-70B-Instruct-GGUF", 75 * GIB, 4, 24 * 71, &[&["main"], &[]]),
        cached(RepoKind::Model, "google/gemma-3-27b-it", 51 * GIB, 18, 24 * 12, &[&["main"]]),
        half,
        cached(RepoKind::Model, "openai/whisper-large-v3-turbo", 1_545 * MIB, 12, 24 * 190, &[&["main", "v1.0"]]),
        cached(RepoKind::Dataset, "HuggingFaceFW/fineweb-edu", 9 * GIB, 40, 24 * 33, &[&["main"]]),
        cached(RepoKind::Model, "sentence-transformers/all-MiniLM-L6-v2", 91 * MIB, 11, 5, &[&["main"]]),
    ];
    let size = repos.iter().map(|repo| repo.size).sum();
    CacheListing { root: about().cache_dir, repos: repos.into_iter().map(Arc::new).collect(), size, ..CacheListing::default() }
}

/// What is in a repository of the cache.
pub fn contents(key: &RepoKey) -> CacheContents {
    let repo = (**listing().find(key).unwrap()).clone();
    CacheContents { repo, blobs: Vec::new(), snapshots: Vec::new() }
}

/// What deleting those repositories would do.
pub fn deletion(targets: Vec<DeletionTarget>) -> DeletionPlan {
    let listing = listing();
    let repos: Vec<RepoKey> = targets.iter().filter_map(|target| target.repo().cloned()).collect();
    let gone: Vec<&Arc<CachedRepo>> = listing.repos.iter().filter(|repo| repos.contains(&repo.key)).collect();
    DeletionPlan {
        root: listing.root.clone(),
        targets,
        revisions: Vec::new(),
        paths: gone.iter().map(|repo| repo.path.clone()).collect(),
        payloads: Vec::new(),
        frees: gone.iter().map(|repo| repo.size).sum(),
        unused: 0,
        keeps: 2 * GIB,
        disk_free: Some(212 * GIB),
        open_files: Vec::new(),
        repos,
    }
}

/// 40 digits that are told apart by their beginning.
fn digits(number: usize) -> String {
    format!("{:08x}", number.wrapping_mul(0x9e37_79b1) & 0xffff_ffff).repeat(5)
}

/// A commit with this number, so many hours ago.
pub fn commit(number: usize, title: &str, hours: i64) -> Commit {
    let authors = vec!["ada".to_owned()];
    Commit { commit: digits(number).parse().unwrap(), title: title.to_owned(), authors, date: Some(ago(hours)) }
}

/// A branch or a tag.
pub fn named(name: &str, number: usize) -> NamedRevision {
    NamedRevision { name: name.parse().unwrap(), commit: digits(number) }
}

/// The branches, tags and commits of a repository.
pub fn revisions() -> Revisions {
    Revisions {
        branches: vec![named("main", 0xa1), named("feature/longer-context-of-128k", 0xb2)],
        tags: vec![named("v1.1", 0xa1), named("v1.0", 0xc3)],
        commits: vec![
            commit(0xa1, "Upload Q6_K_XL with the repaired importance matrix", 90),
            commit(0xc3, "Upload folder using huggingface_hub", 200),
            commit(0xd4, "initial commit", 210),
        ],
    }
}

/// A desk that answers at once with the values above and remembers what it was asked to change.
pub struct FakeDesk {
    board: watch::Sender<Arc<Board>>,
    /// Ends the boards.
    pub ended: CancellationToken,
    /// What was asked for, in order.
    pub asked: Arc<Mutex<Vec<String>>>,
    /// What every search answers, if not a page.
    pub search_fault: Option<Fault>,
    /// What every repository's card is.
    pub card: Result<Option<Card>, Fault>,
    /// What every repository's revisions are.
    pub revisions: Result<Revisions, Fault>,
}

impl FakeDesk {
    pub fn new(board: Board) -> Self {
        let board = watch::channel(Arc::new(board)).0;
        let lineage = [["Qwen/Qwen3-8B"], ["Qwen/Qwen3-8B-Base"]].map(|step| step.map(str::to_owned).to_vec()).to_vec();
        let card = Ok(Some(Card { lineage, ..Card::read(CARD) }));
        Self { board, ended: CancellationToken::new(), asked: Arc::default(), search_fault: None, card, revisions: Ok(revisions()) }
    }

    /// Publishes a state of the queue.
    pub fn publish(&self, board: Board) {
        self.board.send_replace(Arc::new(board));
    }

    fn note(&self, what: impl Into<String>) {
        self.asked.lock().unwrap().push(what.into());
    }
}

fn reply<T: Send + 'static>(value: Result<T, Fault>) -> Reply<T> {
    ready(value).boxed()
}

impl Desk for FakeDesk {
    fn about(&self) -> About {
        about()
    }

    fn search(&self, query: SearchQuery, _page: Option<PageToken>) -> Reply<SearchPage> {
        self.note(format!("search {} “{}”", query.kind, query.text));
        reply(self.search_fault.clone().map_or_else(|| Ok(page()), Err))
    }

    fn analyze_in_steps(&self, repo: RepoRef) -> BoxStream<'static, AnalyzeStep> {
        stream::iter([AnalyzeStep::Listed(15), AnalyzeStep::done(analysis(repo))]).boxed()
    }

    fn assess(&self, repo: RepoRef, scenario: Scenario) -> Reply<Assessment> {
        reply(Ok(assessment(repo, &scenario)))
    }

    fn card(&self, _: RepoRef) -> Reply<Option<Card>> {
        reply(self.card.clone())
    }

    fn revisions(&self, _: RepoRef) -> Reply<Revisions> {
        reply(self.revisions.clone())
    }

    fn plan(&self, selection: Selection) -> Reply<Plan> {
        let Choice::Variants(ids) = selection.choice else { return reply(Err(Fault::internal("only variants"))) };
        reply(Ok(plan(selection.repo, &ids, 212 * GIB)))
    }

    fn enqueue(&self, plan: Plan) -> Reply<JobId> {
        self.note(format!("enqueue {}", plan.title));
        reply(Ok(JobId("a00000000001".to_owned())))
    }

    fn control(&self, action: JobAction, target: Target) -> Reply<Vec<JobId>> {
        self.note(format!("{} {target:?}", action.name()));
        reply(Ok(Vec::new()))
    }

    fn limit(&self, target: Target, bytes_per_second: Option<u64>) -> Reply<()> {
        self.note(format!("limit {target:?} {bytes_per_second:?}"));
        reply(Ok(()))
    }

    fn cache_in_steps(&self) -> BoxStream<'static, CacheStep> {
        stream::iter([CacheStep::Done(Box::new(listing()))]).boxed()
    }

    fn contents(&self, repo: RepoKey) -> Reply<CacheContents> {
        reply(Ok(contents(&repo)))
    }

    fn plan_deletion(&self, targets: Vec<DeletionTarget>) -> Reply<DeletionPlan> {
        reply(Ok(deletion(targets)))
    }

    fn delete(&self, plan: DeletionPlan, disposal: Disposal) -> Reply<DeletionReport> {
        self.note(format!("delete {disposal:?} {} repositories", plan.repos.len()));
        reply(Ok(DeletionReport { removed: plan.repos, freed: plan.frees, trashed: None, failures: Vec::new() }))
    }

    fn restore(&self, id: TrashId) -> Reply<TrashEntry> {
        reply(Err(Fault::new(FaultKind::NotFound, format!("there is no {id} in the trash"))))
    }

    fn empty_trash(&self, ids: Vec<TrashId>) -> Reply<u64> {
        self.note(format!("empty the trash {ids:?}"));
        reply(Ok(0))
    }

    fn pin(&self, repo: RepoKey, pinned: bool) -> Reply<()> {
        self.note(format!("pin {repo} {pinned}"));
        reply(Ok(()))
    }

    fn diagnose(&self) -> Reply<Vec<Finding>> {
        reply(Ok(Vec::new()))
    }

    fn mend(&self, findings: Vec<Finding>) -> Reply<MendReport> {
        self.note(format!("mend {} findings", findings.len()));
        reply(Ok(MendReport { mended: findings, failures: Vec::new() }))
    }

    fn plan_links(&self, request: LinkRequest) -> Reply<LinkPlan> {
        reply(Ok(LinkPlan {
            request,
            folder: "/views".into(),
            names: Vec::new(),
            cost: 0,
            disk_free: None,
            obstacles: Vec::new(),
            cautions: Vec::new(),
            adopts: None,
        }))
    }

    fn link(&self, plan: LinkPlan) -> Reply<LinkReport> {
        self.note(format!("link {} names", plan.names.len()));
        reply(Ok(LinkReport::default()))
    }

    fn verify(&self, _: Vec<VerifyTarget>) -> BoxStream<'static, VerifyStep> {
        stream::empty().boxed()
    }

    fn repair(&self, _: Vec<VerifiedFile>) -> Reply<RepairReport> {
        ready(Ok(RepairReport::default())).boxed()
    }

    fn board(&self) -> BoxStream<'static, Arc<Board>> {
        let boards = tokio_stream::wrappers::WatchStream::new(self.board.subscribe());
        boards.take_until(self.ended.clone().cancelled_owned()).boxed()
    }

    fn notices(&self) -> BoxStream<'static, Notice> {
        stream::pending().boxed()
    }

    fn close(&self) -> Reply<()> {
        self.note("close");
        reply(Ok(()))
    }
}
