//! The work behind the seam: a [`Desk`] over the network and the disk of this machine.
//!
//! Each folder owns one subject and knows only what its own documentation says; this module puts them together.

pub mod analyze;
mod assess;
pub mod cache;
mod card;
mod cleaning;
pub mod config;
mod contents;
pub mod digest;
mod download;
mod headers;
pub mod host;
pub mod hub;
pub mod job;
mod linking;
mod listing;
pub mod net;
mod others;
mod pins;
mod reading;
mod recent;
pub mod select;
pub mod transfer;
mod underway;
mod updates;
mod verified;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, stream};
use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::desk::{
    About, Access, Analysis, AnalyzeStep, Assessment, Board, CacheContents, CacheStep, Card, DeletionPlan, DeletionReport, DeletionTarget,
    Desk, Disposal, Fault, FaultKind, Finding, JobAction, JobId, LinkPlan, LinkReport, LinkRequest, MendReport, Notice, PageToken, Plan,
    RelocationPlan, RelocationStep, RepairReport, Reply, RepoKey, RepoRef, RestoreReport, Revisions, Scenario, SearchPage, SearchQuery,
    Selection, Target, TrashId, UpdateStep, VerifiedFile, VerifyStep, VerifyTarget,
};
use assess::{Assessor, ThisMachine};
use cache::Cache;
use cleaning::Cleaner;
use config::Settings;
use download::{Downloader, Turns, partial};
use headers::Headers;
use host::{Clock, FileLock, SystemClock, blocking, space};
use hub::{Hub, HubSettings};
use job::{Jobs, JobsSettings};
use net::Network;
use pins::Pins;
use recent::Recent;
use transfer::Mover;
use updates::Updates;
use verify::Verifier;

/// The engine of this process.
#[derive(Clone)]
pub struct Engine {
    about: About,
    hub: Hub,
    cache: Cache,
    places: cache::Places,
    verifier: Verifier,
    assessor: Assessor,
    recent: Arc<Recent>,
    network: Network,
    queue: Option<Queue>,
}

/// The queue of a state folder, which one process at a time may run.
#[derive(Clone)]
struct Queue {
    jobs: Jobs,
    _lock: Arc<FileLock>,
}

impl Engine {
    /// An engine that searches, analyses, plans and looks after the cache. It has no queue until [`Engine::run_queue`].
    pub fn open(settings: &Settings) -> Result<Self, Fault> {
        let network = Network::new(settings.network.clone())?;
        let hub = Hub::new(HubSettings {
            network: network.clone(),
            token: settings.token.as_ref().map(|token| token.value.clone()),
            offline: settings.offline.value,
            ..HubSettings::new(&settings.endpoint.value)
        })?;
        let about = About {
            endpoint: settings.endpoint.value.clone(),
            cache_dir: settings.cache_dir.value.clone(),
            has_token: settings.token.is_some(),
            offline: settings.offline.value,
            attached: false,
        };
        let cache = Cache::new(settings.cache_dir.value.clone())
            .with_local_roots(settings.local_roots.value.clone())
            .with_trash_kept(settings.trash_kept.value)
            .remembering_in(settings.state_dir.join("cache"));
        let verifier = Verifier { cache: cache.clone(), state_dir: settings.state_dir.clone() };
        let (headers, machine) = (Headers::in_state(&settings.state_dir, &settings.endpoint.value), Arc::new(ThisMachine::default()));
        let assessor = Assessor { hub: hub.clone(), headers, machine };
        let places = others::places(settings);
        Ok(Self { about, hub, cache, places, verifier, assessor, recent: Arc::new(Recent::default()), network, queue: None })
    }

    /// Loads the state folder's queue and runs it from now on.
    ///
    /// Fails with [`FaultKind::Busy`] while another process runs it.
    pub async fn run_queue(&mut self, settings: &Settings, clock: Arc<dyn Clock>) -> Result<(), Fault> {
        let lock = FileLock::try_acquire(&settings.state_dir.join("engine.lock"), 0o600)
            .map_err(|fault| fault.hint("the queue is kept there; choose another folder with XDG_STATE_HOME"))?
            .ok_or_else(|| busy(settings))?;
        let (network, blocks) = (self.network.clone(), Some(self.verifier.blocks()));
        let mover = Mover::new(transfer::Settings { network, blocks, ..transfer_settings(settings) })?;
        let (hub, cache) = (self.hub.clone(), self.cache.clone());
        let downloader = Downloader { hub, cache, mover, turns: Turns::default(), xet: settings.xet.value };
        let jobs = JobsSettings {
            state_dir: settings.state_dir.clone(),
            max_active: settings.max_active.value,
            disk_of: settings.cache_dir.value.clone(),
            schedule: settings.schedule.value.clone(),
            keep_free: settings.keep_free.value,
            zone: TimeZone::system(),
            clock,
        };
        let jobs = Jobs::start(jobs, Arc::new(downloader)).await?;
        let cleaner = self.cleaner();
        tokio::spawn(async move { cleaner.expire().await });
        self.queue = Some(Queue { jobs, _lock: Arc::new(lock) });
        Ok(())
    }

    /// Finishes deletions that were interrupted, for whoever is about to change the cache by what lies there. No engine does so by itself:
    /// somebody may only want to look.
    pub async fn tidy(&self) {
        self.cleaner().tidy().await;
    }

    fn jobs(&self) -> Result<Jobs, Fault> {
        let queue = self.queue.as_ref().ok_or_else(|| Fault::internal("this engine runs no queue"))?;
        Ok(queue.jobs.clone())
    }

    fn cleaner(&self) -> Cleaner {
        Cleaner { cache: self.cache.clone(), pins: self.pins() }
    }

    fn pins(&self) -> Pins {
        Pins::of(&self.verifier.state_dir, self.cache.root())
    }

    /// The queue as it is now, where this engine runs one.
    async fn board_now(&self) -> Option<Arc<Board>> {
        self.jobs().ok()?.board().next().await
    }

    async fn analyze_now(&self, repo: RepoRef, listed: &watch::Sender<usize>) -> Result<Arc<Analysis>, Fault> {
        let analysis = Arc::new(reading::read(&self.hub, repo, listed).await?);
        self.recent.remember(&analysis);
        Ok(analysis)
    }

    /// The analysis that a person looks at, if it is good enough, or a new one.
    async fn analyzed(&self, repo: &RepoRef, is_good: impl Fn(&Analysis) -> bool) -> Result<Arc<Analysis>, Fault> {
        match self.recent.find(repo).filter(|known| is_good(known)) {
            Some(analysis) => Ok(analysis),
            None => self.analyze_now(repo.clone(), &watch::Sender::default()).await,
        }
    }

    async fn assess_now(&self, repo: RepoRef, scenario: Scenario) -> Result<Assessment, Fault> {
        // Of any age: what is assessed is what the person looks at, and its commit does not change.
        let analysis = match self.recent.last(&repo) {
            Some(analysis) => analysis,
            None => self.analyze_now(repo, &watch::Sender::default()).await?,
        };
        self.assessor.assess(analysis, scenario).await
    }

    async fn plan_now(&self, selection: Selection) -> Result<Plan, Fault> {
        // A gate may have opened since; before it does, the Hub shows no digests.
        let analysis = self.analyzed(&selection.repo, |known| matches!(known.access, Access::Open | Access::Granted)).await?;
        let plan = passed(&analysis, select::plan(&analysis, &selection))?;
        let cache = self.cache.clone();
        blocking(move || with_what_is_here(&cache, plan)).await
    }

    /// The plan of a selection; where the Hub cannot be asked, by the listing that the cache has of it.
    async fn plan_or_listed(&self, selection: Selection) -> Result<Plan, Fault> {
        match self.plan_now(selection.clone()).await {
            Err(fault) if linking::is_out_of_reach(&fault) => {
                let cache = self.cache.clone();
                blocking(move || linking::plan_from_cache(&cache, &selection).unwrap_or(Err(fault))).await
            }
            planned => planned,
        }
    }

    async fn plan_links_now(&self, request: LinkRequest) -> Result<LinkPlan, Fault> {
        let (cache, request) = (self.cache.clone(), linking::in_usual_folder(request, &self.cache, &self.places));
        let LinkRequest::Adopt { selection, from, .. } = &request else {
            return blocking(move || cache.plan_links(&request)).await;
        };
        let plan = self.plan_or_listed(Selection { local_dir: None, ..selection.clone() }).await?;
        let sources = linking::sources(from.as_deref(), cache.local_roots(), &self.places);
        blocking(move || cache.plan_adoption(&request, plan, sources)).await
    }
}

/// The plan, or what bars its way: a missing permission shows before anything is queued, and before what follows from it.
fn passed(analysis: &Analysis, plan: Result<Plan, Fault>) -> Result<Plan, Fault> {
    let needs_access = |plan: &Plan| plan.files.iter().any(|file| hub::is_behind_gate(&file.path));
    match &analysis.barrier {
        Some(barrier) if plan.as_ref().map_or(true, needs_access) => Err(barrier.clone()),
        _ => plan,
    }
}

fn transfer_settings(settings: &Settings) -> transfer::Settings {
    let defaults = transfer::Settings::default();
    transfer::Settings {
        connections: settings.connections.value,
        total_connections: settings.total_connections.value,
        connect_timeout: settings.connect_timeout.value,
        stall_timeout: settings.stall_timeout.value,
        backoff: defaults.backoff.iter().map(|wait| (*wait).min(settings.longest_retry.value)).collect(),
        ..defaults
    }
}

fn busy(settings: &Settings) -> Fault {
    let message = format!("another hfdesk-tui runs the queue in {}", settings.state_dir.display());
    Fault::new(FaultKind::Busy, message).hint("use that one, or end it first")
}

/// The plan with what the disk holds of it already.
fn with_what_is_here(cache: &Cache, mut plan: Plan) -> Result<Plan, Fault> {
    let (place, elsewhere) = (cache.place(&plan)?, cache.elsewhere());
    let bare = place.is_bare();
    for file in &mut plan.files {
        file.held = match bare {
            _ if elsewhere.has_blob(file) => file.size,
            true => 0,
            false if place.held(file) => file.size,
            false => partial(&*place, file).held(file.size, &file.digest),
        };
    }
    plan.destination = place.dir();
    plan.disk_free = space(&plan.destination).ok().map(|space| space.free);
    Ok(plan)
}

impl Desk for Engine {
    fn about(&self) -> About {
        self.about.clone()
    }

    fn search(&self, query: SearchQuery, page: Option<PageToken>) -> Reply<SearchPage> {
        let hub = self.hub.clone();
        async move { hub.search(&query, page.as_ref()).await }.boxed()
    }

    fn analyze_in_steps(&self, repo: RepoRef) -> BoxStream<'static, AnalyzeStep> {
        let engine = self.clone();
        let (listing, listed) = watch::channel(0);
        reading::steps(async move { engine.analyze_now(repo, &listing).await.map(Arc::unwrap_or_clone) }, listed)
    }

    fn assess(&self, repo: RepoRef, scenario: Scenario) -> Reply<Assessment> {
        let engine = self.clone();
        async move { engine.assess_now(repo, scenario).await }.boxed()
    }

    fn card(&self, repo: RepoRef) -> Reply<Option<Card>> {
        let hub = self.hub.clone();
        async move { card::card(&hub, &repo).await }.boxed()
    }

    fn revisions(&self, repo: RepoRef) -> Reply<Revisions> {
        let hub = self.hub.clone();
        async move { hub.revisions(&repo).await }.boxed()
    }

    fn plan(&self, selection: Selection) -> Reply<Plan> {
        let engine = self.clone();
        async move { engine.plan_now(selection).await }.boxed()
    }

    fn enqueue(&self, plan: Plan) -> Reply<JobId> {
        let jobs = self.jobs();
        async move { jobs?.enqueue(plan).await }.boxed()
    }

    fn control(&self, action: JobAction, target: Target) -> Reply<Vec<JobId>> {
        let jobs = self.jobs();
        async move { jobs?.control(action, target).await }.boxed()
    }

    fn limit(&self, target: Target, bytes_per_second: Option<u64>) -> Reply<()> {
        let jobs = self.jobs();
        async move { jobs?.limit(target, bytes_per_second).await }.boxed()
    }

    fn cache_in_steps(&self) -> BoxStream<'static, CacheStep> {
        listing::steps(self.cache.clone(), self.pins(), self.places.clone())
    }

    fn contents(&self, repo: RepoKey) -> Reply<CacheContents> {
        let (cache, state_dir) = (self.cache.clone(), self.verifier.state_dir.clone());
        blocking(move || contents::contents(&cache, &state_dir, &repo)).boxed()
    }

    fn plan_deletion(&self, targets: Vec<DeletionTarget>) -> Reply<DeletionPlan> {
        let engine = self.clone();
        async move { engine.cleaner().plan(targets, engine.board_now().await).await }.boxed()
    }

    fn delete(&self, plan: DeletionPlan, disposal: Disposal) -> Reply<DeletionReport> {
        let engine = self.clone();
        async move { engine.cleaner().delete(plan, disposal, engine.board_now().await).await }.boxed()
    }

    fn restore(&self, id: TrashId) -> Reply<RestoreReport> {
        let cleaner = self.cleaner();
        async move { cleaner.restore(id).await }.boxed()
    }

    fn empty_trash(&self, ids: Vec<TrashId>) -> Reply<u64> {
        let cleaner = self.cleaner();
        async move { cleaner.empty_trash(ids).await }.boxed()
    }

    fn pin(&self, repo: RepoKey, pinned: bool) -> Reply<()> {
        let cleaner = self.cleaner();
        async move { cleaner.pin(repo, pinned).await }.boxed()
    }

    fn diagnose(&self) -> Reply<Vec<Finding>> {
        let cache = self.cache.clone();
        blocking(move || cache.diagnose(SystemClock.now())).boxed()
    }

    fn mend(&self, findings: Vec<Finding>) -> Reply<MendReport> {
        let engine = self.clone();
        async move { engine.cleaner().mend(findings, SystemClock.now(), engine.board_now().await).await }.boxed()
    }

    fn plan_links(&self, request: LinkRequest) -> Reply<LinkPlan> {
        let engine = self.clone();
        async move { engine.plan_links_now(request).await }.boxed()
    }

    fn link(&self, plan: LinkPlan) -> Reply<LinkReport> {
        let cache = self.cache.clone();
        blocking(move || cache.link(&plan)).boxed()
    }

    fn plan_relocation(&self, repo: RepoKey, to: Option<PathBuf>) -> Reply<RelocationPlan> {
        let cache = self.cache.clone();
        blocking(move || cache.plan_relocation(&repo, to.as_deref())).boxed()
    }

    fn relocate(&self, plan: RelocationPlan) -> BoxStream<'static, RelocationStep> {
        let engine = self.clone();
        let steps = async move { engine.cleaner().relocate(plan, engine.board_now().await) };
        steps.flatten_stream().boxed()
    }

    fn verify(&self, targets: Vec<VerifyTarget>) -> BoxStream<'static, VerifyStep> {
        self.verifier.verify(targets)
    }

    fn repair(&self, damaged: Vec<VerifiedFile>) -> Reply<RepairReport> {
        let verifier = self.verifier.clone();
        blocking(move || Ok(verifier.repair(damaged))).boxed()
    }

    fn updates(&self, repos: Vec<RepoKey>) -> BoxStream<'static, UpdateStep> {
        Updates::new(self.hub.clone(), self.cache.clone(), Arc::clone(&self.recent)).steps(repos)
    }

    fn board(&self) -> BoxStream<'static, Arc<Board>> {
        self.jobs().map_or_else(|_| stream::empty().boxed(), |jobs| jobs.board())
    }

    fn notices(&self) -> BoxStream<'static, Notice> {
        self.jobs().map_or_else(|_| stream::empty().boxed(), |jobs| jobs.notices())
    }

    fn close(&self) -> Reply<()> {
        let jobs = self.jobs();
        async move {
            match jobs {
                Ok(jobs) => jobs.close().await,
                Err(_) => Ok(()),
            }
        }
        .boxed()
    }
}
