//! A desk with canned answers: no network, no disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures::future::ready;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use hfdesk_tui::desk::{
    About, Access, Analysis, AnalyzeStep, Assessment, Board, CacheContents, CacheListing, CacheStep, CachedBlob, CachedFile, CachedRepo,
    CachedRevision, CachedSnapshot, CachedVariant, Card, Choice, Commit, DeletionPlan, DeletionReport, DeletionTarget, Desk, Digest, Disk,
    Disposal, Fault, FaultKind, FileProgress, Finding, Hit, Job, JobAction, JobId, JobState, Keeper, LayerCache, LeftFile, Leftover,
    LeftoverKind, LinkPlan, LinkReport, LinkRequest, Machine, MendReport, ModelFacts, NamedRevision, Notice, OrphanPayload, OtherKind,
    OtherModel, OtherStore, PageToken, Phase, Plan, PlannedFile, Progress, RelocationPlan, RelocationReport, RelocationStep, RepairReport,
    Reply, RepoFile, RepoId, RepoKey, RepoKind, RepoRef, RepoType, RestoreReport, Revisions, Scenario, SearchPage, SearchQuery, Selection,
    Severity, SpeedLimit, Target, TrashEntry, TrashId, Trouble, UpdateStep, Variant, VerifiedFile, VerifyStep, VerifyTarget,
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
        lies_in: None,
        key: RepoKey { kind, id },
        size,
        leftovers: Vec::new(),
        detached: if refs.iter().any(|refs| refs.is_empty()) { size / 3 } else { 0 },
        damaged: false,
        files,
        revisions: refs.iter().enumerate().map(revision).collect(),
        last_accessed: Some(ago(hours)),
        last_modified: Some(ago(hours)),
    }
}

/// The quantizations of [`QUANTS`] that the cache has of one repository, and its projector: name, size in MiB.
const CACHED_QUANTS: [(&str, u64); 4] = [("Q8_0", 8_709), ("Q6_K", 6_726), ("Q4_K_M", 5_027), ("mmproj-F16", 1_401)];

/// A cache with a few large repositories, and a little of everything that can be found beside them.
pub fn listing() -> CacheListing {
    let size = CACHED_QUANTS.iter().map(|(_, size)| size * MIB).sum::<u64>() + 12_288;
    let mut half = cached(RepoKind::Model, "Qwen/Qwen3-8B-GGUF", size, 5, 2, &[&["main"]]);
    half.leftovers = vec![leftover(4, "hfdesk.part", LeftoverKind::Partial, 5_852 * MIB, 2_196 * MIB)];
    let mut large = cached(RepoKind::Model, "bartowski/Llama-3.3-70B-Instruct-GGUF", 75 * GIB, 4, 24 * 71, &[&["main"], &[]]);
    (large.revisions[0].size, large.revisions[1].size) = (70 * GIB, 40 * GIB);
    large.leftovers = vec![leftover(5, "incomplete", LeftoverKind::Incomplete, 3 * GIB, 3 * GIB)];
    let repos = vec![
        large,
        cached(RepoKind::Model, "google/gemma-3-27b-it", 51 * GIB, 18, 24 * 12, &[&["main"]]),
        half,
        cached(RepoKind::Model, "openai/whisper-large-v3-turbo", 1_545 * MIB, 12, 24 * 190, &[&["main", "v1.0"]]),
        cached(RepoKind::Dataset, "HuggingFaceFW/fineweb-edu", 9 * GIB, 40, 24 * 33, &[&["main"]]),
        cached(RepoKind::Model, "sentence-transformers/all-MiniLM-L6-v2", 91 * MIB, 11, 5, &[&["main"]]),
    ];
    let payload = |seed: usize, size| OrphanPayload { hash: digest(seed).hex().to_owned(), size };
    CacheListing {
        root: about().cache_dir,
        size: repos.iter().map(|repo| repo.size).sum(),
        pins: [key(RepoKind::Model, "openai/whisper-large-v3-turbo")].into(),
        repos: repos.into_iter().map(Arc::new).collect(),
        orphans: vec![payload(0xa7, 4 * GIB), payload(0xb8, 700 * MIB)],
        trash_kept: std::time::Duration::from_secs(7 * 86_400),
        trash: vec![
            trashed("20260228T0900-1", "mistralai/Mistral-7B-v0.1", 27 * GIB, 27),
            trashed("20260226T1010-1", "gpt2", 523 * MIB, 74),
        ],
        others: others(),
        warnings: vec!["spaces--org--demo has no snapshots folder and is left alone".to_owned()],
    }
}

pub fn key(kind: RepoKind, id: &str) -> RepoKey {
    RepoKey { kind, id: id.parse().unwrap() }
}

fn leftover(seed: usize, end: &str, kind: LeftoverKind, size: u64, on_disk: u64) -> Leftover {
    Leftover { name: format!("{}.{end}", digest(seed).hex()), kind, size, on_disk, last_modified: Some(ago(2)) }
}

fn trashed(id: &str, repo: &str, size: u64, hours: i64) -> TrashEntry {
    let targets = vec![DeletionTarget::Repo(key(RepoKind::Model, repo))];
    TrashEntry {
        id: TrashId(id.to_owned()),
        targets,
        frees: size,
        size: size + 4096,
        deleted_at: ago(hours),
        kept_until: ago(hours - 7 * 24),
    }
}

/// What Ollama and LM Studio keep.
fn others() -> Vec<OtherStore> {
    let model = |root: &str, name: &str, size, linked, files| OtherModel {
        name: name.to_owned(),
        kind: OtherKind::Model,
        path: format!("{root}/{}", name.replace(':', "/")).into(),
        size,
        linked,
        files,
        last_accessed: Some(ago(24 * 40)),
    };
    let (ollama, studio) = ("/home/ada/.ollama/models", "/home/ada/.lmstudio/models");
    let store = |keeper, root: &str, size, models| OtherStore { keeper, root: root.into(), models, size, warnings: Vec::new() };
    vec![
        store(
            Keeper::Ollama,
            ollama,
            24 * GIB,
            vec![model(ollama, "qwen3:32b", 20 * GIB, 0, 4), model(ollama, "llama3.2:3b", 4 * GIB, 0, 5)],
        ),
        store(Keeper::LocalRoot, studio, 9 * GIB, vec![model(studio, "Qwen/Qwen3-8B-GGUF", 8_709 * MIB, 8_709 * MIB, 1)]),
    ]
}

/// What is in a repository of the cache.
pub fn contents(key: &RepoKey) -> CacheContents {
    let repo = (**listing().find(key).unwrap()).clone();
    match key.id.as_str() {
        "Qwen/Qwen3-8B-GGUF" => quantizations(repo),
        "bartowski/Llama-3.3-70B-Instruct-GGUF" => two_revisions(repo),
        _ => plain_files(repo),
    }
}

fn blob(repo: &CachedRepo, seed: usize, size: u64, hours: i64) -> CachedBlob {
    let folder = repo.path.file_name().unwrap().to_str().unwrap();
    CachedBlob {
        path: format!("{folder}/blobs/{}", digest(seed).hex()).into(),
        size,
        digest: Some(digest(seed)),
        last_accessed: Some(ago(hours)),
        last_modified: Some(ago(hours + 400)),
        payload: None,
        names: 1,
        shared_with: Vec::new(),
        verified: None,
    }
}

fn in_variant(label: &str, files: Vec<CachedFile>, blobs: &[CachedBlob]) -> CachedVariant {
    let size = files.iter().filter_map(|file| Some(blobs[file.blob?].size)).sum();
    CachedVariant { id: files[0].path.clone(), label: label.to_owned(), of: String::new(), files, size }
}

fn cached_file(path: String, blob: usize) -> CachedFile {
    CachedFile { path, blob: Some(blob) }
}

/// Three quantizations and the projector that they share, whose payload another repository uses too.
fn quantizations(repo: CachedRepo) -> CacheContents {
    let mut blobs: Vec<CachedBlob> = CACHED_QUANTS
        .iter()
        .zip([2, 302, 602, 902])
        .enumerate()
        .map(|(i, ((_, size), hours))| blob(&repo, 0x10 + i, size * MIB, hours))
        .collect();
    blobs.push(blob(&repo, 0x20, 12_288, 2));
    blobs[0].names = 2;
    blobs[0].verified = Some(ago(30));
    blobs[3].shared_with = vec![key(RepoKind::Model, "google/gemma-3-27b-it")];
    blobs[3].payload = Some(format!(".xet/blobs/{}", digest(0x77).hex()).into());
    let named = |label: &str| if label.starts_with("mmproj") { "mmproj-Qwen3-8B-F16.gguf".to_owned() } else { shard(label, 1, 1) };
    let one = |(i, (label, _)): (usize, &(&str, u64))| in_variant(label, vec![cached_file(named(label), i)], &blobs);
    let mut variants: Vec<CachedVariant> = CACHED_QUANTS.iter().enumerate().map(one).collect();
    variants.push(in_variant("other files", vec![cached_file("README.md".to_owned(), 4)], &blobs));
    let snapshots = vec![CachedSnapshot { commit: repo.revisions[0].commit.clone(), variants }];
    CacheContents { repo, blobs, snapshots }
}

/// A detached revision that shares a shard with the one on main.
fn two_revisions(repo: CachedRepo) -> CacheContents {
    let blobs = vec![blob(&repo, 0x30, 35 * GIB, 1_704), blob(&repo, 0x31, 35 * GIB, 1_704), blob(&repo, 0x32, 5 * GIB, 3_000)];
    let shards = |at: [usize; 2]| {
        let name = |i: usize| format!("Llama-3.3-70B-Instruct-Q8_0/Llama-3.3-70B-Instruct-Q8_0-{i:05}-of-00002.gguf");
        let files = at.into_iter().enumerate().map(|(i, blob)| cached_file(name(i + 1), blob)).collect();
        vec![in_variant("Q8_0", files, &blobs)]
    };
    let of = |at: usize, blobs| CachedSnapshot { commit: repo.revisions[at].commit.clone(), variants: shards(blobs) };
    let snapshots = vec![of(0, [0, 1]), of(1, [0, 2])];
    CacheContents { repo, blobs, snapshots }
}

fn plain_files(repo: CachedRepo) -> CacheContents {
    let size = repo.size / repo.files as u64;
    let blobs: Vec<CachedBlob> = (0..repo.files).map(|i| blob(&repo, 0x100 + i, size, 100)).collect();
    let files = (0..repo.files).map(|i| cached_file(format!("model-{i:05}-of-{:05}.safetensors", repo.files), i)).collect();
    let variants = vec![in_variant("other files", files, &blobs)];
    let snapshots =
        repo.revisions.iter().map(|revision| CachedSnapshot { commit: revision.commit.clone(), variants: variants.clone() }).collect();
    CacheContents { repo, blobs, snapshots }
}

/// Bytes of a target that come free, and that stay.
fn frees(target: &DeletionTarget) -> (u64, u64) {
    let listing = listing();
    let repo = target.repo().and_then(|key| listing.find(key));
    match (target, repo) {
        (DeletionTarget::Repo(_), Some(repo)) => (repo.size + repo.unused(), 0),
        (DeletionTarget::Revision { .. }, Some(_)) => (5 * GIB, 35 * GIB),
        (DeletionTarget::Files { repo, commit, files }, Some(_)) => {
            let contents = contents(repo);
            let goes = |snapshot: &CachedSnapshot, file: &CachedFile| {
                commit.as_ref().is_none_or(|commit| *commit == snapshot.commit) && files.contains(&file.path)
            };
            let blobs = |gone: bool| -> BTreeSet<usize> {
                let all = contents.snapshots.iter().flat_map(|snapshot| snapshot.variants.iter().map(move |variant| (snapshot, variant)));
                let files = all.flat_map(|(snapshot, variant)| variant.files.iter().map(move |file| (snapshot, file)));
                files.filter(|(snapshot, file)| goes(snapshot, file) == gone).filter_map(|(_, file)| file.blob).collect()
            };
            let stay = blobs(false);
            let is_kept = |blob: &usize| stay.contains(blob) || !contents.blobs[*blob].shared_with.is_empty();
            let sum = |kept: bool| blobs(true).iter().filter(|blob| is_kept(blob) == kept).map(|blob| contents.blobs[*blob].size).sum();
            (sum(false), sum(true))
        }
        (DeletionTarget::Leftover { name, .. }, Some(repo)) => {
            (repo.leftovers.iter().filter(|leftover| leftover.name == *name).map(|leftover| leftover.on_disk).sum(), 0)
        }
        (DeletionTarget::Payload(hash), _) => {
            (listing.orphans.iter().filter(|payload| payload.hash == *hash).map(|payload| payload.size).sum(), 0)
        }
        _ => (0, 0),
    }
}

/// What is removed for a target.
fn paths(target: &DeletionTarget) -> Vec<PathBuf> {
    let listing = listing();
    let folder = target.repo().and_then(|key| listing.find(key)).map(|repo| repo.path.clone()).unwrap_or_default();
    match target {
        DeletionTarget::Repo(_) => vec![folder],
        DeletionTarget::Revision { commit, .. } => vec![folder.join("snapshots").join(commit)],
        DeletionTarget::Files { files, .. } => files.iter().map(|file| folder.join("snapshots").join(file)).collect(),
        DeletionTarget::Leftover { name, .. } => vec![folder.join("blobs").join(name)],
        DeletionTarget::Payload(_) | DeletionTarget::Locks(_) => Vec::new(),
    }
}

/// What deleting those would do.
pub fn deletion(targets: Vec<DeletionTarget>) -> DeletionPlan {
    let sums = targets.iter().map(frees).fold((0, 0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
    let payload = |target: &DeletionTarget| match target {
        DeletionTarget::Payload(hash) => Some(about().cache_dir.join(".xet/blobs").join(hash)),
        _ => None,
    };
    DeletionPlan {
        root: about().cache_dir,
        revisions: Vec::new(),
        paths: targets.iter().flat_map(paths).collect(),
        payloads: targets.iter().filter_map(payload).collect(),
        frees: sums.0,
        unused: targets.iter().filter(|target| matches!(target, DeletionTarget::Leftover { .. })).map(|target| frees(target).0).sum(),
        elsewhere: 0,
        keeps: sums.1,
        disk_free: Some(212 * GIB),
        open_files: Vec::new(),
        spoils: Vec::new(),
        repos: targets
            .iter()
            .filter_map(|target| if let DeletionTarget::Repo(repo) = target { Some(repo.clone()) } else { None })
            .collect(),
        targets,
    }
}

/// What is wrong with the cache.
pub fn findings() -> Vec<Finding> {
    let root = about().cache_dir;
    let finding = |trouble, severity, path: &str, message: &str, mend: Option<&str>, advice: Option<&str>| Finding {
        trouble,
        severity,
        path: root.join(path),
        message: message.to_owned(),
        mend: mend.map(str::to_owned),
        advice: advice.map(str::to_owned),
    };
    vec![
        finding(
            Trouble::DanglingRef,
            Severity::Error,
            "models--org--half/refs/main",
            "the branch main of model/org/half names a commit that has no snapshot, so that other programs hide the whole repository",
            Some("removes the ref; the next download writes it again"),
            None,
        ),
        finding(
            Trouble::Ownership,
            Severity::Warning,
            "models--google--gemma-3-27b-it/blobs",
            "18 files belong to root and cannot be removed by ada",
            None,
            Some("sudo chown -R ada ~/.cache/huggingface/hub/models--google--gemma-3-27b-it"),
        ),
        finding(
            Trouble::StaleLocks,
            Severity::Note,
            ".locks/models--gpt2",
            "locks are left of model/gpt2, which is not in the cache any more",
            Some("removes the locks"),
            None,
        ),
    ]
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
    endless: Option<Arc<()>>,
}

impl FakeDesk {
    pub fn new(board: Board) -> Self {
        let board = watch::channel(Arc::new(board)).0;
        let lineage = [["Qwen/Qwen3-8B"], ["Qwen/Qwen3-8B-Base"]].map(|step| step.map(str::to_owned).to_vec()).to_vec();
        let card = Ok(Some(Card { lineage, ..Card::read(CARD) }));
        Self {
            board,
            ended: CancellationToken::new(),
            asked: Arc::default(),
            search_fault: None,
            card,
            revisions: Ok(revisions()),
            endless: None,
        }
    }

    /// A desk whose readings of the cache go on for ever; each holds a clone of this while it does.
    pub fn reading_for_ever(self, held: Arc<()>) -> Self {
        Self { endless: Some(held), ..self }
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
        if let Some(reading) = &self.endless {
            let reading = reading.clone();
            return stream::pending().map(move |step| (reading.clone(), step).1).boxed();
        }
        let listing = listing();
        let found = listing.repos.chunks(4).map(|repos| CacheStep::Found(repos.to_vec())).collect::<Vec<_>>();
        stream::iter(found.into_iter().chain([CacheStep::Done(Box::new(listing))])).boxed()
    }

    fn contents(&self, repo: RepoKey) -> Reply<CacheContents> {
        reply(Ok(contents(&repo)))
    }

    fn plan_deletion(&self, targets: Vec<DeletionTarget>) -> Reply<DeletionPlan> {
        let held = |target: &&DeletionTarget| matches!(target, DeletionTarget::Leftover { name, .. } if name.ends_with("hfdesk.part"));
        if let Some(target) = targets.iter().find(held) {
            let fault = Fault::new(FaultKind::Conflict, format!("{target} belongs to a job that is not done"));
            return reply(Err(fault.hint("cancel the job first")));
        }
        reply(Ok(deletion(targets)))
    }

    fn delete(&self, plan: DeletionPlan, disposal: Disposal) -> Reply<DeletionReport> {
        self.note(format!("delete {disposal:?} {} repositories", plan.repos.len()));
        let entry = TrashEntry { targets: plan.targets, ..trashed("20260301T1200-1", "gpt2", plan.frees, 0) };
        let (freed, trashed) = if disposal == Disposal::Trash { (0, Some(entry)) } else { (plan.frees, None) };
        reply(Ok(DeletionReport { removed: plan.repos, freed, trashed, failures: Vec::new() }))
    }

    fn restore(&self, id: TrashId) -> Reply<RestoreReport> {
        self.note(format!("restore {id}"));
        let found = listing().trash.into_iter().find(|entry| entry.id == id);
        let back = found.map(|restored| RestoreReport { restored, moved_on: Vec::new(), failures: Vec::new(), kept: None });
        reply(back.ok_or_else(|| Fault::new(FaultKind::NotFound, format!("there is no {id} in the trash"))))
    }

    fn empty_trash(&self, ids: Vec<TrashId>) -> Reply<u64> {
        self.note(format!("empty the trash {ids:?}"));
        reply(Ok(listing().trash.iter().filter(|entry| ids.contains(&entry.id)).map(|entry| entry.frees).sum()))
    }

    fn pin(&self, repo: RepoKey, pinned: bool) -> Reply<()> {
        self.note(format!("pin {repo} {pinned}"));
        reply(Ok(()))
    }

    fn diagnose(&self) -> Reply<Vec<Finding>> {
        reply(Ok(findings()))
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

    fn plan_relocation(&self, repo: RepoKey, to: Option<PathBuf>) -> Reply<RelocationPlan> {
        let (home, name) = (PathBuf::from("/cache"), format!("{}--{}", repo.kind.plural(), repo.id.as_str().replace('/', "--")));
        let away = to.as_deref().unwrap_or(Path::new("/mnt/big")).join(&name);
        let (from, to) = if to.is_some() { (home.join(name), away) } else { (away, home.join(name)) };
        reply(Ok(RelocationPlan { root: home, repo, from, to, files: 12, bytes: 5 << 30, frees: 4 << 30, disk_free: Some(80 << 30) }))
    }

    fn relocate(&self, plan: RelocationPlan) -> BoxStream<'static, RelocationStep> {
        self.note(format!("relocate {}", plan.repo));
        stream::iter([RelocationStep::Done(RelocationReport { plan, left: Vec::new() })]).boxed()
    }

    fn verify(&self, _: Vec<VerifyTarget>) -> BoxStream<'static, VerifyStep> {
        stream::empty().boxed()
    }

    fn repair(&self, _: Vec<VerifiedFile>) -> Reply<RepairReport> {
        ready(Ok(RepairReport::default())).boxed()
    }

    fn updates(&self, _: Vec<RepoKey>) -> BoxStream<'static, UpdateStep> {
        stream::iter([UpdateStep::Done]).boxed()
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
