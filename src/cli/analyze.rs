//! `analyze`: what a repository offers.

use clap::Args;
use serde_json::json;

use super::cell::Cell;
use super::format::FormatArgs;
use super::output::Output;
use super::record::{Record, Sheet};
use super::table::{Column, Table};
use super::values;
use super::view::View;
use crate::desk::{Access, Analysis, Desk, Fault, RepoFile, RepoKind, RepoSpec, Revision, Variant};

/// Flags of `analyze`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui analyze Qwen/Qwen3-8B-GGUF
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
    pub(super) output: FormatArgs,
}

const VARIANTS: [Column<Variant>; 6] = [
    Column::shown("variant", |variant| Cell::text(&variant.id)),
    Column::json("label", |variant| Cell::text(&variant.label)),
    Column::shown("category", |variant| Cell::text(&variant.category)),
    Column::shown("files", |variant| Cell::new(variant.files.len().to_string(), variant.files.clone()).flush_right()),
    Column::json("companions", |variant| Cell::list(&variant.companions)),
    Column::shown("size", |variant| Cell::bytes(variant.size)),
];

const FILES: [Column<RepoFile>; 3] = [
    Column::shown("path", |file| Cell::text(&file.path)),
    Column::shown("size", |file| Cell::bytes(file.size)),
    Column::shown("digest", |file| Cell::maybe(file.digest.as_ref(), |digest| Cell::text(digest.hex()))),
];

pub(super) async fn run(desk: &dyn Desk, args: &AnalyzeArgs, out: &mut Output) -> Result<(), Fault> {
    let spec = args.repo.clone().on(&desk.about().endpoint)?.at(args.revision.clone())?;
    let analysis = desk.analyze(spec.repo(args.kind)).await?;
    out.show(&sheet(&analysis))?;
    if analysis.access != Access::Open {
        out.hint("the repository is gated: accept its agreement on its page before you download");
    }
    if let Some(quantization) = analysis.variants.iter().find(|variant| variant.category == "quantization") {
        let (repo, label) = (&analysis.repo, &quantization.label);
        let revision = if repo.revision == Revision::default() { String::new() } else { format!(" --revision {}", repo.revision) };
        out.hint(&format!("see what a download would do with: hfdesk-tui plan {}:{label}{revision}", repo.id));
    }
    Ok(())
}

fn sheet(analysis: &Analysis) -> Sheet {
    Sheet { record: record(analysis), key: "variants", table: Table::new(&VARIANTS, &analysis.variants) }
}

fn record(analysis: &Analysis) -> Record {
    let repo = &analysis.repo;
    Record::about(format!("{} at {}", repo.id, repo.revision))
        .json_field("repo_id", Cell::text(repo.id.as_str()))
        .json_field("repo_type", Cell::text(repo.kind.name()))
        .json_field("revision", Cell::text(repo.revision.as_str()))
        .field("commit", Cell::text(&analysis.commit))
        .field("type", Cell::text(analysis.repo_type.name()))
        .field("access", Cell::new(access(analysis.access), json!(analysis.access)))
        .field("files", Cell::new(analysis.files.len().to_string(), Table::new(&FILES, &analysis.files).json()))
        .field("size", Cell::bytes(analysis.size()))
        .field("downloads", Cell::count(analysis.downloads))
        .field("likes", Cell::count(analysis.likes))
        .field("last_modified", Cell::maybe(analysis.last_modified, Cell::time))
        .field("task", Cell::maybe(analysis.task.as_ref(), Cell::text))
        .field("license", Cell::maybe(analysis.license.as_ref(), Cell::text))
        .field("base_models", Cell::list(&analysis.base_models))
        .json_field("rest", Cell::list(&analysis.rest))
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Open => "open",
        Access::Gated => "gated: needs an accepted agreement",
        Access::GatedManual => "gated: needs the owner's approval",
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
