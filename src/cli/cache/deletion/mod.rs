//! From targets to a deletion: planned, shown, asked about, carried out and told.

mod tally;
mod told;

use clap::Args;

use super::official::NoDryRun;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::record::Record;
use crate::cli::text::counted;
use crate::cli::view::{Look, View};
use crate::desk::{self, CacheListing, DeletionPlan, DeletionReport, Desk, Disposal, Fault, FaultKind};
use tally::Tally;
use told::{Outcome, Preview};

/// How a deletion goes.
#[derive(Args, Debug)]
pub struct HowArgs {
    /// Delete without asking
    #[arg(short, long)]
    yes: bool,
    /// Show what would be deleted and change nothing
    #[arg(long, overrides_with = "_no_dry_run")]
    dry_run: bool,
    #[command(flatten)]
    _no_dry_run: NoDryRun,
    /// Move it to the trash instead, from where it can be brought back; its bytes come free when that is emptied
    #[arg(long)]
    trash: bool,
}

impl HowArgs {
    /// For good, and without asking where that was answered already.
    pub(super) fn forever(yes: bool) -> Self {
        Self { yes, dry_run: false, _no_dry_run: NoDryRun::default(), trash: false }
    }

    /// Whether anything is to be changed.
    pub(super) fn changes(&self) -> bool {
        !self.dry_run
    }

    fn disposal(&self) -> Disposal {
        if self.trash { Disposal::Trash } else { Disposal::Forever }
    }
}

/// Shows a plan and, if it is to be, carries it out.
pub(super) async fn carry_out(
    desk: &dyn Desk,
    cache: &CacheListing,
    plan: DeletionPlan,
    how: &HowArgs,
    out: &mut Output,
) -> Result<(), Fault> {
    let tally = Tally::of(&plan, cache);
    if how.dry_run {
        return out.show(&Preview { plan: &plan, cache, tally: &tally, disposal: how.disposal() });
    }
    let report = deleted(desk, cache, &plan, how, out).await?;
    out.show(&Outcome { plan: &plan, cache, tally: &tally, disposal: how.disposal(), report: &report })?;
    undo(&report, out);
    failures(&report, out)
}

/// Carries a plan out, after asking where that is wanted, and leaves the telling to the caller.
pub(super) async fn deleted(
    desk: &dyn Desk,
    cache: &CacheListing,
    plan: &DeletionPlan,
    how: &HowArgs,
    out: &mut Output,
) -> Result<DeletionReport, Fault> {
    if !how.yes && !confirmed(plan, cache, how.disposal(), out).await? {
        return Err(Fault::new(FaultKind::Declined, "nothing was deleted"));
    }
    open_files(plan, out);
    if let Some(spoils) = told::spoils(plan, how.disposal()) {
        out.warning(&spoils);
    }
    out.commit();
    desk.delete(plan.clone(), how.disposal()).await
}

/// Warns of programs that keep the bytes from coming free.
fn open_files(plan: &DeletionPlan, out: &mut Output) {
    for file in &plan.open_files {
        let (path, program) = (file.path.display(), &file.program);
        out.warning(&format!("{program} ({}) has {path} open; its bytes come free when it closes the file", file.pid));
    }
}

/// A plan that deletes nothing.
pub(super) fn empty(cache: &CacheListing) -> DeletionPlan {
    DeletionPlan::nothing(cache.root.clone())
}

/// Tells that there is nothing to delete: people in a sentence, programs as they are told of anything else.
pub(super) fn nothing(cache: &CacheListing, how: &HowArgs, out: &mut Output) -> Result<(), Fault> {
    let (plan, tally, disposal) = (empty(cache), Tally::default(), how.disposal());
    match out.format() {
        Format::Human => out.show(&Record::about("Nothing to delete.")),
        _ if how.dry_run => out.show(&Preview { plan: &plan, cache, tally: &tally, disposal }),
        _ => out.show(&Outcome { plan: &plan, cache, tally: &tally, disposal, report: &DeletionReport::default() }),
    }
}

/// Shows a person the plan beside the question: standard output is for the outcome.
async fn confirmed(plan: &DeletionPlan, cache: &CacheListing, disposal: Disposal, out: &mut Output) -> Result<bool, Fault> {
    let tally = Tally::of(plan, cache);
    if out.format() == Format::Human {
        let text = Preview { plan, cache, tally: &tally, disposal }.human(Look::default());
        text.lines().for_each(|line| out.note(line));
    }
    let bytes = desk::bytes(plan.frees);
    let question = match disposal {
        Disposal::Forever => format!("Delete {tally} and free {bytes}?"),
        Disposal::Trash => format!("Move {tally} to the trash? {bytes} come free when it is emptied."),
    };
    out.confirm(&question).await
}

/// How to take it back, and how to free its bytes.
fn undo(report: &DeletionReport, out: &mut Output) {
    if let Some(entry) = &report.trashed {
        out.hint(&format!("bring it back with: hfdesk-tui cache restore {}", entry.id));
        out.hint(&format!("free {} at once with: hfdesk-tui cache empty {}", desk::bytes(entry.frees), entry.id));
    }
}

/// Whatever could not be removed makes the verb fail, after what could be has been told.
pub(super) fn failures(report: &DeletionReport, out: &mut Output) -> Result<(), Fault> {
    if report.failures.is_empty() {
        return Ok(());
    }
    report.failures.iter().for_each(|failure| out.warning(failure));
    let count = counted(report.failures.len(), "thing", "things");
    Err(Fault::new(FaultKind::Disk, format!("{count} could not be deleted"))
        .hint("see the warnings above, then run the same command again"))
}
