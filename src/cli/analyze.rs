//! `analyze`: what a repository offers.

use std::collections::HashMap;

use clap::Args;
use serde_json::json;

use super::cell::Cell;
use super::format::FormatArgs;
use super::output::Output;
use super::record::{Record, Sheet};
use super::scenario::ScenarioArgs;
use super::table::{Column, Table};
use super::values;
use super::view::View;
use crate::desk::{
    Access, Analysis, Assessed, Assessment, Desk, Fault, Fit, FitVerdict, ModelFacts, RepoFile, RepoKind, RepoSpec, Revision, Variant,
};

/// Flags of `analyze`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui analyze Qwen/Qwen3-8B-GGUF
  hfdesk-tui analyze Qwen/Qwen3-8B-GGUF --gpu 2x24G --context 32k
  hfdesk-tui analyze https://huggingface.co/openai/whisper-large-v3 --json")]
pub struct AnalyzeArgs {
    /// owner/name, owner/name@REV, an hf:// URI or a Hub page's URL
    #[arg(value_parser = values::repo)]
    repo: RepoSpec,
    /// A branch, a tag or a commit [default: main]
    #[arg(long, value_name = "REV", value_parser = values::revision)]
    revision: Option<Revision>,
    /// What REPO is
    #[arg(long = "type", alias = "repo-type", value_name = "TYPE", value_parser = values::kind(), default_value = "model")]
    kind: RepoKind,
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    pub(super) output: FormatArgs,
}

/// A variant with what it needs.
struct Row {
    variant: Variant,
    assessed: Assessed,
    recommended: bool,
}

const VARIANTS: [Column<Row>; 10] = [
    Column::shown("variant", |row| Cell::text(&row.variant.id)),
    Column::json("label", |row| Cell::text(&row.variant.label)),
    Column::shown("category", |row| Cell::text(&row.variant.category)),
    Column::shown("files", |row| Cell::new(row.variant.files.len().to_string(), row.variant.files.clone()).flush_right()),
    Column::json("companions", |row| Cell::list(&row.variant.companions)),
    Column::shown("size", |row| Cell::bytes(row.variant.size)),
    Column::known("bpw", |row| Cell::maybe(row.assessed.bits_per_weight, bits)),
    Column::known("needs", |row| Cell::maybe(row.assessed.fit.as_ref(), |fit| Cell::bytes(fit.needs))),
    Column::known("fit", |row| Cell::maybe(row.assessed.fit.as_ref(), fit)),
    Column::known("recommended", |row| Cell::new(if row.recommended { "take this" } else { "" }, row.recommended)),
];

fn bits(bits: f64) -> Cell {
    Cell::new(format!("{bits:.1}"), bits).flush_right()
}

fn fit(fit: &Fit) -> Cell {
    let (cards, layers, of) = match fit.verdict {
        FitVerdict::AcrossGpus { cards } => (Some(cards), None, None),
        FitVerdict::Offload { layers, of } => (None, Some(layers), of),
        _ => (None, None, None),
    };
    let value = json!({
        "verdict": fit.verdict.name(), "cards": cards, "layers_on_cards": layers, "layers": of,
        "needs": fit.needs, "weights": fit.weights, "cache": fit.cache, "overhead": fit.overhead, "reason": fit.reason,
    });
    Cell::new(fit.verdict.to_string(), value)
}

const FILES: [Column<RepoFile>; 3] = [
    Column::shown("path", |file| Cell::text(&file.path)),
    Column::shown("size", |file| Cell::bytes(file.size)),
    Column::shown("digest", |file| Cell::maybe(file.digest.as_ref(), |digest| Cell::text(digest.hex()))),
];

pub(super) async fn run(desk: &dyn Desk, args: &AnalyzeArgs, out: &mut Output) -> Result<(), Fault> {
    let scenario = args.scenario.scenario()?;
    if !args.repo.filters.is_empty() || args.repo.file.is_some() {
        out.warning("analyze shows the whole repository; see what a part of it would take with plan");
    }
    let spec = args.repo.clone().on(&desk.about().endpoint)?.at(args.revision.clone())?;
    let analysis = desk.analyze(spec.repo(args.kind)).await?;
    let assessment = desk.assess(analysis.repo.clone(), scenario).await?;
    out.show(&sheet(&analysis, &assessment))?;
    if let Some(hint) = way_in(&analysis) {
        out.hint(hint);
    }
    if assessment.recommended.is_some() && analysis.barrier.is_none() {
        let repo = &analysis.repo;
        let kind = if repo.kind == RepoKind::Model { String::new() } else { format!(" --type {}", repo.kind) };
        let revision = if repo.revision == Revision::default() { String::new() } else { format!(" --revision {}", repo.revision) };
        let judged = args.scenario.line();
        out.hint(&format!("see what a download would do with: hfdesk-tui plan {}{kind}{revision} --recommended{judged}", repo.id));
    }
    Ok(())
}

fn sheet(analysis: &Analysis, assessment: &Assessment) -> Sheet {
    let assessed: HashMap<&str, &Assessed> = assessment.variants.iter().map(|assessed| (assessed.variant.as_str(), assessed)).collect();
    let row = |variant: &Variant| Row {
        variant: variant.clone(),
        assessed: assessed.get(variant.id.as_str()).copied().cloned().unwrap_or_default(),
        recommended: assessment.recommends(&variant.id),
    };
    let rows: Vec<Row> = analysis.variants.iter().map(row).collect();
    Sheet { record: record(analysis, assessment), tables: vec![("variants", Table::new(&VARIANTS, &rows))] }
}

fn record(analysis: &Analysis, assessment: &Assessment) -> Record {
    let repo = &analysis.repo;
    let record = Record::about(format!("{} at {}", repo.id, repo.revision))
        .json_field("repo_id", Cell::text(repo.id.as_str()))
        .json_field("repo_type", Cell::text(repo.kind.name()))
        .json_field("revision", Cell::text(repo.revision.as_str()))
        .field("commit", Cell::text(&analysis.commit))
        .field("type", Cell::text(analysis.repo_type.name()))
        .field("access", Cell::new(access(analysis), json!(analysis.access)))
        .json_field("barrier", Cell::new("", json!(analysis.barrier)))
        .field("files", Cell::new(analysis.files.len().to_string(), Table::new(&FILES, &analysis.files).json()))
        .field("size", Cell::bytes(analysis.size()))
        .field("downloads", Cell::count(analysis.downloads))
        .field("likes", Cell::count(analysis.likes))
        .field("last_modified", Cell::maybe(analysis.last_modified, Cell::time))
        .field("task", Cell::maybe(analysis.task.as_ref(), Cell::text))
        .field("license", Cell::maybe(analysis.license.as_ref(), Cell::text))
        .field("base_models", Cell::list(&analysis.base_models))
        .json_field("rest", Cell::list(&analysis.rest));
    judged(record, assessment)
}

/// Adds what its variants were judged by; people see it where there is a model to judge.
fn judged(record: Record, assessment: &Assessment) -> Record {
    let field = if assessment.judges() { Record::field } else { Record::json_field };
    let machine = Cell::new(assessment.machine.to_string(), json!(assessment.machine));
    let record = field(record, "model", model(&assessment.model));
    let record = field(record, "machine", machine);
    let record = field(record, "context", context(assessment));
    let reason = Cell::maybe(assessment.recommended.as_ref(), |one| Cell::new(&one.reason, json!(one)));
    let field = if assessment.recommended.is_some() { Record::field } else { Record::json_field };
    field(record.json_field("cache_type", Cell::text(assessment.cache_type.name())), "recommended", reason)
}

fn context(assessment: &Assessment) -> Cell {
    let text = match assessment.context {
        0 => "-".to_owned(),
        tokens => format!("{tokens} tokens, {}", assessment.cache_type.name()),
    };
    Cell::new(text, assessment.context)
}

/// The model as its header tells. What each layer keeps is left out: programs have its sum in every variant's fit.
fn model(facts: &ModelFacts) -> Cell {
    let value = json!({
        "architecture": facts.architecture, "parameters": facts.parameters, "context_length": facts.context_length,
        "layers": (!facts.layers.is_empty()).then_some(facts.layers.len()), "embedding_length": facts.embedding_length,
        "vocabulary": facts.vocabulary, "heads": facts.heads, "experts": facts.experts, "chat_template": facts.chat_template,
    });
    let text = facts.to_string();
    Cell::new(if text.is_empty() { "-" } else { &text }, value)
}

/// Whether files may be downloaded, and why not.
fn access(analysis: &Analysis) -> &str {
    match (&analysis.barrier, analysis.access) {
        (Some(barrier), _) => &barrier.message,
        (None, Access::Open) => "open",
        (None, Access::Gated) => "gated: needs an accepted agreement",
        (None, Access::GatedManual) => "gated: needs the owner's approval",
        (None, Access::Granted) => "gated: access granted to this token",
    }
}

/// What to do before a download can succeed.
fn way_in(analysis: &Analysis) -> Option<&str> {
    match (&analysis.barrier, analysis.access) {
        (Some(barrier), _) => barrier.hint.as_deref(),
        (None, Access::Open | Access::Granted) => None,
        (None, _) => Some("the repository is gated: accept its agreement on its page before you download"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cli::fake::{FakeDesk, three_ways};

    #[test]
    fn an_analysis_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&Arc::new(FakeDesk::new()), "analyze Qwen/Qwen3-8B-GGUF"));
    }
}
