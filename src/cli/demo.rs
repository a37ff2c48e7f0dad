//! `demo`: the terminal app on an embedded Hub.

use std::path::PathBuf;

use clap::Args;

use super::{ScenarioArgs, values};

/// Flags of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// The speed of the sample Hub in bytes a second, such as 20M, so that downloads take a while
    #[arg(long, value_name = "SPEED", value_parser = values::rate)]
    pub rate: Option<u64>,
    /// What the app judges variants by.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// Keep the throwaway cache at the end and say where it is
    #[arg(long)]
    pub keep: bool,
    /// The folder to use instead of a new temporary one
    #[arg(long, hide = true, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
