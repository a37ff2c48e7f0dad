//! The command line: one file per verb, and one value behind tables, JSON and quiet output.
//!
//! Owns the flags, what each verb asks of a [`Desk`](crate::desk::Desk) and how the answer is written. It must not know how work
//! is done: whoever calls [`run`] builds the desk, and everything that is printed goes through [`Output`].

mod analyze;
mod args;
mod cache;
mod cell;
mod completions;
mod demo;
mod download;
#[cfg(test)]
mod fake;
mod follow;
mod format;
mod hub;
mod jobs;
mod output;
mod plan;
mod progress;
mod record;
mod report;
mod run;
mod scenario;
mod search;
mod selection;
mod table;
mod text;
mod values;
mod view;

pub use analyze::AnalyzeArgs;
pub use args::{Cli, Command, DeskCommand, GlobalArgs, explain, parse};
pub use cache::{CacheArgs, CacheCommand};
pub use cell::Cell;
pub use completions::{CompletionsArgs, completions};
pub use demo::DemoArgs;
pub use download::DownloadArgs;
pub use format::{Format, FormatArgs};
pub use hub::{HubArgs, HubCommand, ServeArgs};
pub use jobs::{JobsArgs, JobsCommand};
pub use output::Output;
pub use plan::PlanArgs;
pub use record::Record;
pub use report::report;
pub use run::run;
pub use scenario::ScenarioArgs;
pub use search::SearchArgs;
pub use view::{Look, View};
