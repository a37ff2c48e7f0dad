//! The seam between the faces (terminal app, command line, API) and whatever does the work.
//!
//! Owns the [`Desk`] trait and the domain's words. It performs no I/O and knows neither a runtime, the network,
//! the disk's layout nor the shapes of any wire. Every value here can be written as JSON and read back, so that a
//! desk in another process is as good as one in this one.

mod analysis;
mod assessment;
mod board;
mod cache;
mod cache_filter;
mod card;
mod contents;
mod deletion;
mod diagnosis;
mod digest;
mod fault;
mod fit;
mod globs;
mod job;
mod links;
mod machine;
mod model;
mod naming;
mod other_store;
mod plan;
mod relocation;
mod repo;
mod revisions;
mod schedule;
mod search;
mod size;
mod spec;
mod text;
mod trash;
mod updates;
mod verify;
mod yaml;

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};

pub use analysis::{Access, Analysis, AnalyzeStep, RepoFile, RepoType, Variant};
pub use assessment::{Assessed, Assessment, Scenario};
pub use board::{Board, Disk, Notice, NoticeLevel};
pub use cache::{CacheListing, CacheStep, CachedRepo, CachedRevision, Leftover, LeftoverKind, OrphanPayload, RepoKey};
pub use cache_filter::CacheFilter;
pub use card::{Card, CardFacts, front_matter};
pub use contents::{CacheContents, CachedBlob, CachedFile, CachedSnapshot, CachedVariant};
pub use deletion::{DeletionPlan, DeletionReport, DeletionTarget, Disposal, OpenFile};
pub use diagnosis::{Finding, MendReport, Severity, Trouble};
pub use digest::Digest;
pub use fault::{Fault, FaultKind};
pub use fit::{CacheType, Fit, FitVerdict, Recommendation};
pub use globs::Globs;
pub use job::{FileProgress, Job, JobAction, JobId, JobState, Phase, Progress, Target};
pub use links::{LinkAction, LinkFor, LinkHow, LinkName, LinkPlan, LinkReport, LinkRequest};
pub use machine::{Gpu, Machine};
pub use model::{Experts, LayerCache, ModelFacts};
pub use naming::alike;
pub use other_store::{Keeper, OtherKind, OtherModel, OtherStore};
pub use plan::{Choice, LeftFile, Plan, PlannedFile, Selection};
pub use relocation::{RelocationPlan, RelocationReport, RelocationStep};
pub use repo::{RepoId, RepoKind, RepoRef, Revision};
pub use revisions::{Commit, NamedRevision, Revisions};
pub use schedule::{Schedule, SpeedLimit};
pub use search::{Hit, PageToken, SearchPage, SearchQuery, Sort};
pub use size::{bytes, parse_bytes, parse_cards, parse_speed, speed};
pub use spec::RepoSpec;
pub use text::{beginning, printable, safe_path};
pub use trash::{RestoreReport, TrashEntry, TrashId};
pub use updates::{FileChange, FileVersion, HeldFile, Update, UpdateStep, UpdateVerdict};
pub use verify::{Quarantined, RepairReport, Verdict, VerifiedFile, VerifyProgress, VerifyReport, VerifyStep, VerifyTarget};

/// The future in which a desk answers one request.
pub type Reply<T> = BoxFuture<'static, Result<T, Fault>>;

/// Where a desk works: facts that do not change while it lives.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct About {
    /// The Hub's base URL, without a trailing slash.
    pub endpoint: String,
    /// The Hugging Face cache that downloads go to (what `HF_HUB_CACHE` names).
    pub cache_dir: std::path::PathBuf,
    /// Whether requests carry a token.
    pub has_token: bool,
    /// Whether the network is left alone (`HF_HUB_OFFLINE`).
    pub offline: bool,
    /// Whether another process does the work, so that it goes on when this one ends.
    pub attached: bool,
}

/// Everything a face can ask for: the one seam between what people see and what does the work.
///
/// Requests answer with a value or a [`Fault`]; progress is read from [`Desk::board`] and outcomes from
/// [`Desk::notices`].
pub trait Desk: Send + Sync {
    /// Where this desk works.
    fn about(&self) -> About;

    /// One page of repositories that match a query; pass [`SearchPage::next`] to go on.
    fn search(&self, query: SearchQuery, page: Option<PageToken>) -> Reply<SearchPage>;

    /// What a repository offers at one commit. The stream tells how many files have been listed and ends with the analysis.
    fn analyze_in_steps(&self, repo: RepoRef) -> BoxStream<'static, AnalyzeStep>;

    /// What a repository offers at one commit.
    fn analyze(&self, repo: RepoRef) -> Reply<Analysis> {
        last_step(self.analyze_in_steps(repo)).boxed()
    }

    /// What the variants of a repository need in a scenario, and which one to take. May read the headers of its models over the network.
    fn assess(&self, repo: RepoRef, scenario: Scenario) -> Reply<Assessment>;

    /// The card of a repository: what its `README.md` says at one commit. `None` where it has none.
    fn card(&self, repo: RepoRef) -> Reply<Option<Card>>;

    /// The branches and tags of a repository, and the newest commits that led to its revision.
    fn revisions(&self, repo: RepoRef) -> Reply<Revisions>;

    /// What downloading a selection would do. Nothing is changed.
    fn plan(&self, selection: Selection) -> Reply<Plan>;

    /// Queues a plan; downloading begins when its turn comes and the disk has room for the whole queue.
    ///
    /// A plan that an unfinished job already carries out is not queued twice: that job's id is the answer.
    fn enqueue(&self, plan: Plan) -> Reply<JobId>;

    /// Applies an action to the jobs named and answers with those it changed.
    fn control(&self, action: JobAction, target: Target) -> Reply<Vec<JobId>>;

    /// Limits the speed in bytes a second, at once; `None` lifts the limit.
    ///
    /// For [`Target::Jobs`] the limit is each job's own and stays with it. For [`Target::All`] it is the one that all transfers
    /// share, and holds until the schedule sets another.
    fn limit(&self, target: Target, bytes_per_second: Option<u64>) -> Reply<()>;

    /// What the cache holds. The stream tells repositories as they are found and ends with everything.
    fn cache_in_steps(&self) -> BoxStream<'static, CacheStep>;

    /// What the cache holds.
    fn cache(&self) -> Reply<CacheListing> {
        whole_cache(self.cache_in_steps()).boxed()
    }

    /// What is in one cached repository, down to its files.
    fn contents(&self, repo: RepoKey) -> Reply<CacheContents>;

    /// What deleting these would remove and free. Nothing is changed.
    ///
    /// What is pinned, what an unfinished job needs and what is not there is a fault.
    fn plan_deletion(&self, targets: Vec<DeletionTarget>) -> Reply<DeletionPlan>;

    /// Carries out a deletion plan, after checking that it still holds.
    fn delete(&self, plan: DeletionPlan, disposal: Disposal) -> Reply<DeletionReport>;

    /// Brings back what one deletion put into the trash, as far as that can be; nothing is overwritten, and where nothing can come back
    /// the answer is a fault.
    fn restore(&self, id: TrashId) -> Reply<RestoreReport>;

    /// Empties these out of the trash, or all of it where none are named. Answers with the bytes that came free.
    fn empty_trash(&self, ids: Vec<TrashId>) -> Reply<u64>;

    /// Protects a repository from deletion, or lifts that.
    fn pin(&self, repo: RepoKey, pinned: bool) -> Reply<()>;

    /// What is wrong with the cache, the worst first. Nothing is changed.
    fn diagnose(&self) -> Reply<Vec<Finding>>;

    /// Mends what was found, as far as it can be mended and is still so.
    fn mend(&self, findings: Vec<Finding>) -> Reply<MendReport>;

    /// What linking would do: names for cached files where other programs look, or files of theirs for the cache. Nothing is changed.
    fn plan_links(&self, request: LinkRequest) -> Reply<LinkPlan>;

    /// Carries out a plan, after checking that it still holds. Nothing is overwritten, and only what was made here is taken away.
    fn link(&self, plan: LinkPlan) -> Reply<LinkReport>;

    /// What moving a repository's files would do: into a folder of its name below `to`, or back into the cache where there is none. Nothing is
    /// changed.
    fn plan_relocation(&self, repo: RepoKey, to: Option<std::path::PathBuf>) -> Reply<RelocationPlan>;

    /// Carries out a plan, after checking that it still holds. Every blob is compared with its digest on the way, and the cache has the
    /// repository at every instant.
    ///
    /// The stream tells progress several times a second and ends with what came of it. Dropping it ends the work at once; asked for again,
    /// it goes on.
    fn relocate(&self, plan: RelocationPlan) -> BoxStream<'static, RelocationStep>;

    /// Reads cached files and compares them with their digests: these, or the whole cache where none are named. Nothing in the cache is changed.
    ///
    /// The stream tells progress several times a second and ends with what came of it. Dropping it ends the work at once.
    fn verify(&self, targets: Vec<VerifyTarget>) -> BoxStream<'static, VerifyStep>;

    /// Sets damaged files aside, after reading them again under their locks, so that the next download fetches what is wrong in them.
    ///
    /// Where block digests were kept when a file was downloaded, only its damaged blocks will be fetched.
    fn repair(&self, damaged: Vec<VerifiedFile>) -> Reply<RepairReport>;

    /// Which cached branches and tags have a newer commit on the Hub, and whether the files that are held changed: of these repositories,
    /// or of the whole cache where none are named. Nothing is changed.
    ///
    /// The stream tells each repository as the Hub answers. What was found of one of them is no fault of the others.
    fn updates(&self, repos: Vec<RepoKey>) -> BoxStream<'static, UpdateStep>;

    /// The newest state of queue and disk, now and after every change, at most ten a second; a slow reader skips states.
    fn board(&self) -> BoxStream<'static, Arc<Board>>;

    /// Outcomes in order and without loss, from now on.
    fn notices(&self) -> BoxStream<'static, Notice>;

    /// Ends the work in order: running transfers are checkpointed, the queue is saved; then the reply comes.
    fn close(&self) -> Reply<()>;
}

/// The end of reading the cache.
async fn whole_cache(mut steps: BoxStream<'static, CacheStep>) -> Result<CacheListing, Fault> {
    loop {
        match steps.next().await.unwrap_or_else(CacheStep::broken_off) {
            CacheStep::Found(_) => {}
            CacheStep::Done(listing) => return Ok(*listing),
            CacheStep::Failed(fault) => return Err(fault),
        }
    }
}

/// The end of an analysis.
async fn last_step(mut steps: BoxStream<'static, AnalyzeStep>) -> Result<Analysis, Fault> {
    loop {
        match steps.next().await.unwrap_or_else(AnalyzeStep::broken_off) {
            AnalyzeStep::Listed(_) => {}
            AnalyzeStep::Done(analysis) => return Ok(*analysis),
            AnalyzeStep::Failed(fault) => return Err(fault),
        }
    }
}
