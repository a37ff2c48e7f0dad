//! `hub serve`: a Hub on this machine, until asked to end.

use crate::cli::{HubArgs, HubCommand, Output, ServeArgs};
use crate::desk::Fault;
use crate::hubserver::{HubConfig, HubServer};

pub(super) async fn run(args: HubArgs, out: &mut Output) -> Result<(), Fault> {
    let HubCommand::Serve(args) = args.command;
    let server = HubServer::start(config(&args)).await?;
    let repositories = server.repositories().await?;
    out.note(&format!("Serving {repositories} repositories of {} at {}", args.dir.display(), server.endpoint()));
    out.note(&format!("Large files come from {}, which clients must reach, too", server.cdn_endpoint()));
    if repositories == 0 {
        out.warning("there is nothing to serve: repositories are looked for in DIR/models, DIR/datasets and DIR/spaces, as OWNER/NAME");
    }
    out.hint(&format!("HF_ENDPOINT={} hf download OWNER/NAME; Ctrl-C ends", server.endpoint()));
    super::signals::asked_to_end().await;
    server.stop().await;
    Ok(())
}

fn config(args: &ServeArgs) -> HubConfig {
    HubConfig { bind: args.bind, rate: args.rate, ..HubConfig::new(args.dir.clone()) }
}
