//! The log file, for `--log`. Never the terminal: the app draws there.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::desk::Fault;
use crate::engine::host::create_dir;

/// Appends events of this level and above to `hfdesk.log` in the state folder.
pub(super) fn start(level: Option<LevelFilter>, state_dir: &Path) -> Result<(), Fault> {
    let Some(level) = level else { return Ok(()) };
    create_dir(state_dir)?;
    let path = state_dir.join("hfdesk.log");
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
    let file = opened.map_err(|error| Fault::disk(format!("write the log {}", path.display()), error))?;
    let filter = tracing_subscriber::filter::Targets::new().with_target("hfdesk_tui", level);
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(file));
    // Only the first start of a process can set the subscriber; a second one keeps it.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    Ok(())
}
