//! The side that asks: a desk whose work is done by another process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::codec::{FramedRead, LinesCodec};
use tokio_util::io::StreamReader;

use super::LONGEST_MESSAGE;
use super::boards::Plans;
use crate::desk::{
    About, AnalyzeStep, Assessment, Board, CacheContents, CacheStep, Card, DeletionPlan, DeletionReport, DeletionTarget, Desk, Disposal,
    Fault, FaultKind, Finding, JobAction, JobId, LinkPlan, LinkReport, LinkRequest, MendReport, Notice, PageToken, Plan, RelocationPlan,
    RelocationStep, RepairReport, Reply, RepoKey, RepoRef, RestoreReport, Revisions, Scenario, SearchPage, SearchQuery, Selection, Target,
    TrashId, UpdateStep, VerifiedFile, VerifyStep, VerifyTarget,
};

/// A desk in another process of this machine.
#[derive(Clone)]
struct Remote {
    http: reqwest::Client,
    about: About,
}

/// The desk that is served on a Unix socket.
pub async fn attach(socket: &Path) -> Result<Arc<dyn Desk>, Fault> {
    let built = reqwest::Client::builder().unix_socket(socket).build();
    let http = built.map_err(|error| Fault::internal("no client for a Unix socket can be made").because(error))?;
    let response = http.get(address("about")).send().await.map_err(gone)?;
    let about = About { attached: true, ..response.json().await.map_err(gone)? };
    Ok(Arc::new(Remote { http, about }))
}

/// The host is a formality: the socket decides who answers.
fn address(name: &str) -> String {
    format!("http://hfdesk/desk/{name}")
}

fn gone(error: reqwest::Error) -> Fault {
    Fault::new(FaultKind::Busy, "the hfdesk-tui that runs the queue does not answer")
        .hint("end it and start again; what is on the disk is kept")
        .because(error)
}

impl Remote {
    fn ask<T: DeserializeOwned + Send + 'static>(&self, name: &str, arguments: impl Serialize) -> Reply<T> {
        let request = self.http.post(address(name)).json(&arguments);
        async move {
            let response = request.send().await.map_err(gone)?;
            if response.status().is_success() { response.json().await.map_err(gone) } else { Err(response.json().await.map_err(gone)?) }
        }
        .boxed()
    }

    /// The values of a stream of lines; it ends when the other process does.
    fn follow<T: DeserializeOwned + Send + 'static>(request: reqwest::RequestBuilder) -> BoxStream<'static, T> {
        let opened = async move {
            let body = request.send().await?.bytes_stream().map_err(std::io::Error::other);
            Ok::<_, reqwest::Error>(FramedRead::new(StreamReader::new(body), LinesCodec::new_with_max_length(LONGEST_MESSAGE)))
        };
        let lines = opened.into_stream().filter_map(|lines| std::future::ready(lines.ok())).flatten();
        let values = lines.map(|line| serde_json::from_str(&line.ok()?).ok());
        values.take_while(|value| std::future::ready(value.is_some())).filter_map(std::future::ready).boxed()
    }
}

impl Desk for Remote {
    fn about(&self) -> About {
        self.about.clone()
    }

    fn search(&self, query: SearchQuery, page: Option<PageToken>) -> Reply<SearchPage> {
        self.ask("search", (query, page))
    }

    fn analyze_in_steps(&self, repo: RepoRef) -> BoxStream<'static, AnalyzeStep> {
        Self::follow(self.http.post(address("analyze")).json(&(repo,)))
    }

    fn assess(&self, repo: RepoRef, scenario: Scenario) -> Reply<Assessment> {
        self.ask("assess", (repo, scenario))
    }

    fn card(&self, repo: RepoRef) -> Reply<Option<Card>> {
        self.ask("card", (repo,))
    }

    fn revisions(&self, repo: RepoRef) -> Reply<Revisions> {
        self.ask("revisions", (repo,))
    }

    fn plan(&self, selection: Selection) -> Reply<Plan> {
        self.ask("plan", (selection,))
    }

    fn enqueue(&self, plan: Plan) -> Reply<JobId> {
        self.ask("enqueue", (plan.for_a_job(),))
    }

    fn control(&self, action: JobAction, target: Target) -> Reply<Vec<JobId>> {
        self.ask("control", (action, target))
    }

    fn limit(&self, target: Target, bytes_per_second: Option<u64>) -> Reply<()> {
        self.ask("limit", (target, bytes_per_second))
    }

    fn cache_in_steps(&self) -> BoxStream<'static, CacheStep> {
        Self::follow(self.http.post(address("cache")))
    }

    fn contents(&self, repo: RepoKey) -> Reply<CacheContents> {
        self.ask("contents", (repo,))
    }

    fn plan_deletion(&self, targets: Vec<DeletionTarget>) -> Reply<DeletionPlan> {
        self.ask("plan_deletion", (targets,))
    }

    fn delete(&self, plan: DeletionPlan, disposal: Disposal) -> Reply<DeletionReport> {
        self.ask("delete", (plan, disposal))
    }

    fn restore(&self, id: TrashId) -> Reply<RestoreReport> {
        self.ask("restore", (id,))
    }

    fn empty_trash(&self, ids: Vec<TrashId>) -> Reply<u64> {
        self.ask("empty_trash", (ids,))
    }

    fn pin(&self, repo: RepoKey, pinned: bool) -> Reply<()> {
        self.ask("pin", (repo, pinned))
    }

    fn diagnose(&self) -> Reply<Vec<Finding>> {
        self.ask("diagnose", ())
    }

    fn mend(&self, findings: Vec<Finding>) -> Reply<MendReport> {
        self.ask("mend", (findings,))
    }

    fn plan_links(&self, request: LinkRequest) -> Reply<LinkPlan> {
        self.ask("plan_links", (request,))
    }

    fn link(&self, plan: LinkPlan) -> Reply<LinkReport> {
        self.ask("link", (plan,))
    }

    fn plan_relocation(&self, repo: RepoKey, to: Option<PathBuf>) -> Reply<RelocationPlan> {
        self.ask("plan_relocation", (repo, to))
    }

    fn relocate(&self, plan: RelocationPlan) -> BoxStream<'static, RelocationStep> {
        Self::follow(self.http.post(address("relocate")).json(&(plan,)))
    }

    fn verify(&self, targets: Vec<VerifyTarget>) -> BoxStream<'static, VerifyStep> {
        Self::follow(self.http.post(address("verify")).json(&(targets,)))
    }

    fn repair(&self, damaged: Vec<VerifiedFile>) -> Reply<RepairReport> {
        self.ask("repair", (damaged,))
    }

    fn updates(&self, repos: Vec<RepoKey>) -> BoxStream<'static, UpdateStep> {
        Self::follow(self.http.post(address("updates")).json(&(repos,)))
    }

    fn board(&self) -> BoxStream<'static, Arc<Board>> {
        let mut plans = Plans::default();
        Self::follow(self.http.get(address("board"))).map(move |packed| Arc::new(plans.unpack(packed))).boxed()
    }

    fn notices(&self) -> BoxStream<'static, Notice> {
        Self::follow(self.http.get(address("notices")))
    }

    /// Nothing to do: the work belongs to the other process and goes on there.
    fn close(&self) -> Reply<()> {
        std::future::ready(Ok(())).boxed()
    }
}
