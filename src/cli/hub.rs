//! `hub`: a Hub served from this machine.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::values;

/// Flags of `hub`.
#[derive(Args, Debug)]
pub struct HubArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: HubCommand,
}

/// The verbs of `hub`.
#[derive(Subcommand, Debug)]
pub enum HubCommand {
    /// Serve a folder of repositories over the Hub's API
    #[command(after_help = "\
Examples:
  hfdesk-tui hub serve /data/models
  HF_ENDPOINT=http://127.0.0.1:8790 hf download owner/name")]
    Serve(ServeArgs),
}

/// Flags of `hub serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// The folder of the repositories: DIR/{models,datasets,spaces}/OWNER/NAME
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The address to listen on; large files come from the port after it
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8790")]
    pub bind: SocketAddr,
    /// The most bytes a second to send, such as 20M
    #[arg(long, value_name = "SPEED", value_parser = values::rate)]
    pub rate: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, parse};

    #[test]
    fn a_hub_listens_on_loopback_unless_told_otherwise() {
        let Some(Command::Hub(hub)) = parse("hfdesk-tui hub serve repos".split(' ')).ok().and_then(|cli| cli.command) else { panic!() };
        let HubCommand::Serve(serve) = hub.command;
        assert_eq!((serve.bind.to_string(), serve.dir), ("127.0.0.1:8790".to_owned(), PathBuf::from("repos")));
    }
}
