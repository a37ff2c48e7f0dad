//! What a repository's variants need on a machine: reads the headers of its models over the Hub, and asks the machine what it has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};

use super::analyze::{self, HeaderFile, Known, headers};
use super::headers::Headers;
use super::host::{blocking, machine};
use super::hub::Hub;
use crate::desk::{Analysis, Assessment, Digest, Fault, Machine, ModelFacts, RepoFile, Scenario};

/// How many headers are read at a time.
const AT_ONCE: usize = 4;

/// How long an answer waits for headers.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long an answer about this machine holds: what is free on its cards changes.
const FRESH: Duration = Duration::from_secs(30);

/// Assesses repositories.
#[derive(Clone)]
pub(super) struct Assessor {
    pub(super) hub: Hub,
    pub(super) headers: Headers,
    pub(super) machine: Arc<ThisMachine>,
}

impl Assessor {
    /// What every variant needs in the scenario, and which one to take. A header that cannot be read, or not in time, only makes the answer
    /// less precise.
    pub(super) async fn assess(&self, analysis: Arc<Analysis>, scenario: Scenario) -> Result<Assessment, Fault> {
        let (known, machine) = futures::join!(self.known(&analysis), self.machine.or(scenario.machine.clone()));
        blocking(move || Ok(analyze::assess(&analysis, &known, machine, &scenario))).await
    }

    /// What the headers tell that came in time. Of a model whose shards are not all there, nothing.
    async fn known(&self, analysis: &Analysis) -> Known {
        let files = analyze::header_files(analysis);
        let reads: Vec<BoxFuture<_>> = files.iter().map(|header| self.read(analysis, *header).boxed()).collect();
        let in_time = stream::iter(reads).buffered(AT_ONCE).take_until(tokio::time::sleep(PATIENCE));
        let told: Vec<Option<ModelFacts>> = in_time.collect().await;
        let told = told.into_iter().chain(std::iter::repeat(None));
        let mut models: BTreeMap<&str, Option<Vec<ModelFacts>>> = BTreeMap::new();
        for (header, facts) in files.iter().zip(told) {
            let shards = models.entry(header.model).or_insert_with(|| Some(Vec::new()));
            *shards = shards.take().zip(facts).map(|(shards, facts)| shards.into_iter().chain([facts]).collect());
        }
        models.into_iter().filter_map(|(model, shards)| Some((model.to_owned(), headers::together(shards?)?))).collect()
    }

    /// What a header tells; `None` where it cannot be read.
    async fn read(&self, analysis: &Analysis, header: HeaderFile<'_>) -> Option<ModelFacts> {
        let digest = header.file.digest.clone()?;
        let (kept, asked) = (self.headers.clone(), digest.clone());
        let facts = match blocking(move || Ok(kept.find(&asked))).await {
            Ok(Some(facts)) => facts,
            _ => self.ask_and_keep(analysis, header.file, digest).await?,
        };
        // A shard counts its own tensors only.
        Some(if header.whole { facts } else { ModelFacts { parameters: None, tensor_bytes: None, ..facts } })
    }

    async fn ask_and_keep(&self, analysis: &Analysis, file: &RepoFile, digest: Digest) -> Option<ModelFacts> {
        let told = self.ask(analysis, file).await.inspect_err(|fault| tracing::info!(%fault, path = file.path, "no header"));
        let facts = told.ok()?;
        let (kept, known) = (self.headers.clone(), facts.clone());
        let keep = move || {
            kept.keep(&digest, known);
            Ok(())
        };
        let _ = blocking(keep).await;
        Some(facts)
    }

    async fn ask(&self, analysis: &Analysis, file: &RepoFile) -> Result<ModelFacts, Fault> {
        let fetch = |range| self.hub.read_range(&analysis.repo, &analysis.commit, &file.path, range);
        if file.path.ends_with(".safetensors") {
            return headers::read_safetensors(file.size, headers::BUDGET, fetch).await;
        }
        headers::read_gguf(file.size, headers::BUDGET, fetch).await
    }
}

/// What this machine offers, asked again when the answer has grown old.
#[derive(Debug, Default)]
pub(super) struct ThisMachine(Mutex<Option<(Instant, Machine)>>);

impl ThisMachine {
    /// The machine given, else this one.
    async fn or(self: &Arc<Self>, other: Option<Machine>) -> Machine {
        if let Some(machine) = other {
            return machine;
        }
        let this = Arc::clone(self);
        blocking(move || Ok(this.ask())).await.unwrap_or_default()
    }

    /// Waits for the programs that tell. Those who ask at the same time wait for one answer.
    fn ask(&self) -> Machine {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, machine)) = &*known
            && at.elapsed() < FRESH
        {
            return machine.clone();
        }
        let machine = machine();
        *known = Some((Instant::now(), machine.clone()));
        machine
    }
}
