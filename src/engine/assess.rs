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
use crate::desk::{Analysis, Assessment, Fault, Machine, ModelFacts, Scenario};

/// How many headers are read at a time.
const AT_ONCE: usize = 4;

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
    /// What every variant needs in the scenario, and which one to take. A header that cannot be read only makes the answer less precise.
    pub(super) async fn assess(&self, analysis: &Analysis, scenario: &Scenario) -> Assessment {
        let (known, machine) = futures::join!(self.known(analysis), self.machine.or(scenario.machine.clone()));
        analyze::assess(analysis, &known, machine, scenario)
    }

    async fn known<'a>(&self, analysis: &'a Analysis) -> Known<'a> {
        let read = |header: HeaderFile<'a>| async move { (header.model, self.read(analysis, &header).await) }.boxed();
        let reads: Vec<BoxFuture<_>> = analyze::header_files(analysis).into_iter().map(read).collect();
        let told: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
        let mut shards: BTreeMap<&str, Vec<ModelFacts>> = BTreeMap::new();
        for (model, facts) in told {
            shards.entry(model).or_default().extend(facts);
        }
        shards.into_iter().filter_map(|(model, shards)| Some((model, headers::together(shards)?))).collect()
    }

    /// What a header tells; `None` where it cannot be read.
    async fn read(&self, analysis: &Analysis, header: &HeaderFile<'_>) -> Option<ModelFacts> {
        let digest = header.file.digest.clone()?;
        let (kept, asked) = (self.headers.clone(), digest.clone());
        if let Ok(Some(facts)) = blocking(move || Ok(kept.find(&asked))).await {
            return Some(facts);
        }
        let told = self.ask(analysis, header).await.inspect_err(|fault| tracing::info!(%fault, path = header.file.path, "no header"));
        let facts = told.ok()?;
        let (kept, known) = (self.headers.clone(), facts.clone());
        let keep = move || {
            kept.keep(&digest, known);
            Ok(())
        };
        let _ = blocking(keep).await;
        Some(facts)
    }

    async fn ask(&self, analysis: &Analysis, header: &HeaderFile<'_>) -> Result<ModelFacts, Fault> {
        let HeaderFile { file, whole, .. } = header;
        let fetch = |range| self.hub.read_range(&analysis.repo, &analysis.commit, &file.path, range);
        if file.path.ends_with(".safetensors") {
            return headers::read_safetensors(file.size, headers::BUDGET, fetch).await;
        }
        let facts = headers::read_gguf(file.size, headers::BUDGET, fetch).await?;
        // A shard counts its own tensors only.
        Ok(if *whole { facts } else { ModelFacts { parameters: None, tensor_bytes: None, ..facts } })
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
