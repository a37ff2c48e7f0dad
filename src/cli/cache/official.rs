//! Flags of the official client's `hf cache` that say nothing new here, or that are answered with what to run instead.

use clap::Args;

use crate::desk::{Fault, FaultKind};

/// What takes `--dry-run` back.
#[derive(Args, Debug, Default)]
pub(super) struct NoDryRun {
    /// The opposite of --dry-run, as it is without any flag.
    #[arg(long = "no-dry-run", hide = true, overrides_with = "dry_run")]
    _no_dry_run: bool,
}

/// What takes flags of `ls` back.
#[derive(Args, Debug)]
pub(super) struct PlainListing {
    /// The opposite of --revisions, as it is without any flag.
    #[arg(long = "no-revisions", hide = true, overrides_with = "revisions")]
    _no_revisions: bool,
    /// The opposite of --show-warnings, as it is without any flag.
    #[arg(long = "no-show-warnings", hide = true, overrides_with = "show_warnings")]
    _no_show_warnings: bool,
}

/// What `verify` of the official client asks the Hub, or looks at outside the cache.
#[derive(Args, Debug)]
pub(super) struct BeyondTheCache {
    /// Files that the Hub has and the cache has not.
    #[arg(long, hide = true)]
    fail_on_missing_files: bool,
    /// Files that the cache has and the Hub has not.
    #[arg(long, hide = true)]
    fail_on_extra_files: bool,
    /// A plain folder.
    #[arg(long = "local-dir", hide = true, value_name = "DIR", value_parser = elsewhere)]
    _local_dir: Option<String>,
}

impl BeyondTheCache {
    /// Nothing of it: what is on the disk is compared with the digests that came with it, and what the Hub has now is another question.
    pub(super) fn must_be_nothing(&self) -> Result<(), Fault> {
        if !self.fail_on_missing_files && !self.fail_on_extra_files {
            return Ok(());
        }
        let message = "--fail-on-missing-files and --fail-on-extra-files compare with the Hub, which is not asked here";
        let hint = "leave them out; what the Hub has now is told by: hfdesk-tui cache updates, or run: hf cache verify";
        Err(Fault::new(FaultKind::Usage, message).hint(hint))
    }
}

fn elsewhere(_: &str) -> Result<String, String> {
    Err("only the cache is verified here; for a plain folder run: hf cache verify REPO --local-dir DIR".to_owned())
}
