//! For tests: samples of what a desk answers.

use std::path::PathBuf;
use std::sync::Arc;

use crate::desk::*;

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const DETACHED: &str = "fedcba9876543210fedcba9876543210fedcba98";

fn time(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

pub fn hit(id: &str) -> Hit {
    Hit {
        kind: RepoKind::Model,
        id: id.parse().unwrap(),
        downloads: 1_234_567,
        likes: 42,
        last_modified: Some(time("2026-03-04T05:06:07Z")),
        gated: id == "gpt2",
        private: false,
        task: Some("text-generation".to_owned()),
        library: None,
        tags: vec!["gguf".to_owned(), "license:apache-2.0".to_owned()],
    }
}

pub fn analysis(repo: RepoRef) -> Analysis {
    let file = |path: &str, size| RepoFile { path: path.to_owned(), size, digest: Some(digest(path)), xet_hash: None };
    let variant = |label: &str, file: &str, size| Variant {
        id: label.to_owned(),
        label: label.to_owned(),
        model: String::new(),
        category: "quantization".to_owned(),
        files: vec![file.to_owned()],
        companions: Vec::new(),
        size,
    };
    let barrier = Fault::new(FaultKind::Gated, format!("{} is gated, and no token is set", repo.id));
    Analysis {
        repo,
        commit: COMMIT.to_owned(),
        repo_type: RepoType::Gguf,
        access: Access::Gated,
        barrier: Some(barrier.hint("accept the terms at https://hub.example, then log in")),
        files: vec![file("README.md", 900), file("q4.gguf", 5_000_000_000), file("q6.gguf", 6_700_000_000)],
        variants: vec![variant("Q4_K_M", "q4.gguf", 5_000_000_000), variant("Q6_K", "q6.gguf", 6_700_000_000)],
        rest: vec!["README.md".to_owned()],
        downloads: 99,
        likes: 3,
        last_modified: Some(time("2026-03-04T05:06:07Z")),
        task: Some("text-generation".to_owned()),
        license: Some("apache-2.0".to_owned()),
        base_models: vec!["Qwen/Qwen3-8B".to_owned()],
        model: model(),
    }
}

fn model() -> ModelFacts {
    let layer = LayerCache { keys: 1024, values: 1024, window: None };
    ModelFacts {
        architecture: Some("qwen3".to_owned()),
        parameters: Some(8_190_735_360),
        context_length: Some(40_960),
        heads: Some(32),
        layers: vec![layer; 36],
        chat_template: true,
        ..ModelFacts::default()
    }
}

/// What the analysis's variants need on a machine with one card.
pub fn assessment(scenario: &Scenario) -> Assessment {
    let fit = |verdict, weights: u64| {
        let (cache, overhead) = (1_207_959_552, 900_000_000);
        let reason = format!("needs {}; the GPU has 8 GiB", bytes(weights + cache + overhead));
        Fit { verdict, needs: weights + cache + overhead, weights, cache, overhead, reason }
    };
    let assessed = |variant: &str, verdict, weights, bits| Assessed {
        variant: variant.to_owned(),
        fit: Some(fit(verdict, weights)),
        bits_per_weight: Some(bits),
    };
    let offload = FitVerdict::Offload { layers: 30, of: Some(37) };
    Assessment {
        commit: COMMIT.to_owned(),
        machine: scenario.machine.clone().unwrap_or_else(|| Machine::simulated(&[8 << 30], Some(32 << 30))),
        context: scenario.context,
        cache_type: scenario.cache_type,
        model: model(),
        variants: vec![assessed("Q4_K_M", FitVerdict::OneGpu, 5_000_000_000, 4.88), assessed("Q6_K", offload, 6_700_000_000, 6.54)],
        recommended: Some(Recommendation { variant: "Q4_K_M".to_owned(), reason: "Q4_K_M is the best that one card can hold".to_owned() }),
    }
}

fn digest(name: &str) -> Digest {
    format!("{:0>64}", hex::encode(&name[..2])).parse().unwrap()
}

/// A plan of two files, one of which is partly here.
pub fn plan() -> Plan {
    let file = |path: &str, size, held| PlannedFile { path: path.to_owned(), size, digest: digest(path), xet_hash: None, held };
    let left = |path: &str, size, variant: Option<&str>| LeftFile { path: path.to_owned(), size, variant: variant.map(str::to_owned) };
    Plan {
        repo: RepoRef::model("Qwen/Qwen3-8B-GGUF".parse().unwrap()),
        commit: COMMIT.to_owned(),
        title: "Q4_K_M".to_owned(),
        files: vec![file("config.json", 700, 700), file("q4.gguf", 5_000_000_000, 2_000_000_000)],
        left_files: 3,
        left_bytes: 60_000_000_900,
        left: vec![
            left("README.md", 900, None),
            left("f16-1.gguf", 30_000_000_000, Some("F16")),
            left("f16-2.gguf", 30_000_000_000, Some("F16")),
        ],
        local_dir: None,
        destination: PathBuf::from("/cache/snapshots").join(COMMIT),
        disk_free: Some(200 << 30),
    }
}

/// A job of that plan.
pub fn job(id: &str, state: JobState) -> Job {
    Job {
        id: JobId(id.to_owned()),
        plan: Arc::new(plan()),
        state,
        phase: Phase::Waiting,
        progress: Progress { files_total: 2, bytes_total: 5_000_000_700, ..Progress::default() },
        active: Vec::new(),
        limit: None,
        fault: None,
        created_at: time("2026-03-04T05:06:07Z"),
        ended_at: state.is_over().then(|| time("2026-03-04T05:16:07Z")),
    }
}

/// A running job so many percent and bytes a second along.
pub fn running(percent: u64, bytes_per_second: u64) -> Job {
    let job = job("3f2a00000001", JobState::Running);
    let bytes_done = job.progress.bytes_total / 100 * percent + 99;
    let progress = Progress { bytes_done, bytes_per_second, eta_seconds: Some(32), ..job.progress };
    Job { phase: Phase::Downloading, progress, ..job }
}

/// That job with every file in its place.
pub fn completed() -> Job {
    let job = job("3f2a00000001", JobState::Completed);
    Job { progress: Progress { files_done: 2, bytes_done: job.progress.bytes_total, ..job.progress }, ..job }
}

/// That job with a reason for its end.
pub fn failed(fault: Fault) -> Job {
    Job { fault: Some(fault), ..job("3f2a00000001", JobState::Failed) }
}

pub fn jobs() -> Vec<Job> {
    let fault = Fault::new(FaultKind::Network, "the connection to hub.example broke").hint("check the network");
    let failed = Job { fault: Some(fault), ..job("77d000000003", JobState::Failed) };
    vec![running(43, 84 << 20), job("3f2b00000002", JobState::Paused), failed]
}

/// A cache of four repositories, two of which share a name. The first has all that can be left over; the third is pinned.
pub fn cache() -> CacheListing {
    let repo = |kind, id: &str, size| CachedRepo {
        key: RepoKey { kind, id: id.parse().unwrap() },
        path: PathBuf::from(format!("/cache/{id}")),
        lies_in: None,
        size,
        leftovers: Vec::new(),
        detached: 0,
        damaged: false,
        files: 2,
        revisions: vec![revision(COMMIT, &["main"], size)],
        last_accessed: Some(time("2026-03-04T05:06:07Z")),
        last_modified: None,
    };
    let qwen = CachedRepo {
        revisions: vec![revision(COMMIT, &["main", "refs/pr/1"], 5_000_000_700), revision(DETACHED, &[], 900)],
        leftovers: leftovers(),
        detached: 900,
        damaged: false,
        ..repo(RepoKind::Model, "Qwen/Qwen3-8B-GGUF", 5_000_000_700)
    };
    let (gpt2, twin) = (repo(RepoKind::Model, "gpt2", 550_000_000), repo(RepoKind::Model, "org/twin", 3));
    let unread = CachedRepo { last_accessed: None, ..repo(RepoKind::Dataset, "org/twin", 2) };
    CacheListing {
        root: "/cache".into(),
        pins: [twin.key.clone()].into(),
        repos: [qwen, gpt2, twin, unread].map(Arc::new).into(),
        size: 5_550_000_705,
        orphans: vec![OrphanPayload { hash: "c6".repeat(32), size: 1 << 30 }],
        trash: trash(),
        trash_kept: std::time::Duration::from_secs(7 * 86_400),
        others: vec![ollama()],
        warnings: vec!["a stray folder".to_owned()],
    }
}

fn revision(commit: &str, refs: &[&str], size: u64) -> CachedRevision {
    let refs = refs.iter().map(ToString::to_string).collect();
    CachedRevision { commit: commit.to_owned(), refs, files: 2, size, last_modified: None }
}

fn leftovers() -> Vec<Leftover> {
    let leftover = |name: &str, kind, size| Leftover { name: name.to_owned(), kind, size, on_disk: size, last_modified: None };
    vec![
        leftover("aa.hfdesk.part", LeftoverKind::Partial, 3 << 30),
        leftover("bb.incomplete", LeftoverKind::Incomplete, 1 << 30),
        leftover("cc", LeftoverKind::Blob, 5 << 20),
        leftover("notes.txt", LeftoverKind::Other, 100),
    ]
}

/// Two deletions that can be taken back.
pub fn trash() -> Vec<TrashEntry> {
    let repo = |id: &str| RepoKey { kind: RepoKind::Model, id: id.parse().unwrap() };
    let entry = |id: &str, targets, frees| TrashEntry {
        id: TrashId(id.to_owned()),
        targets,
        frees,
        size: frees + 4096,
        deleted_at: time("2026-03-04T05:06:07Z"),
        kept_until: time("2026-04-03T05:06:07Z"),
    };
    let files = vec!["a.gguf".to_owned(), "b.gguf".to_owned()];
    vec![
        entry("t2", vec![DeletionTarget::Files { repo: repo("org/many"), commit: None, files }], 2 << 30),
        entry("t1", vec![DeletionTarget::Repo(repo("org/old")), DeletionTarget::Repo(repo("org/older"))], 1 << 30),
    ]
}

fn ollama() -> OtherStore {
    let model = |name: &str, kind, size, linked| OtherModel {
        name: name.to_owned(),
        kind,
        path: PathBuf::from("/ollama/manifests").join(name),
        size,
        linked,
        files: 3,
        last_accessed: Some(time("2026-03-04T05:06:07Z")),
    };
    OtherStore {
        keeper: Keeper::Ollama,
        root: "/ollama".into(),
        models: vec![
            model("llama3.2:3b", OtherKind::Model, 2_000_000_000, 0),
            model("qwen3:0.6b", OtherKind::Model, 500_000_000, 500_000_000),
            model("unused blobs", OtherKind::Unused, 40_000_000, 0),
        ],
        size: 2_040_000_000,
        warnings: Vec::new(),
    }
}

/// What linking does: one name is made, one made anew and one kept; of a removal one goes.
pub fn links(request: LinkRequest, obstacles: Vec<String>) -> LinkPlan {
    let (repo, how) = match &request {
        LinkRequest::View { repo, how, .. } => (repo.clone(), *how),
        LinkRequest::Remove { repo, .. } => (repo.clone(), None),
        LinkRequest::Friendly { .. } | LinkRequest::Adopt { .. } => (cache().repos[0].key.clone(), None),
    };
    let name = |file: &str, action| LinkName {
        path: PathBuf::from("/views").join(file),
        source: PathBuf::from("/cache/snapshot").join(file),
        how: how.unwrap_or(LinkHow::Symlink),
        size: 5 << 30,
        action,
        repo: repo.clone(),
    };
    let names = match &request {
        LinkRequest::Remove { .. } => vec![name("q4.gguf", LinkAction::Remove)],
        _ => vec![name("q4.gguf", LinkAction::Make), name("q6.gguf", LinkAction::Update), name("README.md", LinkAction::Keep)],
    };
    let cautions = vec!["deleting from the cache has consequences".to_owned()];
    LinkPlan { request, folder: "/views".into(), names, cost: 0, disk_free: Some(10 << 30), obstacles, cautions, adopts: None }
}

/// What is wrong with the cache: two errors, of which one can be mended, and a warning.
pub fn findings() -> Vec<Finding> {
    let finding = |trouble, severity, path: &str, message: &str| Finding {
        trouble,
        severity,
        path: path.into(),
        message: message.to_owned(),
        mend: None,
        advice: None,
    };
    let hidden = "refs/v1 names a commit that has no snapshot, so that hf hides the repository";
    vec![
        Finding {
            mend: Some("removes the ref".to_owned()),
            ..finding(Trouble::DanglingRef, Severity::Error, "/cache/models--gpt2/refs/v1", hidden)
        },
        Finding {
            advice: Some("chown it to the cache's group".to_owned()),
            ..finding(Trouble::Ownership, Severity::Error, "/cache/models--gpt2", "3 files belong to somebody else")
        },
        Finding {
            mend: Some("removes the locks".to_owned()),
            ..finding(Trouble::StaleLocks, Severity::Warning, "/cache/.locks/models--org--gone", "locks of a repository that is gone")
        },
    ]
}

/// What one of them has: a README and, in the first one, two variants.
pub fn contents(key: &RepoKey) -> CacheContents {
    let repo = cache().repos.iter().find(|repo| repo.key == *key).map(|repo| (**repo).clone()).unwrap();
    let is_first = repo.revisions.len() > 1;
    let blob = |name: &str, size| CachedBlob {
        path: PathBuf::from(format!("models--x/blobs/{}", digest(name).hex())),
        size,
        digest: Some(digest(name)),
        last_accessed: None,
        last_modified: None,
        payload: None,
        names: 1,
        shared_with: Vec::new(),
        verified: None,
    };
    let shared =
        CachedBlob { shared_with: vec![cache().repos[1].key.clone()], verified: Some(time("2026-02-03T04:05:06Z")), ..blob("q4", 5 << 30) };
    let file = |path: &str, blob| CachedFile { path: path.to_owned(), blob };
    let variant = |label: &str, files: Vec<CachedFile>, size| CachedVariant {
        id: files[0].path.clone(),
        label: label.to_owned(),
        of: String::new(),
        files,
        size,
    };
    let rest = || variant("other files", vec![file("README.md", Some(0))], 900);
    let models = || {
        let shards = vec![file("q6/m-1.gguf", Some(2)), file("q6/m-2.gguf", None)];
        vec![variant("Q6_K", shards, 6 << 30), variant("Q4_K_M", vec![file("q4.gguf", Some(1))], 5 << 30), rest()]
    };
    let snapshot = |(at, revision): (usize, &CachedRevision)| CachedSnapshot {
        commit: revision.commit.clone(),
        variants: if is_first && at == 0 { models() } else { vec![rest()] },
    };
    let snapshots = repo.revisions.iter().enumerate().map(snapshot).collect();
    CacheContents { repo, blobs: vec![blob("README.md", 900), shared, blob("m1", 6 << 30)], snapshots }
}

/// The `n`th damaged file of a verification.
pub fn damaged_file(n: usize) -> VerifiedFile {
    let name = format!("bad{n}");
    VerifiedFile {
        repo: cache().repos[0].key.clone(),
        path: PathBuf::from(format!("/cache/blobs/{name}")),
        files: vec![format!("{name}.gguf")],
        commits: vec![COMMIT.to_owned()],
        size: 5_000_000_000,
        digest: Some(digest(&name)),
        verdict: Verdict::Damaged,
        reason: Some(format!("its digest is {}", "f".repeat(64))),
        verified_at: time("2026-03-04T05:06:07Z"),
        last_good_at: Some(time("2026-02-03T04:05:06Z")),
    }
}

/// A verification that finds two files good and this many damaged.
pub fn verified(damaged: usize) -> Vec<VerifyStep> {
    let good = |n: usize| VerifiedFile {
        path: PathBuf::from(format!("/cache/blobs/good{n}")),
        files: vec![format!("good{n}.json")],
        size: 700,
        verdict: Verdict::Good,
        reason: None,
        last_good_at: None,
        ..damaged_file(n)
    };
    let files: Vec<VerifiedFile> = (0..2).map(good).chain((0..damaged).map(damaged_file)).collect();
    let bytes = files.iter().map(|file| file.size).sum();
    let progress = VerifyProgress { bytes_done: bytes / 2, bytes_total: bytes, files_done: 1, files_total: files.len() };
    let report = VerifyReport { root: "/cache".into(), files, bytes, warnings: Vec::new() };
    vec![VerifyStep::Progress(progress), VerifyStep::Done(report)]
}

/// What the Hub says of that cache: a quantization that changed, a tag that is gone, a pinned repository whose README alone changed, one
/// that needs access, and one that is current.
pub fn updates() -> Vec<UpdateStep> {
    let keys: Vec<RepoKey> = cache().repos.iter().map(|repo| repo.key.clone()).collect();
    let unasked = |at: usize, name: &str, held: &str| Update::unasked(keys[at].clone(), name.parse().unwrap(), held.to_owned());
    let now = || Some("1".repeat(40));
    let version = |name: &str, size| FileVersion { size, digest: Some(digest(name)) };
    let file = |path: &str, held: &str, now: Option<&str>, size| HeldFile {
        path: path.to_owned(),
        held: version(held, size),
        now: now.map(|now| version(now, size + 5)),
    };
    let files = vec![file("README.md", "re", Some("re"), 900), file("q4.gguf", "q4", Some("n4"), 5 << 30)];
    let newer = Update { now: now(), files, bytes_to_fetch: (5 << 30) + 5, ..unasked(0, "main", DETACHED) };
    let gone = Fault::new(FaultKind::RevisionNotFound, "Qwen/Qwen3-8B-GGUF has no revision v1").hint("name another");
    let gone = Update { fault: Some(gone), ..unasked(0, "v1", COMMIT) };
    let same = Update { now: now(), files: vec![file("README.md", "re", Some("re"), 900)], ..unasked(2, "main", COMMIT) };
    let gated = Fault::new(FaultKind::Gated, "gpt2 is gated, and no token is set").hint("accept the terms");
    let gated = Update { now: now(), fault: Some(gated), ..unasked(1, "main", COMMIT) };
    let current = Update { now: Some(COMMIT.to_owned()), ..unasked(3, "main", COMMIT) };
    let checked = |updates: Vec<Update>| UpdateStep::Checked { repo: updates[0].repo.clone(), updates };
    let steps = [vec![same], vec![newer, gone], vec![current], vec![gated]];
    steps.into_iter().map(checked).chain([UpdateStep::Done]).collect()
}
